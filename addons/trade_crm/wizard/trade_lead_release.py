from odoo import fields, models
from odoo.exceptions import UserError


class TradeLeadRelease(models.TransientModel):
    """Gives leads back to the pool."""

    _name = "trade.lead.release"
    _description = "Give Leads Back to the Pool"

    lead_ids = fields.Many2many(
        "crm.lead", string="Leads", required=True, context={"active_test": False}
    )
    reason = fields.Char(required=True)

    def action_release(self):
        """Put the leads in the pool.

        :raise UserError: when one of them is not the user's to give back, or has ended
        """
        self.ensure_one()
        self.lead_ids.check_access("write")
        manager = self.env.user.has_group("sales_team.group_sale_manager")
        for lead in self.lead_ids:
            if not manager and lead.user_id != self.env.user:
                raise UserError(
                    self.env._("“%s” is not your lead: only yours go back.", lead.display_name)
                )
        done = self.lead_ids._put_in_pool("release", note=self.reason)
        if ended := self.lead_ids - done:
            raise UserError(
                self.env._(
                    "“%s” is won, lost or in the pool already. Leave it out.", ended[0].display_name
                )
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Given back: %s", len(done)),
                # Who gave a lead back does not see it any more.
                "next": self.env["ir.actions.actions"]._for_xml_id("crm.crm_lead_action_pipeline"),
            },
        }
