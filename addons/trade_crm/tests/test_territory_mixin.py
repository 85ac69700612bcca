from odoo.exceptions import AccessError
from odoo.orm.model_classes import add_to_registry
from odoo.tests import tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritoryMixin(TerritoryCommon):
    """A client's own model is scoped by one line."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        from .fake_models import ClientVisit, ClientVisitLine

        # As odoo-test-helper does it, which has no release for Odoo 19 yet.
        names = [ClientVisit._name, ClientVisitLine._name]
        cls.addClassCleanup(cls._forget_models, names)
        for model in (ClientVisit, ClientVisitLine):
            add_to_registry(cls.registry, model)
        cls.registry._setup_models__(cls.env.cr, names)
        cls.registry.init_models(cls.env.cr, names, {"module": "trade_crm"})
        cls.env["ir.model.access"].create(
            [
                {
                    "name": model,
                    "model_id": cls.env["ir.model"]._get(model).id,
                    "group_id": cls.env.ref("base.group_user").id,
                    "perm_read": True,
                    "perm_write": True,
                    "perm_create": True,
                    "perm_unlink": True,
                }
                for model in ("client.visit", "client.visit.line")
            ]
        )
        cls.own, cls.foreign = cls.env["client.visit"].create(
            [
                {"name": "Own", "partner_id": cls.wok.id},
                {"name": "Far", "partner_id": cls.hutong.id},
            ]
        )
        cls.own_line, cls.foreign_line = cls.env["client.visit.line"].create(
            [{"visit_id": cls.own.id, "note": "x"}, {"visit_id": cls.foreign.id, "note": "x"}]
        )
        cls.env.flush_all()

    @classmethod
    def _forget_models(cls, names):
        for parent in ("base", "trade.territory.mixin", "trade.territory.path.mixin"):
            cls.registry[parent]._inherit_children -= set(names)
        for name in names:
            del cls.registry[name]
        cls.registry._setup_models__(cls.env.cr)

    def test_new_records_get_the_territory_of_their_customer(self):
        self.assertEqual(self.own.territory_id, self.zhejiang)
        self.assertEqual(self.foreign.territory_id, self.north)
        nobody = self.env["client.visit"].create({"name": "Nobody"})
        self.assertEqual(nobody.territory_id, self.unassigned)

    def test_rep_sees_the_own_ones(self):
        for records, own in (
            (self.own | self.foreign, self.own),
            (self.own_line | self.foreign_line, self.own_line),
        ):
            with self.subTest(model=records._name):
                model = self._as(self.user_zhejiang, records.browse())
                self.assertEqual(model.search([]).ids, own.ids)
                self.assertEqual(model.search_count([]), 1)
                self.assertEqual(model._read_group([], [], ["__count"]), [(1,)])
                with self.assertRaises(AccessError):
                    self._as(self.user_zhejiang, records - own).read()
                self.assertEqual(self._as(self.user_auditor, records.browse()).search_count([]), 2)

    def test_responsible_user_sees_it_anywhere(self):
        self.foreign.user_id = self.user_zhejiang
        self.env.flush_all()
        found = self._as(self.user_zhejiang, self.env["client.visit"]).search([])
        self.assertEqual(found.ids, (self.own | self.foreign).ids)

    def test_rep_makes_own_ones_only(self):
        visits = self._as(self.user_zhejiang, self.env["client.visit"])
        visits.create({"name": "Mine", "partner_id": self.wok.id})
        with self.assertRaises(AccessError):
            visits.create({"name": "Not mine", "partner_id": self.hutong.id})
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.own).write({"partner_id": self.hutong.id})
        with self.assertRaises(AccessError):
            self._as(self.user_zhejiang, self.env["client.visit.line"]).create(
                {"visit_id": self.foreign.id}
            )

    def test_document_follows_another_customer(self):
        self.own.partner_id = self.bund
        self.assertEqual(self.own.territory_id, self.shanghai)
        self.bund.territory_id = self.north
        self.env.flush_all()
        self.assertEqual(self.own.territory_id, self.shanghai, "a move leaves documents alone")

    def test_what_was_there_before_is_filled_in(self):
        self.env.cr.execute("UPDATE client_visit SET territory_id = NULL")
        self.env.invalidate_all(flush=False)
        self.assertFalse(self._as(self.user_zhejiang, self.env["client.visit"]).search([]))
        fill = self.env["trade.territory.fill"]
        fill._request("client.visit")
        row = fill.search([("model", "=", "client.visit")])
        self.assertFalse(row._fill_chunk(10**6))
        self.assertEqual((self.own | self.foreign).territory_id, self.zhejiang | self.north)
