"""Links in mails that were sent lead on when the customer is merged with another."""

from odoo import api, fields, models
from odoo.tools import SQL


class TradePreferenceAlias(models.Model):
    """Which customer took the place of one that was merged: numbers only, of records that may be gone."""

    _name = "trade.preference.alias"
    _description = "Customer That Was Merged"
    _log_access = False

    old_id = fields.Integer(required=True)
    new_id = fields.Integer(required=True, index=True)

    _once = models.UniqueIndex("(old_id)")

    @api.model
    def _note(self, src_partners, dst_partner):
        """Links of ``src_partners``, and of whoever they took the place of, lead to ``dst_partner``."""
        self.env.cr.execute(
            SQL(
                "UPDATE trade_preference_alias SET new_id = %s WHERE new_id = ANY(%s)",
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_preference_alias (old_id, new_id) SELECT unnest(%s), %s"
                " ON CONFLICT (old_id) DO UPDATE SET new_id = EXCLUDED.new_id",
                src_partners.ids,
                dst_partner.id,
            )
        )
        self.invalidate_model()

    @api.model
    def _follow(self, partner):
        """:return: ``partner``, or who took its place, or nobody"""
        if found := partner.exists():
            return found
        alias = self.sudo().search([("old_id", "=", partner.id)])
        return partner.browse(alias.new_id or ()).exists()
