from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestPreset(TradeCrmCommon):
    """Industry presets: what they set, and what of a person's they leave alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.types = cls.env["trade.customer.type"].with_context(active_test=False)
        # A preset may have been applied in this database before, and types are of all companies.
        cls.env["trade.preset.value"].search([("company_id", "=", False)]).unlink()
        for known in cls.types.search([]):
            known.name = f"Known before: {known.name}"

    def _as_manager(self, model):
        return (
            self.env[model]
            .with_user(self.user_manager)
            .with_context(allowed_company_ids=self.company_cn.ids)
        )

    def _get_wizard(self, preset="food", company=None, **values):
        company = company or self.company_cn
        wizards = self.env["trade.preset.apply"].with_company(company)
        return wizards.create({"preset": preset, "company_id": company.id, **values})

    def _apply(self, preset="food", company=None):
        """Apply as seen, and return what was done: ``{(record, field): action}``."""
        wizard = self._get_wizard(preset, company)
        lines = {(line.name, line.field_label or ""): line.action for line in wizard.line_ids}
        wizard.action_apply()
        return lines

    def _get_months(self, name, policy=None):
        return self._get_tier(name, policy).inactive_months

    def _get_type(self, name):
        return self.types.with_context(lang="en_US").search([("name", "=", name)])

    def _extend(self, **presets):
        """What an integrator does: more presets by inheritance."""
        model = self.env.registry["trade.preset"]
        inherited = model._get_presets
        return patch.object(
            model, "_get_presets", lambda self: {**inherited(self), **presets}, create=True
        )

    def _run_cron(self):
        """Customers are sorted anew in the background."""
        with self._job_env() as env:
            env["trade.customer.profile"]._cron_refresh()
        self.env.invalidate_all()

    # ------------------------------------------------------------------
    # What it sets
    # ------------------------------------------------------------------

    def test_there_is_a_preset_for_every_industry(self):
        self.assertEqual(
            set(self.env["trade.preset"]._get_presets()),
            {"food", "building", "hardware", "cosmetics", "appliances", "apparel", "produce"},
        )

    def test_every_preset_is_sound(self):
        presets = self.env["trade.preset"]._get_presets()
        for code, preset in presets.items():
            with self.subTest(preset=code):
                tiers = preset["tiers"]
                self.assertGreater(
                    tiers["lost"]["inactive_months"], tiers["dormant"]["inactive_months"]
                )
                self.assertGreater(tiers["core"]["min_revenue"], tiers["potential"]["min_revenue"])
                actions = self._apply(code)
                self.assertNotIn("keep", actions.values())
                for name, values in tiers.items():
                    tier = self._get_tier(name.capitalize())
                    self.assertEqual({field: tier[field] for field in values}, values)
                for name in preset["limits"].keys() & self.policy._fields.keys():
                    self.assertEqual(self.policy[name], preset["limits"][name])
                for values in preset["customer_types"].values():
                    self.assertEqual(self._get_type(values["name"]).kind, values["kind"])
        names = [
            t["name"] for preset in presets.values() for t in preset["customer_types"].values()
        ]
        self.assertEqual(len(names), len(set(names)))

    def test_customers_are_sorted_anew(self):
        self._make_history(self.customer, 350000.0)
        self.assertProfile(self.customer, tier_id="Potential")
        self._apply("food")
        self._run_cron()
        self.assertProfile(self.customer, tier_id="Core")

    def test_other_values_of_tiers_stay(self):
        self._apply("food")
        core = self._get_tier("Core")
        self.assertEqual((core.min_revenue, core.inactive_months, core.color), (300000.0, 0, 10))
        self.assertTrue(self._get_tier("Never bought").never_bought)
        self.assertEqual(len(self.policy.tier_ids), 7)

    def test_what_was_done_is_told_on_the_policy(self):
        before = self.policy.message_ids
        self._apply("food")
        [message] = self.policy.message_ids - before
        self.assertIn("Food and beverages", message.body)
        self.assertIn("Dormant, Inactive for (months): 6 → 2", message.body)
        self.assertIn("Restaurant: added", message.body)
        self.assertNotIn("Window", message.body)

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def test_a_preview_shows_every_line_and_changes_nothing(self):
        self._get_tier("Core").min_revenue = 800000.0
        wizard = Form(self._as_manager("trade.preset.apply"))
        self.assertEqual(len(wizard.line_ids), 0)
        wizard.preset = "food"
        lines = [
            tuple(line.get(name) or "" for name in ("name", "action", "old_value", "new_value"))
            for line in wizard.line_ids._records
        ]
        self.assertIn(("Dormant", "change", "6", "2"), lines)
        self.assertIn(("Restaurant", "add", "", ""), lines)
        self.assertIn(("Customer tiers", "same", "12", "12"), lines)
        [kept] = [line for line in lines if line[0] == "Core"]
        self.assertEqual(kept[1], "keep")
        self.assertIn("800,000", kept[2])
        self.assertIn("300,000", kept[3])
        self.assertEqual((wizard.add_count, wizard.keep_count), (3, 1))
        self.assertEqual(self._get_months("Dormant"), 6)
        self.assertFalse(self._get_type("Restaurant"))
        wizard.save().action_apply()
        self.assertEqual(self._get_months("Dormant"), 2)
        self.assertTrue(self._get_type("Restaurant"))

    def test_another_choice_replaces_the_preview(self):
        wizard = Form(self._as_manager("trade.preset.apply"))
        wizard.preset = "food"
        wizard.preset = "hardware"
        names = {line["name"] for line in wizard.line_ids._records}
        self.assertIn("Hardware shop", names)
        self.assertNotIn("Restaurant", names)

    def test_what_was_not_seen_is_not_applied(self):
        wizard = Form(self._as_manager("trade.preset.apply"))
        wizard.preset = "food"
        self._get_tier("Dormant").inactive_months = 5
        with self.assertRaisesRegex(UserError, "since this preview"):
            wizard.save().action_apply()
        self.assertEqual(self._get_months("Lost"), 12)

    # ------------------------------------------------------------------
    # Again
    # ------------------------------------------------------------------

    def test_applied_twice_nothing_happens(self):
        self._apply("food")
        self._run_cron()
        messages, rows = self.policy.message_ids, self.env["trade.preset.value"].search([])
        self.assertEqual(set(self._apply("food").values()), {"same"})
        self._commit()
        self.assertEqual(self.policy.message_ids, messages)
        self.assertEqual(self.env["trade.preset.value"].search([]), rows)
        self.assertFalse(
            self.env["trade.profile.dirty"].search([("company_id", "=", self.company_cn.id)])
        )

    def test_applied_twice_an_edit_between_stays(self):
        self._apply("food")
        self._get_tier("Dormant").inactive_months = 4
        self._get_type("Restaurant").write({"name": "Diner", "kind": "chain"})
        self.policy.window_months = 24
        for _time in range(2):
            actions = self._apply("food")
            self.assertEqual(actions["Dormant", "Inactive for (months)"], "keep")
            self.assertEqual(actions["Lost", "Inactive for (months)"], "same")
            self.assertEqual(actions["Diner", "Kind"], "keep")
            self.assertEqual(actions["Customer tiers", "Window (months)"], "keep")
        self.assertEqual(self._get_months("Dormant"), 4)
        self.assertEqual(self.policy.window_months, 24)
        self.assertEqual(self._get_type("Diner").kind, "chain")
        self.assertFalse(self._get_type("Restaurant"))

    def test_what_was_edited_before_the_first_preset_stays(self):
        self._get_tier("Core").min_revenue = 800000.0
        self._apply("food")
        self.assertEqual(self._get_tier("Core").min_revenue, 800000.0)
        self.assertEqual(self._get_months("Dormant"), 2)

    def test_going_back_to_the_default_is_an_edit(self):
        self._apply("food")
        self._get_tier("Dormant").inactive_months = 6
        self._apply("food")
        self.assertEqual(self._get_months("Dormant"), 6)

    def test_an_edit_that_is_taken_back_is_none(self):
        self._apply("food")
        dormant = self._get_tier("Dormant")
        dormant.inactive_months = 4
        self._apply("food")
        dormant.inactive_months = 2
        self._apply("building")
        self.assertEqual(dormant.inactive_months, 9)

    def test_an_edit_that_equals_the_preset_is_still_an_edit(self):
        self._get_tier("Dormant").inactive_months = 2
        self.assertEqual(self._apply("food")["Dormant", "Inactive for (months)"], "same")
        self.assertEqual(self._apply("building")["Dormant", "Inactive for (months)"], "keep")
        self.assertEqual(self._get_months("Dormant"), 2)

    def test_another_industry_over_the_first(self):
        self._apply("food")
        self._get_tier("Core").min_revenue = 800000.0
        self._apply("building")
        self.assertEqual(self._get_months("Dormant"), 9)
        self.assertEqual(self._get_months("Lost"), 18)
        self.assertEqual(self._get_tier("Core").min_revenue, 800000.0)
        self.assertTrue(self._get_type("Restaurant"))
        self.assertTrue(self._get_type("Building contractor"))
        self.assertEqual(self._apply("food")["Core", "Revenue from"], "keep")
        self.assertEqual(self._get_months("Dormant"), 2)

    # ------------------------------------------------------------------
    # Archived, deleted, renamed
    # ------------------------------------------------------------------

    def test_an_archived_tier_stays_as_it_is(self):
        dormant = self._get_tier("Dormant")
        dormant.active = False
        for code in ("food", "building"):
            self.assertEqual(self._apply(code)["Dormant", ""], "keep")
        self.assertEqual((dormant.active, dormant.inactive_months), (False, 6))
        dormant.active = True
        self.assertEqual(self._apply("food")["Dormant", "Inactive for (months)"], "change")

    def test_a_deleted_tier_does_not_come_back(self):
        self._get_tier("Potential").unlink()
        self._apply("food")
        self._get_tier("Dormant").unlink()
        actions = self._apply("food")
        self.assertEqual(actions["Potential", ""], "keep")
        self.assertEqual(actions["Dormant", ""], "keep")
        self.assertEqual(len(self.policy.tier_ids), 5)

    def test_a_renamed_tier_is_the_same_tier(self):
        core, lost = self._get_tier("Core"), self._get_tier("Lost")
        core.name = "Gold"
        self._apply("food")
        self.assertEqual((core.name, core.min_revenue), ("Gold", 300000.0))
        lost.name = "Gone"
        self._apply("building")
        self.assertEqual((lost.name, lost.inactive_months), ("Gone", 18))
        self.assertEqual(len(self.policy.tier_ids), 7)

    def test_an_archived_type_is_not_restored(self):
        self._apply("food")
        self._get_type("Restaurant").active = False
        self.assertEqual(self._apply("food")["Restaurant", ""], "keep")
        [restaurant] = self._get_type("Restaurant")
        self.assertFalse(restaurant.active)

    def test_a_deleted_type_does_not_come_back(self):
        self._apply("food")
        self._get_type("Restaurant").unlink()
        for company in (self.company_cn, self.company_us):
            self.assertEqual(self._apply("food", company)["Restaurant", ""], "keep")
        self.assertFalse(self._get_type("Restaurant"))

    def test_a_type_of_the_same_name_is_not_doubled(self):
        own = self.types.create({"name": "RESTAURANT", "kind": "chain"})
        for _time in range(2):
            self.assertEqual(self._apply("food")["RESTAURANT", "Kind"], "keep")
        self.assertEqual(own.kind, "chain")
        self.assertFalse(self._get_type("Restaurant"))

    def test_a_new_policy_starts_from_the_defaults(self):
        self._apply("food")
        self.policy.active = False
        self.env.flush_all()
        default = [dict(values) for values in self.policy._get_default_tiers()]
        policy = self.policy.create(
            {
                "name": "Second",
                "company_id": self.company_cn.id,
                "tier_ids": [(0, 0, values) for values in default],
            }
        )
        self._apply("building")
        self.assertEqual(self._get_months("Dormant", policy), 9)
        self.assertEqual(self._get_months("Dormant"), 2)

    # ------------------------------------------------------------------
    # Companies and roles
    # ------------------------------------------------------------------

    def test_companies_are_separate(self):
        self._apply("food")
        self._get_tier("Dormant").inactive_months = 4
        self.assertEqual(self._get_months("Dormant", self.policy_us), 6)
        actions = self._apply("food", self.company_us)
        self.assertEqual(actions["Dormant", "Inactive for (months)"], "change")
        self.assertEqual(actions["Restaurant", "Kind"], "same")
        self.assertEqual(self._get_months("Dormant", self.policy_us), 2)
        self.assertEqual(self._get_months("Dormant"), 4)
        self.assertEqual(len(self._get_type("Restaurant")), 1)
        self._apply("building", self.company_us)
        self.assertEqual(self._get_months("Lost", self.policy_us), 18)
        self.assertEqual(self._get_months("Lost"), 6)

    def test_only_managers_apply_presets(self):
        for user in (
            self.user_rep,
            self.user_marketer,
            self.user_agent,
            self.user_auditor,
            self.user_outsider,
        ):
            env = self.env(user=user, context={"allowed_company_ids": self.company_cn.ids})
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    env["trade.preset.apply"].create({"preset": "food"})
                with self.assertRaises(AccessError):
                    env["trade.preset.value"].search([])
                with self.assertRaises(AccessError):
                    env["trade.preset"]._apply("food")
        self.assertEqual(self._get_months("Dormant"), 6)

    def test_a_manager_applies_to_own_companies_only(self):
        wizards = self._as_manager("trade.preset.apply")
        wizards.create({"preset": "food"}).action_apply()
        values = {"preset": "food", "company_id": self.company_us.id}
        with self.assertRaises(AccessError):
            wizards.create(values).mapped("line_ids.old_value")
        with self.assertRaises(AccessError):
            wizards.create(values).action_apply()
        self.assertEqual(self._get_months("Dormant", self.policy_us), 6)

    def test_what_was_given_is_seen_and_not_edited(self):
        self._apply("food")
        self._apply("food", self.company_us)
        rows = self._as_manager("trade.preset.value").search([])
        self.assertEqual(set(rows.company_id.ids), set(self.company_cn.ids))
        self.assertIn("customer_types.restaurant", rows.mapped("key"))
        with self.assertRaises(AccessError):
            rows.write({"values": {}})

    def test_a_company_without_policy_is_told_so(self):
        self.policy.active = False
        wizard = self._get_wizard()
        self.assertIn("no active tier policy", wizard.problem)
        self.assertFalse(wizard.line_ids)
        with self.assertRaisesRegex(UserError, "no active tier policy"):
            wizard.action_apply()
        self.assertFalse(self._get_type("Restaurant"))

    def test_a_preset_that_contradicts_an_edit_is_refused_whole(self):
        policies = self.env.registry["trade.tier.policy"]
        wizard = self._get_wizard()
        refusal = ValidationError("High starts where middle does.")
        with (
            patch.object(policies, "write", side_effect=refusal),
            self.assertRaisesRegex(UserError, "(?s)High starts where .*Nothing was applied"),
        ):
            wizard.action_apply()
        given = [("company_id", "in", [self.company_cn.id, False])]
        self.assertFalse(self.env["trade.preset.value"].search(given))

    # ------------------------------------------------------------------
    # Extension
    # ------------------------------------------------------------------

    def test_an_integrator_adds_an_industry(self):
        mine = {
            "name": "Tea",
            "description": "Tea and cups",
            "tiers": {
                "dormant": {"inactive_months": 3},
                "vip": {"name": "VIP", "color": 2, "min_order_count": 50},
            },
            "limits": {"window_months": 6, "of_another_addon": 1},
            "customer_types": {"tea_house": {"name": "Tea house", "kind": "store"}},
        }
        with self._extend(tea=mine):
            actions = self._apply("tea")
            self.assertEqual(actions["VIP", ""], "add")
            vip = self._get_tier("VIP")
            self.assertEqual((vip.min_order_count, vip.color), (50, 2))
            self.assertEqual(
                self.policy.tier_ids.mapped("name")[-3:],
                ["New", "VIP", "General"],
            )
            self.assertEqual(self.policy.window_months, 6)
            self.assertEqual(set(self._apply("tea").values()), {"same"})
            vip.min_order_count = 40
            self.assertEqual(self._apply("tea")["VIP", "Orders from"], "keep")
            vip.unlink()
            self.assertEqual(self._apply("tea")["VIP", ""], "keep")
        self.assertFalse(self._get_tier("VIP"))

    def test_what_is_added_has_its_name_in_every_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        model = self.env.registry["trade.preset"]
        inherited = model._get_presets

        def get_presets(self):
            presets = inherited(self)
            if self.env.lang == "fr_FR":
                presets["food"]["customer_types"]["canteen"]["name"] = "Cantine"
            return presets

        with patch.object(model, "_get_presets", get_presets):
            self._apply("food")
        canteen = self._get_type("Canteen")
        self.assertEqual(canteen.with_context(lang="fr_FR").name, "Cantine")
        self.assertEqual(canteen.with_context(lang="en_US").name, "Canteen")
