from odoo.tests import tagged

from .service_common import ServiceCommon


@tagged("post_install", "-at_install")
class TestTicketToday(ServiceCommon):
    """Tickets whose deadline is near or missed, on the list of the day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        order = cls._make_order(cls.wok, 480.0)
        cls.ticket = cls._make_ticket(
            cls.wok, cls.user_agent_east, team_id=cls.team_quality.id, trade_order_id=order.id
        )

    def _read(self, user, user_id=None):
        self.env.flush_all()
        self.env.invalidate_all()
        data = self._as(user, self.env["trade.today"]).get_list(user_id=user_id)
        return [line for line in data["lines"] if line["kind"] == "ticket"]

    def test_owner_leader_and_manager(self):
        people = self.user_agent_east, self.user_leader, self.user_east
        for user in people:
            self.assertEqual(self._read(user), [])
        # Half of eight working hours are over: the first answer is near.
        self._go_to("2026-03-31 08:30:00")
        self._watch()
        for user in people:
            [line] = self._read(user)
            self.assertEqual(line["res_id"], self.ticket.id)
            self.assertIn("04/01/2026", line["reason"])
            self.assertIn(self.user_agent_east.name, line["reason"])
            self.assertIn("480.00", line["money"])
            self.assertFalse(line["is_late"])
        for user in (self.user_agent, self.user_north, self.user_beijing):
            self.assertEqual(self._read(user), [], user.name)
        # Who leads the team may look at the list of its members.
        [line] = self._read(self.user_leader, user_id=self.user_agent_east.id)
        self.assertEqual(line["open_id"], self.ticket.id)

    def test_late_comes_back_and_solved_goes(self):
        self._go_to("2026-03-31 08:30:00")
        self._watch()
        [line] = self._read(self.user_agent_east)
        today = self._as(self.user_agent_east, self.env["trade.today"])
        today.set_done(line["kind"], line["res_id"], line["cause"])
        self.assertEqual(self._read(self.user_agent_east), [])
        self._go_to("2026-04-02 06:00:00")
        self._watch()
        [line] = self._read(self.user_agent_east)
        self.assertTrue(line["is_late"])
        # The activities that tell the same are no lines of their own.
        data = today.get_list()
        self.assertEqual([one["kind"] for one in data["lines"]], ["ticket"])
        self.ticket.stage_id = self.stage_done
        self.assertEqual(self._read(self.user_agent_east), [])
