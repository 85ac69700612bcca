import re
from unittest.mock import patch

from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.trade_crm.models import trade_lead_inquiry

from ..analytics import uploads
from .service_common import ServiceCommon
from .test_ticket_link import PIXEL


@tagged("post_install", "-at_install")
class TestTicketForm(ServiceCommon, HttpCase):
    """The web form without a login, and the portal."""

    VALUES = {
        "name": "Ms. Wu",
        "email": "wu@wok.example",
        "phone": "+86 138 0013 8000",
        "subject": "Broken pots",
        "need": "Two of them",
        "order": "",
        "type": "",
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wok_contact.email = "wu@wok.example"
        cls.team_quality.write({"trade_form_on": True, "trade_by_load": True})
        cls.url = f"/service/{cls.team_quality.trade_form_token}"

    def _open(self):
        page = html.fromstring(self.url_open(self.url).text)
        return {one.get("name"): one.get("value") for one in page.xpath("//input[@type='hidden']")}

    def _send(self, hidden=None, files=None, wait=5, **values):
        hidden = hidden or self._open()
        self.clock.tick(wait)
        return self.url_open(self.url, data=self.VALUES | hidden | values, files=files)

    def _get_tickets(self):
        return self.env["helpdesk.ticket"].search([("team_id", "=", self.team_quality.id)])

    def _get_errors(self, response):
        page = html.fromstring(response.text)
        errors = page.xpath("//p[contains(@class, 'inquiry-error')]")
        return {error.get("id").removesuffix("-error"): error.text_content() for error in errors}

    def test_ticket(self):
        order = self._make_order(self.wok, 50.0)
        response = self._send(
            files=[("files", ("pot.png", PIXEL, "image/png"))],
            order=order.name.lower(),
            type=str(self.quality.id),
        )
        self.assertTrue(response.url.endswith("/thanks"))
        ticket = self._get_tickets()
        self.assertEqual(ticket.partner_id, self.wok_contact)
        self.assertEqual(ticket.territory_id, self.zhejiang)
        self.assertEqual(ticket.trade_order_id, order)
        self.assertEqual(ticket.trade_type_id, self.quality)
        self.assertIn(ticket.user_id, self.team_quality.user_ids)
        self.assertIn("+86 138 0013 8000", ticket.description)
        self.assertEqual(ticket.attachment_ids.mapped("mimetype"), ["image/png"])

    def test_order_of_another_customer(self):
        order = self._make_order(self.hutong, 50.0)
        self._send(order=order.name)
        ticket = self._get_tickets()
        self.assertFalse(ticket.trade_order_id)
        self.assertIn(order.name, ticket.description)

    def test_stranger_gets_the_same_answer(self):
        known, unknown = self._send(), self._send(email="who@nowhere.example")
        csrf = re.compile(r"csrf_token[^>]*")
        self.assertEqual(csrf.sub("", known.text), csrf.sub("", unknown.text))
        self.assertEqual(len(self._get_tickets()), 2)

    def test_bad_entries(self):
        errors = self._get_errors(self._send(name=" ", email="none", need="", phone="12"))
        self.assertEqual(set(errors), {"name", "email", "need", "phone"})
        self.assertFalse(self._get_tickets())

    def test_bad_files(self):
        program = [("files", ("pot.png", b"MZ" + bytes(100), "image/png"))]
        self.assertIn("type", self._get_errors(self._send(files=program))["files"])
        large = [("files", ("pot.png", PIXEL + bytes(50 * 1024 * 1024), "image/png"))]
        error = self._get_errors(self._send(files=large))["files"]
        self.assertIn(f"{uploads.MAX_MEGABYTES} MB", error)
        many = [("files", (f"{number}.png", PIXEL, "image/png")) for number in range(6)]
        self.assertIn("no more than", self._get_errors(self._send(files=many))["files"])
        self.assertFalse(self._get_tickets())

    def test_once_and_not_forged(self):
        hidden = self._open()
        for _turn in range(2):
            self._send(hidden=hidden)
        self.assertEqual(len(self._get_tickets()), 1)
        self._send(hidden={**self._open(), "signature": "forged"})
        self._send(homepage="http://spam.example")
        self._send(wait=0)
        self.assertEqual(len(self._get_tickets()), 1)

    def test_flood(self):
        self.team_quality.trade_form_limit = 2
        counted = {}

        def count(_self, key):
            counted[key] = counted.get(key, 0) + 1
            return counted[key]

        with patch.object(trade_lead_inquiry.TradeLeadInquiry, "_count", count):
            codes = [self._send().status_code for _turn in range(3)]
        self.assertEqual(codes, [200, 200, 429])
        self.assertEqual(len(self._get_tickets()), 2)

    def test_form_that_is_switched_off(self):
        self.team_quality.trade_form_on = False
        self.assertEqual(self.url_open(self.url).status_code, 404)

    def test_portal(self):
        new_test_user(
            self.env,
            login="service_portal",
            password="service_portal",
            groups="base.group_portal",
            partner_id=self.wok_contact.id,
            company_id=self.company_cn.id,
            company_ids=self.company_cn.ids,
        )
        foreign = self._make_ticket(self.hutong, self.user_agent)
        self.authenticate("service_portal", "service_portal")
        page = html.fromstring(self.url_open("/new/ticket").text)
        csrf = page.xpath("//form[@action='/submitted/ticket']//input[@name='csrf_token']/@value")[
            0
        ]
        values = {"csrf_token": csrf, "subject": "Late", "description": "Where is it?"}
        program = [("attachment", ("pot.exe", b"MZ", "image/png"))]
        response = self.url_open(
            "/submitted/ticket", data={**values, "type": str(self.delay.id)}, files=program
        )
        self.assertIn("pot.exe is of a type", response.text)
        self.assertIn("Where is it?", response.text)
        response = self.url_open("/submitted/ticket", data={**values, "type": str(self.delay.id)})
        ticket = self.env["helpdesk.ticket"].search([("partner_id", "=", self.wok_contact.id)])
        self.assertEqual(ticket.trade_type_id, self.delay)
        self.assertIn("o_trade_steps", response.text)
        self.stage_done.close_from_portal = True
        for one in ticket | foreign:
            self.url_open(f"/ticket/close?ticket_id={one.id}&stage_id={self.stage_done.id}")
        self.assertTrue(ticket.closed)
        self.assertFalse(foreign.closed)

    @mute_logger("odoo.http")
    def test_far_too_much_is_not_read(self):
        response = self.url_open(
            self.url, data=self.VALUES, files=[("files", ("a.png", bytes(101 * 1024 * 1024)))]
        )
        self.assertEqual(response.status_code, 413)
