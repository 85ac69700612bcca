from odoo import api, models
from odoo.tools import SQL

# Tables in which a customer is once for each of something else.
MEMBERSHIPS = {"trade_tag_member": "rule_id", "trade_segment_snapshot_member": "snapshot_id"}


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # The merge moves orders by SQL and would move profiles and sales too, as second rows
        # of the same customer. They are computed: the merged customer gets a new one.
        self.env.flush_all()
        for table in ("trade_customer_profile", "trade_sales_fact"):
            self.env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE partner_id = ANY(%s)",
                    SQL.identifier(table),
                    src_partners.ids,
                )
            )
        # Keys as well, and those of contacts, who move to the merged customer, stay theirs.
        self.env.cr.execute(
            SQL("DELETE FROM trade_identity_key WHERE partner_id = ANY(%s)", src_partners.ids)
        )
        for table, key in MEMBERSHIPS.items():
            self._drop_repeated_members(table, key, src_partners, dst_partner)
        self.env["trade.credit.account"].sudo()._merge_customers(src_partners, dst_partner)
        self.env.flush_all()
        profiles = self.env["trade.customer.profile"]
        profiles.invalidate_model(flush=False)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        profiles.sudo()._queue([dst_partner.id], None, "merge")
        return result

    @api.model
    def _drop_repeated_members(self, table, key, src_partners, dst_partner):
        """Of rows with the same ``key`` one may follow to the merged customer."""
        partners = (src_partners | dst_partner).ids
        self.env.cr.execute(
            SQL(
                "DELETE FROM %(table)s member USING %(table)s other"
                " WHERE member.partner_id = ANY(%(partners)s) AND other.partner_id = ANY(%(partners)s)"
                " AND member.%(key)s = other.%(key)s AND member.partner_id <> %(kept)s"
                " AND (other.partner_id = %(kept)s OR other.id < member.id)",
                table=SQL.identifier(table),
                key=SQL.identifier(key),
                partners=partners,
                kept=dst_partner.id,
            )
        )

    @api.model
    def _update_values(self, src_partners, dst_partner):
        # Odoo takes field by field, the place of one customer and the rule of another; and it
        # leaves the contacts of the others where they were.
        [placed] = (src_partners + dst_partner).filtered("territory_id")[-1:] or [dst_partner]
        values = {
            "territory_id": placed.territory_id.id,
            "territory_source": placed.territory_source,
            "territory_rule_id": placed.territory_rule_id.id,
        }
        result = super()._update_values(src_partners, dst_partner)
        customer = dst_partner.sudo().commercial_partner_id
        if customer == dst_partner:
            customer.with_context(trade_territory_moved=True).write(values)
        customer._align_contacts()
        return result
