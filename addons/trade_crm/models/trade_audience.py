from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date, formatLang

MODES = [("include", "Include"), ("exclude", "Exclude")]
KINDS = [
    ("domain", "Fits a filter"),
    ("bought", "Bought"),
    ("not_bought", "Did not buy"),
    ("segment", "Is in a segment"),
]
MATCHES = [("all", "Every condition"), ("any", "One of the conditions")]
PERIODS = [("ever", "Ever"), ("last", "In the last days"), ("between", "Between two days")]
MEASURES = [
    ("any", "Anything"),
    ("revenue", "Revenue of at least"),
    ("quantity", "Quantity of at least"),
    ("days", "On at least so many days"),
]
# In the order of MEASURES. A day with a purchase has lines, or an order without detail.
MEASURE_SQL = {
    "any": SQL("count(*) FILTER (WHERE line_count > 0 OR order_count > 0)"),
    "revenue": SQL("sum(revenue)"),
    "quantity": SQL("sum(quantity)"),
    "days": SQL("count(DISTINCT day) FILTER (WHERE line_count > 0 OR order_count > 0)"),
}

SHORT_DAYS = 120


class TradeAudienceMixin(models.AbstractModel):
    """Chooses customers by conditions: what is included, less what is excluded.

    The conditions become one domain on ``res.partner``, so that who reads the members sees those of
    their territories, and nothing is held in Python. Members are customers, not their contacts.
    """

    _name = "trade.audience.mixin"
    _description = "Chooses Customers"

    match = fields.Selection(MATCHES, "Have to fit", required=True, default="all", tracking=True)
    # To be replaced: the field of trade.audience.line that leads here differs.
    line_ids = fields.One2many("trade.audience.line", string="Conditions", copy=True)
    summary = fields.Text("In words", compute="_compute_summary")

    @api.depends("match", "line_ids", "line_ids.summary", "line_ids.mode")
    @api.depends_context("lang", "uid")
    def _compute_summary(self):
        for audience in self:
            included = audience.line_ids.filtered(lambda line: line.mode == "include")
            joint = self.env._(" and ") if audience.match == "all" else self.env._(" or ")
            texts = [joint.join(included.mapped("summary")) or self.env._("All customers")]
            excluded = audience.line_ids - included
            if excluded:
                texts.append(
                    self.env._("but not: %s", self.env._(" or ").join(excluded.mapped("summary")))
                )
            audience.summary = ", ".join(texts) if audience.line_ids else False

    def _get_audience_company(self):
        """The company whose figures the conditions are about."""
        return self.company_id or self.env.company

    def _get_member_domain(self):
        """Who is a member, as a ``Domain`` on ``res.partner`` in the company of the audience.

        Without a condition nobody is: an unfinished audience must not reach everybody.
        """
        self.ensure_one()
        lines = self.line_ids
        if not lines:
            return Domain.FALSE
        included = lines.filtered(lambda line: line.mode == "include")
        domains = [line._get_domain() for line in included]
        combine = Domain.AND if self.match == "all" else Domain.OR
        wanted = combine(domains) if domains else Domain.TRUE
        unwanted = Domain.OR([line._get_domain() for line in lines - included])
        return self._get_customer_domain() & wanted & ~unwanted

    @api.model
    def _get_customer_domain(self):
        """Customers themselves: no contacts, vendors or companies of ours."""
        customer = Domain.custom(
            to_sql=lambda model, alias, query: model._get_customer_condition(alias)
        )
        return customer & (Domain("is_company", "=", True) | Domain("parent_id", "=", False))

    def _get_partners(self):
        """``res.partner`` as the conditions are about it, for whoever reads them."""
        return self.env["res.partner"].with_company(self._get_audience_company())

    def _get_members_query(self):
        """The members that the user may see.

        :return: ``Query`` of ids of ``res.partner``
        """
        self.ensure_one()
        return self._get_partners()._search(self._get_member_domain())

    def _count_members(self):
        self.ensure_one()
        return self._get_partners().search_count(self._get_member_domain())


class TradeAudienceLine(models.Model):
    """One condition of a segment or of a rule for a tag."""

    _name = "trade.audience.line"
    _description = "Condition on Customers"
    _order = "mode desc, sequence, id"
    _rec_name = "summary"

    segment_id = fields.Many2one("trade.segment", index="btree_not_null", ondelete="cascade")
    tag_rule_id = fields.Many2one("trade.tag.rule", index="btree_not_null", ondelete="cascade")
    sequence = fields.Integer(default=10)
    mode = fields.Selection(MODES, required=True, default="include")
    kind = fields.Selection(KINDS, required=True, default="domain")
    domain = fields.Char("Filter", default="[]")

    product_ids = fields.Many2many("product.product", string="Products")
    categ_ids = fields.Many2many("product.category", string="Product categories")
    period = fields.Selection(PERIODS, required=True, default="last")
    days = fields.Integer(default=90)
    date_from = fields.Date("From")
    date_to = fields.Date("To")
    measure = fields.Selection(MEASURES, required=True, default="any")
    minimum = fields.Float()

    other_segment_id = fields.Many2one(
        "trade.segment", "Other segment", index=True, ondelete="restrict"
    )
    summary = fields.Char("Condition", compute="_compute_summary")

    _one_owner = models.Constraint(
        "CHECK (num_nonnulls(segment_id, tag_rule_id) = 1)",
        "A condition belongs to a segment or to a rule for a tag.",
    )

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    @api.constrains("kind", "domain")
    def _check_domain(self):
        for line in self.filtered(lambda line: line.kind == "domain"):
            try:
                domain = Domain(literal_eval(line.domain or "[]"))
                partners = self.env["res.partner"].sudo()
                domain.validate(partners)
                # A value of another type than the field is found by the database.
                partners.search(domain, limit=1)
            except Exception as error:
                raise ValidationError(
                    self.env._(
                        "The filter “%(filter)s” cannot be read: %(error)s. Choose the fields once more.",
                        filter=line.domain,
                        error=error,
                    )
                ) from error
            if domain.is_true():
                raise ValidationError(
                    self.env._(
                        "A condition “Fits a filter” has no filter yet: add a rule to it, or remove the condition."
                    )
                )

    @api.constrains("kind", "period", "days", "date_from", "date_to", "measure", "minimum")
    def _check_purchase(self):
        for line in self.filtered(lambda line: line.kind in ("bought", "not_bought")):
            if line.period == "last" and line.days < 1:
                raise ValidationError(
                    self.env._("“In the last days” needs a number of days, 1 or more.")
                )
            if line.period == "between" and not (line.date_from or line.date_to):
                raise ValidationError(
                    self.env._("“Between two days” needs at least one of the days.")
                )
            if line.date_from and line.date_to and line.date_from > line.date_to:
                raise ValidationError(
                    self.env._("The period begins on %(start)s and ends before that, on %(end)s.",
                        start=line.date_from, end=line.date_to)
                )  # fmt: skip
            if line.measure != "any" and line.minimum <= 0:
                raise ValidationError(
                    self.env._(
                        "“%s” needs a figure greater than 0.",
                        dict(self._fields["measure"]._description_selection(self.env))[
                            line.measure
                        ],
                    )
                )

    @api.constrains("kind", "other_segment_id", "segment_id")
    def _check_segment(self):
        for line in self.filtered(lambda line: line.kind == "segment"):
            if not line.other_segment_id:
                raise ValidationError(
                    self.env._("Choose the segment that customers have to be in.")
                )
            if line.segment_id and line.segment_id in line.other_segment_id._get_used_segments():
                raise ValidationError(
                    self.env._(
                        "“%(other)s” is made from “%(segment)s” itself: a segment cannot be part of its own condition.",
                        other=line.other_segment_id.name,
                        segment=line.segment_id.name,
                    )
                )

    # ------------------------------------------------------------------
    # Members
    # ------------------------------------------------------------------

    def _get_domain(self):
        """Who fits this condition, as a ``Domain`` on ``res.partner``."""
        self.ensure_one()
        return getattr(self, f"_get_{self.kind}_domain")()

    def _get_domain_domain(self):
        try:
            return Domain(literal_eval(self.domain or "[]"))
        except (SyntaxError, ValueError) as error:
            raise UserError(self.env._("The filter “%s” cannot be read.", self.domain)) from error

    def _get_bought_domain(self):
        if (
            self.measure == "any"
            and self.period == "last"
            and not (self.product_ids or self.categ_ids)
        ):
            # The profile knows the last purchase.
            first, _last = self._get_days(self._get_company())
            return Domain("trade_last_order_date", ">=", first)
        # In the brackets, because Odoo would take the statement for a list of values otherwise.
        return Domain(
            "id", "in", SQL("(SELECT partner_id FROM (%s) bought)", self._get_purchase_sql())
        )

    def _get_not_bought_domain(self):
        return ~self._get_bought_domain()

    def _get_segment_domain(self):
        # Other users' private segments may be part of shared ones.
        return self.other_segment_id.sudo()._get_member_domain()

    def _get_purchase_sql(self):
        """``SQL`` of the customers that bought enough: rows (partner_id, value)."""
        company = self._get_company()
        self.env["trade.sales.fact"].flush_model()
        value = MEASURE_SQL[self.measure]
        return SQL(
            "SELECT partner_id, %s AS value FROM trade_sales_fact WHERE %s GROUP BY partner_id HAVING %s >= %s",
            value,
            SQL(" AND ").join(self._get_purchase_conditions(company)),
            value,
            1 if self.measure == "any" else self.minimum,
        )

    def _get_company(self):
        return (self.segment_id or self.tag_rule_id).sudo()._get_audience_company()

    def _get_purchase_conditions(self, company):
        first, last = self._get_days(company)
        conditions = [SQL("company_id = %s", company.id)]
        if first:
            conditions.append(SQL("day >= %s", first))
        if last:
            conditions.append(SQL("day <= %s", last))
        if self.product_ids or self.categ_ids:
            # Of a short period all sales are looked at, by the index of days: that of products would
            # lead through every sale of them.
            is_short = first and ((last or fields.Date.today()) - first).days <= SHORT_DAYS
            product = SQL("COALESCE(product_id, 0)") if is_short else SQL("product_id")
            conditions.append(SQL("%s IN %s", product, self._get_products_sql()))
        return conditions

    def _get_products_sql(self):
        products_sudo = self.env["product.product"].sudo().with_context(active_test=False)
        wanted = Domain("id", "in", self.product_ids.ids) | Domain(
            "categ_id", "child_of", self.categ_ids.ids
        )
        return products_sudo._search(wanted).subselect()

    def _get_days(self, company):
        """First and last day of the period, None where it is open."""
        if self.period == "ever":
            return None, None
        if self.period == "between":
            return self.date_from, self.date_to
        today = self.env["trade.customer.profile"]._get_today(company.trade_tz)
        return fields.Date.subtract(today, days=self.days), today

    # ------------------------------------------------------------------
    # In words
    # ------------------------------------------------------------------

    @api.depends(
        "kind", "domain", "product_ids", "categ_ids", "period", "days", "date_from", "date_to",
        "measure", "minimum", "other_segment_id",
    )  # fmt: skip
    @api.depends_context("lang", "uid")
    def _compute_summary(self):
        for line in self:
            line.summary = getattr(line, f"_describe_{line.kind}")()

    def _describe_segment(self):
        return self.env._("in the segment “%s”", self.other_segment_id.name or "–")

    def _describe_domain(self):
        try:
            conditions = list(Domain(literal_eval(self.domain or "[]")).iter_conditions())
        except Exception:
            return self.env._("a filter that cannot be read")
        partners = self.env["res.partner"]
        texts = [partners._describe_condition(condition) for condition in conditions]
        return ", ".join(texts) or self.env._("no filter yet")

    def _get_told_domain(self):
        """The part of the condition whose values tell why a customer fits."""
        if self.kind == "domain" and self.mode == "include":
            return self._get_domain_domain()
        return Domain.TRUE

    def _describe_with(self, values):
        """The condition in words, with the values that a customer had when it was found to fit.

        :param values: dict of the name of a field to its value as JSON
        """
        if self.kind != "domain":
            return self.summary
        try:
            conditions = list(self._get_domain_domain().iter_conditions())
        except UserError:
            return self.summary
        partners = self.env["res.partner"]
        return "; ".join(
            partners._describe_match(condition, values.get(condition.field_expr))
            for condition in conditions
        )

    def _describe_bought(self):
        return self.env._("bought %s", self._describe_purchase())

    def _describe_not_bought(self):
        return self.env._("did not buy %s", self._describe_purchase())

    def _describe_purchase(self):
        names = [*self.product_ids.mapped("display_name"), *self.categ_ids.mapped("display_name")]
        what = ", ".join(names) or self.env._("anything")
        return " ".join(filter(None, [what, self._describe_measure(), self._describe_period()]))

    def _describe_measure(self):
        if self.measure == "revenue":
            currency = (self.segment_id or self.tag_rule_id).company_id.currency_id
            currency = currency or self.env.company.currency_id
            return self.env._(
                "for at least %s", formatLang(self.env, self.minimum, currency_obj=currency)
            )
        if self.measure == "quantity":
            return self.env._("%s or more of it", formatLang(self.env, self.minimum, digits=0))
        if self.measure == "days":
            return self.env._("on %s days or more", int(self.minimum))
        return ""

    def _describe_period(self):
        if self.period == "last":
            return self.env._("in the last %s days", self.days)
        if self.period == "between":
            start = format_date(self.env, self.date_from) if self.date_from else "…"
            end = format_date(self.env, self.date_to) if self.date_to else "…"
            return self.env._("from %(start)s to %(end)s", start=start, end=end)
        return ""
