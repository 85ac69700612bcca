from unittest.mock import patch

from lxml import html

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.trade_crm.models import trade_lead_inquiry

from ..models.trade_survey_send import GUESS_LIMIT
from .test_survey import SurveyCommon


@tagged("post_install", "-at_install")
class TestSurveyLink(SurveyCommon, HttpCase):
    """What comes in by the public page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("zh_CN")
        cls.ticket.stage_id = cls.stage_done
        values = cls.survey.sudo()._prepare_invitation(cls.wok_contact, cls.ticket)
        cls.invitation = cls.env["trade.survey.invitation"].sudo().create(values)
        cls.path = f"/feedback/{cls.invitation._sign_link()}"
        cls.env.flush_all()

    def setUp(self):
        super().setUp()
        # Counted in transactions of their own, which a test does not have.
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
        form = page.xpath("//form")[0]
        return {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}

    def _post(self, hidden=None, path=None, **values):
        hidden = hidden or self._get_hidden(self._open())
        return self.url_open(path or self.path, data=hidden | values)

    def test_one_tap_then_details(self):
        page = self._open()
        self.assertEqual(len(page.xpath("//button[@name='score']")), 11)
        response = self._post(score="9")
        self.assertEqual(self.invitation.nps, "9")
        self.assertIn("we have your answer", response.text)
        cause = str(self.causes[1].id)
        response = self._post(csat="5", cause=cause, comment="Fast\x00!")
        self.assertIn("Thank you", response.text)
        self.assertEqual(
            (self.invitation.csat, self.invitation.cause_ids, self.invitation.comment),
            ("5", self.causes[1], "Fast!"),
        )
        self.assertFalse(self._open().xpath("//button[@name='score']"))

    def test_opening_never_answers(self):
        """Scanners of mail servers open every link, with whatever is behind it."""
        for query in ("", "?score=0", "?score=0&step=details&csat=1", "?stop=1"):
            self.url_open(self.path + query)
            self.url_open(self.path + query, method="HEAD")
        self.assertFalse(self.invitation.answered_at)
        self.assertFalse(self.invitation.is_stopped)

    def test_replayed(self):
        hidden = self._get_hidden(self._open())
        self._post(hidden, score="10")
        before = self.invitation.answered_at
        self._after(hours=2)
        for score in ("0", "10"):
            self._post(hidden, score=score)
        self._post(hidden, step="details", csat="1", comment="x")
        self.assertEqual((self.invitation.nps, self.invitation.csat), ("10", False))
        self.assertEqual(self.invitation.answered_at, before)

    def test_forged_form(self):
        hidden = self._get_hidden(self._open())
        other = (
            self.env["trade.survey.invitation"]
            .sudo()
            .create(
                {
                    "survey_id": self.survey.id,
                    "company_id": self.company_cn.id,
                    "channel": "email",
                    "sent_at": "2026-03-31 04:00:00",
                    "expires_at": "2026-04-14 04:00:00",
                }
            )
        )
        for signature in ("", "x", other._sign_form()):
            self._post(hidden | {"signature": signature}, score="1")
        for score in ("11", "-1", "1e0", "", "９"):
            self._post(hidden, score=score)
        self.assertFalse(self.invitation.answered_at)
        with mute_logger("odoo.http"):
            response = self.url_open(
                self.path, data={"signature": hidden["signature"], "score": "1"}
            )
        self.assertEqual(response.status_code, 400)

    def test_expired(self):
        hidden = self._get_hidden(self._open())
        self._after(days=13)
        self.clock.tick(3600)
        self._after(days=1)
        page = self._open()
        self.assertFalse(page.xpath("//button[@name='score']"))
        self._post(hidden, score="10")
        self.assertFalse(self.invitation.answered_at)

    def test_guessed_links_tell_nothing(self):
        token = self.invitation._sign_link()
        number, signature = token.split("-")
        flipped = signature[:-1] + ("0" if signature[-1] != "0" else "1")
        absent = self.env["trade.survey.invitation"].sudo().browse(2**31 - 1)
        tokens = [
            f"{number}-{flipped}",
            f"{int(number, 16) + 1:x}-{signature}",
            f"{number}-{signature[:-1]}",
            f"{number}-{signature.upper()}",
            f"0{number}-{signature}x",
            absent._sign_link(),
            "ffffffffffff-" + signature,
            "\x00",
            "x" * 2000,
        ]
        texts = set()
        for guess in tokens:
            response = self.url_open(f"/feedback/{guess}")
            self.assertEqual(response.status_code, 404, guess)
            texts.add(response.text)
        # The page says nothing of what was wrong with the link.
        self.assertNotIn(self.wok_contact.name, "".join(texts))

    def test_ten_thousand_guesses(self):
        """After some, whoever guesses is refused; those who have a link still get through."""
        model = self.env["trade.survey.invitation"]
        for number in range(10_000):
            self.assertFalse(model._find_by_link(f"{self.invitation.id:x}-{number:040x}"))
        statuses = [
            self.url_open(f"/feedback/{self.invitation.id:x}-{number:040x}").status_code
            for number in range(GUESS_LIMIT + 3)
        ]
        self.assertEqual(statuses, [404] * GUESS_LIMIT + [429] * 3)
        self._post(score="8")
        self.assertEqual(self.invitation.nps_group, "passive")

    def test_floods_are_stopped(self):
        with patch.object(trade_lead_inquiry, "SENDER_HOURLY_LIMIT", 1):
            self._post(score="x")
            response = self._post(score="7")
        self.assertEqual(response.status_code, 429)
        self.assertFalse(self.invitation.answered_at)

    def test_ask_me_no_more(self):
        response = self._post(stop="1")
        self.assertIn("do not ask you again", response.text)
        self.assertTrue(self.invitation.is_stopped)
        self.assertFalse(self.invitation.answered_at)

    def test_language_of_the_person(self):
        self.assertEqual(self._open().get("lang"), "en-US")
        self.assertEqual(self._open(f"{self.path}?lang=zh_CN").get("lang"), "zh-CN")
        self.invitation.lang = "zh_CN"
        self.assertEqual(self._open().get("lang"), "zh-CN")
        self.assertEqual(self._open(f"{self.path}?lang=en_US").get("lang"), "en-US")
