from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .credit_common import CreditCommon

LOGGER = "odoo.addons.trade_crm.models.trade_credit_reminder"


@tagged("post_install", "-at_install")
class TestReceivables(CreditCommon):
    """Ageing, promises, reminders and the statement."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_cn.trade_credit_kind = "unlimited"
        cls.customer.write({"user_id": cls.user_rep.id, "email": "wok@example.com"})
        usual = cls.env["trade.reminder.level"].search([("company_id", "=", cls.company_cn.id)])
        usual[2:].active = False
        cls.levels = usual[:2]

    def _owe(self, amount, due, partner=None):
        move = self._make_move(partner or self.customer, amount)
        move.invoice_date_due = due
        move.line_ids.filtered("date_maturity").date_maturity = due
        return move

    def test_ageing_and_exposure(self):
        self._owe(100.0, "2026-04-10")
        self._owe(20.0, "2026-03-21")
        self._owe(3.0, "2025-12-01")
        self._order_goods(10)
        self._pay(50.0)
        report = self._as(self.user_rep, self.env["trade.credit.report"])
        [(partner, *amounts)] = report._read_group(
            [("partner_id", "=", self.customer.id)],
            ["partner_id"],
            [
                f"{name}:sum"
                for name in (
                    "not_due",
                    "due_30",
                    "due_60",
                    "due_90",
                    "due_more",
                    "open_orders",
                    "exposure",
                )
            ],
        )
        self.assertEqual(partner, self.customer)
        self.assertEqual(amounts, [50, 20, 0, 0, 3, 100, 173])
        self.assertEqual(amounts[-1], self._get_exposure())
        line = report.search([("kind", "=", "order"), ("partner_id", "=", self.customer.id)])
        self.assertEqual(line.action_open()["res_model"], "sale.order")
        with self.assertRaises(AccessError):
            self._as(self.user_marketer, report).search([])

    # ------------------------------------------------------------------
    # Promises
    # ------------------------------------------------------------------

    def _promise(self, amount, day):
        return self._as(self.user_rep, self.env["trade.credit.promise"]).create(
            {
                "partner_id": self.contact.id,
                "company_id": self.company_cn.id,
                "amount": amount,
                "date_promised": day,
                "state": "kept",
            }
        )

    def test_promises(self):
        first, second = self._promise(100.0, "2026-04-05"), self._promise(50.0, "2026-04-10")
        self.assertEqual(first.state, "open")
        self.assertEqual(first.partner_id, self.customer)
        with self.assertRaises(AccessError):
            first.state = "kept"
        settle = self.env["trade.credit.promise"]._cron_settle
        settle()
        self.assertEqual((first + second).mapped("state"), ["open", "open"])
        self._pay(120.0, day="2026-04-02")
        settle()
        self.assertEqual((first + second).mapped("state"), ["kept", "open"])
        self.clock.move_to("2026-04-11 04:00:00")
        settle()
        settle()
        self.assertEqual(second.state, "broken")
        with self.assertRaises(AccessError):
            second.amount = 1.0
        second.note = "Called again"
        self.assertEqual(len(self.customer.activity_ids), 1)

    # ------------------------------------------------------------------
    # Reminders
    # ------------------------------------------------------------------

    def _remind(self):
        with self._job_env() as env:
            env["trade.reminder"]._cron_remind()
        self.env.invalidate_all()
        return self.env["trade.reminder"].search([("partner_id", "=", self.customer.id)])

    def test_reminders(self):
        self._owe(100.0, "2026-03-31")
        self.clock.move_to("2026-04-08 04:00:00")
        self.assertFalse(self._remind(), "off")
        self.company_cn.trade_reminders = True
        self.assertEqual(self._remind().level_id, self.levels[0])
        mails = self.env["mail.mail"].search([("recipient_ids", "in", self.customer.ids)])
        self.assertEqual(len(mails), 1)
        self.assertIn("First reminder", mails.subject)
        self.assertTrue(mails.attachment_ids)
        self.assertEqual(len(self._remind()), 1, "not twice")
        self.clock.move_to("2026-04-21 04:00:00")
        self.assertEqual(self._remind().level_id, self.levels)
        self.assertEqual(len(self._remind()), 2)

    def test_a_crash_leaves_nobody_out(self):
        other = self._make_customer("Silk Road")
        for partner in (other, self.customer):
            self._owe(100.0, "2026-03-31", partner)
        self.company_cn.trade_reminders = True
        self.clock.move_to("2026-04-08 04:00:00")
        reminders = self.env["trade.reminder"]
        send = type(reminders)._send

        def crash(reminder):
            if reminder.partner_id == other:
                raise ValueError("no mail server")
            send(reminder)

        with patch.object(type(reminders), "_send", crash), mute_logger(LOGGER):
            self.assertTrue(self._remind().sent_at, "the next one goes")
        lost = reminders.search([("partner_id", "=", other.id)])
        self.assertFalse(lost.sent_at)
        self._remind()
        self.assertTrue(lost.sent_at)

    def test_what_was_not_sent_and_is_paid_meanwhile_goes(self):
        self._owe(100.0, "2026-03-31")
        self.company_cn.trade_reminders = True
        self.clock.move_to("2026-04-08 04:00:00")
        self.env["trade.reminder"]._make_reminders(self.company_cn)
        self._pay(100.0, day="2026-04-08")
        self.clock.move_to("2026-04-09 04:00:00")
        self.assertFalse(self._remind())

    def test_who_promised_or_paid_is_left_alone(self):
        self.company_cn.trade_reminders = True
        self._owe(100.0, "2026-03-31")
        self._promise(100.0, "2026-04-10")
        self.clock.move_to("2026-04-08 04:00:00")
        self.assertFalse(self._remind())
        self.clock.move_to("2026-04-11 04:00:00")
        self._pay(100.0, day="2026-04-11")
        self.assertFalse(self._remind())

    def test_statement(self):
        self._owe(100.0, "2026-02-20")
        self._pay(30.0)
        report = self._as(self.user_rep, self.env["ir.actions.report"])
        html, _kind = report._render_qweb_html("trade_crm.statement", self.contact.ids)
        text = html.decode()
        self.assertIn("Golden Wok", text)
        self.assertIn("70.00", text)
        self.assertNotIn("limit", text.lower())
        with self.assertRaises(AccessError):
            self._as(self.user_outsider, report)._render_qweb_html(
                "trade_crm.statement", self.customer.ids
            )
        self.assertEqual(
            self._as(self.user_rep, self.customer).action_trade_statement_mail()["res_model"],
            "mail.compose.message",
        )
