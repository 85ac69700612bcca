import re

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import consteq
from odoo.tools.misc import format_datetime, hmac

from odoo.addons.trade_crm.models.res_partner import ROLES

from .trade_message import KINDS

SCOPE = "trade_preferences"
# Wrong links an hour from one network.
GUESS_LIMIT = 30
LINK = re.compile(r"([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{32})")


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "trade.public.form"]
    _form_scope = "trade_preferences_form"
    _form_key = "preferences"

    trade_message_count = fields.Integer(
        "Messages of campaigns", compute="_compute_trade_message_count", groups=ROLES
    )

    @api.depends_context("uid")
    def _compute_trade_message_count(self):
        messages, counts = self.env["trade.message"], {}
        if messages.has_access("read"):
            domain = Domain("partner_id", "in", self.ids)
            rows = messages._read_group(domain, ["partner_id"], ["__count"])
            counts = {partner.id: count for partner, count in rows}
        for partner in self:
            partner.trade_message_count = counts.get(partner.id, 0)

    # ------------------------------------------------------------------
    # Link
    # ------------------------------------------------------------------

    def _get_preference_link(self, company):
        """Address of the page on which a customer chooses what ``company`` sends."""
        return f"{self.get_base_url()}/preferences/{self._sign_preferences(company)}"

    def _sign_preferences(self, company):
        digest = hmac(self.env(su=True), SCOPE, (self.id, company.id))[:32]
        return f"{self.id:x}-{company.id:x}-{digest}"

    @api.model
    def _find_by_preference_link(self, token):
        """Whose link it is, as superuser with the company of the link; empty for what we have not signed.

        The database is asked only for what is signed.
        """
        match = LINK.fullmatch(token or "")
        if not match:
            return self.sudo().browse()
        number, company = int(match[1], 16), int(match[2], 16)
        digest = hmac(self.env(su=True), SCOPE, (number, company))[:32]
        if not consteq(digest, match[3]):
            return self.sudo().browse()
        company = self.env["res.company"].sudo().browse(company).exists()
        partner_sudo = self.sudo().browse(number if company else ())
        if partner_sudo:
            partner_sudo = self.env["trade.preference.alias"]._follow(partner_sudo)
        return partner_sudo.with_company(company)

    def _get_form_limit(self):
        """Changes an hour by one link."""
        return 20

    # ------------------------------------------------------------------
    # Choice
    # ------------------------------------------------------------------

    def _get_preferences(self):
        """``{(channel, purpose): bool}`` of what the company of the environment may send."""
        grid = self.env["trade.consent"]._get_grid(self, self.env.company)
        fact = self.env["trade.contact.guard"]._read_facts(self.ids)[self.id]
        for channel, purpose in grid:
            if fact[f"{KINDS[channel]}_listed"]:
                grid[channel, purpose] = False
        return grid

    def _take_preferences(self, wanted):
        """Record what a customer has chosen on the page.

        A no is written down even if nothing was sent anyway: rules of the company change, and what the
        family decided is not the customer's own.

        :param wanted: ``{(channel, purpose): bool}``
        """
        consents, company = self.env["trade.consent"], self.env.company
        self._leave_blacklists({channel for (channel, _p), value in wanted.items() if value})
        allowed = consents._get_grid(self, company)
        own = consents._get_own_decisions(self, company)
        consents.create(
            [
                {
                    "partner_id": self.id,
                    "company_id": company.id,
                    "channel": channel,
                    "purpose": purpose,
                    "decision": "granted" if value else "withdrawn",
                    "source": "page",
                    "proof": self.env._("Chosen by who had the signed link of the customer."),
                }
                for (channel, purpose), value in wanted.items()
                if (
                    not allowed[channel, purpose] if value else own[channel, purpose] != "withdrawn"
                )
            ]
        )

    def _leave_blacklists(self, channels):
        """Who asks to be written to again is on no list any more.

        The lists hold for all companies and purposes: what is not asked for stays refused by decisions.
        """
        fact = self.env["trade.contact.guard"]._read_facts(self.ids)[self.id]
        text = Markup("<p>%s</p>") % self.env._("Asked for on the page of preferences.")
        kinds = {KINDS[channel] for channel in channels}
        left = {kind for kind in kinds if fact[f"{kind}_listed"]}
        if "mail" in left:
            for address in fact["mail_listed"]:
                self.env["mail.blacklist"]._remove(address, message=text)
        if "phone" in left:
            self.env["phone.blacklist"]._remove(fact["phone_listed"], message=text)
        proof = self.env._("Was on the blacklist, and left it for what was chosen only.")
        lost = [channel for channel, kind in KINDS.items() if kind in left]
        self.env["trade.consent"]._withdraw_all(self, "page", proof, lost)

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_view_trade_consents(self):
        self.ensure_one()
        return {
            "name": self.env._("Consent"),
            "type": "ir.actions.act_window",
            "res_model": "trade.consent",
            "view_mode": "list,form",
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }

    def action_view_trade_messages(self):
        self.ensure_one()
        return {
            "name": self.env._("Messages"),
            "type": "ir.actions.act_window",
            "res_model": "trade.message",
            "view_mode": "list,kanban,form",
            "domain": [("partner_id", "=", self.id)],
        }

    def _get_trade_panels(self):
        # By itself: what stands in brackets among translated texts would be taken for one.
        domain = [("partner_id.commercial_partner_id", "=", self.id)]
        messages = self._get_record_panel(
            "marketing",
            self.env._("Marketing"),
            80,
            "trade.message",
            domain,
            ["campaign_id", "channel", "state", "reason", "reason_detail", "due_at", "sent_at"],
            self._prepare_message_row,
            self.env._("Nothing was sent yet."),
        )
        return [*super()._get_trade_panels(), *filter(None, [messages])]

    def _prepare_message_row(self, message):
        labels = {
            name: dict(message._fields[name]._description_selection(self.env))
            for name in ("channel", "state")
        }
        became = message.reason_text or labels["state"][message.state]
        return {
            "title": message.campaign_id.sudo().title,
            "subtitle": f"{labels['channel'][message.channel]} · {became}",
            "value": format_datetime(
                self.env, message.sent_at or message.due_at, dt_format="short"
            ),
            "is_bad": message.state in ("failed", "unknown"),
        }


class ResPartnerIndexes(models.Model):
    _inherit = "res.partner"

    # The guard looks for others with the same address.
    _trade_of_mail = models.Index("(email_normalized) WHERE email_normalized IS NOT NULL")
    _trade_of_phone = models.Index("(phone_sanitized) WHERE phone_sanitized IS NOT NULL")


class TradeLeadInquiry(models.Model):
    """How often links are used, and those tried that we have not signed."""

    _inherit = "trade.lead.inquiry"

    @api.model
    def _may_choose(self, partner):
        """Count one change by a signed link; many customers may have one network address."""
        hour = fields.Datetime.now().strftime("%Y-%m-%d %H")
        return self._count(f"{partner._form_key} {hour} {partner.id}") <= partner._get_form_limit()

    @api.model
    def _may_guess_preferences(self, address):
        """Count one wrong link; whether the sender may go on."""
        hour = fields.Datetime.now().strftime("%Y-%m-%d %H")
        sender = hmac(self.env(su=True), "trade_preferences_guess", self._get_network(address))
        return self._count(f"preferences {hour} {sender[:32]}") <= GUESS_LIMIT
