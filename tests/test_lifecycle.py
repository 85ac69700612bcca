"""The addons come to a database that is in use, are updated there, and go without a trace."""

from own_database import OwnDatabase

from odoo.tests import tagged

ADDONS = ("trade_crm", "trade_crm_marketing", "trade_crm_service")
# A database in use before it gets the three folders: two companies, customers, orders.
BEFORE = """
company = env["res.company"].create({"name": "Second company"})
company.partner_id.tz = "Asia/Shanghai"
product = env["product.product"].create({"name": "Advice", "list_price": 60000, "type": "service"})
for company in env["res.company"].search([]):
    env.user.company_ids |= company
    customer = env["res.partner"].create({"name": "Customer of %s" % company.name})
    order = env["sale.order"].with_company(company).create({
        "partner_id": customer.id,
        "company_id": company.id,
        "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 10})],
    })
    order.action_confirm()
env.cr.commit()
"""
AFTER = """
env["trade.customer.profile"]._rebuild_all()
[policy] = env["trade.tier.policy"].search([("company_id", "=", env.company.id)])
core, potential = policy.tier_ids.filtered("min_revenue")
core.write({"name": "Our best", "min_revenue": 400000})
potential.unlink()
env["trade.order.history"].create({
    "partner_id": env["res.partner"].search([("name", "like", "Customer of")], limit=1).id,
    "external_id": "H1",
    "company_id": env.company.id,
    "date": "2020-01-01",
    "amount": 100,
})
env["ir.config_parameter"].set_param("trade_crm.of_the_test", "1")
env.cr.commit()
"""
UNINSTALL = """
modules = env["ir.module.module"].search([("name", "in", %r)])
modules.button_immediate_uninstall()
""" % (ADDONS,)
# Counted otherwise, by what changes the registry, and by names; and what wakes jobs of Odoo.
KEPT = {"orm_signaling_registry", "ir_model_data", "ir_model_constraint", "ir_cron_trigger"}
SCHEMA = {
    "columns": """
        SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
          FROM information_schema.columns WHERE table_schema = 'public'
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    # An addon that extends "base" has Odoo look at every table again. In a database from a dump it
    # then writes its own CHECKs anew, which PostgreSQL words otherwise; and of the two fields that
    # share rule_group_rel and disagree on a deleted group, the one looked at last decides.
    "constraints": """
        SELECT conrelid::regclass || ' ' || conname || ' ' ||
               CASE contype WHEN 'c' THEN '' ELSE pg_get_constraintdef(oid) END
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
           AND conname <> 'rule_group_rel_group_id_fkey'
    """,
    "triggers": """
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    """,
    "functions": """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "sequences": "SELECT relname FROM pg_class WHERE relkind = 'S'",
    "statistics": "SELECT stxname FROM pg_statistic_ext",
    "options": """
        SELECT relname || ' ' || array_to_string(reloptions, ',')
          FROM pg_class WHERE reloptions IS NOT NULL AND relkind IN ('r', 'i')
    """,
    # Odoo itself forgets what its modules have noted about the fields that they add to a model.
    "external ids": """
        SELECT module || '.' || name FROM ir_model_data
         WHERE module LIKE 'trade_crm%'
            OR model NOT IN ('ir.model.inherit', 'ir.model.fields.selection')
    """,
    # Odoo keeps its note of a foreign key that a module has put on another one's table.
    "known constraints": "SELECT name || ' ' || module FROM ir_model_constraint WHERE type <> 'f'",
    "models": "SELECT model FROM ir_model",
    "fields": "SELECT model || '.' || name FROM ir_model_fields",
    "groups": "SELECT id::text FROM res_groups",
    "crons": "SELECT cron_name FROM ir_cron",
    "parameters": "SELECT key FROM ir_config_parameter",
    "views": "SELECT coalesce(key, name) FROM ir_ui_view WHERE active",
    "rules": "SELECT name FROM ir_rule",
    "actions": "SELECT type || ' ' || id FROM ir_actions",
    "menus": "SELECT id::text FROM ir_ui_menu",
    "defaults": "SELECT field_id::text FROM ir_default",
    "properties": "SELECT id::text FROM ir_filters",
    "assets": "SELECT path FROM ir_asset",
}


@tagged("post_install", "-at_install")
class TestLifecycle(OwnDatabase):
    """Works on a database of its own, with one process of Odoo per step."""

    def _snapshot(self):
        return {kind: {row[0] for row in self._read(query)} for kind, query in SCHEMA.items()}

    def _count(self):
        """Rows per table."""
        tables = [
            name
            for [name] in self._read(
                "SELECT relname FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace"
            )
        ]
        return {
            name: self._read(f'SELECT count(*) FROM "{name}"')[0][0]
            for name in tables
            if name not in KEPT
        }

    def test_install_update_uninstall(self):
        self._shell(BEFORE)
        before, rows = self._snapshot(), self._count()

        self._odoo(f"--init={','.join(ADDONS)}", "--stop-after-init")
        self._shell(AFTER)
        tiers = (
            "SELECT policy_id, sequence, name ->> 'en_US', min_revenue FROM trade_tier ORDER BY id"
        )
        edited = self._read(tiers)
        self.assertIn("Our best", str(edited))
        profiles = "SELECT id, partner_id, tier_id, order_count, revenue FROM trade_customer_profile ORDER BY id"
        computed = self._read(profiles)
        self.assertGreaterEqual(len(computed), 2)

        self._odoo(f"--update={','.join(ADDONS)}", "--stop-after-init")
        self.assertEqual(self._read(tiers), edited)
        self.assertEqual(self._read(profiles), computed)

        self._shell(UNINSTALL)
        after = self._snapshot()
        for kind in SCHEMA:
            with self.subTest(left=kind):
                self.assertFalse(after[kind] - before[kind])
            with self.subTest(lost=kind):
                self.assertFalse(before[kind] - after[kind])
        counted = self._count()
        changed = {
            name: (rows.get(name), counted.get(name))
            for name in rows.keys() | counted.keys()
            if rows.get(name) != counted.get(name)
        }
        self.assertFalse(changed)
        # What is left is an Odoo that starts, shows its customers and confirms orders.
        self._shell(BEFORE.replace("Second", "Third"))
        self._odoo("--update=base", "--stop-after-init")
