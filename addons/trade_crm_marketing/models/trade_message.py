from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

CHANNELS = [
    ("mail", "E-mail"),
    ("sms", "SMS"),
    ("provider", "Message provider"),
    ("call", "Call"),
    ("coupon", "Coupon"),
]
# What a channel needs of a customer, and where it is kept.
KINDS = {"mail": "mail", "sms": "phone", "provider": "phone", "call": "phone"}
COLUMNS = {"mail": "email_normalized", "phone": "phone_sanitized"}
PURPOSES = [
    ("offer", "Offers and promotions"),
    ("news", "News and invitations"),
    ("care", "Greetings and care"),
]
STATES = [
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("sent", "Sent"),
    ("failed", "Failed"),
    ("skipped", "Not sent"),
    ("unknown", "Outcome unknown"),
]
REASONS = [
    # Not allowed
    ("no_consent", "No consent"),
    ("opted_out", "Opted out"),
    ("blacklisted", "On the blacklist"),
    ("no_address", "No address"),
    ("bad_address", "Address is not valid"),
    ("archived", "Customer is archived"),
    ("quiet", "Quiet hours of the customer"),
    ("cap", "Enough messages for now"),
    # Overtaken
    ("cancelled", "Campaign was ended"),
    ("late", "Waited for too long"),
    ("merged", "Customer was merged"),
    ("erased", "Person was erased"),
    ("duplicate", "Address was reached already"),
    ("no_content", "Nothing to send"),
    # Went wrong
    ("no_provider", "No provider is set up"),
    ("no_caller", "Nobody looks after the customer"),
    ("rejected", "Refused by the provider"),
    ("bounced", "Came back"),
    ("error", "Could not be delivered"),
    ("interrupted", "Interrupted while sending"),
]
# These may still go out, or have gone out: they count as contacts.
LIVE_STATES = ("sending", "sent", "unknown")


class TradeMessage(models.Model):
    """What marketing sends: one row per campaign, customer and step, which goes out once at most.

    Rows are made by :meth:`_enqueue`, never one by one, and are read-only for users. What became of
    them is in ``state``; whatever does not go out has a ``reason``.
    """

    _name = "trade.message"
    _inherit = ["trade.territory.mixin"]
    _description = "Marketing Message"
    _order = "due_at desc, id desc"
    _rec_name = "partner_id"

    # Indexed by the constraint below.
    campaign_id = fields.Many2one("utm.campaign", required=True, readonly=True, ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty when the customer was deleted; the message still counts.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    territory_id = fields.Many2one(readonly=True)
    step = fields.Integer(required=True, readonly=True, default=1)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    purpose = fields.Selection(PURPOSES, required=True, readonly=True)
    mailing_id = fields.Many2one(
        "mailing.mailing", readonly=True, index="btree_not_null", ondelete="set null"
    )
    body = fields.Text("Text", readonly=True, help="Of calls and of messages by a provider.")
    # What became of it
    state = fields.Selection(STATES, required=True, readonly=True, default="queued")
    reason = fields.Selection(REASONS, readonly=True)
    reason_detail = fields.Char("Details", readonly=True)
    reason_text = fields.Char("Why", compute="_compute_reason_text")
    planned_at = fields.Datetime("Planned for", required=True, readonly=True)
    due_at = fields.Datetime(
        "Due",
        required=True,
        readonly=True,
        index=True,
        help="Later than planned when quiet hours or the limit of messages make it wait.",
    )
    # Who sends it: a number for each chunk, and the connection of the worker, which tells that it died.
    claim = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    worker = fields.Integer(readonly=True, groups=fields.NO_ACCESS)
    claimed_at = fields.Datetime("Sending since", readonly=True)
    attempted_at = fields.Datetime(
        "Handed over on", readonly=True, help="From here on it may have gone out."
    )
    sent_at = fields.Datetime("Sent on", readonly=True)
    delivered_at = fields.Datetime("Delivered on", readonly=True)
    opened_at = fields.Datetime("Opened on", readonly=True)
    clicked_at = fields.Datetime("Clicked on", readonly=True)
    trace_id = fields.Many2one(
        "mailing.trace", readonly=True, index="btree_not_null", ondelete="set null"
    )
    provider_id = fields.Many2one(
        "trade.message.provider", readonly=True, index="btree_not_null", ondelete="set null"
    )
    provider_ref = fields.Char("Number at the provider", readonly=True)

    # A constraint and no unique index: the merge of customers looks for constraints only.
    _once = models.Constraint(
        "UNIQUE (campaign_id, partner_id, step)",
        "A customer gets each step of a campaign once.",
    )
    _reason_given = models.Constraint(
        "CHECK (state NOT IN ('skipped', 'failed', 'unknown') OR reason IS NOT NULL)",
        "A message that is not sent says why.",
    )
    _queued = models.Index("(campaign_id, due_at, id) WHERE state = 'queued'")
    _sending = models.Index("(claimed_at) WHERE state = 'sending'")
    _contacts = models.Index("(partner_id, sent_at) WHERE state IN ('sending', 'sent', 'unknown')")

    @api.depends("reason", "reason_detail")
    def _compute_reason_text(self):
        labels = dict(self._fields["reason"]._description_selection(self.env))
        failure = self.env["mailing.trace"]._fields["failure_type"]
        details = dict(failure._description_selection(self.env))
        for message in self:
            detail = message.reason_detail
            parts = [labels.get(message.reason), details.get(detail, detail)]
            message.reason_text = ": ".join(filter(None, parts))

    # ------------------------------------------------------------------
    # Queue
    # ------------------------------------------------------------------

    @api.model
    def _get_enqueued_columns(self):
        """``{column: type}`` of what :meth:`_enqueue` takes; addons extend it."""
        return {
            "campaign_id": SQL("int"),
            "partner_id": SQL("int"),
            "territory_id": SQL("int"),
            "company_id": SQL("int"),
            "step": SQL("int"),
            "channel": SQL("varchar"),
            "purpose": SQL("varchar"),
            "mailing_id": SQL("int"),
            "body": SQL("text"),
            "due_at": SQL("timestamp"),
        }

    @api.model
    def _enqueue(self, query):
        """Queue what is to be sent, at once; what is queued or sent already is left alone.

        :param query: ``SQL`` of a SELECT with the columns of :meth:`_get_enqueued_columns`
        :return: how many are new
        """
        self.env.flush_all()
        types = self._get_enqueued_columns()
        columns = SQL(", ").join(map(SQL.identifier, types))
        values = SQL(", ").join(
            SQL("queued.%s::%s", SQL.identifier(name), kind) for name, kind in types.items()
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_message
                       (%(columns)s, state, planned_at,
                        create_uid, create_date, write_uid, write_date)
                SELECT %(values)s, 'queued', queued.due_at::timestamp,
                       %(uid)s, %(now)s, %(uid)s, %(now)s
                  FROM (%(query)s) queued
                    ON CONFLICT DO NOTHING
                """,
                columns=columns,
                values=values,
                query=query,
                uid=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_model()
        if count:
            self.env.ref("trade_crm_marketing.ir_cron_message_send").sudo()._trigger()
        return count

    @api.model
    def _get_sendable_domain(self):
        """Queued messages that may go out: campaigns limit it to those that run."""
        return Domain("campaign_id.active", "=", True)

    @api.model
    def _cancel(self, campaigns):
        """Whatever of ``campaigns`` waits is not sent any more. What is being sent is let go.

        :return: how many
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE trade_message SET state = 'skipped', reason = 'cancelled',"
                " write_uid = %s, write_date = %s"
                " WHERE campaign_id = ANY(%s) AND state = 'queued'",
                self.env.uid,
                fields.Datetime.now(),
                campaigns.ids,
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_model()
        return count
