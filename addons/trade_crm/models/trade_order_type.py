from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .ir_sequence import ORDER_TYPE_CODE


class TradeOrderType(models.Model):
    """How an order is dealt with: its number, its defaults and what it has to say.

    All companies share the types, as they share customers. Numbers, pricelist, terms and template
    are those of the current company.
    """

    _name = "trade.order.type"
    _description = "Order Type"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=100)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    description = fields.Char(translate=True, help="What belongs here, for those who choose.")
    customer_type_ids = fields.Many2many(
        "trade.customer.type", string="For customers of type", help="Leave empty for all customers."
    )
    requirement_ids = fields.One2many(
        "trade.order.type.requirement", "order_type_id", "Required on the order", copy=True
    )
    delivery_days = fields.Integer(
        "Delivery promise",
        help="Days from the confirmation to the delivery date that the customer is promised, "
        "unless one is set on the order; 0 promises none.",
    )
    pricelist_id = fields.Many2one("product.pricelist", company_dependent=True, check_company=True)
    payment_term_id = fields.Many2one(
        "account.payment.term", "Payment terms", company_dependent=True, check_company=True
    )
    sale_order_template_id = fields.Many2one(
        "sale.order.template", "Quotation template", company_dependent=True, check_company=True
    )
    number_prefix = fields.Char(
        "Prefix",
        compute="_compute_numbers",
        inverse="_inverse_numbers",
        help="Orders of this type are numbered on their own; %(year)s stands for the year. "
        "Empty: they have Odoo's numbers.",
    )
    number_gapless = fields.Boolean(
        "Without gaps",
        compute="_compute_numbers",
        inverse="_inverse_numbers",
        help="No number is left out. Orders of the type are then created one after the other.",
    )
    number_next = fields.Char("Next number", compute="_compute_numbers")
    order_count = fields.Integer("Orders", compute="_compute_order_count")

    @api.constrains("delivery_days")
    def _check_delivery_days(self):
        if any(order_type.delivery_days < 0 for order_type in self):
            raise ValidationError(self.env._("A delivery is promised after 0 days or more."))

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    @api.depends_context("company")
    def _compute_numbers(self):
        sequences = self._get_sequences(self.env.company)
        for order_type in self:
            sequence = sequences.get(order_type.id)
            used = sequence and sequence.active
            order_type.number_prefix = sequence.prefix if used else False
            order_type.number_gapless = bool(used) and sequence.implementation == "no_gap"
            order_type.number_next = (
                sequence.get_next_char(sequence.number_next_actual) if used else False
            )

    def _inverse_numbers(self):
        sequences = self._get_sequences(self.env.company)
        for order_type in self:
            values = order_type._prepare_sequence()
            sequence = sequences.get(order_type.id)
            if sequence:
                sequence.write(values)
            elif order_type.number_prefix:
                sequence.create(values | {"company_id": self.env.company.id})

    def _prepare_sequence(self):
        """Values of the sequence; without a prefix it is archived and goes on when there is one."""
        self.ensure_one()
        values = {
            "code": f"{ORDER_TYPE_CODE}{self.id}",
            "implementation": "no_gap" if self.number_gapless else "standard",
            "active": bool(self.number_prefix),
        }
        if self.number_prefix:
            values |= {"name": self.name, "prefix": self.number_prefix.strip(), "padding": 5}
        return values

    def _get_sequences(self, companies):
        """Sequences of these types, the archived ones included.

        :return: ``{type id: sequence}``, for one company; the sequence is empty where there is none
        """
        return {key[0]: value for key, value in self._read_sequences(companies).items()}

    def _read_sequences(self, companies, active_test=False):
        """``{(type id, company id): sequence}`` as superuser."""
        sequences_sudo = self.env["ir.sequence"].sudo().with_context(active_test=active_test)
        codes = {f"{ORDER_TYPE_CODE}{type_id}": type_id for type_id in self.ids}
        found = {
            (type_id, company_id): sequences_sudo
            for type_id in self.ids
            for company_id in companies.ids
        }
        for sequence in sequences_sudo.search(
            [("code", "in", list(codes)), ("company_id", "in", companies.ids)], order="id desc"
        ):
            found[codes[sequence.code], sequence.company_id.id] = sequence
        return found

    # ------------------------------------------------------------------
    # Customers
    # ------------------------------------------------------------------

    def _accepts(self, customer):
        """Whether ``customer`` may have orders of this type."""
        self.ensure_one()
        type_sudo = self.sudo()
        allowed = type_sudo.customer_type_ids
        return not allowed or customer.sudo().trade_customer_type_id in allowed

    def _get_automatic_values(self):
        """What orders of the type start with in the current company: ``{field of order: record}``."""
        type_sudo = self.sudo()
        return {
            name: type_sudo[name]
            for name in ("payment_term_id", "pricelist_id", "sale_order_template_id")
        }

    # ------------------------------------------------------------------
    # Orders
    # ------------------------------------------------------------------

    def _compute_order_count(self):
        counts = dict(
            self.env["sale.order"]._read_group(
                [("trade_order_type_id", "in", self.ids)], ["trade_order_type_id"], ["__count"]
            )
        )
        for order_type in self:
            order_type.order_count = counts.get(order_type, 0)

    def copy_data(self, default=None):
        return [
            {**vals, "name": self.env._("%s (copy)", order_type.name)}
            for order_type, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        orders_sudo = self.env["sale.order"].sudo()
        used = orders_sudo.search([("trade_order_type_id", "in", self.ids)], limit=1)
        if used:
            raise UserError(
                self.env._(
                    "There are orders of the type %(name)s: archive it instead of deleting it.",
                    name=used.trade_order_type_id.name,
                )
            )

    def unlink(self):
        codes = [f"{ORDER_TYPE_CODE}{type_id}" for type_id in self.ids]
        result = super().unlink()
        sequences_sudo = self.env["ir.sequence"].sudo().with_context(active_test=False)
        sequences_sudo.search([("code", "in", codes)]).unlink()
        return result

    def action_view_orders(self):
        """Open the orders of the type."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("sale.action_orders")
        return action | {
            "domain": Domain("trade_order_type_id", "=", self.id),
            "context": {"default_trade_order_type_id": self.id},
        }


class TradeOrderTypeRequirement(models.Model):
    """A field that has to be filled in before orders of a type are confirmed."""

    _name = "trade.order.type.requirement"
    _description = "Required on Orders"
    _rec_name = "field_name"

    order_type_id = fields.Many2one(
        "trade.order.type", required=True, index=True, ondelete="cascade"
    )
    field_name = fields.Selection("_get_order_fields", "Field", required=True)

    _field_unique = models.UniqueIndex("(order_type_id, field_name)", "A field is required once.")

    @api.model
    def _get_order_fields(self):
        """What a person fills in on an order: ``[(name, label)]``."""
        order_fields = self.env["sale.order"].fields_get(
            attributes=["string", "type", "readonly", "store"]
        )
        chosen = [
            (name, field["string"])
            for name, field in order_fields.items()
            if field["store"]
            and not field["readonly"]
            and field["type"] not in ("one2many", "json", "properties")
            and not name.startswith(("activity_", "message_", "access_", "website_message"))
        ]
        return sorted(chosen, key=lambda pair: pair[1])


class TradeCustomerType(models.Model):
    _inherit = "trade.customer.type"

    order_type_id = fields.Many2one(
        "trade.order.type",
        "Usual order type",
        ondelete="restrict",
        help="Of new orders of customers of this type.",
    )

    @api.constrains("order_type_id")
    def _check_order_type(self):
        for customer_type in self:
            allowed = customer_type.order_type_id.customer_type_ids
            if allowed and customer_type not in allowed:
                raise ValidationError(
                    self.env._(
                        "Orders of the type %(order_type)s are not for customers of the type "
                        "%(customer_type)s.",
                        order_type=customer_type.order_type_id.name,
                        customer_type=customer_type.name,
                    )
                )
