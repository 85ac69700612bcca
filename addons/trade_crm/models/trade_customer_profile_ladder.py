from collections import defaultdict

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..analytics.ladder import climb, find_worst, summarize_days
from .trade_customer_profile_value import GONE
from .trade_tier_policy_value import LADDER_STEPS

# What the ladder can be told apart by: key, field of the profile and field of the partner.
GROUPS = {
    "tier": ("tier_id", "trade_tier_id"),
    "quadrant": ("matrix_quadrant", "trade_matrix_quadrant"),
    "country": ("country_id", "country_id"),
    "salesperson": ("user_id", "user_id"),
    "year": ("first_order_date:year", "trade_first_order_date"),
}
# Segments shown by themselves; those of fewer customers are added up.
MAX_SEGMENTS = 12


class TradeCustomerProfile(models.Model):
    """The order ladder as a picture."""

    _inherit = "trade.customer.profile"

    @api.model
    @api.readonly
    def get_order_ladder(self, group_by="tier", value=None, year=None):
        """How many customers of the current company reach order 1, 2, … and when.

        :param group_by: a key of ``GROUPS``; how the segments are told apart
        :param value: the ladder is that of this segment: an id, a key, a year, or False for the
            customers that have none; None for everybody
        :param year: only customers whose first purchase was in this year
        :return: dict of plain values; ``steps`` as :class:`Rung` has them, with mean and median days
            since the order before; ``segments`` cover all customers of ``year``, whatever ``value``
        """
        company = self.env.company
        policy = self.env["trade.tier.policy"].search([("company_id", "=", company.id)], limit=1)
        buyers = Domain("company_id", "=", company.id) & Domain("order_count", ">", 0)
        domain = buyers & self._get_ladder_year_domain("first_order_date", year)
        segments = self._read_ladder_segments(domain, group_by)
        selected = [segment for segment in segments if value is None or segment["value"] == value]
        rungs = climb(*self._add_up_ladder(selected))
        days = self._read_ladder_days(domain & self._get_ladder_domain(group_by, value))
        return {
            "as_of": self._get_today(company.trade_tz).isoformat(),
            "company": company.name,
            "policy_id": policy.id,
            "may_configure": policy.has_access("write"),
            "stable_step": policy.ladder_stable_step,
            "steps": [
                {**rung._asdict(), **self._prepare_ladder_days(days.get(rung.step, []))}
                for rung in rungs
            ],
            "worst_step": find_worst(rungs),
            "customers": rungs[0].reached,
            "segments": self._prepare_ladder_segments(segments),
            "years": self._read_ladder_years(buyers),
        }

    @api.model
    def _get_ladder_field(self, group_by):
        if group_by not in GROUPS:
            raise ValidationError(
                self.env._("The order ladder cannot be told apart by %s.", group_by)
            )
        return GROUPS[group_by]

    # ------------------------------------------------------------------
    # Read
    # ------------------------------------------------------------------

    @api.model
    def _read_ladder_segments(self, domain, group_by):
        """Customers by the last order that they have placed.

        :return: list of dict of value, name, and ``stopped`` and ``gone`` for :func:`climb`
        """
        field, _partner_field = self._get_ladder_field(group_by)
        groups = self._read_group(domain, [field, "ladder_step", "lifecycle_status"], ["__count"])
        segments = {}
        for key, step, status, count in groups:
            value, name = self._describe_ladder_segment(group_by, key)
            segment = segments.setdefault(
                value,
                {
                    "value": value,
                    "name": name,
                    "stopped": [0] * LADDER_STEPS,
                    "gone": [0] * LADDER_STEPS,
                },
            )
            # A profile from before the ladder has no step until it is computed again.
            segment["stopped"][max(step, 1) - 1] += count
            segment["gone"][max(step, 1) - 1] += count if status in GONE else 0
        return list(segments.values())

    @api.model
    def _describe_ladder_segment(self, group_by, key):
        """A plain value that tells the segment, and its name."""
        if not key:
            return False, self.env._("None")
        if group_by == "year":
            return key.year, str(key.year)
        if group_by == "quadrant":
            names = dict(self._fields["matrix_quadrant"]._description_selection(self.env))
            return key, names[key]
        return key.id, key.display_name

    @api.model
    def _read_ladder_days(self, domain):
        """Histogram of the days from one order to the next: ``{order: [(days, count)]}``."""
        query = self._search(domain)
        rows = self.env.execute_query(
            SQL(
                "SELECT gap.number::int + 1, gap.days::int, count(*)"
                " FROM %s CROSS JOIN LATERAL jsonb_array_elements_text(%s)"
                " WITH ORDINALITY AS gap (days, number)"
                " WHERE %s GROUP BY 1, 2 ORDER BY 1, 2",
                query.from_clause,
                SQL.identifier(self._table, "step_days"),
                query.where_clause or SQL("TRUE"),
            )
        )
        histograms = defaultdict(list)
        for step, days, count in rows:
            histograms[step].append((days, count))
        return histograms

    @api.model
    def _read_ladder_years(self, domain):
        groups = self._read_group(domain, ["first_order_date:year"], ["__count"])
        return [{"year": day.year, "customers": count} for day, count in reversed(groups) if day]

    # ------------------------------------------------------------------
    # Prepare
    # ------------------------------------------------------------------

    @api.model
    def _add_up_ladder(self, segments):
        """``stopped`` and ``gone`` of several segments together."""
        return tuple(
            [
                sum(counts)
                for counts in zip([0] * LADDER_STEPS, *(s[name] for s in segments), strict=True)
            ]
            for name in ("stopped", "gone")
        )

    @api.model
    def _prepare_ladder_segments(self, segments):
        """The largest segments, then all others as one, under no value."""
        ranked = sorted(segments, key=lambda segment: (-sum(segment["stopped"]), segment["name"]))
        shown, others = ranked[:MAX_SEGMENTS], ranked[MAX_SEGMENTS:]
        if others:
            stopped, gone = self._add_up_ladder(others)
            shown.append(
                {"value": None, "name": self.env._("Others"), "stopped": stopped, "gone": gone}
            )
        rows = []
        for segment in shown:
            rungs = climb(segment["stopped"], segment["gone"])
            rows.append(
                {
                    "value": segment["value"],
                    "name": segment["name"],
                    "customers": rungs[0].reached,
                    "reached": [rung.reached for rung in rungs],
                    "shares": [rung.share for rung in rungs],
                    "gone": sum(segment["gone"][:-1]),
                    "worst_step": find_worst(rungs),
                }
            )
        return rows

    @api.model
    def _prepare_ladder_days(self, histogram):
        days, counts = zip(*histogram, strict=True) if histogram else ((), ())
        mean, median = summarize_days(days, counts)
        return {"mean_days": mean, "median_days": median}

    # ------------------------------------------------------------------
    # Customers
    # ------------------------------------------------------------------

    @api.model
    def action_view_ladder_partners(self, step, group_by="tier", value=None, year=None, gone=None):
        """Open the customers whose last order is order ``step``.

        :param gone: True for those who are dormant or lost, False for the others, None for all;
            see :meth:`get_order_ladder` for the rest
        """
        domain = Domain("trade_ladder_step", "=", step)
        domain &= self._get_ladder_domain(group_by, value, partner=True)
        domain &= self._get_ladder_year_domain("trade_first_order_date", year)
        if gone is not None:
            domain &= Domain("trade_lifecycle_status", "in" if gone else "not in", GONE)
        name = self.env._("Stopped at order %(step)s", step=step)
        if step == LADDER_STEPS:
            name = self.env._("Order %(step)s or more", step=step)
        return self.env["res.partner"]._get_trade_action(list(domain), name=name)

    @api.model
    def _get_ladder_domain(self, group_by, value, partner=False):
        """Condition for the customers of a segment, on profiles or on partners."""
        if value is None:
            return Domain.TRUE
        field = self._get_ladder_field(group_by)[partner]
        if group_by == "year":
            return self._get_ladder_year_domain(field.partition(":")[0], value)
        return Domain(field, "=", value)

    @api.model
    def _get_ladder_year_domain(self, field, year):
        if not year:
            return Domain.TRUE
        return Domain(field, ">=", f"{year}-01-01") & Domain(field, "<=", f"{year}-12-31")
