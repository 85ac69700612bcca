from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from odoo.addons.trade_crm.tests.territory_common import TerritoryCommon


class ServiceCommon(TerritoryCommon):
    """Tickets of two teams, in the territories of ``TerritoryCommon``.

    ::

        team       members                                  leader       hours
        ---------  ---------------------------------------  -----------  ------------------------
        quality    user_agent_east (Zhejiang), user_agent   user_leader  09:00 to 17:00, Mon–Fri,
                   (everywhere)                                          Asia/Shanghai
        logistics  user_leader                              user_leader  those of the company

        user_service  service manager

    The clock stands at Tuesday 2026-03-31, noon in Shanghai.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What the database at hand has of its own stays out of the way.
        cls.env["trade.ticket.route"].search([]).active = False
        cls.env["trade.sla.policy"].search([]).active = False
        cls.env["helpdesk.ticket.stage"].search([("company_id", "!=", False)]).active = False
        cls._setup_service_people()
        cls._setup_teams()
        cls._setup_stages()
        cls.quality = cls.env["trade.ticket.type"].create({"name": "Test quality"})
        cls.delay = cls.env["trade.ticket.type"].create({"name": "Test delay"})
        cls.sla = cls.env["trade.sla.policy"].create(
            {
                "name": "Test standard",
                "company_id": cls.company_cn.id,
                "first_hours": 8,
                "solve_hours": 16,
                "warn_percent": 50,
                "escalate_hours": 2,
            }
        )
        cls.env.flush_all()

    @classmethod
    def _setup_service_people(cls):
        cls.user_leader = cls.user_auditor.copy(
            {
                "login": "service_leader",
                "name": "Leader",
                "group_ids": [Command.set(cls.env.ref("trade_crm.group_agent").ids)],
            }
        )
        cls.user_service = cls.user_leader.copy(
            {
                "login": "service_manager",
                "name": "Service manager",
                "group_ids": [
                    Command.set(cls.env.ref("trade_crm_service.group_service_manager").ids)
                ],
            }
        )

    @classmethod
    def _setup_teams(cls):
        cls.calendar = cls.env["resource.calendar"].create(
            {
                "name": "Nine to five",
                "tz": "Asia/Shanghai",
                "company_id": cls.company_cn.id,
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": f"Day {day}",
                                "dayofweek": str(day),
                                "hour_from": 9,
                                "hour_to": 17,
                                "day_period": "morning",
                            }
                        )
                        for day in range(5)
                    ),
                ],
            }
        )
        cls.team_quality, cls.team_logistics = cls.env["helpdesk.ticket.team"].create(
            [
                {
                    "name": "Test quality",
                    "company_id": cls.company_cn.id,
                    "user_id": cls.user_leader.id,
                    "user_ids": [Command.set((cls.user_agent_east | cls.user_agent).ids)],
                    "trade_calendar_id": cls.calendar.id,
                },
                {
                    "name": "Test logistics",
                    "company_id": cls.company_cn.id,
                    "user_id": cls.user_leader.id,
                    "user_ids": [Command.set(cls.user_leader.ids)],
                },
            ]
        )

    @classmethod
    def _setup_stages(cls):
        stages = cls.env["helpdesk.ticket.stage"]
        stages.search([]).active = False
        cls.stage_new, cls.stage_work, cls.stage_wait, cls.stage_done, cls.stage_dropped = (
            stages.create(
                [
                    {"name": "New", "sequence": 1, "unattended": True, "company_id": False},
                    {"name": "Work", "sequence": 2, "trade_tell": True, "company_id": False},
                    {"name": "Wait", "sequence": 3, "trade_kind": "wait", "company_id": False},
                    {"name": "Done", "sequence": 4, "closed": True, "company_id": False},
                    {
                        "name": "Dropped",
                        "sequence": 5,
                        "closed": True,
                        "trade_kind": "dropped",
                        "company_id": False,
                    },
                ]
            )
        )

    @classmethod
    def _make_ticket(cls, partner=None, user=None, **values):
        """A ticket as a program makes it: of nobody unless ``user`` is given."""
        return cls.env["helpdesk.ticket"].create(
            {
                "name": "Broken pot",
                "description": "It is broken.",
                "partner_id": partner.id if partner else False,
                "company_id": cls.company_cn.id,
                "user_id": user.id if user else False,
                **values,
            }
        )

    def _go_to(self, moment):
        """Set the clock to ``moment``, in UTC."""
        self.clock.move_to(moment)

    def _after(self, **duration):
        self.clock.move_to(fields.Datetime.now() + timedelta(**duration))

    def _watch(self):
        """What the job does each minute, without its commits."""
        tickets = self.env["helpdesk.ticket"]
        tickets._follow_tiers()._refresh_sla("tier")
        tickets.search([("trade_sla_next", "<=", fields.Datetime.now())])._tell_marks()
        self.env.flush_all()
