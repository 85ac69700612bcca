from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.trade_crm.tests.territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTicketTerritory(TerritoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        agents = cls.user_agent_east | cls.user_agent
        agents.group_ids += cls.env.ref("helpdesk_mgmt.group_helpdesk_user")
        cls.own, cls.foreign, cls.nobody = cls.env["helpdesk.ticket"].create(
            [
                {
                    "name": name,
                    "description": name,
                    "partner_id": partner.id,
                    "company_id": cls.company_cn.id,
                }
                for name, partner in (
                    ("Late", cls.wok_contact),
                    ("Broken", cls.hutong),
                    ("Unknown", cls.env["res.partner"]),
                )
            ]
        )
        cls.tickets = cls.own | cls.foreign | cls.nobody
        cls.env.flush_all()

    def test_ticket_is_where_its_customer_is(self):
        self.assertEqual(self.own.territory_id, self.zhejiang)
        self.assertEqual(self.foreign.territory_id, self.north)
        self.assertFalse(self.nobody.territory_id)

    def test_agents_see_theirs(self):
        seen = self._visible(self.user_agent_east, self.tickets)
        self.assertEqual(seen.sorted("id"), self.own | self.nobody)
        self.assertEqual(len(self._visible(self.user_agent, self.tickets)), 3)
        with self.assertRaises(AccessError):
            self._as(self.user_agent_east, self.foreign).read(["name"])

    def test_open_tickets_go_along(self):
        done = self.own.copy({"partner_id": self.wok.id})
        done.stage_id = self.env["helpdesk.ticket.stage"].search([("closed", "=", True)], limit=1)
        self.assertTrue(done.closed)
        moves = self.env["trade.territory.move"]
        self.assertIn("tickets", [key for key, *_rest in moves._get_documents()])
        self.user_manager.group_ids += self.env.ref("trade_crm.group_all_territories")
        self._as(self.user_manager, self.env["trade.territory.assign"]).create(
            {"partner_ids": self.wok.ids, "territory_id": self.north.id}
        ).action_move()
        self.env.invalidate_all()
        self.assertEqual(self.own.territory_id, self.north)
        self.assertEqual(done.territory_id, self.zhejiang)

    def test_panel_of_the_customer(self):
        """Open tickets are on the 360° view of who may answer them."""
        partners = self._as(self.user_agent_east, self.env["res.partner"])
        pages = {panel["key"]: panel for panel in partners.get_trade_360(self.wok.id)["panels"]}
        self.assertEqual([row["res_id"] for row in pages["tickets"]["rows"]], self.own.ids)
        self.own.stage_id = self.env["helpdesk.ticket.stage"].search(
            [("closed", "=", True)], limit=1
        )
        self.env.flush_all()
        pages = {panel["key"]: panel for panel in partners.get_trade_360(self.wok.id)["panels"]}
        self.assertEqual(pages["tickets"]["rows"], [])
