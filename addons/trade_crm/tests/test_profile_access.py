from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import TradeCrmCommon

MODELS = (
    "trade.customer.profile",
    "trade.profile.dirty",
    "trade.tier.history",
    "trade.profile.check",
)


@tagged("post_install", "-at_install")
class TestProfileAccess(TradeCrmCommon):
    """Who may see what is computed about a customer; nobody may write it.

    ``customer`` has bought for 100.00 in China and for 600,000.00 in America, where it is core.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._make_order(cls.customer, 100.0)
        cls._make_history(cls.customer, 600000.0, company=cls.company_us)
        cls.only_us = cls._make_customer("Harlem Diner")
        cls._make_history(cls.only_us, 600000.0, company=cls.company_us)
        cls.env.flush_all()
        cls.env.cr.precommit.clear()
        cls.env["trade.customer.profile"]._rebuild_companies()
        cls.users = {
            name: getattr(cls, f"user_{name}")
            for name in ("rep", "manager", "marketer", "agent", "auditor")
        }
        cls.system_user = cls.env.ref("base.user_admin")

    def _as(self, records, user):
        companies = user.company_id | user.company_ids
        return records.with_user(user).with_context(allowed_company_ids=companies.ids)

    def _model(self, name, user):
        return self._as(self.env[name], user)

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    def _make_row(self, model):
        """A row of ``model`` that a user could aim at."""
        company = self.company_cn.id
        if model == "trade.profile.dirty":
            self.env[model]._append({(self.customer.id, company): "order"})
            return self.env[model].search([], limit=1, order="id desc")
        if model == "trade.profile.check":
            return self.env[model].create(
                {"company_id": company, "checked_at": fields.Datetime.now()}
            )
        return self.env[model].search(
            [("partner_id", "=", self.customer.id), ("company_id", "=", company)], limit=1
        )

    def test_nobody_writes_what_is_computed(self):
        for model in MODELS:
            row = self._make_row(model)
            self.assertTrue(row)
            for name, user in {**self.users, "system": self.system_user}.items():
                record = self._as(row, user)
                attempts = {
                    "create": lambda record=record: record.create(
                        {"company_id": self.company_cn.id}
                    ),
                    "write": lambda record=record: record.write({"company_id": self.company_us.id}),
                    "unlink": lambda record=record: record.unlink(),
                    "copy": lambda record=record: record.copy(),
                    "load": lambda record=record: record.browse().web_save(
                        {"company_id": self.company_cn.id}, {}
                    ),
                }
                for operation, attempt in attempts.items():
                    with (
                        self.subTest(model=model, user=name, operation=operation),
                        self.assertRaises(AccessError),
                        self.env.cr.savepoint(),
                    ):
                        attempt()

    def test_writing_through_the_partner_changes_no_profile(self):
        partner = self._as(self.customer, self.user_manager)
        profile = self._get_profile(self.customer)
        before = profile.read(["revenue", "tier_id"])
        for name in ("trade_revenue", "trade_tier_id", "trade_profile_id"):
            try:
                with self.env.cr.savepoint():
                    partner.write({name: False})
            except AccessError:
                continue
        self.env.invalidate_all()
        self.assertEqual(profile.read(["revenue", "tier_id"]), before)

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def test_roles_read_profiles(self):
        for name, user in self.users.items():
            with self.subTest(user=name):
                found = self._model("trade.customer.profile", user).search(
                    [("partner_id", "=", self.customer.id)]
                )
                self.assertEqual(found.revenue, 100.0)
                self.assertEqual(self._as(self.customer, user).trade_revenue, 100.0)

    def test_outsider_reads_nothing(self):
        for model in MODELS:
            with self.subTest(model=model), self.assertRaises(AccessError):
                self._model(model, self.user_outsider).search([])
        partner = self._as(self.customer, self.user_outsider)
        self.assertNotIn("trade_revenue", partner.fields_get())
        with self.assertRaises(AccessError):
            partner.read(["trade_revenue"])
        for operator in ("<", ">"):
            self.assertFalse(partner.search([("trade_revenue", operator, 50)]))

    def test_queue_and_checks_are_for_those_in_charge(self):
        readers = {
            "trade.profile.dirty": {"manager"},
            "trade.profile.check": {"manager", "auditor"},
        }
        for model, allowed in readers.items():
            for name, user in self.users.items():
                with self.subTest(model=model, user=name):
                    self.assertEqual(self._model(model, user).has_access("read"), name in allowed)

    # ------------------------------------------------------------------
    # Margin
    # ------------------------------------------------------------------

    def test_margin_is_shown_to_some(self):
        for name in ("manager", "auditor"):
            partner = self._as(self.customer, self.users[name])
            self.assertEqual(partner.trade_margin, 96.0)
            self.assertEqual(partner.trade_profile_id.margin, 96.0)

    def test_margin_is_hidden_from_the_others(self):
        """Not read, not sorted and not added up."""
        for name in ("rep", "marketer", "agent"):
            partners = self._as(self.customer, self.users[name])
            profiles = partners.trade_profile_id
            attempts = {
                "field": lambda partners=partners: partners.trade_margin,
                "read": lambda partners=partners: partners.read(["trade_margin"]),
                "path": lambda partners=partners: partners.trade_profile_id.margin,
                "web_read": lambda partners=partners: partners.web_read(
                    {"trade_profile_id": {"fields": {"margin": {}}}}
                ),
                "order": lambda partners=partners: partners.search([], order="trade_margin"),
                "sum": lambda partners=partners: partners.formatted_read_group(
                    [], ["trade_tier_id"], ["trade_margin:sum"]
                ),
                "profile": lambda profiles=profiles: profiles.read(["margin"]),
                "profile search": lambda profiles=profiles: profiles.search([("margin", ">", 50)]),
                "profile order": lambda profiles=profiles: profiles.search([], order="margin"),
                "profile sum": lambda profiles=profiles: profiles.formatted_read_group(
                    [], ["tier_id"], ["margin:sum"]
                ),
            }
            for way, attempt in attempts.items():
                with self.subTest(user=name, way=way), self.assertRaises(AccessError):
                    attempt()
            self.assertNotIn("margin", profiles.fields_get())
            self.assertNotIn("trade_margin", partners.fields_get())

    def test_margin_is_not_found_out_by_searching(self):
        """What is found does not depend on the margin, whether it is asked for or ruled out."""
        self.customer.user_id = self.user_rep
        self.env.flush_all()
        ways = {
            "res.partner": ("trade_margin", "child_ids.trade_margin", "parent_id.trade_margin"),
            "sale.order": ("partner_id.trade_margin", "partner_id.trade_profile_id.margin"),
        }
        for model, paths in ways.items():
            for path in (*paths, "trade_profile_id.margin") if model == "res.partner" else paths:
                records = self._model(model, self.user_rep)
                found = {
                    (operator, negated): records.search(
                        ["!"] * negated + [(path, operator, 50)], order="id"
                    )
                    for operator in ("<", ">")
                    for negated in (False, True)
                }
                with self.subTest(path=path):
                    self.assertEqual(found["<", False], found[">", False])
                    self.assertEqual(found["<", True], found[">", True])
        managers = self._model("res.partner", self.user_manager)
        self.assertIn(self.customer.id, managers.search([("trade_margin", ">", 50)]).ids)
        self.assertNotIn(self.customer.id, managers.search([("trade_margin", "<", 50)]).ids)

    # ------------------------------------------------------------------
    # Companies
    # ------------------------------------------------------------------

    def test_profiles_of_another_company_are_hidden(self):
        for name, user in self.users.items():
            with self.subTest(user=name):
                profiles = self._model("trade.customer.profile", user)
                self.assertFalse(profiles.search([("company_id", "=", self.company_us.id)]))
                self.assertFalse(profiles.search([("revenue", "=", 600000.0)]))
                foreign = self._as(self._get_profile(self.customer, self.company_us), user)
                foreign.invalidate_recordset()
                with self.assertRaises(AccessError):
                    foreign.read(["revenue"])

    def test_other_records_of_another_company_are_hidden(self):
        self.env["trade.profile.check"].create(
            {"company_id": self.company_us.id, "checked_at": fields.Datetime.now()}
        )
        self.env["trade.profile.dirty"]._append({(self.only_us.id, self.company_us.id): "order"})
        for model in (
            "trade.tier.history",
            "trade.profile.check",
            "trade.profile.dirty",
            "trade.tier.policy",
            "trade.tier",
        ):
            with self.subTest(model=model):
                domain = [("company_id", "=", self.company_us.id)]
                self.assertTrue(self.env[model].search(domain))
                self.assertFalse(self._model(model, self.user_manager).search(domain))

    def test_queue_shows_what_concerns_every_company(self):
        self.env["trade.profile.dirty"]._append({(self.customer.id, None): "merge"})
        rows = self._model("trade.profile.dirty", self.user_manager)
        self.assertTrue(rows.search([("partner_id", "=", self.customer.id)]))

    def test_partner_fields_are_of_the_company_at_hand(self):
        partners = self.customer | self.only_us
        self.assertEqual(self._as(partners, self.user_rep).mapped("trade_revenue"), [100.0, 0.0])
        self.assertEqual(
            self._as(partners, self.user_rep_us).mapped("trade_revenue"), [600000.0, 600000.0]
        )
        both = self._as(partners, self.user_rep_both)
        self.assertEqual(both.mapped("trade_revenue"), [100.0, 0.0])
        both = both.with_company(self.company_us)
        self.assertEqual(both.mapped("trade_revenue"), [600000.0, 600000.0])

    def test_company_of_others_cannot_be_asked_for(self):
        partner = self.customer.with_user(self.user_rep).with_context(
            allowed_company_ids=self.company_us.ids
        )
        with self.assertRaises(AccessError):
            partner.read(["trade_revenue"])
        with self.assertRaises(AccessError):
            partner.search([("trade_revenue", ">", 0)])

    def test_search_by_partner_fields_is_in_the_company_at_hand(self):
        ours = [("id", "in", (self.customer | self.only_us).ids)]
        core_us = self._get_tier("Core", self.policy_us)
        for domain, found, found_us in (
            ([("trade_revenue", ">", 1000)], self.only_us.browse(), self.customer | self.only_us),
            ([("trade_revenue", ">", 0)], self.customer, self.customer | self.only_us),
            (
                [("trade_tier_id", "=", core_us.id)],
                self.only_us.browse(),
                self.customer | self.only_us,
            ),
            ([("trade_profile_id", "=", False)], self.only_us, self.only_us.browse()),
            ([("trade_profile_id", "!=", False)], self.customer, self.customer | self.only_us),
            (
                [("trade_profile_id.company_id", "=", self.company_us.id)],
                self.only_us.browse(),
                self.customer | self.only_us,
            ),
            (
                [("trade_profile_id.revenue", ">", 1000)],
                self.only_us.browse(),
                self.customer | self.only_us,
            ),
        ):
            with self.subTest(domain=domain):
                for user, expected in ((self.user_rep, found), (self.user_rep_us, found_us)):
                    partners = self._model("res.partner", user).search(ours + domain)
                    self.assertEqual(partners.with_env(self.env), expected.sorted(partners._order))

    def test_groups_by_tier_are_of_the_company_at_hand(self):
        ours = [("id", "in", (self.customer | self.only_us).ids)]
        for user, expected in (
            (self.user_rep, {"New": 100.0, False: 0.0}),
            (self.user_rep_us, {"Core": 1200000.0}),
        ):
            groups = self._model("res.partner", user)._read_group(
                ours, ["trade_tier_id"], ["trade_revenue:sum"]
            )
            self.assertEqual({tier.sudo().name: total or 0.0 for tier, total in groups}, expected)

    def test_profiles_are_added_up_in_the_companies_of_the_user(self):
        [(total,)] = self._model("trade.customer.profile", self.user_rep)._read_group(
            [("partner_id", "in", (self.customer | self.only_us).ids)], [], ["revenue:sum"]
        )
        self.assertEqual(total, 100.0)

    def test_tier_history_on_the_partner_is_of_the_company_at_hand(self):
        changes = self._as(self.customer, self.user_rep).trade_tier_history_ids
        self.assertEqual(changes.company_id, self.company_cn)
