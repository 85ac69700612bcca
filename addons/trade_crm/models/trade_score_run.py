from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

from .trade_tier_policy import ScoreCuts


class TradeScoreRun(models.Model):
    """One computation of the cut points that scores are read from until the next one."""

    _name = "trade.score.run"
    _description = "Score Run"
    _rec_name = "computed_on"
    _order = "id desc"
    _log_access = False

    policy_id = fields.Many2one(
        "trade.tier.policy", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="policy_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    computed_on = fields.Datetime(required=True, readonly=True)
    window_months = fields.Integer("Window (months)", readonly=True)
    customer_count = fields.Integer(
        "Customers", readonly=True, help="Customers that bought within the window."
    )
    cuts = fields.Json(readonly=True)
    cut_table = fields.Html("Scores", compute="_compute_cut_table", sanitize=False)

    def _get_cuts(self):
        """The cut points as ``ScoreCuts``."""
        self.ensure_one()
        return ScoreCuts(**{name: tuple(values) for name, values in self.cuts.items()})

    @api.depends("cuts")
    @api.depends_context("lang")
    def _compute_cut_table(self):
        for run in self:
            run.cut_table = run._format_cuts()

    def _format_cuts(self):
        """What each score stands for, from 5 to 1, as a table."""
        cuts = self._get_cuts()
        columns = [
            [format_date(self.env, day) for day in cuts.recency],
            [str(count) for count in cuts.frequency],
            [self.currency_id.format(amount) for amount in cuts.monetary],
        ]
        titles = [
            self.env._("Score"),
            self.env._("Recency: last purchase"),
            self.env._("Frequency: orders within the window"),
            self.env._("Monetary value: revenue within the window"),
        ]
        head = Markup("").join(Markup("<th>%s</th>") % title for title in titles)
        body = Markup("").join(
            Markup("<tr><td>%s</td>%s</tr>")
            % (
                score,
                Markup("").join(
                    Markup("<td>%s</td>") % self._format_range(values, score) for values in columns
                ),
            )
            for score in range(5, 0, -1)
        )
        return Markup(
            "<table class='table table-sm'><thead><tr>%s</tr></thead><tbody>%s</tbody></table>"
        ) % (head, body)

    def _format_range(self, values, score):
        """Which values get ``score``, by the cut points ``values``."""
        if not values:
            return self.env._("everybody that ever bought") if score == 1 else "–"
        if score == 1:
            return self.env._("up to %(limit)s", limit=values[0])
        if score == 5:
            return self.env._("after %(limit)s", limit=values[3])
        if values[score - 2] == values[score - 1]:
            return "–"
        return self.env._(
            "after %(low)s, up to %(high)s", low=values[score - 2], high=values[score - 1]
        )
