from math import ceil

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

BASKET_MONTHS = 12
BASKET_SIZE = 20
FOUND = 10
QUANTITY_MOST = 1_000_000


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "trade.once.mixin"]


class TradeQuickOrder(models.AbstractModel):
    """An order on a telephone: the customer, what they usually buy, how much of it, send.

    The order itself is Odoo's: prices, taxes and terms are those of a quotation made by hand.
    """

    _name = "trade.quick.order"
    _description = "Quick Order"

    @api.model
    @api.readonly
    def find_customers(self, text):
        """``[[id, name, city]]`` of the customers that the user may read and whose name fits."""
        partners = self.env["res.partner"]
        found = partners.search_fetch(
            partners._get_customer_level_domain()
            & Domain("territory_id", "!=", False)
            & Domain("display_name", "ilike", str(text or "").strip()),
            ["name", "city"],
            order="name, id",
            limit=FOUND,
        )
        return [[partner.id, partner.name, partner.city or ""] for partner in found]

    @api.model
    @api.readonly
    def get_basket(self, partner_id, token=None):
        """What a customer usually buys, with today's price and what is on stock.

        :param token: of what the phone has not sent, or does not know to have arrived
        :return: dict of plain values; ``lines`` as :meth:`_prepare_lines` makes them
        """
        customer = self._get_buyer(partner_id)
        usual = self._read_usual(customer)
        products = self.env["product.product"].search(
            self._get_product_domain() & Domain("id", "in", list(usual))
        )
        lines = self._prepare_lines(customer, products, usual)
        order = list(usual)
        return {
            "customer": {"id": customer.id, "name": customer.name},
            "company": self.env.company.name,
            "sent": bool(token) and self.env["sale.order"]._find_sent(token).name,
            "currency_id": self._get_pricelist_currency(customer).id,
            "lines": sorted(lines, key=lambda line: order.index(line["product_id"])),
        }

    @api.model
    @api.readonly
    def find_products(self, partner_id, text):
        """Products whose name, number or barcode fits, as :meth:`_prepare_lines` makes them."""
        customer = self._get_buyer(partner_id)
        products = self.env["product.product"]
        found = products.search(
            self._get_product_domain()
            & (Domain("display_name", "ilike", text or "") | Domain("barcode", "=", text or "")),
            limit=FOUND,
        )
        return self._prepare_lines(customer, found, {})

    @api.model
    def send(self, partner_id, lines, token, confirm=False, visit_token=None):
        """Make the quotation, and confirm it when ``confirm`` is set.

        An order that may not be confirmed stays as quotation.

        :param lines: list of dicts with product_id and quantity (in the product's unit)
        :param token: what tells this order from any other of the user: sent twice, it is made once
        :param visit_token: that of the visit on which it was taken
        :return: dict with id, name and state of the order, and refusal, why it is not confirmed
        :raise ConcurrencyError: when the same order is being made; Odoo tries again and finds it
        """
        order = self.env["sale.order"]._find_sent(token)
        if order:
            waits = confirm and order.state in ("draft", "sent")
            refusal = waits and self.env._("It is not confirmed: open it to see why.")
        else:
            order = self._create_order(self._get_buyer(partner_id), lines, token, visit_token)
            refusal = confirm and self._try_to_confirm(order)
        return {"id": order.id, "name": order.name, "state": order.state, "refusal": refusal}

    @api.model
    def _create_order(self, customer, lines, token, visit_token):
        visit = self.env["trade.visit"]
        if visit_token:
            visit = visit._find_sent(visit_token).filtered(lambda one: one.partner_id == customer)
        values = {
            "partner_id": customer.id,
            "company_id": self.env.company.id,
            "user_id": self.env.uid,
            "trade_visit_id": visit.id,
            "order_line": [
                fields.Command.create({"product_id": product.id, "product_uom_qty": quantity})
                for product, quantity in self._check_lines(lines).items()
            ],
        }
        return self.env["sale.order"]._create_once(values, token)

    @api.model
    def _try_to_confirm(self, order):
        """:return: why the order stays a quotation, or False"""
        try:
            with self.env.cr.savepoint():
                order.action_confirm()
                self.env.flush_all()
        except UserError as error:
            order.invalidate_recordset()
            return str(error)
        return False

    @api.model
    def _check_lines(self, lines):
        """``{product: quantity}`` of what was asked for.

        :raise UserError: without any, or with one that cannot be sold
        """
        wanted = {}
        for line in lines if isinstance(lines, list) else ():
            try:
                product, quantity = int(line["product_id"]), float(line["quantity"])
            except (KeyError, OverflowError, TypeError, ValueError):
                quantity = -1
            if not 0 <= quantity <= QUANTITY_MOST:
                raise UserError(self.env._("A quantity is not a number that can be ordered."))
            if quantity:
                wanted[product] = wanted.get(product, 0) + quantity
        if not wanted:
            raise UserError(self.env._("Say how much of at least one product is ordered."))
        products = self.env["product.product"].search(
            self._get_product_domain() & Domain("id", "in", list(wanted))
        )
        if len(products) < len(wanted):
            raise UserError(
                self.env._("A product is no longer sold: load the list again and remove it.")
            )
        return {product: wanted[product.id] for product in products}

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _get_buyer(self, partner_id):
        """The customer, whom the user may read and sell to."""
        self.env["sale.order"].check_access("create")
        customer = self.env["res.partner"]._get_readable_customer(partner_id)
        if not customer.active:
            raise UserError(
                self.env._("“%s” is archived: unarchive it to sell again.", customer.name)
            )
        return customer

    @api.model
    def _get_product_domain(self):
        company = Domain("company_id", "in", (False, self.env.company.id))
        return Domain("sale_ok", "=", True) & company

    @api.model
    def _get_pricelist_currency(self, customer):
        pricelist = customer.with_company(self.env.company).property_product_pricelist
        return pricelist.currency_id or self.env.company.currency_id

    @api.model
    def _read_usual(self, customer):
        """What was bought within a year, most often first.

        :return: ``{product id: (usual quantity, price paid last, last day)}``, in reference units
        """
        facts = self.env["trade.sales.fact"]
        today = self.env["trade.customer.profile"]._get_today(self.env.company.trade_tz)
        query = facts._search(
            Domain("partner_id", "=", customer.id)
            & Domain("company_id", "=", self.env.company.id)
            & Domain("product_id", "!=", False)
            & Domain("quantity", ">", 0)
            & Domain("day", ">=", today - relativedelta(months=BASKET_MONTHS))
        )
        columns = ("product_id", "day", "quantity", "revenue")
        rows = self.env.execute_query(
            SQL(
                "SELECT product_id, avg(quantity),"
                " (array_agg(revenue / quantity ORDER BY day DESC))[1], max(day)"
                " FROM (%s) fact GROUP BY product_id ORDER BY count(*) DESC, sum(revenue) DESC LIMIT %s",
                query.select(*(facts._field_to_sql(facts._table, name, query) for name in columns)),
                BASKET_SIZE,
            )
        )
        return {product: values for product, *values in rows}

    @api.model
    def _prepare_lines(self, customer, products, usual):
        """Products as the telephone shows them.

        :param usual: see :meth:`_read_usual`
        :return: list of dicts: product_id, name, unit, price, usual (quantity), last_price, last_day,
            available (None for what is not stored)
        """
        prices = self._get_prices(customer, products)
        # How much is free is of the goods and not of a customer: what is reserved for other
        # territories is gone as well.
        free = {product.id: product.free_qty for product in products.sudo() if product.is_storable}
        rate = self._get_rate(customer)
        lines = []
        for product in products:
            quantity, paid, day = usual.get(product.id, (0, 0, None))
            factor = product.uom_id.factor or 1
            lines.append(
                {
                    "product_id": product.id,
                    "name": product.display_name,
                    "unit": product.uom_id.name,
                    "price": prices.get(product.id, 0),
                    "usual": ceil(round(float(quantity) / factor, 3)),
                    "last_price": float(paid) * factor * rate,
                    "last_day": day and day.isoformat(),
                    "available": free.get(product.id),
                }
            )
        return lines

    @api.model
    def _get_prices(self, customer, products):
        """``{product id: price}`` by the customer's pricelist, as a quotation has it."""
        pricelist = customer.with_company(self.env.company).property_product_pricelist
        currency = self._get_pricelist_currency(customer)
        return pricelist._get_products_price(products, 1.0, currency=currency)

    @api.model
    def _get_rate(self, customer):
        """From company currency to that of the customer's pricelist."""
        company = self.env.company
        return self.env["res.currency"]._get_conversion_rate(
            company.currency_id,
            self._get_pricelist_currency(customer),
            company,
            fields.Date.context_today(self),
        )
