from datetime import timedelta

from odoo import fields, models
from odoo.tools import plaintext2html

from ..analytics.satisfaction import classify
from .trade_survey_invitation import LEVELS, SCORES

COMMENT_LENGTH = 2000
# Satisfied with 1 or 2 of 5 is as bad as a detractor.
BAD_LEVELS = ("1", "2")


class TradeSurveyInvitation(models.Model):
    """An answer, and what follows from a bad one."""

    _inherit = "trade.survey.invitation"

    # ------------------------------------------------------------------
    # Read what was sent
    # ------------------------------------------------------------------

    def _read_score(self, params):
        """The score that was tapped; nothing if there is none, or none of 0 to 10."""
        score = params.get("score")
        return score if score in dict(SCORES) else None

    def _read_details(self, params, causes):
        """Values of the second step; whatever was not offered is left out.

        :param params: texts by name
        :param causes: list of the ids that were ticked, as texts
        """
        offered = self.survey_id.cause_ids.filtered("active")
        level = params.get("csat") if self.survey_id.ask_csat else None
        comment = (params.get("comment") or "").replace("\x00", "").strip()
        return {
            "csat": level if level in dict(LEVELS) else False,
            "cause_ids": [
                fields.Command.set(offered.filtered(lambda cause: str(cause.id) in causes[:50]).ids)
            ],
            "comment": comment[:COMMENT_LENGTH] or False,
        }

    # ------------------------------------------------------------------
    # Take
    # ------------------------------------------------------------------
    # As superuser. Of two requests at a time, the one that finds the row locked came too late.

    def _take_score(self, score):
        """The first tap counts; whether it was this one."""
        self.ensure_one()
        if self._get_state() != "open" or not self.try_lock_for_update():
            return False
        self.write(
            {
                "nps": score,
                "nps_group": classify(int(score)),
                "answered_at": fields.Datetime.now(),
            }
        )
        if self.nps_group == "detractor":
            self._open_recovery()
        return True

    def _take_details(self, values):
        """What is added to the score, once; whether it was."""
        self.ensure_one()
        if self._get_state() != "details" or not self.try_lock_for_update():
            return False
        self.write({**values, "details_at": fields.Datetime.now()})
        if self.csat in BAD_LEVELS:
            self._open_recovery()
        if self.recovery_ticket_id:
            self.recovery_ticket_id._message_log(body=plaintext2html(self._describe_answer()))
        return True

    # ------------------------------------------------------------------
    # Recovery
    # ------------------------------------------------------------------

    def _open_recovery(self):
        """A ticket to win the person back, with a deadline; one per answer."""
        kind = self.survey_id.recovery_type_id
        if not kind or self.recovery_ticket_id:
            return
        # What is written into a ticket is for the company to read.
        here = self.with_context(
            lang=self.company_id.partner_id.lang or None, mail_create_nosubscribe=True
        )
        ticket = here.env["helpdesk.ticket"].create(here._prepare_recovery_values(kind))
        self.recovery_ticket_id = ticket
        owner = ticket.user_id or self.company_id.trade_ticket_owner_id
        if not owner:
            return
        ticket.activity_schedule(
            "trade_crm_service.mail_activity_type_recovery",
            date_deadline=fields.Date.context_today(ticket)
            + timedelta(days=self.survey_id.recovery_days),
            user_id=owner.id,
        )

    def _prepare_recovery_values(self, kind):
        ticket = self.ticket_id
        return {
            "name": self.env._("Win back: %(name)s", name=self.partner_name or ""),
            "description": plaintext2html(self._describe_answer()),
            "partner_id": self.partner_id.id,
            "partner_name": self.partner_name,
            "partner_email": self.email,
            "company_id": self.company_id.id,
            "team_id": self.team_id.id,
            "trade_type_id": kind.id,
            "trade_previous_id": ticket.id,
            "trade_order_id": ticket.trade_order_id.id,
            "trade_product_id": ticket.trade_product_id.id,
            "priority": "2",
            "user_id": False,
        }

    def _describe_answer(self):
        lines = [self.env._("Would recommend us: %(score)s of 10", score=self.nps)]
        if self.csat:
            lines.append(self.env._("Satisfied: %(level)s of 5", level=self.csat))
        if self.cause_ids:
            lines.append(
                self.env._("Causes: %(names)s", names=", ".join(self.cause_ids.mapped("name")))
            )
        if self.comment:
            lines.append(self.comment)
        return "\n".join(lines)
