from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

KINDS = [
    ("none", "No credit"),
    ("amount", "Up to an amount"),
    ("unlimited", "Unlimited"),
]
LIMIT_FIELDS = {"limit_kind", "limit_amount", "head_id", "on_hold", "overdue_kind", "overdue_days"}


class TradeCreditAccount(models.Model):
    """How much a customer may owe a company; one row per commercial partner and company.

    The row is what confirmations at the same time meet at: each of them updates the row of the head
    first, so that all but one start again with what the first one has left (see
    ``sale.order._lock_for_gate``). Who has no row has the limit of the tier or of the company.
    """

    _name = "trade.credit.account"
    _description = "Customer Credit"
    _inherit = ["mail.thread", "trade.territory.path.mixin"]
    _rec_name = "partner_id"
    _order = "id desc"
    _check_company_auto = True

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('parent_id', '=', False)]",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    territory_id = fields.Many2one(related="partner_id.territory_id", string="Territory")
    head_id = fields.Many2one(
        "trade.credit.account",
        "Shares the limit of",
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        help="The head of a group of customers: what all of them owe counts against its limit.",
    )
    member_ids = fields.One2many("trade.credit.account", "head_id", "Members of the group")
    limit_kind = fields.Selection(
        [("inherit", "As the tier or the company says"), *KINDS],
        "Credit",
        required=True,
        default="inherit",
        tracking=True,
    )
    limit_amount = fields.Monetary("Own limit", tracking=True)
    on_hold = fields.Boolean(
        "On hold",
        tracking=True,
        help="Nothing is sold on credit, whatever the limit is; prepaid orders pass.",
    )
    overdue_kind = fields.Selection(
        [
            ("inherit", "As the company says"),
            ("own", "Own number of days"),
            ("never", "Not checked"),
        ],
        "Overdue check",
        required=True,
        default="inherit",
        tracking=True,
    )
    overdue_days = fields.Integer("Overdue days allowed", tracking=True)
    temporary_ids = fields.One2many("trade.credit.temporary", "account_id", "Temporary limits")
    request_ids = fields.One2many("trade.credit.request", "account_id", "Requests")
    # The guard: written by each check, so that the next one does not go by what is out of date.
    check_count = fields.Integer("Checks", readonly=True, copy=False)

    limit = fields.Monetary(
        "Limit today", compute="_compute_standing", help="With the temporary limit; the group's."
    )
    limit_text = fields.Char("Credit limit", compute="_compute_standing")
    exposure = fields.Monetary(compute="_compute_standing", help="Of the whole group.")
    receivable = fields.Monetary(compute="_compute_standing")
    open_orders = fields.Monetary("Not yet invoiced", compute="_compute_standing")
    prepaid = fields.Monetary("Prepaid, not yet booked", compute="_compute_standing")
    free = fields.Monetary("Free credit", compute="_compute_standing")
    overdue = fields.Monetary(compute="_compute_standing")
    is_over = fields.Boolean("Over limit", compute="_compute_standing", search="_search_is_over")

    _customer_unique = models.UniqueIndex(
        "(partner_id, company_id)", "The customer has a credit record in this company already."
    )
    _numbers_sane = models.Constraint(
        "CHECK (limit_amount >= 0 AND overdue_days >= 0)", "Limits and days are not negative."
    )

    # ------------------------------------------------------------------
    # Compute
    # ------------------------------------------------------------------

    @api.depends("limit_kind", "limit_amount", "head_id", "on_hold", "overdue_kind", "overdue_days")
    @api.depends_context("lang")
    def _compute_standing(self):
        for company, accounts in self.grouped("company_id").items():
            heads = {account: account.sudo()._get_head_partner() for account in accounts}
            standings = self._read_standings(company, {head.id for head in heads.values()})
            for account in accounts:
                account.update(self._prepare_standing_values(standings.get(heads[account].id)))

    @api.model
    def _prepare_standing_values(self, standing):
        names = (
            "exposure", "receivable", "open_orders", "prepaid", "overdue", "free", "is_over",
            "limit", "limit_text",
        )  # fmt: skip
        if not standing:
            return dict.fromkeys(names, False)
        values = {name: getattr(standing, name, False) for name in names}
        return {**values, "limit_text": standing.describe_limit(self.env)}

    def _get_head_partner(self):
        """The customer whose limit counts."""
        self.ensure_one()
        return (self.head_id or self).partner_id._origin

    @api.model
    def _search_is_over(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Of the accounts that the user sees: not what a stranger owes.
        found = set()
        for company in self.env.companies:
            accounts = self.search_fetch(
                [("company_id", "=", company.id)], ["partner_id", "head_id"]
            )
            heads = {account: account.sudo()._get_head_partner().id for account in accounts}
            standings = self._read_standings(company, set(heads.values()))
            found.update(
                account.id
                for account, head in heads.items()
                if head in standings and standings[head].is_over in value
            )
        return [("id", "in", list(found))]

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.constrains("head_id", "company_id", "partner_id")
    def _check_head(self):
        for account in self:
            if account.head_id and (account.head_id.head_id or account.member_ids):
                raise ValidationError(
                    self.env._(
                        "A head of a group shares nobody else's limit: “%s” is head or member already.",
                        account.partner_id.display_name,
                    )
                )
            if account.head_id == account:
                raise ValidationError(self.env._("A customer does not share its own limit."))
            if account.partner_id != account.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "“%(contact)s” is a contact: credit is given to %(customer)s.",
                        contact=account.partner_id.display_name,
                        customer=account.partner_id.commercial_partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        accounts = super().create(vals_list)
        accounts._release_later()
        return accounts

    def write(self, vals):
        result = super().write(vals)
        if not LIMIT_FIELDS.isdisjoint(vals):
            self._release_later()
        return result

    # ------------------------------------------------------------------
    # Guard
    # ------------------------------------------------------------------

    @api.model
    def _lock(self, company, partner_ids):
        """Update the guards of these customers, before their exposure is read.

        Who waited here for somebody else fails to serialize, and Odoo starts the request again. A row
        that is made now is a guard as well: whoever makes it at the same time fails alike.

        :param partner_ids: commercial partners
        :return: ``{customer id: (id of the head's customer, id of the guard)}``
        """
        rows = self._read_heads(company, partner_ids, lock=True)
        if missing := set(partner_ids) - rows.keys():
            rows.update(self._make_accounts(company, missing))
        return rows

    @api.model
    def _make_accounts(self, company, partner_ids):
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_credit_account (
                    partner_id, company_id, limit_kind, overdue_kind, limit_amount, overdue_days,
                    check_count, create_uid, create_date, write_uid, write_date)
                SELECT partner_id, %(company)s, 'inherit', 'inherit', 0, 0,
                       1, %(user)s, %(now)s, %(user)s, %(now)s
                  FROM unnest(%(partners)s) partner_id
                    ON CONFLICT (partner_id, company_id) DO NOTHING
                RETURNING partner_id, id
                """,
                company=company.id,
                partners=sorted(partner_ids),
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        return {partner: (partner, guard) for partner, guard in self.env.cr.fetchall()}

    @api.model
    def _read_heads(self, company, partner_ids, lock=False):
        """Whose limits count for these customers, of those that have a row; see ``_lock``."""
        if not partner_ids:
            return {}
        self.flush_model(["partner_id", "company_id", "head_id"])
        locked = SQL(
            ", locked AS (UPDATE trade_credit_account SET check_count = COALESCE(check_count, 0) + 1"
            " WHERE id IN (SELECT guard_id FROM head))"
        )
        self.env.cr.execute(
            SQL(
                """
                WITH head AS (
                    SELECT account.partner_id, COALESCE(head.partner_id, account.partner_id) AS head_id,
                           COALESCE(head.id, account.id) AS guard_id
                      FROM trade_credit_account account
                      LEFT JOIN trade_credit_account head ON head.id = account.head_id
                     WHERE account.company_id = %(company)s AND account.partner_id IN %(partners)s
                ) %(locked)s
                SELECT partner_id, head_id, guard_id FROM head
                """,
                company=company.id,
                partners=tuple(partner_ids),
                locked=locked if lock else SQL(),
            )
        )
        return {partner: (head, guard) for partner, head, guard in self.env.cr.fetchall()}

    # ------------------------------------------------------------------
    # Merge
    # ------------------------------------------------------------------

    @api.model
    def _merge_customers(self, src_partners, dst_partner):
        """Bring groups and holds over to the customer that stays, before the others go.

        Their groups become the group of the one that stays. Its own limit counts, unless it is merged
        with the head of its group: then it is the head, with the limit of the group.
        """
        accounts = self.search([("partner_id", "in", (src_partners | dst_partner).ids)])
        for same_company in accounts.grouped("company_id").values():
            kept = same_company.filtered(lambda account: account.partner_id == dst_partner)
            # Without an account of its own it simply gets one of these.
            kept = kept or same_company[-1:]
            gone = same_company - kept
            if kept.head_id in gone:
                old_head = kept.head_id
                kept.write({name: old_head[name] for name in LIMIT_FIELDS - {"head_id"}})
                kept.head_id = False
            head = kept.head_id or kept
            (gone.member_ids - same_company).head_id = head
            if not kept.on_hold and any(gone.mapped("on_hold")):
                kept.on_hold = True
            gone.request_ids.account_id = kept
            gone.unlink()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_items(self):
        """What makes up the exposure."""
        self.ensure_one()
        members = self.member_ids.partner_id | self.partner_id
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm.trade_credit_report_action"
        )
        return {
            **action,
            "views": [(False, "list"), (False, "pivot")],
            "domain": [
                ("partner_id", "in", members.ids),
                ("company_id", "=", self.company_id.id),
            ],
            "context": {},
        }
