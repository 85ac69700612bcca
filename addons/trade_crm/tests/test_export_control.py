import csv
import io
import json

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .access_common import AccessCommon

REASON = "Mailing of the spring catalogue"


@tagged("post_install", "-at_install")
class TestExportControl(AccessCommon):
    """Who may export customer data, and what is kept of it.

    ``user_rep`` has Odoo's right to export, ``user_marketer`` that and the group of ours.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group_allow_export.user_ids = [
            Command.link(user.id)
            for user in (cls.user_rep, cls.user_marketer, cls.user_rep_us, cls.user_auditor)
        ]
        cls.group_export.user_ids = [
            Command.link(user.id) for user in (cls.user_marketer, cls.user_agent)
        ]
        cls.order = cls._make_order(cls.contact, user_id=cls.user_rep.id)
        cls.env.flush_all()

    def _export(self, user, records, names=("display_name",), reason=None):
        return self._call(
            user,
            records._name,
            "export_data",
            records.ids,
            list(names),
            context={"trade_export_reason": reason} if reason is not None else {},
        )["datas"]

    def assertRefused(self, user, records, reason=None, names=("display_name",), says=""):
        with self.assertRaisesRegex(UserError, says):
            self._export(user, records, names, reason)
        self.assertFalse(self._get_exports(user))

    # ------------------------------------------------------------------
    # Control
    # ------------------------------------------------------------------

    def test_installing_changes_nobodys_rights(self):
        self.assertFalse(self.env["base"]._is_export_controlled())
        self.assertEqual(self._export(self.user_rep, self.customer), [["Golden Wok"]])
        row = self._get_exports(self.user_rep)
        self.assertFalse(row.reason)
        self.assertEqual(row.child_ids.partner_id, self.customer)

    def test_settings_switch_it_on(self):
        self.env["res.config.settings"].create({"trade_export_control": True}).set_values()
        self.assertTrue(self.env["base"]._is_export_controlled())
        self.env["res.config.settings"].create({"trade_export_control": False}).set_values()
        self.assertFalse(self.env["base"]._is_export_controlled())

    def test_who_has_the_group(self):
        admin = self.env.ref("base.user_admin")
        self.assertTrue(admin.has_group("trade_crm.group_export"))
        for user in (self.user_rep, self.user_manager, self.user_auditor, self.user_outsider):
            self.assertFalse(user.has_group("trade_crm.group_export"))

    def test_group_and_reason_are_needed(self):
        self._switch_control(True)
        self.assertRefused(self.user_rep, self.customer, REASON, says="Customer data export")
        self.assertRefused(self.user_marketer, self.customer, says="reason")
        for reason in ("", "    ", "abcd", "  abc  ", 12345, ["because"], True):
            with self.subTest(reason=reason):
                self.assertRefused(self.user_marketer, self.customer, reason, says="reason")
        self.assertEqual(
            self._export(self.user_marketer, self.customer, reason=REASON), [["Golden Wok"]]
        )

    def test_right_to_export_is_needed_as_well(self):
        for on in (False, True):
            self._switch_control(on)
            self.assertRefused(self.user_agent, self.customer, REASON, says="rights to export")

    def test_administrator_needs_a_reason(self):
        self._switch_control(True)
        admin = self.env.ref("base.user_admin")
        with self.assertRaisesRegex(UserError, "reason"):
            self._export(admin, self.customer)

    def test_context_opens_no_way_round(self):
        self._switch_control(True)
        for context in (
            {"import_compat": False},
            {"active_test": False},
            {"su": True},
            {"uid": 1},
            {"install_mode": True},
        ):
            with self.subTest(context=context), self.assertRaises(UserError):
                self._call(
                    self.user_rep,
                    "res.partner",
                    "export_data",
                    self.customer.ids,
                    ["email"],
                    context={"trade_export_reason": REASON, **context},
                )

    def test_internal_use_goes_on(self):
        self._switch_control(True)
        exported = self.customer.with_user(self.user_outsider).sudo().export_data(["name"])
        self.assertEqual(exported["datas"], [["Golden Wok"]])
        self.assertNoAccess(self.user_outsider)

    def test_vcards_are_exports(self):
        partner = self._as(self.user_rep, self.customer)
        with self.enter_registry_test_mode():
            partner._get_vcard_file()
            self.env.cr.postcommit.run()
        self.assertEqual(self._get_exports(self.user_rep).child_ids.partner_id, self.customer)
        self._switch_control(True)
        with self.assertRaises(UserError):
            partner._get_vcard_file()
        with self.assertRaisesRegex(UserError, "reason"):
            self._as(self.user_marketer, self.customer)._get_vcard_file()

    # ------------------------------------------------------------------
    # What is customer data
    # ------------------------------------------------------------------

    def test_models_with_customers(self):
        fields_by_model = {
            "res.partner": "id",
            "crm.lead": "partner_id",
            "sale.order": "partner_id",
            "sale.order.line": "order_partner_id",
            "sale.report": "partner_id",
            "account.move": "partner_id",
            "account.move.line": "partner_id",
            "stock.picking": "partner_id",
            "stock.move.line": "picking_id.partner_id",
            "trade.customer.profile": "partner_id",
            "trade.sales.fact": "partner_id",
            "trade.order.history": "partner_id",
            "trade.order.history.line": "history_id.partner_id",
            "trade.tier.history": "partner_id",
            "trade.access.log": "partner_id",
            "product.template": False,
            "trade.tier": False,
            "trade.profile.dirty": False,
            "res.users": False,
            "res.company": False,
        }
        for model, name in fields_by_model.items():
            with self.subTest(model=model):
                self.assertEqual(self.env[model]._get_export_partner_field(), name)

    def test_other_models_are_free(self):
        self._switch_control(True)
        self.assertEqual(self._export(self.user_rep, self.product_service), [["Advice"]])
        self.assertNoAccess(self.user_rep)

    def test_customers_reached_from_another_model(self):
        tag = self.env["res.partner.category"].create({"name": "Spring"})
        (self.customer | self.contact).category_id = tag
        self.env.flush_all()
        names = ["name", "partner_ids/email"]
        self._export(self.user_rep, tag, names)
        row = self._get_exports(self.user_rep)
        self.assertEqual(row.model, "res.partner.category")
        self.assertEqual(row.child_ids.partner_id, self.customer | self.contact)
        self._export(self.user_rep, tag, ["name", "partner_ids/id", "partner_ids/.id"])
        self.assertEqual(self._get_exports(self.user_rep), row)
        self._switch_control(True)
        with self.assertRaises(UserError):
            self._export(self.user_rep, tag, names, REASON)

    # ------------------------------------------------------------------
    # Log
    # ------------------------------------------------------------------

    def test_export_is_one_row_and_one_per_customer(self):
        self._switch_control(True)
        other = self._make_customer("Corner Shop")
        partners = self.customer | other
        self._export(self.user_marketer, partners, ["name", "email"], f"  {REASON} ")
        row = self._get_exports(self.user_marketer)
        self.assertEqual(
            (row.record_count, row.reason, row.description, row.model),
            (2, REASON, "name, email", "res.partner"),
        )
        self.assertEqual(row.child_ids.partner_id, partners)
        for child in row.child_ids:
            self.assertEqual(
                (child.kind, child.user_id, child.reason, child.happened_at, child.company_id),
                ("export", self.user_marketer, REASON, row.happened_at, row.company_id),
            )

    def test_customers_of_documents(self):
        invoice = self._make_invoice(self.order)
        lead = self.env["crm.lead"].create(
            {"name": "Lead", "partner_id": self.contact.id, "user_id": self.user_rep.id}
        )
        history = self._make_history(self.customer)
        self.env.flush_all()
        for records, customer in (
            (self.order, self.contact),
            (self.order.order_line, self.contact),
            (invoice, self.contact),
            (lead, self.contact),
            (history, self.customer),
        ):
            with self.subTest(model=records._name):
                before = self._get_exports(self.user_rep)
                self._export(self.user_rep, records)
                row = self._get_exports(self.user_rep) - before
                self.assertEqual(
                    (row.model, row.record_count, row.child_ids.partner_id),
                    (records._name, 1, customer),
                )

    def test_archived_customer(self):
        self.contact.active = False
        self._export(self.user_rep, self.order)
        row = self._get_exports(self.user_rep)
        self.assertEqual(row.child_ids.with_context(active_test=False).partner_id, self.contact)

    def test_second_company(self):
        order = self._make_order(
            self.customer, company=self.company_us, user_id=self.user_rep_us.id
        )
        self.env.flush_all()
        self._export(self.user_rep_us, order)
        row = self._get_exports(self.user_rep_us)
        self.assertEqual((row.company_id, row.child_ids.company_id), (self.company_us,) * 2)
        with self.assertRaises(UserError):
            self._export(self.user_rep, order)
        self.assertFalse(self._get_exports(self.user_rep))

    def test_found_by_customer(self):
        self._export(self.user_rep, self.order)
        row = self._get_exports(self.user_rep)
        log = self._as(self.user_auditor, self.env["trade.access.log"])
        action = self._as(self.user_auditor, self.customer).action_view_trade_access_log()
        self.assertEqual(log.search(action["domain"]), row.child_ids)
        arch = self.env.ref("trade_crm.trade_access_log_view_search").arch
        self.assertIn("('child_ids.partner_id', 'child_of', self)", arch)
        domain = [
            ("parent_id", "=", False),
            ("child_ids.partner_id", "child_of", self.customer.id),
        ]
        self.assertEqual(log.search(domain), row)

    def test_number_of_statements(self):
        """As many customers as you like are one INSERT."""
        partners = self.env["res.partner"].create([{"name": str(n)} for n in range(100)])
        log = self._as(self.user_rep, self.env["trade.access.log"])
        log._log("export", "res.partner", customer_ids=partners.ids)
        with self.enter_registry_test_mode(), self.assertQueryCount(1):
            self.env.cr.postcommit.run()
        self.assertEqual(len(self._get_exports(self.user_rep).child_ids), 100)


@tagged("post_install", "-at_install")
class TestExportControlHttp(AccessCommon, HttpCase):
    """What the web client downloads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for user in (cls.user_rep, cls.user_marketer):
            user.password = user.login
            cls.group_allow_export.user_ids = [Command.link(user.id)]
        cls.group_export.user_ids = [Command.link(cls.user_marketer.id)]
        cls.partners = cls.customer | cls.contact

    def _download(self, user, extension, reason=None, **values):
        self.authenticate(user.login, user.login)
        data = {
            "model": "res.partner",
            "fields": [{"name": "name", "label": "Name", "type": "char"}],
            "ids": False,
            "domain": [["id", "in", self.partners.ids]],
            "groupby": [],
            "import_compat": False,
            "context": {"trade_export_reason": reason} if reason else {},
            **values,
        }
        with self._commits(), mute_logger("odoo.http", "odoo.addons.web.controllers.export"):
            return self.url_open(
                f"/web/export/{extension}",
                data={"data": json.dumps(data), "csrf_token": Request.csrf_token(self)},
            )

    def assertDownload(self, user, response, reason=False):
        self.assertEqual(response.status_code, 200)
        self.assertIn("attachment", response.headers["Content-Disposition"])
        row = self._get_exports(user)
        self.assertEqual((row.record_count, row.reason), (2, reason))
        self.assertEqual(row.child_ids.partner_id, self.partners)

    def test_csv(self):
        response = self._download(self.user_rep, "csv")
        self.assertDownload(self.user_rep, response)
        rows = list(csv.reader(io.StringIO(response.content.decode())))
        self.assertEqual({name for [name] in rows}, {"Name", "Golden Wok", "Ms. Chen"})

    def test_xlsx(self):
        self._switch_control(True)
        response = self._download(self.user_marketer, "xlsx", REASON)
        self.assertDownload(self.user_marketer, response, REASON)

    def test_grouped_xlsx(self):
        self._switch_control(True)
        response = self._download(self.user_marketer, "xlsx", REASON, groupby=["is_company"])
        self.assertDownload(self.user_marketer, response, REASON)
        self.assertEqual(self._get_exports(self.user_marketer).description, "name")

    def test_refused_in_every_form(self):
        self._switch_control(True)
        for user, reason, says in (
            (self.user_rep, REASON, "Customer data export"),
            (self.user_marketer, None, "reason"),
        ):
            for extension, values in (
                ("csv", {}),
                ("csv", {"import_compat": True}),
                ("csv", {"ids": self.partners.ids}),
                ("xlsx", {}),
                ("xlsx", {"groupby": ["is_company"]}),
            ):
                with self.subTest(user=user.login, extension=extension, values=values):
                    response = self._download(user, extension, reason, **values)
                    self.assertEqual(response.status_code, 500)
                    self.assertIn(says, response.text)
                    self.assertNotIn("Golden Wok", response.text)
                    self.assertFalse(self._get_exports(user))

    def test_json_pages(self):
        """Odoo asks for the right to export there."""
        self.env["ir.config_parameter"].set_param("web.json.enabled", "1")
        key = self._make_key(self.user_rep)
        url = f"/json/1/trade-customers/{self.customer.id}?view_type=form"
        headers = {"Authorization": f"Bearer {key}"}
        self.assertIn("Golden Wok", self.url_open(url, headers=headers).text)
        self._switch_control(True)
        with mute_logger("odoo.http"):
            response = self.url_open(url, headers=headers)
        self.assertNotEqual(response.status_code, 200)
        self.assertNotIn("Golden Wok", response.text)

    def test_web_client_knows(self):
        def get_info(user):
            self.authenticate(user.login, user.login)
            response = self.url_open(
                "/web/session/get_session_info",
                data=json.dumps({"jsonrpc": "2.0", "params": {}}),
                headers={"Content-Type": "application/json"},
            )
            return response.json()["result"]["trade_export_control"]

        self.assertIs(get_info(self.user_rep), False)
        self._switch_control(True)
        for user, allowed in ((self.user_rep, False), (self.user_marketer, True)):
            info = get_info(user)
            self.assertEqual((info["allowed"], info["min_length"]), (allowed, 5))
            self.assertIn("sale.order", info["models"])
            self.assertNotIn("product.template", info["models"])
