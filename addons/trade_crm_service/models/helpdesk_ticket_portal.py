from odoo import models


class HelpdeskTicket(models.Model):
    """How a ticket goes, as the customer sees it."""

    _inherit = "helpdesk.ticket"

    def _get_portal_steps(self):
        """Steps with what was done when, in order, as superuser.

        :return: list of dicts of label, note, at (naive UTC or None), and state: "done", "now" or
            "next"
        """
        self.ensure_one()
        steps = [
            self._make_step(self.env._("Received"), self.trade_opened_at or self.create_date),
            *self._get_assigned_steps(),
            *self._get_stage_steps(),
        ]
        if self.stage_id.closed:
            return steps
        if self.stage_id.trade_kind == "wait":
            steps[-1]["note"] = self.env._("We wait for your answer.")
        steps[-1]["state"] = "now"
        return [*steps, self._make_step(self.env._("Solved"), None, state="next")]

    def _make_step(self, label, moment, note=None, state="done"):
        return {"label": label, "at": moment, "note": note, "state": state}

    def _get_assigned_steps(self):
        if not self.user_id:
            return []
        label = self.env._("Assigned")
        return [self._make_step(label, self.assigned_date, note=self.user_id.name)]

    def _get_stage_steps(self):
        """Stages that the customer is told of, and the end."""
        logs = self.trade_log_ids.filtered(lambda log: log.kind == "stage").sorted("id")
        steps = []
        for log in logs:
            stage = self.env["helpdesk.ticket.stage"].browse(log.details["stage_id"]).exists()
            if stage.trade_tell or stage.closed:
                label = self.env._("Solved") if stage.trade_kind == "solved" else stage.name
                steps.append(self._make_step(label, log.happened_at))
        return steps

    def _log_stages(self):
        """Note which stage these tickets have come to."""
        self.env["trade.ticket.log"]._log(
            self,
            "stage",
            "stage",
            per_ticket={
                ticket.id: {
                    "details": {"stage_id": ticket.stage_id.id, "stage": ticket.stage_id.name}
                }
                for ticket in self
            },
        )
