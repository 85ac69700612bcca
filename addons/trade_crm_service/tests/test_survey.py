from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .service_common import ServiceCommon


class SurveyCommon(ServiceCommon):
    """A survey that asks 24 hours after tickets of ``wok_contact`` are solved; two causes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["trade.survey"].search([]).active = False
        cls.wok_contact.write({"email": "wu@wok.example", "phone": "+86 138 0013 8000"})
        cls.causes = cls.env["trade.survey.cause"].create(
            [{"name": "Test late"}, {"name": "Test kind"}]
        )
        cls.recovery = cls.env.ref("trade_crm_service.trade_ticket_type_recovery")
        cls.survey = cls.env["trade.survey"].create(
            {
                "name": "Test survey",
                "company_id": cls.company_cn.id,
                "cause_ids": [Command.set(cls.causes.ids)],
            }
        )
        cls.ticket = cls._make_ticket(
            cls.wok_contact,
            cls.user_agent_east,
            team_id=cls.team_quality.id,
            trade_type_id=cls.quality.id,
        )
        cls.env.flush_all()

    def _solve(self, ticket=None):
        (ticket or self.ticket).stage_id = self.stage_done
        self.env.flush_all()

    def _run_surveys(self, name="ticket"):
        with self.enter_registry_test_mode():
            self.env.ref(f"trade_crm_service.ir_cron_survey_{name}").method_direct_trigger()

    def _get_invitations(self):
        return self.env["trade.survey.invitation"].search([("survey_id", "=", self.survey.id)])

    def _invite(self):
        self._solve()
        self._after(hours=25)
        self._run_surveys()
        return self._get_invitations()

    def _get_mails(self):
        return self.env["mail.mail"].search([("body_html", "ilike", "/feedback/")])


@tagged("post_install", "-at_install")
class TestSurvey(SurveyCommon):
    """Who is asked, and what follows from an answer."""

    def test_asked_once_after_the_delay(self):
        self._solve()
        self._after(hours=23)
        self._run_surveys()
        self.assertFalse(self._get_invitations())
        self._after(hours=2)
        self._run_surveys()
        invitation = self._get_invitations()
        self.assertEqual(invitation.ticket_id, self.ticket)
        self.assertEqual(invitation.partner_id, self.wok_contact)
        self.assertEqual(invitation.commercial_partner_id, self.wok)
        self.assertEqual(invitation.user_id, self.user_agent_east)
        self.assertEqual(invitation.type_id, self.quality)
        self.assertEqual(invitation.territory_id, self.zhejiang)
        [mail] = self._get_mails()
        self.assertEqual(mail.email_to, "wu@wok.example")
        self.assertIn(f"/feedback/{invitation._sign_link()}", mail.body_html)
        self._run_surveys()
        self.assertEqual(self._get_invitations(), invitation)

    def test_who_is_not_asked(self):
        dropped = self._make_ticket(self.hutong, name="Dropped")
        dropped.stage_id = self.stage_dropped
        self.hutong.email = "bei@hutong.example"
        quiet = self._make_ticket(self.bund)
        self._solve(quiet)
        self.quality.ask_survey = False
        self._solve()
        self._after(hours=25)
        self._run_surveys()
        # Dropped, without an address, of a type that is not asked about.
        self.assertFalse(self._get_invitations())

    def test_what_was_solved_before_it_was_on(self):
        self.survey.active = False
        self._solve()
        self._after(hours=48)
        self.survey.active = True
        self._run_surveys()
        self.assertFalse(self._get_invitations())

    def test_rest_between_surveys(self):
        second = self._make_ticket(self.wok_contact, self.user_agent_east)
        self._solve(second)
        self.assertEqual(len(self._invite()), 1)
        third = self._make_ticket(self.wok_contact, self.user_agent_east)
        self._solve(third)
        self._after(days=29)
        self._run_surveys()
        self.assertEqual(len(self._get_invitations()), 1)
        fourth = self._make_ticket(self.wok_contact, self.user_agent_east)
        self._solve(fourth)
        self._after(days=2)
        self._run_surveys()
        self.assertEqual(self._get_invitations()[0].ticket_id, fourth)
        self._as(self.user_agent_east, self._get_invitations()[0]).action_stop()
        fifth = self._make_ticket(self.wok_contact, self.user_agent_east)
        self._solve(fifth)
        self._after(days=60)
        self._run_surveys()
        self.assertEqual(len(self._get_invitations()), 2)

    def test_sms(self):
        if "sms.sms" not in self.env:
            self.skipTest("The addon sms is not installed.")
        self.survey.channel = "sms"
        invitation = self._invite()
        message = self.env["sms.sms"].search([("partner_id", "=", self.wok_contact.id)])
        self.assertEqual(message.number, "+86 138 0013 8000")
        self.assertIn(f"/feedback/{invitation._sign_link()}", message.body)
        self.assertFalse(self._get_mails())

    def test_relationship(self):
        """A share a day, who buys and can be reached, each once per interval."""
        self.survey.write(
            {"kind": "relationship", "per_day": 1, "interval_months": 3, "rest_days": 0}
        )
        self.hutong.email = "bei@hutong.example"
        for customer in (self.wok, self.hutong, self.bund):
            self._make_order(customer, 100.0)
        self.env.flush_all()
        self.env["trade.customer.profile"]._rebuild_companies()
        self._run_surveys("relationship")
        self.assertEqual(self._get_invitations().commercial_partner_id, self.wok)
        self.assertEqual(self._get_invitations().partner_id, self.wok_contact)
        self._after(days=1)
        self._run_surveys("relationship")
        self._after(days=1)
        self._run_surveys("relationship")
        self.assertEqual(self._get_invitations().commercial_partner_id, self.wok | self.hutong)
        self.assertEqual(len(self._get_invitations()), 2)
        self.assertFalse(self._get_invitations().ticket_id)

    def test_relationship_of_a_segment(self):
        (self.hutong | self.bund).email = "same@kitchen.example"
        line = Command.create({"domain": f"[('id', 'in', {(self.hutong | self.bund).ids})]"})
        segment = self.env["trade.segment"].create(
            {"name": "Two", "company_id": self.company_cn.id, "line_ids": [line]}
        )
        self.survey.write({"kind": "relationship", "segment_id": segment.id})
        self._run_surveys("relationship")
        # Who has two customers and one address is asked once.
        self.assertEqual(len(self._get_invitations()), 1)

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def test_detractor_opens_a_recovery_with_a_deadline(self):
        invitation = self._invite().sudo()
        self.assertTrue(invitation._take_score("3"))
        ticket = invitation.recovery_ticket_id
        self.assertEqual(ticket.trade_type_id, self.recovery)
        self.assertEqual(ticket.partner_id, self.wok_contact)
        self.assertEqual(ticket.territory_id, self.zhejiang)
        self.assertEqual(ticket.trade_previous_id, self.ticket)
        self.assertTrue(ticket.user_id)
        activity = ticket.activity_ids.filtered(lambda one: one.user_id == ticket.user_id)
        self.assertIn(fields.Date.today() + timedelta(days=2), activity.mapped("date_deadline"))
        values = invitation._read_details(
            {"csat": "1", "comment": "Two weeks late"}, [str(self.causes[0].id), "999999"]
        )
        self.assertTrue(invitation._take_details(values))
        self.assertEqual(invitation.cause_ids, self.causes[0])
        self.assertEqual(invitation.recovery_ticket_id, ticket)
        self.assertIn("Two weeks late", ticket.message_ids[0].body)
        # What was won back is not surveyed again.
        self._solve(ticket)
        self._after(days=40)
        self._run_surveys()
        self.assertEqual(len(self._get_invitations()), 1)

    def test_promoter_and_the_first_tap_counts(self):
        invitation = self._invite().sudo()
        self.assertTrue(invitation._take_score("10"))
        self.assertFalse(invitation._take_score("0"))
        self.assertEqual((invitation.nps, invitation.nps_group), ("10", "promoter"))
        self.assertFalse(invitation.recovery_ticket_id)
        # Not satisfied all the same.
        invitation._take_details(invitation._read_details({"csat": "2"}, []))
        self.assertTrue(invitation.recovery_ticket_id)
        self.assertFalse(invitation._take_details(invitation._read_details({"csat": "5"}, [])))
        self.assertEqual(invitation.csat, "2")

    def test_nobody_makes_up_answers(self):
        invitation = self._invite()
        for user in (self.user_agent_east, self.user_service, self.user_leader):
            mine = self._as(user, invitation)
            self.assertEqual(mine.nps, False)
            with self.assertRaises(AccessError):
                mine.write({"nps": "10"})
            with self.assertRaises(AccessError):
                mine.create({"survey_id": self.survey.id})
            with self.assertRaises(AccessError):
                mine.read(["link"])
            self.assertFalse(mine.qr)
            messages = self._as(user, self.env["mail.message"])
            self.assertFalse(messages.search([("body", "ilike", "/feedback/")]))
            # Nor by the code of what was sent by mail.
            with self.assertRaises(UserError):
                self._as(user, self.ticket).action_survey_qr()

    def test_qr_code(self):
        self._solve()
        action = self._as(self.user_agent_east, self.ticket).action_survey_qr()
        invitation = self.env["trade.survey.invitation"].browse(action["res_id"])
        self.assertEqual(invitation.channel, "qr")
        shown = self._as(self.user_agent_east, invitation)
        self.assertTrue(shown.qr)
        again = self._as(self.user_agent_east, self.ticket).action_survey_qr()
        self.assertEqual(again["res_id"], invitation.id)
        invitation.sudo()._take_score("9")
        shown.invalidate_recordset()
        self.assertFalse(shown.qr)
        self.survey.active = False
        other = self._make_ticket(self.wok_contact, self.user_agent_east)
        with self.assertRaisesRegex(UserError, "switched on"):
            self._as(self.user_agent_east, other).action_survey_qr()

    def test_answers_are_seen_in_their_territory(self):
        invitation = self._invite()
        invitation.sudo()._take_score("2")
        self.env.flush_all()
        report = self.env["trade.nps.report"].browse(invitation.id)
        for user, seen in (
            (self.user_agent, True),
            (self.user_agent_east, True),
            (self.user_east, True),
            (self.user_north, False),
        ):
            self.assertEqual(bool(self._visible(user, invitation)), seen, user.name)
            self.assertEqual(bool(self._visible(user, report)), seen, user.name)
        for user in (self.user_zhejiang, self.user_marketer_east):
            with self.assertRaises(AccessError):
                self._as(user, invitation).read(["nps"])
