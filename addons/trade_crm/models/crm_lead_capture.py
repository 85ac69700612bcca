from odoo import api, fields, models


class CrmLead(models.Model):
    """Where a lead came in, and what its sender agreed to."""

    _inherit = "crm.lead"

    trade_channel_id = fields.Many2one(
        "trade.lead.channel",
        string="Channel",
        index="btree_not_null",
        ondelete="set null",
        tracking=True,
        help="Where the lead came in. It keeps its channel when another company takes it over.",
    )
    trade_consent_at = fields.Datetime("Agreed on", readonly=True, copy=False)
    trade_consent_text = fields.Text("Agreed to", readonly=True, copy=False)

    @api.onchange("trade_channel_id")
    def _onchange_trade_channel_id(self):
        if self.trade_channel_id:
            values = self.trade_channel_id._prepare_acquisition_values()
            self.update({name: value for name, value in values.items() if not self[name]})

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("import_file"):
            vals_list = [self._complete_import(vals) for vals in vals_list]
        return super().create([self._complete_from_channel(vals) for vals in vals_list])

    @api.model
    def _complete_import(self, vals):
        """Who imports a file is not the salesperson of what is in it, if Odoo can find one."""
        if (
            "user_id" in vals
            or "default_user_id" in self.env.context
            or not self._is_rule_based_assignment_activated()
        ):
            return vals
        vals = {**vals, "user_id": False}
        if not vals.get("team_id"):
            # Without a salesperson Odoo would show the lead to all companies.
            vals.setdefault("company_id", self.env.company.id)
        return vals

    @api.model
    def _complete_from_channel(self, vals):
        channel_id = vals.get("trade_channel_id", self.env.context.get("default_trade_channel_id"))
        if not channel_id:
            return vals
        channel_sudo = self.env["trade.lead.channel"].sudo().browse(channel_id)
        values = channel_sudo._prepare_acquisition_values()
        return vals | {name: value for name, value in values.items() if not vals.get(name)}

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Mail to the address of a channel."""
        custom_values = custom_values or {}
        if channel_id := custom_values.get("trade_channel_id"):
            channel_sudo = self.env["trade.lead.channel"].sudo().browse(channel_id).exists()
            if channel_sudo:
                custom_values = channel_sudo._prepare_lead_values() | custom_values
            else:
                custom_values = {**custom_values, "trade_channel_id": False}
        return super().message_new(msg_dict, custom_values)

    @api.model
    def get_import_templates(self):
        templates = [
            {
                "label": self.env._("Import Template for Leads with Channel"),
                "template": "/trade_crm/static/xls/leads.xlsx",
            }
        ]
        if (self.env.lang or "").startswith("zh"):
            templates[0]["template"] = "/trade_crm/static/xls/leads_zh_CN.xlsx"
        return templates + super().get_import_templates()
