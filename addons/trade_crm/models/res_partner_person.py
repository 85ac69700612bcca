from odoo import fields, models

GENDERS = [("female", "Female"), ("male", "Male"), ("other", "Other")]
CHANNELS = [
    ("call", "Phone"),
    ("chat", "Chat, such as WeChat"),
    ("text", "Text message"),
    ("mail", "E-mail"),
    ("visit", "Visit"),
]


class ResPartner(models.Model):
    """What is known of a person, besides what they do for a company (``function``)."""

    _inherit = "res.partner"

    trade_birthday = fields.Date("Birthday", index="btree_not_null")
    trade_gender = fields.Selection(GENDERS, "Gender")
    trade_preferred_channel = fields.Selection(
        CHANNELS, "Preferred channel", help="How this customer or person likes to be reached."
    )
