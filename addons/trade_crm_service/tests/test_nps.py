from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.modules.migration import load_script
from odoo.tests import HttpCase, tagged
from odoo.tools import file_path

from ..analytics.satisfaction import Tally, get_nps
from .test_survey import SurveyCommon


class NpsCommon(SurveyCommon):
    """Zhejiang: 12 promoters about deliveries. North: 12 detractors about quality, who blame a cause."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        late, kind = cls.causes
        cls._answer(12, cls.wok_contact, cls.delay, "10", "5", kind)
        cls._answer(12, cls.hutong, cls.quality, "2", "1", late)
        cls._answer(3, cls.bund, cls.delay, False, False, late.browse())
        # Long ago.
        cls._answer(5, cls.wok_contact, cls.delay, "0", "1", late, sent_at="2024-01-01 00:00:00")
        cls.env.flush_all()

    @classmethod
    def _answer(cls, count, partner, kind, score, level, causes, sent_at="2026-03-10 04:00:00"):
        answers = cls.env["trade.survey.invitation"].sudo()
        group = {"10": "promoter", "2": "detractor", "0": "detractor", False: False}[score]
        answers.create(
            [
                {
                    "survey_id": cls.survey.id,
                    "company_id": cls.company_cn.id,
                    "channel": "email",
                    "sent_at": sent_at,
                    "expires_at": sent_at,
                    "partner_id": partner.id,
                    "commercial_partner_id": partner.commercial_partner_id.id,
                    "type_id": kind.id,
                    "nps": score,
                    "nps_group": group,
                    "csat": level,
                    "answered_at": score and sent_at,
                    "details_at": score and sent_at,
                    "cause_ids": [Command.set(causes.ids)],
                }
            ]
            * count
        )


@tagged("post_install", "-at_install")
class TestNpsUi(NpsCommon, HttpCase):
    def test_tour(self):
        # The browser's clock goes on; that of the server stands still.
        self.start_tour("/odoo/trade-nps", "trade_nps", login=self.user_service.login)


@tagged("post_install", "-at_install")
class TestNps(NpsCommon):
    def _read(self, user, **filters):
        return self._as(user, self.env["trade.nps"]).get_report(**filters)

    def test_figures(self):
        data = self._read(self.user_service)
        total = data["total"]
        self.assertEqual(total["nps"], get_nps(Tally(12, 0, 12))._asdict())
        self.assertEqual((total["csat"]["value"], total["csat"]["count"]), (50.0, 24))
        self.assertEqual((total["asked"], round(total["response"]["value"])), (27, 89))
        worst, best = data["groups"]
        self.assertEqual((worst["name"], worst["nps"]["value"]), ("Test quality", -100.0))
        self.assertEqual((round(worst["effect"]), worst["is_clear"]), (-100, True))
        self.assertEqual((best["asked"], best["nps"]["count"]), (15, 12))
        late, kind = data["drivers"]
        self.assertEqual((late["name"], late["count"], late["is_clear"]), ("Test late", 12, True))
        self.assertEqual(round(kind["effect"]), 100)
        self.assertFalse(data["steps"])
        [month] = data["trend"]
        self.assertEqual(month["month"], "2026-03-01")
        self.assertEqual(self._read(self.user_service, kind="relationship")["total"]["asked"], 0)

    def test_steps(self):
        """An answer with two causes of a step is one answer."""
        late, kind = self.causes
        third = kind.copy({"name": "Test third", "step": "service"})
        late.step, kind.step = "delivery", "service"
        self.env["trade.survey.invitation"].sudo().search([("cause_ids", "in", kind.ids)]).write(
            {"cause_ids": [Command.link(third.id)]}
        )
        worst, best = self._read(self.user_service)["steps"]
        self.assertEqual((worst["name"], worst["count"], worst["is_clear"]), ("Delivery", 12, True))
        self.assertEqual((best["name"], best["count"]), ("Service", 12))
        reports = self._as(self.user_service, self.env["trade.nps"])
        domain = reports.get_answers_domain(step="service")
        self.assertEqual(self.env["trade.survey.invitation"].search_count(domain), 12)

    def test_causes_of_before_get_a_step(self):
        causes = [
            self.env.ref(f"trade_crm_service.trade_survey_cause_{name}")
            for name in ("quality", "price")
        ]
        causes[0].step, causes[1].step = False, "order"
        path = file_path("trade_crm_service/migrations/19.0.1.3.0/post-migration.py")
        load_script(path, "post-migration").migrate(self.env.cr, "19.0.1.2.0")
        self.assertEqual([cause.step for cause in causes], ["goods", "order"])

    def test_territories_hold(self):
        """Whoever is limited gets the figures of what they may see, and no name of the rest."""
        data = self._read(self.user_agent_east)
        self.assertEqual(data["total"]["nps"]["value"], 100.0)
        self.assertEqual([group["name"] for group in data["groups"]], ["Test delay"])
        self.assertEqual([driver["count"] for driver in data["drivers"]], [12])
        north = self._read(self.user_north, group_by="territory")
        self.assertEqual([group["name"] for group in north["groups"]], ["North"])
        with self.assertRaises(AccessError):
            self._read(self.user_marketer_east)

    def test_not_enough_answers(self):
        self.env["trade.survey.invitation"].sudo().search(
            [("survey_id", "=", self.survey.id), ("commercial_partner_id", "=", self.hutong.id)],
            limit=3,
        ).write({"nps": False, "nps_group": False, "details_at": False})
        worst = next(
            group
            for group in self._read(self.user_service)["groups"]
            if group["name"] == "Test quality"
        )
        self.assertFalse(worst["nps"]["is_enough"] or worst["is_clear"])

    def test_every_way_to_tell_apart(self):
        for group_by in (
            "type",
            "tier",
            "territory",
            "product",
            "carrier",
            "agent",
            "team",
            "survey",
            "channel",
        ):
            data = self._read(self.user_service, group_by=group_by)
            self.assertEqual(sum(group["asked"] for group in data["groups"]), 27, group_by)
        for wrong in ({"group_by": "partner_id"}, {"months": 7}, {"kind": "x"}):
            with self.assertRaises(ValidationError):
                self._read(self.user_service, **wrong)

    def test_what_is_behind_a_figure(self):
        reports = self._as(self.user_service, self.env["trade.nps"])
        domain = reports.get_answers_domain(group_by="type", value=self.quality.id)
        self.assertEqual(self.env["trade.survey.invitation"].search_count(domain), 12)
        domain = reports.get_answers_domain(cause=self.causes[1].id)
        self.assertEqual(self.env["trade.survey.invitation"].search_count(domain), 12)

    def test_table_agrees(self):
        reports = self._as(self.user_service, self.env["trade.nps.report"])
        [row] = reports._read_group(
            [("survey_id", "=", self.survey.id), ("sent_at", ">", "2026-01-01")],
            [],
            ["nps:avg", "response_rate:avg", "answers:sum"],
        )
        self.assertEqual((row[0], round(row[1], 2), row[2]), (0.0, 0.89, 24))

    def test_queries(self):
        self._read(self.user_service)
        self.env.invalidate_all()
        with self.assertQueryCount(16):
            self._read(self.user_service)
