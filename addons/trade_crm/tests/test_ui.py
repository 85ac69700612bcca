from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.web.tests import test_js


@tagged("post_install", "-at_install")
class TestUi(HttpCase):
    def test_rep_finds_a_customer_and_the_tiers(self):
        new_test_user(self.env, login="trade_tour_rep", groups="trade_crm.group_rep")
        golden_wok, corner_shop = self.env["res.partner"].create(
            [{"name": name, "is_company": True} for name in ("Golden Wok", "Corner Shop")]
        )
        self.env["trade.order.history"].create(
            [
                {
                    "partner_id": partner.id,
                    "date": day,
                    "amount": amount,
                    "external_id": partner.name,
                }
                for partner, day, amount in (
                    (golden_wok, fields.Date.subtract(fields.Date.today(), months=2), 600000.0),
                    (corner_shop, fields.Date.today(), 100.0),
                )
            ]
        )
        self.env.flush_all()
        self.env["trade.customer.profile"]._rebuild((golden_wok + corner_shop).ids)
        self.env["trade.sales.fact"]._rebuild_all()
        self.start_tour("/odoo", "trade_crm_customers", login="trade_tour_rep")
        self.start_tour("/odoo", "trade_crm_value", login="trade_tour_rep")

    def test_components(self):
        """The unit tests of the addon's JavaScript."""
        suite = test_js.HOOTCommon._generate_hash(self, "@trade_crm")
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            "",
            "",
            login="admin",
            timeout=180,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=test_js.unit_test_error_checker,
        )
