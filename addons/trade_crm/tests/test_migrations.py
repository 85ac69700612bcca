from odoo.modules.migration import load_script
from odoo.tests import tagged
from odoo.tools import file_path

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestMigrations(TradeCrmCommon):
    def _migrate(self, version, name="post-migration"):
        path = file_path(f"trade_crm/migrations/{version}/{name}.py")
        load_script(path, name).migrate(self.env.cr, version)
        self.env.flush_all()
        self.env.cr.precommit.run()

    def test_value(self):
        """Every company has each measure once, edited ones as they were, and is computed anew."""
        measures = self.env["trade.lifecycle.measure"]
        own = measures.search([("company_id", "=", self.company_cn.id)])
        own[0].measure = "Edited"
        own[1:].unlink()
        measures.search([("company_id", "=", self.company_us.id)]).unlink()
        self.env["trade.profile.dirty"]._clear()
        self._migrate("19.0.1.1.0")
        for company in self.company_cn + self.company_us:
            found = measures.search([("company_id", "=", company.id)])
            self.assertEqual(len(found), len(set(found.mapped("status"))))
            self.assertEqual(len(found), 8)
            self.assertIn(company, self.env["trade.profile.dirty"]._get_whole_companies())
        self.assertEqual(own[0].measure, "Edited")

    def test_sales(self):
        """Every company is added up by the next run."""
        dirty = self.env["trade.fact.dirty"]
        dirty._clear()
        self._migrate("19.0.1.2.0")
        self.assertEqual(dirty._get_whole_companies(), self.env["res.company"].search([]))

    def test_territories(self):
        """Every kind of record in a territory is filled in, customers first."""
        fill = self.env["trade.territory.fill"]
        fill.search([]).unlink()
        customer = self._make_customer("Before")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET territory_id = NULL, territory_source = NULL WHERE id = %s",
            [customer.id],
        )
        self._migrate("19.0.1.3.0")
        rows = fill.search([])
        self.assertEqual(rows[0].model, "res.partner")
        self.assertLessEqual(
            {"sale.order", "crm.lead", "stock.picking", "account.move"}, set(rows.mapped("model"))
        )
        self.assertFalse(rows[0]._fill_chunk(10**9))
        customer.invalidate_recordset()
        self.assertEqual(customer.territory_id, self.env["trade.territory"]._get_fallback())

    def test_credit(self):
        """Every company gets the usual levels of reminders; who has any keeps them."""
        levels = self.env["trade.reminder.level"].with_context(active_test=False)
        own = levels.search([("company_id", "=", self.company_cn.id)])
        own[1:].unlink()
        own[:1].write({"days": 3, "active": False})
        levels.search([("company_id", "=", self.company_us.id)]).unlink()
        self._migrate("19.0.1.7.0", "post-credit")
        self.assertEqual(levels.search([("company_id", "=", self.company_cn.id)]), own[:1])
        made = levels.search([("company_id", "=", self.company_us.id)])
        self.assertEqual(made.mapped("days"), [7, 21, 45])
        self.assertFalse(self.company_us.trade_credit_control or self.company_us.trade_reminders)

    def test_credit_computes_nothing_for_what_exists(self):
        """Tables with millions of rows get columns of credit without a value for each row."""
        tables = (
            "res.partner", "sale.order", "sale.order.line", "account.move", "account.move.line",
            "account.payment", "payment.transaction", "stock.picking", "stock.move",
        )  # fmt: skip
        stored = [
            field
            for name in tables
            for field in self.env[name]._fields.values()
            if field.store and field.name.startswith(("trade_credit", "trade_waiting"))
        ]
        self.assertIn("trade_waiting", [field.name for field in stored])
        for field in stored:
            self.assertFalse(field.compute or field.default, str(field))

    def test_leads(self):
        """Leads are assigned from now on, those of before are left; a switch that is on stays."""
        parameters = self.env["ir.config_parameter"].sudo()
        cron = self.env.ref("crm.ir_cron_crm_lead_assign")
        rule = self.env.ref("trade_crm.trade_lead_score_rule_core")
        core = self.env["trade.tier"].search([("name", "=", "Core")])
        for name in ("trade_crm.assign_since", "crm.lead.auto.assignment"):
            parameters.set_param(name, False)
        cron.active = False
        rule.tier_ids = False
        before = self.env["crm.lead"].create({"name": "Before", "user_id": False})
        before.flush_recordset()
        self.env.cr.execute(
            "UPDATE crm_lead SET create_date = create_date - interval '1 day' WHERE id = %s",
            before.ids,
        )
        self._migrate("19.0.1.4.0", "post-lead_assign")
        self.assertTrue(cron.active)
        self.assertTrue(parameters.get_param("crm.lead.auto.assignment"))
        self.assertEqual(rule.tier_ids, core)
        self.assertTrue(core)
        self.env["crm.team"]._cron_assign_leads(creation_delta_days=0)
        self.assertFalse(before.user_id)
        since = parameters.get_param("trade_crm.assign_since")
        self._migrate("19.0.1.4.0", "post-lead_assign")
        self.assertEqual(parameters.get_param("trade_crm.assign_since"), since)
