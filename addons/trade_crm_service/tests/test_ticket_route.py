from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestTicketRoute(ServiceCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.route = cls.env["trade.ticket.route"].create(
            {
                "name": "Quality",
                "company_id": cls.company_cn.id,
                "type_ids": [Command.set(cls.quality.ids)],
                "team_id": cls.team_quality.id,
            }
        )

    def test_rule_by_type_territory_and_load(self):
        tickets = self.env["helpdesk.ticket"]
        for _number in range(4):
            tickets += self._make_ticket(self.wok, trade_type_id=self.quality.id)
        self.assertEqual(tickets.team_id, self.team_quality)
        owners = tickets.mapped(lambda ticket: ticket.user_id.id)
        self.assertEqual(owners.count(self.user_agent.id), 2)
        self.assertEqual(owners.count(self.user_agent_east.id), 2)
        # Zhejiang's agent may not see a customer of the North.
        foreign = self._make_ticket(self.hutong, trade_type_id=self.quality.id)
        self.assertEqual(foreign.user_id, self.user_agent)
        log = foreign.trade_log_ids.filtered(lambda log: log.kind == "route")
        self.assertIn("Quality", log.reason)
        self.assertEqual(foreign.trade_route_reason, log.reason)

    def test_load_is_weighted(self):
        heavy = self._make_ticket(self.wok, self.user_agent, priority="3")
        waiting = self._make_ticket(
            self.wok, self.user_agent_east, priority="3", stage_id=self.stage_wait.id
        )
        loads = self.env["trade.ticket.route"]._get_loads(self.user_agent | self.user_agent_east)
        self.assertEqual(loads[self.user_agent.id], 2.0)
        self.assertEqual(loads[self.user_agent_east.id], 1.0)
        ticket = self._make_ticket(self.wok, trade_type_id=self.quality.id)
        self.assertEqual(ticket.user_id, self.user_agent_east)
        self.assertTrue(heavy and waiting)

    def test_batch_is_shared_out(self):
        tickets = self.env["helpdesk.ticket"].create(
            [
                {
                    "name": f"Pot {number}",
                    "description": "x",
                    "partner_id": self.wok.id,
                    "company_id": self.company_cn.id,
                    "trade_type_id": self.quality.id,
                    "user_id": False,
                }
                for number in range(10)
            ]
        )
        self.assertEqual(
            sorted(len(group) for group in tickets.grouped("user_id").values()), [5, 5]
        )

    def test_conditions(self):
        fits = self.route._fits
        question = self.route._get_question(
            self._make_ticket(self.wok, trade_type_id=self.quality.id)
        )
        self.assertTrue(fits(question))
        self.assertFalse(fits(question._replace(type_id=self.delay.id)))
        self.assertFalse(fits(question._replace(company_id=self.company_us.id)))
        self.assertFalse(fits(question._replace(team_id=self.team_logistics.id)))
        # A territory counts with its parts.
        self.route.territory_ids = self.east
        self.assertTrue(fits(question))
        self.assertFalse(fits(question._replace(territories=(self.north.id,))))

    def test_fallbacks(self):
        """No rule: leader of the team, manager of the territory, owner of last resort, nobody."""
        ticket = self._make_ticket(self.wok, team_id=self.team_logistics.id)
        self.assertEqual(ticket.user_id, self.user_leader)
        # East is above Zhejiang, which has no manager.
        ticket = self._make_ticket(self.wok)
        self.assertEqual(ticket.user_id, self.user_east)
        self.assertIn("East", ticket.trade_route_reason)
        self.assertFalse(self._make_ticket().user_id)
        self.company_cn.trade_ticket_owner_id = self.user_service
        self.assertEqual(self._make_ticket().user_id, self.user_service)

    def test_never_without_an_owner(self):
        ticket = self._make_ticket(self.wok, trade_type_id=self.quality.id)
        ticket.user_id = False
        self.assertTrue(ticket.user_id)
        # The members of another team are others.
        ticket.team_id = self.team_logistics
        self.assertEqual(ticket.user_id, self.user_leader)

    def test_team_by_load(self):
        self.team_quality.trade_by_load = True
        ticket = self._make_ticket(self.wok, team_id=self.team_quality.id)
        self.assertIn(ticket.user_id, self.team_quality.user_ids)

    def test_handover(self):
        ticket = self._make_ticket(self.wok, self.user_agent, team_id=self.team_quality.id)
        due = ticket.trade_solve_deadline
        self._after(hours=1)
        self._as(self.user_agent, ticket).user_id = self.user_agent_east
        log = ticket.trade_log_ids.filtered(lambda log: log.kind == "hand_over")
        self.assertEqual(log.from_owner_id, self.user_agent)
        self.assertEqual(log.owner_id, self.user_agent_east)
        self.assertEqual(log.user_id, self.user_agent)
        self.assertEqual(ticket.trade_solve_deadline, due)

    def test_nobody_gets_a_ticket_by_opening_it(self):
        tickets = self._as(self.user_agent, self.env["helpdesk.ticket"])
        self.assertFalse(tickets.default_get(["user_id"]).get("user_id"))
        self.route.active = False
        self.assertEqual(tickets.default_get(["user_id"])["user_id"], self.user_agent.id)
        reps = self._as(self.user_zhejiang, self.env["helpdesk.ticket"])
        self.assertFalse(reps.default_get(["user_id"]).get("user_id"))

    def test_portal_users_get_no_tickets(self):
        portal = self.user_agent.copy(
            {
                "login": "service_portal",
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        with self.assertRaises(ValidationError):
            self.route.user_ids = portal

    def test_queries_do_not_grow(self):
        def make(count):
            self.env["helpdesk.ticket"].create(
                [
                    {
                        "name": "Pot",
                        "description": "x",
                        "partner_id": self.wok.id,
                        "company_id": self.company_cn.id,
                        "trade_type_id": self.quality.id,
                        "user_id": False,
                        "number": f"N{number}",
                    }
                    for number in range(count)
                ]
            )
            self.env.flush_all()

        make(2)
        counts = []
        for count in (3, 23):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            make(count)
            counts.append(self.env.cr.sql_log_count - before)
        # helpdesk_mgmt and mail ask a few times per ticket themselves.
        self.assertLess((counts[1] - counts[0]) / 20, 12)

    def test_roles(self):
        with self.assertRaises(AccessError):
            self._as(self.user_agent, self.route).name = "Mine"
        self._as(self.user_service, self.route).name = "Better"
        with self.assertRaises(UserError):
            self._make_ticket(self.wok, trade_type_id=self.quality.id)
            self._as(self.user_service, self.quality).unlink()
