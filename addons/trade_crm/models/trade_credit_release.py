"""What may give a customer credit again has the orders that wait looked at."""

from odoo import api, models
from odoo.tools import SQL

PENDING = "trade_crm.credit.release"
RECEIVABLE_FIELDS = {"amount_residual", "parent_state", "reconciled"}


class TradeCreditAccount(models.Model):
    _inherit = "trade.credit.account"

    @api.model
    def _release_later(self):
        """Have waiting orders checked after this transaction, by a job of its own.

        A payment never waits for, or fails because of, the orders that it releases.
        """
        data = self.env.cr.precommit.data
        if not data.get(PENDING):
            data[PENDING] = True
            self.env.cr.precommit.add(self.env["trade.credit.account"]._trigger_release)

    @api.model
    def _trigger_release(self):
        self.env.cr.precommit.data.pop(PENDING, None)
        waiting = SQL("SELECT EXISTS (SELECT FROM sale_order WHERE trade_waiting IS NOT NULL)")
        if self.env.execute_query(waiting)[0][0]:
            self.env.ref("trade_crm.ir_cron_release_waiting").sudo()._trigger()


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        if any(not RECEIVABLE_FIELDS.isdisjoint(vals) for vals in vals_list):
            self.env["trade.credit.account"]._release_later()
        return result


class AccountPayment(models.Model):
    _inherit = "account.payment"

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        if any("state" in vals for vals in vals_list):
            self.env["trade.credit.account"]._release_later()
        return result


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        if any(vals.get("state") == "cancel" for vals in vals_list):
            self._release_waiting_later()
        return result

    def _release_waiting_later(self):
        self.env["trade.credit.account"]._release_later()


class ResCompany(models.Model):
    _inherit = "res.company"

    def write(self, vals):
        result = super().write(vals)
        if any(name.startswith("trade_credit_") for name in vals):
            self.env["trade.credit.account"]._release_later()
        if "trade_credit_control" in vals:
            # Its menus come and go.
            self.env.registry.clear_cache()
        return result
