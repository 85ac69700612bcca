from odoo import fields, models

GENDERS = [("female", "Female"), ("male", "Male"), ("other", "Other")]


class ResPartner(models.Model):
    """What is known of a person, besides what they do for a company (``function``)."""

    _inherit = "res.partner"

    trade_birthday = fields.Date("Birthday", index="btree_not_null")
    trade_gender = fields.Selection(GENDERS, "Gender")
