from odoo import api, models
from odoo.tools import SQL


class MergePartnerAutomatic(models.TransientModel):
    """The merged customer is contacted as little as the one who wanted least."""

    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        self._keep_strictest_consent(src_partners, dst_partner)
        self._drop_repeated_messages(src_partners, dst_partner)
        self.env["trade.preference.alias"]._note(src_partners, dst_partner)
        # Odoo would drop all of theirs, in other campaigns as well.
        self.env["trade.campaign.member"].flush_model()
        self._drop_repeated_members(
            "trade_campaign_member", "campaign_id", src_partners, dst_partner
        )
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env["trade.message"].invalidate_model()
        self.env["trade.consent"].invalidate_model()
        self.env["trade.campaign.member"].invalidate_model()
        return result

    # ------------------------------------------------------------------
    # Consent
    # ------------------------------------------------------------------

    @api.model
    def _keep_strictest_consent(self, src_partners, dst_partner):
        """Whoever of them objected, has objected: a later yes of the other is not theirs."""
        partners = src_partners | dst_partner
        consents = self.env["trade.consent"].sudo()
        withdrawn = self._get_mixed_decisions(consents._get_all_decisions(partners.ids))
        withdrawn |= self._get_lost_blacklists(src_partners, dst_partner)
        proof = self.env._(
            "Merged with %(names)s, of whom one had objected.",
            names=", ".join(name or "?" for name in src_partners.mapped("name")),
        )
        consents.create(
            [
                {
                    "partner_id": dst_partner.id,
                    "company_id": company,
                    "channel": channel,
                    "purpose": purpose,
                    "decision": "withdrawn",
                    "source": "merge",
                    "proof": proof,
                }
                for channel, purpose, company in sorted(withdrawn, key=repr)
            ]
        )

    @api.model
    def _get_mixed_decisions(self, decisions):
        """What some agreed to and some objected to: ``{(channel, purpose, company id or None)}``"""
        partners = {key[0] for key in decisions}
        mixed = set()
        for channel, purpose, company in {key[1:] for key in decisions}:
            said = {
                decisions.get((partner, channel, purpose, company))
                or decisions.get((partner, channel, purpose, None))
                for partner in partners
            }
            if {"granted", "withdrawn"} <= said:
                mixed.add((channel, purpose, company))
        return mixed

    @api.model
    def _get_lost_blacklists(self, src_partners, dst_partner):
        """An address is on the blacklist, and the merged customer may have another one."""
        facts = self.env["trade.contact.guard"]._read_facts((src_partners | dst_partner).ids)
        own = facts[dst_partner.id]
        lost = set()
        for fact in facts.values():
            if fact["mail_listed"] and not own["mail_listed"]:
                lost.add("mail")
            if fact["phone_listed"] and not own["phone_listed"]:
                lost |= {"sms", "provider", "call"}
        rules = self.env["trade.consent.rule"]._get_modes(self.env.company)
        return {(channel, purpose, None) for channel, purpose in rules if channel in lost}

    # ------------------------------------------------------------------
    # Messages
    # ------------------------------------------------------------------

    @api.model
    def _drop_repeated_messages(self, src_partners, dst_partner):
        """Of one step of a campaign the merged customer keeps what went furthest."""
        self.env["trade.message"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM trade_message WHERE id IN (
                    SELECT id FROM (
                        SELECT id, row_number() OVER (
                                   PARTITION BY campaign_id, step
                                   ORDER BY state NOT IN ('sending', 'sent', 'unknown'),
                                            state <> 'failed', state <> 'skipped',
                                            partner_id <> %s, id) AS place
                          FROM trade_message WHERE partner_id = ANY(%s)
                    ) own WHERE place > 1)
                """,
                dst_partner.id,
                (src_partners | dst_partner).ids,
            )
        )
