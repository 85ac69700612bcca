import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import consteq
from odoo.tools.misc import hmac

CHANNELS = [("email", "E-mail"), ("sms", "SMS"), ("qr", "QR code")]
SCORES = [(str(score), str(score)) for score in range(11)]
LEVELS = [(str(level), str(level)) for level in range(1, 6)]
GROUPS = [("promoter", "Promoter"), ("passive", "Passive"), ("detractor", "Detractor")]
SCOPE = "trade_survey_link"
LINK = re.compile(r"([0-9a-f]{1,8})-([0-9a-f]{40})")
# Chips and text are added to an answer within so long.
DETAILS_MINUTES = 60


class TradeSurveyInvitation(models.Model):
    """Somebody who was asked, and the answer: one row per person and occasion.

    What the answer is told apart by (tier, agent, product …) is what it was when the person was asked.
    """

    _name = "trade.survey.invitation"
    _inherit = ["trade.territory.mixin", "trade.public.form"]
    _description = "Survey Answer"
    _order = "sent_at desc, id desc"
    _rec_name = "partner_name"
    _territory_optional = True
    _form_scope = "trade_survey_form"
    _form_key = "survey"

    survey_id = fields.Many2one(
        "trade.survey", required=True, readonly=True, index=True, ondelete="restrict"
    )
    kind = fields.Selection(related="survey_id.kind", store=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    sent_at = fields.Datetime("Asked on", required=True, readonly=True, index=True)
    expires_at = fields.Datetime("Good until", required=True, readonly=True)
    # Who
    partner_id = fields.Many2one(
        "res.partner", "Person", readonly=True, index="btree_not_null", ondelete="set null"
    )
    commercial_partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, index="btree_not_null", ondelete="set null"
    )
    partner_name = fields.Char("Name", readonly=True)
    email = fields.Char(readonly=True, index="btree_not_null")
    phone = fields.Char(readonly=True)
    lang = fields.Char("Language", readonly=True)
    is_stopped = fields.Boolean(
        "Asked no more", readonly=True, help="The person does not want to be asked again."
    )
    # What about
    ticket_id = fields.Many2one(
        "helpdesk.ticket", readonly=True, index="btree_not_null", ondelete="set null"
    )
    user_id = fields.Many2one("res.users", "Agent", readonly=True, index="btree_not_null")
    team_id = fields.Many2one("helpdesk.ticket.team", readonly=True)
    type_id = fields.Many2one("trade.ticket.type", "Ticket type", readonly=True)
    tier_id = fields.Many2one("trade.tier", readonly=True, ondelete="set null")
    product_id = fields.Many2one("product.product", readonly=True, ondelete="set null")
    carrier = fields.Char(readonly=True)
    # The answer
    answered_at = fields.Datetime("Answered on", readonly=True, index="btree_not_null")
    details_at = fields.Datetime("Completed on", readonly=True)
    nps = fields.Selection(SCORES, "Would recommend us", readonly=True)
    nps_group = fields.Selection(GROUPS, "Group", readonly=True)
    csat = fields.Selection(LEVELS, "Satisfied", readonly=True)
    cause_ids = fields.Many2many("trade.survey.cause", string="Causes", readonly=True)
    comment = fields.Text(readonly=True)
    recovery_ticket_id = fields.Many2one(
        "helpdesk.ticket",
        "Recovery",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # Never leave this model but in what the person is sent.
    link = fields.Char(compute="_compute_link", groups=fields.NO_ACCESS)

    _ticket_unique = models.UniqueIndex("(survey_id, ticket_id) WHERE ticket_id IS NOT NULL")

    def _compute_link(self):
        for invitation in self:
            invitation.link = f"{invitation.get_base_url()}/feedback/{invitation._sign_link()}"

    # ------------------------------------------------------------------
    # Nobody makes up answers
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._refuse()
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self._refuse()
        return super().write(vals)

    def _refuse(self):
        raise AccessError(self.env._("Answers are given by customers alone."))

    # ------------------------------------------------------------------
    # Link
    # ------------------------------------------------------------------

    def _sign_link(self):
        """What the link of this invitation ends with: short, and nobody can make up one."""
        self.ensure_one()
        return f"{self.id:x}-{hmac(self.env(su=True), SCOPE, self.id)[:40]}"

    @api.model
    def _find_by_link(self, token):
        """The invitation of a link, as superuser; empty for what we have not signed.

        The database is asked only for what is signed.
        """
        invitations_sudo = self.sudo()
        match = LINK.fullmatch(token or "")
        if not match:
            return invitations_sudo.browse()
        number = int(match[1], 16)
        if not consteq(hmac(invitations_sudo.env, SCOPE, number)[:40], match[2]):
            return invitations_sudo.browse()
        found = invitations_sudo.browse(number).exists()
        return found.with_company(found.company_id)

    def _get_state(self):
        """What the link shows: "open", "details" after the first tap, "done" or "expired"."""
        now = fields.Datetime.now()
        if self.answered_at:
            is_fresh = now - self.answered_at <= timedelta(minutes=DETAILS_MINUTES)
            return "details" if is_fresh and not self.details_at else "done"
        return "open" if now <= self.expires_at else "expired"

    def _get_form_limit(self):
        """Tries an hour on one link."""
        return 20

    # ------------------------------------------------------------------
    # Rest
    # ------------------------------------------------------------------

    @api.model
    def _get_resting(self, partners, emails, rest_days, company):
        """Which of these people were asked lately, or do not want to be asked.

        :param emails: normalized addresses; people of one company are several
        :return: (set of ids of partners, set of addresses)
        """
        since = fields.Datetime.now() - timedelta(days=rest_days)
        same = Domain("partner_id", "in", partners.ids) | Domain("email", "in", list(emails))
        busy = Domain("sent_at", ">", since) | Domain("is_stopped", "=", True)
        found = self.sudo().search_fetch(
            same & busy & Domain("company_id", "=", company.id), ["partner_id", "email"]
        )
        return set(found.partner_id.ids), set(filter(None, found.mapped("email")))

    def action_stop(self):
        """The person has said that we should not ask any more."""
        self.check_access("read")
        self.sudo().is_stopped = True

    def action_open_ticket(self):
        self.ensure_one()
        ticket = self.recovery_ticket_id or self.ticket_id
        return {
            "type": "ir.actions.act_window",
            "res_model": "helpdesk.ticket",
            "res_id": ticket.id,
            "view_mode": "form",
        }
