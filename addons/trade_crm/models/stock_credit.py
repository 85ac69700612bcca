"""Goods of a customer whose credit is gone stop before they leave."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from .res_company_credit import CREDIT_READERS


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _get_standing(self):
        """Who pays the order, and where they stand without it: ``(customer, Standing)``."""
        self.ensure_one()
        order = self.sudo()
        payer = order.partner_invoice_id.commercial_partner_id
        heads, standings = self._read_credit(order.company_id, {order: payer})
        return payer, standings[heads[payer.id]]

    def _get_credit_stops(self):
        """Why the order cannot be confirmed or, once it is, delivered: list of texts for the staff."""
        self.ensure_one()
        if self.state == "sale":
            return list(self._get_delivery_stops().values())
        if not self._get_credit_groups():
            return []
        return [refusal.text for refusal in self._ask_gate() if refusal.kind == "credit"]

    def _get_delivery_stops(self):
        """Confirmed orders whose goods must not leave: ``{order: text for the staff}``."""
        stops = {}
        for company, payers in self._get_credit_groups().items():
            heads, standings = self._read_credit(company, payers)
            for order, payer in payers.items():
                standing = standings[heads[payer.id]]
                need = standing.asked.get(order.id, 0.0)
                # What is paid goes, whatever else the customer owes.
                if company.currency_id.compare_amounts(need, 0) <= 0 and order._is_settled():
                    continue
                text = order._explain_stop(payer, standing)
                if text and not order._has_credit_grant(payer, max(need, 0.0)):
                    stops[order] = text
        return stops

    def _is_settled(self):
        """Whether nothing of the order's invoices is open."""
        self.ensure_one()
        lines = self.invoice_ids.filtered(lambda move: move.state == "posted").line_ids
        return not any(
            lines.filtered(
                lambda line: line.account_type == "asset_receivable" and line.amount_residual > 0
            )
        )

    def _explain_stop(self, payer, standing):
        """Why the goods stay and what helps; empty when they go. The warehouse reads no figures."""
        self.ensure_one()
        needs = sum(max(need, 0.0) for need in standing.asked.values())
        text = self._explain_stop_in_full(payer, standing, standing.exposure + needs)
        if text and not self.env.user.has_groups(CREDIT_READERS):
            return self.env._(
                "%(order)s stays here because of the credit of %(customer)s: ask %(salesperson)s.",
                order=self.name,
                customer=payer.display_name,
                salesperson=self._get_credit_rep().name,
            )
        return text

    def _explain_stop_in_full(self, payer, standing, exposure):
        values = {"order": self.name, "customer": payer.display_name}
        if standing.on_hold:
            return self.env._(
                "%(order)s stays here: %(customer)s is on hold. It goes when it is paid in advance or a "
                "manager releases it: press “Ask for credit” on the order.",
                **values,
            )
        if standing.is_overdue:
            return self.env._(
                "%(order)s stays here: %(overdue)s It goes when that is paid or a manager releases it: "
                "press “Ask for credit” on the order.",
                overdue=self._describe_overdue(payer, standing),
                order=self.name,
            )
        if not standing.exceeds(exposure, standing.granted):
            return ""
        return self.env._(
            "%(order)s stays here: %(customer)s owes %(exposure)s with this order, and the credit limit is "
            "%(limit)s. It goes when the customer pays or a manager releases it: press “Ask for credit” "
            "on the order.",
            exposure=standing.format(self.env, exposure),
            limit=standing.format(self.env, standing.limit),
            **values,
        )


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        """Below every way in which goods leave: buttons, wizards, batches, barcodes, imports."""
        self._check_credit()
        return super()._action_done(cancel_backorder=cancel_backorder)

    def _check_credit(self):
        """:raise UserError: for goods of customers whose credit is gone"""
        moves = self._get_credit_moves("trade_credit_delivery")
        if stops := moves.sale_line_id.order_id._get_delivery_stops():
            raise UserError("\n".join(stops.values()))

    def _get_credit_moves(self, setting):
        """Those that bring goods towards a customer, where the company checks that."""
        return self.sudo().filtered(
            lambda move: (
                move.sale_line_id
                and move.company_id.trade_credit_control
                and move.company_id[setting]
                and move.location_id.usage in ("internal", "transit")
                and move.state not in ("done", "cancel")
            )
        )

    def _action_assign(self, force_qty=False):
        """Nothing is reserved for who is stopped, where Settings say so."""
        moves = self._get_credit_moves("trade_credit_reservation")
        stopped = self.browse()
        if moves:
            orders = self.env["sale.order"].concat(
                *moves.sale_line_id.order_id._get_delivery_stops()
            )
            stopped = moves.filtered(lambda move: move.sale_line_id.order_id in orders)
        return super(StockMove, self - stopped.with_env(self.env))._action_assign(
            force_qty=force_qty
        )


class StockPicking(models.Model):
    _inherit = "stock.picking"

    trade_credit_stop = fields.Text("Credit", compute="_compute_trade_credit_stop")

    @api.depends("state", "move_ids.sale_line_id")
    @api.depends_context("lang")
    def _compute_trade_credit_stop(self):
        for picking in self:
            moves = picking.move_ids._get_credit_moves("trade_credit_delivery")
            stops = moves.sale_line_id.order_id._get_delivery_stops() if moves else {}
            picking.trade_credit_stop = "\n".join(stops.values())

    def button_validate(self):
        # Before the questions about backorders, which would be answered in vain.
        self.move_ids._check_credit()
        return super().button_validate()
