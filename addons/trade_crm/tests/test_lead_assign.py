from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.modules.migration import load_script
from odoo.tests import tagged
from odoo.tools import file_path

from .territory_common import TerritoryCommon

SINCE = "trade_crm.assign_since"


class AssignCommon(TerritoryCommon):
    """One team with the reps of all territories, and assignment switched on.

    ::

        member         territory  capacity
        -------------  ---------  --------
        user_zhejiang  Zhejiang   10
        user_zhou      Zhejiang   20
        user_beijing   North      10
        user_east      East (manager) 10
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["crm.team"].search([]).assignment_optout = True
        cls.env["crm.lead"].search([]).active = False
        cls.env["ir.config_parameter"].set_param("crm.lead.auto.assignment", "True")
        cls.env["ir.config_parameter"].set_param(SINCE, "2026-03-01 00:00:00")
        cls.cron = cls.env.ref("crm.ir_cron_crm_lead_assign")
        cls.cron.active = True
        cls.user_zhou = cls.user_zhejiang.copy(
            {"login": "territory_zhou", "trade_territory_ids": [Command.set(cls.zhejiang.ids)]}
        )
        cls.team = cls.env["crm.team"].create(
            {
                "name": "Trade",
                "company_id": cls.company_cn.id,
                "use_opportunities": True,
                "user_id": False,
            }
        )
        cls.member_zhejiang = cls._make_member(cls.user_zhejiang, 10)
        cls.member_zhou = cls._make_member(cls.user_zhou, 20)
        cls.member_beijing = cls._make_member(cls.user_beijing, 10)
        cls.member_east = cls._make_member(cls.user_east, 10)
        cls.dealer, cls.chain_type = cls.env["trade.customer.type"].create(
            [{"name": "Dealers", "kind": "dealer"}, {"name": "Chains", "kind": "chain"}]
        )
        cls.number = 0

    @classmethod
    def _make_member(cls, user, capacity, team=None, **values):
        return cls.env["crm.team.member"].create(
            {
                "user_id": user.id,
                "crm_team_id": (team or cls.team).id,
                "assignment_max": capacity,
                **values,
            }
        )

    @classmethod
    def _make_leads(cls, count=1, territory=None, **values):
        leads = cls.env["crm.lead"]
        for _number in range(count):
            cls.number += 1
            leads |= leads.create(
                {
                    "name": f"Lead {cls.number}",
                    "type": "lead",
                    "email_from": f"lead{cls.number}@assign.example",
                    "user_id": False,
                    "team_id": False,
                    "territory_id": (territory or cls.zhejiang).id,
                    **values,
                }
            )
        leads.flush_recordset()
        return leads

    def _assign(self, user=None):
        """By the button, as the sales manager or ``user``."""
        teams = self.env["crm.team"].search([("assignment_optout", "=", False)])
        teams = self._as(user, teams) if user else teams
        result = teams._action_assign_leads(force_quota=True, creation_delta_days=0)
        self.env.flush_all()
        return result

    def _run_cron(self):
        with self._job_env() as env:
            env.ref("crm.ir_cron_crm_lead_assign").method_direct_trigger()
        self.env.invalidate_all()

    def _count(self, leads):
        """``{user: leads}``"""
        counts = dict.fromkeys(leads.user_id, 0)
        for lead in leads:
            counts[lead.user_id] = counts.get(lead.user_id, 0) + 1
        return counts

    def _get_logs(self, lead):
        return lead.sudo().trade_log_ids.sorted("id").mapped(lambda log: (log.kind, log.cause))


@tagged("post_install", "-at_install")
class TestLeadAssign(AssignCommon):
    def test_fair_within_one(self):
        """Two of the province share by capacity; the manager of the region gets nothing."""
        leads = self._make_leads(7)
        self._assign()
        self.assertEqual(self._count(leads), {self.user_zhejiang: 2, self.user_zhou: 5})
        self.assertEqual(leads.team_id, self.team)
        self.assertEqual(set(leads.mapped("type")), {"opportunity"})
        self.assertTrue(all(leads.mapped("date_conversion")))
        self.assertEqual(set(leads.mapped("date_open")), {self.env.cr.now()})

    def test_small_capacity(self):
        """Three in 30 days are three, and again when 30 days are over."""
        self.member_zhou.assignment_optout = True
        self.member_zhejiang.assignment_max = 3
        self.assertEqual(self.member_zhejiang._get_assignment_quota(), 3)
        leads = self._make_leads(5)
        self._assign()
        self.assertEqual(len(leads.filtered("user_id")), 3)
        self.member_zhejiang.invalidate_recordset()
        self.assertEqual(self.member_zhejiang._get_assignment_quota(force_quota=True), 0)
        waiting = leads.filtered(lambda lead: not lead.user_id)
        self.assertEqual(self._get_logs(waiting[0]), [("wait", "full")])
        self.assertIn("full capacity", waiting[0].trade_assignment_reason)
        # The day after the 30 days.
        leads.filtered("user_id").date_open = fields.Datetime.now() - timedelta(days=31)
        self.env.flush_all()
        self._assign()
        self.assertEqual(leads.user_id, self.user_zhejiang)
        self.assertTrue(all(lead.user_id for lead in leads))

    def test_lost_leads_count(self):
        self.member_zhou.assignment_optout = True
        self.member_zhejiang.assignment_max = 1
        first = self._make_leads()
        self._assign()
        first.action_set_lost()
        second = self._make_leads()
        self._assign()
        self.assertFalse(second.user_id)

    def test_nearest_territory(self):
        """Shanghai has no member of the team: the manager of the East gets it."""
        shanghai, north, nowhere = (
            self._make_leads(territory=territory)
            for territory in (self.shanghai, self.north, self.unassigned)
        )
        self._assign()
        self.assertEqual(shanghai.user_id, self.user_east)
        self.assertEqual(north.user_id, self.user_beijing)
        self.assertFalse(nowhere.user_id)
        self.assertEqual(self._get_logs(nowhere), [("wait", "no_territory")])

    def test_unlimited_user_comes_last(self):
        everywhere = self._make_member(self.user_auditor, 10)
        self.assertIsNone(self.user_auditor._get_territory_ids())
        lead, far = self._make_leads(), self._make_leads(territory=self.unassigned)
        self._assign()
        self.assertIn(lead.user_id, self.user_zhejiang | self.user_zhou)
        self.assertEqual(far.user_id, everywhere.user_id)

    def test_limited_user_without_territory_gets_nothing(self):
        self._make_member(self.user_rep, 10)
        lead = self._make_leads(territory=self.unassigned)
        self._assign()
        self.assertFalse(lead.user_id)
        # Without the limit the user works everywhere.
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self._assign()
        self.assertEqual(lead.user_id, self.user_rep)

    def test_customer_type(self):
        """Who names the type is preferred, who names others is out, no names take all."""
        self.member_zhejiang.trade_customer_type_ids = self.dealer
        dealers = self._make_leads(3, trade_customer_type_id=self.dealer.id)
        chains = self._make_leads(2, trade_customer_type_id=self.chain_type.id)
        unknown = self._make_leads()
        self._assign()
        self.assertEqual(dealers.user_id, self.user_zhejiang)
        self.assertEqual(chains.user_id, self.user_zhou)
        self.assertEqual(unknown.user_id, self.user_zhou)
        self.assertIn("customer type Dealers", dealers[0].trade_assignment_reason)

    def test_type_preference_ends_at_capacity(self):
        self.member_zhejiang.write(
            {"trade_customer_type_ids": [Command.set(self.dealer.ids)], "assignment_max": 1}
        )
        dealers = self._make_leads(2, trade_customer_type_id=self.dealer.id)
        self._assign()
        self.assertEqual(dealers.mapped("user_id"), self.user_zhejiang | self.user_zhou)

    def test_nobody_takes_the_type(self):
        (self.member_zhejiang | self.member_zhou | self.member_east).write(
            {"trade_customer_type_ids": [Command.set(self.dealer.ids)]}
        )
        lead = self._make_leads(trade_customer_type_id=self.chain_type.id)
        self._assign()
        self.assertEqual(self._get_logs(lead), [("wait", "no_type")])
        self.member_east.trade_customer_type_ids = False
        self._assign()
        self.assertEqual(lead.user_id, self.user_east)
        self.assertEqual(self._get_logs(lead), [("wait", "no_type"), ("assign", "load")])

    def test_filters(self):
        self.member_zhou.assignment_domain = "[('expected_revenue', '>=', 1000)]"
        self.member_zhejiang.assignment_domain_preferred = "[('expected_revenue', '>=', 5000)]"
        small = self._make_leads(4, expected_revenue=10)
        large = self._make_leads(4, expected_revenue=9000)
        self._assign()
        self.assertEqual(small.user_id, self.user_zhejiang)
        self.assertEqual(large.user_id, self.user_zhejiang)
        middle = self._make_leads(expected_revenue=2000)
        self._assign()
        self.assertEqual(middle.user_id, self.user_zhou)

    def test_team_filter_and_team_of_lead(self):
        other = self.env["crm.team"].create(
            {"name": "Other", "use_opportunities": True, "company_id": False}
        )
        self.env["ir.config_parameter"].set_param("sales_team.membership_multi", True)
        self._make_member(self.user_zhejiang, 50, team=other)
        other.assignment_domain = "[('city', '=', 'Ningbo')]"
        plain = self._make_leads(6)
        fixed = self._make_leads(2, team_id=other.id)
        self._assign()
        self.assertEqual(plain.team_id, self.team)
        self.assertEqual((fixed.team_id, fixed.user_id), (other, self.user_zhejiang))

    def test_paused_and_archived(self):
        self.member_zhou.assignment_optout = True
        self.user_zhejiang.active = False
        lead = self._make_leads()
        self._assign()
        self.assertEqual(lead.user_id, self.user_east)

    def test_company(self):
        """A lead of the other company does not go to who cannot work in it."""
        lead = self._make_leads()
        self.env.cr.execute(
            "UPDATE crm_lead SET company_id = %s WHERE id = %s", [self.company_us.id, lead.id]
        )
        lead.invalidate_recordset()
        self._assign()
        self.assertFalse(lead.user_id)
        self.assertEqual(self._get_logs(lead), [("wait", "no_member")])
        team_us = self.env["crm.team"].create(
            {"name": "US", "company_id": self.company_us.id, "use_opportunities": True}
        )
        self.user_rep_us.trade_territory_ids = self.zhejiang
        self._make_member(self.user_rep_us, 5, team=team_us)
        self._assign()
        self.assertEqual((lead.user_id, lead.team_id), (self.user_rep_us, team_us))
        self.assertEqual(lead.company_id, self.company_us)

    def test_lead_gets_company_of_salesperson(self):
        lead = self._make_leads()
        self.assertFalse(lead.company_id)
        self._assign()
        self.assertEqual(lead.company_id, self.company_cn)

    # ------------------------------------------------------------------
    # Owners
    # ------------------------------------------------------------------

    def test_owner_of_customer(self):
        self.wok.user_id = self.user_beijing
        lead = self._make_leads(partner_id=self.wok_contact.id)
        self._assign()
        self.assertEqual(lead.user_id, self.user_beijing)
        self.assertEqual(lead.trade_log_ids.details, {"by": "customer"})
        self.assertIn("has this customer already", lead.trade_assignment_reason)

    def test_owner_of_earlier_lead(self):
        for values, had in (
            ({"email_from": "Ann <ann@wok.example>"}, "email"),
            ({"email_from": False, "phone": "+86 571 8888 0000"}, "phone"),
            ({"email_from": False, "partner_id": self.wok_contact.id}, "lead"),
        ):
            with self.subTest(had):
                self._make_leads(**{**values, "user_id": self.user_beijing.id})
                lead = self._make_leads(**values)
                self._assign()
                self.assertEqual(lead.user_id, self.user_beijing)
                self.assertEqual(lead.trade_log_ids.details, {"by": had})

    def test_owner_who_may_not_get_it(self):
        """Lost leads, archived and paused owners do not count."""
        lost = self._make_leads(email_from="a@wok.example", user_id=self.user_beijing.id)
        lost.action_set_lost()
        self._make_leads(email_from="b@wok.example", user_id=self.user_shanghai.id)
        self._make_leads(email_from="c@wok.example", user_id=self.user_beijing.id)
        self._make_leads(email_from="d@wok.example", user_id=self.user_outsider.id)
        self.user_shanghai.active = False
        self.member_beijing.assignment_optout = True
        leads = self.env["crm.lead"].union(
            *(self._make_leads(email_from=f"{letter}@wok.example") for letter in "abcd")
        )
        self._assign()
        self.assertLessEqual(set(leads.user_id), {self.user_zhejiang, self.user_zhou})
        self.assertEqual(set(leads.trade_log_ids.mapped("cause")), {"load"})

    def test_same_person_twice_in_one_run(self):
        leads = self._make_leads(3, email_from="twice@wok.example") | self._make_leads(3)
        self._assign()
        same = leads[:3]
        self.assertEqual(len(same.user_id), 1)
        causes = sorted(
            same.trade_log_ids.mapped(lambda log: (log.cause, log.details.get("by"))), key=str
        )
        self.assertEqual(causes, [("load", None), ("owner", "same"), ("owner", "same")])

    # ------------------------------------------------------------------
    # Log
    # ------------------------------------------------------------------

    def test_reason(self):
        lead = self._make_leads()
        self._assign()
        log = lead.trade_log_ids
        self.assertEqual(
            (log.kind, log.cause, log.user_id), ("assign", "load", self.env["res.users"])
        )
        self.assertEqual(log.owner_id, lead.user_id)
        self.assertEqual(log.details["territory"], "East / Zhejiang")
        self.assertEqual((log.details["load"], log.details["capacity"]), (0, 20))
        told = self._as(lead.user_id, lead).trade_assignment_reason
        self.assertIn("territory East / Zhejiang", told)
        self.assertIn("0 of 20 leads", told)
        # Somebody else decided otherwise.
        lead.user_id = self.user_beijing
        self.assertFalse(lead.trade_assignment_reason)

    def test_name_that_is_gone(self):
        text = self.env["trade.lead.log"]._get_reason(
            "load",
            {"territory_id": 0, "territory": "Old", "load": 1, "capacity": 2},
        )
        self.assertIn("Old", text)

    def test_waiting_is_told_once_per_cause(self):
        lead = self._make_leads(territory=self.unassigned)
        self._assign()
        self._assign()
        self.assertEqual(self._get_logs(lead), [("wait", "no_territory")])
        self.env["crm.team.member"].search([]).assignment_optout = True
        self._assign()
        self._assign()
        self.assertEqual(self._get_logs(lead), [("wait", "no_territory"), ("wait", "no_member")])

    def test_tracking(self):
        lead = self._make_leads()
        self.env["crm.team"].search([("assignment_optout", "=", False)]).with_context(
            tracking_disable=False
        )._action_assign_leads(force_quota=True)
        fields_ = lead.message_ids.tracking_value_ids.field_id.mapped("name")
        self.assertLessEqual({"user_id", "team_id", "type"}, set(fields_))

    # ------------------------------------------------------------------
    # Odoo's button and job
    # ------------------------------------------------------------------

    def test_button(self):
        self._make_leads(4)
        action = self._as(self.user_manager, self.team)
        self.user_manager.group_ids += self.env.ref("trade_crm.group_all_territories")
        result = action.action_assign_leads()
        self.assertEqual(result["params"]["message"], "4 leads assigned among 2 salespersons.")
        result = action.action_assign_leads()
        self.assertIn("No lead was assigned", result["params"]["message"])

    def test_button_of_a_limited_manager(self):
        """Whose leads are somebody else's are left alone, but they count as load."""
        self.member_zhou.assignment_optout = True
        north = self._make_leads(territory=self.north)
        self._make_leads(
            9, territory=self.north, user_id=self.user_zhejiang.id, team_id=self.team.id
        )
        zhejiang = self._make_leads(2)
        self._assign(self.user_east)
        self.assertFalse(north.user_id)
        self.assertEqual(len(zhejiang.filtered("user_id")), 1)

    def test_job_assigns_new_leads(self):
        """Created after the moment, never had a salesperson, and at once."""
        old = self._make_leads()
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = '2026-02-01' WHERE id = %s", [old.id]
        )
        taken = self._make_leads(user_id=self.user_zhejiang.id)
        taken.user_id = False
        self.assertTrue(taken.trade_assign_hold)
        self._commit()
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", self.cron.id)]).unlink()
        new = self._make_leads(2)
        self.assertFalse(triggers.search_count([("cron_id", "=", self.cron.id)]))
        self._commit()
        self.assertEqual(triggers.search_count([("cron_id", "=", self.cron.id)]), 1)
        self._run_cron()
        self.assertTrue(all(lead.user_id for lead in new))
        self.assertFalse(old.user_id | taken.user_id)
        # A person who asks gets all of them assigned.
        self._assign()
        self.assertTrue(old.user_id and taken.user_id)
        self.assertFalse(taken.trade_assign_hold)

    def test_lead_of_a_person_is_theirs(self):
        self._commit()
        self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)]).unlink()
        lead = self._as(self.user_zhejiang, self.env["crm.lead"]).create({"name": "Mine"})
        self._commit()
        self.assertEqual(lead.user_id, self.user_zhejiang)
        self.assertFalse(self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)]))

    def test_mail_gateway(self):
        lead = self.env["crm.lead"].message_new(
            {"subject": "请报价", "from": "new@customer.example", "to": "info@us.example"}
        )
        lead.territory_id = self.north
        self._run_cron()
        self.assertEqual(lead.user_id, self.user_beijing)

    def test_chunks(self):
        leads = self._make_leads(7)
        with patch("odoo.addons.trade_crm.models.crm_team_assign.CHUNK_SIZE", 2):
            self._run_cron()
        self.assertEqual(self._count(leads), {self.user_zhejiang: 2, self.user_zhou: 5})

    def test_won_archived_and_pooled_leads(self):
        won, archived = self._make_leads(), self._make_leads()
        won.action_set_won()
        archived.active = False
        self._assign()
        self.assertFalse(won.user_id | archived.user_id)

    # ------------------------------------------------------------------
    # Set-up
    # ------------------------------------------------------------------

    def test_set_up(self):
        parameters = self.env["ir.config_parameter"]
        teams = self.env["crm.team"]
        for used, active in ((False, True), ("True", False)):
            with self.subTest(used=used):
                parameters.set_param(SINCE, False)
                parameters.set_param("crm.lead.auto.assignment", used)
                self.cron.active = False
                teams._set_up_assignment()
                self.assertEqual(self.cron.active, active)
                since = active and fields.Datetime.to_string(self.env.cr.now())
                self.assertEqual(parameters.get_param(SINCE), since)
        parameters.set_param(SINCE, "2026-01-01 00:00:00")
        self.cron.active = True
        teams._undo_assignment()
        self.assertFalse(self.cron.active)
        self.assertFalse(parameters.get_param("crm.lead.auto.assignment"))

    def test_migration(self):
        """A database of before gets the same as a new one; core tiers are known to the rule."""
        self.env["ir.config_parameter"].set_param(SINCE, False)
        self.env["ir.config_parameter"].set_param("crm.lead.auto.assignment", False)
        rule = self.env.ref("trade_crm.trade_lead_score_rule_core")
        rule.tier_ids = False
        path = file_path("trade_crm/migrations/19.0.1.4.0/post-lead_assign.py")
        load_script(path, "post-lead_assign").migrate(self.env.cr, "19.0.1.3.0")
        self.assertTrue(self.env["ir.config_parameter"].get_param(SINCE))
        self.assertIn(self._get_tier("Core"), rule.tier_ids)

    def test_new_capacity_runs_the_job(self):
        self._commit()
        domain = [("cron_id", "=", self.cron.id)]
        self.env["ir.cron.trigger"].search(domain).unlink()
        self.member_zhou.assignment_max = 30
        self._commit()
        self.assertEqual(self.env["ir.cron.trigger"].search_count(domain), 1)
