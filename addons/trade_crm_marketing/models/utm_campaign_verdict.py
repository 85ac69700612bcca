"""What an experiment says, in words and tables."""

from odoo import api, models
from odoo.tools import formatLang

from ..analytics.experiment import BETTER, OPEN, SAME, UNSOUND, Arm, get_best_probabilities
from ..analytics.proportions import ALPHA, get_quantile, get_wilson_interval
from ..analytics.sequence import get_information, get_mean_sequence

CLASSES = {
    BETTER: "alert-success",
    SAME: "alert-info",
    OPEN: "alert-secondary",
    UNSOUND: "alert-warning",
}


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    @api.depends(
        "trade_metric", "trade_baseline", "trade_effect", "trade_winner_id", "trade_started_at",
        "trade_cost_ids.actual",
    )  # fmt: skip
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_trade_experiment(self):
        has_access = self.env["trade.campaign.member"].has_access("read")
        for campaign in self:
            campaign.trade_experiment = (
                self.env["ir.qweb"]._render(
                    "trade_crm_marketing.campaign_experiment", campaign._prepare_experiment()
                )
                if has_access and campaign.trade_started_at
                else False
            )

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

    def _explain_verdict(self, verdict):
        """The verdict as a sentence."""
        names = {variant.id: variant.name for variant in self.sudo().trade_variant_ids}
        if verdict.kind == BETTER:
            return self.env._("Variant %s is better.", names[verdict.winner])
        if verdict.kind == SAME:
            return self.env._("No difference that matters.")
        if verdict.kind == UNSOUND:
            return self.env._("No verdict: the groups are not as they were drawn.")
        return self.env._("Not enough data.")

    def _advise(self, verdict):
        """What to do about the verdict."""
        if verdict.kind == BETTER:
            return self.env._(
                "You may stop here. Of such verdicts, 5 % at most are wrong, however often you look."
            )
        if verdict.kind == SAME:
            return self.env._(
                "The variants differ by less than %s points for sure. Take the cheaper one.",
                formatLang(self.env, self.trade_effect, digits=1),
            )
        if verdict.kind == UNSOUND:
            return self.env._("Find out why customers of a variant are missing before you decide.")
        if len(self.sudo().trade_variant_ids) < 2:
            return self.env._("There is one variant only: nothing to compare but those held out.")
        if not self._is_fair(self._is_experiment_over()):
            return self.env._(
                "Not everything was sent, or the variants were sent at different times: one had more time to "
                "work than the other."
            )
        return self.env._("Wait for more customers to respond. You may look as often as you like.")

    def _get_ratio_warning(self, verdict, ratio):
        if verdict.kind != UNSOUND:
            return None
        return self.env._(
            "The numbers of customers do not fit the shares of the variants (p = %s): something removed "
            "customers of one variant, and the figures below compare unequal groups.",
            formatLang(self.env, ratio, digits=6),
        )

    # ------------------------------------------------------------------
    # Tables
    # ------------------------------------------------------------------

    def _prepare_experiment(self):
        self.ensure_one()
        groups = self._read_groups()
        verdict, ratio = self._get_verdict(groups)
        metrics = dict(self._fields["trade_metric"]._description_selection(self.env))
        against, increments = self._prepare_increments(groups)
        return {
            "warning": self._get_ratio_warning(verdict, ratio),
            "verdict": self._explain_verdict(verdict),
            "verdict_class": CLASSES[verdict.kind],
            "advice": self._advise(verdict),
            "metric": metrics[self.trade_metric],
            "arms": self._prepare_arms(groups),
            "pairs": self._prepare_pairs(groups, verdict),
            "against": against,
            "increments": increments,
        }

    def _get_arms(self, groups):
        return [
            Arm(variant.id, groups[variant.id][1].orders.count, groups[variant.id][0])
            for variant in self.sudo().trade_variant_ids
            if variant.id in groups
        ]

    def _prepare_arms(self, groups):
        arms = self._get_arms(groups)
        chances = get_best_probabilities(arms) if len(arms) > 1 else [None] * len(arms)
        names = {variant.id: variant.name for variant in self.sudo().trade_variant_ids}
        rows = []
        for arm, chance in zip(arms, chances, strict=True):
            interval = get_wilson_interval(arm.successes, arm.size, get_quantile(ALPHA))
            low, high = (self._format_share(limit, 2) for limit in interval)
            share = self._format_share(arm.successes / arm.size, 2)
            rows.append(
                {
                    "name": names[arm.key],
                    "won": arm.key == self.sudo().trade_winner_id.id,
                    "size": self._format_count(arm.size),
                    "successes": self._format_count(arm.successes),
                    "share": self.env._(
                        "%(share)s (%(low)s to %(high)s)", share=share, low=low, high=high
                    ),
                    "best": "–" if chance is None else self._format_share(chance),
                    "revenue": self._format_money(groups[arm.key][1].revenue.mean),
                }
            )
        return rows

    def _prepare_pairs(self, groups, verdict):
        names = {variant.id: variant.name for variant in self.sudo().trade_variant_ids}
        rows = []
        for (one, two), difference in verdict.differences.items():
            alpha = ALPHA / len(verdict.differences)
            revenue = self._get_revenue_difference(groups[one][1], groups[two][1], alpha)
            rows.append(
                {
                    "name": self.env._("%(one)s less %(two)s", one=names[one], two=names[two]),
                    "share": self._format_interval(difference, self._format_points),
                    "revenue": self._format_interval(revenue, self._format_money),
                }
            )
        return rows

    def _get_revenue_difference(self, one, two, alpha):
        """Difference of the revenue per customer; None when there are too few customers."""
        sizes = (one.revenue.count, two.revenue.count)
        if min(sizes) < 2 or not one.buyers + two.buyers:
            return None
        planned = get_information([size * self.trade_baseline / 100 for size in sizes], sizes)
        return get_mean_sequence(one.revenue, two.revenue, (one.buyers, two.buyers), planned, alpha)

    def _prepare_increments(self, groups):
        """What is said about the comparison with those held out, and its table."""
        held_out = groups.get(None)
        if held_out is None:
            return self.env._("Nobody was held out: what the campaign changed cannot be told."), []
        increment = self._get_increment(groups)
        if increment.orders is None:
            return self.env._("Not enough data to compare with those held out."), []
        kinds = [
            (self.env._("Orders"), increment.orders, self._format_orders),
            (self.env._("Revenue"), increment.revenue, self._format_money),
        ]
        if self._shows_money():
            kinds += [
                (self.env._("Margin"), increment.margin, self._format_money),
                (self.env._("Margin less cost"), increment.profit, self._format_money),
                (self.env._("ROI"), increment.roi, self._format_share),
            ]
        rows = [
            {
                "name": name,
                "value": formatted(value.value),
                "interval": self._format_limits(value, formatted),
            }
            for name, value, formatted in kinds
            if value is not None
        ]
        return self._judge_increment(increment, held_out[1]), rows

    def _judge_increment(self, increment, held_out):
        names = {"count": self._format_count(held_out.orders.count)}
        if increment.margin.low > 0:
            return self.env._(
                "Compared with %(count)s customers who got nothing, the campaign earned margin that would "
                "not have come otherwise.",
                **names,
            )
        if increment.margin.high < 0:
            return self.env._(
                "Compared with %(count)s customers who got nothing, the campaign lost margin.",
                **names,
            )
        return self.env._(
            "Compared with %(count)s customers who got nothing: not enough data to tell whether the "
            "campaign earned anything.",
            **names,
        )

    # ------------------------------------------------------------------
    # Format
    # ------------------------------------------------------------------

    @api.model
    def _format_points(self, share, sign=True):
        """A difference of shares in points."""
        text = formatLang(self.env, 100 * share, digits=2)
        return f"+{text}" if sign and share > 0 else text

    @api.model
    def _format_orders(self, number):
        return formatLang(self.env, number, digits=1)

    def _format_interval(self, difference, formatted):
        if difference is None:
            return "–"
        return self.env._(
            "%(value)s (%(limits)s)",
            value=formatted(float(difference.value)),
            limits=self._format_limits(difference, formatted),
        )

    def _format_limits(self, difference, formatted):
        return self.env._(
            "%(low)s to %(high)s",
            low=formatted(float(difference.low)),
            high=formatted(float(difference.high)),
        )
