import smtplib
from contextlib import closing
from email.message import EmailMessage

from odoo.tests import tagged

from odoo.addons.trade_crm.tests.smtp_server import SmtpServer, mail_leaves

from .service_common import ServiceCommon

CUSTOMER = "wu@wok.example"


@tagged("post_install", "-at_install")
class TestTicketMail(ServiceCommon):
    """A customer and the company write to each other through real mail servers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": False})
        domain = cls.env["mail.alias.domain"].create({"name": "trade.example"})
        (cls.company_cn | cls.env.company).alias_domain_id = domain
        cls.company_cn.email = "company@trade.example"
        cls.wok_contact.email = CUSTOMER
        cls.team_quality.write({"alias_name": "loop-quality", "alias_domain_id": domain.id})
        cls.stage_done.mail_template_id = cls.env.ref(
            "trade_crm_service.mail_template_ticket_solved"
        )
        cls.env.flush_all()

    def _write_to_us(self, subject, text, **headers):
        """Send a mail to the address of the team; what arrives goes the way of Odoo's mail gateway."""
        mail = EmailMessage()
        mail["From"], mail["To"] = CUSTOMER, "loop-quality@trade.example"
        mail["Subject"], mail["Message-Id"] = subject, f"<{subject.replace(' ', '')}@wok.example>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        mail.add_attachment(b"%PDF-1.4 pot", "application", "pdf", filename="锅.pdf")
        with closing(SmtpServer()) as gateway, smtplib.SMTP("127.0.0.1", gateway.port) as client:
            client.send_message(mail)
            [(_recipient, data)] = gateway.received
        ticket = self.env["mail.thread"].message_process(False, data)
        self.env.flush_all()
        return self.env["helpdesk.ticket"].browse(ticket)

    def test_conversation(self):
        with mail_leaves(self.env) as server:
            ticket = self._write_to_us("Pot broken", "It is broken.")
            self.assertEqual(
                (ticket.partner_id, ticket.team_id), (self.wok_contact, self.team_quality)
            )
            self.assertIn("锅.pdf", ticket.message_ids.attachment_ids.mapped("name"))
            self.env["mail.mail"].process_email_queue()
            received = server.get_mails()[CUSTOMER]
            self.assertIn(ticket.number, received["Subject"])
            self.assertIn("loop-quality@trade.example", received["Reply-To"])

            ticket.stage_id = self.stage_done
            self._commit()
            self.env["mail.mail"].process_email_queue()
            solved = server.get_mails()[CUSTOMER]
            self.assertNotEqual(solved["Message-Id"], received["Message-Id"])
            # The answer finds its ticket by what it answers to, and opens it again.
            answered = self._write_to_us(
                "Re: your ticket", "Still broken.", In_Reply_To=solved["Message-Id"]
            )
            self.assertEqual(answered, ticket)
            self.assertFalse(ticket.stage_id.closed)
            self.assertIn("Still broken.", "".join(ticket.message_ids.mapped("body")))
            self.assertEqual(
                self.env["helpdesk.ticket"].search_count(
                    [("partner_id", "=", self.wok_contact.id)]
                ),
                1,
            )

    def test_server_that_refuses(self):
        """A mail that cannot leave keeps nobody from the ticket, and waits to be sent again."""
        with mail_leaves(self.env) as server:
            server.after_data = lambda recipient: "554 no"
            ticket = self._write_to_us("Pot lost", "It is gone.")
            mail = self.env["mail.mail"].search(
                [("model", "=", "helpdesk.ticket"), ("res_id", "=", ticket.id)]
            )
            mail.send()
            self.assertEqual(mail.state, "exception")
            server.after_data = lambda recipient: "250 OK"
            mail.mark_outgoing()
            self.env["mail.mail"].process_email_queue()
            self.assertIn(ticket.number, server.get_mails()[CUSTOMER]["Subject"])
