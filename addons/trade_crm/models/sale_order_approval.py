from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from ..analytics.approval import compare, get_number
from .sale_order_gate import LINE_FIELDS, Refusal
from .trade_approval_request import STATES

# What is approved, besides the lines.
HEADER_FIELDS = (
    "company_id",
    "partner_id",
    "partner_invoice_id",
    "currency_id",
    "pricelist_id",
    "payment_term_id",
    "trade_order_type_id",
)
PROTECTED = {"trade_approval_request_id", "trade_approval_state"}


class SaleOrder(models.Model):
    """An order that rules ask approval for is confirmed as it was approved, or not at all.

    What was approved is kept in the request. The order is compared with it whenever it matters, so
    any change voids the approval at once, and going back to exactly what was approved makes it valid
    again. A rule counts as it is when the order is confirmed: a new or stricter one asks for
    approval anew, an archived one asks for none; an approval that a rule was given stays when its
    approvers or limits are edited.
    """

    _inherit = "sale.order"

    trade_approval_request_id = fields.Many2one(
        "trade.approval.request", "Approval", readonly=True, copy=False, index="btree_not_null"
    )
    trade_approval_request_ids = fields.One2many(
        "trade.approval.request", "order_id", "Approvals", readonly=True
    )
    trade_approval_state = fields.Selection(
        STATES,
        "Approval state",
        compute="_compute_trade_approval_state",
        store=True,
        copy=False,
        index="btree_not_null",
    )
    trade_approval_needed = fields.Boolean(compute="_compute_trade_approval_info")
    trade_approval_info = fields.Text("About approval", compute="_compute_trade_approval_info")
    trade_approval_count = fields.Integer(
        "Approval requests", compute="_compute_trade_approval_count"
    )

    def _auto_init(self):
        # Orders that exist already have no approval; computing that would take minutes.
        for column, definition in (
            ("trade_approval_request_id", "int4"),
            ("trade_approval_state", "varchar"),
        ):
            if not column_exists(self.env.cr, self._table, column):
                create_column(self.env.cr, self._table, column, definition)
        return super()._auto_init()

    @api.depends(
        "trade_approval_request_id.state",
        *HEADER_FIELDS,
        *(f"order_line.{name}" for name in sorted(LINE_FIELDS - {"order_id"})),
    )
    def _compute_trade_approval_state(self):
        for order in self:
            request_sudo = order.sudo()._get_own_request()
            state = request_sudo.state
            if state in ("pending", "approved") and not order._is_as_asked(request_sudo):
                state = "void"
            order.trade_approval_state = state

    @api.depends("trade_approval_state", "state")
    @api.depends_context("lang")
    def _compute_trade_approval_info(self):
        # Customers read their orders on the portal, and over RPC.
        if self.env.user.share:
            self.trade_approval_needed = self.trade_approval_info = False
            return
        unconfirmed = self.filtered(
            lambda order: order._origin and order.state in ("draft", "sent")
        )
        needed = unconfirmed._origin._get_missing_approvals()
        for order in self:
            reasons = needed.get(order._origin, {})
            order.trade_approval_needed = bool(reasons)
            order.trade_approval_info = order._origin._describe_approval(reasons)

    def _compute_trade_approval_count(self):
        counts = dict(
            self.env["trade.approval.request"]
            .sudo()
            ._read_group([("order_id", "in", self.ids)], ["order_id"], ["__count"])
        )
        for order in self:
            order.trade_approval_count = counts.get(order, 0)

    # ------------------------------------------------------------------
    # What is approved
    # ------------------------------------------------------------------

    def _get_approval_content(self):
        """What somebody approves, see ``analytics/approval.py``."""
        self.ensure_one()
        order = self.sudo()
        return {
            "header": {name: order[name].id for name in HEADER_FIELDS},
            "lines": [
                {
                    "product_id": line.product_id.id,
                    "quantity": get_number(line.product_uom_qty),
                    "uom_id": line.product_uom_id.id,
                    "price": get_number(line.price_unit),
                    "discount": get_number(line.discount),
                    "tax_ids": sorted(line.tax_ids._origin.ids),
                }
                for line in order._get_approval_lines()
            ],
        }

    def _get_own_request(self):
        """The request that counts, as superuser; a copy has none, whatever it was made with."""
        request_sudo = self.sudo().trade_approval_request_id
        return request_sudo.filtered(lambda request: request.order_id == self._origin)

    def _is_as_asked(self, request):
        return not compare(request.content, self._get_approval_content())

    def _describe_changes(self, content):
        """How the order differs from ``content``: a list of sentences."""
        self.ensure_one()
        return [
            self._describe_change(change)
            for change in compare(content, self._get_approval_content())
        ]

    def _describe_change(self, change):
        if change.product_id is None:
            field = self._fields[change.what]
            return self.env._(
                "%(field)s changed from %(old)s to %(new)s",
                field=field._description_string(self.env),
                old=self._get_record_name(field.comodel_name, change.old),
                new=self._get_record_name(field.comodel_name, change.new),
            )
        product = self._get_record_name("product.product", change.product_id)
        if change.what == "added":
            return self.env._("%s was added", product)
        if change.what == "removed":
            return self.env._("%s was removed", product)
        values = {
            "product": product,
            "old": self._get_value_name(change.what, change.old),
            "new": self._get_value_name(change.what, change.new),
        }
        texts = {
            "price": lambda: self.env._(
                "price of %(product)s changed from %(old)s to %(new)s", **values
            ),
            "quantity": lambda: self.env._(
                "quantity of %(product)s changed from %(old)s to %(new)s", **values
            ),
            "discount": lambda: self.env._(
                "discount of %(product)s changed from %(old)s %% to %(new)s %%", **values
            ),
            "uom_id": lambda: self.env._(
                "unit of %(product)s changed from %(old)s to %(new)s", **values
            ),
            "tax_ids": lambda: self.env._(
                "taxes of %(product)s changed from %(old)s to %(new)s", **values
            ),
        }
        return texts[change.what]()

    def _get_value_name(self, name, value):
        if name == "uom_id":
            return self._get_record_name("uom.uom", value)
        if name == "tax_ids":
            taxes = self.env["account.tax"].sudo().browse(value).exists()
            return ", ".join(taxes.mapped("name")) or "–"
        return value

    def _get_record_name(self, model, record_id):
        return self.env[model].sudo().browse(record_id or ()).exists().display_name or "–"

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_missing_approvals(self):
        """Rules that ask for an approval that the order has not: ``{order: {rule id: reason}}``."""
        missing = {}
        for order, reasons in self._get_needed_rules().items():
            request_sudo = order.sudo()._get_own_request()
            given = ()
            if request_sudo.state == "approved" and order._is_as_asked(request_sudo):
                given = request_sudo._get_rule_ids()
            left = {rule: reason for rule, reason in reasons.items() if rule not in given}
            if left:
                missing[order] = left
        return missing

    def _describe_approval(self, reasons):
        """Where the approval stands and what comes next, for who sells; empty without one.

        :param reasons: ``{rule id: reason}`` of what is missing
        """
        if not self:
            return ""
        request_sudo = self.sudo().trade_approval_request_id
        state = self.sudo().trade_approval_state
        if state == "void" and request_sudo.state in ("pending", "approved"):
            changes = ", ".join(self.sudo()._describe_changes(request_sudo.content))
            text = self.env._("Approval void: %s.", changes)
            return f"{text} {self._describe_need(reasons)}" if reasons else text
        if state == "pending":
            return self.env._("Waiting for the approval of %s.", request_sudo.waiting_for)
        if state == "refused" and reasons:
            refused = request_sudo.step_ids.filtered(lambda step: step.state == "refused")[:1]
            return self.env._(
                "Refused by %(name)s: %(note)s",
                name=refused.decided_name,
                note=refused.note or self.env._("no reason given"),
            )
        if state == "approved" and not reasons:
            return self.env._("Approved as it is. A change voids the approval.")
        return self._describe_need(reasons) if reasons else ""

    def _describe_need(self, reasons):
        return self.env._(
            "Needs approval because %s: press Ask for approval.", "; ".join(reasons.values())
        )

    def _get_gate_refusals(self, before):
        refusals = super()._get_gate_refusals(before)
        public = self.env._(
            "We have to look at this order once more before we confirm it, and come back to you soon."
        )
        for order, reasons in self._get_missing_approvals().items():
            if order.id not in before:
                text = order._describe_approval(reasons)
            elif order._is_changed_by_approver(reasons):
                continue
            else:
                text = order._describe_late_change(reasons)
            refusals.setdefault(order, []).append(Refusal("approval", text, public))
        return refusals

    def _describe_late_change(self, reasons):
        names = self._get_final_approvers(reasons).mapped("name")
        return self.env._(
            "The order is confirmed, and with this change it needs approval because %(reasons)s. Have "
            "it changed by who approves (%(names)s), or put the change on a new quotation.",
            reasons="; ".join(reasons.values()),
            names=", ".join(names) or self.env._("nobody at present"),
        )

    def _is_changed_by_approver(self, reasons):
        """Whether who changes a confirmed order has the last word on all rules; noted if so."""
        rules_sudo = self.env["trade.approval.rule"].sudo().browse(reasons)
        # Not on an order of one's own.
        excluded = self.sudo().user_id
        if any(
            self.env.user not in rule.step_ids[-1:]._find_approvers(self.sudo(), excluded)
            for rule in rules_sudo
        ):
            return False
        self.sudo().message_post(
            body=self.env._(
                "%(name)s, who approves it, changed the confirmed order: %(reasons)s.",
                name=self.env.user.name,
                reasons="; ".join(reasons.values()),
            )
        )
        self.env.flush_all()
        return True

    def _get_final_approvers(self, reasons):
        """Who has the last word on all of the rules."""
        rules_sudo = self.env["trade.approval.rule"].sudo().browse(reasons)
        order_sudo = self.sudo()
        groups = [
            rule.step_ids[-1:]._find_approvers(order_sudo, order_sudo.user_id)
            for rule in rules_sudo
        ]
        common = groups[0] if groups else self.env["res.users"]
        for group in groups[1:]:
            common &= group
        return common[:5]

    # ------------------------------------------------------------------
    # Ask
    # ------------------------------------------------------------------

    def action_ask_approval(self):
        """Ask for a word to go with the request, then ask."""
        self.ensure_one()
        self.check_access("write")
        self._check_may_ask()
        return self.env["trade.approval.note"]._open("ask", order=self)

    def action_view_approvals(self):
        """Open the requests for approval of the order."""
        self.ensure_one()
        requests = self.trade_approval_request_ids
        return requests._get_records_action(name=self.env._("Approvals"))

    def _check_may_ask(self):
        """:return: ``{rule id: reason}`` of what is asked for"""
        self.ensure_one()
        if self.state not in ("draft", "sent"):
            raise UserError(self.env._("%s is no quotation any more.", self.name))
        reasons = self._get_missing_approvals().get(self)
        if not reasons:
            raise UserError(self.env._("%s needs no approval: confirm it.", self.name))
        if self.trade_approval_state == "pending":
            request_sudo = self.sudo().trade_approval_request_id
            if not set(reasons) - request_sudo._get_rule_ids():
                raise UserError(self._describe_approval(reasons))
        return self._get_needed_rules()[self]

    def _ask_approval(self, note=None):
        """Ask for approval of the order as it is; a request that waits is void then.

        :return: the request
        """
        self.check_access("write")
        reasons = self._check_may_ask()
        order_sudo = self.sudo()
        order_sudo.trade_approval_request_id._close("void")
        request_sudo = self.env["trade.approval.request"]._ask(self, reasons, note)
        order_sudo.trade_approval_request_id = request_sudo
        # Written now: of two who ask at once the second one begins again.
        order_sudo.flush_recordset(["trade_approval_request_id"])
        order_sudo.message_post(
            body=self.env._(
                "Approval asked for because %(reasons)s; it waits for %(names)s.",
                reasons="; ".join(reasons.values()),
                names=request_sudo.waiting_for or "–",
            )
        )
        return request_sudo.with_env(self.env)

    # ------------------------------------------------------------------
    # No way round
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._check_approval_fields(vals_list)
        defaults = {f"default_{name}" for name in PROTECTED}
        context = {key: value for key, value in self.env.context.items() if key not in defaults}
        # pylint: disable-next=context-overridden
        return super(SaleOrder, self.with_context(context)).create(vals_list)

    def write(self, vals):
        self._check_approval_fields([vals])
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self.sudo().trade_approval_request_id._close("withdrawn")
        return result

    @api.model
    def _check_approval_fields(self, vals_list):
        if not self.env.su and any(not PROTECTED.isdisjoint(vals) for vals in vals_list):
            raise AccessError(
                self.env._("Approvals are asked for and given by their buttons only.")
            )

    def _guard_approval(self):
        """Whoever confirms one of these orders at this moment, or changes it, begins again.

        Without it two transactions could confirm an order and change its lines so that its total
        stays, and neither would see what the other one did.
        """
        if self.ids:
            query = SQL("UPDATE sale_order SET id = id WHERE id IN %s", self._ids)
            self.env.cr.execute(query)


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        if self.env["trade.approval.rule"]._has_rules():
            order_ids = {vals["order_id"] for vals in vals_list if vals.get("order_id")}
            self.env["sale.order"].browse(order_ids)._guard_approval()
        return super().create(vals_list)

    def _write_multi(self, vals_list):
        if self.env["trade.approval.rule"]._has_rules():
            changed = [
                line_id
                for line_id, vals in zip(self._ids, vals_list, strict=True)
                if not LINE_FIELDS.isdisjoint(vals)
            ]
            self.browse(changed).sudo().order_id._guard_approval()
        return super()._write_multi(vals_list)

    def unlink(self):
        if self.env["trade.approval.rule"]._has_rules():
            self.sudo().order_id._guard_approval()
        return super().unlink()
