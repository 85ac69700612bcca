from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .territory_common import TerritoryCommon


class Customer360Common(TerritoryCommon):
    """``wok`` of Zhejiang bought twice, has a quotation, an unpaid invoice and a lead."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rep = cls.user_zhejiang
        (cls.wok | cls.wok_contact).user_id = cls.rep
        cls.tag = cls.env["res.partner.category"].create({"name": "Fair", "color": 4})
        cls.wok.category_id = cls.tag
        values = {"user_id": cls.rep.id}
        cls.first = cls._make_order(cls.wok, 100.0, "2025-11-10", **values)
        cls.second = cls._make_order(
            cls.wok_contact,
            [{"price_unit": 10.0, "product_uom_qty": 20}, {"price_unit": 50.0}],
            "2026-03-05",
            **values,
        )
        cls.quotation = cls._make_order(cls.wok, 70.0, "2026-03-29", confirm=False, **values)
        cls.invoice = cls._make_invoice(cls.first, "2026-01-15")
        cls.invoice.write({"invoice_user_id": cls.rep.id, "invoice_date_due": "2026-02-15"})
        cls.lead = cls.env["crm.lead"].create(
            {
                "name": "Bigger shop",
                "type": "opportunity",
                "partner_id": cls.wok.id,
                "user_id": cls.rep.id,
                "company_id": cls.company_cn.id,
                "expected_revenue": 900.0,
            }
        )
        cls.history = cls._make_history(cls.wok, 40.0, "2024-06-01")
        cls.env.flush_all()
        cls.env["trade.customer.profile"]._rebuild_companies()
        cls.env["trade.sales.fact"]._rebuild_all()

    def _page(self, partner=None, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        partners = self._as(user or self.rep, self.env["res.partner"])
        page = partners.get_trade_360((partner or self.wok).id)
        return page["header"], {panel["key"]: panel for panel in page["panels"]}

    def _timeline(self, partner=None, user=None, **options):
        self.env.flush_all()
        self.env.invalidate_all()
        partners = self._as(user or self.rep, self.env["res.partner"])
        return partners.get_trade_timeline((partner or self.wok).id, **options)

    def _items(self, **options):
        return [(item["kind"], item["res_id"]) for item in self._timeline(**options)["items"]]


@tagged("post_install", "-at_install")
class TestCustomer360(Customer360Common):
    # ------------------------------------------------------------------
    # Page
    # ------------------------------------------------------------------

    def test_who_they_are(self):
        header, _panels = self._page()
        self.assertEqual(header["id"], self.wok.id)
        self.assertEqual(header["salesperson"], self.rep.name)
        self.assertEqual(header["territory"], "East / Zhejiang")
        self.assertEqual(header["tags"], [{"name": "Fair", "color": 4}])
        self.assertEqual([person["id"] for person in header["contacts"]], self.wok_contact.ids)
        self.assertEqual(self._page(self.wok_contact)[0]["id"], self.wok.id)
        self.assertFalse(header["is_archived"])
        self.wok.active = False
        self.assertTrue(self._page()[0]["is_archived"])

    def test_figures_are_those_of_the_records(self):
        _header, panels = self._page()
        figures = {figure["label"]: figure["value"] for figure in panels["value"]["figures"]}
        orders = self.first | self.second
        revenue = sum(orders.mapped("amount_untaxed")) + self.history.amount
        self.assertIn(f"{revenue:,.2f}", figures["Total revenue"])
        self.assertEqual(figures["Orders"], "3")
        self.assertEqual(figures["Last purchase"], "03/05/2026")
        points = panels["trend"]["points"]
        self.assertEqual(len(points), 24)
        found = {point["label"]: point["value"] for point in points if point["value"]}
        self.assertEqual(found, {"Jun 2024": 40.0, "Nov 2025": 100.0, "Mar 2026": 250.0})
        [product] = panels["products"]["rows"]
        self.assertEqual(product["title"], self.product_service.display_name)
        self.assertIn("350.00", product["value"])
        self.assertIn("22", product["subtitle"])
        money = {figure["label"]: figure["value"] for figure in panels["money"]["figures"]}
        self.assertEqual(set(money), {"To be paid", "Overdue"})
        self.assertIn("100.00", money["Overdue"])
        self.assertEqual(
            [row["res_id"] for row in panels["quotations"]["rows"]], self.quotation.ids
        )
        self.assertEqual([row["res_id"] for row in panels["opportunities"]["rows"]], self.lead.ids)
        self.assertEqual(panels["deliveries"]["rows"], [])

    def test_name_of_a_variant(self):
        attribute = self.env["product.attribute"].create(
            {"name": "Size", "value_ids": [Command.create({"name": size}) for size in ("S", "L")]}
        )
        template = self.env["product.template"].create(
            {
                "name": "Apron",
                "attribute_line_ids": [
                    Command.create(
                        {
                            "attribute_id": attribute.id,
                            "value_ids": [Command.set(attribute.value_ids.ids)],
                        }
                    )
                ],
            }
        )
        variant = template.product_variant_ids[1]
        variant.default_code = "AP2"
        self._make_order(self.wok, [{"product_id": variant.id, "price_unit": 900.0}], "2026-03-20")
        self._run_fact_job()
        _header, panels = self._page()
        self.assertEqual(panels["products"]["rows"][0]["title"], variant.display_name)

    def test_customer_who_never_bought(self):
        header, panels = self._page(self.bund, self.user_shanghai)
        self.assertFalse(header["tags"] or header["contacts"])
        self.assertNotIn("trend", panels)
        self.assertTrue(panels["value"]["empty"])
        self.assertEqual(self._timeline(self.bund, self.user_shanghai)["items"], [])

    def test_figures_of_the_company_in_use(self):
        self._make_order(self.wok, 777.0, "2026-03-20", company=self.company_us)
        self._run_fact_job()
        both = self.user_auditor
        both.company_ids |= self.company_us
        partners = self.env["res.partner"].with_user(both)
        american = partners.with_context(
            allowed_company_ids=[self.company_us.id, self.company_cn.id]
        ).get_trade_360(self.wok.id)
        self.assertEqual(american["header"]["company"], self.company_us.name)
        value = next(panel for panel in american["panels"] if panel["key"] == "value")
        self.assertIn("777.00", str(value))
        self.assertNotIn("777.00", str(self._page()))

    # ------------------------------------------------------------------
    # Timeline
    # ------------------------------------------------------------------

    def test_everything_latest_first(self):
        note = self._as(self.rep, self.wok).message_post(
            body="Called about tea", message_type="comment"
        )
        note.sudo().date = "2026-03-10 04:00:00"
        items = self._timeline()["items"]
        told = [(item["kind"], item["res_id"]) for item in items if item["kind"] != "tier"]
        # The database dates the lead, which the clock of the test does not rule.
        told.remove(("lead", self.lead.id))
        self.assertEqual(
            told,
            [
                ("quotation", self.quotation.id),
                ("contact", self.wok.id),
                ("order", self.second.id),
                ("invoice", self.invoice.id),
                ("order", self.first.id),
                ("history", self.history.id),
            ],
        )
        by_kind = {item["kind"]: item for item in items}
        self.assertIn("Called about tea", by_kind["contact"]["text"])
        self.assertIn("40.00", by_kind["history"]["amount"])
        self.assertEqual(by_kind["invoice"]["date"], "01/15/2026")
        self.assertEqual(
            self._items(kind="order"), [("order", self.second.id), ("order", self.first.id)]
        )

    def test_pages_leave_nothing_out(self):
        """Many things of the same moment, of dates and times, over several pages."""
        for number in range(45):
            self._make_history(self.wok, 1.0, "2024-06-01" if number % 3 else "2025-11-10")
        orders = [self._make_order(self.wok, 1.0, "2025-11-10") for _number in range(12)]
        for order in orders:
            order.date_order = "2025-11-10 00:00:00"
        self.env.flush_all()
        seen, after = [], None
        while True:
            page = self._timeline(after=after)
            seen += [(item["kind"], item["res_id"]) for item in page["items"]]
            after = page["next"]
            if not after:
                break
            self.assertEqual(len(page["items"]), 30)
        self.assertEqual(len(seen), len(set(seen)))
        kinds = [kind for kind, _id in seen]
        self.assertEqual(kinds.count("history"), 46)
        self.assertEqual(kinds.count("order"), 14)

    def test_every_line_can_be_opened(self):
        for item in self._timeline()["items"]:
            record = self._as(self.rep, self.env[item["res_model"]].browse(item["res_id"]))
            with self.subTest(kind=item["kind"]):
                record.check_access("read")

    # ------------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------------

    def test_other_territories_are_refused(self):
        for user in (self.user_beijing, self.user_shanghai, self.user_north):
            for ask in (self._page, self._timeline):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    ask(self.wok, user)
        self.assertTrue(self._page(user=self.user_east))
        self.assertTrue(self._page(user=self.user_auditor))

    def test_orders_of_a_colleague_in_a_shared_customer(self):
        """What the rules hide is in no panel: an agent reads the customer, not its leads."""
        _header, panels = self._page(user=self.user_agent_east)
        self.assertNotIn("opportunities", panels)
        kinds = {item["kind"] for item in self._timeline(user=self.user_agent_east)["items"]}
        self.assertNotIn("lead", kinds)

    def test_no_margin(self):
        self.assertNotIn("margin", str(self._page()).lower())

    # ------------------------------------------------------------------
    # Size
    # ------------------------------------------------------------------

    def test_queries(self):
        """As many for a customer with much of everything."""
        partners = self._as(self.rep, self.env["res.partner"])
        asked = {"page": partners.get_trade_360, "timeline": partners.get_trade_timeline}
        counts = {}
        for name, ask in asked.items():
            ask(self.wok.id)
            self.env.flush_all()
            self.env.invalidate_all()
            # Every request reads who asks, and for which company.
            partners.env.user.partner_id.tz, partners.env.company.name
            before = self.env.cr.sql_log_count
            answer = ask(self.wok.id)
            counts[name] = self.env.cr.sql_log_count - before
            if name == "page":
                own = {
                    "value",
                    "trend",
                    "products",
                    "money",
                    "quotations",
                    "deliveries",
                    "opportunities",
                }
                others = {panel["key"] for panel in answer["panels"]} - own
        self.assertLessEqual(counts["page"], 15 + len(others))
        self.assertLessEqual(counts["timeline"], 26)


@tagged("post_install", "-at_install")
class TestCustomer360Ui(Customer360Common, HttpCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_tour(self):
        self.rep.password = self.rep.login
        self.start_tour(
            f"/odoo/trade-customers/{self.wok.id}", "trade_crm_customer_360", login=self.rep.login
        )
