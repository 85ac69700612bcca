from odoo.exceptions import UserError
from odoo.tests import tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritoryFill(TerritoryCommon):
    """What was there before the addon."""

    def _forget(self):
        """The database as it is right after the addon was installed on it."""
        self.env.flush_all()
        for table in ("res_partner", "crm_lead", "sale_order", "stock_picking", "account_move"):
            self.env.cr.execute(f"UPDATE {table} SET territory_id = NULL")
        self.env.cr.execute(
            "UPDATE res_partner SET territory_rule_id = NULL, territory_source = NULL"
        )
        self.env.invalidate_all(flush=False)
        self.env["trade.territory.fill"]._request_all()

    def _fill(self):
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm.ir_cron_fill_territories").method_direct_trigger()
        self.env.invalidate_all()

    def test_everything_gets_its_territory(self):
        order = self._make_order(self.wok_contact)
        invoice = order._create_invoices()
        bill = self.env["account.move"].create(
            {"move_type": "in_invoice", "partner_id": self.vendor.id}
        )
        lead = self.env["crm.lead"].create({"name": "Known", "partner_id": self.hutong.id})
        address = self.env["crm.lead"].create({"name": "Address", "zip": "100010"})
        records = [*self.customers, self.wok_contact, order, invoice, lead, address]
        expected = [record.territory_id for record in records]
        self.assertTrue(all(expected))
        self._forget()
        self.assertFalse(self.wok.territory_id)
        self.assertEqual(self.env["trade.territory.fill"]._get_progress(), 0)
        self._fill()
        self.assertEqual([record.territory_id for record in records], expected)
        self.assertEqual(self.wok.territory_source, "rule")
        for record in (bill, self.vendor, self.company_cn.partner_id, self.user_rep.partner_id):
            self.assertFalse(record.territory_id, record)
        self.assertEqual(self.env["trade.territory.fill"]._get_progress(), 1)

    def test_it_goes_on_where_it_stopped(self):
        self._forget()
        fill = self.env["trade.territory.fill"].search([("model", "=", "res.partner")])
        middle = self.hutong.id
        self.assertFalse(fill._fill_chunk(middle))
        self.assertEqual(fill.last_id, middle)
        self.assertTrue(self.hutong.territory_id)
        self.assertFalse(self.nowhere.territory_id)
        self.assertFalse(fill._fill_chunk(10**9))
        self.assertEqual(self.nowhere.territory_id, self.unassigned)
        self.assertEqual(fill.last_id, fill.max_id)

    def test_model_that_is_in_no_territory_any_more(self):
        fill = self.env["trade.territory.fill"]
        gone = fill.create(
            [{"model": model, "last_id": 0, "max_id": 5} for model in ("res.country", "no.model")]
        )
        for row in gone:
            self.assertFalse(row._fill_chunk(10))
            self.assertEqual(row.last_id, 5)

    def test_what_somebody_set_meanwhile_stays(self):
        self._forget()
        self.wok.territory_id = self.north
        self._fill()
        self.assertEqual((self.wok.territory_id, self.wok.territory_source), (self.north, "manual"))

    def test_not_switched_on_before_it_is_through(self):
        self.env["ir.config_parameter"].set_param("trade_crm.territory_scope", False)
        self._forget()
        settings = self.env["res.config.settings"].create({"trade_territory_scope": True})
        with self.assertRaisesRegex(UserError, "background"):
            settings.execute()
        self._fill()
        self.env["res.config.settings"].create({"trade_territory_scope": True}).execute()
        self.assertFalse(self._visible(self.user_zhejiang, self.hutong))
        self.env["res.config.settings"].create({"trade_territory_scope": False}).execute()
        self.assertTrue(self._visible(self.user_zhejiang, self.hutong))

    def test_settings_name_who_is_limited(self):
        limited, homeless = self.env["res.users"]._get_limited_users()
        self.assertLessEqual(self.user_zhejiang | self.user_rep | self.user_agent_east, limited)
        self.assertIn(self.user_rep, homeless)
        self.assertFalse((self.user_auditor | self.user_outsider) & limited)
        self.assertNotIn(self.user_zhejiang, homeless)
