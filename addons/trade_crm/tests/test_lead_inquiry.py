import re
from unittest.mock import patch

from lxml import html

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..models import trade_lead_channel_form, trade_lead_inquiry
from .test_lead_capture import CaptureCommon


@tagged("post_install", "-at_install")
class TestLeadInquiry(CaptureCommon, HttpCase):
    """The public web form, as a browser without scripts uses it."""

    VALUES = {
        "name": "陈女士",
        "company": "金锅餐饮",
        "phone": "138 0013 8000",
        "email": "chen@golden-wok.example",
        "city": "广州",
        "need": "500 箱\n带 logo",
        "consent": "1",
    }

    def setUp(self):
        super().setUp()
        self.url = f"/inquiry/{self.fair.access_token}"

    def _open(self, url=None, **options):
        """The page and its form's hidden values."""
        response = self.url_open(url or self.url, **options)
        self.assertEqual(response.status_code, 200)
        page = html.fromstring(response.text)
        return page, self._get_hidden(page)

    @staticmethod
    def _get_hidden(page):
        return {
            field.get("name"): field.get("value") for field in page.xpath("//input[@type='hidden']")
        }

    def _send(self, url=None, hidden=None, wait=5, **values):
        """Fill in and send the form; ``None`` leaves a field out."""
        if hidden is None:
            hidden = self._open(url)[1]
        self.clock.tick(wait)
        data = {
            name: value
            for name, value in (self.VALUES | hidden | values).items()
            if value is not None
        }
        return self.url_open(url or self.url, data=data)

    def _get_errors(self, response):
        page = html.fromstring(response.text)
        errors = page.xpath("//p[contains(@class, 'inquiry-error')]")
        return {error.get("id").removesuffix("-error"): error.text_content() for error in errors}

    def assertThanked(self, response):
        self.assertEqual(response.status_code, 200)
        self.assertTrue(
            response.request.url.split("?")[0].endswith("/thanks"), response.request.url
        )
        self.assertIn("Thank you", response.text)

    # ------------------------------------------------------------------
    # A valid inquiry
    # ------------------------------------------------------------------

    def test_becomes_a_lead(self):
        response = self._send()
        self.assertThanked(response)
        lead = self._find_leads()
        self.assertAcquired(lead)
        self.assertEqual(lead.name, "金锅餐饮: 500 箱 带 logo")
        self.assertEqual((lead.contact_name, lead.partner_name), ("陈女士", "金锅餐饮"))
        self.assertEqual(
            (lead.phone, lead.phone_sanitized), ("+86 138 0013 8000", "+8613800138000")
        )
        self.assertEqual(lead.email_from, "chen@golden-wok.example")
        self.assertEqual((lead.city, lead.country_id), ("广州", self.env.ref("base.cn")))
        self.assertEqual((lead.type, lead.team_id), ("lead", self.team_fair))
        self.assertEqual(lead.company_id, self.company_cn)
        self.assertFalse(lead.user_id or lead.partner_id)
        self.assertIn("500 箱", lead.description)
        self.assertEqual(str(lead.trade_consent_at), "2026-03-31 04:00:05")
        self.assertIn("I agree that Trade China keeps", lead.trade_consent_text)
        self.assertFalse(lead.message_follower_ids)
        # Nothing of the lead is on the page that anybody may open.
        for secret in (lead.name, "陈女士", "golden-wok", "138"):
            self.assertNotIn(secret, response.text)

    def test_phone_or_email_is_enough(self):
        self.assertThanked(self._send(email=None))
        self.assertThanked(self._send(phone=""))
        first, second = self._find_leads()
        self.assertFalse(first.email_from or second.phone)

    def test_goes_to_the_team_leader_without_assignment(self):
        self.env["ir.config_parameter"].set_param("crm.lead.auto.assignment", False)
        self.team_fair.user_id = self.user_manager
        self._send()
        self.assertEqual(self._find_leads().user_id, self.user_manager)

    def test_link_says_where_it_was(self):
        url = self.url + "?utm_source=WeChat&utm_campaign=Spring"
        page, hidden = self._open(url)
        action = page.xpath("//form/@action")[0]
        self.assertIn("utm_source=WeChat", action)
        self.assertThanked(self._send(action, hidden))
        lead = self._find_leads()
        self.assertAcquired(lead, source_id=lead.source_id, campaign_id=lead.campaign_id)
        self.assertEqual((lead.source_id.name, lead.campaign_id.name), ("WeChat", "Spring"))
        lead._handle_partner_assignment(create_missing=True)
        customer = lead.partner_id.commercial_partner_id
        self.assertEqual(customer.trade_acquisition_source_id, lead.source_id)
        # The cookies of that visit do not follow the visitor to another form.
        self.fair.campaign_id = False
        self.assertThanked(self._send())
        self.assertAcquired(self._find_leads()[1], campaign_id=self.campaign.browse())

    def test_wildcards_in_the_link_find_nothing(self):
        self.assertThanked(self._send(self.url + "?utm_source=%25&utm_medium=" + "x" * 100))
        self.assertAcquired(self._find_leads())

    def test_customer_type(self):
        self.assertNotIn("customer_type", self._open()[0].xpath("//select/@name"))
        self.assertThanked(self._send(customer_type=str(self.dealer.id)))
        self.assertAcquired(self._find_leads())
        self.fair.form_asks_type = True
        self.assertIn("Big dealer", self._open()[0].xpath("//option/text()"))
        self.assertThanked(self._send(customer_type=str(self.dealer.id)))
        self.assertAcquired(self._find_leads()[1], trade_customer_type_id=self.dealer)
        response = self._send(customer_type="999999999")
        self.assertIn("Please choose one of the list.", response.text)

    def test_existing_customer_is_not_touched(self):
        self.contact.write({"email": "chen@golden-wok.example", "phone": "+86 571 8765 4321"})
        self.assertThanked(self._send())
        self.assertEqual(self.contact.phone, "+86 571 8765 4321")
        self.assertFalse(self._find_leads().partner_id)

    # ------------------------------------------------------------------
    # What is refused
    # ------------------------------------------------------------------

    def test_each_error_is_beside_its_field(self):
        cases = {
            "name": ({"name": " "}, "Please enter your name."),
            "need": ({"need": ""}, "Please tell us what you need."),
            "phone": ({"phone": "", "email": ""}, "Please enter your phone number or your e-mail"),
            "email": ({"email": "chen@golden"}, "This is not an e-mail address."),
            "consent": ({"consent": None}, "We may keep your data only if you agree."),
            "company": ({"company": "x" * 151}, "Please shorten this to 150 characters."),
        }
        for field, (values, sentence) in cases.items():
            with self.subTest(field=field):
                response = self._send(**values)
                self.assertEqual(response.status_code, 200)
                errors = self._get_errors(response)
                self.assertEqual(set(errors), {field})
                self.assertIn(sentence, errors[field])
        for phone in ("12", "call me", "+999 123456789"):
            with self.subTest(phone=phone):
                self.assertIn(
                    "not a phone number", self._get_errors(self._send(phone=phone))["phone"]
                )
        self.assertFalse(self._find_leads())

    def test_what_was_typed_stays(self):
        response = self._send(email="<script>alert(1)</script>", company='"><img src=x>')
        page = html.fromstring(response.text)
        self.assertEqual(page.xpath("//input[@name='email']/@value"), ["<script>alert(1)</script>"])
        self.assertEqual(page.xpath("//input[@name='company']/@value"), ['"><img src=x>'])
        self.assertEqual(page.xpath("//textarea")[0].text_content().strip(), "500 箱\n带 logo")
        self.assertTrue(page.xpath("//input[@name='consent']/@checked"))
        self.assertNotIn("<script>alert", response.text)
        # The form that came back is good to be sent.
        self.assertThanked(self._send(hidden=self._get_hidden(page)))
        self.assertEqual(len(self._find_leads()), 1)

    def test_markup_is_text_in_the_lead(self):
        self.assertThanked(self._send(need="<script>alert(1)</script>", name="<b>x</b>"))
        lead = self._find_leads()
        self.assertNotIn("<script", lead.description)
        self.assertIn("&lt;script&gt;", lead.description)

    def test_programs_are_ignored(self):
        self.assertThanked(self._send(**{trade_lead_channel_form.TRAP: "http://spam.example"}))
        self.assertFalse(self._find_leads())
        response = self._send(wait=1)
        self.assertIn("That was very quick", response.text)
        self.assertIn("金锅餐饮", response.text)
        hidden = self._get_hidden(html.fromstring(response.text))
        self.assertFalse(self._find_leads())
        self.assertThanked(self._send(hidden=hidden))
        self.assertEqual(len(self._find_leads()), 1)

    def test_forms_that_are_not_ours(self):
        other = self.fair.copy()
        foreign = self._open(f"/inquiry/{other.access_token}")[1]["signature"]
        hidden = self._open()[1]
        for signature in ("", "x", "AAAA", foreign, hidden["signature"][:-3] + "abc"):
            with self.subTest(signature=signature):
                response = self._send(hidden=hidden, signature=signature)
                self.assertIn("open for too long", response.text)
        self.assertFalse(self._find_leads())

    def test_form_of_yesterday(self):
        hidden = self._open()[1]
        response = self._send(hidden=hidden, wait=24 * 3600 + 1)
        self.assertIn("open for too long", response.text)
        self.assertFalse(self._find_leads())
        hidden = self._get_hidden(html.fromstring(response.text))
        self.assertThanked(self._send(hidden=hidden, wait=0))
        self.assertEqual(len(self._find_leads()), 1)

    def test_sent_twice_is_one_lead(self):
        hidden = self._open()[1]
        # Who clicks twice is not held to have sent two.
        self.fair.hourly_limit = 2
        self.assertThanked(self._send(hidden=hidden))
        self.assertThanked(self._send(hidden=hidden))
        self.assertThanked(self._send(hidden=hidden, need="Something else"))
        self.assertEqual(len(self._find_leads()), 1)
        self.assertThanked(self._send())
        self.assertEqual(len(self._find_leads()), 2)

    def test_flood(self):
        with patch.object(trade_lead_inquiry, "SENDER_HOURLY_LIMIT", 2):
            codes = [self._send().status_code for _turn in range(4)]
            self.assertEqual(codes, [200, 200, 429, 429])
            response = self._send()
            self.assertIn("too many inquiries", response.text)
            self.assertIn("金锅餐饮", response.text)
            self.assertEqual(len(self._find_leads()), 2)
            self.clock.tick(3600)
            hidden = self._get_hidden(html.fromstring(response.text))
            self.assertThanked(self._send(hidden=hidden))
        self.fair.hourly_limit = 1
        self.assertEqual(self._send().status_code, 429)
        self.assertEqual(len(self._find_leads()), 3)

    def test_without_the_cookie_of_the_form(self):
        hidden = self._open()[1]
        self.opener.cookies.clear()
        with mute_logger("odoo.http"):
            self.assertEqual(self._send(hidden=hidden).status_code, 400)
        self.assertFalse(self._find_leads())

    def test_oversize(self):
        hidden = self._open()[1]
        with mute_logger("odoo.http"):
            response = self._send(hidden=hidden, need="x" * (600 * 1024))
        self.assertEqual(response.status_code, 413)
        self.assertFalse(self._find_leads())

    def test_no_such_form(self):
        hidden = self._open()[1]
        self.fair.active = False
        for path in ("", "/thanks"):
            self.assertEqual(self.url_open(self.url + path).status_code, 404)
        self.assertEqual(self._send(hidden=hidden).status_code, 404)
        self.assertEqual(self.url_open("/inquiry/nothing").status_code, 404)
        self.assertFalse(self._find_leads())

    # ------------------------------------------------------------------
    # Whose form it is, and in which language
    # ------------------------------------------------------------------

    def test_of_another_company(self):
        channel = self.env["trade.lead.channel"].create(
            {"name": "Show in Chicago", "company_id": self.company_us.id}
        )
        self.company_us.country_id = self.env.ref("base.us")
        page, hidden = self._open(f"/inquiry/{channel.access_token}")
        self.assertIn("Trade America", page.text_content())
        self.assertNotIn("Trade China", page.text_content())
        self.assertThanked(
            self._send(f"/inquiry/{channel.access_token}", hidden, phone="(312) 555-0142")
        )
        lead = self._find_leads(channel)
        self.assertEqual((lead.company_id, lead.phone), (self.company_us, "+1 312-555-0142"))
        self.assertEqual(lead.source_id.name, "Show in Chicago")

    def test_speaks_chinese(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        self.env["res.lang"]._activate_lang("en_US")
        self.fair.consent_text = "I agree."
        self.fair.with_context(lang="zh_CN").consent_text = "我同意。"
        for options in (
            {"url": self.url + "?lang=zh_CN"},
            {"url": self.url + "?lang=zh-CN"},
            {"headers": {"Accept-Language": "zh-CN,zh;q=0.9"}},
        ):
            with self.subTest(options=options):
                self.opener.cookies.clear()
                page, hidden = self._open(**options)
                self.assertEqual(page.get("lang"), "zh-CN")
                self.assertIn("我同意。", page.text_content())
        url = self.url + "?lang=zh_CN"
        self.opener.cookies.clear()
        page, hidden = self._open(url)
        [other] = page.xpath("//nav/a[contains(@href, 'lang=en_US')]/@href")
        response = self._send(page.xpath("//form/@action")[0], hidden)
        self.assertIn("lang=zh_CN", response.request.url)
        lead = self._find_leads()
        self.assertEqual((lead.trade_consent_text, lead.lang_id.code), ("我同意。", "zh_CN"))
        page, _hidden = self._open(other)
        self.assertEqual(page.get("lang"), "en-US")
        self.assertIn("I agree.", page.text_content())

    def test_page_for_phones(self):
        response = self.url_open(self.url)
        self.assertIn("width=device-width", response.text)
        self.assertIn("no-store", response.headers["Cache-Control"])
        self.assertFalse(re.search("<script", response.text))
        page = html.fromstring(response.text)
        labels = set(page.xpath("//label/@for"))
        fields = page.xpath("//*[self::input or self::textarea or self::select][@id]/@id")
        self.assertLessEqual(set(fields), labels)
