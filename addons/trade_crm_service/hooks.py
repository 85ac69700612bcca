DONE = "helpdesk_mgmt.helpdesk_ticket_stage_done"
OUR_TEMPLATE = "trade_crm_service.mail_template_ticket_solved"
THEIR_TEMPLATE = "helpdesk_mgmt.closed_ticket_template"


def post_init_hook(env):
    """The stages and types get their meaning; a stage that somebody has changed keeps its mail."""
    lang = env.company.partner_id.lang or env.user.lang
    env["trade.ticket.type"].with_context(lang=lang)._set_up_properties()
    env["helpdesk.ticket.stage"]._set_up_kinds()
    swap_template(env, THEIR_TEMPLATE, OUR_TEMPLATE)


def uninstall_hook(env):
    swap_template(env, OUR_TEMPLATE, THEIR_TEMPLATE)


def swap_template(env, old, new):
    """Have the stage Done send the template ``new``, if it sends ``old``."""
    stage, old, new = (env.ref(xmlid, raise_if_not_found=False) for xmlid in (DONE, old, new))
    if stage and new and stage.mail_template_id == old:
        stage.mail_template_id = new
