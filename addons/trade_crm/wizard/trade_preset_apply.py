from odoo import api, fields, models
from odoo.exceptions import UserError

ACTIONS = [
    ("add", "Added"),
    ("change", "Changed"),
    ("keep", "Kept as edited"),
    ("same", "Already so"),
]


class TradePresetApply(models.TransientModel):
    """Choose an industry, see what it changes, apply it."""

    _name = "trade.preset.apply"
    _description = "Apply an Industry Preset"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        domain=lambda self: [("id", "in", self.env.companies.ids)],
    )
    preset = fields.Selection("_get_preset_selection", string="Industry", required=True)
    description = fields.Char(compute="_compute_description")
    problem = fields.Char(compute="_compute_line_ids", store=True)
    line_ids = fields.One2many(
        "trade.preset.apply.line",
        "apply_id",
        compute="_compute_line_ids",
        store=True,
    )
    version = fields.Char(
        compute="_compute_version",
        store=True,
        readonly=False,
        help="Of the preview: another one as soon as something else would be applied.",
    )
    add_count = fields.Integer(compute="_compute_counts")
    change_count = fields.Integer(compute="_compute_counts")
    keep_count = fields.Integer(compute="_compute_counts")

    @api.model
    def _get_preset_selection(self):
        presets = self.env["trade.preset"]._get_presets()
        return [(code, preset["name"]) for code, preset in presets.items()]

    @api.depends("preset")
    @api.depends_context("lang")
    def _compute_description(self):
        presets = self.env["trade.preset"]._get_presets()
        for wizard in self:
            wizard.description = presets[wizard.preset]["description"] if wizard.preset else ""

    @api.depends("preset", "company_id")
    def _compute_line_ids(self):
        for wizard in self:
            wizard.problem = False
            wizard.line_ids = [fields.Command.clear()]
            if not wizard.preset or not wizard.company_id:
                continue
            presets = wizard._get_presets()
            if not presets._find_policy():
                wizard.problem = presets._get_no_policy_message()
                continue
            wizard.line_ids = [
                fields.Command.create(presets._describe_change(item, change))
                for item, found in presets._get_changes(wizard.preset)
                for change in found
            ]

    @api.depends("preset", "company_id")
    def _compute_version(self):
        for wizard in self:
            wizard.version = wizard._get_version()

    def _get_version(self):
        if not self.preset or not self.company_id:
            return False
        presets = self._get_presets()
        if not presets._find_policy():
            return False
        return presets._get_version(presets._get_changes(self.preset))

    @api.depends("line_ids.action")
    def _compute_counts(self):
        for wizard in self:
            actions = wizard.line_ids.mapped("action")
            wizard.add_count = actions.count("add")
            wizard.change_count = actions.count("change")
            wizard.keep_count = actions.count("keep")

    def _get_presets(self):
        # Odoo computes stored fields as superuser; what is previewed is what the user may see.
        return self.sudo(False).env["trade.preset"].with_company(self.company_id)

    def action_apply(self):
        """Do what the preview says, or nothing if something else would be done by now."""
        self.ensure_one()
        presets = self._get_presets()
        presets._get_policy()
        if self.version != self._get_version():
            raise UserError(
                self.env._(
                    "Somebody has changed a tier, limit or customer type since this preview was "
                    "made: close it and choose the preset again."
                )
            )
        changes = presets._apply(self.preset)
        actions = [change.action for _item, found in changes for change in found]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self._get_result(actions.count("add") + actions.count("change")),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_result(self, count):
        if not count:
            return self.env._("Nothing was left to change.")
        return self.env._(
            "The preset is applied: %(count)s changes. Customers are sorted anew in the background.",
            count=count,
        )


class TradePresetApplyLine(models.TransientModel):
    _name = "trade.preset.apply.line"
    _description = "Preview of an Industry Preset"

    apply_id = fields.Many2one("trade.preset.apply", required=True, ondelete="cascade")
    section = fields.Char()
    name = fields.Char("Record")
    field_label = fields.Char("Field")
    action = fields.Selection(ACTIONS, string="Result")
    old_value = fields.Char("Now")
    new_value = fields.Char("Preset")
