import random
import re
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.trade_crm.models import crm_lead_score

from .territory_common import TerritoryCommon


class ScoreCommon(TerritoryCommon):
    """No rules but those of the test; the clock of inquiries is that of the test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.lead"].search([]).active = False
        cls.rules = cls.env["trade.lead.score.rule"]
        cls.rules.search([]).active = False
        cls.now = fields.Datetime.now()

    @classmethod
    def _make_rule(cls, kind, points=10, **values):
        return cls.rules.create({"name": kind, "kind": kind, "points": points, **values})

    @classmethod
    def _make_lead(cls, name="Inquiry", ago=0, **values):
        lead = cls.env["crm.lead"].create(
            {"name": name, "type": "opportunity", "user_id": cls.user_zhejiang.id, **values}
        )
        lead.flush_recordset()
        cls.env.cr.execute(
            "UPDATE crm_lead SET create_date = %s WHERE id = %s",
            [cls.now - timedelta(days=ago), lead.id],
        )
        lead.invalidate_recordset(["create_date"])
        return lead

    def _score(self, leads):
        self.env.flush_all()
        leads._score_now(self.now)
        return leads.mapped("trade_score")


@tagged("post_install", "-at_install")
class TestLeadScore(ScoreCommon):
    def test_words(self):
        self._make_rule("words", words="定制, custom\nOEM；R&D")
        for name, description, word in (
            ("想要定制包装", False, "定制"),
            ("做OEM吗", False, "oem"),
            ("Hello", "<p>A <b>Custom</b> label, please</p>", "custom"),
            ("Poem of a customer", "<p>customized</p>", None),
            ("Hello", "<p>your R&amp;D</p>", "r&amp;d"),
            ("Hello", "<a href='custom'>price</a>", None),
        ):
            with self.subTest(name=name, description=description):
                lead = self._make_lead(name, description=description)
                self.assertEqual(self._score(lead), [10 if word else 0])
                self.assertEqual(
                    lead.trade_score_line_ids.mapped("details"), [{"word": word}] if word else []
                )

    def test_words_of_a_mail(self):
        self._make_rule("words", words="定制")
        lead = self._make_lead()
        lead.message_post(
            body="可以定制吗?", message_type="comment", author_id=self.user_rep.partner_id.id
        )
        self.assertEqual(self._score(lead), [0])
        lead.message_post(body="可以定制吗?", message_type="email", email_from="a@wok.example")
        self.assertEqual(self._score(lead), [10])

    def test_repeat(self):
        """Twice within 30 days, by customer, mail or phone; lost ones count."""
        self._make_rule("repeat", min_count=2, within_days=30)
        for same in (
            {"partner_id": self.wok_contact.id},
            {"email_from": "Ann <ann@score.example>"},
            {"phone": "+86 571 8888 1111"},
        ):
            with self.subTest(same):
                first = self._make_lead(ago=20, **same)
                self.assertEqual(self._score(first), [0])
                first.action_set_lost()
                second = self._make_lead(ago=1, **same)
                self.assertEqual(self._score(second), [10])
                self.assertEqual(second.trade_score_line_ids.details, {"count": 2, "days": 30})
                second._score_now(self.now + timedelta(days=10, seconds=1))
                self.assertEqual(second.trade_score, 0)

    def test_first_inquiry_is_scored_when_the_second_comes(self):
        self._make_rule("repeat")
        first = self._make_lead(email_from="ann@score.example")
        self._commit()
        self.assertEqual(first.trade_score, 0)
        second = self._make_lead(email_from="ann@score.example")
        self._commit()
        self.assertEqual((first | second).mapped("trade_score"), [10, 10])

    def test_size_and_company(self):
        self._make_rule("size", min_revenue=1000)
        self._make_rule("size", points=-3, min_revenue=1000, company_id=self.company_us.id)
        small, large = self._make_lead(expected_revenue=999), self._make_lead(expected_revenue=1000)
        us = self._make_lead(
            expected_revenue=2000, user_id=self.user_rep_us.id, company_id=self.company_us.id
        )
        self.assertEqual(self._score(small | large | us), [0, 10, 7])

    def test_tier(self):
        core, other = self._get_tier("Core"), self._get_tier("New")
        self._make_rule("tier", tier_ids=[Command.set(core.ids)])
        lead = self._make_lead(partner_id=self.wok_contact.id)
        self.assertEqual(self._score(lead), [0])
        self._make_order(self.wok, 600000.0)
        self._run_job()
        self.env.invalidate_all()
        self.assertEqual(self._get_profile(self.wok).tier_id, core)
        self.assertEqual(self._score(lead), [10])
        self.assertIn("Core", lead.trade_score_line_ids.evidence)
        self._get_profile(self.wok).tier_id = other
        self.assertEqual(self._score(lead), [0])

    def test_default_rule_knows_core_tiers(self):
        rule = self.env.ref("trade_crm.trade_lead_score_rule_core")
        company = self._make_company("Trade Third", self.eur, "Europe/Paris")
        policy = self._get_policy(company)
        self.assertTrue(policy)
        self.assertEqual(rule.tier_ids & policy.tier_ids, self._get_tier("Core", policy))

    def test_domain(self):
        self._make_rule("domain", points=-5, domain="[('priority', '=', '3')]")
        lead, other = self._make_lead(priority="3"), self._make_lead(priority="0")
        self.assertEqual(self._score(lead | other), [-5, 0])

    def test_bad_rules(self):
        for values in (
            {"kind": "domain", "domain": "[('no_such_field', '=', 1)]"},
            {"kind": "domain", "domain": "nonsense"},
            {"kind": "words", "words": " , "},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.rules.create({"name": "Bad", **values})

    def test_rule_that_became_unreadable(self):
        """A field may be gone; nobody must be kept from saving a lead."""
        rule = self._make_rule("domain", domain="[]")
        self.env.cr.execute(
            "UPDATE trade_lead_score_rule SET domain = '[(1)]' WHERE id = %s", [rule.id]
        )
        rule.invalidate_recordset()
        with self.assertLogs("odoo.addons.trade_crm.models.trade_lead_score", "WARNING"):
            self.assertEqual(self._score(self._make_lead()), [0])

    # ------------------------------------------------------------------
    # When
    # ------------------------------------------------------------------

    def test_create_and_write(self):
        self._make_rule("size", min_revenue=1000)
        lead = self._make_lead(expected_revenue=2000)
        self._commit()
        self.assertEqual(lead.trade_score, 10)
        lead.expected_revenue = 1
        self._commit()
        self.assertEqual(lead.trade_score, 0)
        self.assertFalse(lead.trade_score_line_ids)

    def test_form_shows_score_when_saved(self):
        self._make_rule("size", min_revenue=1000)
        lead = self._make_lead()
        specification = {"trade_score": {}, "trade_score_line_ids": {"fields": {"evidence": {}}}}
        [shown] = self._as(self.user_zhejiang, lead).web_save(
            {"expected_revenue": 5000}, specification
        )
        self.assertEqual(shown["trade_score"], 10)
        self.assertIn("5,000", shown["trade_score_line_ids"][0]["evidence"])

    def test_probability_is_left_alone(self):
        self._make_rule("size", min_revenue=0)
        lead = self._make_lead(probability=37)
        before = (lead.probability, lead.automated_probability, lead.write_date)
        self._score(lead)
        lead.invalidate_recordset()
        self.assertEqual((lead.probability, lead.automated_probability, lead.write_date), before)

    def test_closed_leads_keep_their_score(self):
        rule = self._make_rule("size", min_revenue=0)
        lead, lost = self._make_lead(), self._make_lead()
        self._score(lead | lost)
        lost.action_set_lost()
        rule.points = 90
        self._score(lead | lost)
        self.assertEqual((lead | lost).mapped("trade_score"), [90, 10])

    def test_change_of_a_rule_scores_all(self):
        cron = self.env.ref("trade_crm.ir_cron_score_leads")
        lead = self._make_lead()
        self._commit()
        self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]).unlink()
        rule = self._make_rule("size", min_revenue=0)
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]))

        def run():
            with self._job_env() as env:
                env["crm.lead"]._cron_score(self.now, chunk_size=1000)
            self.env.invalidate_all()
            return lead.trade_score

        self.assertEqual(run(), 10)
        rule.active = False
        self.assertEqual(run(), 0)
        rule.active = True
        self.assertEqual(run(), 10)
        rule.unlink()
        self.assertEqual(run(), 0)

    def test_preview(self):
        self._make_lead("OEM?")
        lost = self._make_lead("OEM?")
        lost.action_set_lost()
        form = Form(self._as(self.user_manager, self.rules))
        form.name = "Custom"
        form.kind = "words"
        self.user_manager.group_ids += self.env.ref("trade_crm.group_all_territories")
        form.words = "oem"
        self.assertEqual(form.match_count, 1)
        form.words = "odm"
        self.assertEqual(form.match_count, 0)

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def test_lines_follow_the_lead(self):
        self._make_rule("size", min_revenue=0)
        mine = self._make_lead(partner_id=self.wok.id)
        theirs = self._make_lead(partner_id=self.hutong.id, user_id=self.user_beijing.id)
        colleague = self._make_lead(partner_id=self.wok.id, user_id=self.user_agent_east.id)
        self._score(mine | theirs | colleague)
        lines = (mine | theirs | colleague).trade_score_line_ids
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            self._visible(self.user_zhejiang, lines), (mine | colleague).trade_score_line_ids
        )
        self._switch_scope_off()
        self.assertEqual(self._visible(self.user_zhejiang, lines), mine.trade_score_line_ids)
        self.assertEqual(self._visible(self.user_auditor, lines), lines)
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, mine.trade_score_line_ids).unlink()

    def _switch_scope_off(self):
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self.env["trade.territory"]._forget_access()

    def test_manager_edits_rules(self):
        rules = self._as(self.user_manager, self.rules)
        rule = rules.create({"name": "Words", "kind": "words", "words": "oem"})
        rule.points = 5
        with self.assertRaises(AccessError):
            self._as(self.user_rep, rule).points = 50

    def test_sort_group_and_filter(self):
        self._make_rule("size", min_revenue=1000)
        low, high = self._make_lead(), self._make_lead(expected_revenue=5000)
        self._score(low | high)
        mine = [("id", "in", (low | high).ids)]
        leads = self._as(self.user_zhejiang, low.browse())
        self.assertEqual(leads.search(mine, order="trade_score desc").ids, [high.id, low.id])
        self.assertEqual(leads.search([*mine, ("trade_score", ">", 0)]).ids, [high.id])
        self.assertEqual(leads._read_group(mine, ["trade_score"], ["__count"]), [(0, 1), (10, 1)])

    # ------------------------------------------------------------------
    # Against a computation of its own
    # ------------------------------------------------------------------

    def test_random_leads(self):
        """Points of 80 leads equal those that plain Python counts from their values."""
        rng = random.Random(19)
        core = self._get_tier("Core")
        self._make_order(self.wok, 600000.0)
        self._run_job()
        self._make_rule("words", 7, words="定制, OEM, private label")
        self._make_rule("repeat", 11, min_count=3, within_days=14)
        self._make_rule("size", 13, min_revenue=500)
        self._make_rule("tier", 17, tier_ids=[Command.set(core.ids)])
        self._make_rule("domain", -2, domain="[('priority', 'in', ['0', '1'])]")
        phrases = ("想定制", "OEM", "poem", "Private  label", "private label!", "hello")
        leads = self.env["crm.lead"]
        for _number in range(80):
            lead = self._make_lead(
                rng.choice(phrases),
                ago=rng.choice((0, 3, 13, 15, 40)),
                description=rng.choice((False, "<p>OEM-price</p>", "<p>price</p>")),
                expected_revenue=rng.choice((0, 499, 500, 9000)),
                priority=rng.choice("0123"),
                **rng.choice(
                    (
                        {"partner_id": self.wok_contact.id},
                        {"partner_id": self.hutong.id},
                        {"email_from": f"{rng.randint(1, 9)}@random.example"},
                        {"phone": f"+86 571 8888 200{rng.randint(1, 5)}"},
                        {},
                    )
                ),
            )
            if rng.random() < 0.15:
                lead.action_set_lost()
            leads |= lead
        opened = leads.filtered("active")
        counted = [self._count_points(lead, leads) for lead in opened]
        self.assertEqual(self._score(opened), counted)
        opened.trade_score_line_ids.sudo().unlink()
        with patch.object(crm_lead_score, "LOOKED_UP", 0):
            self.assertEqual(self._score(opened), counted)
        self.assertGreater(len(set(opened.mapped("trade_score"))), 8)
        for lead in opened:
            self.assertEqual(lead.trade_score, sum(lead.trade_score_line_ids.mapped("points")))

    def _count_points(self, lead, leads):
        text = (lead.name + " " + re.sub("<[^>]+>", " ", str(lead.description or ""))).lower()
        points = 7 if re.search(r"定制|\boem\b|\bprivate label\b", text) else 0

        def alike(other):
            return (
                (lead.partner_id and self._customer(other) == self._customer(lead))
                or (lead.email_normalized and other.email_normalized == lead.email_normalized)
                or (lead.phone_sanitized and other.phone_sanitized == lead.phone_sanitized)
            )

        recent = [other for other in leads if self._age(other) < timedelta(days=14)]
        points += 11 if sum(1 for other in recent if alike(other)) >= 3 else 0
        points += 13 if lead.expected_revenue >= 500 else 0
        points += 17 if self._customer(lead) == self.wok else 0
        return points - (2 if lead.priority in "01" else 0)

    def _customer(self, lead):
        return lead.partner_id.commercial_partner_id

    def _age(self, lead):
        return datetime.fromisoformat(str(self.now)) - lead.create_date
