from odoo import fields, models


class ResPartner(models.Model):
    """What kind of buyer a customer is, and how it was acquired."""

    _inherit = "res.partner"

    # Without groups: Odoo hands commercial fields on to contacts as whoever edits them.
    trade_customer_type_id = fields.Many2one(
        "trade.customer.type", string="Customer type", index="btree_not_null"
    )
    trade_acquisition_medium_id = fields.Many2one(
        "utm.medium",
        string="Acquisition channel",
        index="btree_not_null",
        help="How the customer was acquired: advertising, exhibition, live stream, referral.",
    )
    trade_acquisition_source_id = fields.Many2one(
        "utm.source",
        string="Acquisition source",
        index="btree_not_null",
        help="Where exactly: which exhibition, which platform, who referred the customer.",
    )

    def _commercial_fields(self):
        # A contact is acquired with its company: what it brings does not change the company's.
        return [
            *super()._commercial_fields(),
            "trade_acquisition_medium_id",
            "trade_acquisition_source_id",
        ]

    def _synced_commercial_fields(self):
        return [*super()._synced_commercial_fields(), "trade_customer_type_id"]
