import re
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.sms.tools.sms_api import SmsApi

from .message_common import MessageCommon


@tagged("post_install", "-at_install")
class TestMessageMail(MessageCommon, HttpCase):
    """Mail through a real server on loopback, and back through Odoo's trackers."""

    def test_mail_and_back(self):
        messages = self._queue(self.people)
        with self._smtp() as server:
            self._send()
            self._send()
        self.assertStates(messages, dict.fromkeys(["Ann", "Bob", "Cho"], ("sent", None)))
        self.assertEqual(
            sorted(recipient for recipient, _data in server.received),
            ["ann@loop.test", "bob@loop.test", "cho@loop.test"],
        )
        ann, bob, cho = messages
        mail = server.get_mails()["ann@loop.test"]
        html = mail.get_body(("html",)).get_content()
        self.assertIn(self.ann._sign_preferences(self.company_cn), html)
        plain = mail.get_body(("plain",)).get_content()
        self.assertIn(self.ann._sign_preferences(self.company_cn), plain)
        self.url_open(re.search(r"/mail/track/\S+?blank\.gif", html)[0])
        self.assertTrue(ann.opened_at)
        self.assertFalse(ann.clicked_at)
        html = server.get_mails()["bob@loop.test"].get_body(("html",)).get_content()
        click = re.search(r"/r/\w+/m/\d+", html)[0]
        self.url_open(click, allow_redirects=False)
        self.assertTrue(bob.opened_at and bob.clicked_at)
        self.assertFalse(cho.opened_at)
        # One click on "unsubscribe" in the mail program.
        link = re.search(
            r"/mailing/[^>\s]+", server.get_mails()["cho@loop.test"]["List-Unsubscribe"]
        )
        self.url_open(link[0], data={"List-Unsubscribe": "One-Click"})
        self.env.invalidate_all()
        refusals = self.guard._get_refusals(self.cho.ids, "mail", "offer", fields.Datetime.now())
        self.assertEqual(refusals[self.cho.id], ("blacklisted", None))

    def test_unlinked_mail_is_not_in_odoos_queue(self):
        """Only we send what we have made."""
        self._queue(self.ann)
        _done, messages = self.messages._claim(10)
        messages._prepare_mails(self.mailing)
        mail = messages._link_traces().trace_id.mail_mail_id
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(mail.scheduled_date.year, 2999)

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_server_is_down(self):
        messages = self._queue(self.ann)
        with self._smtp() as server:
            server.close()
            self._send()
            self.assertStates(messages, {"Ann": ("queued", "error")})
            self.assertGreater(messages.due_at, messages.planned_at)
            self.assertFalse(messages.trace_id)
        self.clock.tick(3600)
        with self._smtp() as server:
            self._send()
        self.assertStates(messages, {"Ann": ("sent", None)})
        self.assertEqual(len(server.received), 1)

    def test_same_address_once(self):
        self.bob.email = self.ann.email
        messages = self._queue(self.ann | self.bob)
        with self._smtp() as server:
            self._send()
        self.assertStates(messages, {"Ann": ("sent", None), "Bob": ("skipped", "duplicate")})
        self.assertEqual(len(server.received), 1)

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_refused_by_server(self):
        messages = self._queue(self.ann)
        with self._smtp() as server:
            server.after_data = lambda recipient: "554 no"
            self._send()
        self.assertStates(messages, {"Ann": ("failed", "error")})

    @mute_logger(
        "odoo.addons.mail.models.mail_mail",
        "odoo.addons.trade_crm_marketing.models.trade_message_send",
    )
    def test_server_hangs_up(self):
        """It had the mail of Ann, or not; those after her it certainly had not."""
        messages = self._queue(self.people)
        with self._smtp() as server:
            server.after_data = lambda recipient: None
            self._send()
        self.assertStates(
            messages,
            {"Ann": ("unknown", "interrupted"), "Bob": ("queued", None), "Cho": ("queued", None)},
        )
        self.clock.tick(3600)
        with self._smtp() as server:
            self._send()
        self.assertEqual({to for to, _data in server.received}, {"bob@loop.test", "cho@loop.test"})

    def test_interrupted(self):
        """What a dead worker left: sent, handed over, and not touched."""
        messages = self._queue(self.people)
        _done, claimed = self.messages._claim(10)
        claimed._prepare_mails(self.mailing)
        claimed._link_traces()
        ann, bob, cho = claimed
        ann._attempt()
        ann.trace_id.set_sent()
        bob._attempt()
        claimed._set(worker=-1)
        self.messages._settle()
        self.assertStates(
            messages,
            {"Ann": ("sent", None), "Bob": ("unknown", "interrupted"), "Cho": ("queued", None)},
        )
        self.assertEqual(bob.trace_id.mail_mail_id.state, "cancel")
        with self._smtp() as server:
            self._send()
        self.assertEqual([to for to, _data in server.received], ["cho@loop.test"])

    def test_alive_worker_is_left_alone(self):
        self._queue(self.ann)
        _done, claimed = self.messages._claim(10)
        # The connection of this test is alive, and older than the frozen clock says.
        self.env.cr.execute("UPDATE trade_message SET claimed_at = now() at time zone 'UTC'")
        self.clock.move_to("2026-03-31 04:00:01")
        self.messages._settle()
        self.assertEqual(claimed.state, "sending")

    def test_worker_that_lost_its_claim_sends_nothing(self):
        self._queue(self.ann)
        _done, claimed = self.messages._claim(10)
        claimed._set(claim="another")
        self.assertFalse(claimed._attempt())
        self.assertFalse(claimed.attempted_at)


@tagged("post_install", "-at_install")
class TestMessageQueue(MessageCommon):
    def test_once_per_step(self):
        self.assertEqual(len(self._queue(self.people)), 3)
        self.assertEqual(len(self._queue(self.people)), 3)
        self.assertEqual(len(self._queue(self.people, step=2)), 3)

    def test_says_why(self):
        dan = self.ann.copy({"name": "Dan", "email": "dan@loop.test"})
        self.ann.active = False
        self.env["mail.blacklist"]._add(self.bob.email)
        self.cho.email = "cho"
        messages = self._queue(self.people | dan)
        self._send()
        self.assertStates(
            messages,
            {
                "Ann": ("skipped", "archived"),
                "Bob": ("skipped", "blacklisted"),
                "Cho": ("skipped", "bad_address"),
                "Dan": ("skipped", "no_consent"),
            },
        )
        self.assertEqual(messages[0].reason_text, "Customer is archived")

    def test_quiet_hours_wait_and_end(self):
        messages = self._queue(self.ann, channel="call", due_at="2026-03-31 14:00:00")
        self.clock.move_to("2026-03-31 14:00:00")  # 22:00 in Shanghai
        self._send()
        self.assertStates(messages, {"Ann": ("queued", "quiet")})
        self.assertEqual(str(messages.due_at), "2026-04-01 01:00:00")
        self.clock.move_to("2026-04-01 01:00:00")
        self._send()
        self.assertStates(messages, {"Ann": ("sent", None)})

    def test_too_late(self):
        self.company_cn.write({"trade_cap_week": 1, "trade_wait_days": 2})
        first = self._queue(self.ann, channel="call")
        self._send()
        second = self._queue(self.ann, self.rival, channel="call")
        self._send()
        self.assertStates(first, {"Ann": ("sent", None)})
        self.assertStates(second, {"Ann": ("skipped", "cap")})

    def test_two_campaigns_share_the_room(self):
        self.company_cn.write({"trade_cap_week": 1, "trade_wait_days": 10})
        self.rival.trade_priority = self.campaign.trade_priority + 1
        first = self._queue(self.ann, channel="call")
        second = self._queue(self.ann, self.rival, channel="call")
        self._send()
        self.assertStates(second, {"Ann": ("sent", None)})
        self.assertStates(first, {"Ann": ("queued", "cap")})
        self.assertEqual(str(first.due_at), "2026-04-07 04:00:00")

    def test_one_per_customer_and_chunk(self):
        self.company_cn.write({"trade_cap_week": 1})
        branch = self.env["res.partner"].create(
            {"name": "Zoe", "parent_id": self.ann.id, "phone": "+86 138 0000 0009",
             "country_id": self.china.id}
        )  # fmt: skip
        self._decide(branch, "call")
        messages = self._queue(self.ann | branch, channel="call")
        self._send()
        self.assertStates(messages, {"Ann": ("sent", None), "Zoe": ("skipped", "cap")})

    def test_one_per_address(self):
        """Whichever record has it: in one chunk, in the next, and for another campaign."""
        self.company_cn.write({"trade_cap_week": 1})
        twins = self.ann.copy({"name": "Bea"}) | self.ann.copy({"name": "Cyd"})
        self._decide(twins, "call")
        messages = self._queue(self.ann | twins, channel="call")
        done, first = self.messages._claim(10)
        self.assertEqual((done, first.partner_id), (1, self.ann))
        self._send()
        duplicate = ("skipped", "duplicate")
        self.assertStates(messages - first, {"Bea": duplicate, "Cyd": duplicate})
        other = self._queue(twins, self.rival, channel="call")
        self._send()
        self.assertEqual(set(other.mapped("reason")), {"cap"})

    def test_cancelled(self):
        messages = self._queue(self.people)
        self.assertEqual(self.messages._cancel(self.campaign), 3)
        self.assertEqual(set(messages.mapped("reason")), {"cancelled"})

    def test_call(self):
        self.ann.user_id = False
        self.campaign.user_id = self.user_marketer
        self._queue(self.ann | self.bob, channel="call", body="Ask about <spring>")
        self._send()
        calls = self.env["mail.activity"].search(
            [("res_model", "=", "res.partner"), ("res_id", "in", self.people.ids)], order="res_id"
        )
        self.assertEqual(calls.user_id, self.user_marketer | self.user_rep)
        self.assertIn("&lt;spring&gt;", calls[0].note)

    def test_chunks_take_constant_queries(self):
        people = self.env["res.partner"].create(
            [
                {"name": f"P{number}", "phone": f"+86 138 0000 1{number:03}",
                 "country_id": self.china.id}
                for number in range(60)
            ]
        )  # fmt: skip
        self._decide(people, "call")
        self._queue(people, channel="call")
        counts = []
        for limit in (10, 50):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            done, messages = self.messages._claim(limit)
            self.assertEqual((done, len(messages)), (limit, limit))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    def _wait_in_odoos_queue(self, partners):
        mailing = self._make_mailing(self.campaign, mailing_type="sms", body_plaintext="Spring")
        messages = self._queue(partners, channel="sms", mailing=mailing)
        self._send()
        self.assertEqual(set(messages.mapped("state")), {"sending"})
        return messages, self.env["sms.sms"].search([("mailing_id", "=", mailing.id)])

    def _leave_odoos_queue(self, texts):
        left = []

        def send(_api, texts, **_kwargs):
            numbers = [number for text in texts for number in text["numbers"]]
            left.extend(number["number"] for number in numbers)
            return [{"uuid": number["uuid"], "state": "success"} for number in numbers]

        with patch.object(SmsApi, "_send_sms_batch", send):
            texts.send()
        return left

    def test_sms_that_waited(self):
        # Asked again before it leaves: who objected, who is on the list; the limit is not counted twice.
        self.company_cn.write({"trade_cap_week": 1})
        messages, texts = self._wait_in_odoos_queue(self.people)
        self._decide(self.ann, "sms", "withdrawn", decided_at="2026-03-30")
        self.env["phone.blacklist"].add(self.bob.phone_sanitized)
        self.assertEqual(self._leave_odoos_queue(texts), [self.cho.phone_sanitized])
        self.assertStates(
            messages,
            {
                "Ann": ("skipped", "opted_out"),
                "Bob": ("skipped", "blacklisted"),
                "Cho": ("sent", None),
            },
        )
        self.assertFalse((messages - messages[2]).trace_id)

    def test_sms_of_a_campaign_that_stopped(self):
        self.campaign.sudo().write({"trade_is_campaign": True, "trade_company_id": self.company_cn.id,
                                    "trade_state": "running"})  # fmt: skip
        messages, texts = self._wait_in_odoos_queue(self.ann)
        self.campaign.sudo().trade_state = "paused"
        self.assertEqual(self._leave_odoos_queue(texts), [])
        self.assertStates(messages, {"Ann": ("queued", None)})
        self.campaign.sudo().trade_state = "running"
        self._send()
        texts = self.env["sms.sms"].search([("mailing_id", "=", messages.mailing_id.id)])
        self.campaign.sudo().trade_state = "done"
        self.assertEqual(self._leave_odoos_queue(texts), [])
        self.assertStates(messages, {"Ann": ("skipped", "cancelled")})

    def test_sms_at_night(self):
        messages, texts = self._wait_in_odoos_queue(self.ann)
        self.clock.tick(12 * 3600)
        self.assertEqual(self._leave_odoos_queue(texts), [])
        self.assertStates(messages, {"Ann": ("queued", "quiet")})

    def test_sms(self):
        mailing = self._make_mailing(
            self.campaign, mailing_type="sms", body_plaintext="Spring https://shop.test/x"
        )
        messages = self._queue(self.ann | self.bob, channel="sms", mailing=mailing)
        self._send()
        self.assertEqual(set(messages.mapped("state")), {"sending"})
        texts = self.env["sms.sms"].search([("mailing_id", "=", mailing.id)])
        self.assertEqual(len(texts), 2)
        self.assertTrue(all(f"/sms/{mailing.id}/" in text.body for text in texts))
        sent = [{"uuid": text.uuid, "state": "success"} for text in texts]
        with patch.object(SmsApi, "_send_sms_batch", lambda *args, **kwargs: sent):
            texts.send()
        self.assertEqual(set(messages.mapped("state")), {"sent"})
        self.assertTrue(all(messages.mapped("attempted_at")))


@tagged("post_install", "-at_install")
class TestMessageAccess(MessageCommon):
    def test_agent_reads_customers(self):
        self.assertEqual(self._as(self.user_agent, self.ann).read(["trade_message_count"])[0]
                         ["trade_message_count"], 0)  # fmt: skip

    def test_nobody_writes(self):
        messages = self._queue(self.ann)
        for user in (self.user_rep, self.user_manager, self.user_marketer, self.user_auditor):
            own = self._as(user, messages)
            self.assertEqual(own.state, "queued")
            for operation in ("write", "create", "unlink"):
                self.assertFalse(own.has_access(operation))
        self.assertFalse(self._as(self.user_outsider, self.messages).has_access("read"))
        self.assertFalse(self._as(self.user_rep_us, self.messages).search([]) & messages)
