from odoo import api, fields, models
from odoo.exceptions import UserError


class TradeStatement(models.AbstractModel):
    """Statement of what a customer owes the current company, for the customer."""

    _name = "report.trade_crm.statement"
    _description = "Statement of Account"

    @api.model
    def _get_report_values(self, docids, data=None):
        partners = self.env["res.partner"].browse(docids)
        customers = partners.commercial_partner_id
        (partners | customers).check_access("read")
        self.env["trade.credit.report"].check_access("read")
        return {
            "doc_ids": customers.ids,
            "doc_model": "res.partner",
            "docs": customers,
            "company": self.env.company,
            "today": fields.Date.context_today(self),
            "statements": {customer: self._read_statement(customer) for customer in customers},
        }

    @api.model
    def _read_statement(self, customer):
        """Open items with their age, oldest first."""
        today = fields.Date.context_today(self)
        lines = (
            self.env["account.move.line"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id.commercial_partner_id", "=", customer.id),
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                ],
                order="date_maturity, id",
            )
        )
        buckets = [0.0] * 5
        for line in lines:
            late = (
                (today - (line.date_maturity or line.date)).days if line.amount_residual > 0 else 0
            )
            buckets[0 if late <= 0 else min((late - 1) // 30 + 1, 4)] += line.amount_residual
        return {
            "lines": lines,
            "total": sum(lines.mapped("amount_residual")),
            "overdue": sum(buckets[1:]),
            "buckets": buckets,
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_trade_statement(self):
        """Print the statement of the customer."""
        self.check_access("read")
        return self.env.ref("trade_crm.action_report_statement").report_action(
            self.commercial_partner_id
        )

    def action_trade_statement_mail(self):
        """Write the mail with the statement; the user reads it before it goes."""
        self.ensure_one()
        customer = self.commercial_partner_id
        if not customer.email:
            raise UserError(self.env._("%s has no e-mail address.", customer.name))
        template = self.env.ref("trade_crm.mail_template_statement")
        return {
            "type": "ir.actions.act_window",
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": "res.partner",
                "default_res_ids": customer.ids,
                "default_template_id": template.id,
                "default_composition_mode": "comment",
            },
        }
