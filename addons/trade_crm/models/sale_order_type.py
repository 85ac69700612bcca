from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from .sale_order_gate import Refusal

# What is taken from the type unless a person or the customer says otherwise.
DEFAULTS = ("payment_term_id", "pricelist_id", "sale_order_template_id")


class SaleOrder(models.Model):
    """The type of an order, the number that comes with it, and what an order gets from it.

    Who comes first: a person, then what is set on the customer itself, then the customer's tier
    (``sale_order_effect.py``, whose methods run after those of this file), then the type, then Odoo's
    own default.
    """

    _inherit = "sale.order"

    trade_order_type_id = fields.Many2one(
        "trade.order.type",
        "Order type",
        compute="_compute_trade_order_type_id",
        store=True,
        readonly=False,
        precompute=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
    )
    trade_order_type_color = fields.Integer(related="trade_order_type_id.color")
    trade_number_sequence_id = fields.Many2one(
        "ir.sequence", readonly=True, copy=False, help="Of an order type: where the number is from."
    )
    trade_promised_on = fields.Date("Delivery promised", compute="_compute_trade_promised_on")

    def _auto_init(self):
        # Orders that exist already stay without a type.
        for column in ("trade_order_type_id", "trade_number_sequence_id"):
            if not column_exists(self.env.cr, self._table, column):
                create_column(self.env.cr, self._table, column, "int4")
        return super()._auto_init()

    @api.depends("partner_id")
    def _compute_trade_order_type_id(self):
        for order in self:
            if order.state == "draft":
                order.trade_order_type_id = order._get_usual_type(
                    order.partner_id._origin, order.trade_order_type_id
                )
            else:
                order.trade_order_type_id = order.trade_order_type_id

    @api.model
    def _get_usual_type(self, partner, current):
        """The type that orders of ``partner`` have; ``current`` where it has none in particular."""
        customer = partner.sudo().commercial_partner_id
        usual = customer.trade_customer_type_id.order_type_id
        if usual.active:
            return usual
        return current if current and current._accepts(customer) else usual.browse()

    @api.constrains("trade_order_type_id", "partner_id")
    def _check_trade_order_type(self):
        for order in self:
            customer = order.partner_id.sudo().commercial_partner_id
            order_type = order.trade_order_type_id
            if order_type and order.state == "draft" and not order_type._accepts(customer):
                raise ValidationError(
                    self.env._(
                        "%(customer)s cannot have orders of the type %(type)s: choose another type.",
                        customer=customer.display_name,
                        type=order_type.sudo().name,
                    )
                )

    @api.depends("trade_order_type_id", "date_order", "commitment_date", "state")
    def _compute_trade_promised_on(self):
        for order in self:
            day = order.commitment_date or order._get_promised_date(order.date_order)
            order.trade_promised_on = day and fields.Datetime.context_timestamp(order, day).date()

    def _get_promised_date(self, start):
        days = self.trade_order_type_id.sudo().delivery_days
        return start + timedelta(days=days) if start and days else False

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    def _compute_payment_term_id(self):
        result = super()._compute_payment_term_id()
        for order in self:
            if term := order._get_type_default("payment_term_id"):
                order.payment_term_id = term
        return result

    def _compute_pricelist_id(self):
        result = super()._compute_pricelist_id()
        for order in self:
            if order.state == "draft" and (pricelist := order._get_type_default("pricelist_id")):
                order.pricelist_id = pricelist
        return result

    def _compute_sale_order_template_id(self):
        result = super()._compute_sale_order_template_id()
        for order in self:
            if template := order._get_type_default("sale_order_template_id"):
                order.sale_order_template_id = template
        return result

    def _get_type_default(self, name, order_type=None):
        """What the type offers and the customer may have.

        :param name: a field of the order, one of ``DEFAULTS``
        :param order_type: another type than that of the order
        """
        order_type = self.trade_order_type_id if order_type is None else order_type
        value = order_type._origin.with_company(self.company_id)._get_automatic_values().get(name)
        if not value or not value.active:
            return False
        accepted = {
            "payment_term_id": self._accepts_payment_term,
            "pricelist_id": self._accepts_pricelist,
        }
        return value if accepted.get(name, bool)(value.id) else False

    @api.onchange("trade_order_type_id")
    def _onchange_trade_order_type_id(self):
        template = self.sale_order_template_id
        for name, value in self._prepare_type_defaults().items():
            self[name] = value
        if not self._origin and self.sale_order_template_id != template:
            self._onchange_sale_order_template_id()

    def _prepare_type_defaults(self):
        """What changes with the type, where no person has chosen something of their own.

        A value that no type would give is a person's, the customer's or the tier's, and stays.
        """
        self.ensure_one()
        types = (
            self.env["trade.order.type"].sudo().with_context(active_test=False).search(Domain.TRUE)
        )
        values = {}
        for name in DEFAULTS:
            offers = {self._get_type_default(name, one) for one in types}
            plain = self._get_default_without_type(name)
            current = self[name]._origin
            effect = (self.trade_effects or {}).get(name)
            if current not in offers | {plain} or (effect and effect["value"] == current.id):
                continue
            new = self._get_type_default(name) or plain
            if new != current:
                values[name] = new
        return values

    def _get_default_without_type(self, name):
        """What an order without a type, of a customer without a tier, has."""
        partner_sudo = self._get_partner_of_company()
        if name == "payment_term_id":
            return partner_sudo.property_payment_term_id.sudo(False)
        if name == "pricelist_id":
            return partner_sudo.property_product_pricelist.sudo(False)
        return self.company_id.sudo().sale_order_template_id.sudo(False)

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # One dictionary for several orders would give them one number.
        vals_list = [dict(vals) for vals in vals_list]
        self._fill_types(vals_list)
        self._fill_numbers(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        if "trade_order_type_id" in vals:
            self._check_type_change(vals["trade_order_type_id"])
        by_person = "trade_order_type_id" in vals and self.filtered(
            lambda order: order.trade_order_type_id.id != vals["trade_order_type_id"]
        )
        result = super().write(vals)
        for order in by_person or ():
            values = order._prepare_type_defaults()
            values = {name: value.id for name, value in values.items() if name not in vals}
            if values:
                order.write(values)
        if not {"trade_order_type_id", "partner_id", "company_id"}.isdisjoint(vals):
            self.filtered(lambda order: order.state == "draft")._renumber()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for order, vals in zip(self, vals_list, strict=True):
            if not order.trade_order_type_id.sudo().active:
                vals.pop("trade_order_type_id", None)
        return vals_list

    def _check_type_change(self, type_id):
        """What a customer has been sent keeps its number, and with it its type."""
        for order in self:
            if order.state != "draft" and order.trade_order_type_id.id != (type_id or False):
                raise UserError(
                    self.env._(
                        "%(order)s is no draft any more and keeps its order type. Cancel it, set it to "
                        "quotation and change the type then, or copy it.",
                        order=order.name,
                    )
                )

    @api.model
    def _fill_types(self, vals_list):
        """Say in the values which type each new order has, because its number depends on it."""
        missing = [vals for vals in vals_list if "trade_order_type_id" not in vals]
        if not missing:
            return
        defaults = self.default_get(["trade_order_type_id", "partner_id"])
        partners, none = self.env["res.partner"], self.env["trade.order.type"]
        ids = [vals.get("partner_id") or defaults.get("partner_id") for vals in missing]
        for vals, partner in zip(missing, partners.browse(ids), strict=True):
            order_type = none.browse(defaults.get("trade_order_type_id"))
            if not order_type and partner and vals.get("state", "draft") == "draft":
                order_type = self._get_usual_type(partner, none)
            vals["trade_order_type_id"] = order_type.id

    @api.model
    def _fill_numbers(self, vals_list):
        """Take one number per order from the sequence of its type; Odoo numbers the others."""
        unnumbered = [
            vals
            for vals in vals_list
            if vals.get("trade_order_type_id")
            and vals.get("name", self.env._("New")) in (self.env._("New"), "New", False)
        ]
        if not unnumbered:
            return
        types = self.env["trade.order.type"].browse(
            {vals["trade_order_type_id"] for vals in unnumbered}
        )
        company_ids = {vals.get("company_id") or self.env.company.id for vals in unnumbered}
        sequences = types._read_sequences(self.env["res.company"].browse(company_ids), True)
        self._wait_for_gapless(sequences.values())
        for vals in unnumbered:
            key = vals["trade_order_type_id"], vals.get("company_id") or self.env.company.id
            if sequence := sequences[key]:
                vals["name"] = sequence.next_by_id(self._get_number_date(vals.get("date_order")))
                vals["trade_number_sequence_id"] = sequence.id

    @api.model
    def _get_number_date(self, date_order):
        if not date_order:
            return None
        return fields.Datetime.context_timestamp(self, fields.Datetime.to_datetime(date_order))

    @api.model
    def _wait_for_gapless(self, sequences):
        """Wait for who takes a number without gaps at this moment, then begin again.

        Odoo does not wait: of many orders at once, most would fail however often they are retried.
        """
        ids = {sequence.id for sequence in sequences if sequence.implementation == "no_gap"}
        if ids:
            self.env.cr.execute(
                SQL("UPDATE ir_sequence SET id = id WHERE id IN %s", tuple(sorted(ids)))
            )

    def _renumber(self):
        """Give drafts of another type a number of that type, each its own.

        A draft that comes back to a type gets a new number again; the old ones are not used twice.
        """
        if not self.trade_order_type_id and not self.trade_number_sequence_id:
            return
        sequences = self.trade_order_type_id._read_sequences(self.company_id, True)
        self._wait_for_gapless(sequences.values())
        for order in self:
            sequence = sequences.get((order.trade_order_type_id.id, order.company_id.id))
            sequence = sequence if sequence is not None else self.env["ir.sequence"]
            if sequence == order.trade_number_sequence_id:
                continue
            old = order.name
            date = order._get_number_date(order.date_order)
            odoo_sudo = self.env["ir.sequence"].sudo().with_company(order.company_id)
            number = (
                sequence.next_by_id(date)
                if sequence
                else odoo_sudo.next_by_code("sale.order", sequence_date=date)
            )
            # pylint: disable-next=super-method-mismatch
            super(SaleOrder, order).write({"name": number, "trade_number_sequence_id": sequence.id})
            order.message_post(
                body=self.env._(
                    "Number %(old)s became %(new)s with the order type.", old=old, new=number
                )
            )

    # ------------------------------------------------------------------
    # Confirmation
    # ------------------------------------------------------------------

    def _get_gate_refusals(self, before):
        refusals = super()._get_gate_refusals(before)
        for order in self.filtered("trade_order_type_id"):
            if order.id not in before and (text := order.sudo()._describe_missing_fields()):
                public = self.env._("We complete this order first and come back to you.")
                refusals.setdefault(order, []).append(Refusal("type", text, public))
        return refusals

    def _describe_missing_fields(self):
        """What the type requires and the order lacks, in a sentence; empty when it lacks nothing."""
        self.ensure_one()
        required = self.trade_order_type_id.requirement_ids.mapped("field_name")
        names = {name for name in required if name in self._fields and not self[name]}
        if not names:
            return ""
        labels = self.fields_get(list(names), ["string"])
        return self.env._(
            "Orders of the type %(type)s need: %(fields)s. Fill in what is missing.",
            type=self.trade_order_type_id.name,
            fields=", ".join(sorted(labels[name]["string"] for name in labels)),
        )

    def _action_confirm(self):
        for order in self:
            if not order.commitment_date and (
                promised := order._get_promised_date(order.date_order)
            ):
                order.commitment_date = promised
        return super()._action_confirm()


class SaleReport(models.Model):
    _inherit = "sale.report"

    trade_order_type_id = fields.Many2one("trade.order.type", "Order type", readonly=True)

    def _select_additional_fields(self):
        columns = super()._select_additional_fields()
        return {**columns, "trade_order_type_id": "s.trade_order_type_id"}

    def _group_by_sale(self):
        return f"{super()._group_by_sale()}, s.trade_order_type_id"
