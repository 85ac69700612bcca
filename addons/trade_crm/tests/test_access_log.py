import json
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from psycopg2 import errors

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.res_partner import ResPartner

from .access_common import AccessCommon
from .territory_common import TerritoryCommon

LOG = "odoo.addons.trade_crm.models.trade_access_log"
HOOKS = "odoo.addons.trade_crm.models.res_partner_access"


@tagged("post_install", "-at_install")
class TestAccessLog(AccessCommon):
    """What is read by a client is logged, once; what business code reads is not."""

    # ------------------------------------------------------------------
    # Openings
    # ------------------------------------------------------------------

    def test_opening_a_form(self):
        self._call(self.user_rep, "res.partner", "web_read", self.customer.ids, {"name": {}})
        row = self._get_log(self.user_rep)
        self.assertEqual(
            (row.kind, row.model, row.partner_id, row.record_count, row.company_id),
            ("open", "res.partner", self.customer, 1, self.company_cn),
        )
        self.assertEqual(row.happened_at, fields.Datetime.now())
        self.assertEqual(row.model_label, "Contact")

    def test_opening_by_the_other_methods(self):
        calls = {
            "read": ([self.customer.id], ["name"]),
            "web_read": ([self.customer.id], {"name": {}}),
            "web_save": ([self.customer.id], {}, {"email": {}}),
        }
        for method, args in calls.items():
            with self.subTest(method=method):
                self.clock.tick(3600)
                before = self._get_log(self.user_rep)
                self._call(self.user_rep, "res.partner", method, *args)
                row = self._get_log(self.user_rep) - before
                self.assertEqual((row.kind, row.partner_id), ("open", self.customer))

    def test_form_with_contacts_is_one_opening(self):
        """The contacts on the form are read by the same method."""
        specification = {"name": {}, "child_ids": {"fields": {"name": {}, "email": {}}}}
        self._call(self.user_rep, "res.partner", "web_read", self.customer.ids, specification)
        row = self._get_log(self.user_rep)
        self.assertEqual(row.partner_id, self.customer)

    def test_opening_again_within_minutes_counts_once(self):
        def open_form(user):
            self._call(user, "res.partner", "web_read", self.customer.ids, {"name": {}})

        open_form(self.user_rep)
        self.clock.tick(240)
        open_form(self.user_rep)
        self.assertEqual(len(self._get_log(self.user_rep)), 1)
        open_form(self.user_manager)
        self.assertEqual(len(self._get_log(self.user_manager)), 1)
        self.clock.tick(120)
        open_form(self.user_rep)
        self.assertEqual(len(self._get_log(self.user_rep)), 2)

    def test_archived_customer(self):
        self.customer.active = False
        self._call(self.user_rep, "res.partner", "web_read", self.customer.ids, {"name": {}})
        row = self._get_log(self.user_rep)
        self.assertEqual(row.partner_id, self.customer)

    # ------------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------------

    def test_list_is_one_row(self):
        ids = (self.customer | self.contact).ids
        domain = [["id", "in", ids]]
        calls = {
            "read": (ids, ["email"]),
            "search_read": (domain, ["email"]),
            "web_read": (ids, {"email": {}}),
            "web_search_read": (domain, {"email": {}}),
        }
        for method, args in calls.items():
            with self.subTest(method=method):
                before = self._get_log(self.user_rep)
                self._call(self.user_rep, "res.partner", method, *args)
                row = self._get_log(self.user_rep) - before
                self.assertEqual((row.kind, row.record_count), ("list", 2))
                self.assertFalse(row.partner_id)
                if "search" in method:
                    self.assertEqual(row.description, f"[['id', 'in', {ids}]]")

    def test_grouped_list(self):
        self._call(
            self.user_rep,
            "res.partner",
            "web_read_group",
            [["id", "in", (self.customer | self.contact).ids]],
            ["is_company"],
            auto_unfold=True,
            unfold_read_specification={"email": {}},
        )
        row = self._get_log(self.user_rep)
        self.assertEqual((row.kind, row.record_count), ("list", 2))

    def test_list_with_one_customer_names_it(self):
        self._call(
            self.user_rep, "res.partner", "search_read", [["id", "=", self.customer.id]], ["email"]
        )
        row = self._get_log(self.user_rep)
        self.assertEqual((row.kind, row.partner_id), ("list", self.customer))

    # ------------------------------------------------------------------
    # Not logged
    # ------------------------------------------------------------------

    def test_names_and_numbers_are_not_logged(self):
        domain = [["id", "=", self.customer.id]]
        for method, args in {
            "web_search_read": (domain, {"display_name": {}}),
            "web_read": (self.customer.ids, {}),
            "search_count": (domain,),
            "name_search": ("Golden",),
            "formatted_read_group": (domain, ["country_id"], ["__count"]),
        }.items():
            with self.subTest(method=method):
                self._call(self.user_rep, "res.partner", method, *args)
                self.assertNoAccess(self.user_rep)

    def test_business_code_is_not_logged(self):
        def read_all(order):
            order.partner_id.read(["email"])
            order.partner_id.web_read({"email": {}})
            order.partner_id.search_read([("id", "=", order.partner_id.id)], ["email"])
            return True

        order = self._make_order(self.customer, user_id=self.user_rep.id)
        with patch.object(type(order), "action_quotation_send", read_all):
            self._call(self.user_rep, "sale.order", "action_quotation_send", order.ids)
        self._as(self.user_rep, self.customer).read(["email"])
        self.env.cr.postcommit.run()
        self.assertNoAccess(self.user_rep)

    def test_superuser_is_not_logged(self):
        root = self.env.ref("base.user_root")
        self._call(root, "res.partner", "web_read", self.customer.ids, {"name": {}})
        self.assertNoAccess(root)

    def test_refused_read_is_not_logged(self):
        hidden = self._make_customer("Elsewhere", company_id=self.company_us.id)
        with self.assertRaises(AccessError):
            self._call(self.user_rep, "res.partner", "web_read", hidden.ids, {"name": {}})
        self.assertNoAccess(self.user_rep)

    # ------------------------------------------------------------------
    # Transactions
    # ------------------------------------------------------------------

    def test_read_only_transaction_is_logged(self):
        """The request could not write itself."""
        self._call(
            self.user_rep,
            "res.partner",
            "web_read",
            self.customer.ids,
            {"name": {}},
            readonly=True,
        )
        self.assertEqual(self._get_log(self.user_rep).partner_id, self.customer)

    def test_retried_request_is_logged_once(self):
        tries = []

        def conflict_once(partners, values):
            tries.append(values)
            if len(tries) == 1:
                partners.env["trade.access.log"]._log("list", "res.partner", record_count=9)
                raise errors.SerializationFailure()
            return ResPartner.write(partners, values)

        with (
            patch.object(type(self.customer), "write", conflict_once),
            patch("odoo.service.model.time.sleep"),
            patch.object(errors.SerializationFailure, "pgcode", "40001"),
        ):
            self._call(
                self.user_rep, "res.partner", "web_save", self.customer.ids, {}, {"name": {}}
            )
        self.assertEqual(len(tries), 2)
        self.assertEqual(self._get_log(self.user_rep).mapped("kind"), ["open"])

    def test_failing_log_breaks_nothing(self):
        with (
            patch(f"{LOG}.TradeAccessLog._get_insert_sql", side_effect=ValueError("disk full")),
            self.assertLogs(LOG, "ERROR") as logs,
        ):
            [values] = self._call(
                self.user_rep, "res.partner", "web_read", self.customer.ids, {"name": {}}
            )
        self.assertEqual(values["name"], "Golden Wok")
        self.assertIn("could not be logged", logs.output[0])

    def test_read_makes_no_query_for_the_log(self):
        """The only statement is the INSERT, after the commit."""
        partner = self._as(self.user_rep, self.customer)

        def count_queries(call):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with patch(f"{HOOKS}.get_client_call", return_value=call):
                partner.web_read({"name": {}})
            return self.env.cr.sql_log_count - before

        count_queries(None)
        hooks = len(self.env.cr.postcommit)
        self.assertEqual(count_queries(("res.partner", "web_read")), count_queries(None))
        self.assertEqual(len(self.env.cr.postcommit), hooks + 1)

    # ------------------------------------------------------------------
    # Reveal
    # ------------------------------------------------------------------

    def test_reveal(self):
        log = self._as(self.user_rep, self.env["trade.access.log"])
        with self.enter_registry_test_mode():
            log._log_reveal(self.customer, ["phone", "email"], "They asked to be called back")
            self.env.cr.postcommit.run()
        row = self._get_log(self.user_rep)
        self.assertEqual(
            (row.kind, row.partner_id, row.reason, row.description),
            ("reveal", self.customer, "They asked to be called back", "phone, email"),
        )

    # ------------------------------------------------------------------
    # The log
    # ------------------------------------------------------------------

    def _make_row(self, **values):
        """A row of ``user_rep`` for ``customer``."""
        log = self._as(self.user_rep, self.env["trade.access.log"])
        before = self._get_log(self.user_rep)
        with self.enter_registry_test_mode():
            log._log("open", "res.partner", partner_id=self.customer.id, **values)
            self.env.cr.postcommit.run()
        return self._get_log(self.user_rep) - before

    def test_nobody_writes(self):
        row = self._make_row()
        users = (
            self.user_rep | self.user_manager | self.user_auditor | self.env.ref("base.user_admin")
        )
        models = [self._as(user, self.env["trade.access.log"]) for user in users]
        models += [self.env["trade.access.log"].sudo()]
        values = {
            "happened_at": "2026-01-01",
            "user_id": self.user_rep.id,
            "kind": "open",
            "model": "res.partner",
        }
        for log in models:
            record = log.browse(row.id)
            attempts = {
                "create": lambda log=log: log.create(values),
                "write": lambda record=record: record.write({"reason": "Nothing"}),
                "unlink": lambda record=record: record.unlink(),
                "copy": lambda record=record: record.copy(),
                "load": lambda log=log: log.web_save(values, {}),
                "command": lambda record=record: record.write(
                    {"child_ids": [Command.create(values)]}
                ),
            }
            for operation, attempt in attempts.items():
                with (
                    self.subTest(user=log.env.user.login, su=log.env.su, operation=operation),
                    self.assertRaises(AccessError),
                    self.env.cr.savepoint(),
                ):
                    attempt()
        self.assertEqual(self._get_log(self.user_rep), row)
        self.assertFalse(row.reason)

    def test_who_reads(self):
        row = self._make_row()
        for user, allowed in (
            (self.user_rep, False),
            (self.user_marketer, False),
            (self.user_agent, False),
            (self.user_outsider, False),
            (self.user_manager, True),
            (self.user_auditor, True),
        ):
            log = self._as(user, row)
            with self.subTest(user=user.login):
                self.assertEqual(log.has_access("read"), allowed)
                if allowed:
                    self.assertIn(row, log.search([]).with_env(self.env))

    def test_rows_of_another_company_are_hidden(self):
        log = self._as(self.user_rep_us, self.env["trade.access.log"])
        with self.enter_registry_test_mode():
            log._log("open", "res.partner", partner_id=self.customer.id)
            self.env.cr.postcommit.run()
        self.assertEqual(self._get_log(self.user_rep_us).company_id, self.company_us)
        for user in (self.user_manager, self.user_auditor):
            found = self._as(user, self.env["trade.access.log"]).search(
                [("user_id", "=", self.user_rep_us.id)]
            )
            self.assertFalse(found)

    def test_found_by_customer_and_user(self):
        row = self._make_row()
        log = self._as(self.user_auditor, self.env["trade.access.log"])
        action = self._as(self.user_auditor, self.contact).action_view_trade_access_log()
        self.assertEqual(log.search(action["domain"]), row)
        self.assertEqual(log.search([("user_id.login", "=", self.user_rep.login)]), row)

    def test_deleted_and_merged_customers(self):
        row = self._make_row()
        other = self._make_customer("Golden Wok Ltd.")
        self._merge(other, self.customer)
        row.invalidate_recordset()
        self.assertEqual(row.partner_id, other)
        other.unlink()
        row.invalidate_recordset()
        self.assertTrue(row.exists())
        self.assertFalse(row.partner_id)

    def test_customer_deleted_before_the_log_is_written(self):
        gone = self._make_customer("Gone")
        gone_id = gone.id
        gone.unlink()
        log = self._as(self.user_rep, self.env["trade.access.log"])
        with self.enter_registry_test_mode():
            log._log("export", "res.partner", customer_ids=[gone_id, self.customer.id])
            self.env.cr.postcommit.run()
        [header, row] = self._get_log(self.user_rep)
        self.assertEqual((row.parent_id, row.partner_id), (header, self.customer))

    def test_user_with_accesses_is_not_deleted(self):
        self._make_row()
        with self.assertRaises(errors.ForeignKeyViolation), mute_logger("odoo.sql_db"):
            self.env.cr.execute("DELETE FROM res_users WHERE id = %s", [self.user_rep.id])

    # ------------------------------------------------------------------
    # Retention
    # ------------------------------------------------------------------

    def _set_months(self, months):
        settings = self.env["res.config.settings"].create({"trade_access_log_months": months})
        settings.set_values()

    def test_old_rows_are_deleted(self):
        old = self._make_row()
        self.clock.move_to(fields.Datetime.now() + relativedelta(months=23))
        recent = self._make_row()
        self.env["trade.access.log"]._gc_access_log()
        self.assertEqual(self._get_log(self.user_rep), old | recent)
        self.clock.move_to(fields.Datetime.now() + relativedelta(months=2))
        self.env["trade.access.log"]._gc_access_log()
        self.env.invalidate_all()
        self.assertEqual(self._get_log(self.user_rep), recent)

    def test_months_to_keep(self):
        row = self._make_row()
        self.clock.move_to(fields.Datetime.now() + relativedelta(years=50))
        self._set_months(0)
        self.assertEqual(self.env["res.config.settings"].create({}).trade_access_log_months, 0)
        self.env["trade.access.log"]._gc_access_log()
        self.assertTrue(row.exists())
        self._set_months(1)
        self.env["trade.access.log"]._gc_access_log()
        self.env.invalidate_all()
        self.assertFalse(row.exists())


@tagged("post_install", "-at_install")
class TestAccessLogHttp(AccessCommon, HttpCase):
    """The same through real requests, whose cursor is read-only where Odoo makes it so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_rep.password = "trade_rep_password"

    def _post(self, url, **params):
        with self._commits():
            return self.url_open(
                url,
                data=json.dumps(params),
                headers={"Content-Type": "application/json", **getattr(self, "headers", {})},
            )

    def _call_kw(self, model, method, *args, path=None, **kwargs):
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        response = self._post(
            f"/web/dataset/call_kw/{path or f'{model}/{method}'}", jsonrpc="2.0", params=params
        )
        return response.json()["result"]

    def test_web_client(self):
        self.authenticate(self.user_rep.login, "trade_rep_password")
        for path in ("res.partner/web_read", "res.partner.web_read", "anything"):
            with self.subTest(path=path):
                before = self._get_log(self.user_rep)
                self.clock.tick(3600)
                self.env.invalidate_all()
                self._call_kw(
                    "res.partner", "web_read", self.customer.ids, {"email": {}}, path=path
                )
                row = self._get_log(self.user_rep) - before
                self.assertEqual((row.kind, row.partner_id), ("open", self.customer))

    def test_web_client_reads_on_a_read_only_cursor(self):
        self.authenticate(self.user_rep.login, "trade_rep_password")
        modes = []
        take = type(self.customer)._take_client_read

        def take_and_note(partners, served_by):
            modes.append(partners.env.cr.readonly)
            return take(partners, served_by)

        with patch.object(type(self.customer), "_take_client_read", take_and_note):
            self._call_kw("res.partner", "web_read", self.customer.ids, {"email": {}})
        self.assertEqual(set(modes), {True})
        self.assertEqual(self._get_log(self.user_rep).partner_id, self.customer)

    def _make_key_headers(self):
        key = self._make_key(self.user_rep)
        return {"Authorization": f"Bearer {key}"}

    def test_json2(self):
        self.headers = self._make_key_headers()
        self._post("/json/2/res.partner/read", ids=self.customer.ids, fields=["email"])
        row = self._get_log(self.user_rep)
        self.assertEqual((row.kind, row.partner_id), ("open", self.customer))
        ids = (self.customer | self.contact).ids
        self._post("/json/2/res.partner/search_read", domain=[["id", "in", ids]], fields=["email"])
        row = self._get_log(self.user_rep) - row
        self.assertEqual((row.kind, row.record_count), ("list", 2))

    @mute_logger("odoo.addons.rpc.controllers.xmlrpc")
    def test_xmlrpc(self):
        with self._commits():
            self.xmlrpc_object.execute_kw(
                self.env.cr.dbname,
                self.user_rep.id,
                "trade_rep_password",
                "res.partner",
                "read",
                [self.customer.ids, ["email"]],
            )
        row = self._get_log(self.user_rep)
        self.assertEqual((row.kind, row.partner_id), ("open", self.customer))

    def test_json_pages(self):
        self.env["ir.config_parameter"].set_param("web.json.enabled", "1")
        self.group_allow_export.user_ids = [Command.link(self.user_rep.id)]
        with self._commits():
            response = self.url_open(
                f"/json/1/trade-customers/{self.customer.id}?view_type=form",
                headers=self._make_key_headers(),
            )
        self.assertEqual(response.json()["id"], self.customer.id)
        row = self._get_log(self.user_rep)
        self.assertEqual((row.kind, row.partner_id), ("open", self.customer))


@tagged("post_install", "-at_install")
class TestAccessLogTerritory(AccessCommon, TerritoryCommon):
    def test_manager_of_a_territory_sees_its_customers(self):
        """Not the lists, whose filter may name anybody."""
        log = self._as(self.user_rep, self.env["trade.access.log"])
        with self.enter_registry_test_mode():
            log._log("open", "res.partner", partner_id=self.wok_contact.id)
            log._log("open", "res.partner", partner_id=self.hutong.id)
            log._log("list", "res.partner", record_count=80)
            self.env.cr.postcommit.run()
        rows = self._get_log(self.user_rep)
        here, elsewhere, _listed = rows
        self.assertEqual(self._visible(self.user_east, rows), here)
        self.assertEqual(self._visible(self.user_north, rows), elsewhere)
        self.assertEqual(self._visible(self.user_auditor, rows), rows)
