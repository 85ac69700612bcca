from odoo import fields, models


class CrmLead(models.Model):
    """A stand-in, until the pool itself is there."""

    _inherit = "crm.lead"

    trade_pooled_at = fields.Datetime("In the pool since", readonly=True, copy=False)

    def _put_in_pool(self, kind, cause=None, details=None, note=None):
        self.env["trade.lead.log"]._log(
            self, kind, cause, details, note, by_user=kind == "release", from_owner_id=False
        )
        self.write({"user_id": False, "trade_pooled_at": fields.Datetime.now()})
