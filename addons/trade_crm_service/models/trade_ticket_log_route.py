from odoo import api, models


class TradeTicketLog(models.Model):
    """Why a ticket went to somebody."""

    _inherit = "trade.ticket.log"

    @api.model
    def _get_reason(self, cause, details):
        if cause in ("rule", "team"):
            return self._get_load_reason(cause, details)
        return self._get_fallback_reason(cause, details) or super()._get_reason(cause, details)

    @api.model
    def _get_load_reason(self, cause, details):
        team = self._get_name("helpdesk.ticket.team", details.get("team_id"), details.get("team"))
        load = f"{details.get('load') or 0:g}"
        if cause == "team":
            return self.env._(
                "team %(team)s shares out by load: %(load)s open, the least", team=team, load=load
            )
        rule = self._get_name("trade.ticket.route", details.get("rule_id"), details.get("rule"))
        return self.env._(
            "rule “%(rule)s”, team %(team)s: %(load)s open, the least",
            rule=rule,
            team=team,
            load=load,
        )

    @api.model
    def _get_fallback_reason(self, cause, details):
        missing = self._get_missing_reason(details)
        if cause == "leader":
            return self.env._("leader of the team, because %(missing)s", missing=missing)
        if cause == "territory":
            name = self._get_name(
                "trade.territory", details.get("territory_id"), details.get("territory")
            )
            return self.env._(
                "manager of the territory %(name)s, because %(missing)s", name=name, missing=missing
            )
        if cause == "company":
            return self.env._("owner of last resort, because %(missing)s", missing=missing)
        if cause == "nobody":
            return self.env._(
                "nobody could be found: enter an owner of last resort in the settings"
            )
        return None

    @api.model
    def _get_missing_reason(self, details):
        if not details.get("rule_id"):
            return self.env._("no rule fits")
        rule = self._get_name("trade.ticket.route", details["rule_id"], details.get("rule"))
        return self.env._("nobody of the rule “%(rule)s” may see the customer", rule=rule)
