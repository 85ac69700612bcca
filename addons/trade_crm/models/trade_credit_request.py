from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class TradeCreditRequest(models.Model):
    """Somebody asks to let an order through in spite of its customer's credit; a manager decides.

    A grant is for the order as it was asked for: for as much, of the same customer, by the same
    terms, until a day.
    """

    _name = "trade.credit.request"
    _description = "Request for Credit"
    _inherit = ["trade.request.mixin", "trade.territory.mixin"]
    _rec_name = "order_id"
    _order = "id desc"

    order_id = fields.Many2one(
        "sale.order", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    account_id = fields.Many2one(
        "trade.credit.account",
        "Credit of",
        readonly=True,
        index=True,
        ondelete="cascade",
        help="Whose limit counts: of the customer or of the head of its group.",
    )
    company_id = fields.Many2one(related="order_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(readonly=True, help="What the order needs.")
    payment_term_id = fields.Many2one(
        "account.payment.term", "Payment terms", readonly=True, ondelete="restrict"
    )
    situation = fields.Text(readonly=True, help="Why the order was refused when it was asked for.")
    valid_until = fields.Date("Holds until", readonly=True, tracking=True)

    _open_unique = models.UniqueIndex(
        "(order_id) WHERE state = 'open'", "Somebody has asked for this order already."
    )

    # ------------------------------------------------------------------
    # Ask
    # ------------------------------------------------------------------

    @api.model
    def _ask(self, order, reason):
        """Ask for ``order``, as the user who can edit it.

        :raise UserError: without a reason, or when there is nothing to ask for
        """
        order.check_access("write")
        if not (reason or "").strip():
            raise UserError(self.env._("Say why you ask: a manager has to decide on it."))
        order_sudo = order.sudo()
        payer, standing = order_sudo._get_standing()
        texts = order_sudo._get_credit_stops()
        if not texts:
            raise UserError(
                self.env._("“%s” needs no decision: its credit is sufficient.", order.name)
            )
        if self.sudo().search_count([("order_id", "=", order.id), ("state", "=", "open")], limit=1):
            raise UserError(self.env._("Somebody has asked for this order already."))
        heads = self.env["trade.credit.account"].sudo()._lock(order.company_id, {payer.id})
        request_sudo = self.sudo().create(
            {
                "order_id": order.id,
                "partner_id": payer.id,
                "account_id": heads[payer.id][1],
                "amount": standing.asked.get(order.id, 0.0),
                "payment_term_id": order_sudo.payment_term_id.id,
                "user_id": self.env.uid,
                "reason": reason.strip(),
                "situation": "\n".join(texts),
            }
        )
        request_sudo._tell_deciders()
        return request_sudo.with_env(self.env)

    def _tell_deciders(self):
        for credit_request in self:
            for user in credit_request._get_deciders():
                credit_request.activity_schedule(
                    "mail.mail_activity_data_todo",
                    user_id=user.id,
                    summary=self.env._("%s asks for credit", credit_request.user_id.name),
                )

    def _get_deciders(self):
        """Managers of the territory, from there upwards, else Credit control; never who asked."""
        self.ensure_one()
        if self._is_for_managers():
            for territory in reversed(self.territory_id._get_above().get(self.territory_id.id, [])):
                if managers := territory.manager_ids.filtered(self._may_be_told):
                    return managers
        deciders = self.env.ref("trade_crm.group_credit").all_user_ids.filtered(self._may_be_told)
        return deciders.filtered(lambda user: self.company_id in user.company_ids)

    def _may_be_told(self, user):
        return user.active and not user.share and user != self.user_id

    def _is_for_managers(self):
        """Whether the amount is one that sales managers decide on."""
        self.ensure_one()
        company = self.company_id.sudo()
        if company.trade_credit_manager_kind == "amount":
            return self.amount <= company.trade_credit_manager_amount
        return company.trade_credit_manager_kind == "unlimited"

    # ------------------------------------------------------------------
    # Decide
    # ------------------------------------------------------------------

    def action_grant(self):
        """Let the orders through as they were asked for."""
        for request_sudo in self._begin_decision("granted"):
            days = timedelta(days=request_sudo.company_id.trade_credit_grant_days)
            request_sudo.valid_until = fields.Date.context_today(self) + days
            request_sudo._tell_asker()
            request_sudo.order_id._release_waiting_later()

    def _on_refused(self):
        self._tell_asker()

    def _check_may_decide(self):
        result = super()._check_may_decide()
        is_control = self.env.user.has_group("trade_crm.group_credit")
        if not is_control and not all(request._is_for_managers() for request in self):
            raise AccessError(
                self.env._("This is more than sales managers decide on: it is for Credit control.")
            )
        return result

    def _tell_asker(self):
        for credit_request in self:
            labels = dict(credit_request._fields["state"]._description_selection(self.env))
            label = labels[credit_request.state]
            text = credit_request.decision or label
            credit_request.message_notify(
                partner_ids=credit_request.user_id.partner_id.ids,
                subject=f"{label}: {credit_request.display_name}",
                body=text,
            )
            credit_request.order_id.message_post(
                body=self.env._(
                    "Request for credit of %(amount)s: %(decision)s",
                    amount=credit_request.currency_id.format(credit_request.amount),
                    decision=f"{label}. {credit_request.decision or ''}",
                ),
                author_id=credit_request.decided_by_id.partner_id.id,
            )

    # ------------------------------------------------------------------
    # Use
    # ------------------------------------------------------------------

    @api.model
    def _get_grants(self, order):
        """Grants of ``order`` that hold today."""
        return self.search(
            [
                ("order_id", "=", order.id),
                ("state", "=", "granted"),
                ("valid_until", ">=", fields.Date.context_today(self)),
            ]
        )

    def _covers(self, order, payer, need):
        """Whether the order is still what was granted."""
        self.ensure_one()
        return (
            self.partner_id == payer
            and self.payment_term_id == order.payment_term_id
            and self.currency_id.compare_amounts(need, self.amount) <= 0
        )
