from odoo import api, fields, models
from odoo.tools import format_datetime


class TradeTicketLog(models.Model):
    """Why a ticket has its deadlines."""

    _inherit = "trade.ticket.log"

    @api.model
    def _get_reason(self, cause, details):
        if "policy_id" in details:
            return self._get_sla_reason(cause, details)
        if cause in ("first", "solve"):
            return self._get_target_name(cause)
        if cause == "wait":
            return self.env._("the ticket waits for the customer")
        return super()._get_reason(cause, details)

    @api.model
    def _get_target_name(self, target):
        return self.env._("First answer") if target == "first" else self.env._("Solution")

    @api.model
    def _get_sla_reason(self, cause, details):
        policy = self._get_name("trade.sla.policy", details["policy_id"], details["policy"])
        if not policy:
            return self.env._("no SLA policy fits")
        causes = {
            "opened": self.env._("opened"),
            "type": self.env._("another type"),
            "tier": self.env._("another tier of the customer"),
            "priority": self.env._("another priority"),
            "team": self.env._("another team"),
            "company": self.env._("another company"),
            "calendar": self.env._("working hours, holidays or policy changed"),
            "merged": self.env._("another ticket was merged into it"),
        }
        return self.env._(
            "%(cause)s: policy “%(policy)s”, first answer %(first)s, solved %(solve)s",
            cause=causes.get(cause, cause),
            policy=policy,
            first=self._describe_deadline(details, "first"),
            solve=self._describe_deadline(details, "solve"),
        )

    @api.model
    def _describe_deadline(self, details, target):
        """The deadline, and what it was before when that is another one."""
        new, old = details.get(target), details.get(f"{target}_before")
        text = self._format_moment(new)
        if not old or old == new:
            return text
        return self.env._("%(new)s (was %(old)s)", new=text, old=self._format_moment(old))

    @api.model
    def _format_moment(self, moment):
        if not moment:
            return "–"
        return format_datetime(self.env, fields.Datetime.to_datetime(moment), dt_format="short")
