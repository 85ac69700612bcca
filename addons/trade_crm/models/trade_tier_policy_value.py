from odoo import api, fields, models
from odoo.exceptions import ValidationError

# Steps of the order ladder that a profile keeps the days of.
LADDER_STEPS = 12

# Positive: without them a rule says nothing. The others are not used when they are 0.
POSITIVE = (
    "matrix_order_count",
    "lifecycle_new_months",
    "lifecycle_dormant_months",
    "lifecycle_lost_months",
    "lifecycle_returned_months",
    "trend_months",
    "slip_factor",
    "bulk_max_orders",
    "continuous_days",
)
NOT_NEGATIVE = (
    "matrix_order_value",
    "band_high_revenue",
    "band_high_orders",
    "band_middle_revenue",
    "band_middle_orders",
    "trend_rate",
    "bulk_order_value",
    "potential_orders",
    "potential_gap_days",
)
SETTINGS = (*POSITIVE, *NOT_NEGATIVE, "ladder_stable_step")


class TradeTierPolicy(models.Model):
    """What the company says about value, lifecycle and the order ladder."""

    _inherit = "trade.tier.policy"

    matrix_order_value = fields.Monetary(
        "Matrix: average order value from",
        default=10000.0,
        tracking=True,
        help="From this average order value within the window on, orders are large.",
    )
    matrix_order_count = fields.Integer(
        "Matrix: orders from",
        default=6,
        tracking=True,
        help="From this many orders within the window on, a customer orders often.",
    )

    band_high_revenue = fields.Monetary("High: revenue from", default=500000.0, tracking=True)
    band_high_orders = fields.Integer("High: orders from", default=4, tracking=True)
    band_middle_revenue = fields.Monetary("Middle: revenue from", default=100000.0, tracking=True)
    band_middle_orders = fields.Integer("Middle: orders from", default=2, tracking=True)

    lifecycle_new_months = fields.Integer(
        "New for (months)", default=3, tracking=True, help="So long after the first purchase."
    )
    lifecycle_dormant_months = fields.Integer(
        "Dormant after (months)", default=6, tracking=True, help="So long without a purchase."
    )
    lifecycle_lost_months = fields.Integer(
        "Lost after (months)", default=12, tracking=True, help="So long without a purchase."
    )
    lifecycle_returned_months = fields.Integer(
        "Won back for (months)",
        default=3,
        tracking=True,
        help="So long after the first purchase that ended a dormant time.",
    )
    trend_months = fields.Integer(
        "Trend over (months)",
        default=6,
        tracking=True,
        help="Revenue of this many past months is compared with that of as many before.",
    )
    trend_rate = fields.Float(
        "Change that counts",
        default=0.2,
        tracking=True,
        help="A customer grows or slips when revenue changed by more than this share.",
    )
    slip_factor = fields.Float(
        "Late after (purchase cycles)",
        default=2.0,
        tracking=True,
        help="A customer slips when no purchase came for more than this many of the customer's own cycles.",
    )

    bulk_max_orders = fields.Integer(
        "Bulk: orders at most",
        default=2,
        tracking=True,
        help="A one-off bulk buyer has no more orders than this.",
    )
    bulk_order_value = fields.Monetary(
        "Bulk: average order value from",
        default=50000.0,
        tracking=True,
        help="From this average order value on, a customer buys in bulk.",
    )
    continuous_days = fields.Integer(
        "Continuous: days with a purchase from",
        default=4,
        tracking=True,
        help="A continuous buyer bought on at least this many days within the window.",
    )

    potential_orders = fields.Integer(
        "Potential: orders from",
        default=2,
        tracking=True,
        help="A customer likely to become high-value has at least this many orders within the window.",
    )
    potential_gap_days = fields.Integer(
        "Potential: purchase cycle up to (days)",
        default=60,
        tracking=True,
        help="A customer likely to become high-value buys at least this often. Leave it at 0 to not use it.",
    )

    ladder_stable_step = fields.Integer(
        "Stable from order",
        default=9,
        tracking=True,
        help="A customer who has reached this order is taken to be stable.",
    )

    _ladder_stable_step_range = models.Constraint(
        f"CHECK (ladder_stable_step BETWEEN 2 AND {LADDER_STEPS})",
        f"The stable step of the order ladder is between order 2 and order {LADDER_STEPS}.",
    )
    _value_settings_range = models.Constraint(
        "CHECK ({} AND {})".format(
            " AND ".join(f"COALESCE({name}, 0) > 0" for name in POSITIVE),
            " AND ".join(f"COALESCE({name}, 0) >= 0" for name in NOT_NEGATIVE),
        ),
        "Periods, counts and limits of the policy are positive; an amount, a change or a limit of "
        "potential may be 0 to not be used.",
    )
    _trend_in_range = models.Constraint(
        "CHECK (trend_months <= 60)", "A trend is over 60 months at most."
    )

    @api.constrains(
        "band_high_revenue", "band_middle_revenue", "band_high_orders", "band_middle_orders"
    )
    def _check_bands(self):
        for policy in self:
            if (
                policy.band_high_revenue < policy.band_middle_revenue
                or policy.band_high_orders < policy.band_middle_orders
            ):
                raise ValidationError(
                    self.env._("The high value band starts at least where the middle one does.")
                )

    @api.constrains("lifecycle_dormant_months", "lifecycle_lost_months")
    def _check_lifecycle_months(self):
        for policy in self:
            months = (policy.lifecycle_dormant_months, policy.lifecycle_lost_months)
            if months[0] >= months[1]:
                raise ValidationError(
                    self.env._(
                        "A customer is dormant first and lost later: put more months on lost."
                    )
                )

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(SETTINGS):
            self._request_rebuild()
        return result

    def _get_settings(self):
        return {**super()._get_settings(), **{name: self[name] for name in SETTINGS}}
