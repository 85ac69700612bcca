from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .lead_common import LeadCommon


@tagged("post_install", "-at_install")
class TestContactLog(LeadCommon):
    def _log(self, user=None, partner=None, **values):
        partner = self._as(user or self.user_zhejiang, partner or self.wok)
        action = partner.action_log_contact()
        form = Form(partner.env[action["res_model"]].with_context(**action["context"]))
        for name, value in {"text": "They called about tea.", **values}.items():
            form[name] = value
        return form.save().action_log()

    def _rows(self, user=None, **values):
        self.env.flush_all()
        trail = self._as(user or self.user_zhejiang, self.env["trade.lead.trail"])
        return trail.search([("partner_id", "=", self.wok.id)] + [
            (name, "=", value) for name, value in values.items()
        ])  # fmt: skip

    def test_every_kind_is_on_the_trail(self):
        for kind in ("call", "chat", "text", "mail", "meeting", "complaint"):
            self._log(kind=kind, text=f"About {kind}")
            row = self._rows(kind=kind)
            self.assertIn(f"About {kind}", row.body)
            self.assertEqual(row.author_id, self.user_zhejiang.partner_id)

    def test_when_and_what_next(self):
        moment = fields.Datetime.now().replace(microsecond=0) - timedelta(days=2)
        self._log(happened_at=moment, next_step="Send prices", next_day="2026-05-04")
        self.assertEqual(self._rows(kind="call").date, moment)
        activity = self.wok.activity_ids
        self.assertEqual((activity.summary, activity.user_id), ("Send prices", self.user_zhejiang))
        with self.assertRaisesRegex(UserError, "still to come"):
            self._log(happened_at=fields.Datetime.now() + timedelta(hours=1))

    def test_preferred_channel(self):
        self._log(kind="chat", is_preferred=True)
        self.assertEqual(self.wok.trade_preferred_channel, "chat")
        self._log(kind="call")
        self.assertEqual(self.wok.trade_preferred_channel, "chat")

    def test_it_follows_up_the_lead(self):
        self.company_cn.trade_lead_follow_up = True
        lead = self._make_lead(user=self.user_zhejiang, partner_id=self.wok.id)
        lead._note_contact(fields.Datetime.now() - timedelta(days=5))
        self.env.flush_all()
        before = lead.trade_last_contact_at
        self._log(kind="chat")
        self.assertGreater(lead.trade_last_contact_at, before)

    def test_roles(self):
        self._log(self.user_agent_east, kind="complaint")
        self.assertTrue(self._rows(kind="complaint"))
        self.assertFalse(self._rows(self.user_shanghai))
        with self.assertRaises(AccessError):
            self._log(self.user_auditor)
        with self.assertRaises(AccessError):
            self._log(self.user_shanghai)

    def test_markup_is_text(self):
        self._log(text="<script>alert(1)</script>")
        self.assertNotIn("<script", self.wok.message_ids[0].body)
