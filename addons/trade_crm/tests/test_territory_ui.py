from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritoryUi(TerritoryCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["product.product"].create(
            {
                "name": "Noodles",
                "type": "consu",
                "is_storable": True,
                "company_id": cls.company_cn.id,
                "taxes_id": [Command.clear()],
            }
        )
        cls.customers.customer_rank = 1
        users = cls.user_zhejiang | cls.user_manager
        for user in users:
            user.password = user.login
        cls.user_manager.group_ids += cls.env.ref("trade_crm.group_all_territories")
        cls.env.flush_all()

    def test_day_of_a_representative(self):
        self.start_tour("/odoo", "trade_crm_territory_rep", login=self.user_zhejiang.login)
        order = self.env["sale.order"].search([("partner_id", "=", self.wok.id)])
        self.assertEqual(order.territory_id, self.zhejiang)
        self.assertEqual(order.state, "cancel")

    def test_work_of_a_manager(self):
        self.bund.write({"city": False, "zip": "100050"})
        self.start_tour("/odoo", "trade_crm_territory_manager", login=self.user_manager.login)
        self.assertEqual(self.bund.territory_id, self.north)
        self.assertEqual(self.hutong.territory_id, self.zhejiang)
