from odoo import fields, models


class SaleOrder(models.Model):
    """What approval rules look at: discounts, margin and payment days as they are.

    A salesperson may set prices, costs and pricelists; figures are compared with what the
    products and the pricelist say, so that none is lowered by writing another one.
    """

    _inherit = "sale.order"

    def _get_needed_rules(self):
        """The rules that ask for approval: ``{order: {rule id: reason}}``, without other orders."""
        today = self._get_approval_day()
        needed = {}
        for order in self:
            rules = self.env["trade.approval.rule"]._get_rules(order.company_id, today)
            if not rules:
                continue
            order_sudo, figures = order.sudo(), {}
            matched = {rule["id"]: order_sudo._match_rule(rule, figures) for rule in rules}
            matched = {rule: reason for rule, reason in matched.items() if reason}
            if matched:
                needed[order] = matched
        return needed

    def _get_approval_day(self):
        return fields.Date.context_today(self)

    def _match_rule(self, rule, figures):
        """Why ``rule`` asks for approval of this order; None when it does not.

        :param figures: dictionary in which what several rules look at is kept
        """
        reasons = []
        for condition in (
            self._match_lists,
            self._match_amount,
            self._match_payment,
            self._match_discount,
            self._match_margin,
        ):
            found = condition(rule, figures)
            if found is None:
                return None
            reasons += found
        if rule["domain"] and not self.filtered_domain(rule["domain"]):
            return None
        return ", ".join(reasons) or self.env._("of the rule “%s”", rule["name"])

    def _match_lists(self, rule, figures):
        """Reasons, none if the rule has no such condition; None when the order does not meet it."""
        values = {
            "order_type_ids": lambda: self.trade_order_type_id,
            "customer_type_ids": lambda: (
                self.partner_id.commercial_partner_id.trade_customer_type_id
            ),
            "payment_term_ids": lambda: self.payment_term_id,
            "tier_ids": lambda: self._get_figure(figures, "tier"),
            "territory_ids": lambda: self._get_figure(figures, "territory"),
        }
        reasons = []
        for name, get_value in values.items():
            if not rule[name]:
                continue
            value = get_value()
            if rule[name].isdisjoint(value.ids):
                return None
            label = self.env["trade.approval.rule"]._fields[name]._description_string(self.env)
            reasons.append(f"{label}: {value[-1:].display_name}")
        return reasons

    def _match_amount(self, rule, figures):
        limit = rule["amount_over"]
        if not limit:
            return []
        currency = self.company_id.currency_id
        amount = self._get_figure(figures, "amount")
        if currency.compare_amounts(amount, limit) <= 0:
            return None
        return [
            self.env._(
                "the amount %(amount)s is over %(limit)s",
                amount=currency.format(amount),
                limit=currency.format(limit),
            )
        ]

    def _match_payment(self, rule, figures):
        limit = rule["payment_days_over"]
        if limit is None:
            return []
        days = self._get_figure(figures, "payment_days")
        if days <= limit:
            return None
        return [
            self.env._(
                "payment after %(days)s days is later than %(limit)s days", days=days, limit=limit
            )
        ]

    def _match_discount(self, rule, figures):
        reasons = []
        for number, name in enumerate(("discount_over", "mean_discount_over")):
            if not rule[name]:
                continue
            discount = round(self._get_figure(figures, "discounts")[number], 2)
            if discount <= rule[name]:
                return None
            values = {"discount": f"{discount:g}", "limit": f"{rule[name]:g}"}
            reasons.append(
                self.env._("the mean discount %(discount)s %% is over %(limit)s %%", **values)
                if number
                else self.env._("discount %(discount)s %% is over %(limit)s %%", **values)
            )
        return reasons

    def _match_margin(self, rule, figures):
        limit = rule["margin_below"]
        if limit is None:
            return []
        if round(self._get_figure(figures, "margin"), 2) >= limit:
            return None
        # Without figures: not everybody who confirms an order may know its margin.
        return [self.env._("the margin is less than the rule “%s” allows", rule["name"])]

    # ------------------------------------------------------------------
    # Figures
    # ------------------------------------------------------------------

    def _get_figure(self, figures, name):
        if name not in figures:
            figures[name] = getattr(self, f"_get_approval_{name}")()
        return figures[name]

    def _get_approval_lines(self):
        """Lines that are sold: no sections, notes and lines without a quantity (down payments)."""
        return self.order_line.filtered(lambda line: not line.display_type and line.product_uom_qty)

    def _get_approval_amount(self):
        """Untaxed amount in the currency of the company."""
        return self.currency_id._convert(
            self._get_approval_net(),
            self.company_id.currency_id,
            self.company_id,
            (self.date_order or fields.Datetime.now()).date(),
        )

    def _get_approval_net(self):
        """Untaxed amount, from what makes it up: stored amounts can be written over RPC."""
        return sum(self._get_line_net(line) for line in self._get_approval_lines())

    def _get_line_net(self, line):
        price = line.price_unit * (1 - line.discount / 100)
        if not any(tax.price_include for tax in line.tax_ids):
            return price * line.product_uom_qty
        return line.tax_ids.compute_all(
            price,
            currency=self.currency_id,
            quantity=line.product_uom_qty,
            product=line.product_id,
            partner=self.partner_shipping_id,
        )["total_excluded"]

    def _get_approval_tier(self):
        profile = self.env["trade.customer.profile"].search(
            [
                ("partner_id", "=", self.partner_id.commercial_partner_id.id),
                ("company_id", "=", self.company_id.id),
            ]
        )
        return profile.tier_id

    def _get_approval_territory(self):
        """The territory of the order and those that it is a part of."""
        above = self.territory_id._get_above().get(self.territory_id.id)
        return above if above is not None else self.territory_id

    def _get_approval_payment_days(self):
        """Days from an invoice of today to its last payment."""
        today = self._get_approval_day()
        dues = [line._get_due_date(today) for line in self.payment_term_id.line_ids]
        return max(((due - today).days for due in dues), default=0)

    def _get_approval_discounts(self):
        """Largest and mean discount in percent.

        The largest is that of a line, or the mean: discount lines lower the whole order.
        """
        lines = self._get_approval_lines()
        prices = self._get_list_prices(lines.filtered(lambda line: line.price_unit >= 0))
        usual = net = largest = 0.0
        for line in lines:
            price = line.price_unit * (1 - line.discount / 100)
            net += price * line.product_uom_qty
            if list_price := prices.get(line):
                usual += list_price * line.product_uom_qty
                largest = max(largest, (1 - price / list_price) * 100)
        mean = (1 - net / usual) * 100 if usual else 0.0
        return max(largest, mean), mean

    def _get_list_prices(self, lines):
        """Prices before any discount, at least those that the lines name: ``{line: price}``.

        One look at the pricelist for all lines, where ``_get_display_price`` has one for each.
        """
        products = lines.product_id
        rules = self.pricelist_id._get_applicable_rules(products, self.date_order)
        prices = {}
        for line in lines:
            price = line.price_unit
            if line.product_type != "combo" and not line.combo_item_id and line.product_id:
                price = max(price, self._get_list_price(line, rules))
            prices[line] = price
        return prices

    def _get_list_price(self, line, rules):
        product, uom = line.product_id, line.product_uom_id
        quantity = uom._compute_quantity(
            line.product_uom_qty, product.uom_id, raise_if_failure=False
        )
        rule = next(
            (rule for rule in rules if rule._is_applicable_for(product, quantity)), rules.browse()
        )
        product = product.with_context(**line._get_product_price_context())
        arguments = line._get_pricelist_kwargs()
        price = rule._compute_price(product=product, **arguments)
        if rule._show_discount():
            price = max(price, rule._compute_price_before_discount(product=product, **arguments))
        if not self.fiscal_position_id:
            return price
        return line.product_id._get_tax_included_unit_price_from_price(
            price,
            product_taxes=product.taxes_id._filter_taxes_by_company(self.company_id),
            fiscal_position=self.fiscal_position_id,
        )

    def _get_approval_margin(self):
        """Margin in percent of the untaxed amount."""
        lines = self._get_approval_lines()
        revenue = self._get_approval_net()
        cost = sum(line.product_uom_qty * self._get_line_cost(line) for line in lines)
        if revenue <= 0:
            return -100.0 if cost else 0.0
        return (revenue - cost) / revenue * 100

    def _get_line_cost(self, line):
        """What a unit costs: the product's cost, or what the line says when that is more."""
        product = line.product_id.with_company(self.company_id)
        cost = product.uom_id._compute_price(product.standard_price, line.product_uom_id)
        cost = self.company_id.currency_id._convert(
            cost,
            self.currency_id,
            self.company_id,
            (self.date_order or fields.Datetime.now()).date(),
            round=False,
        )
        return max(cost, line.purchase_price)
