from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.approval import get_fingerprint

STATES = [
    ("pending", "To decide"),
    ("approved", "Approved"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("void", "Void"),
]
ACTIVITY = "trade_crm.mail_activity_type_approval"
# Who may know what an order earns.
MARGIN = "sales_team.group_sale_manager,trade_crm.group_auditor"


class TradeApprovalRequest(models.Model):
    """Somebody asks for approval of an order as it is now.

    The request keeps what was asked for, so that an approver reads it here, also of an order of
    another territory, and so that the order can be compared with it afterwards. Nobody writes to a
    request: its buttons do.
    """

    _name = "trade.approval.request"
    _description = "Approval Request"
    _inherit = ["mail.thread", "mail.activity.mixin", "trade.territory.path.mixin"]
    _order = "id desc"
    _mail_post_access = "read"
    _territory_path = "order_id"

    order_id = fields.Many2one(
        "sale.order", required=True, readonly=True, index=True, ondelete="cascade"
    )
    name = fields.Char("Order number", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        "res.users", "Asked by", required=True, readonly=True, index=True, ondelete="restrict"
    )
    salesperson_id = fields.Many2one(
        "res.users", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    partner_id = fields.Many2one(related="order_id.partner_id", string="Customer")
    state = fields.Selection(STATES, required=True, readonly=True, default="pending", index=True)
    reason = fields.Text("Needs approval because", readonly=True)
    note = fields.Text("Why", readonly=True, help="In the words of who asks.")
    content = fields.Json(readonly=True)
    fingerprint = fields.Char(readonly=True)
    rule_reasons = fields.Json(readonly=True, help="What asked for it: {rule id: reason}.")
    step_ids = fields.One2many("trade.approval.step", "request_id", "Steps", readonly=True)
    decided_at = fields.Datetime("Decided", readonly=True)

    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_total = fields.Monetary("Total", readonly=True)
    discount = fields.Float("Largest discount (%)", readonly=True)
    margin_percent = fields.Float("Margin (%)", readonly=True, groups=MARGIN)

    content_html = fields.Html("What is asked for", compute="_compute_content_html")
    change_text = fields.Text("Changed since", compute="_compute_change_text")
    waiting_for = fields.Char("Waits for", compute="_compute_waiting_for")
    can_decide = fields.Boolean(
        "I decide", compute="_compute_can_decide", search="_search_can_decide"
    )

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Who asks, who decides and who stands in, besides those who see the order."""
        own = Domain("user_id", "=", self.env.uid)
        if operation == "read":
            own |= self.env["trade.approval.step"]._get_approver_domain("step_ids.approver_id")
        return own | super()._get_territory_domain(territory_ids, operation)

    # ------------------------------------------------------------------
    # What is shown
    # ------------------------------------------------------------------

    @api.depends("content")
    @api.depends_context("lang")
    def _compute_content_html(self):
        for request in self:
            rows = request.sudo()._describe_content()
            request.content_html = Markup(
                '<table class="table table-sm o_main_table"><thead><tr>%s</tr></thead>'
            ) % Markup("").join(
                Markup('<th class="%s">%s</th>') % ("text-end" if number else "", title)
                for number, title in enumerate(
                    (
                        self.env._("Product"),
                        self.env._("Quantity"),
                        self.env._("Price"),
                        self.env._("Discount"),
                    )
                )
            ) + Markup("<tbody>%s</tbody></table>") % Markup("").join(
                Markup(
                    '<tr><td>%s</td><td class="text-end">%s</td><td class="text-end">%s</td>'
                    '<td class="text-end">%s</td></tr>'
                )
                % row
                for row in rows
            )

    def _describe_content(self):
        """Rows of texts: product, quantity with unit, price, discount."""
        self.ensure_one()
        lines = (self.content or {}).get("lines", [])
        products = self.env["product.product"].browse({line["product_id"] for line in lines})
        products = products.exists()
        names = {product.id: product.display_name for product in products}
        uoms = self.env["uom.uom"].browse({line["uom_id"] for line in lines}).exists()
        units = {uom.id: uom.name for uom in uoms}
        return [
            (
                names.get(line["product_id"], "–"),
                f"{line['quantity']} {units.get(line['uom_id'], '')}",
                self.currency_id.format(float(line["price"])),
                f"{line['discount']} %" if line["discount"] != "0" else "",
            )
            for line in lines
        ]

    @api.depends("content", "state")
    @api.depends_context("lang")
    def _compute_change_text(self):
        for request in self:
            changes = []
            if request.state in ("pending", "approved"):
                changes = request.order_id.sudo()._describe_changes(request.sudo().content)
            request.change_text = "\n".join(changes)

    @api.depends("step_ids.state")
    def _compute_waiting_for(self):
        for request in self:
            steps = request.sudo().step_ids.filtered(lambda step: step.state == "open")
            request.waiting_for = ", ".join(dict.fromkeys(steps.approver_id.mapped("name")))

    @api.depends("step_ids.state")
    @api.depends_context("uid")
    def _compute_can_decide(self):
        for request in self:
            request.can_decide = bool(request.sudo()._get_my_steps())

    @api.model
    def _search_can_decide(self, operator, value):
        if operator != "in":
            return NotImplemented
        steps = self.env["trade.approval.step"]._get_approver_domain("approver_id")
        found = Domain("step_ids", "any", steps & Domain("state", "=", "open")) & Domain(
            "user_id", "!=", self.env.uid
        )
        # Own requests that nobody else may decide on.
        found |= Domain("user_id", "=", self.env.uid) & Domain(
            "step_ids", "any", [("state", "=", "open"), ("approver_id", "=", self.env.uid)]
        )
        # As superuser: nobody reads who stands in for whom, but everybody asks what to decide.
        mine = Domain("id", "in", self.sudo()._search(found))
        return mine if True in value else ~mine

    def _get_my_steps(self):
        """Open steps on which the current user decides, for himself or for who is away."""
        self.ensure_one()
        represented = self.env["trade.approval.delegate"]._get_represented(self.env.user)
        steps = self.step_ids.filtered(
            lambda step: (
                step.state == "open"
                and (step.approver_id == self.env.user or step.approver_id in represented)
            )
        )
        # Who asked decides only where the rule had nobody else.
        if self.env.user in self.user_id | self.salesperson_id:
            steps = steps.filtered(
                lambda step: step.approver_id == self.env.user and step.rule_id.allow_self
            )
        return steps

    def _get_rule_ids(self):
        """Ids of the rules that the request is about: a set."""
        return {int(rule_id) for rule_id in self.rule_reasons or ()}

    # ------------------------------------------------------------------
    # Ask
    # ------------------------------------------------------------------

    @api.model
    def _ask(self, order, reasons, note):
        """Ask for approval of ``order`` as it is.

        :param reasons: ``{rule id: reason}`` of the rules that ask for it
        :return: the request as superuser
        """
        rules = self.env["trade.approval.rule"].sudo().browse(reasons)
        order_sudo = order.sudo()
        content = order_sudo._get_approval_content()
        request_sudo = self.sudo().create(
            {
                "order_id": order.id,
                "name": order_sudo.name,
                "company_id": order_sudo.company_id.id,
                "user_id": self.env.uid,
                "salesperson_id": order_sudo.user_id.id,
                "reason": "\n".join(reasons.values()),
                "note": (note or "").strip(),
                "content": content,
                "fingerprint": get_fingerprint(content),
                "rule_reasons": reasons,
                "currency_id": order_sudo.currency_id.id,
                "amount_total": order_sudo.amount_total,
                "discount": order_sudo._get_approval_discounts()[0],
                "margin_percent": order_sudo._get_approval_margin(),
            }
        )
        request_sudo.message_unsubscribe(self.env.user.partner_id.ids)
        for rule in rules.sorted():
            self.env["trade.approval.step"].sudo()._create_steps(request_sudo, rule)
        request_sudo._advance()
        return request_sudo

    # ------------------------------------------------------------------
    # Decide
    # ------------------------------------------------------------------

    def action_approve(self):
        """Approve, without a word; with one see ``trade.approval.note``."""
        self._decide("approved")

    def action_refuse(self):
        """Ask why, and refuse."""
        return self._open_note("refuse")

    def action_approve_with_note(self):
        """Ask for a word to go with the approval."""
        return self._open_note("approve")

    def _open_note(self, kind):
        self.ensure_one()
        return self.env["trade.approval.note"]._open(kind, request=self)

    def action_withdraw(self):
        """Take the request back; only who asked can."""
        self.check_access("read")
        for request in self:
            if request.user_id != self.env.user:
                raise AccessError(self.env._("Only who asked takes a request back."))
        self.sudo()._close("withdrawn")

    def action_view_order(self):
        """Open the order, for whoever may see it."""
        self.ensure_one()
        self.order_id.check_access("read")
        return self.order_id._get_records_action()

    def _decide(self, decision, note=None):
        """Approve or refuse the steps of the current user.

        :param decision: ``"approved"`` or ``"refused"``
        :raise UserError: when it is decided already, or the order is not what was asked for
        :raise AccessError: for who does not decide
        """
        self.check_access("read")
        requests_sudo = self.sudo()
        requests_sudo._guard()
        for request_sudo in requests_sudo:
            request_sudo._check_pending()
            steps_sudo = request_sudo._get_my_steps()
            if not steps_sudo:
                raise AccessError(request_sudo._explain_not_mine())
            if decision == "approved" and request_sudo.change_text:
                raise UserError(
                    self.env._(
                        "%(order)s changed since approval was asked for: %(changes)s\nIt has to be asked for "
                        "again.",
                        order=request_sudo.name,
                        changes=request_sudo.change_text,
                    )
                )
            steps_sudo._close(decision, note)
            request_sudo._tell_decision(steps_sudo, decision, note)
            if decision == "refused":
                request_sudo._close("refused")
            else:
                request_sudo._advance()

    def _guard(self):
        """Of two who decide at once the second one waits here and begins again."""
        self.flush_recordset()
        query = SQL(
            "UPDATE trade_approval_request SET write_date = now() AT TIME ZONE 'UTC' WHERE id IN %s",
            self._ids or (0,),
        )
        self.env.cr.execute(query)
        self.invalidate_recordset()

    def _check_pending(self):
        if self.state != "pending":
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "The approval of %(order)s is closed: %(state)s.",
                    order=self.name,
                    state=labels[self.state],
                )
            )

    def _explain_not_mine(self):
        if self.env.user in self.user_id | self.salesperson_id:
            return self.env._(
                "%(order)s is your own: %(names)s approves it.",
                order=self.name,
                names=self.waiting_for,
            )
        return self.env._("%(order)s waits for %(names)s.", order=self.name, names=self.waiting_for)

    def _advance(self):
        """Open the steps whose turn it is; approve the request when none is left."""
        self.ensure_one()
        opened = self.step_ids._open_next()
        for user in opened.approver_id | self.env["trade.approval.delegate"]._get_delegates(
            opened.approver_id
        ):
            self.activity_schedule(
                ACTIVITY,
                user_id=user.id,
                summary=self.env._("Approve %s", self.name),
                note=self.reason,
            )
        if not self.step_ids.filtered(lambda step: step.state in ("waiting", "open")):
            self._close("approved")
            return
        waiting = self.step_ids.filtered(lambda step: step.state == "open").approver_id
        waiting |= self.env["trade.approval.delegate"]._get_delegates(waiting)
        self.activity_ids.filtered(lambda activity: activity.user_id not in waiting).unlink()

    def _close(self, state):
        """End pending requests; other states stay."""
        pending = self.filtered(lambda request: request.state == "pending")
        pending.write({"state": state, "decided_at": fields.Datetime.now()})
        pending.flush_recordset(["state"])
        pending.step_ids.filtered(lambda step: step.state in ("waiting", "open")).write(
            {"state": "skipped"}
        )
        pending.activity_ids.unlink()
        for request in pending.filtered(lambda request: request.state in ("approved", "refused")):
            request._tell_asker()

    def _tell_decision(self, steps, decision, note):
        """Note on the order who decided, for whom, and why."""
        names = ", ".join(dict.fromkeys(step.decided_name for step in steps))
        text = (
            self.env._("%s approved this order.", names)
            if decision == "approved"
            else self.env._("%s refused this order.", names)
        )
        body = Markup("<p>%s</p>") % text
        if note:
            body += Markup("<blockquote>%s</blockquote>") % note
        self.order_id.message_post(body=body)

    def _tell_asker(self):
        """Send who asked, and the salesperson, what was decided."""
        self.ensure_one()
        labels = dict(self._fields["state"]._description_selection(self.env))
        notes = "\n".join(note for note in self.step_ids.mapped("note") if note)
        people = (self.user_id | self.salesperson_id).filtered("active") - self.env.user
        self.order_id.message_notify(
            partner_ids=people.partner_id.ids,
            subject=f"{labels[self.state]}: {self.name}",
            body=notes or labels[self.state],
        )
