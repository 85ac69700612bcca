import logging

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)


class TradeReminderLevel(models.Model):
    """From how many days overdue on a customer is reminded, and how."""

    _name = "trade.reminder.level"
    _description = "Reminder Level"
    _order = "days, id"

    name = fields.Char(required=True, translate=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    days = fields.Integer("From days overdue on", required=True)
    send_mail = fields.Boolean("Send the statement", default=True)
    make_activity = fields.Boolean("Have the salesperson call")
    active = fields.Boolean(default=True)

    _days_unique = models.UniqueIndex(
        "(company_id, days) WHERE active", "There is a level for these days already."
    )
    _days_positive = models.Constraint("CHECK (days > 0)", "Reminders begin after the due date.")

    @api.model
    def _get_default_levels(self):
        """Values of the usual levels, with names in the user's language."""
        return [
            {"name": self.env._("First reminder"), "days": 7},
            {"name": self.env._("Second reminder"), "days": 21},
            {"name": self.env._("Last reminder"), "days": 45, "make_activity": True},
        ]

    @api.model
    def _create_default(self, companies):
        """Give the usual levels to those of ``companies`` that never had any, in every language."""
        levels = self.with_context(lang="en_US", active_test=False)
        known = levels._read_group([("company_id", "in", companies.ids)], ["company_id"])
        for company in companies.filtered(lambda company: (company,) not in known):
            made = levels.create(
                [{**values, "company_id": company.id} for values in levels._get_default_levels()]
            )
            made._translate_default()

    def _translate_default(self):
        for lang, _name in self.env["res.lang"].get_installed():
            if lang != "en_US":
                translated = self.with_context(lang=lang)
                values = translated._get_default_levels()
                for level, texts in zip(translated, values, strict=True):
                    level.name = texts["name"]


class TradeReminder(models.Model):
    """That a customer was reminded: once per level for each time that it falls overdue."""

    _name = "trade.reminder"
    _description = "Reminder"
    _inherit = ["trade.territory.path.mixin"]
    _rec_name = "partner_id"
    _order = "id desc"

    partner_id = fields.Many2one("res.partner", "Customer", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="company_id.currency_id")
    level_id = fields.Many2one("trade.reminder.level", required=True, ondelete="restrict")
    day = fields.Date(required=True)
    overdue_since = fields.Date("Overdue since", required=True)
    amount = fields.Monetary("Overdue")
    sent_at = fields.Datetime("Sent", readonly=True)

    # A second run, or one beside it, finds the row.
    _once = models.UniqueIndex("(partner_id, company_id, level_id, overdue_since)")
    _unsent_idx = models.Index("(company_id, day) WHERE sent_at IS NULL")

    @api.model
    def _cron_remind(self):
        """Remind who has come to the next level; nobody twice, and nobody is left out by a crash."""
        cron = self.env["ir.cron"]
        for company in self.env["res.company"].search([("trade_reminders", "=", True)]):
            self._make_reminders(company)
        unsent = self.search(
            [("sent_at", "=", False), ("company_id.trade_reminders", "=", True)], order="id"
        )
        cron._commit_progress(remaining=len(unsent))
        for reminder in unsent:
            reminder._try_to_send()
            if not cron._commit_progress(1):
                break

    def _try_to_send(self):
        """Send, and leave it to the next run when that fails: one customer does not stop the others."""
        try:
            self._send()
            self.env.flush_all()
        except Exception:
            self.env.cr.rollback()
            _logger.exception("Reminder %s cannot be sent", self.ids)

    @api.model
    def _make_reminders(self, company):
        """Note one for each customer, of the highest level that it has come to and not been told of.

        Who has promised to pay is left alone until then, and who has paid as much as is overdue
        though nobody has matched it yet.
        """
        day = fields.Date.context_today(self.with_context(tz=company.trade_tz))
        # What was not sent on its day may be paid: who still owes gets a new one.
        self.search(
            [("company_id", "=", company.id), ("sent_at", "=", False), ("day", "<", day)]
        ).unlink()
        accounts = self.env["trade.credit.account"]
        accounts._flush_for_exposure()
        for name in ("trade.credit.promise", "trade.reminder", "trade.reminder.level"):
            self.env[name].flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH debtor AS NOT MATERIALIZED (SELECT id, commercial_partner_id FROM res_partner),
                     earmark AS (%(earmarks)s),
                     item AS (%(items)s),
                     overdue AS (
                    SELECT customer_id,
                           min(date_due) FILTER (WHERE amount > 0) AS since,
                           sum(amount) FILTER (WHERE amount < 0 OR date_due < %(day)s) AS amount
                      FROM item
                     GROUP BY customer_id)
                INSERT INTO trade_reminder (
                    partner_id, company_id, level_id, day, overdue_since, amount,
                    create_uid, create_date, write_uid, write_date)
                SELECT overdue.customer_id, %(company)s, level.id, %(day)s, overdue.since, overdue.amount,
                       %(user)s, %(now)s, %(user)s, %(now)s
                  FROM overdue
                  JOIN LATERAL (SELECT id, days FROM trade_reminder_level
                                 WHERE company_id = %(company)s AND active
                                   AND days <= %(day)s - overdue.since
                                 ORDER BY days DESC LIMIT 1) level ON TRUE
                 WHERE overdue.amount > 0
                   AND NOT EXISTS (SELECT FROM trade_credit_promise promise
                                    WHERE promise.partner_id = overdue.customer_id
                                      AND promise.company_id = %(company)s
                                      AND promise.state = 'open'
                                      AND promise.date_promised >= %(day)s)
                   AND NOT EXISTS (SELECT FROM trade_reminder reminder
                                     JOIN trade_reminder_level known ON known.id = reminder.level_id
                                    WHERE reminder.partner_id = overdue.customer_id
                                      AND reminder.company_id = %(company)s
                                      AND reminder.overdue_since = overdue.since
                                      AND known.days >= level.days)
                    ON CONFLICT DO NOTHING
                """,
                earmarks=accounts._get_earmark_sql(company.id),
                items=accounts._get_receivable_sql(company.id),
                company=company.id,
                day=day,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )

    def _send(self):
        """Mail the statement in the customer's language, or have somebody call."""
        self.ensure_one()
        self.sent_at = fields.Datetime.now()
        partner = self.partner_id
        if self.level_id.send_mail and partner.email:
            template = self.env.ref("trade_crm.mail_template_statement")
            template.with_company(self.company_id).with_context(
                trade_reminder=self.level_id.with_context(lang=partner.lang).name
            ).send_mail(partner.id)
        if self.level_id.make_activity or not partner.email:
            user = partner.user_id
            if user.active:
                partner.activity_schedule(
                    "mail.mail_activity_data_call",
                    user_id=user.id,
                    summary=self.level_id.with_context(lang=user.lang).name,
                )


class ResCompany(models.Model):
    _inherit = "res.company"

    trade_reminders = fields.Boolean(
        "Remind of what is overdue", help="By the reminder levels, once a day."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env["trade.reminder.level"].sudo()._create_default(companies)
        return companies


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_reminders = fields.Boolean(related="company_id.trade_reminders", readonly=False)
