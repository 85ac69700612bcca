from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import TradeCrmCommon


@tagged("post_install", "-at_install")
class TestCustomerType(TradeCrmCommon):
    """Types of customers, how they were acquired, and the fields that a company adds itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dealer = cls.env.ref("trade_crm.trade_customer_type_dealer")
        cls.project = cls.env.ref("trade_crm.trade_customer_type_project")
        cls.exhibition = cls.env.ref("trade_crm.utm_medium_exhibition")
        cls.live_stream = cls.env.ref("trade_crm.utm_medium_live_stream")
        cls.fair = cls.env["utm.source"].create({"name": "Spring fair"})

    def _as(self, records, user):
        return records.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def _make_type(self, name="Restaurant", **values):
        return self.env["trade.customer.type"].create({"name": name, **values})

    # ------------------------------------------------------------------
    # Types
    # ------------------------------------------------------------------

    def test_every_kind_has_a_default_type(self):
        types = self.env["trade.customer.type"].search([])
        kinds = types._fields["kind"].get_values(self.env)
        self.assertEqual(set(types.mapped("kind")), set(kinds))

    def test_a_company_and_its_contacts_have_one_type(self):
        self.customer.trade_customer_type_id = self.dealer
        self.assertEqual(self.contact.trade_customer_type_id, self.dealer)
        newcomer = self._make_contact("Mr. Wu", self.customer)
        self.assertEqual(newcomer.trade_customer_type_id, self.dealer)
        self.contact.trade_customer_type_id = self.project
        self.assertEqual((self.customer | newcomer).trade_customer_type_id, self.project)
        self.customer.trade_customer_type_id = False
        self.assertFalse(self.contact.trade_customer_type_id)

    def test_a_type_counts_and_opens_its_customers(self):
        """Companies and single persons, archived ones too, but not the contacts of a company."""
        branch = self._make_customer("Golden Wok North", parent_id=self.customer.id)
        person = self._make_customer("Mr. Li", is_company=False, active=False)
        customers = self.customer | branch | person
        customers.trade_customer_type_id = own = self._make_type()
        self.assertEqual(own.partner_count, 3)
        action = own.action_view_partners()
        found = self.env["res.partner"].with_context(**action["context"]).search(action["domain"])
        self.assertEqual(found, customers.sorted(found._order))
        self.assertEqual(action["name"], "Restaurant")
        self.assertEqual(self._make_type("Nobody").partner_count, 0)

    def test_counting_customers_takes_one_query(self):
        types = self.dealer | self.project | self._make_type()
        types.mapped("partner_count")
        types.invalidate_recordset(["partner_count"])
        with self.assertQueryCount(1):
            types.mapped("partner_count")

    def test_a_type_with_customers_is_not_deleted(self):
        own = self._make_type()
        self._make_customer("Closed down", active=False, trade_customer_type_id=own.id)
        with self.assertRaisesRegex(UserError, "Restaurant"):
            self._as(own, self.user_manager).unlink()
        unused = self._make_type("Nobody")
        self._as(unused, self.user_manager).unlink()
        self.assertFalse(unused.exists())

    def test_an_archived_type_stays_with_its_customers(self):
        self.customer.trade_customer_type_id = own = self._make_type()
        own.active = False
        self.assertEqual(self.customer.trade_customer_type_id, own)
        newcomer = self._make_contact("Mr. Wu", self.customer)
        self.assertEqual(newcomer.trade_customer_type_id, own)
        self.assertNotIn(own.id, dict(own.name_search("Restaurant")))

    def test_who_may_name_types(self):
        for user in (self.user_rep, self.user_marketer, self.user_agent, self.user_auditor):
            types = self._as(self.env["trade.customer.type"], user)
            with self.subTest(user=user.login):
                self.assertTrue(types.search([]))
                with self.assertRaises(AccessError):
                    types.create({"name": "Mine"})
                with self.assertRaises(AccessError):
                    self._as(self.dealer, user).write({"name": "Mine"})
                with self.assertRaises(AccessError):
                    self._as(self.dealer, user).unlink()
        own = self._as(self.env["trade.customer.type"], self.user_manager).create({"name": "Ours"})
        self.assertEqual(own.kind, "store")

    def test_types_are_of_all_companies(self):
        self._as(self.customer, self.user_rep).trade_customer_type_id = self.dealer
        partner_us = self._as(self.customer, self.user_rep_us)
        self.assertEqual(partner_us.trade_customer_type_id.name, "Dealer")

    def test_groups_by_type_and_channel(self):
        other = self._make_customer("Harlem Diner", trade_customer_type_id=self.dealer.id)
        self.customer.write(
            {
                "trade_customer_type_id": self.dealer.id,
                "trade_acquisition_medium_id": self.exhibition.id,
            }
        )
        partners = self._as(self.env["res.partner"], self.user_rep)
        ours = [("id", "in", (self.customer | other).ids)]
        self.assertEqual(
            partners._read_group(ours, ["trade_customer_type_id"], ["__count"]),
            [(self._as(self.dealer, self.user_rep), 2)],
        )
        self.assertEqual(
            partners.search(ours + [("trade_acquisition_medium_id", "=", False)]).ids, other.ids
        )

    # ------------------------------------------------------------------
    # Channel
    # ------------------------------------------------------------------

    def _make_lead(self, **values):
        return self.env["crm.lead"].create(
            {
                "name": "Wants woks",
                "type": "opportunity",
                "medium_id": self.exhibition.id,
                "source_id": self.fair.id,
                "company_id": False,
                **values,
            }
        )

    def _convert(self, lead, user=None):
        return self._as(lead, user or self.user_rep)._create_customer().with_env(self.env)

    def _get_channel(self, partner):
        return partner.trade_acquisition_medium_id, partner.trade_acquisition_source_id

    def test_a_new_customer_has_the_channel_of_its_lead(self):
        lead = self._make_lead(partner_name="Jade House", contact_name="Ms. Lin")
        contact = self._convert(lead, self.user_manager)
        self.assertEqual(contact.parent_id.name, "Jade House")
        for partner in (contact, contact.parent_id):
            self.assertEqual(self._get_channel(partner), (self.exhibition, self.fair))

    def test_a_single_person_has_the_channel_of_the_lead(self):
        lead = self._make_lead(contact_name="Mr. Li", user_id=self.user_rep.id)
        self.assertEqual(self._get_channel(self._convert(lead)), (self.exhibition, self.fair))

    def test_a_salesman_without_a_role_converts_leads(self):
        self.user_outsider.group_ids += self.env.ref("sales_team.group_sale_salesman")
        lead = self._make_lead(partner_name="Jade House", user_id=self.user_outsider.id)
        partner = self._convert(lead, self.user_outsider)
        self.assertEqual(self._get_channel(partner), (self.exhibition, self.fair))

    def test_a_lead_without_channel_gives_none(self):
        lead = self._make_lead(partner_name="Jade House", medium_id=False, source_id=False)
        self.assertFalse(any(self._get_channel(self._convert(lead, self.user_manager))))

    def test_a_later_lead_does_not_change_how_the_company_was_acquired(self):
        self.customer.trade_acquisition_medium_id = self.live_stream
        lead = self._make_lead(contact_name="Ms. Lin")
        contact = lead._create_customer(with_parent=self.customer)
        self.assertEqual(contact.parent_id, self.customer)
        for partner in (contact, self.customer):
            self.assertEqual(partner.trade_acquisition_medium_id, self.live_stream)
            self.assertFalse(partner.trade_acquisition_source_id)

    def test_contacts_follow_the_channel_of_their_company(self):
        self.customer.trade_acquisition_medium_id = self.exhibition
        self.assertEqual(self.contact.trade_acquisition_medium_id, self.exhibition)

    # ------------------------------------------------------------------
    # Properties
    # ------------------------------------------------------------------

    def _define(self, user, partner):
        """What the form sends when a property is added to it."""
        self._as(partner, user).write(
            {
                "properties": [
                    {
                        "name": "seats0",
                        "string": "Seats",
                        "type": "integer",
                        "value": 40,
                        "definition_changed": True,
                    }
                ]
            }
        )
        self.env.flush_all()

    def test_a_manager_adds_a_property_that_a_rep_fills_and_finds(self):
        self._define(self.user_manager, self.customer)
        other = self._make_customer("Harlem Diner")
        self._as(other, self.user_rep).properties = {"seats0": 12}
        partners = self._as(self.env["res.partner"], self.user_rep)
        self.assertEqual(partners.search([("properties.seats0", "=", 12)]).ids, other.ids)
        [definition] = partners.browse(other.id).read(["properties"])[0]["properties"]
        self.assertEqual((definition["string"], definition["value"]), ("Seats", 12))

    def test_a_rep_adds_no_property(self):
        with self.assertRaises(AccessError):
            self._define(self.user_rep, self.customer)

    def test_a_manager_changes_the_properties_of_customers_only(self):
        definitions = self.env["properties.base.definition"]
        field = (
            self.env["ir.model.fields"]
            .sudo()
            .search(
                [
                    ("ttype", "=", "properties"),
                    ("model", "!=", "res.partner"),
                    ("store", "=", True),
                ],
                limit=1,
            )
        )
        foreign = definitions.sudo().create({"properties_field_id": field.id})
        own = definitions._get_definition_for_property_field("res.partner", "properties")
        self.assertEqual(
            self._as(definitions, self.user_manager)
            .search([("id", "in", (foreign | own).ids)])
            .ids,
            own.ids,
        )
        with self.assertRaises(AccessError):
            self._as(foreign, self.user_manager).write({"properties_definition": []})
        with self.assertRaises(AccessError):
            self._as(own, self.user_manager).unlink()
