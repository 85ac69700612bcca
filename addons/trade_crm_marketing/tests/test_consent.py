from functools import partial
from unittest.mock import patch

from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.trade_crm.tests.privacy_common import PrivacyCommon

from ..models.res_partner_consent import GUESS_LIMIT
from .message_common import MessageCommon


@tagged("post_install", "-at_install")
class TestConsent(MessageCommon):
    def test_is_never_changed(self):
        consent = self._as(self.user_rep, self.consents).create(
            {"partner_id": self.ann.id, "channel": "mail", "purpose": "news", "source": "phone",
             "proof": "Said yes", "user_id": self.user_manager.id}
        )  # fmt: skip
        self.assertEqual(consent.user_id, self.user_rep)
        with self.assertRaises(AccessError):
            consent.proof = "x"
        with self.assertRaises(AccessError):
            consent.unlink()
        with self.assertRaisesRegex(AccessError, "came to know"):
            consent.copy({"source": "page"})
        with self.assertRaisesRegex(AccessError, "came to know"):
            consent.with_context(default_source="page").create(
                {"partner_id": self.ann.id, "channel": "mail", "purpose": "news", "proof": "x"}
            )
        # Nobody agrees to a company that they have not heard of.
        with self.assertRaisesRegex(AccessError, "which company"):
            consent.copy({"company_id": False})
        self.assertTrue(consent.copy({"company_id": False, "decision": "withdrawn"}))
        with self.assertRaisesRegex(ValidationError, "future"):
            consent.copy({"decided_at": "2026-04-05"})

    def test_form(self):
        action = self.ann.action_view_trade_consents()
        consents = self._as(self.user_marketer, self.consents).with_context(**action["context"])
        with Form(consents) as form:
            form.channel, form.purpose, form.source, form.proof = "sms", "care", "event", "List 3"
        self.assertEqual(form.record.partner_id, self.ann)

    def test_panel(self):
        self._queue(self.ann)
        page = self._as(self.user_rep, self.env["res.partner"]).get_trade_360(self.ann.id)
        [panel] = [panel for panel in page["panels"] if panel["key"] == "marketing"]
        self.assertEqual(panel["rows"][0]["title"], "Spring")

    def test_mailing_without_a_campaign(self):
        """A person who presses Send reaches nobody who objected."""
        self._decide(self.ann, decision="withdrawn", decided_at="2026-02-01")
        contacts = self.env["mailing.contact"].create(
            [{"name": "A", "email": self.ann.email}, {"name": "B", "email": self.bob.email}]
        )
        mailing_list = self.env["mailing.list"].create({"name": "All"})
        contacts.list_ids = mailing_list
        lists = self.env["ir.model"]._get_id("mailing.list")
        for mailing, records in (
            (self._make_mailing(self.rival), self.ann | self.bob),
            (
                self._make_mailing(
                    self.rival, mailing_model_id=lists, contact_list_ids=mailing_list.ids
                ),
                contacts,
            ),
        ):
            mailing._action_send_mail(res_ids=records.ids)
            traces = self.env["mailing.trace"].search([("mass_mailing_id", "=", mailing.id)])
            found = {trace.email: trace.failure_type for trace in traces}
            expected = {self.ann.email: "mail_optout", self.bob.email: False}
            self.assertEqual(found, expected)
        text = self._make_mailing(self.rival, mailing_type="sms", body_plaintext="x")
        self._decide(self.bob, "sms", "withdrawn", decided_at="2026-02-01")
        twin = self.bob.copy({"name": "Twin"})
        self.assertEqual(set(text._get_opt_out_list_sms()), {self.bob.id, twin.id})

    def test_blocks_of_settings(self):
        settings = self.env["res.config.settings"].create({})
        action = settings.action_open_trade_consent_rules()
        self.assertEqual(self.env["trade.consent.rule"].search_count(action["domain"]), 12)


@tagged("post_install", "-at_install")
class TestConsentMerge(MessageCommon):
    def _merge(self):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        self.bob.email = self.ann.email
        wizard._merge((self.ann | self.bob).ids, self.ann)

    def _ask(self, channel="mail", purpose="offer"):
        at = fields.Datetime.now()
        refusals = self.guard._get_refusals(self.ann.ids, channel, purpose, at)
        return refusals.get(self.ann.id, (None,))[0]

    def test_strictest(self):
        self._decide(self.bob, decision="withdrawn", decided_at="2026-01-02")
        self._decide(self.ann, decided_at="2026-02-02")  # a later yes of the other
        self._decide(self.bob, purpose="news", decided_at="2026-01-03")  # nobody objected
        self._merge()
        self.assertEqual(self._ask(), "opted_out")
        self.assertIsNone(self._ask(purpose="news"))
        self.assertIsNone(self._ask("call"))
        last = self.ann.env["trade.consent"].search([("partner_id", "=", self.ann.id)], limit=1)
        self.assertEqual((last.source, last.decision), ("merge", "withdrawn"))
        # They may change their mind.
        self._decide(self.ann, decided_at="2026-03-31 04:00:01")
        self.assertIsNone(self._ask())

    def test_said_to_one_company(self):
        self._decide(self.bob, decision="withdrawn", company_id=False)
        self._decide(self.ann, decided_at="2026-02-02")
        self._merge()
        self.assertEqual(self._ask(), "opted_out")

    def test_blacklisted_address_that_is_lost(self):
        self.env["phone.blacklist"].add(self.bob.phone_sanitized)
        self._merge()
        self.assertEqual([self._ask("sms"), self._ask("call")], ["opted_out", "opted_out"])
        self.assertIsNone(self._ask("mail"))

    def test_links_in_mails_that_were_sent(self):
        dan = self.ann.copy({"name": "Dan"})
        links = [who._sign_preferences(self.company_cn) for who in (dan, self.bob, self.ann)]
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((dan | self.bob).ids, self.bob)
        self._merge()
        for link in links:
            partner = self.env["res.partner"]._find_by_preference_link(link)
            self.assertEqual((partner, partner.env.company), (self.ann, self.company_cn))
        self.ann.unlink()
        self.assertFalse(self.env["res.partner"]._find_by_preference_link(links[0]))

    def test_messages(self):
        first = self._queue(self.ann | self.bob)
        ann, bob = first
        bob._set(state="sent", sent_at="2026-03-30")
        second = self._queue(self.bob, self.rival)
        members = self.env["trade.campaign.member"].create(
            [
                {"campaign_id": campaign.id, "partner_id": partner.id,
                 "company_id": self.company_cn.id}
                for campaign, partner in (
                    (self.campaign, self.ann), (self.campaign, self.bob), (self.rival, self.bob)
                )
            ]
        )  # fmt: skip
        self._merge()
        left = members.exists()
        self.assertEqual(left.partner_id, self.ann)
        self.assertEqual(left.campaign_id, self.campaign | self.rival)
        self.assertEqual(first.exists(), bob)
        self.assertEqual((bob | second).partner_id, self.ann)
        self.assertFalse(ann.exists())


@tagged("post_install", "-at_install")
class TestPreferences(MessageCommon, HttpCase):
    """The page for customers without a login."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = f"/preferences/{cls.ann._sign_preferences(cls.company_cn)}"
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        counts = {}

        def count(_model, key):
            counts[key] = counts.get(key, 0) + 1
            return counts[key]

        patcher = patch.object(self.env.registry["trade.lead.inquiry"], "_count", count)
        patcher.start()
        self.addCleanup(patcher.stop)

    def _open(self, path=None):
        return html.fromstring(self.url_open(path or self.path).text)

    def _get_hidden(self, page):
        return {
            one.get("name"): one.get("value") for one in page.xpath("//form//input[@type='hidden']")
        }

    def _get_checked(self, page):
        return set(page.xpath("//input[@name='choice'][@checked]/@value"))

    def _get_all(self, page):
        return set(page.xpath("//input[@name='choice']/@value"))

    def _count(self):
        return self.consents.search_count([("partner_id", "=", self.ann.id)])

    def test_choose(self):
        page = self._open()
        checked = self._get_checked(page)
        self.assertEqual(len(page.xpath("//input[@name='choice']")), 12)
        self.assertIn("mail-offer", checked)
        self.assertNotIn("mail-news", checked)
        before = self._count()
        wanted = checked - {"mail-offer"} | {"mail-news"}
        response = self.url_open(
            self.path, data=self._get_hidden(page) | {"choice": sorted(wanted)}
        )
        self.assertIn("Your choice is saved", response.text)
        self.assertEqual(self._get_checked(self._open()), wanted)
        new = self.consents.search([("partner_id", "=", self.ann.id), ("source", "=", "page")])
        found = {f"{one.channel}-{one.purpose}": one.decision for one in new}
        self.assertEqual({key for key in found if found[key] == "granted"}, {"mail-news"})
        self.assertEqual(found.keys() - {"mail-news"}, self._get_all(page) - wanted)
        # Sent again, it changes nothing.
        self.url_open(self.path, data=self._get_hidden(page) | {"choice": sorted(wanted)})
        self.assertEqual(self._count(), before + len(found))

    def test_stop_and_come_back(self):
        self.env["mail.blacklist"]._add(self.ann.email)
        page = self._open()
        self.assertNotIn("mail-offer", self._get_checked(page))
        hidden = self._get_hidden(page)
        self.url_open(self.path, data=hidden | {"stop": "1", "choice": ["call-offer"]})
        self.assertFalse(self._get_checked(self._open()))
        self.url_open(self.path, data=hidden | {"choice": ["mail-offer"]})
        self.assertEqual(self._get_checked(self._open()), {"mail-offer"})
        self.env.invalidate_all()
        self.assertFalse(self.ann.is_blacklisted)

    def test_stop_without_an_own_decision(self):
        """Neither the family nor a new rule of the company undoes it."""
        branch = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.ann.id, "email": "branch@loop.test"}
        )
        ask = partial(self.guard._get_refusals, branch.ids, "mail", at=fields.Datetime.now())
        self.assertFalse(ask(purpose="offer"))
        sudo = branch.with_company(self.company_cn)
        self.assertTrue(sudo._get_preferences()["mail", "offer"])
        sudo._take_preferences(dict.fromkeys(sudo._get_preferences(), False))
        self.env["trade.consent.rule"]._ensure(self.company_cn)
        self.env["trade.consent.rule"].search([]).mode = "opt_out"
        for purpose in ("offer", "news"):
            self.assertEqual(ask(purpose=purpose), {branch.id: ("opted_out", None)})

    def test_leaving_the_blacklist_is_for_what_was_chosen(self):
        self._decide(self.ann, company_id=self.company_us.id)
        twin = self.ann.copy({"name": "Twin"})
        self._decide(twin)
        self.env["mail.blacklist"]._add(self.ann.email)
        ann = self.ann.with_company(self.company_cn)
        ann._take_preferences({**ann._get_preferences(), ("mail", "news"): True})
        self.env.invalidate_all()
        self.assertFalse(self.ann.is_blacklisted)
        at = fields.Datetime.now()
        for company, partner, purpose, reason in (
            (self.company_cn, ann, "news", None),
            (self.company_cn, ann, "offer", "opted_out"),
            (self.company_cn, twin, "offer", "opted_out"),
            (self.company_us, ann, "offer", "opted_out"),
            (self.company_us, ann, "care", "opted_out"),
        ):
            refusals = self.guard._get_refusals(partner.ids, "mail", purpose, at, company)
            self.assertEqual(refusals.get(partner.id, (None,))[0], reason)

    def test_opening_changes_nothing(self):
        before = self._count()
        for query in ("", "?stop=1", "?choice=mail-news", "?saved=1"):
            self.url_open(self.path + query)
            self.url_open(self.path + query, method="HEAD")
        self.assertEqual(self._count(), before)

    def test_stop_is_never_refused(self):
        hidden = self._get_hidden(self._open())
        choice = hidden | {"choice": ["mail-offer"]}
        for attempt in range(self.ann._get_form_limit() + 1):
            response = self.url_open(self.path, data=choice, allow_redirects=False)
            refused = attempt == self.ann._get_form_limit()
            self.assertEqual(response.status_code, 429 if refused else 303)
        self.url_open(self.path, data=hidden | {"stop": "1"})
        self.assertFalse(self._get_checked(self._open()))

    def test_forged(self):
        before = self._count()
        hidden = self._get_hidden(self._open())
        for signature in ("", "x", self.bob._sign_form()):
            self.url_open(self.path, data=hidden | {"signature": signature, "stop": "1"})
        self.assertEqual(self._count(), before)
        token = self.path.rpartition("/")[2]
        number, company, digest = token.split("-")
        wrong = [
            f"{self.bob.id:x}-{company}-{digest}",
            f"{number}-{self.company_us.id:x}-{digest}",
            f"{number}-{company}-{'0' * 32}",
            "x",
        ]
        for attempt in range(GUESS_LIMIT + 1):
            response = self.url_open(f"/preferences/{wrong[attempt % 4]}")
            self.assertEqual(response.status_code, 404 if attempt < GUESS_LIMIT else 429)
        self.assertEqual(self.url_open(self.path).status_code, 200)
        with mute_logger("odoo.http"):
            response = self.url_open(self.path, data={"stop": "1"})
        self.assertEqual(response.status_code, 400)


@tagged("post_install", "-at_install")
class TestConsentPrivacy(PrivacyCommon):
    def test_copy_and_erasure(self):
        proof = "Li Wei said yes at the fair"
        consent = self.env["trade.consent"].create(
            {"partner_id": self.person.id, "channel": "mail", "purpose": "offer",
             "decision": "withdrawn", "source": "event", "proof": proof}
        )  # fmt: skip
        campaign = self.env["utm.campaign"].create({"title": "Spring"})
        message = self.env["trade.message"].create(
            {"campaign_id": campaign.id, "partner_id": self.person.id, "channel": "call",
             "company_id": self.company_cn.id, "purpose": "offer", "body": "Code 7391",
             "planned_at": "2026-03-31", "due_at": "2026-03-31"}
        )  # fmt: skip
        request = self._make_request()
        sources = {
            model: self.env[model].search(domain)
            for model, domain, _names in request._get_privacy_sources(request._get_person())
            if model in ("trade.consent", "trade.message")
        }
        self.assertEqual(sources, {"trade.consent": consent, "trade.message": message})
        self._erase(request)
        self.env.invalidate_all()
        self.assertNotIn("Li Wei", consent.proof)
        self.assertEqual(consent.decision, "withdrawn")
        self.assertEqual(
            (message.state, message.reason, message.body), ("skipped", "erased", False)
        )

    def test_objection(self):
        self._make_request("objection").action_stop_marketing()
        grid = self.env["trade.consent"]._get_grid(self.person, self.company_cn)
        self.assertEqual((len(grid), any(grid.values())), (12, False))
