import base64
import io
from unittest.mock import patch

from openpyxl import load_workbook
from PIL import Image

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import file_open, mute_logger

from ..models import trade_lead_inquiry
from .common import TradeCrmCommon

CARD = io.BytesIO()
Image.new("RGB", (8, 5), "red").save(CARD, "PNG")
CARD = base64.b64encode(CARD.getvalue())


class CaptureCommon(TradeCrmCommon):
    """One channel that sells in China.

    ::

        channel  source       medium  campaign  type   tag   team       company
        -------  -----------  ------  --------  -----  ----  ---------  ----------
        fair     Canton Fair  Stand   Autumn    store  show  team_fair  company_cn
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_cn.country_id = cls.env.ref("base.cn")
        cls.team_fair = cls.env["crm.team"].create(
            {"name": "Fairs", "company_id": cls.company_cn.id, "use_leads": True, "user_id": False}
        )
        cls.medium = cls.env["utm.medium"].create({"name": "Stand"})
        cls.campaign = cls.env["utm.campaign"].create({"name": "Autumn"})
        cls.tag = cls.env["crm.tag"].create({"name": "show"})
        cls.store, cls.dealer = cls.env["trade.customer.type"].create(
            [{"name": "Corner shop", "kind": "store"}, {"name": "Big dealer", "kind": "dealer"}]
        )
        cls.fair = cls.env["trade.lead.channel"].create(
            {
                "name": "Canton Fair",
                "kind": "fair",
                "medium_id": cls.medium.id,
                "campaign_id": cls.campaign.id,
                "customer_type_id": cls.store.id,
                "tag_ids": [Command.set(cls.tag.ids)],
                "team_id": cls.team_fair.id,
                "company_id": cls.company_cn.id,
            }
        )
        cls.env.ref("base.group_user").implied_ids += cls.env.ref("crm.group_use_lead")
        cls.env.flush_all()

    def _find_leads(self, channel=None):
        return self.env["crm.lead"].search(
            [("trade_channel_id", "=", (channel or self.fair).id)], order="id"
        )

    def assertAcquired(self, lead, **changes):
        """That ``lead`` has what the channel says, but for ``changes``."""
        expected = {
            "trade_channel_id": self.fair,
            "source_id": self.fair.source_id,
            "medium_id": self.medium,
            "campaign_id": self.campaign,
            "trade_customer_type_id": self.store,
            "tag_ids": self.tag,
        } | changes
        self.assertEqual({name: lead[name] for name in expected}, expected)


@tagged("post_install", "-at_install")
class TestLeadChannel(CaptureCommon):
    def test_source_is_named_as_the_channel(self):
        self.assertEqual(self.fair.source_id.name, "Canton Fair")
        again = self.env["trade.lead.channel"].create({"name": "canton fair "})
        self.assertEqual(again.source_id, self.fair.source_id)
        again.write({"name": "Douyin live", "source_id": False})
        self.assertEqual(again.source_id.name, "Douyin live")

    def test_reps_read_and_managers_edit(self):
        self.assertEqual(self._as(self.user_rep, self.fair).name, "Canton Fair")
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.fair).name = "Mine"
        with self.assertRaises(AccessError):
            self._as(self.user_rep_us, self.fair).read(["name"])
        self._as(self.user_manager, self.fair).write({"name": "Fair", "alias_name": "fair-mail"})
        self.assertEqual(self.fair.alias_id.alias_name, "fair-mail")
        made = self._as(self.user_manager, self.env["trade.lead.channel"]).create({"name": "New"})
        self.assertTrue(made.access_token and made.alias_id)
        self.assertNotEqual(made.access_token, self.fair.access_token)

    def test_copy_has_its_own_link_and_address(self):
        self.fair.alias_name = "fair-mail"
        copy = self.fair.copy()
        self.assertNotEqual(copy.access_token, self.fair.access_token)
        self.assertNotEqual(copy.alias_id, self.fair.alias_id)
        self.assertFalse(copy.alias_name)
        self.assertEqual(copy.source_id, self.fair.source_id)

    def test_link_and_qr_code(self):
        self.assertTrue(self.fair.form_url.endswith(f"/inquiry/{self.fair.access_token}"))
        image = Image.open(io.BytesIO(base64.b64decode(self.fair.form_qr)))
        self.assertEqual(image.width, image.height)
        self.assertGreater(image.width, 800)
        old = self.fair.access_token
        self._as(self.user_manager, self.fair).action_renew_token()
        self.assertNotEqual(self.fair.access_token, old)
        with self.assertRaises(AccessError):
            self._as(self.user_rep, self.fair).action_renew_token()

    def test_lead_of_a_channel_takes_what_it_says(self):
        leads = self._as(self.user_rep, self.env["crm.lead"])
        lead = leads.create({"name": "Plain", "trade_channel_id": self.fair.id})
        self.assertAcquired(lead.with_env(self.env))
        self.assertEqual(lead.user_id, self.user_rep)
        other = self.env["utm.source"].create({"name": "Elsewhere"})
        lead = leads.create(
            {"name": "Given", "trade_channel_id": self.fair.id, "source_id": other.id}
        )
        self.assertAcquired(lead.with_env(self.env), source_id=other)

    def test_customer_keeps_where_it_came_from(self):
        lead = self.env["crm.lead"].create(
            {"name": "Plain", "partner_name": "Silver Wok", "trade_channel_id": self.fair.id}
        )
        lead._handle_partner_assignment(create_missing=True)
        customer = lead.partner_id.commercial_partner_id
        self.assertEqual(customer.trade_acquisition_source_id, self.fair.source_id)
        self.assertEqual(customer.trade_acquisition_medium_id, self.medium)

    def test_figures(self):
        leads = self.env["crm.lead"].create(
            [
                {
                    "name": f"Lead {number}",
                    "trade_channel_id": self.fair.id,
                    "user_id": self.user_rep.id,
                    "expected_revenue": 100.0 * number,
                }
                for number in (1, 2, 3, 4)
            ]
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = '2026-02-28 15:59:59' WHERE id = %s", [leads[0].id]
        )
        # Midnight of March 1 in Shanghai.
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = '2026-02-28 16:00:00' WHERE id = %s", [leads[1].id]
        )
        self.env.invalidate_all()
        leads[1].action_set_won()
        leads[2].action_set_lost()
        channel = self._as(self.user_manager, self.fair)
        self.assertEqual(channel.lead_count, 4)
        self.assertEqual(channel.lead_month_count, 3)
        self.assertEqual((channel.won_count, channel.won_rate), (1, 0.25))
        self.assertEqual(channel.won_revenue, 200.0)
        # A representative counts what they may read.
        leads[3].user_id = self.user_manager
        self.env.invalidate_all()
        self.assertEqual(self._as(self.user_rep, self.fair).lead_count, 3)
        action = channel.action_view_leads_month()
        found = channel.env["crm.lead"].with_context(**action["context"]).search(action["domain"])
        self.assertEqual(found.with_env(self.env), leads[1:])

    def test_figures_take_no_query_per_channel(self):
        channels = self.fair
        for number in range(5):
            channels += self.fair.copy({"name": f"Copy {number}"})
        self.env["crm.lead"].create(
            [{"name": "x", "trade_channel_id": channel.id} for channel in channels]
        )
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(4):
            channels.mapped("lead_count")

    def test_counters_are_cleaned_up(self):
        counters = self.env["trade.lead.inquiry"]
        self.assertTrue(counters._is_first("a"))
        self.assertFalse(counters._is_first("a"))
        with self.enter_registry_test_mode():
            self.assertEqual([counters._count("b"), counters._count("b")], [1, 2])
        self.clock.move_to("2026-04-02 03:59:59")
        counters._gc_inquiries()
        self.assertFalse(counters._is_first("a"))
        self.clock.move_to("2026-04-02 04:00:01")
        counters._gc_inquiries()
        self.assertTrue(counters._is_first("a"))

    def test_senders_are_told_apart_by_network(self):
        network = self.env["trade.lead.inquiry"]._get_network
        self.assertEqual(network("2001:db8::1"), network("2001:db8::2:3"))
        self.assertNotEqual(network("2001:db8::1"), network("2001:db8:0:1::1"))
        self.assertNotEqual(network("192.0.2.1"), network("192.0.2.2"))
        self.assertEqual(network("unknown"), network(None))

    def test_limits(self):
        counters = self.env["trade.lead.inquiry"]
        self.fair.hourly_limit = 3
        limit = patch.object(trade_lead_inquiry, "SENDER_HOURLY_LIMIT", 2)
        with limit, self.enter_registry_test_mode():
            allowed = [counters._is_allowed(self.fair, "192.0.2.1") for _turn in range(3)]
            self.assertEqual(allowed, [True, True, False])
            self.assertTrue(counters._is_allowed(self.fair, "192.0.2.2"))
            self.assertFalse(counters._is_allowed(self.fair, "192.0.2.3"))
            self.clock.tick(3600)
            self.assertTrue(counters._is_allowed(self.fair, "192.0.2.1"))
        # What is kept does not say who sent.
        self.assertFalse(counters.search([("key", "like", "192.0.2")]))


@tagged("post_install", "-at_install")
class TestLeadQuick(CaptureCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["trade.lead.channel"].search([("id", "!=", cls.fair.id)]).active = False
        cls.live = cls.env["trade.lead.channel"].create(
            {"name": "Douyin", "kind": "live", "company_id": cls.company_cn.id}
        )
        cls.entries = cls._as(cls.user_rep, cls.env["trade.lead.quick"])

    def _enter(self, **values):
        return self.entries.create(
            {
                "channel_id": self.fair.id,
                "contact_name": "陈女士",
                "partner_name": "金锅餐饮",
                "phone": "138 0013 8000",
                **values,
            }
        )

    def test_save_and_next(self):
        self.assertFalse(self.entries.default_get(["channel_id"])["channel_id"])
        entry = self._enter(
            need="500 <b>箱</b>",
            email="chen@golden-wok.example",
            priority="2",
            card=CARD,
            city="广州",
        )
        action = entry.action_save_next()
        self.assertEqual((action["res_model"], action["target"]), ("trade.lead.quick", "new"))
        lead = self._find_leads()
        self.assertAcquired(lead)
        self.assertEqual(lead.user_id, self.user_rep)
        self.assertEqual(lead.company_id, self.company_cn)
        self.assertEqual(lead.name, "金锅餐饮: 500 <b>箱</b>")
        self.assertIn("&lt;b&gt;", lead.description)
        self.assertEqual(
            (lead.phone, lead.phone_sanitized), ("+86 138 0013 8000", "+8613800138000")
        )
        self.assertEqual((lead.contact_name, lead.city, lead.priority), ("陈女士", "广州", "2"))
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", lead.id)]
        )
        self.assertEqual(attachment.mimetype, "image/png")
        self.assertEqual(self._as(self.user_rep, attachment).read(["name"])[0]["id"], attachment.id)
        # The channel is remembered for this user, and for nobody else.
        self.assertEqual(self.entries.default_get(["channel_id"])["channel_id"], self.fair.id)
        others = self._as(self.user_manager, self.env["trade.lead.quick"])
        self.assertFalse(others.default_get(["channel_id"])["channel_id"])

    def test_archived_channel_is_forgotten(self):
        self._enter().action_save_next()
        self.fair.active = False
        self.assertEqual(self.entries.default_get(["channel_id"])["channel_id"], self.live.id)

    def test_save_and_open(self):
        action = self._enter(customer_type_id=self.dealer.id).action_save_open()
        lead = self._find_leads()
        self.assertEqual((action["res_model"], action["res_id"]), ("crm.lead", lead.id))
        self.assertAcquired(lead, trade_customer_type_id=self.dealer)

    def test_photo_alone(self):
        self._enter(
            contact_name=False, partner_name=False, phone=False, card=CARD
        ).action_save_next()
        self.assertEqual(self._find_leads().name, "Business card")

    def test_bad_input_names_the_field(self):
        for values, sentence in (
            ({"phone": "123"}, "Phone: 123 is not a phone number"),
            ({"email": "chen@"}, "E-mail: chen@ is not an e-mail address"),
            ({"phone": False}, "Phone or E-mail: enter one of them"),
            ({"contact_name": False, "partner_name": False}, "Name or Company: enter one"),
        ):
            with self.subTest(values=values), self.assertRaisesRegex(ValidationError, sentence):
                self._enter(**values).action_save_next()
        self.assertFalse(self._find_leads())

    def test_of_own_company_only(self):
        entries = self._as(self.user_rep_us, self.env["trade.lead.quick"])
        self.assertNotIn(self.fair, entries.env["trade.lead.channel"].search([]))


@tagged("post_install", "-at_install")
class TestLeadImport(CaptureCommon):
    HEADERS = ["name", "contact_name", "phone", "source_id", "trade_channel_id", "trade_vat"]

    def _load(self, rows, headers=None, **context):
        leads = self._as(self.user_rep, self.env["crm.lead"])
        return leads.with_context(import_file=True, **context).load(headers or self.HEADERS, rows)

    def _assign_by_rule(self, value="manual"):
        self.env["ir.config_parameter"].set_param("crm.lead.auto.assignment", value)

    def test_waits_for_assignment(self):
        self._assign_by_rule()
        rows = [
            ["箱子", "陈女士", "13800138000", "", "Canton Fair", "91330100MA2B1XYZ0A"],
            ["Boxes", "Mr. Li", "", "Canton Fair", "", ""],
        ]
        result = self._load(rows)
        self.assertFalse(result["messages"])
        first, second = self.env["crm.lead"].browse(result["ids"])
        self.assertAcquired(first)
        self.assertEqual(first.trade_vat, "91330100MA2B1XYZ0A")
        self.assertEqual(second.source_id, self.fair.source_id)
        self.assertFalse((first | second).user_id)
        self.assertEqual((first | second).company_id, self.company_cn)

    def test_salesperson_of_the_file(self):
        self._assign_by_rule()
        result = self._load([["A", self.user_rep.name], ["B", ""]], headers=["name", "user_id"])
        first, second = self.env["crm.lead"].browse(result["ids"])
        self.assertEqual(first.user_id, self.user_rep)
        self.assertFalse(second.user_id)

    def test_without_assignment_as_odoo_does(self):
        self._assign_by_rule(False)
        [lead_id] = self._load([["A"]], headers=["name"])["ids"]
        self.assertEqual(self.env["crm.lead"].browse(lead_id).user_id, self.user_rep)

    @mute_logger("odoo.sql_db")
    def test_bad_rows_are_named_and_nothing_is_saved(self):
        before = self.env["crm.lead"].search_count([])
        rows = [
            ["Good", "", "", "", "", ""],
            ["No such channel", "", "", "", "Nowhere", ""],
            ["Good as well", "", "", "", "", ""],
            ["", "", "", "", "", ""],
        ]
        result = self._load(rows)
        self.assertFalse(result["ids"])
        errors = {message["rows"]["from"]: message for message in result["messages"]}
        self.assertEqual(set(errors), {1, 3})
        self.assertIn("Nowhere", errors[1]["message"])
        self.assertEqual(self.env["crm.lead"].search_count([]), before)

    def test_templates(self):
        self.env["res.lang"]._activate_lang("zh_CN")
        for lang, name in (("en_US", "leads.xlsx"), ("zh_CN", "leads_zh_CN.xlsx")):
            leads = self._as(self.user_rep, self.env["crm.lead"]).with_context(lang=lang)
            [ours, odoos] = leads.get_import_templates()
            self.assertTrue(ours["template"].endswith(f"/{name}"))
            self.assertIn("/crm/", odoos["template"])
            with file_open(ours["template"].lstrip("/"), "rb") as file:
                headers, *rows = load_workbook(file).active.iter_rows(values_only=True)
            self.assertTrue(rows)
            self.assertEqual(len(headers), len(set(headers)))

    def test_template_is_imported(self):
        """By Odoo's own screen: every column of the file is recognised and its rows are leads."""
        self._assign_by_rule()
        with file_open("trade_crm/static/xls/leads.xlsx", "rb") as file:
            content = file.read()
        wizard = self._as(self.user_rep, self.env["base_import.import"]).create(
            {
                "res_model": "crm.lead",
                "file": content,
                "file_name": "leads.xlsx",
                "file_type": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            }
        )
        options = {"has_headers": True, "quoting": '"', "separator": ","}
        preview = wizard.parse_preview(options)
        self.assertNotIn("error", preview)
        headers = preview["headers"]
        matched = [preview["matches"].get(index) for index in range(len(headers))]
        self.assertNotIn(None, matched, headers)
        columns = [match[0] for match in matched]
        self.assertEqual(columns[6:12], [
            "trade_channel_id", "source_id", "medium_id", "campaign_id",
            "trade_customer_type_id", "trade_vat",
        ])  # fmt: skip
        result = wizard.execute_import(columns, headers, {**preview["options"], **options})
        self.assertFalse(result["messages"])
        lead = self.env["crm.lead"].browse(result["ids"])
        self.assertEqual((lead.partner_name, lead.source_id.name), ("Golden Wok", "Canton Fair"))
        self.assertFalse(lead.user_id)


@tagged("post_install", "-at_install")
class TestLeadQuickUi(CaptureCommon, HttpCase):
    """On a telephone."""

    browser_size = "390x844"
    touch_enabled = True

    def test_quick_entry(self):
        self.user_rep.password = self.user_rep.login
        self.env["ir.default"].set(
            "trade.lead.quick", "channel_id", self.fair.id, user_id=self.user_rep.id
        )
        self.start_tour(
            "/odoo/action-trade_crm.trade_lead_quick_action",
            "trade_crm_lead_quick",
            login=self.user_rep.login,
        )
        second, first = self._find_leads().sorted("name", reverse=True)
        self.assertEqual((first.contact_name, first.priority), ("Ms. Chen", "2"))
        self.assertEqual(second.email_from, "li@silver-wok.example")
        self.assertEqual((first | second).user_id, self.user_rep)
