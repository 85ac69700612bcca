import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from odoo.addons.trade_crm.models.trade_profile_dirty import RETRIED_ERRORS

from .utm_campaign import STATES

_logger = logging.getLogger(__name__)

# A larger audience is frozen, given coupons and put into the queue by the job.
START_AT_ONCE = 5000
# How many a run of the job starts or ends before it commits.
BATCH = 20


class UtmCampaign(models.Model):
    """How a campaign gets from a draft to its end: by buttons, and by its planned start and end."""

    _inherit = "utm.campaign"

    trade_guard = fields.Integer(
        "Guard",
        copy=False,
        help="Written by whoever decides on the campaign or its budget, so that two wait.",
    )
    trade_needs_approval = fields.Boolean("Needs approval", compute="_compute_trade_needs_approval")
    trade_budget_open = fields.Boolean(
        "Budget can be changed", compute="_compute_trade_budget_open"
    )

    @api.depends("trade_company_id", "trade_budget")
    def _compute_trade_needs_approval(self):
        for campaign in self.sudo():
            company = campaign.trade_company_id
            limit = company.trade_campaign_limit
            free = limit and campaign.trade_budget <= limit
            campaign.trade_needs_approval = company.trade_campaign_approval and not free

    @api.depends("trade_state")
    @api.depends_context("uid")
    def _compute_trade_budget_open(self):
        manager = self._is_campaign_manager()
        for campaign in self:
            ended = campaign.trade_state in ("done", "cancelled")
            campaign.trade_budget_open = campaign.trade_state == "draft" or (manager and not ended)

    # ------------------------------------------------------------------
    # Change of status
    # ------------------------------------------------------------------

    def _lock_campaigns(self):
        """Make whoever else decides on these campaigns now start again, and see what is decided here."""
        if not self:
            return
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                "UPDATE utm_campaign SET trade_guard = COALESCE(trade_guard, 0) + 1"
                " WHERE id = ANY(%s)",
                sorted(self.ids),
            )
        )
        self.invalidate_recordset(["trade_guard"])

    def _move(self, from_states, values):
        """Change the status, if it is one of ``from_states``.

        :param values: values to write as superuser, with ``trade_state``
        :raise AccessError: when the user does not plan campaigns
        :raise UserError: when the status is another one
        """
        self.check_access("write")
        self._check_marketer()
        self._lock_campaigns()
        labels = dict(self._fields["trade_state"]._description_selection(self.env))
        for campaign in self:
            if not campaign.trade_is_campaign:
                raise UserError(
                    self.env._(
                        "“%s” is only a name for links: create a campaign under Marketing.",
                        campaign.title,
                    )
                )
            if campaign.trade_state not in from_states:
                raise UserError(
                    self.env._(
                        "“%(campaign)s” is %(state)s: that is possible only while it is %(wanted)s. Somebody "
                        "may have changed it meanwhile; reload the page.",
                        campaign=campaign.title,
                        state=labels[campaign.trade_state],
                        wanted=self.env._(" or ").join(labels[state] for state in from_states),
                    )
                )
        self.sudo().write(values)
        self.flush_recordset(["trade_state"])

    def _check_ready(self):
        """:raise UserError: with everything that is missing"""
        for campaign in self:
            if gaps := campaign._get_gaps():
                raise UserError(
                    self.env._(
                        "“%(campaign)s” is not ready:\n%(gaps)s",
                        campaign=campaign.title,
                        gaps="\n".join(f"• {gap}" for gap in gaps),
                    )
                )

    def _get_gaps(self):
        """What is missing before the campaign can be approved or started; other addons add theirs.

        :return: list of sentences
        """
        self.ensure_one()
        campaign_sudo = self.sudo()
        gaps = []
        if not campaign_sudo.trade_segment_ids:
            gaps.append(self.env._("Choose at least one segment: without it nobody is reached."))
        segments = campaign_sudo.trade_segment_ids | campaign_sudo.trade_excluded_segment_ids
        if not all(segments.mapped("active")):
            gaps.append(self.env._("A segment was archived: choose another one."))
        approved = campaign_sudo.trade_audience_print
        if approved and approved != campaign_sudo._get_audience_print():
            gaps.append(
                self.env._(
                    "The conditions of a segment were changed after the approval: take the campaign back to "
                    "draft and send it for approval again."
                )
            )
        if not campaign_sudo.trade_variant_ids:
            gaps.append(self.env._("Add a variant: it says what customers get."))
        gaps.extend(filter(None, (v._get_gap() for v in campaign_sudo.trade_variant_ids)))
        if campaign_sudo.trade_end and campaign_sudo.trade_end <= fields.Datetime.now():
            gaps.append(self.env._("Its planned end is over: choose a later one."))
        mailings_sudo = campaign_sudo.trade_variant_ids.mailing_id
        gaps.extend(mailings_sudo._get_campaign_gaps(campaign_sudo))
        programs = campaign_sudo.trade_variant_ids.program_id
        if programs and not campaign_sudo.trade_coupon_budget:
            gaps.append(self.env._("Say how much of the budget is for coupons."))
        gaps.extend(filter(None, [campaign_sudo._get_budget_gap()]))
        return [str(gap) for gap in gaps]

    # ------------------------------------------------------------------
    # Approval
    # ------------------------------------------------------------------

    def action_trade_submit(self):
        """Send for approval; what needs none is approved at once."""
        self.check_access("write")
        self._check_ready()
        for campaign in self:
            values = {"trade_submitted_by_id": self.env.uid, "trade_decision": False}
            if campaign.trade_needs_approval:
                campaign._move(("draft",), {**values, "trade_state": "approval"})
                campaign._ask_for_approval()
            else:
                now = fields.Datetime.now()
                campaign._move(
                    ("draft",), {**values, "trade_state": "approved", "trade_approved_at": now}
                )

    def _ask_for_approval(self):
        approver_sudo = self.sudo().trade_company_id.trade_campaign_approver_id
        if approver_sudo and approver_sudo != self.env.user:
            self.sudo().activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=approver_sudo.id,
                summary=self.env._("Approve the campaign “%s”", self.title),
            )

    def _check_may_approve(self):
        """:raise AccessError: when the user is no manager, or would approve the own plan"""
        if not self._is_campaign_manager():
            raise AccessError(
                self.env._("A marketing manager or a sales manager decides on campaigns.")
            )
        for campaign in self:
            own = self.env.user in (campaign.trade_submitted_by_id | campaign.create_uid)
            if own and not self.env.su:
                raise AccessError(
                    self.env._(
                        "“%s” is your own plan: another manager decides.",
                        campaign.title,
                    )
                )

    def action_trade_approve(self):
        self._check_may_approve()
        self._check_ready()
        for campaign in self:
            campaign._move(
                ("approval",),
                {
                    "trade_state": "approved",
                    "trade_approved_by_id": self.env.uid,
                    "trade_approved_at": fields.Datetime.now(),
                    "trade_audience_print": campaign._get_audience_print(),
                },
            )
        self.sudo().activity_unlink(["mail.mail_activity_data_todo"])

    def action_trade_refuse(self):
        """Give it back to who planned it.

        :raise UserError: without a word on why
        """
        self._check_may_approve()
        for campaign in self:
            if not (campaign.trade_decision or "").strip():
                raise UserError(
                    self.env._(
                        "“%s”: say what has to change, in the field Word on the decision.",
                        campaign.title,
                    )
                )
        self._move(("approval",), {"trade_state": "draft"})
        self.sudo().activity_unlink(["mail.mail_activity_data_todo"])
        for campaign in self:
            campaign.sudo().message_post(
                body=campaign.trade_decision,
                partner_ids=(campaign.trade_submitted_by_id | campaign.user_id)
                .sudo()
                .partner_id.ids,
            )

    def action_trade_draft(self):
        """Change the plan once more; it is approved again.

        :raise UserError: when it has begun already
        """
        for campaign in self:
            if campaign.trade_started_at:
                raise UserError(
                    self.env._(
                        "“%s” has reached customers: duplicate it to do it once more.",
                        campaign.title,
                    )
                )
        self._move(
            ("approval", "approved", "cancelled"),
            {
                "trade_state": "draft",
                "trade_approved_by_id": False,
                "trade_approved_at": False,
                "trade_audience_print": False,
            },
        )
        self.sudo().activity_unlink(["mail.mail_activity_data_todo"])

    # ------------------------------------------------------------------
    # Running
    # ------------------------------------------------------------------

    def action_trade_start(self):
        """Freeze the audience, draw the variants, hand out the coupons and begin to send."""
        for campaign in self:
            if campaign.trade_reach <= START_AT_ONCE:
                campaign._start()
                continue
            campaign._start_later()
        if len(self) == 1 and not self.trade_started_at:
            return self._notify(
                self.env._("The audience is large: the campaign starts within a few minutes.")
            )
        return None

    def _start_later(self):
        """Have the job start it: nobody waits so long for a page."""
        self._check_ready()
        self._move(("approved",), {"trade_state": "approved", "trade_start": fields.Datetime.now()})
        self.env.ref("trade_crm_marketing.ir_cron_campaigns").sudo()._trigger()

    def _start(self):
        """Start one campaign; nothing of it stays when it cannot.

        :raise UserError: with what is missing, or when the audience is empty
        """
        self.ensure_one()
        now = fields.Datetime.now()
        values = {"trade_state": "running", "trade_started_at": now}
        if not self.trade_start or self.trade_start > now:
            values["trade_start"] = now
        self._move(("approved",), values)
        self._check_ready()
        self._take_mailings()
        self._freeze_audience()
        self._hand_out_coupons()
        self._enqueue_messages()

    def action_trade_pause(self):
        """Send nothing more until it goes on."""
        self._move(("running",), {"trade_state": "paused"})

    def action_trade_resume(self):
        self._move(("paused",), {"trade_state": "running"})

    def action_trade_finish(self):
        """End it; what was not sent yet is not sent any more, and results go on for the days of effect."""
        self._move(
            ("running", "paused"),
            {"trade_state": "done", "trade_ended_at": fields.Datetime.now()},
        )
        self._on_trade_ended()

    def action_trade_cancel(self):
        """Give it up. One that has begun keeps its audience, so that what was sent can be explained."""
        for campaign in self:
            ended = fields.Datetime.now() if campaign.trade_started_at else False
            states = tuple(key for key, _label in STATES if key not in ("done", "cancelled"))
            campaign._move(states, {"trade_state": "cancelled", "trade_ended_at": ended})
        self.sudo().activity_unlink(["mail.mail_activity_data_todo"])
        self._on_trade_ended()

    # ------------------------------------------------------------------
    # Job
    # ------------------------------------------------------------------

    @api.model
    def _cron_campaigns(self):
        """Start what is approved and due, and end what is over."""
        now = fields.Datetime.now()
        over = self.search(
            [
                ("trade_is_campaign", "=", True),
                ("trade_state", "in", ("running", "paused")),
                ("trade_end", "!=", False),
                ("trade_end", "<=", now),
            ]
        )
        due = self.search(
            [
                ("trade_is_campaign", "=", True),
                ("trade_state", "=", "approved"),
                ("trade_start", "!=", False),
                ("trade_start", "<=", now),
            ]
        )
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(over) + len(due))
        for campaign in over:
            campaign.action_trade_finish()
            cron._commit_progress(1)
        for campaign in due:
            campaign._start_when_due()
            cron._commit_progress(1)

    def _start_when_due(self):
        """Start it, or tell who is responsible why not."""
        try:
            with self.env.cr.savepoint():
                self._start()
        except RETRIED_ERRORS:
            raise
        except Exception as error:  # pylint: disable=broad-except
            # Whatever is wrong with one must not keep the others from starting and ending.
            _logger.warning("Campaign %s was not started", self.id, exc_info=error)
            self.invalidate_recordset()
            # It is not tried again every few minutes: a person looks at it and chooses a new time.
            self.trade_start = False
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=self.user_id.id,
                summary=self.env._("“%s” could not start", self.title),
                note=str(error),
            )
