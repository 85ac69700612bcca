"""Orders and the credit of who pays them."""

from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.http import request
from odoo.service.model import MAX_TRIES_ON_CONCURRENCY_FAILURE, PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .sale_order_gate import Refusal


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # ------------------------------------------------------------------
    # Gate
    # ------------------------------------------------------------------

    def _get_credit_groups(self):
        """Orders whose credit is checked, with who pays them.

        :return: ``{company: {order: commercial partner}}``
        """
        groups = defaultdict(dict)
        for order in self.sudo():
            if order.company_id.trade_credit_control:
                payer = order.partner_invoice_id.commercial_partner_id
                groups[order.company_id][order] = payer or order.partner_id.commercial_partner_id
        return groups

    def _lock_for_gate(self):
        result = super()._lock_for_gate()
        accounts = self.env["trade.credit.account"].sudo()
        for company, payers in self._get_credit_groups().items():
            try:
                accounts._lock(company, {payer.id for payer in payers.values()})
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
                self._give_up_or_retry(error)
        return result

    def _give_up_or_retry(self, error):
        """Let Odoo start the request again; when it has done so often enough, tell the person."""
        tries = getattr(request, "trade_gate_tries", 0) + 1 if request else 0
        if request:
            request.trade_gate_tries = tries
        if tries < MAX_TRIES_ON_CONCURRENCY_FAILURE:
            raise error
        raise UserError(
            self.env._(
                "Other orders of the same customer are being confirmed right now. Please try again."
            )
        ) from error

    def _get_gate_refusals(self, before):
        refusals = super()._get_gate_refusals(before)
        for company, payers in self._get_credit_groups().items():
            for order, refusal in self._get_credit_refusals(company, payers, before).items():
                order = order.with_env(self.env)
                refusals[order] = [*refusals.get(order, []), refusal]
        return refusals

    @api.model
    def _get_credit_refusals(self, company, payers, before):
        """Orders beyond the credit of who pays: ``{order: Refusal}``.

        :param payers: ``{order: commercial partner}``
        """
        heads, standings = self._read_credit(company, payers)
        refused = {}
        used = {head: standing.exposure for head, standing in standings.items()}
        for order, payer in payers.items():
            if order.payment_term_id.trade_prepaid:
                continue
            head = heads[payer.id]
            standing = standings[head]
            need = max(standing.asked.get(order.id, 0.0), 0.0)
            used[head] += need
            # Not by what it needs: part of what was let through may be invoiced already.
            raised = order.amount_total - before.get(order.id, 0.0)
            if company.currency_id.compare_amounts(min(need, raised), 0) <= 0:
                continue
            reason = self._explain_credit(payer, standing, used[head], need)
            granted = order._get_company_amount() if order.id in before else need
            if reason and not order._has_credit_grant(payer, granted):
                # What is refused takes no room from the next one.
                used[head] -= need
                refused[order] = Refusal(
                    "credit",
                    reason,
                    self.env._(
                        "Thank you for your order. We have to look at it before we can confirm it, and "
                        "will be in touch; if you pay it in advance, it goes on at once."
                    ),
                    payable=True,
                )
        return refused

    @api.model
    def _read_credit(self, company, payers):
        """Heads and standings of who pays: ``({customer id: head id}, {head id: Standing})``."""
        accounts = self.env["trade.credit.account"].sudo()
        known = accounts._read_heads(company, {payer.id for payer in payers.values()})
        heads = {payer.id: known.get(payer.id, (payer.id, None))[0] for payer in payers.values()}
        ids = [order.id for order in payers]
        return heads, accounts._read_standings(company, set(heads.values()), ids)

    def _get_company_amount(self):
        """What the order is worth, in the currency of its company."""
        self.ensure_one()
        return self.amount_total / (self.currency_rate or 1.0)

    @api.model
    def _explain_credit(self, payer, standing, exposure, need):
        """Why credit is refused and what helps, for the staff; empty when it is given."""
        if not (standing.on_hold or standing.is_overdue or standing.exceeds(exposure)):
            return ""

        def show(amount):
            return standing.format(self.env, amount)

        values = {"customer": payer.display_name, "need": show(need)}
        if standing.on_hold:
            return self.env._(
                "%(customer)s is on hold: nothing is sold on credit. A prepayment of %(need)s helps, or "
                "ask a manager with “Ask for credit”.",
                **values,
            )
        if standing.is_overdue:
            return self.env._(
                "%(overdue)s It helps when that is paid, or %(need)s in advance; or ask a manager with "
                "“Ask for credit”.",
                overdue=self._describe_overdue(payer, standing),
                **values,
            )
        free = standing.limit - (exposure - need)
        values["over"] = show(exposure - standing.limit)
        if free > 0:
            return self.env._(
                "%(customer)s would owe %(exposure)s, and the credit limit is %(limit)s. A prepayment of "
                "%(over)s helps, or splitting the order: %(free)s fit; or ask a manager with “Ask for "
                "credit”.",
                exposure=show(exposure),
                limit=show(standing.limit),
                free=show(free),
                **values,
            )
        return self.env._(
            "%(customer)s would owe %(exposure)s, and the credit limit is %(limit)s. A prepayment of "
            "%(need)s helps, or ask a manager with “Ask for credit”.",
            exposure=show(exposure),
            limit=show(standing.limit),
            **values,
        )

    @api.model
    def _describe_overdue(self, payer, standing):
        values = {
            "customer": payer.display_name,
            "overdue": standing.format(self.env, standing.overdue),
        }
        if not standing.overdue_days:
            return self.env._("%(customer)s has %(overdue)s overdue.", **values)
        return self.env._(
            "%(customer)s has %(overdue)s overdue for more than %(days)s days.",
            days=standing.overdue_days,
            **values,
        )

    def _has_credit_grant(self, payer, need):
        """Whether a manager let the order through as it is now, for as much as it needs."""
        self.ensure_one()
        grants = self.env["trade.credit.request"].sudo()._get_grants(self)
        return any(grant._covers(self, payer, need) for grant in grants)

    # ------------------------------------------------------------------
    # Signature and payment
    # ------------------------------------------------------------------

    def _has_to_be_signed(self):
        """What cannot be confirmed is not signed, unless the customer pays it at the same time."""
        if not super()._has_to_be_signed():
            return False
        if self.env.context.get("trade_gate_declining"):
            return True
        refusals = self._ask_gate()
        return not refusals or (
            all(refusal.payable for refusal in refusals) and self._has_to_be_paid()
        )

    def _has_to_be_paid(self):
        """What a payment does not help is not paid now."""
        return super()._has_to_be_paid() and all(refusal.payable for refusal in self._ask_gate())

    def _ask_gate(self):
        """Refusals of a quotation as it is; nothing is locked."""
        self.ensure_one()
        if self.state not in ("draft", "sent"):
            return []
        return self._get_gate_refusals({}).get(self, [])

    def _get_gate_public_text(self):
        """What the customer is told about a quotation that cannot be confirmed now; or nothing."""
        self.ensure_one()
        # Who is only shown a quotation has ordered nothing yet.
        if self.is_expired or not (
            self.require_signature or self.require_payment or self.trade_waiting
        ):
            return ""
        return "\n".join(dict.fromkeys(refusal.public_text for refusal in self._ask_gate()))

    def action_confirm(self):
        """Within a payment, what is refused waits instead: no payment fails for it.

        The context only makes this gentler; the gate stands in ``write``.
        """
        if not self.env.context.get("trade_gate_in_payment"):
            return super().action_confirm()
        open_orders = self.filtered(lambda order: order.state in ("draft", "sent"))
        waiting = open_orders.filtered(lambda order: not order._may_confirm_paid())
        return super(SaleOrder, self - waiting).action_confirm()


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        return super(
            PaymentTransaction, self.with_context(trade_gate_in_payment=True)
        )._post_process()

    def _check_amount_and_confirm_order(self):
        """An order that was paid and is refused waits: Odoo is not to take it for confirmed."""
        refused = self.browse()
        for tx in self:
            order = tx.sale_order_ids
            if (
                len(order) == 1
                and order.state in ("draft", "sent")
                and order._is_confirmation_amount_reached()
                and not order._may_confirm_paid()
            ):
                refused |= tx
        return super(PaymentTransaction, self - refused)._check_amount_and_confirm_order()
