from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column, table_exists

STATES = [
    ("none", "Not followed up"),
    ("planned", "In time"),
    ("overdue", "Overdue"),
    ("escalated", "Escalated"),
    ("warned", "Going to the pool"),
]
# What has happened since the last contact; all of it is forgotten by the next one.
EVENT_FIELDS = (
    "trade_reminded_at",
    "trade_escalated_at",
    "trade_warned_at",
    "trade_recycle_at",
)
COLUMNS = ("trade_last_contact_at", "trade_follow_up_at", *EVENT_FIELDS)
# Writing one of them may move the deadline.
TRIGGERS = {
    "active",
    "date_last_stage_update",
    "date_open",
    "probability",
    "stage_id",
    "trade_last_contact_at",
    "trade_pooled_at",
    "user_id",
}
ACTIVITY_TYPES = (
    "trade_crm.mail_activity_type_lead_follow_up",
    "trade_crm.mail_activity_type_lead_escalation",
)


class CrmLead(models.Model):
    """When a lead has to be contacted again.

    The deadline counts from the last contact, change of stage or new salesperson, whichever came
    last. It is kept whether or not the company follows its leads up; what it leads to is up to
    the job in ``crm_lead_follow_up_job.py``.
    """

    _inherit = "crm.lead"

    trade_last_contact_at = fields.Datetime(
        "Last contact",
        readonly=True,
        copy=False,
        help="When one of us last wrote to, called or met the customer, or the customer wrote. "
        "Internal notes are no contact.",
    )
    trade_follow_up_at = fields.Datetime(
        "Contact until", compute="_compute_trade_follow_up", store=True, copy=False
    )
    trade_reminded_at = fields.Datetime(
        "Reminded on", compute="_compute_trade_follow_up", store=True, copy=False
    )
    trade_escalated_at = fields.Datetime(
        "Manager told on", compute="_compute_trade_follow_up", store=True, copy=False
    )
    trade_warned_at = fields.Datetime(
        "Warned on", compute="_compute_trade_follow_up", store=True, copy=False
    )
    trade_recycle_at = fields.Datetime(
        "Goes to the pool on",
        compute="_compute_trade_follow_up",
        store=True,
        copy=False,
        help="Told in the warning; a contact with the customer calls it off.",
    )
    trade_follow_up_state = fields.Selection(
        STATES,
        "Follow-up",
        compute="_compute_trade_follow_up_state",
        search="_search_trade_follow_up_state",
    )

    _follow_up_idx = models.Index("(trade_follow_up_at) WHERE trade_follow_up_at IS NOT NULL")

    def _auto_init(self):
        # Filled in by SQL, once the stages have their days: there may be very many leads.
        cr = self.env.cr
        if table_exists(cr, "crm_lead") and not column_exists(cr, "crm_lead", COLUMNS[0]):
            for name in COLUMNS:
                create_column(cr, "crm_lead", name, "timestamp")
            self.pool.post_init(self._fill_follow_up)
        return super()._auto_init()

    # ------------------------------------------------------------------
    # Deadline
    # ------------------------------------------------------------------

    @api.depends(
        "active",
        "date_last_stage_update",
        "date_open",
        "stage_id",
        "trade_last_contact_at",
        "trade_pooled_at",
        "user_id",
        "won_status",
    )
    def _compute_trade_follow_up(self):
        """The deadline; where it moves, what has happened since the last contact is forgotten.

        The days of a stage are no dependency: see ``_refresh_follow_up``.
        """
        for lead in self:
            deadline = lead._get_follow_up_deadline()
            moved = deadline != lead.trade_follow_up_at
            lead.trade_follow_up_at = deadline
            for name in EVENT_FIELDS:
                lead[name] = False if moved else lead[name]

    def _get_follow_up_start(self):
        """From when on a lead waits for a contact."""
        moments = (
            self.create_date,
            self.date_open,
            self.date_last_stage_update,
            self.trade_last_contact_at,
        )
        return max(filter(None, moments), default=fields.Datetime.now()).replace(microsecond=0)

    def _get_follow_up_deadline(self):
        stage = self.stage_id
        waits = (
            self.active
            and self.user_id
            and self.won_status == "pending"
            and not self.trade_pooled_at
            and not stage.is_won
        )
        if not waits or not stage.trade_follow_up_days:
            return False
        return self._get_follow_up_start() + timedelta(days=stage.trade_follow_up_days)

    @api.model
    def _get_follow_up_sql(self, contact=None):
        """What ``_get_follow_up_deadline`` computes, of ``crm_lead lead`` and ``crm_stage stage``."""
        return SQL(
            """
            CASE WHEN lead.active AND lead.user_id IS NOT NULL AND lead.won_status = 'pending'
                  AND lead.trade_pooled_at IS NULL AND stage.is_won IS NOT TRUE
                  AND stage.trade_follow_up_days > 0
                 THEN date_trunc('second', GREATEST(
                          lead.create_date, lead.date_open, lead.date_last_stage_update, %s
                      )) + stage.trade_follow_up_days * interval '1 day'
            END
            """,
            contact or SQL("lead.trade_last_contact_at"),
        )

    @api.model
    def _refresh_follow_up(self, condition, keep_due=False):
        """Work out deadlines in one statement: for who writes leads or stages in bulk.

        :param condition: SQL on ``lead``, the leads to look at
        :param keep_due: whether a lead that is due before and after is still where it was, because
            only the days of its stage have changed
        :return: ids of the leads whose deadline has moved
        """
        self.flush_model()
        self.env["crm.stage"].flush_model()
        kept = SQL("fresh.follow_up_at <= %s", fields.Datetime.now()) if keep_due else SQL("FALSE")
        recycles = SQL("(%s) AND fresh.recycles", kept)
        rows = self.env.execute_query(
            SQL(
                """
                WITH fresh AS (
                    SELECT lead.id, %(deadline)s AS follow_up_at,
                           stage.trade_recycle_days > 0 AS recycles,
                           lead.trade_reminded_at IS NOT NULL
                               OR lead.trade_escalated_at IS NOT NULL
                               OR lead.trade_warned_at IS NOT NULL AS told
                      FROM crm_lead lead
                      LEFT JOIN crm_stage stage ON stage.id = lead.stage_id
                     WHERE %(condition)s
                )
                UPDATE crm_lead lead
                   SET trade_follow_up_at = fresh.follow_up_at,
                       trade_reminded_at = CASE WHEN %(kept)s THEN lead.trade_reminded_at END,
                       trade_escalated_at = CASE WHEN %(kept)s THEN lead.trade_escalated_at END,
                       trade_warned_at = CASE WHEN %(recycles)s THEN lead.trade_warned_at END,
                       trade_recycle_at = CASE WHEN %(recycles)s THEN lead.trade_recycle_at END
                  FROM fresh
                 WHERE fresh.id = lead.id
                   AND (fresh.follow_up_at IS DISTINCT FROM lead.trade_follow_up_at
                        OR (lead.trade_warned_at IS NOT NULL AND fresh.recycles IS NOT TRUE))
                RETURNING lead.id, fresh.told AND (%(kept)s) IS NOT TRUE
                """,
                deadline=self._get_follow_up_sql(),
                condition=condition,
                kept=kept,
                recycles=recycles,
            )
        )
        self.invalidate_model([*COLUMNS, "trade_follow_up_state"], flush=False)
        self.browse(lead_id for lead_id, reset in rows if reset)._close_follow_up_activities()
        return [lead_id for lead_id, _reset in rows]

    @api.model
    def _fill_follow_up(self):
        """Last contacts and deadlines of the leads that were there before us, in one statement."""
        self.env.cr.execute(
            SQL(
                """
                WITH contact AS (
                    SELECT message.res_id, max(date_trunc('second', message.date)) AS last
                      FROM mail_message message
                     WHERE message.model = 'crm.lead' AND %(is_contact)s
                     GROUP BY message.res_id
                ), fresh AS (
                    SELECT lead.id, contact.last, %(deadline)s AS follow_up_at
                      FROM crm_lead lead
                      LEFT JOIN crm_stage stage ON stage.id = lead.stage_id
                      LEFT JOIN contact ON contact.res_id = lead.id
                )
                UPDATE crm_lead lead
                   SET trade_last_contact_at = fresh.last, trade_follow_up_at = fresh.follow_up_at
                  FROM fresh
                 WHERE fresh.id = lead.id
                   AND (fresh.last IS NOT NULL OR fresh.follow_up_at IS NOT NULL)
                """,
                is_contact=self.env["mail.message"]._get_contact_sql(),
                deadline=self._get_follow_up_sql(SQL("contact.last")),
            )
        )
        self.invalidate_model(flush=False)

    # ------------------------------------------------------------------
    # State
    # ------------------------------------------------------------------

    @api.depends(
        "company_id", "trade_escalated_at", "trade_follow_up_at", "trade_warned_at", "user_id"
    )
    def _compute_trade_follow_up_state(self):
        now = fields.Datetime.now()
        for lead in self:
            lead.trade_follow_up_state = lead._get_follow_up_state(now)

    def _get_follow_up_state(self, now):
        company = self.company_id or self.user_id.company_id
        if not self.trade_follow_up_at or not company.sudo().trade_lead_follow_up:
            return "none"
        if self.trade_warned_at:
            return "warned"
        if self.trade_escalated_at:
            return "escalated"
        return "overdue" if self.trade_follow_up_at <= now else "planned"

    @api.model
    def _search_trade_follow_up_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        companies = self.env["res.company"].sudo().search([("trade_lead_follow_up", "=", True)])
        followed = Domain("trade_follow_up_at", "!=", False) & (
            Domain("company_id", "in", companies.ids)
            | Domain("company_id", "=", False)
            & Domain("user_id", "any!", [("company_id", "in", companies.ids)])
        )
        calm = Domain("trade_warned_at", "=", False) & Domain("trade_escalated_at", "=", False)
        now = fields.Datetime.now()
        domains = {
            "none": ~followed,
            "planned": followed & calm & Domain("trade_follow_up_at", ">", now),
            "overdue": followed & calm & Domain("trade_follow_up_at", "<=", now),
            "escalated": followed
            & Domain("trade_warned_at", "=", False)
            & Domain("trade_escalated_at", "!=", False),
            "warned": followed & Domain("trade_warned_at", "!=", False),
        }
        return Domain.OR(domains[state or "none"] for state in value)

    # ------------------------------------------------------------------
    # Contact
    # ------------------------------------------------------------------

    def _note_contact(self, moment):
        """The customer was contacted, or wrote, at ``moment``."""
        moment = min(moment, fields.Datetime.now()).replace(microsecond=0)
        leads_sudo = self.sudo().filtered(
            lambda lead: not lead.trade_last_contact_at or lead.trade_last_contact_at < moment
        )
        if leads_sudo:
            leads_sudo.write({"trade_last_contact_at": moment})

    def write(self, vals):
        told = self.browse()
        if not TRIGGERS.isdisjoint(vals):
            told = self.filtered(lambda lead: lead._is_told())
        result = super().write(vals)
        told.filtered(lambda lead: not lead._is_told())._close_follow_up_activities()
        return result

    def _is_told(self):
        """Whether somebody was reminded, told or warned since the last contact."""
        return bool(self.trade_reminded_at or self.trade_escalated_at or self.trade_warned_at)

    def _close_follow_up_activities(self):
        """What we asked people to do is settled."""
        if self:
            activities = self.sudo().activity_search(ACTIVITY_TYPES)
            # Odoo is not done yet with those that somebody is marking as done.
            done_ids = self.env.context.get("trade_done_activity_ids", ())
            activities.filtered(lambda activity: activity.id not in done_ids).unlink()

    def _merge_dependences(self, opportunities):
        result = super()._merge_dependences(opportunities)
        if moments := opportunities.sudo().filtered("trade_last_contact_at"):
            self._note_contact(max(moments.mapped("trade_last_contact_at")))
        return result

    def action_view_trail(self):
        """Open what was said and done with the customer, over all of its leads."""
        self.ensure_one()
        customer = self.partner_id.commercial_partner_id
        if customer:
            return customer.action_view_trail()
        return self.env["trade.lead.trail"]._get_trail_action([("lead_id", "=", self.id)], self)
