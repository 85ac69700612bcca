def post_init_hook(env):
    """Every company starts with the default policy; the profiles are built in the background."""
    companies = env["res.company"].search([])
    for company in companies:
        tz = company.partner_id.tz or company.resource_calendar_id.tz
        if tz:
            company.trade_tz = tz
    env["trade.tier.policy"]._create_default(companies)
    env["trade.lifecycle.measure"]._create_default(companies)
    env["trade.reminder.level"]._create_default(companies)
    env.ref("trade_crm.ir_cron_refresh_profiles")._trigger()
    env["trade.territory.fill"]._request_all()
    env["crm.team"]._set_up_assignment()


def uninstall_hook(env):
    """Nothing of ours is left on a core table but ``res_company.trade_tz``, which Odoo drops."""
    env["crm.team"]._undo_assignment()
    env["ir.config_parameter"].search([("key", "=like", "trade_crm.%")]).unlink()
    # Their addresses would otherwise go on to make leads, with a field that is gone.
    env["trade.lead.channel"].with_context(active_test=False).search([]).unlink()
    sequences = env["ir.sequence"].with_context(active_test=False)
    sequences.search([("code", "=like", "trade.order.type.%")]).unlink()
