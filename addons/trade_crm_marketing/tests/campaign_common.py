from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.trade_crm.tests.audience_common import AudienceCommon


class CampaignCommon(AudienceCommon):
    """The sixty buyers, half of them in Zhejiang, and who plans campaigns for them.

    ::

        planner       marketer of the whole country, responsible for `campaign`
        chief, second marketing managers
        user_marketer_east of Zhejiang alone

        everybody     segment of the sixty buyers
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "trade_crm.group_marketer,trade_crm.group_all_territories"
        chiefs = f"trade_crm_marketing.group_marketing_manager,{groups}"
        cls.planner, cls.chief, cls.second = (
            new_test_user(
                cls.env,
                login=f"campaign_{login}",
                groups=user_groups,
                company_id=cls.company_cn.id,
                company_ids=[Command.set(cls.company_cn.ids)],
            )
            for login, user_groups in (("planner", groups), ("chief", chiefs), ("second", chiefs))
        )
        cls.everybody = cls._make_segment({"domain": "[('name', '=like', 'Buyer %')]"})
        cls.mailing = cls.env["mailing.mailing"].create(
            {
                "subject": "Spring tea",
                "mailing_model_id": cls.env["ir.model"]._get_id("res.partner"),
                "body_html": "<p>Tea</p>",
            }
        )
        cls.campaign = cls._make_campaign()
        cls.env.flush_all()

    @classmethod
    def _make_campaign(cls, user=None, variants=None, **values):
        """A draft as ``user`` plans it; the planner by default."""
        user = user or cls.planner
        variants = variants or [{"name": "A", "mailing_id": cls.mailing.id}]
        # Each campaign has mailings of its own.
        taken = cls.mailing.trade_variant_ids
        own = cls.mailing.copy() if taken else cls.mailing
        variants = [
            {**variant, "mailing_id": own.id}
            if variant.get("mailing_id") == cls.mailing.id
            else variant
            for variant in variants
        ]
        campaign = cls._as(user, cls.env["utm.campaign"]).create(
            {
                "title": "Spring tea",
                "trade_is_campaign": True,
                "trade_company_id": cls.company_cn.id,
                "trade_segment_ids": [Command.set(cls.everybody.ids)],
                "trade_holdout": 0,
                "trade_variant_ids": [Command.create(variant) for variant in variants],
                **values,
            }
        )
        # The same draw in every run.
        campaign.sudo().trade_seed = "spring"
        return campaign

    @classmethod
    def _approve(cls, campaign):
        campaign.action_trade_submit()
        cls._as(cls.chief, campaign).action_trade_approve()
        return campaign

    @classmethod
    def _start(cls, campaign):
        cls._approve(campaign).action_trade_start()
        return campaign.trade_member_ids
