import base64
from email.message import EmailMessage

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_lead_capture import CaptureCommon


@tagged("post_install", "-at_install")
class TestLeadMail(CaptureCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alias_domain = cls.env["mail.alias.domain"].create(
            {"name": "capture.example", "bounce_alias": "bounce", "catchall_alias": "catchall"}
        )
        cls.company_cn.alias_domain_id = cls.alias_domain
        cls.fair.write({"alias_name": "canton-fair", "alias_domain_id": cls.alias_domain.id})
        cls.team_fair.user_id = False

    def _receive(self, subject="Boxes", body="We need boxes.", sender=None, charset="utf-8", **kw):
        message = EmailMessage()
        message["From"] = sender or "Chen Mei <chen@silver-wok.example>"
        message["To"] = kw.get("to", "canton-fair@capture.example")
        message["Subject"] = subject
        message["Message-Id"] = kw.get("message_id", f"<{abs(hash((subject, body)))}@wok.example>")
        if "reply_to" in kw:
            message["In-Reply-To"] = kw["reply_to"]
        message.set_content(body, charset=charset)
        if "attachment" in kw:
            message.add_attachment(
                kw["attachment"], maintype="image", subtype="png", filename="名片.png"
            )
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            lead_id = self.env["mail.thread"].message_process(None, message.as_bytes())
        return self.env["crm.lead"].browse(lead_id)

    def test_becomes_a_lead(self):
        lead = self._receive(attachment=b"\x89PNG picture")
        self.assertAcquired(lead)
        self.assertEqual(lead.name, "Boxes")
        self.assertEqual(lead.email_normalized, "chen@silver-wok.example")
        self.assertFalse(lead.user_id)
        self.assertEqual((lead.team_id, lead.company_id), (self.team_fair, self.company_cn))
        self.assertEqual(lead.type, "lead")
        self.assertEqual(lead.message_ids.attachment_ids.mapped("name"), ["名片.png"])
        self.assertIn("We need boxes", lead.message_ids[0].body)

    def test_is_as_the_channel_is_now(self):
        self.fair.write({"source_id": False, "name": "Yiwu Fair", "team_id": False})
        lead = self._receive()
        self.assertEqual(lead.source_id.name, "Yiwu Fair")
        self.assertFalse(lead.team_id)

    def test_chinese_in_any_encoding(self):
        for charset in ("utf-8", "gb2312", "gb18030", "big5"):
            with self.subTest(charset=charset):
                sender = "陳美" if charset == "big5" else "陈美"
                body = "我們需要紙箱。" if charset == "big5" else "我们需要纸箱。"
                subject = "紙箱" if charset == "big5" else "询价：纸箱"
                raw = (
                    f"From: =?{charset}?b?{self._encode(sender, charset)}?="
                    f" <chen-{charset}@silver-wok.example>\r\n"
                    "To: canton-fair@capture.example\r\n"
                    f"Subject: =?{charset}?b?{self._encode(subject, charset)}?=\r\n"
                    f"Message-Id: <{charset}@wok.example>\r\n"
                    "MIME-Version: 1.0\r\n"
                    f"Content-Type: text/plain; charset={charset}\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\n"
                    f"{self._encode(body, charset)}\r\n"
                )
                lead = self.env["crm.lead"].browse(
                    self.env["mail.thread"].message_process(None, raw.encode())
                )
                self.assertEqual(lead.name, subject)
                self.assertIn(body, lead.message_ids[0].body)
                self.assertIn(sender, lead.email_from)
                self.assertAcquired(lead)

    @staticmethod
    def _encode(text, charset):
        return base64.b64encode(text.encode(charset)).decode()

    def test_answer_goes_to_the_same_lead(self):
        lead = self._receive(message_id="<first@wok.example>")
        count = len(lead.message_ids)
        again = self._receive(
            subject="Re: Boxes", body="More boxes.", reply_to="<first@wok.example>",
            message_id="<second@wok.example>",
        )  # fmt: skip
        self.assertEqual(again, lead)
        self.assertEqual(len(lead.message_ids), count + 1)
        self.assertEqual(len(self._find_leads()), 1)

    def test_same_mail_twice_is_one_lead(self):
        self._receive(message_id="<same@wok.example>")
        self._receive(message_id="<same@wok.example>")
        self.assertEqual(len(self._find_leads()), 1)

    def test_customer_is_recognised(self):
        self.contact.email = "chen@golden-wok.example"
        lead = self._receive(sender="Ms. Chen <chen@golden-wok.example>")
        self.assertEqual(lead.partner_id, self.contact)
        self.assertEqual(lead.trade_channel_id, self.fair)

    def test_colleague_who_forwards_does_not_own_it(self):
        self.user_rep.email = "rep@trade.example"
        lead = self._receive(sender="rep@trade.example")
        self.assertFalse(lead.user_id)

    def test_archived_channel_loses_no_mail(self):
        self.fair.active = False
        self.assertAcquired(self._receive())
