import secrets

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, plaintext2html
from odoo.tools.mail import single_email_re
from odoo.tools.urls import urljoin

from odoo.addons.phone_validation.tools import phone_validation

# Most characters that a field of the form takes.
LENGTHS = {"name": 100, "email": 254, "phone": 40, "order": 64, "subject": 120, "need": 4000}


class HelpdeskTicketTeam(models.Model):
    """The web form of a team, for customers without a login.

    Visitors are anonymous: methods are called as superuser on a team found by its token. What they
    enter is never shown to anybody else, and the answer is the same whether they are known or not.
    """

    _name = "helpdesk.ticket.team"
    _inherit = ["helpdesk.ticket.team", "trade.public.form"]

    _form_scope = "trade_ticket_form"
    _form_key = "ticket"

    trade_form_on = fields.Boolean("Web form")
    trade_form_token = fields.Char(compute="_compute_trade_form_token", store=True, copy=False)
    trade_form_url = fields.Char("Link to the web form", compute="_compute_trade_form_url")
    trade_form_limit = fields.Integer(
        "Tickets an hour",
        default=100,
        help="The web form takes no more; 0 sets no limit. A sender is limited to 60 in any case.",
    )

    _trade_form_token_unique = models.UniqueIndex("(trade_form_token)")
    _trade_form_limit_positive = models.Constraint(
        "CHECK (trade_form_limit >= 0)", "The tickets an hour cannot be negative."
    )

    @api.depends("trade_form_on")
    def _compute_trade_form_token(self):
        for team in self:
            # A form that is switched on again has its old link.
            if team.trade_form_on and not team.trade_form_token:
                team.trade_form_token = secrets.token_urlsafe(16)

    @api.depends("trade_form_token", "trade_form_on")
    def _compute_trade_form_url(self):
        for team in self:
            team.trade_form_url = team.trade_form_on and urljoin(
                team.get_base_url(), f"/service/{team.trade_form_token}"
            )

    def _get_form_limit(self):
        return self.trade_form_limit

    def _find_by_form_token(self, token):
        """The team of a link, as superuser; empty if there is none or its form is switched off."""
        teams = self.env["helpdesk.ticket.team"].with_user(SUPERUSER_ID)
        team_sudo = teams.search(
            [("trade_form_token", "=", token), ("trade_form_on", "=", True)], limit=1
        )
        return team_sudo.with_company(team_sudo.company_id or self.env.company)

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    def _get_form_types(self):
        return self.env["trade.ticket.type"].search([("show_on_form", "=", True)])

    def _read_form(self, params):
        """What was typed; PostgreSQL cannot keep a NUL, and nobody types it."""
        typed = {name: (params.get(name) or "").replace("\x00", "").strip() for name in LENGTHS}
        return typed | {"type": params.get("type") or ""}

    def _check_form(self, typed):
        """``{name of a field: what is wrong with it}`` in the language of the visitor."""
        errors = {
            name: self.env._("Please shorten this to %(count)s characters.", count=length)
            for name, length in LENGTHS.items()
            if len(typed[name]) > length
        }
        required = {
            "name": self.env._("Please enter your name."),
            "subject": self.env._("Please say in a few words what it is about."),
            "need": self.env._("Please describe what has happened."),
            "email": self.env._("Please enter your e-mail address, so that we can answer."),
        }
        errors |= {name: text for name, text in required.items() if not typed[name]}
        email = typed["email"]
        if email and not (single_email_re.match(email) and email_normalize(email)):
            errors["email"] = self.env._("This is not an e-mail address.")
        if typed["phone"] and not self._format_form_phone(typed["phone"]):
            errors["phone"] = self.env._(
                "This is not a phone number. Please start with + and the country code if you are"
                " abroad."
            )
        return errors

    def _format_form_phone(self, text):
        country = (self.company_id or self.env.company).country_id
        try:
            return phone_validation.phone_format(text, country.code, country.phone_code)
        except UserError:
            return False

    # ------------------------------------------------------------------
    # Make a ticket
    # ------------------------------------------------------------------

    def _create_form_ticket(self, typed, files):
        """The ticket of a form that was checked.

        :param files: list of (name, content)
        """
        self.ensure_one()
        company = self.company_id or self.env.company
        # What is written into the log of the ticket is for the company to read.
        tickets = self.env["helpdesk.ticket"].with_context(
            mail_create_nosubscribe=True, lang=company.partner_id.lang or None
        )
        ticket = tickets.create(
            self._prepare_form_values(typed) | {"trade_lang": self.env.lang, "user_id": False}
        )
        self.env["trade.ticket.upload"]._attach(ticket, files)
        return ticket

    def _prepare_form_values(self, typed):
        company = self.company_id or self.env.company
        channel = self.env.ref(
            "helpdesk_mgmt.helpdesk_ticket_channel_web", raise_if_not_found=False
        )
        partner = self.env["helpdesk.ticket"]._find_customer(typed["email"], company)
        order = self._find_form_order(typed["order"], partner, company)
        lines = [typed["need"]]
        if typed["order"] and not order:
            lines.append(self.env._("Order: %(name)s", name=typed["order"]))
        if typed["phone"]:
            lines.append(
                self.env._("Phone: %(number)s", number=self._format_form_phone(typed["phone"]))
            )
        kind = self._get_form_types().filtered(lambda one: str(one.id) == typed["type"])
        return {
            "name": typed["subject"],
            "description": plaintext2html("\n\n".join(lines)),
            "partner_id": partner.id,
            "partner_name": typed["name"],
            "partner_email": email_normalize(typed["email"]),
            "trade_type_id": kind.id,
            "trade_order_id": order.id,
            "channel_id": channel and channel.id,
            "company_id": company.id,
            "team_id": self.id,
        }

    def _find_form_order(self, name, partner, company):
        """An order counts only if it is of the customer whose address was entered."""
        orders = self.env["sale.order"]
        if not name or not partner:
            return orders
        return orders.search(
            [
                ("name", "=ilike", name.replace("\\", "").replace("%", "").replace("_", r"\_")),
                ("partner_id.commercial_partner_id", "=", partner.commercial_partner_id.id),
                ("company_id", "=", company.id),
            ],
            limit=1,
        )


class HelpdeskTicket(models.Model):
    """Whose ticket it is, by the address it came from."""

    _inherit = "helpdesk.ticket"

    @api.model
    def _find_customer(self, address, company):
        """The customer or contact with this mail address, if there is one alone.

        Called as superuser.
        """
        normal = email_normalize(address)
        partners = self.env["res.partner"]
        if not normal:
            return partners
        found = partners.search(
            [
                ("email_normalized", "=", normal),
                ("partner_share", "=", True),
                ("company_id", "in", (False, company.id)),
            ],
            limit=10,
        )
        # A company and its only contact often have the same address.
        customer = found.commercial_partner_id
        return (found - customer)[:1] or found[:1] if len(customer) == 1 else partners

    @api.model
    def message_new(self, msg, custom_values=None):
        """A mail: its sender is looked for among customers, also where Odoo finds a colleague or none."""
        values = dict(custom_values or {})
        author = self.env["res.partner"].sudo().browse(msg.get("author_id") or 0)
        team = self.env["helpdesk.ticket.team"].sudo().browse(values.get("team_id") or 0)
        company = team.company_id or self.env.company
        sender = msg.get("email_from") or msg.get("from")
        if not author or not author.partner_share:
            values.setdefault("partner_id", self.sudo()._find_customer(sender, company).id)
        values.setdefault("partner_email", email_normalize(sender) or sender)
        values.setdefault("user_id", False)
        return super().message_new(msg, custom_values=values)
