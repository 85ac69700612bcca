from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

STATES = [("open", "Open"), ("kept", "Kept"), ("broken", "Broken"), ("withdrawn", "Withdrawn")]


class TradeCreditPromise(models.Model):
    """A customer says when it will pay how much; what it pays keeps or breaks it."""

    _name = "trade.credit.promise"
    _description = "Promise to Pay"
    _inherit = ["mail.thread", "trade.territory.mixin"]
    _rec_name = "partner_id"
    _order = "date_promised desc, id desc"

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary("Promised", required=True)
    date_made = fields.Date("Made on", required=True, default=fields.Date.context_today)
    date_promised = fields.Date("To be paid by", required=True)
    user_id = fields.Many2one(
        "res.users", "Noted by", default=lambda self: self.env.user, ondelete="restrict"
    )
    note = fields.Char()
    state = fields.Selection(STATES, required=True, default="open", readonly=True, tracking=True)

    _amount_positive = models.Constraint("CHECK (amount > 0)", "What is promised is more than 0.")
    _dates_in_order = models.Constraint(
        "CHECK (date_made <= date_promised)", "A promise is for a day to come."
    )
    _open_idx = models.Index("(company_id, partner_id) WHERE state = 'open'")

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [{**vals, "state": "open"} for vals in vals_list]
        promises = super().create(vals_list)
        for promise in promises:
            customer = promise.partner_id.commercial_partner_id
            if promise.partner_id != customer:
                promise.partner_id = customer
        return promises

    def write(self, vals):
        if "state" in vals and not self.env.su:
            raise AccessError(self.env._("Payments keep a promise, or the day passes."))
        fixed = {"partner_id", "company_id", "amount", "date_made", "date_promised", "user_id"}
        closed = any(promise.state != "open" for promise in self)
        if closed and not self.env.su and not fixed.isdisjoint(vals):
            raise AccessError(self.env._("A promise that is settled stays as it was made."))
        return super().write(vals)

    def action_withdraw(self):
        """It was noted by mistake, or agreed anew."""
        self.check_access("write")
        self.filtered(lambda promise: promise.state == "open").sudo().state = "withdrawn"

    @api.model
    def _cron_settle(self):
        """Settle promises by what has been paid since; safe to run twice."""
        for [company] in self._read_group([("state", "=", "open")], ["company_id"]):
            today = fields.Date.context_today(self.with_context(tz=company.trade_tz))
            settled = self._read_settled(company, today)
            for state, ids in settled.items():
                self.sudo().browse(ids).state = state
            self.browse(settled.get("broken", []))._tell_broken()

    @api.model
    def _read_settled(self, company, today):
        """Promises to settle: ``{"kept": ids, "broken": ids}``.

        A payment counts for the promises that were open on its day, the earliest first.
        """
        self.flush_model()
        self.env["account.move.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                WITH first AS (
                    SELECT partner_id, min(date_made) AS since
                      FROM trade_credit_promise
                     WHERE state = 'open' AND company_id = %(company)s
                     GROUP BY partner_id
                ), promise AS (
                    SELECT id, promise.partner_id, date_promised, state, since,
                           sum(amount) OVER (
                               PARTITION BY promise.partner_id ORDER BY date_promised, id) AS due
                      FROM trade_credit_promise promise
                      JOIN first ON first.partner_id = promise.partner_id
                     WHERE state IN ('open', 'kept') AND company_id = %(company)s
                       AND date_made >= since
                )
                SELECT promise.id, promise.date_promised,
                       COALESCE(-sum(line.balance), 0) >= promise.due AS paid
                  FROM promise
                  LEFT JOIN (account_move_line line
                             JOIN account_account account
                               ON account.id = line.account_id
                              AND account.account_type = 'asset_receivable'
                             JOIN res_partner payer ON payer.id = line.partner_id
                             JOIN account_move move
                               ON move.id = line.move_id AND move.move_type = 'entry')
                         ON payer.commercial_partner_id = promise.partner_id
                        AND line.company_id = %(company)s
                        AND line.parent_state = 'posted'
                        AND line.balance < 0
                        AND line.date BETWEEN promise.since AND promise.date_promised
                 WHERE promise.state = 'open'
                 GROUP BY promise.id, promise.date_promised, promise.due
                """,
                company=company.id,
            )
        )
        settled = {}
        for promise, day, paid in rows:
            if paid:
                settled.setdefault("kept", []).append(promise)
            elif day < today:
                settled.setdefault("broken", []).append(promise)
        return settled

    def _tell_broken(self):
        for promise in self:
            user = promise.partner_id.user_id or promise.user_id
            if user.active:
                promise.partner_id.activity_schedule(
                    "mail.mail_activity_data_call",
                    user_id=user.id,
                    summary=self.env._("The promise to pay was not kept"),
                )
