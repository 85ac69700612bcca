from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from .territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestTerritoryDay(TerritoryCommon):
    """What a representative does all day works with the limit to territories.

    Other departments are not limited: the warehouse and the accountants see everything.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What chatter sends and tracks is part of the day.
        cls.env = cls.env(context={"allowed_company_ids": cls.company_cn.ids})
        companies = {
            "company_id": cls.company_cn.id,
            "company_ids": [Command.set(cls.company_cn.ids)],
        }
        cls.user_stock = new_test_user(
            cls.env, login="territory_stock", groups="stock.group_stock_user", **companies
        )
        cls.user_accountant = new_test_user(
            cls.env, login="territory_account", groups="account.group_account_invoice", **companies
        )
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company_cn.id)], limit=1
        )
        cls.noodles = cls.env["product.product"].create(
            {
                "name": "Noodles",
                "type": "consu",
                "is_storable": True,
                "invoice_policy": "delivery",
                "list_price": 8.0,
                "seller_ids": [Command.create({"partner_id": cls.vendor.id, "price": 4.0})],
            }
        )
        cls.env["stock.quant"]._update_available_quantity(
            cls.noodles, cls.warehouse.lot_stock_id, 100
        )
        cls.env.flush_all()

    def _quote(self, partner=None, user=None):
        orders = self._as(user or self.user_zhejiang, self.env["sale.order"])
        with Form(orders) as form:
            form.partner_id = self._as(user or self.user_zhejiang, partner or self.wok_contact)
            with form.order_line.new() as line:
                line.product_id = self.noodles
                line.product_uom_qty = 10
        return form.record

    def test_from_quotation_to_invoice(self):
        order = self._quote()
        self.assertEqual(order.territory_id, self.zhejiang)
        order.action_quotation_send()
        order.action_confirm()
        picking = order.picking_ids
        self.assertEqual(picking.territory_id, self.zhejiang)
        self.assertEqual(picking.read(["state", "partner_id"])[0]["state"], "assigned")
        self.assertTrue(order.action_view_delivery())
        picking.with_user(self.user_stock).button_validate()
        order.invalidate_recordset()
        self.assertEqual(order.delivery_status, "full")

        wizard = self._as(self.user_zhejiang, self.env["sale.advance.payment.inv"])
        wizard.with_context(active_model="sale.order", active_ids=order.ids).create(
            {"advance_payment_method": "delivered"}
        ).create_invoices()
        invoice = order.invoice_ids
        self.assertEqual(invoice.territory_id, self.zhejiang)
        invoice.with_user(self.user_accountant).action_post()
        invoice.invalidate_recordset()
        self.assertEqual(
            self._as(self.user_zhejiang, invoice).read(["state"])[0]["state"], "posted"
        )
        self.assertTrue(order.action_view_invoice())
        refund = invoice.with_user(self.user_accountant)._reverse_moves()
        self.assertEqual(refund.territory_id, self.zhejiang)

    def test_confirmed_order_of_a_stored_product_is_cancelled(self):
        order = self._quote()
        order.action_confirm()
        self.env.flush_all()
        self.env.invalidate_all()
        order._action_cancel()
        self.assertEqual(order.state, "cancel")
        self.assertEqual(order.sudo().picking_ids.state, "cancel")

    def test_buyer_is_told_of_a_cancelled_order(self):
        self.env.ref("stock.route_warehouse0_mto").active = True
        buy = self.env["stock.route"].search([("name", "ilike", "buy")], limit=1)
        self.noodles.route_ids = [
            Command.set((self.env.ref("stock.route_warehouse0_mto") | buy).ids)
        ]
        order = self._quote()
        order.action_confirm()
        purchase = self.env["purchase.order.line"].search([("product_id", "=", self.noodles.id)])
        self.assertTrue(purchase)
        purchase.order_id.button_confirm()
        self.env.invalidate_all()
        order._action_cancel()
        self.assertEqual(order.state, "cancel")
        self.assertIn(order.name, str(purchase.order_id.activity_ids.mapped("note")))

    def test_cancel_from_the_button(self):
        order = self._quote()
        order.action_confirm()
        self.env.invalidate_all()
        order.action_cancel()
        self.assertEqual(order.state, "cancel")

    def test_order_for_a_customer_that_branches_share(self):
        order = self._quote(self.chain)
        order.action_confirm()
        self.assertEqual(order.picking_ids.sudo().territory_id, self.zhejiang)
        self.assertTrue(order.picking_ids.read(["state"]))
        self.assertFalse(self._visible(self.user_beijing, order))
        other = self._quote(self.chain, self.user_beijing)
        self.assertFalse(self._visible(self.user_zhejiang, other))

    def test_chatter_and_activities(self):
        wok = self._as(self.user_zhejiang, self.wok)
        message = wok.message_post(
            body="What do you think?",
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            partner_ids=self.user_shanghai.partner_id.ids,
        )
        seen = self._as(self.user_shanghai, message)
        self.assertIn("What do you think", seen.read(["body"])[0]["body"])
        activity = wok.activity_schedule("mail.mail_activity_data_call", summary="Ring")
        activity.action_feedback(feedback="Done")
        wok.message_subscribe(self.user_east.partner_id.ids)
        suggestions = self._as(self.user_zhejiang, self.env["res.partner"]).get_mention_suggestions(
            "territory_shanghai"
        )
        found = [partner["id"] for partner in suggestions["res.partner"]]
        self.assertIn(self.user_shanghai.partner_id.id, found)

    def test_calendar(self):
        start = fields.Datetime.now()
        event = self._as(self.user_zhejiang, self.env["calendar.event"]).create(
            {
                "name": "Visit",
                "start": start,
                "stop": start + timedelta(hours=1),
                "partner_ids": [
                    Command.set((self.user_zhejiang.partner_id | self.wok_contact).ids)
                ],
            }
        )
        self.assertCountEqual(
            event.attendee_ids.mapped("partner_id.name"),
            [self.user_zhejiang.name, self.wok_contact.name],
        )

    def test_preferences(self):
        user = self._as(self.user_zhejiang, self.user_zhejiang)
        user.write({"signature": "<p>Me</p>", "tz": "Europe/Berlin", "email": "me@example.com"})
        self.assertEqual(user.partner_id.tz, "Europe/Berlin")
        self.assertTrue(user.read(["signature", "email", "tz"]))
        self.assertTrue(user.action_get())

    def test_portal_share(self):
        # Odoo asks for the right to create contacts.
        self.user_zhejiang.group_ids += self.env.ref("base.group_partner_manager")
        order = self._quote()
        wizard = self._as(self.user_zhejiang, self.env["portal.share"]).with_context(
            active_model="sale.order", active_id=order.id
        )
        share = wizard.create({"partner_ids": [Command.set(self.wok_contact.ids)]})
        self.assertTrue(share.share_link)
        share.action_send_mail()
        self.assertIn(
            self.wok_contact,
            order.sudo().message_partner_ids | order.sudo().message_ids.partner_ids,
        )

    def test_mass_actions(self):
        orders = self._quote() | self._quote()
        orders.action_quotation_send()
        wizard = self._as(self.user_zhejiang, self.env["sale.mass.cancel.orders"]).create(
            {"sale_order_ids": [Command.set(orders.ids)]}
        )
        wizard.action_mass_cancel()
        self.assertEqual(set(orders.mapped("state")), {"cancel"})
        partners = self._as(self.user_zhejiang, self.wok | self.chain)
        partners.write({"comment": "Seen at the fair"})
        self.wok.active = False
        self._as(self.user_zhejiang, self.wok).action_unarchive()

    def test_lead_to_order(self):
        leads = self._as(self.user_zhejiang, self.env["crm.lead"])
        lead = leads.create({"name": "Wants noodles", "type": "lead", "partner_name": "New Shop"})
        wizard = self._as(self.user_zhejiang, self.env["crm.lead2opportunity.partner"])
        wizard.with_context(active_model="crm.lead", active_ids=lead.ids, active_id=lead.id).create(
            {"name": "convert", "action": "create"}
        ).action_apply()
        self.assertEqual(lead.partner_id.territory_id, self.zhejiang)
        self.assertEqual(lead.territory_id, self.zhejiang)
        lead.action_set_won()

    def test_reports_and_pictures(self):
        order = self._quote()
        order.action_confirm()
        self.env.flush_all()
        for model in ("sale.report", "crm.activity.report"):
            self._as(self.user_zhejiang, self.env[model])._read_group([], [], ["__count"])
        profiles = self._as(self.user_zhejiang, self.env["trade.customer.profile"])
        profiles.get_tier_share()
        profiles.get_value_matrix()
        profiles.get_order_ladder()
        self._as(self.user_zhejiang, self.env["trade.sales.fact"]).get_concentration()
        self._as(self.user_zhejiang, self.env["trade.tier.history"]).get_migration()
        html, _kind = self._as(self.user_zhejiang, self.env["ir.actions.report"])._render_qweb_html(
            "sale.report_saleorder", order.ids
        )
        self.assertIn(b"Noodles", html)
