import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .utm_campaign import MONEY


def hash_sql(text):
    """:param text: ``SQL`` of a text; :return: ``SQL`` of a number in [0, 1) that depends on it only"""
    return SQL(
        "(('x' || substr(md5(%s), 1, 13))::bit(52)::bigint / 4503599627370496::float8)", text
    )


class UtmCampaign(models.Model):
    """Whom a campaign is for: segments, frozen and drawn at the start."""

    _inherit = "utm.campaign"

    trade_segment_ids = fields.Many2many(
        "trade.segment",
        "utm_campaign_trade_segment_rel",
        "campaign_id",
        "segment_id",
        string="Segments",
        # One that was archived is not forgotten: the campaign is not started with it.
        context={"active_test": False},
        help="Customers in any of them.",
    )
    trade_excluded_segment_ids = fields.Many2many(
        "trade.segment",
        "utm_campaign_trade_excluded_segment_rel",
        "campaign_id",
        "segment_id",
        string="But not those in",
        context={"active_test": False},
    )
    trade_holdout = fields.Float(
        "Held out (%)",
        default=lambda self: self.env.company.trade_campaign_holdout,
        help="This share of every tier is drawn at random and gets nothing: what they buy is what would "
        "have been bought anyway.",
    )
    # With it anybody works out who is held out.
    trade_seed = fields.Char(
        "Seed of the draw",
        readonly=True,
        copy=False,
        groups=MONEY,
        help="The same seed draws the same groups.",
    )
    trade_audience_print = fields.Char(
        readonly=True, copy=False, help="The conditions of the segments as they were approved."
    )
    trade_member_ids = fields.One2many("trade.campaign.member", "campaign_id", "Audience")
    # Counted once: a list of campaigns would count millions of rows each time.
    trade_member_total = fields.Integer("Customers at the start", readonly=True, copy=False)
    trade_holdout_total = fields.Integer("Held out at the start", readonly=True, copy=False)
    trade_member_count = fields.Integer(
        "Customers", compute="_compute_trade_member_count", help="Those that you may see."
    )
    trade_holdout_count = fields.Integer("Held out", compute="_compute_trade_member_count")
    trade_reach = fields.Integer(
        "Customers at this moment",
        compute="_compute_trade_reach",
        help="Who would be in the audience if it started now, of those that you may see.",
    )

    @api.depends("trade_member_total", "trade_holdout_total")
    @api.depends_context("uid")
    def _compute_trade_member_count(self):
        counts = self._count_visible_members()
        for campaign in self:
            totals = (campaign.trade_member_total, campaign.trade_holdout_total)
            members, held_out = totals if counts is None else counts.get(campaign._origin, (0, 0))
            campaign.trade_member_count = members
            campaign.trade_holdout_count = held_out

    def _count_visible_members(self):
        """:return: ``{campaign: (members, held out)}`` of the territories of the user; None when all are"""
        if self.env.su or self.env.user._get_territory_ids() is None:
            return None
        members = self.env["trade.campaign.member"]
        if not members.has_access("read"):
            return {}
        groups = members._read_group(
            [("campaign_id", "in", self.ids)], ["campaign_id"], ["__count", "variant_id:count"]
        )
        return {campaign: (count, count - drawn) for campaign, count, drawn in groups}

    @api.depends("trade_segment_ids", "trade_excluded_segment_ids", "trade_company_id", "user_id")
    @api.depends_context("uid")
    def _compute_trade_reach(self):
        for campaign in self:
            saved = campaign._origin
            waiting = saved.trade_is_campaign and not saved.trade_started_at
            try:
                campaign.trade_reach = len(saved._get_audience_query()) if waiting else 0
            except UserError:
                # A segment may look at what the user may not read, or at a field that is gone.
                campaign.trade_reach = 0

    # ------------------------------------------------------------------
    # Audience
    # ------------------------------------------------------------------

    def _get_audience_query(self):
        """Who would be in the audience now.

        Customers of the company that who is responsible may see, and who starts it as well: a cron
        sees everybody, and a campaign must not reach who its people may not.

        :return: ``Query`` of ids of ``res.partner``
        """
        self.ensure_one()
        company = self.sudo().trade_company_id
        partners = self.env["res.partner"].with_user(self.user_id)
        partners = partners.with_context(allowed_company_ids=company.ids)
        scope = self.env["ir.rule"]._get_territory_scope("res.partner", "read")
        own = Domain("company_id", "=", False) | Domain("company_id", "parent_of", company.ids)
        return partners._search(self._get_segment_domain() & scope & own)

    def _get_segment_domain(self):
        """Customers in one of the segments and in none of the excluded ones; without a segment nobody."""
        campaign_sudo = self.sudo()
        wanted = [segment._get_member_domain() for segment in campaign_sudo.trade_segment_ids]
        unwanted = [
            segment._get_member_domain() for segment in campaign_sudo.trade_excluded_segment_ids
        ]
        return Domain.OR(wanted) & ~Domain.OR(unwanted)

    def _get_audience_print(self):
        """Fingerprint of the conditions of all segments, and of those that they lead to."""
        self.ensure_one()
        campaign_sudo = self.sudo()
        segments = campaign_sudo.trade_segment_ids | campaign_sudo.trade_excluded_segment_ids
        used = segments._get_used_segments().sorted("id")
        lines = used.line_ids.sorted("id")
        names = [
            name
            for name, field in lines._fields.items()
            if field.store and name not in (*models.MAGIC_COLUMNS, "sequence")
        ]
        # Links are read in an order that a new name changes.
        rows = [
            {key: sorted(value) if isinstance(value, list) else value for key, value in row.items()}
            for row in (
                *used.read(["match", "company_id"], load=None),
                *lines.read(names, load=None),
            )
        ]
        text = repr(rows)
        return hashlib.sha256(text.encode()).hexdigest()

    # ------------------------------------------------------------------
    # Freeze
    # ------------------------------------------------------------------

    def _freeze_audience(self):
        """Write down the audience as it is now, each customer with the variant that was drawn.

        The draw is stratified: customers of a tier are put in the order of a hash of seed and customer,
        and the line is cut in the shares of hold-out and variants, beginning at a random place. So each
        group has its share of every tier to within one customer, every customer has the same chance,
        and the same seed and audience give the same groups.

        :return: number of members
        :raise UserError: when there is nobody
        """
        self.ensure_one()
        self.env.flush_all()
        members = self.env["trade.campaign.member"]
        self.env["trade.customer.profile"]._prepare_large_statement()
        self.env.cr.execute(
            SQL(
                """
                WITH audience AS (
                    SELECT customer.id,
                           profile.tier_id,
                           %(territory)s AS territory_id,
                           %(draw)s AS draw
                      FROM (%(members)s) member
                      JOIN res_partner customer ON customer.id = member.id
                      LEFT JOIN trade_customer_profile profile
                             ON profile.partner_id = customer.id AND profile.company_id = %(company)s
                ), line AS MATERIALIZED (
                    SELECT *, (
                               row_number() OVER (PARTITION BY tier_id ORDER BY draw, id) - 1
                               + %(begin)s
                           ) / count(*) OVER (PARTITION BY tier_id) AS place
                      FROM audience
                )
                INSERT INTO trade_campaign_member
                            (campaign_id, partner_id, company_id, territory_id, tier_id, variant_id)
                SELECT %(campaign)s, line.id, %(company)s, line.territory_id, line.tier_id, cut.variant_id
                  FROM line
                  LEFT JOIN (%(cuts)s) cut ON line.place >= cut.low AND line.place < cut.high
                 ORDER BY line.id
                    ON CONFLICT DO NOTHING
                """,
                territory=self._get_territory_sql(),
                draw=hash_sql(SQL("%s || ':' || customer.id", self.trade_seed)),
                members=self._get_audience_query().select(),
                company=self.trade_company_id.id,
                begin=hash_sql(SQL("%s || ':tier:' || COALESCE(tier_id, 0)", self.trade_seed)),
                campaign=self.id,
                cuts=self._get_cuts_sql(),
            )
        )
        count = self.env.cr.rowcount
        members.invalidate_model()
        self._count_audience()
        if not count:
            raise UserError(
                self.env._(
                    "Nobody is in the audience of “%s” that its people may see: nothing was started. "
                    "Look at its segments.",
                    self.title,
                )
            )
        return count

    def _count_audience(self):
        [(members, drawn)] = (
            self.env["trade.campaign.member"]
            .sudo()
            ._read_group([("campaign_id", "=", self.id)], [], ["__count", "variant_id:count"])
        )
        self.sudo().write({"trade_member_total": members, "trade_holdout_total": members - drawn})

    def _get_cuts(self):
        """:return: list of (variant id, low, high), shares of the line of a tier; before them is the hold-out"""
        variants = self.trade_variant_ids
        total = sum(variants.mapped("weight"))
        low = self.trade_holdout / 100
        cuts = []
        for variant in variants:
            high = low + (1 - self.trade_holdout / 100) * variant.weight / total
            cuts.append((variant.id, low, high))
            low = high
        # Whatever rounding does to the end of the line, it belongs to the last one.
        variant_id, low, _high = cuts[-1]
        return [*cuts[:-1], (variant_id, low, 2.0)]

    def _get_cuts_sql(self):
        rows = [
            SQL("(%s, %s::float8, %s::float8)", variant_id, low, high)
            for variant_id, low, high in self._get_cuts()
        ]
        return SQL("SELECT * FROM (VALUES %s) AS cut (variant_id, low, high)", SQL(", ").join(rows))

    def _get_territory_sql(self):
        """The territory of a new document of ``customer``, as ``res.partner._get_document_territory``."""
        fallback = self.env["trade.territory"].sudo()._get_fallback()
        own = SQL("COALESCE(customer.territory_id, %s)", fallback.id)
        territory_ids = self.user_id.sudo()._get_territory_ids()
        if territory_ids is None:
            return own
        return SQL(
            "CASE WHEN customer.territory_id = ANY(%(ids)s) THEN customer.territory_id"
            " ELSE COALESCE((SELECT min(shared.territory_id) FROM trade_territory_shared_rel shared"
            " WHERE shared.partner_id = customer.id AND shared.territory_id = ANY(%(ids)s)), %(own)s) END",
            ids=list(territory_ids),
            own=own,
        )

    # ------------------------------------------------------------------
    # Open
    # ------------------------------------------------------------------

    def action_trade_view_members(self):
        self.ensure_one()
        return self._get_member_action([], self.title)

    def action_trade_view_audience(self):
        """Open who would be in the audience now."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm.res_partner_action_customers"
        )
        segments = self.sudo().trade_segment_ids
        domain = [
            ("trade_segment_ids", "in", segments.ids),
            "!",
            ("trade_segment_ids", "in", self.sudo().trade_excluded_segment_ids.ids),
        ]
        if not self.sudo().trade_excluded_segment_ids:
            domain = domain[:1]
        return {**action, "name": self.title, "context": {}, "domain": domain}

    def _get_member_action(self, domain, name):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm_marketing.trade_campaign_member_action"
        )
        domain = Domain("campaign_id", "=", self.id) & Domain(domain)
        return {**action, "name": name, "display_name": name, "domain": list(domain), "context": {}}
