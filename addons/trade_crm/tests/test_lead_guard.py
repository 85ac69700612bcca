from datetime import date, datetime

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .guard_common import GuardCommon

NO_DAY = "2026-06-29 04:00:01"  # a second more than 90 days after NOW


@tagged("post_install", "-at_install")
class TestIdentityKeys(GuardCommon):
    """Keys follow the record in the transaction that changes it."""

    def test_keys_of_a_customer(self):
        self.assertEqual(
            self._get_keys(self.tea),
            {
                ("name", "杭州西湖茶叶"),
                ("pinyin", "hangzhouxihuchaye"),
                ("head", "杭州西"),
                ("tail", "湖茶叶"),
                ("phone", "8657188886666"),
                ("vat", self.VAT),
            },
        )

    def test_a_person_has_no_name(self):
        self.assertEqual(
            self._get_keys(self.tea_person),
            {("phone", "8613812345678"), ("email", "wu@tea.example.com")},
        )

    def test_keys_change_with_the_record(self):
        self.tea.write({"name": "西湖", "phone": False})
        self.assertEqual(self._get_keys(self.tea), {("name", "西湖"), ("vat", self.VAT)})
        self.tea.active = False
        self.assertEqual(self._get_keys(self.tea), set())
        self.tea.active = True
        self.assertEqual(self._get_keys(self.tea), {("name", "西湖"), ("vat", self.VAT)})

    def test_keys_go_with_the_record(self):
        self.tea_person.unlink()
        self.lead.unlink()
        self.env.cr.execute(
            "SELECT count(*) FROM trade_identity_key WHERE value IN (%s, %s)",
            ["8613812345678", "dragon@example.com"],
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_a_won_lead_leaves_it_to_its_customer(self):
        self.lead.action_set_won()
        self.assertEqual(self._get_keys(self.lead), set())

    def test_many_records_make_few_queries(self):
        """The number of queries for keys does not depend on the number of records."""
        counts = []
        for count in (5, 50):
            partners = self.env["res.partner"].create(
                [{"name": f"Batch {count} {n} Ltd", "is_company": True} for n in range(count)]
            )
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            partners._init_identity_keys()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 6)

    def test_merged_customers_have_the_keys_of_the_merged_one(self):
        other = self._make_customer("Hangzhou Tea", phone="+86 571 1111 2222", email="a@tea.cn")
        self.tea_person.parent_id = other
        self._merge(self.tea, other)
        self.env.cr.execute(
            "SELECT count(*) FROM trade_identity_key WHERE value = %s", ["hangzhoutea"]
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.assertIn(("email", "a@tea.cn"), self._get_keys(self.tea))
        self.assertEqual(self._ask(phone="+86 138 1234 5678"), ("taken", "phone"))

    def test_fill_makes_the_same_keys(self):
        expected = {record: self._get_keys(record) for record in (self.tea, self.tea_person)}
        self.env.cr.execute("DELETE FROM trade_identity_key")
        fill = self.env["trade.identity.fill"]
        fill._request("res.partner")
        self.assertLess(fill._get_progress(), 1)
        with self.enter_registry_test_mode():
            self.env.ref("trade_crm.ir_cron_fill_identities").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(fill._get_progress(), 1)
        self.assertEqual(
            {record: self._get_keys(record) for record in (self.tea, self.tea_person)}, expected
        )

    def test_guard_waits_for_the_fill(self):
        self.company_cn.trade_lead_guard = False
        settings = self.env["res.config.settings"].with_company(self.company_cn)
        self.env["trade.identity.fill"]._request("res.partner")
        with self.assertRaises(UserError):
            settings.create({"trade_lead_guard": True})
        self.env.cr.execute("UPDATE trade_identity_fill SET last_id = max_id")
        settings.create({"trade_lead_guard": True}).execute()
        self.assertTrue(self.company_cn.trade_lead_guard)

    def test_nobody_reads_keys(self):
        for user in (self.rep, self.user_manager, self.user_auditor):
            with self.assertRaises(AccessError):
                self._as(user, self.env["trade.identity.key"]).search([])


@tagged("post_install", "-at_install")
class TestCollision(GuardCommon):
    """What is found, over all territories, and whose it is."""

    def test_strong_matches(self):
        for values, match in (
            ({"name": "杭州西湖茶叶（中国）股份有限公司"}, "name"),
            ({"phone": "0571-88886666", "country": "CN"}, "phone"),
            ({"vat": f"CN{self.VAT}"}, "vat"),
            ({"name": "Other", "phone": "13812345678", "country": "CN"}, "phone"),
            ({"email": "WU@tea.example.com"}, "email"),
            ({"name": "dragon well trading"}, "name"),
            ({"email": "Dragon <dragon@example.com>"}, "email"),
        ):
            with self.subTest(values=values):
                self.assertEqual(self._ask(**values), ("taken", match))
                self.assertEqual(self._ask(self.user_beijing, **values), ("own", match))

    def test_weak_matches_are_possible_only(self):
        self.assertEqual(self._ask(name="Hangzhou Xihu Chaye Ltd"), ("possible", "pinyin"))
        self.assertEqual(self._ask(name="杭州西胡茶叶公司"), ("possible", "pinyin"))
        self.assertEqual(self._ask(name="杭州东湖茶叶"), ("possible", "edit"))
        self.assertEqual(self._ask(name="Dragn Well Trading"), ("possible", "edit"))

    def test_others_are_free(self):
        for values in (
            {"name": "杭州龙井茶叶"},
            {"name": "Ms. Wu", "is_company": False},
            {"email": "li@tea.example.com"},
            {"phone": "+86 571 8888 6667"},
        ):
            with self.subTest(values=values):
                self.assertEqual(self._ask(**values), ("free", None))

    def test_without_an_owner_who_is_here(self):
        self.tea.user_id = False
        self.assertEqual(self._ask(vat=self.VAT), ("unowned", "vat"))
        self.tea.user_id = self.user_beijing
        self.user_beijing.active = False
        self.assertEqual(self._ask(vat=self.VAT), ("unowned", "vat"))

    def test_lost_lead_protects_nobody(self):
        self.lead.action_set_lost()
        self.assertEqual(self._ask(email="dragon@example.com"), ("lapsed", "email"))
        self._move_clock(NO_DAY)
        self.assertEqual(self._ask(email="dragon@example.com"), ("free", None))

    def test_lead_in_the_pool(self):
        self.lead._put_in_pool("release")
        self.assertEqual(self._ask(email="dragon@example.com"), ("pool", "email"))

    def test_vendors_and_our_companies_are_no_customers(self):
        self._make_customer("Paper Mill", supplier_rank=1)
        self.assertEqual(self._ask(name="Paper Mill"), ("free", None))
        self.assertEqual(self._ask(name=self.company_cn.name), ("free", None))

    def test_other_company_has_customers_of_its_own(self):
        self.tea.company_id = self.company_us
        self.assertEqual(self._ask(vat=self.VAT), ("free", None))
        self.tea.company_id = self.company_cn
        self.assertEqual(self._ask(vat=self.VAT), ("taken", "vat"))

    def test_protection_ends(self):
        self._move_clock("2026-06-29 03:59:59")
        self.assertEqual(self._ask(vat=self.VAT)[0], "taken")
        self._move_clock(NO_DAY)
        self.assertEqual(self._ask(vat=self.VAT)[0], "lapsed")
        self.company_cn.trade_protection_days = 0
        self.assertEqual(self._ask(vat=self.VAT)[0], "taken")

    def test_purchase_lead_and_new_owner_prolong(self):
        self._move_clock("2026-06-01 04:00:00")
        self._make_order(self.tea, day="2026-05-01")
        self._run_job()
        self._move_clock(NO_DAY)
        self.assertEqual(self._ask(vat=self.VAT)[0], "taken")
        self._move_clock("2026-07-30 04:00:00")
        self.assertEqual(self._ask(vat=self.VAT)[0], "lapsed")
        self._make_lead(self.user_beijing, partner_id=self.tea_person.id)
        self.assertEqual(self._ask(vat=self.VAT)[0], "taken")
        self._move_clock("2026-10-29 04:00:00")
        self.assertEqual(self._ask(vat=self.VAT)[0], "lapsed")
        self.tea.user_id = self.user_north
        self.assertEqual(self._ask(vat=self.VAT)[0], "taken")

    def test_harmless_changes_do_not_protect(self):
        """Who has a customer keeps it by working with it, not by saving it again."""
        owner = self.user_beijing
        tea, lead = self._as(owner, self.tea), self._as(owner, self.lead)
        until = tea.trade_protected_until, lead.trade_protected_until
        self._move_clock("2026-05-01 04:00:00")
        tea.write({"user_id": owner.id, "comment": "Still here", "street": "Lake 2"})
        lead.write({"user_id": owner.id, "description": "Still here", "priority": "2"})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual((tea.trade_protected_until, lead.trade_protected_until), until)
        with self.assertRaises(AccessError):
            tea.trade_owned_since = "2027-01-01"
        new = self._as(owner, self.env["res.partner"]).create(
            {"name": "Newest", "is_company": True, "trade_owned_since": "2027-01-01"}
        )
        self.assertFalse(new.trade_owned_since)
        tea.sudo().user_id = self.rep
        self.env.invalidate_all()
        self.assertEqual(self.tea.trade_protected_until, date(2026, 7, 30))

    def test_protected_until_is_shown(self):
        self.env.invalidate_all()
        self.assertEqual(self.tea.trade_protected_until, date(2026, 6, 29))
        self.assertEqual(self.lead.trade_protected_until, date(2026, 6, 29))
        self.company_cn.trade_protection_days = 0
        self.env.invalidate_all()
        self.assertFalse(self.tea.trade_protected_until)

    def test_answer_tells_no_more_than_the_reader_may_know(self):
        [hit] = self.collisions._ask({"vat": self.VAT})
        told = self.collisions._describe(hit)
        self.assertEqual(
            told,
            {
                "status": "taken",
                "match": "vat",
                "is_lead": False,
                "owner": "t*** ",
                "name": "杭州****",
                "until": "2026-06-29",
                "res_model": None,
                "res_id": None,
            }
            | {"owner": told["owner"]},
        )
        self.assertNotIn(self.user_beijing.name, str(told))
        self.assertIn("*", told["owner"])
        own = self._as(self.user_beijing, self.env["trade.collision"])
        told = own._describe(hit)
        self.assertEqual((told["res_id"], told["owner"]), (self.tea.id, self.user_beijing.name))

    def test_check_reads_no_table_from_end_to_end(self):
        """What a check costs must not depend on how many customers there are."""
        self.env.cr.execute("ANALYZE trade_identity_key, res_partner, crm_lead")
        queries = []
        execute = type(self.env.cr).execute

        def record(cr, query, *args, **kwargs):
            code = query.code if hasattr(query, "code") else query
            if "trade_identity_key" in code or "trade_customer_profile" in code:
                queries.append((query, args))
            return execute(cr, query, *args, **kwargs)

        self.patch(type(self.env.cr), "execute", record)
        self.collisions._ask({"name": "杭州西湖茶叶", "phone": "+86 571 8888 6666"})
        self.collisions._ask({"name": "杭州东湖茶叶"})
        self.patch(type(self.env.cr), "execute", execute)
        self.assertEqual(len(queries), 4)
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        for query, _args in queries:
            self.env.cr.execute(f"EXPLAIN {query.code}", query.params)
            plan = "\n".join(line for [line] in self.env.cr.fetchall())
            for table in ("trade_identity_key", "trade_customer_profile", "crm_lead"):
                self.assertNotIn(f"Seq Scan on {table}", plan)

    def test_a_check_is_few_queries(self):
        self.env.flush_all()
        values = {"name": "杭州西湖茶叶", "phone": "+86 571 8888 6666", "vat": self.VAT}
        self.collisions._ask(values)
        with self.assertQueryCount(3):
            self.collisions._ask(values)


@tagged("post_install", "-at_install")
class TestCollisionAsk(GuardCommon):
    """The dialog "Check a customer", by the rep of another territory."""

    def _check(self, **values):
        dialog = self._as(self.rep, self.env["trade.collision.ask"]).create(values)
        dialog.action_check()
        return dialog

    def test_taken(self):
        dialog = self._check(name="杭州西湖茶叶")
        self.assertEqual(dialog.status, "taken")
        self.assertEqual(dialog.protected_until, date(2026, 6, 29))
        self.assertFalse(dialog.can_open)
        values = dialog.read()[0]
        self.assertNotIn("target_partner_id", values)
        self.assertNotIn(self.user_beijing.name, str(values))
        with self.assertRaises(AccessError):
            dialog.read(["target_partner_id"])
        with self.assertRaises(AccessError):
            dialog.search([("target_partner_id", "=", self.tea.id)])
        with self.assertRaises(AccessError):
            dialog.write({"target_partner_id": self.wok.id})
        with self.assertRaises(AccessError):
            dialog.action_open()

    def test_free(self):
        dialog = self._check(name="Brand New", phone="+86 139 0000 1111")
        self.assertEqual(dialog.status, "free")
        action = dialog.action_create_lead()
        form = Form(self._leads_of_rep().with_context(**action["context"]))
        lead = form.save()
        self.assertEqual((lead.partner_name, lead.phone), ("Brand New", "+86 139 0000 1111"))

    def test_own_is_opened(self):
        self.wok.user_id = self.rep
        dialog = self._check(name="Golden Wok East")
        self.assertEqual((dialog.status, dialog.owner), ("own", self.rep.name))
        self.assertEqual(dialog.action_open()["res_id"], self.wok.id)

    def test_another_question_forgets_the_answer(self):
        dialog = self._check(name="杭州西湖茶叶")
        with Form(dialog) as form:
            form.name = "Other"
            self.assertFalse(form.status)

    def test_dialog_is_of_who_opened_it(self):
        dialog = self._check(name="杭州西湖茶叶")
        other = self._as(self.user_shanghai, dialog)
        with self.assertRaises(AccessError):
            other.action_ask()

    def test_checks_are_counted(self):
        checks = self.env["trade.collision.check"]
        self._check(name="杭州西湖茶叶")
        row = checks.search([("user_id", "=", self.rep.id)])
        self.assertEqual((row.mode, row.kinds, row.outcome), ("dialog", "name", "taken"))
        self.env.cr.execute(
            "INSERT INTO trade_collision_check (happened_at, user_id, mode, outcome)"
            " SELECT %s, %s, 'dialog', 'free' FROM generate_series(1, 199)",
            [datetime(2026, 3, 31), self.rep.id],
        )
        with self.assertRaisesRegex(UserError, "200"):
            self._check(name="Brand New")
        self._move_clock("2026-04-02 04:00:00")
        self.assertEqual(self._check(name="Brand New").status, "free")

    def test_checks_cannot_be_changed(self):
        self._check(name="杭州西湖茶叶")
        row = self.env["trade.collision.check"].search([("user_id", "=", self.rep.id)])
        with self.assertRaises(AccessError):
            row.unlink()
        with self.assertRaises(AccessError):
            self._as(self.rep, row).read(["outcome"])
