from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.geography import get_distance

PURPOSES = [
    ("care", "Keep in touch"),
    ("order", "Take an order"),
    ("product", "Present products"),
    ("shelf", "Check shelves and prices"),
    ("payment", "Collect a payment"),
    ("complaint", "Solve a complaint"),
    ("acquire", "Win a new customer"),
]
STATES = [
    ("planned", "Planned"),
    ("ongoing", "On site"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
]
LOCATION_STATES = [
    ("located", "Located"),
    ("denied", "Not permitted on the phone"),
    ("unavailable", "Not found"),
]
# Where and when somebody was is told by the telephone, and typed by nobody.
PROOF_FIELDS = {
    "accuracy",
    "ended_at",
    "latitude",
    "location_state",
    "longitude",
    "received_at",
    "started_at",
    "trade_token",
}


class TradeVisit(models.Model):
    """A seller at a customer: planned on a desk or a phone, done with a phone on site."""

    _name = "trade.visit"
    _description = "Visit to a Customer"
    _inherit = ["mail.thread", "mail.activity.mixin", "trade.once.mixin", "trade.territory.mixin"]
    _order = "day desc, sequence, id desc"
    _mail_post_access = "read"

    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        required=True,
        index=True,
        tracking=True,
        domain="['|', ('is_company', '=', True), ('parent_id', '=', False)]",
        ondelete="cascade",
    )
    contact_id = fields.Many2one(
        "res.partner", "Talked to", domain="[('parent_id', '=', partner_id)]", ondelete="set null"
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        required=True,
        index=True,
        tracking=True,
        default=lambda self: self.env.user,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    day = fields.Date(required=True, tracking=True, default=fields.Date.context_today)
    sequence = fields.Integer(default=10, help="Order of the visits of a day.")
    purpose = fields.Selection(PURPOSES, required=True, default="care")
    state = fields.Selection(
        STATES, required=True, readonly=True, copy=False, default="planned", tracking=True
    )
    started_at = fields.Datetime("Begun", readonly=True, copy=False)
    ended_at = fields.Datetime("Ended", readonly=True, copy=False)
    received_at = fields.Datetime(
        readonly=True, copy=False, help="When the telephone got through with it."
    )
    duration = fields.Float("Minutes", compute="_compute_duration", store=True, aggregator="avg")
    latitude = fields.Float(digits=(10, 7), readonly=True, copy=False)
    longitude = fields.Float(digits=(10, 7), readonly=True, copy=False)
    accuracy = fields.Float(readonly=True, copy=False, help="How exact the place is, in metres.")
    location_state = fields.Selection(LOCATION_STATES, "Place", readonly=True, copy=False)
    distance = fields.Float(
        "Distance in metres",
        compute="_compute_distance",
        store=True,
        aggregator="avg",
        help="From where the customer is, as far as its latitude and longitude are known.",
    )
    report = fields.Text("What was said", copy=False)
    next_step = fields.Char(copy=False)
    next_day = fields.Date("Next step on", copy=False)
    photo_ids = fields.Many2many("ir.attachment", string="Photos", copy=False)
    market_note_ids = fields.One2many("trade.market.note", "visit_id", "Market notes", copy=False)
    order_ids = fields.One2many("sale.order", "trade_visit_id", "Orders", copy=False)
    order_count = fields.Integer(compute="_compute_order_count")

    _plan_index = models.Index("(user_id, day)")
    _next_day_needs_step = models.Constraint(
        "CHECK (next_day IS NULL OR next_step IS NOT NULL)",
        "Say what the next step is, beside its date.",
    )

    def _read_group_select(self, aggregate_spec, query):
        # Of the visits that took place, and whose place is known: Odoo keeps 0 for the others.
        name, _colon, function = aggregate_spec.partition(":")
        if function == "avg" and name in ("duration", "distance"):
            return SQL("AVG(NULLIF(%s, 0))", self._field_to_sql(self._table, name, query))
        return super()._read_group_select(aggregate_spec, query)

    @api.depends("partner_id", "day")
    def _compute_display_name(self):
        for visit in self:
            day = fields.Date.to_string(visit.day) or ""
            visit.display_name = f"{visit.partner_id.name or ''} · {day}"

    @api.depends("started_at", "ended_at")
    def _compute_duration(self):
        for visit in self:
            known = visit.started_at and visit.ended_at
            visit.duration = known and (visit.ended_at - visit.started_at).total_seconds() / 60

    @api.depends("location_state", "latitude", "longitude")
    def _compute_distance(self):
        for visit in self:
            customer_sudo = visit.partner_id.sudo()
            place = (customer_sudo.partner_latitude, customer_sudo.partner_longitude)
            known = visit.location_state == "located" and any(place)
            visit.distance = known and get_distance((visit.latitude, visit.longitude), place)

    @api.depends("order_ids")
    def _compute_order_count(self):
        counts = dict(
            self.env["sale.order"]._read_group(
                [("trade_visit_id", "in", self.ids)], ["trade_visit_id"], ["__count"]
            )
        )
        for visit in self:
            visit.order_count = counts.get(visit._origin, 0)

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    @api.constrains("partner_id", "contact_id")
    def _check_customer(self):
        for visit in self:
            if visit.partner_id != visit.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "“%s” is a contact: the visit is to its customer.", visit.partner_id.name
                    )
                )
            contact = visit.contact_id
            if contact and contact.commercial_partner_id != visit.partner_id:
                raise ValidationError(
                    self.env._(
                        "“%(contact)s” is nobody of “%(customer)s”.",
                        contact=contact.name,
                        customer=visit.partner_id.name,
                    )
                )

    @api.constrains("started_at", "ended_at")
    def _check_times(self):
        for visit in self:
            if visit.started_at and visit.ended_at and visit.ended_at < visit.started_at:
                raise ValidationError(self.env._("A visit ends after it has begun."))

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_proof(vals)
            if not self.env.su and vals.get("state", "planned") != "planned":
                raise UserError(self.env._("A new visit is planned; it is begun on the phone."))
        return super().create(vals_list)

    def write(self, vals):
        self._check_proof(vals)
        if not self.env.su and "state" in vals:
            raise UserError(self.env._("A visit goes on by its buttons."))
        if not self.env.su and {"partner_id", "user_id"} & vals.keys():
            if any(visit.state in ("ongoing", "done") for visit in self):
                raise UserError(
                    self.env._("Who visited whom stays as it was: plan another visit instead.")
                )
        return super().write(vals)

    @api.model
    def _check_proof(self, vals):
        if not self.env.su and PROOF_FIELDS & {name for name, value in vals.items() if value}:
            raise UserError(
                self.env._("Where and when a visit was is told by the phone, and cannot be typed.")
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        if any(visit.state in ("ongoing", "done") for visit in self):
            raise UserError(self.env._("A visit that took place is not deleted."))

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_open_sheet(self):
        """Open what is filled in on site."""
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "trade_crm.visit",
            "name": self.display_name,
            "path": "trade-visit",
            "context": {"active_model": self._name, "active_id": self.id, "active_ids": self.ids},
        }

    def action_cancel(self):
        """:raise UserError: when it has begun"""
        self._set_state("cancelled", ("planned",), self.env._("Only planned visits are cancelled."))

    def action_plan(self):
        """:raise UserError: when it is not cancelled"""
        self._set_state(
            "planned", ("cancelled",), self.env._("Only cancelled visits are planned again.")
        )

    def _set_state(self, state, allowed, text):
        self.check_access("write")
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(["state"])
        if any(visit.state not in allowed for visit in self):
            raise UserError(text)
        self.sudo().state = state

    def action_view_orders(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "sale.action_quotations_with_onboarding"
        )
        return action | {"domain": [("trade_visit_id", "=", self.id)], "context": {}}

    # ------------------------------------------------------------------
    # Done
    # ------------------------------------------------------------------

    def _tell_of_visits(self):
        """What was said goes to the customer's messages, the next step to the seller's activities."""
        kind = self.env.ref("trade_crm.mail_activity_type_visit", raise_if_not_found=False)
        for visit in self:
            customer_sudo = visit.partner_id.sudo()
            customer_sudo.message_post(
                body=visit._get_summary(),
                author_id=visit.user_id.sudo().partner_id.id,
                date=visit.ended_at,
                mail_activity_type_id=kind and kind.id,
                subtype_xmlid="mail.mt_note",
            )
            if visit.next_step:
                customer_sudo.activity_schedule(
                    "mail.mail_activity_data_todo",
                    date_deadline=visit.next_day or fields.Date.context_today(visit),
                    summary=visit.next_step,
                    user_id=visit.user_id.id,
                )

    def _get_summary(self):
        """``Markup`` of what is told of a visit, with a link to it."""
        self.ensure_one()
        purpose = self._get_label("purpose")
        parts = [Markup("<p>%s</p>") % self._get_html_link(title=self.env._("Visit: %s", purpose))]
        if self.contact_id:
            parts.append(
                Markup("<p>%s</p>") % self.env._("Talked to %s", self.contact_id.sudo().name)
            )
        parts += [Markup("<p>%s</p>") % line for line in (self.report or "").splitlines() if line]
        return Markup().join(parts)

    @api.model
    def _get_last_visit(self, customer):
        """The latest visit to a customer that the user may read."""
        domain = Domain("partner_id", "=", customer.id) & Domain("state", "=", "done")
        return self.search(domain, order="ended_at desc, id desc", limit=1)


class SaleOrder(models.Model):
    _inherit = "sale.order"

    trade_visit_id = fields.Many2one(
        "trade.visit", "Taken on a visit", readonly=True, copy=False, index="btree_not_null"
    )


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_short_address(self):
        """City and street, as far as they are known."""
        self.ensure_one()
        return ", ".join(filter(None, (self.city, self.street)))

    def action_visit(self):
        """Visit the customer now."""
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "trade_crm.visit",
            "name": self.env._("Visit"),
            "path": "trade-visit",
            "context": {"partner_id": self.commercial_partner_id.id},
        }
