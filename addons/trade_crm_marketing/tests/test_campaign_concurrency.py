from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.trade_crm.tests.concurrency_common import SOAK, ConcurrencyCase

SILENT = ("odoo.sql_db", "odoo.service.model")


@tagged("post_install", "-at_install")
class TestCampaignConcurrency(ConcurrencyCase):
    """Two people who decide on one campaign, or hand out its last coupons, at the same moment.

    Each transaction sees nothing of the other one: whoever comes second has to start again.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls._clean_up)
        with cls._open() as env:
            groups = "trade_crm_marketing.group_marketing_manager,trade_crm.group_all_territories"
            cls.user_ids = [
                new_test_user(env, login=f"{cls.prefix} {name}", groups=groups).id
                for name in ("ann", "bob", "eve")
            ]
            env["res.partner"].create(
                [
                    {"name": f"{cls.prefix} customer {number}", "is_company": True}
                    for number in range(6)
                ]
            )
            line = Command.create({"domain": f"[('name', '=like', '{cls.prefix} customer%')]"})
            cls.segment_id = (
                env["trade.segment"].create({"name": cls.prefix, "line_ids": [line]}).id
            )
            cls.program_id = (
                env["loyalty.program"]
                .create(
                    {
                        "name": cls.prefix,
                        "program_type": "coupons",
                        "reward_ids": [Command.create({"discount": 10})],
                    }
                )
                .id
            )

    @classmethod
    def _clean_up(cls):
        with cls._open() as env:
            campaigns = env["utm.campaign"].search([("title", "=like", f"{cls.prefix}%")])
            env["trade.message"].search([("campaign_id", "in", campaigns.ids)]).unlink()
            members = env["trade.campaign.member"].search([("campaign_id", "in", campaigns.ids)])
            cards = members.coupon_id
            members.unlink()
            campaigns.trade_started_at = False
            campaigns.unlink()
            cards.unlink()
            program = env["loyalty.program"].browse(cls.program_id)
            program.active = False
            program.unlink()
            env["trade.segment"].browse(cls.segment_id).unlink()
            users = env["res.users"].browse(cls.user_ids)
            partners = users.partner_id
            users.unlink()
            partners.unlink()
            env["res.partner"].search([("name", "=like", f"{cls.prefix}%")]).unlink()

    def _make_campaign(self, **values):
        with self._open() as env:
            variant = {
                "name": "A",
                "channel": "coupon",
                "program_id": self.program_id,
                "coupon_value": 10,
            }
            campaign = (
                env["utm.campaign"]
                .with_user(self.user_ids[0])
                .create(
                    {
                        "title": self.prefix,
                        "trade_is_campaign": True,
                        "trade_segment_ids": [Command.set([self.segment_id])],
                        "trade_holdout": 0,
                        "trade_budget": 100,
                        "trade_coupon_budget": 40,
                        "trade_variant_ids": [Command.create(variant)],
                        **values,
                    }
                )
            )
            campaign.action_trade_submit()
            return campaign.id

    def _call(self, campaign_id, user_id, method):
        """Call ``method`` as a request does: what fails to serialise is tried again."""

        def action(env):
            campaign = env["utm.campaign"].with_user(user_id).browse(campaign_id)
            try:
                retrying(lambda: getattr(campaign, method)(), campaign.env)
            except UserError as error:
                env.cr.rollback()
                return str(error)
            return None

        return self._run(action)

    def _race(self, campaign_id, method):
        """One begins, another one comes in between and waits for the first.

        :return: what the second one was told
        """
        with mute_logger(*SILENT):
            with self._start() as env:
                first = env["utm.campaign"].with_user(self.user_ids[1]).browse(campaign_id)
                getattr(first, method)()
                second = self._call(campaign_id, self.user_ids[2], method)
                self._wait_for_lock()
            return second.get_result()

    def test_two_managers_approve_and_start(self):
        for _number in range(20 if SOAK else 1):
            campaign_id = self._make_campaign()
            self.assertIn("Approved", self._race(campaign_id, "action_trade_approve"))
            self.assertIn("Running", self._race(campaign_id, "action_trade_start"))
            with self._open() as env:
                campaign = env["utm.campaign"].browse(campaign_id)
                self.assertEqual(campaign.trade_member_count, 6)
                self.assertEqual(campaign.trade_coupon_count, 4, "as far as the budget goes")
                self.assertEqual(campaign.trade_message_count, 4)

    def test_last_coupons_are_handed_out_once(self):
        for _number in range(20 if SOAK else 1):
            campaign_id = self._make_campaign(trade_coupon_budget=20)
            with self._open() as env:
                campaign = env["utm.campaign"].browse(campaign_id)
                campaign.with_user(self.user_ids[1]).action_trade_approve()
                campaign._start()
                campaign.trade_coupon_budget = 50
            self._race(campaign_id, "_hand_out_coupons")
            with self._open() as env:
                campaign = env["utm.campaign"].browse(campaign_id)
                self.assertEqual(campaign.trade_coupon_count, 5)
                cards = env["loyalty.card"].search(
                    [("trade_member_ids.campaign_id", "=", campaign_id)]
                )
                self.assertEqual(len(cards), 5)
                self.assertEqual(len(cards.partner_id), 5)

    def test_two_cost_lines_share_the_budget(self):
        campaign_id = self._make_campaign(trade_coupon_budget=40)

        def add(env, user_id):
            costs = env["trade.campaign.cost"].with_user(user_id)
            return costs.create({"campaign_id": campaign_id, "name": "Half", "planned": 35})

        def second(env):
            try:
                retrying(lambda: add(env, self.user_ids[2]), env)
            except UserError as error:
                env.cr.rollback()
                return str(error)
            return None

        with mute_logger(*SILENT):
            with self._start() as env:
                add(env, self.user_ids[1])
                env.flush_all()
                waiting = self._run(second)
                self._wait_for_lock()
            self.assertIn("larger budget", waiting.get_result())
