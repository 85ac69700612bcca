from odoo import api, fields, models


class TradePresetValue(models.Model):
    """What an industry preset has last given to a record.

    A field that has another value now was edited by a person, and a record that is gone was
    deleted by one.
    """

    _name = "trade.preset.value"
    _description = "Value of an Industry Preset"
    _order = "company_id, key"
    _rec_name = "key"

    company_id = fields.Many2one(
        "res.company", ondelete="cascade", help="Empty for what all companies share."
    )
    key = fields.Char(required=True)
    preset = fields.Char(required=True)
    res_model = fields.Char("Model", required=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", required=True)
    values = fields.Json()

    _company_key_unique = models.UniqueIndex(
        "(company_id, key) WHERE company_id IS NOT NULL",
        "Somebody else is applying an industry preset: open it again in a moment.",
    )
    _shared_key_unique = models.UniqueIndex(
        "(key) WHERE company_id IS NULL",
        "Somebody else is applying an industry preset: open it again in a moment.",
    )

    @api.model
    def _get_by_key(self, company):
        """What ``company`` was given, and what all companies share: ``{key: row}``."""
        rows = self.search([("company_id", "in", [company.id, False])])
        return {row.key: row for row in rows}

    def _get_record(self):
        """The record that it was given to, empty if it is gone."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id).exists()
