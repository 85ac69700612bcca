from odoo.tools import SQL

MIXINS = ("mail.thread", "mail.activity.mixin")


def uninstall_hook(env):
    """Campaigns are bare names again: Odoo forgets what a model inherits only with one of the two."""
    env.cr.execute(
        SQL(
            "DELETE FROM ir_model_inherit USING ir_model model, ir_model parent"
            " WHERE ir_model_inherit.model_id = model.id AND ir_model_inherit.parent_id = parent.id"
            " AND model.model = 'utm.campaign' AND parent.model IN %s",
            MIXINS,
        )
    )
    env.cr.execute(
        "UPDATE ir_model SET is_mail_thread = FALSE, is_mail_activity = FALSE"
        " WHERE model = 'utm.campaign'"
    )
