from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import format_date, formatLang

MONTHS = 24
MOST_PRODUCTS = 8
MOST_ROWS = 5


class ResPartner(models.Model):
    """Everything about a customer on one page.

    A panel is a dict: ``key``, ``title``, ``sequence``, ``kind`` and, by kind,

    - ``figures``: ``figures``, list of {label, value, hint, is_bad}
    - ``list``: ``rows``, list of {title, subtitle, value, res_model, res_id, is_bad}, and ``empty``, what
      is said without any
    - ``chart``: ``points``, list of {label, value, text}

    and ``action``, what "All" opens: {name, res_model, domain}. All values are plain data. To add a
    panel, extend :meth:`_get_trade_panels`.
    """

    _inherit = "res.partner"

    def action_open_360(self):
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "trade_crm.customer_360",
            "name": self.env._("360° view"),
            "path": "trade-360",
            "context": {
                "active_model": "res.partner",
                "active_id": self.id,
                "active_ids": self.ids,
            },
        }

    @api.model
    def _get_readable_customer(self, partner_id):
        """The customer to which ``partner_id``, a customer or a contact, belongs.

        :raise AccessError: when the user may not read it
        :raise MissingError: when it is deleted
        """
        partner = self.browse(partner_id)
        partner.check_access("read")
        customer = partner.commercial_partner_id
        customer.check_access("read")
        return customer

    @api.model
    @api.readonly
    def get_trade_360(self, partner_id):
        """The page of the customer to which ``partner_id``, a customer or a contact, belongs.

        :return: dict with ``header`` and ``panels``, see the class
        :raise AccessError: when the user may not read the customer
        :raise MissingError: when it is deleted
        """
        customer = self._get_readable_customer(partner_id)
        # Most of it is read by SQL.
        self.env.flush_all()
        panels = customer._get_trade_panels()
        return {
            "header": customer._get_trade_header(),
            "panels": sorted(panels, key=lambda panel: panel["sequence"]),
        }

    def _get_trade_header(self):
        """Who the customer is."""
        names, tags, contacts = self._read_header_names()
        return {
            "id": self.id,
            "name": self.display_name,
            "company": self.env.company.name,
            "is_archived": not self.active,
            "may_sell": self.active and self.env["sale.order"].has_access("create"),
            "may_visit": self.active and self.env["trade.visit"].has_access("create"),
            "may_log": self.env["trade.contact.log"].has_access("create"),
            "channel": self._label("trade_preferred_channel"),
            **names,
            "address": self._get_short_address() or False,
            "phone": self.phone or False,
            "email": self.email or False,
            "tier": self.trade_tier_id.name or False,
            "tier_color": self.trade_tier_color,
            "tags": tags,
            "contacts": contacts,
        }

    def _read_header_names(self):
        """Names of what the customer is linked to, in one statement.

        As everywhere in Odoo, who reads a record reads the names of what it links to.

        :return: (dict of names, list of {name, color} of tags, list of contacts)
        """
        [[seller, kind, medium, territory, tags, contacts]] = self.env.execute_query(
            SQL(
                """
                SELECT seller.name, %(kind)s, medium.name,
                       (SELECT string_agg(%(above)s, ' / ' ORDER BY length(above.parent_path))
                          FROM trade_territory above
                         WHERE starts_with(territory.parent_path, above.parent_path)),
                       (SELECT jsonb_agg(jsonb_build_object('name', %(tag)s, 'color', tag.color) ORDER BY %(tag)s)
                          FROM res_partner_res_partner_category_rel given
                          JOIN res_partner_category tag ON tag.id = given.category_id AND tag.active
                         WHERE given.partner_id = customer.id),
                       (SELECT jsonb_agg(jsonb_build_object('id', person.id, 'name', person.name,
                               'function', person.function, 'phone', person.phone, 'email', person.email)
                               ORDER BY person.id)
                          FROM (SELECT * FROM res_partner
                                 WHERE parent_id = customer.id AND active AND type = 'contact'
                                   AND (company_id IS NULL OR company_id = ANY(%(companies)s))
                                 ORDER BY id LIMIT %(most)s) person)
                  FROM res_partner customer
                  LEFT JOIN res_users ON res_users.id = customer.user_id
                  LEFT JOIN res_partner seller ON seller.id = res_users.partner_id
                  LEFT JOIN trade_customer_type kind ON kind.id = customer.trade_customer_type_id
                  LEFT JOIN utm_medium medium ON medium.id = customer.trade_acquisition_medium_id
                  LEFT JOIN trade_territory territory ON territory.id = customer.territory_id
                 WHERE customer.id = %(customer)s
                """,
                kind=self._get_translated_sql("kind"),
                above=self._get_translated_sql("above"),
                tag=self._get_translated_sql("tag"),
                most=MOST_ROWS,
                companies=self.env.companies.ids,
                customer=self.id,
            )
        )
        names = {
            "salesperson": seller or False,
            "customer_type": kind or False,
            "acquired_by": medium or False,
            "territory": territory or False,
        }
        return names, tags or [], contacts or []

    @api.model
    def _get_translated_sql(self, table):
        """``SQL`` of the name of a record, which is translated, in the language of the user."""
        name = SQL.identifier(table, "name")
        return SQL("COALESCE(%s->>%s, %s->>'en_US')", name, self.env.lang or "en_US", name)

    # ------------------------------------------------------------------
    # Panels
    # ------------------------------------------------------------------

    def _get_trade_panels(self):
        """List of panels, see the class; ``self`` is one customer that the user may read."""
        self.ensure_one()
        panels = [
            self._get_value_panel(),
            *self._get_sales_panels(),
            self._get_money_panel(),
            self._get_quotation_panel(),
            self._get_delivery_panel(),
            self._get_opportunity_panel(),
        ]
        return [panel for panel in panels if panel]

    def _money(self, amount):
        return formatLang(self.env, amount, currency_obj=self.env.company.currency_id)

    def _label(self, name):
        field = self._fields[name]
        return dict(field._description_selection(self.env)).get(self[name]) if self[name] else False

    def _get_value_panel(self):
        """Worth, and when the customer buys."""
        figures = []
        if self.trade_order_count:
            figures = [
                (self.env._("Revenue in window"), self._money(self.trade_window_revenue), self.trade_tier_reason),
                (self.env._("Total revenue"), self._money(self.trade_revenue), False),
                (self.env._("Orders"), str(self.trade_order_count), False),
                (self.env._("Average order value"), self._money(self.trade_average_order_value), False),
                (self.env._("Last purchase"), format_date(self.env, self.trade_last_order_date), False),
            ]  # fmt: skip
        if self.trade_gap_mean_days:
            cycle = self.env._("%s days", round(self.trade_gap_mean_days))
            figures.append((self.env._("Purchase cycle"), cycle, False))
        panel = [{"label": label, "value": value, "hint": hint} for label, value, hint in figures]
        if self.trade_next_order_date:
            today = self.env["trade.customer.profile"]._get_today(self.env.company.sudo().trade_tz)
            panel.append(
                {
                    "label": self.env._("Next purchase expected"),
                    "value": format_date(self.env, self.trade_next_order_date),
                    "is_bad": self.trade_next_order_date < today,
                }
            )
        if quadrant := self._label("trade_matrix_quadrant"):
            panel.append({"label": self.env._("Value matrix"), "value": quadrant})
        if status := self._label("trade_lifecycle_status"):
            panel.append(
                {
                    "label": self.env._("Status"),
                    "value": status,
                    "hint": self.trade_lifecycle_measure or self.trade_lifecycle_reason,
                }
            )
        return {
            "key": "value",
            "title": self.env._("Value"),
            "sequence": 10,
            "kind": "figures",
            "figures": panel,
            "empty": self.env._("Nothing is known of purchases in this company yet."),
        }

    def _get_sales_panels(self):
        """Revenue per month and what brought most of it, from one look at the sales."""
        if not self.trade_order_count:
            return []
        today = self.env["trade.customer.profile"]._get_today(self.env.company.sudo().trade_tz)
        first = today.replace(day=1) - relativedelta(months=MONTHS - 1)
        months, products = {}, []
        for month, name, quantity, revenue, day in self._read_sales(first, today):
            if month:
                months[month] = revenue
            else:
                products.append((name, quantity, revenue, day))
        return [self._get_trend_panel(first, months), self._get_product_panel(products)]

    def _read_sales(self, first, today):
        """Rows (month, product, quantity, revenue, last day): by month, then the best products."""
        return self.env.execute_query(
            SQL(
                """
                WITH sale AS (
                    SELECT * FROM trade_sales_fact
                     WHERE company_id = %(company)s AND partner_id = %(customer)s AND day >= %(first)s)
                (SELECT date_trunc('month', day)::date, NULL, NULL::float, sum(revenue), NULL::date
                   FROM sale GROUP BY 1)
                UNION ALL
                (SELECT NULL, %(product)s, bought.quantity, bought.revenue, bought.day
                   FROM (SELECT product_id, sum(quantity) AS quantity, sum(revenue) AS revenue, max(day) AS day
                           FROM sale WHERE product_id IS NOT NULL AND day > %(year)s
                          GROUP BY 1 ORDER BY revenue DESC, 1 LIMIT %(most)s) bought
                   JOIN product_product product ON product.id = bought.product_id
                   JOIN product_template template ON template.id = product.product_tmpl_id
                  ORDER BY bought.revenue DESC, product.id)
                """,
                company=self.env.company.id,
                customer=self.id,
                first=first,
                year=today - relativedelta(months=12),
                most=MOST_PRODUCTS,
                product=self._get_product_name_sql(),
            )
        )

    @api.model
    def _get_product_name_sql(self):
        """``SQL`` of a variant's name with code and attributes, as in its display name."""
        return SQL(
            """
            concat('[' || NULLIF(product.default_code, '') || '] ', %(name)s,
                   ' (' || (SELECT string_agg(%(value)s, ', ' ORDER BY chosen.id)
                              FROM product_variant_combination combination
                              JOIN product_template_attribute_value chosen
                                ON chosen.id = combination.product_template_attribute_value_id
                              JOIN product_attribute_value value ON value.id = chosen.product_attribute_value_id
                             WHERE combination.product_product_id = product.id) || ')')
            """,
            name=self._get_translated_sql("template"),
            value=self._get_translated_sql("value"),
        )

    def _get_trend_panel(self, first, revenue_by_month):
        """Revenue per month, the current one last."""
        months = [first + relativedelta(months=number) for number in range(MONTHS)]
        return {
            "key": "trend",
            "title": self.env._("Revenue of %s months", MONTHS),
            "sequence": 20,
            "kind": "chart",
            "points": [
                {
                    "label": format_date(self.env, month, date_format="MMM y"),
                    "value": float(revenue_by_month.get(month, 0)),
                    "text": self._money(revenue_by_month.get(month, 0)),
                }
                for month in months
            ],
        }

    def _get_product_panel(self, rows):
        """What brought most in the last 12 months."""
        domain = [("partner_id", "=", self.id), ("company_id", "=", self.env.company.id)]
        return {
            "key": "products",
            "title": self.env._("Bought most in 12 months"),
            "sequence": 30,
            "kind": "list",
            "rows": [
                {
                    "title": name,
                    "subtitle": self.env._(
                        "%(quantity)s, last on %(day)s",
                        quantity=formatLang(self.env, quantity, digits=0),
                        day=format_date(self.env, day),
                    ),
                    "value": self._money(revenue),
                }
                for name, quantity, revenue, day in rows
            ],
            "empty": self.env._("No product is known by name."),
            "action": {
                "name": self.env._("Sales analysis"),
                "res_model": "trade.sales.fact",
                "domain": domain,
            },
        }

    def _get_money_panel(self):
        """Open invoices, of those that the user may see."""
        moves = self.env["account.move"]
        if not moves.has_access("read"):
            return None
        domain = [
            ("commercial_partner_id", "=", self.id),
            ("company_id", "=", self.env.company.id),
            ("move_type", "in", ["out_invoice", "out_refund"]),
            ("state", "=", "posted"),
            ("payment_state", "in", ["not_paid", "partial"]),
        ]
        today = fields.Date.context_today(self)
        query = moves._search(domain)
        amount = SQL.identifier(query.table, "amount_residual_signed")
        due = SQL.identifier(query.table, "invoice_date_due")
        [[open_amount, open_count, late_amount, since]] = self.env.execute_query(
            query.select(
                SQL("sum(%s)", amount),
                SQL("count(*)"),
                SQL("sum(%s) FILTER (WHERE %s < %s)", amount, due, today),
                SQL("min(%s) FILTER (WHERE %s < %s)", due, due, today),
            )
        )
        figures = [
            {
                "label": self.env._("To be paid"),
                "value": self._money(open_amount or 0),
                "hint": self.env._("%s invoices that you may see", open_count),
            }
        ]
        if late_amount:
            figures.append(
                {
                    "label": self.env._("Overdue"),
                    "value": self._money(late_amount),
                    "hint": self.env._("Since %s", format_date(self.env, since)),
                    "is_bad": True,
                }
            )
        return {
            "key": "money",
            "title": self.env._("Open money"),
            "sequence": 40,
            "kind": "figures",
            "figures": figures,
            "action": {
                "name": self.env._("Unpaid invoices"),
                "res_model": "account.move",
                "domain": domain,
            },
        }

    def _get_quotation_panel(self):
        domain = [
            ("partner_id.commercial_partner_id", "=", self.id),
            ("company_id", "=", self.env.company.id),
            ("state", "in", ["draft", "sent"]),
        ]
        return self._get_record_panel(
            "quotations",
            self.env._("Quotations"),
            50,
            "sale.order",
            domain,
            ["name", "date_order", "amount_total", "currency_id"],
            lambda order: {
                "title": order.name,
                "subtitle": format_date(self.env, order.date_order),
                "value": formatLang(self.env, order.amount_total, currency_obj=order.currency_id),
            },
            self.env._("No quotation is open."),
        )

    def _get_delivery_panel(self):
        domain = [
            ("partner_id.commercial_partner_id", "=", self.id),
            ("company_id", "=", self.env.company.id),
            ("picking_type_code", "=", "outgoing"),
            ("state", "not in", ["done", "cancel"]),
        ]
        now = fields.Datetime.now()
        return self._get_record_panel(
            "deliveries",
            self.env._("Deliveries under way"),
            60,
            "stock.picking",
            domain,
            ["name", "origin", "scheduled_date"],
            lambda picking: {
                "title": picking.name,
                "subtitle": picking.origin or False,
                "value": format_date(self.env, picking.scheduled_date),
                "is_bad": picking.scheduled_date < now,
            },
            self.env._("Nothing is to be delivered."),
            order="scheduled_date, id",
        )

    def _get_opportunity_panel(self):
        domain = [
            ("partner_id.commercial_partner_id", "=", self.id),
            ("won_status", "=", "pending"),
            ("company_id", "in", [self.env.company.id, False]),
        ]
        return self._get_record_panel(
            "opportunities",
            self.env._("Opportunities"),
            70,
            "crm.lead",
            domain,
            ["name", "date_deadline", "expected_revenue"],
            lambda lead: {
                "title": lead.name,
                "subtitle": lead.date_deadline and format_date(self.env, lead.date_deadline),
                "value": self._money(lead.expected_revenue),
            },
            self.env._("No opportunity is open."),
        )

    def _get_record_panel(
        self, key, title, sequence, model, domain, names, describe, empty, order=None
    ):
        """A panel of the first records that fit and that the user may read.

        :param names: fields that it shows
        :param describe: function that takes a record and returns its row
        :return: a panel, or None when the user may not read such records at all
        """
        records = self.env[model]
        if not records.has_access("read"):
            return None
        found = records.search_fetch(domain, names, limit=MOST_ROWS, order=order)
        return {
            "key": key,
            "title": title,
            "sequence": sequence,
            "kind": "list",
            "rows": [
                {**describe(record), "res_model": model, "res_id": record.id} for record in found
            ],
            "empty": empty,
            "action": {"name": title, "res_model": model, "domain": domain},
        }
