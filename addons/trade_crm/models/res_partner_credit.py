from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from .res_company_credit import CREDIT_ROLES


class ResPartner(models.Model):
    """What a customer owes the current company, and may owe."""

    _inherit = "res.partner"

    trade_credit_account_id = fields.Many2one(
        "trade.credit.account",
        "Credit record",
        compute="_compute_trade_credit",
        groups=CREDIT_ROLES,
    )
    trade_credit_on = fields.Boolean(compute="_compute_trade_credit", groups=CREDIT_ROLES)
    trade_credit_limit = fields.Char(
        "Trade credit limit", compute="_compute_trade_credit", groups=CREDIT_ROLES
    )
    trade_credit_exposure = fields.Monetary(
        "Exposure",
        compute="_compute_trade_credit",
        currency_field="trade_currency_id",
        groups=CREDIT_ROLES,
        help="Receivable and confirmed orders not yet invoiced, less what was prepaid; of the group.",
    )
    trade_credit_free = fields.Monetary(
        "Free credit",
        compute="_compute_trade_credit",
        currency_field="trade_currency_id",
        groups=CREDIT_ROLES,
    )
    trade_credit_overdue = fields.Monetary(
        "Credit overdue",
        compute="_compute_trade_credit",
        currency_field="trade_currency_id",
        groups=CREDIT_ROLES,
    )
    trade_credit_is_over = fields.Boolean(
        "Over the credit limit",
        compute="_compute_trade_credit",
        search="_search_trade_credit_is_over",
        groups=CREDIT_ROLES,
    )

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "lang")
    def _compute_trade_credit(self):
        company = self.env.company
        accounts = self.env["trade.credit.account"].sudo()
        customers = self.commercial_partner_id._origin
        on = company.sudo().trade_credit_control and customers
        known = accounts._read_heads(company, customers.ids) if on else {}
        heads = {customer.id: known.get(customer.id, (customer.id, None)) for customer in customers}
        standings = (
            accounts._read_standings(company, {head for head, _guard in heads.values()})
            if on
            else {}
        )
        own = accounts.search_fetch(
            [("company_id", "=", company.id), ("partner_id", "in", customers.ids)], ["partner_id"]
        )
        by_partner = {account.partner_id.id: account for account in own}
        for partner in self:
            customer = partner.commercial_partner_id._origin
            head, _guard = heads.get(customer.id, (None, None))
            values = accounts._prepare_standing_values(standings.get(head))
            partner.update(
                {
                    "trade_credit_on": bool(on),
                    "trade_credit_account_id": by_partner.get(customer.id),
                    "trade_credit_limit": values["limit_text"],
                    "trade_credit_exposure": values["exposure"],
                    "trade_credit_free": values["free"],
                    "trade_credit_overdue": values["overdue"],
                    "trade_credit_is_over": values["is_over"],
                }
            )

    @api.model
    def _search_trade_credit_is_over(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = Domain("commercial_partner_id", "in", self._find_over_credit())
        return Domain.OR(found if wanted else ~found for wanted in value)

    @api.model
    def _find_over_credit(self):
        """Ids of the user's customers who owe the company more than they may, or whose group does."""
        company = self.env.company
        if not company.sudo().trade_credit_control:
            return []
        # Who owes nothing is not over any limit, unless others of the group are.
        debtors = self.env["trade.credit.report"]._read_group(
            [("company_id", "=", company.id)], ["partner_id"], having=[("exposure:sum", ">", 0)]
        )
        accounts = self.env["trade.credit.account"]
        members = accounts.search(
            [
                ("company_id", "=", company.id),
                "|",
                ("head_id", "!=", False),
                ("member_ids", "!=", False),
            ]
        )
        customers = {partner.id for [partner] in debtors} | set(members.partner_id.ids)
        accounts = accounts.sudo()
        known = accounts._read_heads(company, customers)
        heads = {customer: known.get(customer, (customer, None))[0] for customer in customers}
        standings = accounts._read_standings(company, set(heads.values()))
        return [customer for customer, head in heads.items() if standings[head].is_over]

    def write(self, vals):
        # Who pays is computed from the parents; written, it would put the debt on somebody else.
        if "commercial_partner_id" in vals and not self.env.su:
            vals = {name: vals[name] for name in vals if name != "commercial_partner_id"}
        return super().write(vals)

    def action_trade_credit(self):
        """Open the credit of the customer; Credit control makes the record where there is none."""
        self.ensure_one()
        accounts = self.env["trade.credit.account"]
        customer = self.commercial_partner_id
        domain = [("partner_id", "=", customer.id), ("company_id", "=", self.env.company.id)]
        account = accounts.search(domain, limit=1)
        if not account:
            if not accounts.has_access("create"):
                raise AccessError(
                    self.env._(
                        "%s has no credit of its own; it is set by Credit control.", customer.name
                    )
                )
            account = accounts.create({"partner_id": customer.id})
        return {
            "type": "ir.actions.act_window",
            "res_model": accounts._name,
            "res_id": account.id,
            "views": [(False, "form")],
        }
