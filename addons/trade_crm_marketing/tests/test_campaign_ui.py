from odoo.tests import HttpCase, tagged

from .campaign_common import CampaignCommon


@tagged("post_install", "-at_install")
class TestCampaignUi(CampaignCommon, HttpCase):
    """On a phone: a marketer plans, a manager approves and starts."""

    browser_size = "390x844"
    touch_enabled = True

    def test_plan_and_start(self):
        self.everybody.name = "Sixty buyers"
        self.campaign.action_trade_submit()
        self.env.flush_all()
        self.start_tour(
            "/odoo/trade-campaigns", "trade_crm_plan_campaign", login=self.planner.login
        )
        planned = self.env["utm.campaign"].search([("title", "=", "Harvest")])
        self.assertEqual((planned.trade_state, planned.trade_reach), ("draft", 60))
        self.start_tour(
            f"/odoo/trade-campaigns/{self.campaign.id}",
            "trade_crm_start_campaign",
            login=self.chief.login,
        )
        self.assertEqual(self.campaign.trade_state, "running")
        self.assertEqual(self.campaign.trade_member_count, 60)
