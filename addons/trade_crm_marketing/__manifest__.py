{
    "name": "Trade CRM: Marketing",
    "summary": "Campaigns for the tiers and segments of a trading company's customers",
    "version": "19.0.2.0.0",
    "category": "Marketing",
    "author": "Trade CRM",
    "license": "LGPL-3",
    "depends": ["trade_crm", "mass_mailing", "mass_mailing_sms", "loyalty", "sale_loyalty"],
    "external_dependencies": {"python": ["numpy", "scipy"]},
    "data": [
        "security/trade_crm_marketing_groups.xml",
        "security/ir.model.access.csv",
        # Campaigns
        "security/utm_campaign_rules.xml",
        "data/ir_cron_campaign.xml",
        # Messages
        "security/trade_message_rules.xml",
        "data/ir_cron_message_data.xml",
        "views/trade_message_views.xml",
        "views/trade_consent_views.xml",
        "views/trade_message_provider_views.xml",
        "views/res_config_settings_contact_views.xml",
        "views/preferences_templates.xml",
        # Campaigns and the rest
        "wizard/trade_mailing_reveal_views.xml",
        "views/mailing_mask_views.xml",
        # Campaigns
        "views/trade_campaign_member_views.xml",
        "views/trade_campaign_cost_views.xml",
        "views/utm_campaign_views.xml",
        "views/res_config_settings_campaign_views.xml",
        # Results and experiments
        "security/trade_campaign_result_rules.xml",
        "data/ir_cron_campaign_result.xml",
        "views/sale_order_campaign_views.xml",
        "views/trade_campaign_result_templates.xml",
        "wizard/trade_campaign_winner_views.xml",
        "views/utm_campaign_result_views.xml",
        "report/trade_campaign_report_views.xml",
        "views/campaign_result_menus.xml",
        "views/menus.xml",
    ],
    "demo": ["demo/campaign_demo.xml"],
    "uninstall_hook": "uninstall_hook",
    "assets": {
        "web.assets_tests": ["trade_crm_marketing/static/tests/tours/**/*"],
        "trade_crm.assets_inquiry": ["trade_crm_marketing/static/inquiry/*.css"],
    },
}
