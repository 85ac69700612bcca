from datetime import datetime, timedelta

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..models.trade_contact_guard import get_awake, get_zones
from .message_common import MessageCommon

NOON = datetime(2026, 3, 31, 4)  # 12:00 in Shanghai
NIGHT = datetime(2026, 3, 31, 15)  # 23:00


@tagged("post_install", "-at_install")
class TestContactGuard(MessageCommon):
    def _ask(self, partners, channel="mail", purpose="offer", at=NOON, **values):
        return self.guard._get_refusals(partners.ids, channel, purpose, at, **values)

    def _give_reason(self, partner, channel="mail", **values):
        return self._ask(partner, channel, **values).get(partner.id, (None, None))[0]

    def test_allowed(self):
        for channel in ("mail", "sms", "provider", "call", "coupon"):
            self.assertFalse(self._ask(self.people, channel))

    def test_addresses(self):
        cases = [
            ("mail", {"email": False}, "no_address"),
            ("mail", {"email": "ann at home"}, "bad_address"),
            ("sms", {"phone": False}, "no_address"),
            ("call", {"phone": "12"}, "bad_address"),
            ("mail", {"active": False}, "archived"),
            ("coupon", {"active": False}, "archived"),
            ("coupon", {"email": False}, None),
        ]
        for channel, values, reason in cases:
            with self.subTest(channel=channel, values=values):
                partner = self.ann.copy({"email": "x@loop.test", **values})
                self._decide(partner, channel) if channel != "coupon" else None
                self.assertEqual(self._give_reason(partner, channel), reason)
        gone = self.ann.copy()
        number = gone.id
        gone.unlink()
        self.assertEqual(
            self.guard._get_refusals([number], "mail", "offer", NOON)[number], ("archived", None)
        )

    def test_consent(self):
        self.assertEqual(self._give_reason(self.ann, purpose="news"), "no_consent")
        self.assertIsNone(self._give_reason(self.ann, purpose="care"))
        self._decide(self.ann, decision="withdrawn", purpose="care")
        self.assertEqual(self._give_reason(self.ann, purpose="care"), "opted_out")
        self._decide(self.ann, purpose="care", decided_at="2026-02-01")
        self.assertIsNone(self._give_reason(self.ann, purpose="care"))
        # An older paper that is found later does not undo it.
        self._decide(self.ann, decision="withdrawn", purpose="care", decided_at="2025-12-01")
        self.assertIsNone(self._give_reason(self.ann, purpose="care"))

    def test_rule_of_the_company(self):
        rules = self.env["trade.consent.rule"]
        rules._ensure(self.company_cn)
        rules._ensure(self.company_cn)
        rule = rules.search(
            [("channel", "=", "mail"), ("purpose", "=", "news"),
             ("company_id", "=", self.company_cn.id)]
        )  # fmt: skip
        rule.mode = "opt_out"
        self.assertIsNone(self._give_reason(self.ann, purpose="news"))
        self.assertEqual(
            self._give_reason(self.ann, purpose="news", company=self.company_us), "no_consent"
        )

    def test_consent_of_another_company(self):
        self.assertEqual(self._give_reason(self.ann, company=self.company_us), "no_consent")
        self._decide(self.ann, company_id=False)
        self.assertIsNone(self._give_reason(self.ann, company=self.company_us))

    def test_contact_of_a_company_that_objected(self):
        person = self.env["res.partner"].create(
            {"name": "P", "parent_id": self.ann.id, "email": "p@loop.test"}
        )
        self.assertIsNone(self._give_reason(person))
        self._decide(self.ann, decision="withdrawn", decided_at="2026-02-01")
        self.assertEqual(self._give_reason(person), "opted_out")
        # Neither does an older yes of the person undo it; a later one does.
        self._decide(person)
        self.assertEqual(self._give_reason(person), "opted_out")
        self._decide(person, decided_at="2026-02-02")
        self.assertIsNone(self._give_reason(person))

    def test_objection_by_another_record_with_the_address(self):
        twin = self.bob.copy({"name": "Twin", "email": f"Twin <{self.ann.email.upper()}>"})
        self._decide(twin, decision="withdrawn", decided_at="2026-02-01")
        self._decide(twin, "sms", "withdrawn", decided_at="2026-02-01")
        twin.active = False
        self.assertEqual(self._give_reason(self.ann), "opted_out")
        self.assertIsNone(self._give_reason(self.bob))
        self.assertEqual(self._give_reason(self.bob, "sms"), "opted_out")
        self.assertIsNone(self._give_reason(self.ann, "sms"))
        self.assertIsNone(self._give_reason(self.bob, "call"))
        self._decide(self.ann, decided_at="2026-02-02")
        self.assertIsNone(self._give_reason(self.ann))

    def test_several_addresses(self):
        self.ann.email = "ann@loop.test, other@loop.test"
        self.assertIsNone(self._give_reason(self.ann))
        self.env["mail.blacklist"]._add("other@loop.test")
        self.assertEqual(self._give_reason(self.ann), "blacklisted")

    def test_odoos_lists(self):
        self.env["phone.blacklist"].add(self.bob.phone_sanitized)
        self.assertEqual(self._give_reason(self.bob, "provider"), "blacklisted")
        dan = self.ann.copy({"name": "Dan", "email": "dan@loop.test"})
        contact = self.env["mailing.contact"].create({"name": "Dan", "email": "dan@loop.test"})
        lists = self.env["mailing.list"].create([{"name": "A"}, {"name": "B"}])
        contact.list_ids = lists
        contact.invalidate_recordset()
        self.assertIsNone(self._give_reason(dan, purpose="care"))
        contact.subscription_ids[0].opt_out = True
        self.assertIsNone(self._give_reason(dan, purpose="care"))
        contact.subscription_ids.opt_out = True
        self.assertEqual(self._give_reason(dan, purpose="care"), "opted_out")
        self._decide(dan, purpose="care")
        self.assertIsNone(self._give_reason(dan, purpose="care"))

    def test_quiet_hours(self):
        self.assertEqual(
            self._ask(self.ann, at=NIGHT)[self.ann.id], ("quiet", datetime(2026, 4, 1, 1))
        )
        self.ann.country_id = self.env.ref("base.de")
        self.assertFalse(self._ask(self.ann, at=NIGHT))
        self.company_cn.write({"trade_quiet_from": 0, "trade_quiet_to": 0})
        self.assertFalse(self._ask(self.bob, at=NIGHT))

    def test_zones(self):
        self.assertEqual(get_zones("Asia/Shanghai", "DE")[0], "Europe/Berlin")
        self.assertEqual(get_zones("America/Denver", "US"), ("America/Denver",))
        self.assertEqual(get_zones(False, "CN"), ("Asia/Shanghai",))
        self.assertEqual(get_zones("Asia/Tokyo", None), ("Asia/Tokyo",))
        self.assertEqual(get_zones(None, None), ())
        # 09:00 in New York is 06:00 in California.
        coasts = ("America/New_York", "America/Los_Angeles")
        self.assertEqual(
            get_awake(datetime(2026, 7, 1, 13), coasts, 21, 9), datetime(2026, 7, 1, 16)
        )
        # The night in which clocks go forward has an hour less.
        berlin = ("Europe/Berlin",)
        self.assertEqual(
            get_awake(datetime(2026, 3, 29, 0), berlin, 21, 9), datetime(2026, 3, 29, 7)
        )
        self.assertEqual(
            get_awake(datetime(2026, 3, 28, 0), berlin, 21, 9), datetime(2026, 3, 28, 8)
        )

    def test_cap_counts_everything(self):
        """What we sent, what Odoo sent to the customer, and what it sent to a list."""
        self.company_cn.write({"trade_cap_week": 3, "trade_cap_month": 4})
        person = self.env["res.partner"].create(
            {"name": "P", "parent_id": self.ann.id, "email": "p@loop.test"}
        )
        message = self._queue(self.ann)
        message._set(state="sent", sent_at="2026-03-30 04:00:00")
        contact = self.env["mailing.contact"].create({"email": person.email})
        other = self._make_mailing(self.rival)
        for model, number, email in (
            ("res.partner", person.id, person.email),
            ("mailing.contact", contact.id, person.email),
        ):
            self.assertFalse(self._ask(self.ann | person))
            self.env["mailing.trace"].create(
                {
                    "mass_mailing_id": other.id, "model": model, "res_id": number,
                    "email": email, "trace_status": "sent",
                    "sent_datetime": NOON - timedelta(days=2),
                }
            )  # fmt: skip
        # The trace of our own message is not another one.
        trace = {"mass_mailing_id": self.mailing.id, "model": "res.partner", "res_id": self.ann.id}
        self.env["mailing.trace"].create(trace | {"sent_datetime": "2026-03-30 04:00:00"})
        expected = ("cap", NOON + timedelta(days=5))
        refusals = self._ask(self.people | person)
        self.assertEqual(refusals, {self.ann.id: expected, person.id: expected})
        self.assertEqual(self._ask(self.ann, at=NOON + timedelta(days=5)), {})
        self.company_cn.write({"trade_cap_week": 0, "trade_cap_month": 0})
        self.assertFalse(self._ask(self.ann))

    def test_constant_number_of_queries(self):
        others = self.env["res.partner"].create(
            [{"name": f"Q{n}", "email": f"q{n}@loop.test"} for n in range(50)]
        )
        self._decide(others)
        counts = []
        for partners in (self.ann, self.people | others):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._ask(partners)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)
        self.assertLessEqual(counts[0], 8)

    def test_settings(self):
        with self.assertRaisesRegex(ValidationError, "24:00"):
            self.company_cn.trade_quiet_from = 25
