import base64
import io
import secrets

import pytz
import qrcode

from odoo import api, fields, models
from odoo.fields import Command, Domain
from odoo.tools.urls import urljoin

KINDS = [
    ("form", "Web form"),
    ("mail", "E-mail"),
    ("fair", "Exhibition"),
    ("live", "Live stream"),
    ("ad", "Advertisement"),
    ("phone", "Telephone"),
    ("other", "Other"),
]
# Large enough for a poster: about 1000 pixels.
QR_BOX_PIXELS = 24


class TradeLeadChannel(models.Model):
    """A way by which leads come in. Each has a web form, an address for mail, and quick entry.

    What a lead takes from its channel is in :meth:`_prepare_acquisition_values`.
    """

    _name = "trade.lead.channel"
    _description = "Capture Channel"
    _inherit = ["mail.thread", "mail.alias.mixin"]
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        default=True,
        tracking=True,
        help="The web form of an archived channel is gone. Mail to its address still becomes leads, "
        "so that no customer's mail is lost.",
    )
    kind = fields.Selection(KINDS, required=True, default="form", tracking=True)
    source_id = fields.Many2one(
        "utm.source",
        tracking=True,
        ondelete="restrict",
        help="What the leads, and the customers they become, are told apart by in reports. Named as "
        "the channel is if you leave it empty.",
    )
    medium_id = fields.Many2one("utm.medium", tracking=True, ondelete="restrict")
    campaign_id = fields.Many2one("utm.campaign", tracking=True, ondelete="set null")
    company_id = fields.Many2one(
        "res.company", default=lambda self: self.env.company, tracking=True
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales team",
        check_company=True,
        tracking=True,
        ondelete="set null",
        help="Of leads from the web form and from mail; empty leaves it to the assignment.",
    )
    customer_type_id = fields.Many2one(
        "trade.customer.type",
        "Customer type",
        tracking=True,
        ondelete="set null",
        help="Of leads that do not say otherwise.",
    )
    tag_ids = fields.Many2many("crm.tag", string="Tags")

    # Web form
    access_token = fields.Char(
        default=lambda self: self._get_new_token(), required=True, readonly=True, copy=False
    )
    form_url = fields.Char("Link to the web form", compute="_compute_form_url")
    form_qr = fields.Binary("QR code", compute="_compute_form_qr")
    form_title = fields.Char(
        "Title", translate=True, help="Above the form. Empty: “What can we do for you?”"
    )
    form_intro = fields.Text("Introduction", translate=True)
    form_thanks = fields.Text("Thanks", translate=True, help="Shown once the inquiry is sent.")
    form_asks_type = fields.Boolean("Ask for the customer type")
    consent_text = fields.Text(
        translate=True,
        help="What visitors agree to before they send the form; each lead keeps the words that were "
        "shown. Empty: the standard text.",
    )
    hourly_limit = fields.Integer(
        "Inquiries an hour",
        default=300,
        help="The web form takes no more; 0 sets no limit. A sender is limited to 60 in any case.",
    )

    # Figures
    lead_count = fields.Integer("Leads", compute="_compute_lead_figures")
    lead_month_count = fields.Integer("Leads this month", compute="_compute_lead_figures")
    won_count = fields.Integer("Won", compute="_compute_lead_figures")
    won_rate = fields.Float(
        "Won rate", compute="_compute_lead_figures", help="Won leads among all leads."
    )
    won_revenue = fields.Monetary(
        "Won revenue", compute="_compute_lead_figures", currency_field="company_currency_id"
    )
    company_currency_id = fields.Many2one("res.currency", compute="_compute_company_currency_id")

    _access_token_uniq = models.UniqueIndex("(access_token)")
    _check_source = models.Constraint(
        "CHECK (source_id IS NOT NULL)", "A channel needs a source to tell its leads by."
    )
    _check_hourly_limit = models.Constraint(
        "CHECK (hourly_limit >= 0)", "The inquiries an hour cannot be negative."
    )

    # ------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------

    @api.depends("access_token")
    def _compute_form_url(self):
        for channel in self:
            channel.form_url = channel.access_token and urljoin(
                channel.get_base_url(), f"/inquiry/{channel.access_token}"
            )

    @api.depends("form_url")
    def _compute_form_qr(self):
        for channel in self:
            channel.form_qr = channel.form_url and self._draw_qr(channel.form_url)

    @api.model
    def _draw_qr(self, text):
        image = io.BytesIO()
        qrcode.make(text, box_size=QR_BOX_PIXELS).save(image, format="PNG", optimize=True)
        return base64.b64encode(image.getvalue())

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_company_currency_id(self):
        for channel in self:
            channel.company_currency_id = (channel.company_id or self.env.company).currency_id

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_lead_figures(self):
        """Of the leads that the user may read."""
        leads = self.env["crm.lead"].with_context(active_test=False)
        of_channels = Domain("trade_channel_id", "in", self.ids)
        month = dict(
            leads._read_group(
                of_channels & Domain("create_date", ">=", self._get_month_start()),
                ["trade_channel_id"],
                ["__count"],
            )
        )
        figures = {}
        for channel, status, count, revenue in leads._read_group(
            of_channels, ["trade_channel_id", "won_status"], ["__count", "expected_revenue:sum"]
        ):
            figures.setdefault(channel, {})[status] = (count, revenue)
        for channel in self:
            found = figures.get(channel, {})
            won, revenue = found.get("won", (0, 0.0))
            total = sum(count for count, _revenue in found.values())
            channel.lead_count = total
            channel.lead_month_count = month.get(channel, 0)
            channel.won_count = won
            channel.won_rate = won / total if total else 0.0
            channel.won_revenue = revenue

    def _get_month_start(self):
        """The first moment of the user's month, in UTC."""
        now = fields.Datetime.context_timestamp(self, fields.Datetime.now())
        start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return now.tzinfo.localize(start).astimezone(pytz.utc).replace(tzinfo=None)

    # ------------------------------------------------------------------
    # Create and write
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if not vals.get("source_id"):
                vals["source_id"] = self._find_source(vals.get("name") or "").id
        return super().create(vals_list)

    def write(self, vals):
        if "source_id" in vals and not vals["source_id"]:
            name = vals.get("name") or self[:1].name or ""
            vals = {**vals, "source_id": self._find_source(name).id}
        return super().write(vals)

    @api.model
    def _find_source(self, name):
        name = name.strip()
        sources = self.env["utm.source"]
        return name and self.env["utm.mixin"]._find_or_create_record(sources._name, name) or sources

    def copy_data(self, default=None):
        return [
            {**vals, "name": self.env._("%(name)s (copy)", name=channel.name)}
            for channel, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.model
    def _get_new_token(self):
        return secrets.token_urlsafe(24)

    # ------------------------------------------------------------------
    # Mail
    # ------------------------------------------------------------------

    def _alias_get_creation_values(self):
        """The rest comes from the channel as it is when the mail arrives: see ``message_new``."""
        values = super()._alias_get_creation_values()
        values["alias_model_id"] = self.env["ir.model"]._get_id("crm.lead")
        if self.id:
            values["alias_defaults"] = {"trade_channel_id": self.id, "user_id": False}
        return values

    # ------------------------------------------------------------------
    # Leads
    # ------------------------------------------------------------------

    def _prepare_acquisition_values(self):
        """What every lead of the channel has, unless it was given something else."""
        self.ensure_one()
        values = {
            "source_id": self.source_id.id,
            "medium_id": self.medium_id.id,
            "campaign_id": self.campaign_id.id,
            "trade_customer_type_id": self.customer_type_id.id,
        }
        if self.tag_ids:
            values["tag_ids"] = [Command.set(self.tag_ids.ids)]
        return {name: value for name, value in values.items() if value}

    def _prepare_lead_values(self):
        """What a lead has that nobody of ours entered: it waits for the assignment."""
        self.ensure_one()
        return self._prepare_acquisition_values() | {
            "trade_channel_id": self.id,
            "user_id": False,
            "team_id": self.team_id.id,
            "company_id": self.company_id.id,
            "type": self._get_lead_type(),
        }

    def _get_lead_type(self):
        """As Odoo does for the mail of a team; what the company uses is not of the visitor."""
        group = self.env.ref("crm.group_use_lead")
        employees = self.env.ref("base.group_user")
        uses_leads = group in employees.sudo().all_implied_ids
        return (
            "lead" if uses_leads and (not self.team_id or self.team_id.use_leads) else "opportunity"
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_leads(self):
        """Open the leads of the channel, lost ones included."""
        return self._get_leads_action()

    def action_view_leads_month(self):
        return self._get_leads_action(Domain("create_date", ">=", self._get_month_start()))

    def _get_leads_action(self, domain=Domain.TRUE):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "crm.lead",
            "view_mode": "list,kanban,pivot,graph,form",
            "domain": list(Domain("trade_channel_id", "=", self.id) & domain),
            "context": {"active_test": False, "default_trade_channel_id": self.id},
        }

    def action_open_form(self):
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self.form_url, "target": "new"}

    def action_print_qr(self):
        """Download the QR code, large enough for a poster."""
        self.ensure_one()
        url = f"/web/image/{self._name}/{self.id}/form_qr?download=1"
        return {"type": "ir.actions.act_url", "url": url, "target": "new"}

    def action_renew_token(self):
        """A new link: whoever has the old one, or its QR code, finds nothing any more."""
        for channel in self:
            channel.access_token = self._get_new_token()
