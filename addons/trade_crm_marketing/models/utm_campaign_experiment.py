"""An experiment: how large, what it says, and the winner."""

import logging
from datetime import timedelta
from math import ceil

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.trade_crm.models.trade_profile_dirty import RETRIED_ERRORS

from ..analytics.experiment import BETTER, OPEN, SAME, check_ratio, judge
from ..analytics.increment import Group, get_increment
from ..analytics.means import Sample
from ..analytics.proportions import ALPHA, get_detectable_share, get_share_size
from ..analytics.sequence import get_final_multiplier
from .utm_campaign_audience import hash_sql

_logger = logging.getLogger(__name__)

# What an experiment is decided by, and the members that did it.
METRICS = [
    ("ordered", "Customers who order"),
    ("participated", "Customers who click or use their coupon"),
    ("clicked", "Customers who click"),
    ("opened", "Customers who open"),
]
SUCCESSES = {
    "ordered": SQL("member.order_count > 0"),
    "participated": SQL("(member.clicked_at IS NOT NULL OR member.coupon_used)"),
    "clicked": SQL("member.clicked_at IS NOT NULL"),
    "opened": SQL("member.opened_at IS NOT NULL"),
}
# Fixed when the campaign is approved: who changes them while looking at results deceives oneself.
PLAN_FIELDS = {"trade_metric", "trade_baseline", "trade_effect", "trade_power", "trade_test_share"}
RULE = "trade_verdict"


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    ab_testing_winner_selection = fields.Selection(
        selection_add=[(RULE, "Surely the best")], ondelete={RULE: "set default"}
    )
    trade_metric = fields.Selection(
        METRICS,
        "Decided by",
        required=True,
        default="ordered",
        help="All orders of a customer count here, whatever they are due to.",
    )
    trade_baseline = fields.Float(
        "Share expected (%)", default=5.0, help="Of the customers, when nothing is special."
    )
    trade_effect = fields.Float(
        "Difference that matters (points)",
        default=1.0,
        help="A smaller difference changes nothing for you: 1 is from 5 % to 6 %.",
    )
    trade_power = fields.Float(
        "Power (%)", default=80.0, help="How often an experiment finds a difference that matters."
    )
    trade_test_share = fields.Float(
        "In the test (%)",
        default=100.0,
        help="The others of the audience wait and get the winner. 100: everybody gets a variant at once.",
    )
    trade_winner_auto = fields.Boolean(
        "Winner by rule",
        compute="_compute_trade_winner_auto",
        inverse="_inverse_trade_winner_auto",
        help="As soon as the verdict is sure, who waits gets the winner; if no difference matters after "
        "the days of effect, the first variant. Else a person chooses.",
    )
    trade_winner_id = fields.Many2one(
        "trade.campaign.variant", "Winner", readonly=True, copy=False, ondelete="set null"
    )
    trade_waiting_count = fields.Integer("Wait for the winner", compute="_compute_trade_waiting")
    trade_size_needed = fields.Integer(
        "Customers per variant",
        compute="_compute_trade_size",
        help="For a verdict that is valid however often you look.",
    )
    trade_size_once = fields.Integer(
        "If looked at once, at the end",
        compute="_compute_trade_size",
        help="What textbooks give. Looking earlier would make its result wrong.",
    )
    trade_size_available = fields.Integer("You have per variant", compute="_compute_trade_size")
    trade_size_advice = fields.Char("Enough?", compute="_compute_trade_size")
    trade_experiment = fields.Html(
        "Verdict and figures", compute="_compute_trade_experiment", sanitize=False
    )

    _trade_experiment_numbers = models.Constraint(
        "CHECK (trade_baseline > 0 AND trade_effect > 0 AND trade_baseline + trade_effect < 100"
        " AND trade_power BETWEEN 50 AND 99 AND trade_test_share > 0 AND trade_test_share <= 100)",
        "Experiment: the expected share and the difference are above 0 and below 100 together, the power is "
        "from 50 to 99, and somebody is in the test.",
    )

    @api.depends("ab_testing_winner_selection")
    def _compute_trade_winner_auto(self):
        for campaign in self:
            campaign.trade_winner_auto = campaign.ab_testing_winner_selection == RULE

    def _inverse_trade_winner_auto(self):
        for campaign in self:
            campaign.ab_testing_winner_selection = RULE if campaign.trade_winner_auto else "manual"

    @api.depends_context("uid")
    def _compute_trade_waiting(self):
        domain = [("campaign_id", "in", self.ids), ("is_waiting", "=", True)]
        counts = dict(
            self.env["trade.campaign.member"]._read_group(
                [*domain, ("variant_id", "=", False)], ["campaign_id"], ["__count"]
            )
        )
        for campaign in self:
            campaign.trade_waiting_count = counts.get(campaign._origin, 0)

    def _count_visible_members(self):
        """Who waits for the winner is not held out."""
        counts = super()._count_visible_members()
        if not counts:
            return counts
        return {
            campaign: (members, held_out - campaign.trade_waiting_count)
            for campaign, (members, held_out) in counts.items()
        }

    def _check_trade_write(self, vals):
        result = super()._check_trade_write(vals)
        if vals.keys() & PLAN_FIELDS and not self.env.su:
            self.filtered("trade_is_campaign")._check_plan_open()
        return result

    # ------------------------------------------------------------------
    # Sample size
    # ------------------------------------------------------------------

    @api.depends(
        "trade_baseline", "trade_effect", "trade_power", "trade_variant_ids.weight",
        "trade_holdout", "trade_test_share", "trade_segment_ids", "trade_excluded_segment_ids",
    )  # fmt: skip
    @api.depends_context("uid")
    def _compute_trade_size(self):
        for campaign in self:
            base, effect = campaign.trade_baseline / 100, campaign.trade_effect / 100
            available = campaign._get_size_available()
            campaign.trade_size_available = available
            campaign.trade_size_needed = campaign.trade_size_once = 0
            campaign.trade_size_advice = False
            if not (base > 0 and effect > 0 and base + effect < 1):
                continue
            power = min(max(campaign.trade_power, 50), 99) / 100
            multiplier = get_final_multiplier(ALPHA / campaign._count_pairs())
            campaign.trade_size_once = ceil(get_share_size(base, base + effect, power))
            campaign.trade_size_needed = ceil(
                get_share_size(base, base + effect, power, multiplier)
            )
            campaign.trade_size_advice = campaign._get_size_advice(base, power, multiplier)

    def _count_pairs(self):
        count = len(self.trade_variant_ids)
        return max(1, count * (count - 1) // 2)

    def _get_size_available(self):
        """Customers of the smallest variant, as the audience is now or was at the start."""
        weights = self.trade_variant_ids.mapped("weight")
        audience = self.trade_member_count or self.trade_reach
        if not audience or not weights or not sum(weights):
            return 0
        share = (1 - self.trade_holdout / 100) * self.trade_test_share / 100
        return int(audience * share * min(weights) / sum(weights))

    def _get_size_advice(self, base, power, multiplier):
        available = self.trade_size_available
        if not available:
            return self.env._("Choose an audience to see whether it is large enough.")
        if available >= self.trade_size_needed:
            return self.env._("Enough: a difference that matters will be found.")
        detectable = get_detectable_share(base, available, power, multiplier)
        if detectable is None:
            return self.env._("Too few customers to find any difference.")
        return self.env._(
            "Too few: only differences of %s points or more will be found. Test fewer variants, hold out "
            "fewer customers or choose a larger audience.",
            self._format_points(detectable - base, sign=False),
        )

    # ------------------------------------------------------------------
    # Start
    # ------------------------------------------------------------------

    def _freeze_audience(self):
        count = super()._freeze_audience()
        self._freeze_segments()
        self._draw_waiting()
        return count

    def _freeze_segments(self):
        """Write down who is in which segment: what a campaign does moves customers between them."""
        segments_sudo = self.sudo().trade_segment_ids
        if len(segments_sudo) < 2:
            return
        company = self.sudo().trade_company_id
        partners = self.env["res.partner"].with_user(self.user_id)
        partners = partners.with_context(allowed_company_ids=company.ids)
        for segment in segments_sudo:
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO trade_campaign_member_segment_rel (member_id, segment_id)
                    SELECT member.id, %s
                      FROM trade_campaign_member member
                     WHERE member.campaign_id = %s AND member.partner_id IN %s
                        ON CONFLICT DO NOTHING
                    """,
                    segment.id,
                    self.id,
                    partners._search(segment._get_member_domain()).subselect(),
                )
            )

    def _draw_waiting(self):
        """Take those out of the variants that are not in the test, the same share of each and of each tier."""
        if self.trade_test_share >= 100 or len(self.trade_variant_ids) < 2:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE trade_campaign_member member
                   SET variant_id = NULL, is_waiting = TRUE
                  FROM (
                        SELECT id, (row_number() OVER (PARTITION BY tier_id, variant_id ORDER BY %s, id) - 0.5)
                                   / count(*) OVER (PARTITION BY tier_id, variant_id) AS place
                          FROM trade_campaign_member
                         WHERE campaign_id = %s AND variant_id IS NOT NULL
                       ) line
                 WHERE member.id = line.id AND line.place > %s
                """,
                hash_sql(SQL("%s || ':wait:' || partner_id", self.trade_seed)),
                self.id,
                self.trade_test_share / 100,
            )
        )
        self.env["trade.campaign.member"].invalidate_model()

    # ------------------------------------------------------------------
    # Verdict
    # ------------------------------------------------------------------

    def _read_groups(self):
        """What the experiment compares: members that were drawn at the start, by variant; None is the hold-out.

        :return: ``{variant id or None: (successes of the metric, Group)}``
        """
        self.ensure_one()
        members = self.env["trade.campaign.member"]
        members.flush_model()
        query = members._search(Domain("campaign_id", "=", self._origin.id))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT CASE WHEN NOT COALESCE(member.is_waiting, FALSE) THEN member.variant_id END,
                       COALESCE(member.is_waiting, FALSE),
                       count(*) FILTER (WHERE %(success)s),
                       count(*) FILTER (WHERE member.order_count > 0),
                       count(*),
                       sum(COALESCE(member.order_count, 0)), sum(COALESCE(member.order_count, 0)^2),
                       sum(COALESCE(member.revenue, 0)), sum(COALESCE(member.revenue, 0)^2),
                       sum(COALESCE(member.margin, 0)), sum(COALESCE(member.margin, 0)^2)
                  FROM trade_campaign_member member
                 WHERE member.id IN %(ids)s
                   AND (NOT COALESCE(member.is_waiting, FALSE) OR member.variant_id IS NOT NULL)
                 GROUP BY 1, 2
                """,
                success=SUCCESSES[self.trade_metric],
                ids=query.subselect(),
            )
        )
        return {
            "waited" if waited else variant: (successes, _make_group(buyers, *map(float, figures)))
            for variant, waited, successes, buyers, *figures in rows
        }

    def _get_verdict(self, groups=None):
        """:return: :class:`Verdict` on the variants, with the p value of the sample-ratio check"""
        groups = self._read_groups() if groups is None else groups
        variants = self.sudo().trade_variant_ids
        ratio = check_ratio(
            [groups[v.id][1].orders.count if v.id in groups else 0 for v in variants],
            variants.mapped("weight"),
        )
        arms = self._get_arms(groups)
        baseline, effect = self.trade_baseline / 100, self.trade_effect / 100
        is_over = self._is_experiment_over()
        verdict = judge(arms, baseline, effect, ALPHA, ratio, is_over)
        if verdict.kind in (BETTER, SAME) and not self._is_fair(is_over):
            verdict = verdict._replace(kind=OPEN, winner=None)
        return verdict, ratio

    def _get_test_messages(self):
        """``Domain`` of the messages to those who were in the test from the start."""
        waiting = Domain("member_id.is_waiting", "=", True)
        return Domain("campaign_id", "=", self._origin.id) & ~waiting

    def _is_fair(self, is_over):
        """Whether all variants had the same time to work: within an hour, or a day of all the days of effect."""
        messages_sudo = self.env["trade.message"].sudo()
        own = self._get_test_messages()
        if messages_sudo.search_count(own & Domain("state", "in", ("queued", "sending")), limit=1):
            return False
        firsts = [
            first
            for _variant, first in messages_sudo._read_group(own, ["variant_id"], ["sent_at:min"])
            if first
        ]
        apart = max(firsts) - min(firsts) if firsts else timedelta()
        return apart <= (timedelta(days=1) if is_over else timedelta(hours=1))

    def _is_experiment_over(self):
        """Whether everybody in the test was reached, and had the days of effect to respond."""
        messages_sudo = self.env["trade.message"].sudo()
        own = self._get_test_messages()
        if messages_sudo.search_count(own & Domain("state", "in", ("queued", "sending")), limit=1):
            return False
        [[last]] = messages_sudo._read_group(own, [], ["sent_at:max"])
        last = last or self.trade_started_at
        return bool(last) and last + timedelta(days=self.trade_window_days) <= fields.Datetime.now()

    def _get_increment(self, groups):
        """Everybody who was contacted against those held out; who got the winner later is contacted, too."""
        held_out = groups.get(None, (0, _make_group()))[1]
        contacted = _make_group()
        for key, (_successes, group) in groups.items():
            if key is not None:
                contacted = Group(
                    contacted.buyers + group.buyers,
                    *(one + two for one, two in zip(contacted[1:], group[1:], strict=True)),
                )
        cost = self._share_cost(contacted.orders.count)
        return get_increment(contacted, held_out, cost, self.trade_baseline / 100)

    # ------------------------------------------------------------------
    # Winner
    # ------------------------------------------------------------------

    def action_trade_choose_winner(self):
        """Ask which variant is the winner."""
        self.ensure_one()
        self.check_access("write")
        self._check_marketer()
        return {
            "name": self.env._("Choose the winner"),
            "type": "ir.actions.act_window",
            "res_model": "trade.campaign.winner",
            "view_mode": "form",
            "target": "new",
            "context": {"default_campaign_id": self.id},
        }

    def _choose_winner(self, variant, reason):
        """Give everybody who waits ``variant``, and say why.

        :raise UserError: when it is too late, or when it was done already
        """
        self.ensure_one()
        self.check_access("write")
        self._check_marketer()
        self._lock_campaigns()
        campaign_sudo = self.sudo()
        campaign_sudo.invalidate_recordset(["trade_winner_id", "trade_state"])
        if campaign_sudo.trade_winner_id:
            raise UserError(
                self.env._(
                    "“%s” was chosen already; reload the page.", campaign_sudo.trade_winner_id.name
                )
            )
        if campaign_sudo.trade_state not in ("running", "paused"):
            raise UserError(
                self.env._("“%s” is not running: nothing would be sent any more.", self.title)
            )
        if variant.sudo().campaign_id != campaign_sudo or len(campaign_sudo.trade_variant_ids) < 2:
            raise UserError(self.env._("Choose one of the variants of “%s”.", self.title))
        campaign_sudo.write(
            {
                "trade_winner_id": variant.id,
                "ab_testing_winner_mailing_id": variant.sudo().mailing_id.id,
            }
        )
        campaign_sudo._send_winner()
        campaign_sudo.message_post(
            body=self.env._(
                "Variant %(variant)s is the winner. %(reason)s", variant=variant.name, reason=reason
            )
        )

    def _send_winner(self):
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE trade_campaign_member SET variant_id = %s"
                " WHERE campaign_id = %s AND is_waiting AND variant_id IS NULL",
                self.trade_winner_id.id,
                self.id,
            )
        )
        if self.env.cr.rowcount:
            self.env["trade.campaign.member"].invalidate_model()
            self._hand_out_coupons()
            self._enqueue_messages()

    def _choose_winner_by_rule(self):
        """Choose the winner where the verdict is sure; when no difference matters, the first variant."""
        for campaign in self:
            verdict, _ratio = campaign._get_verdict()
            winner = {"better": verdict.winner, "same": campaign.trade_variant_ids[:1].id}
            if variant := campaign.trade_variant_ids.browse(winner.get(verdict.kind)):
                campaign._choose_winner(variant, campaign._explain_verdict(verdict))

    @api.model
    def _cron_choose_winners(self):
        """Choose winners of running campaigns by rule, one transaction for each."""
        campaigns = self.search(
            [
                ("trade_is_campaign", "=", True),
                ("trade_state", "=", "running"),
                ("trade_winner_id", "=", False),
                ("ab_testing_winner_selection", "=", RULE),
            ]
        ).filtered(lambda campaign: len(campaign.trade_variant_ids) > 1)
        for campaign in campaigns:
            try:
                with self.env.cr.savepoint():
                    campaign._choose_winner_by_rule()
            except (UserError, *RETRIED_ERRORS) as error:
                # Somebody works on the campaign just now; the next run looks at it again.
                _logger.info("No winner of campaign %s was chosen: %s", campaign.id, error)
                self.env.invalidate_all(flush=False)
            self.env["ir.cron"]._commit_progress(1)


def _make_group(buyers=0, count=0, *sums):
    """A :class:`Group` of sums and sums of squares of orders, revenue and margin."""
    sums = sums or (0.0,) * 6
    samples = [Sample(int(count), *sums[start : start + 2]) for start in (0, 2, 4)]
    return Group(int(buyers), *samples)
