import logging

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import str2bool

from .res_company_credit import CREDIT_READERS

_logger = logging.getLogger(__name__)


class SaleOrder(models.Model):
    """Orders that wait until they may be confirmed."""

    _inherit = "sale.order"

    trade_waiting = fields.Selection(
        [("rep", "For the salesperson"), ("paid", "Paid by the customer")],
        "Waits for release",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="base.group_user",
        help="Checked again whenever the customer pays or gets credit.",
    )

    trade_credit_on = fields.Boolean(related="company_id.trade_credit_control")
    # Customers read their orders on the portal, and over RPC.
    trade_credit_stop = fields.Text(
        "Credit", compute="_compute_trade_credit_stop", groups=CREDIT_READERS
    )
    trade_credit_asked = fields.Boolean(compute="_compute_trade_credit_stop", groups=CREDIT_READERS)
    trade_credit_request_ids = fields.One2many(
        "trade.credit.request", "order_id", "Requests for credit", groups=CREDIT_READERS
    )

    @api.depends(
        "state",
        "amount_total",
        "partner_invoice_id",
        "payment_term_id",
        "trade_credit_request_ids.state",
    )
    @api.depends_context("lang")
    def _compute_trade_credit_stop(self):
        """Why the order would be refused, for its form; asked only where something may be stopped."""
        for order in self:
            saved = order._origin
            asks = saved.trade_credit_on and (
                saved.state in ("draft", "sent")
                or (saved.state == "sale" and saved.delivery_status not in (False, "full"))
            )
            order.trade_credit_stop = "\n".join(saved._get_credit_stops()) if asks else False
            order.trade_credit_asked = bool(asks) and any(
                credit_request.state == "open"
                for credit_request in saved.sudo().trade_credit_request_ids
            )

    def action_credit_ask(self):
        """Open the dialog that asks for credit."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask for credit"),
            "res_model": "trade.credit.ask",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_order_id": self.id},
        }

    def action_view_credit_requests(self):
        """Open what was asked for the order."""
        self.ensure_one()
        requests = self.trade_credit_request_ids
        return requests._get_records_action(name=self.env._("Requests for credit"))

    def _may_confirm_paid(self):
        """Whether a paid order may be confirmed; when not, it waits with an activity."""
        self.ensure_one()
        self._lock_for_gate()
        refusals = self._ask_gate()
        if refusals:
            self._wait("paid", "\n".join(refusal.text for refusal in refusals))
        return not refusals

    def _wait(self, reason, note):
        order = self.sudo()
        # Who has paid has received it.
        if reason == "paid" and order.state == "draft":
            order.with_context(tracking_disable=True).action_quotation_sent()
        if order.trade_waiting == reason:
            return
        order.trade_waiting = reason
        order.activity_schedule(
            "trade_crm.mail_activity_type_credit_waiting",
            user_id=order._get_credit_rep().id,
            summary=self.env._("Paid, and not confirmed yet")
            if reason == "paid"
            else self.env._("Waits for credit"),
            note=note,
        )

    def _get_credit_rep(self):
        """Who looks after the order."""
        user = self.user_id or self.partner_id.commercial_partner_id.user_id
        if user.active and not user.share:
            return user
        managers = self.territory_id.manager_ids.filtered("active")
        return managers[:1] or self.env.ref("base.user_admin")

    def action_credit_wait(self):
        """Have the order checked again whenever the customer pays or gets credit."""
        self.check_access("write")
        for order in self:
            order._lock_for_gate()
            refusals = order._ask_gate()
            if not refusals:
                raise UserError(self.env._("“%s” can be confirmed: it need not wait.", order.name))
            order._wait("rep", "\n".join(refusal.text for refusal in refusals))

    # ------------------------------------------------------------------
    # Release
    # ------------------------------------------------------------------

    @api.model
    def _cron_release_waiting(self):
        """Look at the orders that wait; each is a transaction of its own."""
        cron = self.env["ir.cron"]
        orders = self.search([("trade_waiting", "!=", False)], order="id")
        cron._commit_progress(remaining=len(orders))
        for order in orders:
            try:
                order._release()
                self.env.flush_all()
            except (UserError, OperationalError):
                # Somebody works on the customer: the next run comes back to it.
                self.env.cr.rollback()
            except Exception:
                self.env.cr.rollback()
                _logger.exception("Order %s cannot be released", order.id)
            if not cron._commit_progress(1):
                break

    def _release(self):
        """Confirm the order if its customer paid it, or tell the rep that it can be."""
        self.ensure_one()
        if self.state not in ("draft", "sent"):
            self._end_waiting()
            return
        paid = self.trade_waiting == "paid" and self._is_confirmation_amount_reached()
        if paid:
            self._lock_for_gate()
        if self._ask_gate():
            return
        self._end_waiting()
        if paid:
            order = self.with_company(self.company_id).with_context(send_email=True)
            order.action_confirm()
            order._invoice_when_paid()
        self._tell_rep(paid)

    def _invoice_when_paid(self):
        """Invoice what a customer paid, as Odoo does at the payment if it is set to do so."""
        if not str2bool(self.env["ir.config_parameter"].sudo().get_param("sale.automatic_invoice")):
            return
        transactions = self.sudo().transaction_ids.filtered(
            lambda tx: tx.state == "done" and tx.operation != "validation" and not tx.invoice_ids
        )
        # Each of them would invoice the order anew.
        transactions[-1:]._invoice_sale_orders()
        invoices = transactions.invoice_ids.filtered(lambda move: move.state == "draft")
        invoices.action_post()
        for payment in transactions.payment_id:
            (payment.move_id.line_ids + invoices.line_ids).filtered(
                lambda line, account=payment.destination_account_id: (
                    line.account_id == account and not line.reconciled
                )
            ).reconcile()
        transactions.filtered("invoice_ids")._send_invoice()

    def _end_waiting(self):
        self.trade_waiting = False
        self.activity_unlink(["trade_crm.mail_activity_type_credit_waiting"])

    def _tell_rep(self, paid):
        """Tell the rep what has become of an order that waited."""
        user = self._get_credit_rep()
        order = self.with_context(lang=user.lang)
        text = (
            order.env._("%s is confirmed: its customer had paid it.", order.name)
            if paid
            else order.env._("%s fits the customer's credit now: it can be confirmed.", order.name)
        )
        order.message_notify(partner_ids=user.partner_id.ids, subject=order.name, body=text)
        if not paid:
            order.activity_schedule("mail.mail_activity_data_todo", user_id=user.id, summary=text)
