"""Odoo's own A/B test of mailings, with a verdict."""

from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from ..analytics.experiment import BETTER, SAME, Arm, judge
from .utm_campaign_experiment import RULE

# What the rules of Odoo count; those that count money are told apart by clicks.
COUNTED = {"opened_ratio": "opened", "replied_ratio": "replied"}


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _get_trade_verdict(self):
        """:return: :class:`Verdict` on the mailings of the A/B test that were sent, None before"""
        mailings = self._get_ab_testing_siblings_mailings().sudo()
        mailings = mailings.filtered(lambda mailing: mailing.state == "done")
        counted = COUNTED.get(self.ab_testing_winner_selection, "clicked")
        arms = [Arm(m.id, m.delivered, min(m[counted], m.delivered)) for m in mailings]
        if len(arms) < 2:
            return None
        campaign_sudo = self.campaign_id.sudo()
        # The moment at which Odoo chooses is when everybody had the time to respond.
        decided_at = campaign_sudo.ab_testing_schedule_datetime
        return judge(
            arms,
            campaign_sudo.trade_baseline / 100,
            campaign_sudo.trade_effect / 100,
            is_over=bool(decided_at) and decided_at <= fields.Datetime.now(),
        )

    def _explain_trade_verdict(self, verdict):
        if verdict is None:
            return False
        if verdict.kind == BETTER:
            return self.env._("“%s” is better.", self.browse(verdict.winner).sudo().subject)
        if verdict.kind == SAME:
            return self.env._("No difference that matters.")
        return self.env._("Not enough data.")

    def _get_ab_testing_description_values(self):
        text = self._explain_trade_verdict(self._get_trade_verdict())
        return {**super()._get_ab_testing_description_values(), "trade_verdict": text}

    def action_send_winner_mailing(self):
        """By the rule of the verdict only a mailing that is surely the best is sent."""
        if not self or self[0].ab_testing_winner_selection != RULE:
            return super().action_send_winner_mailing()
        verdict = self[0]._get_trade_verdict()
        if verdict and verdict.kind == BETTER:
            return self.browse(verdict.winner).action_select_as_winner()
        if verdict and verdict.kind == SAME:
            first = min(key for pair in verdict.differences for key in pair)
            return self.browse(first).action_select_as_winner()
        if self.env.context.get("trade_ab_testing_cron"):
            cron = self.env.ref("mass_mailing.ir_cron_mass_mailing_ab_testing").sudo()
            cron._trigger(at=fields.Datetime.now() + timedelta(hours=1))
            return False
        raise UserError(
            self.env._(
                "Not enough data: none of these mailings is surely the best. Wait, or choose the rule "
                "“Manual” and send the one that you prefer."
            )
        )


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    def _compute_ab_testing_completed(self):
        # Odoo looks at all campaigns at once here, and asks for a single one.
        for campaign in self:
            campaign.ab_testing_completed = bool(campaign.ab_testing_winner_mailing_id)

    def _cron_process_mass_mailing_ab_testing(self):
        """A test without a verdict waits for the next run."""
        waiting = self.with_context(trade_ab_testing_cron=True)
        return super(UtmCampaign, waiting)._cron_process_mass_mailing_ab_testing()
