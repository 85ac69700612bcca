import ast
from pathlib import Path

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.service.model import call_kw
from odoo.tests import HttpCase, tagged

from odoo.addons import sale

from .credit_common import CreditCommon

CALLS = {
    "action_confirm",
    "_action_confirm",
    "_validate_order",
    "_check_amount_and_confirm_order",
}
# Every place in Odoo's source that confirms an order, with the way below that goes through it.
KNOWN = {
    "sale/controllers/portal.py:portal_quote_accept": "signature",
    "sale/models/payment_transaction.py:_check_amount_and_confirm_order": "payment",
    "sale/models/payment_transaction.py:_post_process": "payment",
    "sale/models/sale_order.py:_prepare_confirmation_values": "button",
    "sale/models/sale_order.py:_validate_order": "validate",
    "sale/models/sale_order.py:action_confirm": "private",
}
# Of modules that the suite does not need: they call what is tried here, and end in write().
NOT_NEEDED = {
    "delivery/models/payment_transaction.py:_post_process",
    "pos_sale/models/pos_order.py:sync_from_ui",
    "sale_project/models/project_project.py:_ensure_sale_order_linked",
    "sale_project/models/project_task.py:_ensure_sale_order_linked",
    "sale_project/models/sale_order.py:create",
    "sale_timesheet/models/sale_order.py:create",
    "website_event_booth_sale/controllers/event_booth.py:event_booth_registration_confirm",
    "website_event_sale/controllers/main.py:registration_confirm",
    "website_sale/controllers/main.py:shop_payment_validate",
    "website_sale_collect/models/payment_transaction.py:_post_process",
}
# Moves, repairs and booths are confirmed by methods of the same name.
NOT_ORDERS = {
    "event_booth_sale/models/event_booth_registration.py:action_confirm",
    "event_booth_sale/models/sale_order_line.py:_update_event_booths",
    "point_of_sale/models/pos_order.py:_launch_stock_rule_from_pos_order_lines",
    "point_of_sale/models/stock_picking.py:_create_move_from_pos_order_lines",
    "repair/models/repair.py:_action_repair_confirm",
    "repair/models/stock_move.py:create",
    "sale_stock/models/sale_order_line.py:_action_launch_stock_rule",
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _find_callers(path, module):
    """``{"module/file:function"}`` of what calls one of ``CALLS`` on something else than super()."""
    text = path.read_text("utf-8")
    if not any(name in text for name in CALLS) and "'sale'" not in text and '"sale"' not in text:
        return set()
    found = set()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef) and any(map(_confirms, ast.walk(function))):
            found.add(f"{module.name}/{path.relative_to(module)}:{function.name}")
    return found


def _confirms(node):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        receiver = node.func.value
        is_super = isinstance(receiver, ast.Call) and getattr(receiver.func, "id", "") == "super"
        return node.func.attr in CALLS and not is_super
    if isinstance(node, ast.Dict):
        return any(
            getattr(key, "value", None) == "state" and getattr(value, "value", None) == "sale"
            for key, value in zip(node.keys, node.values, strict=True)
        )
    if isinstance(node, ast.Assign):
        targets = [getattr(target, "attr", None) for target in node.targets]
        return "state" in targets and getattr(node.value, "value", None) == "sale"
    return False


def _find_all_callers():
    root = Path(sale.__file__).parents[1]
    found = set()
    for module in root.iterdir():
        manifest = module / "__manifest__.py"
        if (
            module.name.startswith("trade_crm")
            or not manifest.exists()
            or "sale" not in manifest.read_text()
        ):
            continue
        for path in module.rglob("*.py"):
            if "tests" not in path.relative_to(module).parts:
                found |= _find_callers(path, module)
    return found


@tagged("post_install", "-at_install")
class TestCreditWays(CreditCommon):
    """Each way to a confirmed order, for one that is beyond the limit and for one that fits."""

    def _ways(self):
        orders = self.env["sale.order"]
        return {
            "button": lambda order: order.action_confirm(),
            "validate": lambda order: order._validate_order(),
            "sudo": lambda order: order.sudo().action_confirm(),
            "context": lambda order: order.with_context(
                **dict.fromkeys(
                    (
                        "bypass_risk",
                        "force_confirm",
                        "no_gate",
                        "skip_credit",
                        "import_file",
                        "install_mode",
                        "trade_gate_declining",
                        "tracking_disable",
                        "no_check",
                    ),
                    True,
                )
            ).action_confirm(),
            "context of a payment": lambda order: order.with_context(
                trade_gate_in_payment=True
            ).action_confirm(),
            "private": lambda order: order._action_confirm(),
            "write": lambda order: order.write({"state": "sale"}),
            "update": lambda order: order.update({"state": "sale"}),
            "assign": lambda order: setattr(order, "state", "sale"),
            "web_save": lambda order: order.web_save({"state": "sale"}, {"state": {}}),
            "call_kw": lambda order: call_kw(orders, "write", [order.ids, {"state": "sale"}], {}),
            "create": lambda order: orders.create({**order.copy_data()[0], "state": "sale"}),
            "copy": lambda order: order.copy({"state": "sale"}),
            "import": self._import,
            "server action": self._run_action,
            "payment": lambda order: self._make_tx(order, state="done")._post_process(),
            "wizard": lambda order: self._call_from_wizard(order),
        }

    def _import(self, order):
        self.env.flush_all()
        [[xmlid]] = order.export_data(["id"])["datas"]
        result = self.env["sale.order"].load(["id", "state"], [[xmlid, "sale"]])
        if result["messages"]:
            raise UserError(result["messages"][0]["message"])

    def _run_action(self, order):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Confirm all",
                "model_id": self.env.ref("sale.model_sale_order").id,
                "state": "code",
                "code": "records.write({'state': 'sale'})",
            }
        )
        action.with_context(active_model="sale.order", active_ids=order.ids).run()

    def _call_from_wizard(self, order):
        """A dialog that invoices needs a confirmed order, and calls what it likes."""
        wizard = self.env["sale.advance.payment.inv"].create(
            {"sale_order_ids": [Command.set(order.ids)]}
        )
        for name in ("_prepare_confirmation_values",):
            wizard.sale_order_ids.write(getattr(wizard.sale_order_ids, name)())

    def _count_confirmed(self):
        self.env.flush_all()
        return self.env["sale.order"].search_count(
            [("partner_id", "=", self.customer.id), ("state", "=", "sale")]
        )

    def test_every_way(self):
        for name, way in self._ways().items():
            with self.subTest(way=name), self.env.cr.savepoint() as savepoint:
                paid = name == "payment"
                order = self._quote(3000.0)
                if paid:  # in full, it would pass
                    order.prepayment_percent = 0.5
                    way = self._pay_half
                refused = False
                try:
                    with self.env.cr.savepoint():
                        way(order)
                        self._end_request()
                except UserError as error:
                    refused = "would owe" in str(error) or str(error)
                self.env.cr.precommit.clear()
                self.env.invalidate_all(flush=False)
                self.assertEqual(self._count_confirmed(), 0)
                self.assertFalse(order.picking_ids)
                if paid or name in ("context of a payment", "private"):
                    self.assertFalse(refused, "a payment never fails")
                else:
                    self.assertIs(refused, True)
                savepoint.rollback()

    def _pay_half(self, order):
        self._make_tx(order, order.amount_total / 2)._post_process()

    def test_each_way_works_with_room(self):
        for name, way in self._ways().items():
            if name == "private":
                continue
            with self.subTest(way=name), self.env.cr.savepoint() as savepoint:
                way(self._quote(1000.0))
                self._end_request()
                self.assertEqual(self._count_confirmed(), 1)
                savepoint.rollback()

    def test_computed_values_are_not_written(self):
        """Over RPC a seller could write what the limit is compared with."""
        lines = {"price_total": 1.0, "price_subtotal": 1.0, "qty_invoiced": 9.0, "state": "cancel"}
        header = {"amount_total": 1.0, "currency_rate": 1000.0, "delivery_status": "full"}
        defaults = {f"default_{name}": value for name, value in (lines | header).items()}
        del defaults["default_state"]
        for values, line_values, context in ((header, {}, {}), ({}, lines, {}), ({}, {}, defaults)):
            with self.subTest(values=values or line_values or context):
                quotations = self._as(self.user_rep, self.env["sale.order"]).with_context(**context)
                line = {"product_id": self.product_service.id, "price_unit": 3000.0, **line_values}
                order = quotations.create(
                    {
                        "partner_id": self.customer.id,
                        "company_id": self.company_cn.id,
                        "user_id": self.user_rep.id,
                        "order_line": [Command.create({"tax_ids": False, **line})],
                        **values,
                    }
                )
                order.write(values)
                order.order_line.write(line_values)
                self.env.flush_all()
                self.assertRefused("would owe", order.action_confirm)

    def test_debt_is_not_put_on_somebody_else(self):
        self._set_limit(100)
        order = self._quote(500.0, user_id=self.user_rep.id)
        other = self._make_customer("Silk Road")
        self._as(self.user_rep, self.customer).write({"commercial_partner_id": other.id})
        self.env.flush_all()
        self.assertRefused("Golden Wok would owe", self._as(self.user_rep, order).action_confirm)

    def test_source_has_no_other_way(self):
        found = _find_all_callers()
        known = KNOWN.keys() | NOT_NEEDED | NOT_ORDERS
        self.assertFalse(found - known, "Odoo confirms orders in a new place: try it here")
        # The package may lack modules that Odoo has, but not those that are needed.
        self.assertFalse(KNOWN.keys() - found, "Odoo does not confirm orders there any more")
        tried = self._ways().keys() | {"signature"}
        self.assertLessEqual(set(KNOWN.values()), tried)

    def test_paid_and_blocked_waits(self):
        self._set_limit(100)
        order = self._quote(1000.0, user_id=self.user_rep.id)
        order.prepayment_percent = 0.5
        tx = self._make_tx(order, 500.0)
        tx._post_process()
        self.assertTrue(tx.is_post_processed)
        self.assertEqual((order.state, order.trade_waiting), ("sent", "paid"))
        self.assertEqual(order.activity_ids.user_id, self.user_rep)
        # Paying the rest releases it, and closes the activity.
        self._make_tx(order, 500.0)
        with self._job_env() as env:
            env["sale.order"]._cron_release_waiting()
        self.env.invalidate_all()
        self.assertEqual(order.state, "sale")
        self.assertFalse(order.trade_waiting)
        self.assertFalse(order.activity_ids)

    def test_paid_and_released_is_invoiced(self):
        """As Odoo would have done at the payment."""
        self.env["ir.config_parameter"].set_param("sale.automatic_invoice", "True")
        account = self._make_account(on_hold=True)
        order = self._quote(1000.0, user_id=self.user_rep.id)
        order.prepayment_percent = 0.5
        for _part in range(2):
            self._make_tx(order, 250.0)._post_process()
        self.assertEqual((order.state, order.trade_waiting), ("sent", "paid"))
        self.assertFalse(order.invoice_ids)
        account.on_hold = False
        with self._job_env() as env:
            env["sale.order"]._cron_release_waiting()
        self.env.invalidate_all()
        self.assertEqual(order.state, "sale")
        [invoice] = order.invoice_ids
        self.assertEqual((invoice.state, invoice.amount_residual), ("posted", 0.0))
        self.assertEqual(invoice.amount_total, 500.0)


@tagged("post_install", "-at_install")
class TestCreditPortal(CreditCommon, HttpCase):
    """The customer signs on the portal."""

    def _accept(self, order):
        token = order._portal_ensure_token()
        self.env.flush_all()
        answer = self.url_open(
            f"/my/orders/{order.id}/accept?access_token={token}",
            json={"params": {"name": "Ms. Chen", "signature": PIXEL}},
        ).json()
        return answer["result"]

    def test_signature(self):
        self._set_limit(100)
        order = self._quote(500.0, state="sent", require_signature=True, require_payment=False)
        answer = self._accept(order)
        self.assertIn("Thank you for your order", answer["error"])
        self.assertNotIn("100", answer["error"])
        self.assertFalse(order.signature)
        page = self.url_open(order.get_portal_url()).text
        self.assertIn("Thank you for your order", page)
        self.assertNotIn("would owe", page)
        order.require_signature = False
        self.assertNotIn("Thank you for your order", self.url_open(order.get_portal_url()).text)
        order.require_signature = True
        self._set_limit(500)
        self.assertIn("redirect_url", self._accept(order))
        self.assertEqual(order.state, "sale")

    def test_declining_stays_possible(self):
        self._set_limit(100)
        order = self._quote(500.0, state="sent", require_signature=True)
        token = order._portal_ensure_token()
        self.env.flush_all()
        self.authenticate(None, None)
        self.url_open(
            f"/my/orders/{order.id}/decline?access_token={token}",
            data={"decline_message": "Too late", "csrf_token": Request.csrf_token(self)},
        )
        self.assertEqual(order.state, "cancel")

    def test_sign_and_pay(self):
        """What is paid in full at the same time can be signed."""
        self._set_limit(100)
        order = self._quote(500.0, state="sent", require_signature=True, require_payment=True)
        order.prepayment_percent = 1.0
        self.assertTrue(order._has_to_be_signed())
        self.assertTrue(order._has_to_be_paid())
