from collections.abc import Callable
from datetime import datetime, time
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date, formatLang

PAGE = 30


class TimelineSource(NamedTuple):
    """Records of one model on the timeline of a customer.

    :param kind: what the filter is called by
    :param model: of the records
    :param domain: which of them, for the customer
    :param date: name of a date or datetime field
    :param describe: function that takes a record and returns {title, text, amount}
    """

    kind: str
    model: str
    domain: list
    date: str
    describe: Callable


class ResPartner(models.Model):
    """What happened with a customer, latest first, from wherever it is kept."""

    _inherit = "res.partner"

    @api.model
    def _get_timeline_kinds(self):
        """``{kind: (title, icon)}`` in the order of the filters."""
        return {
            "order": (self.env._("Orders"), "fa-shopping-cart"),
            "quotation": (self.env._("Quotations"), "fa-file-text-o"),
            "invoice": (self.env._("Invoices"), "fa-money"),
            "delivery": (self.env._("Deliveries"), "fa-truck"),
            "contact": (self.env._("Contacts and messages"), "fa-comments-o"),
            "lead": (self.env._("Leads"), "fa-star-o"),
            "tier": (self.env._("Tier"), "fa-level-up"),
            "history": (self.env._("Before Odoo"), "fa-history"),
        }

    def _get_timeline_sources(self):
        """List of :class:`TimelineSource` for ``self``, one customer; addons extend it."""
        self.ensure_one()
        mine = ("partner_id.commercial_partner_id", "=", self.id)
        company = ("company_id", "=", self.env.company.id)
        own = ("partner_id", "=", self.id)
        return [
            TimelineSource("order", "sale.order", [mine, company, ("state", "=", "sale")], "date_order",
                           self._describe_order),
            TimelineSource("quotation", "sale.order", [mine, company, ("state", "!=", "sale")], "date_order",
                           self._describe_order),
            TimelineSource("invoice", "account.move",
                           [("commercial_partner_id", "=", self.id), company, ("state", "=", "posted"),
                            ("move_type", "in", ["out_invoice", "out_refund"])],
                           "invoice_date", self._describe_move),
            TimelineSource("delivery", "stock.picking",
                           [mine, company, ("state", "=", "done"),
                            ("picking_type_code", "in", ["outgoing", "incoming"])],
                           "date_done", self._describe_picking),
            TimelineSource("contact", "trade.lead.trail", [own], "date", self._describe_contact),
            TimelineSource("lead", "crm.lead",
                           [mine, ("company_id", "in", [self.env.company.id, False])], "create_date",
                           self._describe_lead),
            TimelineSource("tier", "trade.tier.history", [own, company], "changed_at", self._describe_tier),
            TimelineSource("history", "trade.order.history", [own, company], "date", self._describe_history),
        ]  # fmt: skip

    @api.model
    @api.readonly
    def get_trade_timeline(self, partner_id, kind=None, after=None):
        """One page of the timeline, latest first, of what the user may read.

        :param kind: of this kind only
        :param after: ``next`` of the page before
        :return: dict with ``kinds`` (list of {kind, title, icon}), ``items`` (list of {kind, date, title,
            text, amount, res_model, res_id}) and ``next``, None on the last page
        """
        customer = self._get_readable_customer(partner_id)
        sources = [
            source
            for source in customer._get_timeline_sources()
            if kind in (None, source.kind) and self.env[source.model].has_access("read")
        ]
        found = []
        for place, source in enumerate(sources):
            found += self._read_timeline(source, place, after)
        found.sort(key=lambda item: (item[0], -item[1], item[2].id), reverse=True)
        page = found[:PAGE]
        more = len(found) > PAGE
        return {
            "kinds": [
                {"kind": name, "title": title, "icon": icon}
                for name, (title, icon) in self._get_timeline_kinds().items()
            ],
            "items": [
                self._describe_item(sources[place], record, moment)
                for moment, place, record in page
            ],
            "next": [fields.Datetime.to_string(page[-1][0]), page[-1][1], page[-1][2].id]
            if more
            else None,
        }

    @api.model
    def _read_timeline(self, source, place, after):
        """The next records of one source, as many as a page may need: list of (moment, place, record)."""
        records = self.env[source.model]
        domain = Domain(source.domain) & Domain(source.date, "!=", False)
        if after:
            domain &= self._get_older_domain(source, place, *after)
        order = f"{source.date} desc, id desc"
        found = records.search(domain, limit=PAGE + 1, order=order)
        return [(self._get_moment(record[source.date]), place, record) for record in found]

    @api.model
    def _get_older_domain(self, source, place, moment, last_place, last_id):
        """What comes after an item: older, or as old and of a later source, or later of the same one."""
        moment = fields.Datetime.to_datetime(moment)
        name = source.date
        if self.env[source.model]._fields[name].type == "date":
            if moment.time() > time.min:
                # The day began before that moment.
                return Domain(name, "<=", moment.date())
            moment = moment.date()
        if place > last_place:
            return Domain(name, "<=", moment)
        older = Domain(name, "<", moment)
        if place == last_place:
            older |= Domain(name, "=", moment) & Domain("id", "<", last_id)
        return older

    @api.model
    def _get_moment(self, value):
        return value if isinstance(value, datetime) else datetime.combine(value, time.min)

    @api.model
    def _describe_item(self, source, record, moment):
        is_day = record._fields[source.date].type == "date"
        day = moment if is_day else fields.Datetime.context_timestamp(self, moment)
        return {
            "kind": source.kind,
            "date": format_date(self.env, day.date()),
            "time": False if is_day else day.strftime("%H:%M"),
            "text": False,
            "amount": False,
            "res_model": source.model,
            "res_id": record.id,
            **source.describe(record),
        }

    # ------------------------------------------------------------------
    # In words
    # ------------------------------------------------------------------

    def _describe_order(self, order):
        states = dict(order._fields["state"]._description_selection(self.env))
        return {
            "title": order.name,
            "text": states[order.state],
            "amount": formatLang(self.env, order.amount_total, currency_obj=order.currency_id),
        }

    def _describe_move(self, move):
        states = dict(move._fields["payment_state"]._description_selection(self.env))
        return {
            "title": move.name,
            "text": states.get(move.payment_state),
            "amount": formatLang(
                self.env,
                -move.amount_total if move.move_type == "out_refund" else move.amount_total,
                currency_obj=move.currency_id,
            ),
        }

    def _describe_picking(self, picking):
        kind = picking.picking_type_code
        return {
            "title": picking.name,
            "text": self.env._("Delivered") if kind == "outgoing" else self.env._("Returned"),
        }

    def _describe_contact(self, row):
        """Opens what the message or meeting is about."""
        kinds = dict(row._fields["kind"]._description_selection(self.env))
        by = row.author_id.sudo().display_name
        about = row.event_id or row.lead_id or row.partner_id
        return {
            "title": f"{kinds[row.kind]} · {by}" if by else kinds[row.kind],
            "text": row.subject and row.preview and f"{row.subject}: {row.preview}"
            or row.subject or row.preview or False,
            "res_model": about._name,
            "res_id": about.id,
        }  # fmt: skip

    def _describe_lead(self, lead):
        return {"title": lead.name, "text": lead.stage_id.name or False}

    def _describe_tier(self, change):
        before = change.previous_tier_id.name
        return {
            "title": f"{before} → {change.tier_id.name}" if before else change.tier_id.name or "–",
            "text": change.reason,
        }

    def _describe_history(self, purchase):
        return {
            "title": purchase.external_id,
            "text": purchase.source or False,
            "amount": formatLang(self.env, purchase.amount, currency_obj=purchase.currency_id),
        }
