"""What a campaign brought, of the customers that the user may see."""

from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount, formatLang

from .trade_campaign_order import METHODS
from .utm_campaign import MONEY

# So many customers are refreshed while a person waits; more are left to the job.
REFRESH_AT_ONCE = 5000

# Who waits for the winner of an experiment is told apart from who is held out.
WAITING = SQL(
    "CASE WHEN member.variant_id IS NULL AND member.is_waiting THEN 0 ELSE member.variant_id END"
)


class Figures(NamedTuple):
    """Customers, orders and money of some members of a campaign."""

    audience: int = 0
    contacted: int = 0  # not held out
    reached: int = 0
    opened: int = 0
    clicked: int = 0
    participants: int = 0  # clicked, or used their coupon
    buyers: int = 0  # with an order that is due to the campaign
    orders: int = 0
    revenue: float = 0.0
    margin: float = 0.0

    def __add__(self, other):
        return Figures(*(one + two for one, two in zip(self, other, strict=True)))


class UtmCampaign(models.Model):
    _inherit = "utm.campaign"

    trade_reached_count = fields.Integer("Reached", compute="_compute_trade_results")
    trade_opened_count = fields.Integer("Opened", compute="_compute_trade_results")
    trade_clicked_count = fields.Integer("Clicked", compute="_compute_trade_results")
    trade_participant_count = fields.Integer(
        "Participated",
        compute="_compute_trade_results",
        help="Customers who clicked or used their coupon.",
    )
    trade_buyer_count = fields.Integer(
        "Ordered",
        compute="_compute_trade_results",
        help="Customers with an order that is due to the campaign.",
    )
    # Not the orders that bear its name, as in Odoo, but those that are due to it.
    trade_order_count = fields.Integer("Orders", compute="_compute_trade_results")
    trade_revenue = fields.Monetary(
        "Revenue",
        compute="_compute_trade_results",
        currency_field="trade_currency_id",
        help="Of the orders that are due to the campaign, net of tax, less refunds.",
    )
    trade_margin = fields.Monetary(
        "Margin", compute="_compute_trade_results", currency_field="trade_currency_id", groups=MONEY
    )
    trade_roi = fields.Float(
        "ROI",
        compute="_compute_trade_results",
        groups=MONEY,
        help="Margin less actual costs, per unit of cost. What coupons took off is in the margin.",
    )
    trade_has_roi = fields.Boolean("Has costs", compute="_compute_trade_results", groups=MONEY)
    trade_goal_share = fields.Float("Of the target", compute="_compute_trade_results", groups=MONEY)
    trade_results = fields.Html(
        "Tables of results", compute="_compute_trade_result_tables", sanitize=False
    )

    @api.depends("trade_goal_kind", "trade_goal_value", "trade_cost_ids.actual")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_trade_results(self):
        totals = self._get_totals()
        for campaign in self:
            figures = totals.get(campaign._origin.id, Figures())
            campaign.trade_reached_count = figures.reached
            campaign.trade_opened_count = figures.opened
            campaign.trade_clicked_count = figures.clicked
            campaign.trade_participant_count = figures.participants
            campaign.trade_buyer_count = figures.buyers
            campaign.trade_order_count = figures.orders
            campaign.trade_revenue = figures.revenue
            campaign.trade_margin = figures.margin
            campaign.trade_goal_share = campaign._get_goal_share(figures)
            cost = campaign._share_cost(figures.contacted)
            campaign.trade_has_roi = cost > 0
            campaign.trade_roi = (figures.margin - cost) / cost if cost > 0 else 0.0

    def _share_cost(self, contacted):
        """Actual cost for so many of the customers that were not held out.

        Who sees a part of the territories sees what was sold there, and is charged that part.
        """
        self.ensure_one()
        campaign_sudo = self.sudo()
        everybody = campaign_sudo.trade_member_total - campaign_sudo.trade_holdout_total
        part = min(1.0, contacted / everybody) if everybody > 0 else 1.0
        return campaign_sudo.trade_actual_cost * part

    def _get_goal_share(self, figures):
        """How much of the target is reached, 1 for all of it; 0 without one."""
        reached = {
            "customers": figures.buyers,
            "orders": figures.orders,
            "revenue": figures.revenue,
            "margin": figures.margin,
        }.get(self.trade_goal_kind, 0)
        return reached / self.trade_goal_value if self.trade_goal_value else 0.0

    # ------------------------------------------------------------------
    # Read
    # ------------------------------------------------------------------

    def _get_totals(self):
        """:return: ``{campaign id: Figures}``, with orders of who was not in the audience"""
        totals = {}
        for source in (self._read_figures(), self._read_outside()):
            for (campaign_id, _key), figures in source.items():
                totals[campaign_id] = totals.get(campaign_id, Figures()) + figures
        return totals

    def _read_figures(self, by=None):
        """Add up the members that the user may see.

        :param by: None, or "variant", "tier" or "segment"
        :return: ``{(campaign id, id of the group or None): Figures}``
        """
        members = self.env["trade.campaign.member"]
        if not self.ids or not members.has_access("read"):
            return {}
        members.flush_model()
        query = members._search(Domain("campaign_id", "in", self.ids))
        key, join = self._get_group_sql(by)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.campaign_id, %(key)s,
                       count(*),
                       count(*) FILTER (WHERE member.variant_id IS NOT NULL),
                       count(member.sent_at), count(member.opened_at), count(member.clicked_at),
                       count(*) FILTER (WHERE member.clicked_at IS NOT NULL OR member.coupon_used),
                       count(*) FILTER (WHERE member.due_count > 0),
                       COALESCE(sum(member.due_count), 0),
                       COALESCE(sum(member.due_revenue), 0),
                       COALESCE(sum(member.due_margin), 0)
                  FROM trade_campaign_member member %(join)s
                 WHERE member.id IN %(ids)s
                 GROUP BY 1, 2
                """,
                key=key,
                join=join,
                ids=query.subselect(),
            )
        )
        return {
            (campaign_id, key): Figures(*map(int, row[:8]), *map(float, row[8:]))
            for campaign_id, key, *row in rows
        }

    @api.model
    def _get_group_sql(self, by):
        """What members are told apart by, and the join that it needs."""
        if by == "segment":
            return SQL("segment.segment_id"), SQL(
                "LEFT JOIN trade_campaign_member_segment_rel segment ON segment.member_id = member.id"
            )
        columns = {None: SQL("NULL::int"), "variant": WAITING}
        return {**columns, "tier": SQL("member.tier_id")}[by], SQL()

    def _read_outside(self):
        """Orders of who was not in the audience, and used a coupon or a link all the same."""
        orders = self.env["trade.campaign.order"]
        if not self.ids or not orders.has_access("read"):
            return {}
        query = orders._search(Domain("campaign_id", "in", self.ids))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT campaign_id, count(DISTINCT partner_id), count(*), sum(revenue), sum(margin)
                  FROM trade_campaign_order
                 WHERE member_id IS NULL AND id IN %s
                 GROUP BY campaign_id
                """,
                query.subselect(),
            )
        )
        return {
            (campaign_id, None): Figures(
                buyers=buyers, orders=count, revenue=float(revenue), margin=float(margin)
            )
            for campaign_id, buyers, count, revenue, margin in rows
        }

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    @api.depends("trade_started_at", "trade_cost_ids.actual")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_trade_result_tables(self):
        has_access = self.env["trade.campaign.member"].has_access("read")
        for campaign in self:
            campaign.trade_results = (
                self.env["ir.qweb"]._render(
                    "trade_crm_marketing.campaign_results", campaign._prepare_results()
                )
                if has_access and campaign.trade_started_at
                else False
            )

    def _prepare_results(self):
        """What the table of results shows, in words and figures of the user's language."""
        self.ensure_one()
        tables = [
            (self.env._("By variant"), self._prepare_rows("variant")),
            (self.env._("By tier at the start"), self._prepare_rows("tier")),
            (self.env._("By segment at the start"), self._prepare_rows("segment")),
        ]
        orders = self.env["trade.campaign.order"]
        methods = orders._read_group(
            [("campaign_id", "=", self._origin.id)], ["method"], ["__count"]
        )
        names = dict(orders._fields["method"]._description_selection(self.env))
        return {
            "tables": [table for table in tables if len(table[1]) > 1 or table[1] is tables[0][1]],
            "methods": [
                (names[key], self._format_count(dict(methods)[key]))
                for key, _label in METHODS
                if key in dict(methods)
            ],
        }

    def _prepare_rows(self, by):
        groups = self._read_figures(by)
        names = self._get_group_names(by)
        if by == "segment" and len(self.sudo().trade_segment_ids) < 2:
            return []
        contacted = sum(self._read_figures().values(), Figures()).contacted
        rows = [
            self._prepare_row(names.get(key, names[None]), figures, contacted)
            for (_campaign, key), figures in groups.items()
        ]
        order = {name: position for position, name in enumerate(names.values())}
        rows.sort(key=lambda row: order[row["name"]])
        outside = self._read_outside() if by == "variant" else {}
        return rows + [
            self._prepare_row(self.env._("Outside the audience"), figures, 0)
            for figures in outside.values()
        ]

    def _get_group_names(self, by):
        """``{id: name}`` in the order of the table; None stands for members without."""
        campaign_sudo = self.sudo()
        if by == "variant":
            records, none = campaign_sudo.trade_variant_ids, self.env._("Held out")
        elif by == "tier":
            records, none = self._get_tiers(), self.env._("Without a tier")
        else:
            records, none = campaign_sudo.trade_segment_ids, self.env._("In none of them any more")
        names = {record.id: record.display_name for record in records}
        return {**names, 0: self.env._("Wait for the winner"), None: none}

    def _get_tiers(self):
        members = self.env["trade.campaign.member"]
        groups = members._read_group([("campaign_id", "=", self._origin.id)], ["tier_id"])
        return self.env["trade.tier"].browse([tier.id for [tier] in groups if tier]).sorted().sudo()

    def _prepare_row(self, name, figures, contacted):
        """Costs are shared out by the customers that were not held out."""
        cost = self._share_cost(contacted) * figures.contacted / contacted if contacted else 0.0
        shows_money = self._shows_money()
        return {
            "name": name,
            "audience": self._format_count(figures.audience),
            **{
                key: self._format_part(getattr(figures, key), figures.contacted)
                for key in ("reached", "opened", "clicked", "participants", "buyers")
            },
            "orders": self._format_count(figures.orders),
            "revenue": self._format_money(figures.revenue),
            "margin": self._format_money(figures.margin) if shows_money else "",
            "cost": self._format_money(cost) if shows_money else "",
            "roi": self._format_share((figures.margin - cost) / cost)
            if shows_money and cost
            else "–",
        }

    @api.model
    def _shows_money(self):
        return self.env.su or any(map(self.env.user.has_group, MONEY.split(",")))

    @api.model
    def _format_count(self, count):
        return formatLang(self.env, count, digits=0)

    @api.model
    def _format_share(self, share, digits=1):
        return f"{formatLang(self.env, 100 * share, digits=digits)} %"

    @api.model
    def _format_part(self, count, whole):
        """A count with its share of who was not held out."""
        if not whole:
            return self._format_count(count)
        return f"{self._format_count(count)} ({self._format_share(count / whole)})"

    def _format_money(self, amount):
        currency_sudo = self.sudo().trade_currency_id
        return format_amount(self.env, currency_sudo.round(amount), currency_sudo)

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_trade_view_orders(self):
        """Open the orders that are due to the campaign."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm_marketing.trade_campaign_order_action"
        )
        return {**action, "domain": [("campaign_id", "=", self.id)], "context": {}}

    def action_trade_refresh_results(self):
        """Bring the results up to date now, as far as a person can wait for it."""
        self.check_access("read")
        self._check_marketer()
        results_sudo = self.env["trade.campaign.order"].sudo()
        pairs = results_sudo._get_member_pairs(self, REFRESH_AT_ONCE + 1)
        if len(pairs) > REFRESH_AT_ONCE:
            self.env["trade.campaign.dirty"].sudo()._note_members(self)
            self.env.ref("trade_crm_marketing.ir_cron_campaign_results").sudo()._trigger()
            return self._notify(
                self.env._("The results are being refreshed; that takes some minutes.")
            )
        if not results_sudo._lock():
            raise UserError(
                self.env._("The results are being refreshed already: wait a moment, then reload.")
            )
        results_sudo._sync_touches(self)
        results_sudo._attribute(pairs)
        return None

    @api.model
    def _notify(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": message, "type": "info"},
        }
