from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.mail.tests.common import MailCase

from .service_common import ServiceCommon

MAIL = """From: {sender}
To: {to}
Subject: {subject}
Message-ID: <{number}@customer.example>
{headers}Date: Tue, 31 Mar 2026 12:00:00 +0800
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"

{body}
"""


@tagged("post_install", "-at_install")
class TestTicketTell(ServiceCommon, MailCase):
    """What the customer is told, and what the customer's answers do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": False})
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.company_cn.email = "service@trade.example"
        cls.wok_contact.write({"email": "wu@wok.example", "lang": "zh_CN"})
        cls.team_quality.write({"alias_name": "test-quality", "trade_by_load": True})
        cls.solved_template = cls.env.ref("trade_crm_service.mail_template_ticket_solved")
        cls.stage_done.mail_template_id = cls.solved_template
        cls._init_mail_gateway()

    def _open(self, partner=None, **values):
        return self.env["helpdesk.ticket"].create(
            {
                "name": "Broken pot",
                "description": "It is broken.",
                "partner_id": (partner or self.wok_contact).id,
                "company_id": self.company_cn.id,
                "user_id": self.user_agent.id,
                **values,
            }
        )

    def _catch(self, function):
        """Subject and recipients of the mails to customers that ``function`` leads to."""
        with self.mock_mail_gateway(mail_unlink_sent=False):
            function()
            self.flush_tracking()
        return [
            (mail.subject, mail.recipient_ids.mapped("email") or [mail.email_to])
            for mail in self._new_mails
            if mail.model == "helpdesk.ticket"
            and all(partner.partner_share for partner in mail.recipient_ids)
        ]

    def _receive(self, sender, body="x", subject="Pot", reply_to=None, number=1):
        text = MAIL.format(
            sender=sender,
            to=f"test-quality@{self.alias_domain}",
            subject=subject,
            body=body,
            number=number,
            headers=f"In-Reply-To: {reply_to}\n" if reply_to else "",
        )
        with self.mock_mail_gateway():
            return self.env["mail.thread"].message_process("helpdesk.ticket", text)

    def test_received(self):
        mails = self._catch(self._open)
        self.assertEqual(len(mails), 1)
        self.assertEqual(mails[0][1], ["wu@wok.example"])
        self.assertIn("Broken pot", mails[0][0])

    def test_language_of_the_customer(self):
        template = self.env.ref("trade_crm_service.mail_template_ticket_received")
        template.with_context(lang="zh_CN").subject = "我们已收到 {{ object.number }}"
        [(subject, _to)] = self._catch(self._open)
        self.assertIn("我们已收到", subject)

    def test_assigned_progress_solved(self):
        # Who reads Chinese gets it as soon as it is loaded.
        self.wok_contact.lang = "en_US"
        ticket = self._open()
        [(subject, _to)] = self._catch(lambda: ticket.write({"user_id": self.user_leader.id}))
        self.assertIn("Leader", subject)
        [(subject, _to)] = self._catch(lambda: ticket.write({"stage_id": self.stage_work.id}))
        self.assertIn("Work", subject)
        # A stage without the switch.
        self.assertFalse(self._catch(lambda: ticket.write({"stage_id": self.stage_wait.id})))
        [(subject, _to)] = self._catch(lambda: ticket.write({"stage_id": self.stage_done.id}))
        self.assertIn("solved", subject)

    def test_switches_of_the_type(self):
        self.quality.write(dict.fromkeys(
            ("tell_received", "tell_assigned", "tell_progress", "tell_solved"), False
        ))  # fmt: skip
        tickets = []
        self.assertFalse(
            self._catch(lambda: tickets.append(self._open(trade_type_id=self.quality.id)))
        )
        for values in (
            {"user_id": self.user_leader.id},
            {"stage_id": self.stage_work.id},
            {"stage_id": self.stage_done.id},
        ):
            self.assertFalse(self._catch(lambda values=values: tickets[0].write(values)))

    def test_nobody_to_tell(self):
        self.wok.email = False
        self.assertFalse(self._catch(lambda: self._open(self.wok)))
        stranger = {"partner_id": False, "partner_email": "who@else.example"}
        [(_subject, to)] = self._catch(lambda: self._open(**stranger))
        self.assertEqual(to, ["who@else.example"])

    # ------------------------------------------------------------------
    # Mail
    # ------------------------------------------------------------------

    def test_customer_is_found_by_address(self):
        ticket = self.env["helpdesk.ticket"].browse(self._receive("Ms Wu <WU@wok.example>"))
        self.assertEqual(ticket.partner_id, self.wok_contact)
        self.assertEqual(ticket.territory_id, self.zhejiang)
        self.assertEqual(ticket.team_id, self.team_quality)
        self.assertIn(ticket.user_id, self.team_quality.user_ids)
        self.assertEqual(ticket.partner_email, "wu@wok.example")
        self.assertTrue(ticket.trade_first_deadline)
        self.assertFalse(ticket.trade_first_at)

    def test_stranger(self):
        ticket = self.env["helpdesk.ticket"].browse(self._receive("X <x@nowhere.example>"))
        self.assertFalse(ticket.partner_id)
        self.assertFalse(ticket.territory_id)
        self.assertTrue(ticket.user_id)

    def test_address_of_two_customers(self):
        self.bund.email = self.hutong.email = "both@shared.example"
        customer = self.env["helpdesk.ticket"]._find_customer(
            "both@shared.example", self.company_cn
        )
        self.assertFalse(customer)

    def test_answer_goes_on_with_what_waits(self):
        ticket = self._open(stage_id=self.stage_wait.id)
        ticket.message_post(
            body="Here", author_id=self.wok_contact.id, message_type="email",
            subtype_xmlid="mail.mt_comment",
        )  # fmt: skip
        self.assertEqual(ticket.stage_id, self.stage_work)
        self.assertFalse(ticket.trade_paused_at)

    def test_answer_reopens(self):
        """By mail, within the days of the company."""
        ticket = self._open()
        with self.mock_mail_gateway():
            message = ticket.message_post(
                body="Done?", subtype_xmlid="mail.mt_comment", message_type="comment"
            )
        ticket.stage_id = self.stage_done
        self._after(days=14)
        self._receive("wu@wok.example", reply_to=message.message_id)
        self.assertEqual(ticket.stage_id, self.stage_work)
        self.assertFalse(ticket.closed_date)
        self.assertIn("reopen", ticket.trade_log_ids.mapped("kind"))

    def test_late_answer_is_a_new_ticket(self):
        ticket = self._open(trade_type_id=self.quality.id)
        with self.mock_mail_gateway():
            message = ticket.message_post(
                body="Done?", subtype_xmlid="mail.mt_comment", message_type="comment"
            )
        ticket.stage_id = self.stage_done
        self._after(days=14, minutes=1)
        self._receive("wu@wok.example", body="Broken again", reply_to=message.message_id, number=2)
        self.assertEqual(ticket.stage_id, self.stage_done)
        new = self.env["helpdesk.ticket"].search([("trade_previous_id", "=", ticket.id)])
        self.assertEqual(len(new), 1)
        self.assertEqual(new.partner_id, self.wok_contact)
        self.assertEqual(new.trade_type_id, self.quality)
        self.assertIn("Broken again", new.description)
        self.assertFalse(new.stage_id.closed)

    def test_colleagues_reopen_nothing(self):
        ticket = self._open(stage_id=self.stage_done.id)
        self._as(self.user_agent, ticket).message_post(
            body="By the way", subtype_xmlid="mail.mt_comment", message_type="comment"
        )
        self.assertEqual(ticket.stage_id, self.stage_done)

    def test_portal_steps(self):
        ticket = self._open()
        ticket.stage_id = self.stage_work
        labels = [(step["label"], step["state"]) for step in ticket._get_portal_steps()]
        self.assertEqual(
            labels,
            [("Received", "done"), ("Assigned", "done"), ("Work", "now"), ("Solved", "next")],
        )
        ticket.stage_id = self.stage_done
        self.assertEqual(ticket._get_portal_steps()[-1]["state"], "done")

    def test_portal_reads_nothing_of_ours(self):
        """Over RPC a customer with a login reads own tickets, and not what we think of them."""
        portal = self.user_agent.copy(
            {
                "login": "service_portal",
                "partner_id": self.wok_contact.id,
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        ticket = self._open()
        own = ticket.with_user(portal).with_context(allowed_company_ids=self.company_cn.ids)
        self.assertEqual(own.read(["name"])[0]["name"], "Broken pot")
        readable = set(own.fields_get())
        hidden = {
            name
            for name in ticket._fields
            if name.startswith("trade_") and name not in ("trade_type_id",)
        }
        self.assertFalse(readable & hidden)
