from odoo.tests import HttpCase, tagged

from .approval_common import ApprovalCommon


@tagged("post_install", "-at_install")
class TestApprovalUi(ApprovalCommon, HttpCase):
    """On a phone: a rep asks, the manager decides."""

    browser_size = "390x844"
    touch_enabled = True

    def test_ask_and_approve(self):
        self.make_rule(discount_over=20)
        order = self.make_order(35)
        self.env.flush_all()
        self.start_tour(
            f"/odoo/sales/{order.id}", "trade_crm_ask_approval", login=self.user_rep.login
        )
        self.start_tour("/odoo/trade-approvals", "trade_crm_approve", login=self.boss.login)
        self.assertEqual(order.trade_approval_state, "approved")

    def test_link_of_the_mail(self):
        """It asks for a login, leads to the request, and approves nothing."""
        self.make_rule(discount_over=20)
        order = self.make_order(35)
        request = self.ask(order)
        self.env.flush_all()
        link = f"/mail/view?model={request._name}&res_id={request.id}"
        self.authenticate(None, None)
        self.assertIn("/web/login", self.url_open(link).url)
        self.authenticate(self.boss.login, self.boss.login)
        self.assertIn(str(request.id), self.url_open(link).url)
        self.assertEqual(order.trade_approval_state, "pending")
