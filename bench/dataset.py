"""The trade that the benchmark measures on: arrays of customers, orders and lines.

Nothing here knows Odoo or a database, and the same seed gives the same arrays. Amounts are whole
cents of the order's currency, days count from ``FIRST_DAY``, indexes count from 0.

How it resembles a wholesaler: the number of orders per customer is gamma distributed (the NBD model),
customers come and go, each buys at fairly regular intervals from an assortment of its own, a few
products make most of the lines, and some customers buy whatever is discounted.
"""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

SEED = 20260630
TODAY = date(2026, 6, 30)
DAYS = 3 * 365
FIRST_DAY = TODAY - timedelta(days=DAYS - 1)

STATES = ("sale", "draft", "sent", "cancel")
STATE_SHARES = (0.90, 0.03, 0.02, 0.05)
# Time zone and hours by which it is ahead of UTC in winter, per company.
TIME_ZONES = (("Asia/Shanghai", 8), ("America/New_York", -5))
COMPANY_SHARES = (0.7, 0.3)
FOREIGN_SHARE = 0.08  # of orders, in EUR
INVOICED_SHARE = 0.10  # of confirmed orders
REFUNDED_SHARE = 0.11  # of invoiced orders, so that 1 % of all orders are refunded

DISTRICTS = 300  # that customers are spread over

# Kinds of refund: none, all of the order, part of its first line, a wrong invoice that was replaced.
NO_REFUND, FULL_REFUND, PART_REFUND, REPLACED = range(4)
# Kinds of line.
PRODUCT, SECTION, REBATE, DOWN_PAYMENT = range(4)


class Size(NamedTuple):
    customers: int
    orders: int
    products: int
    with_lines: bool = True


class Customers(NamedTuple):
    """Commercial partners; ``contact_parent`` are persons of them, with indexes that follow on."""

    is_company: np.ndarray
    home_company: np.ndarray  # index of the selling company
    own_company: np.ndarray  # whether the record belongs to it alone
    customer_rank: np.ndarray
    other_share: np.ndarray  # of orders, at the other selling company
    discount_share: np.ndarray  # of lines
    weight: np.ndarray  # expected share of all orders
    first_day: np.ndarray
    last_day: np.ndarray
    rep: np.ndarray
    district: np.ndarray
    contact_parent: np.ndarray


class Products(NamedTuple):
    list_price: np.ndarray  # cents of company 0's currency
    cost: np.ndarray
    unit: np.ndarray  # 0 unit, 1 kilogram
    popularity: np.ndarray  # cumulated


def get_generator(*purpose):
    """A random generator of its own for each purpose, so that one does not shift the others."""
    return np.random.default_rng([SEED, *purpose])


def get_rate(company, day):
    """EUR per unit of the company's currency on ``day``; it changes every month."""
    month = np.asarray(day) // 30
    wave = 1 + 0.04 * np.sin(month / 5 + np.asarray(company))
    return np.round(np.where(np.asarray(company) == 0, 0.128, 0.92) * wave, 6)


def make_products(size):
    rng = get_generator(1)
    price = np.maximum(50, np.exp(rng.normal(9.5, 1.0, size.products))).astype(np.int64)
    popularity = 1 / (np.arange(size.products) + 10) ** 0.8
    return Products(
        list_price=price,
        cost=(price * rng.uniform(0.55, 0.9, size.products)).astype(np.int64),
        unit=(rng.random(size.products) < 0.2).astype(np.int8),
        popularity=np.cumsum(popularity / popularity.sum()),
    )


def make_customers(size):
    rng = get_generator(2)
    count = size.customers
    is_company = rng.random(count) < 0.75
    first_day = np.where(rng.random(count) < 0.4, 0, rng.integers(0, DAYS - 20, count))
    last_day = np.minimum(DAYS, first_day + 10 + rng.exponential(1000, count))
    # Gamma distributed rates: the NBD model of repeat buying.
    weight = rng.gamma(0.8, size=count) * (last_day - first_day)
    weight[rng.random(count) < 0.05] = 0
    weight /= weight.sum()
    companies = np.flatnonzero(is_company)
    return Customers(
        is_company=is_company,
        home_company=(rng.random(count) >= COMPANY_SHARES[0]).astype(np.int8),
        own_company=rng.random(count) < 0.1,
        customer_rank=(rng.random(count) < 0.98).astype(np.int8),
        other_share=np.where(rng.random(count) < 0.1, 0.3, 0.0),
        discount_share=rng.beta(0.4, 1.6, count),
        weight=weight,
        first_day=first_day,
        last_day=last_day,
        rep=rng.integers(0, 20, count),
        district=get_generator(7).integers(0, DISTRICTS, count),
        contact_parent=np.sort(rng.choice(companies, int(0.3 * count))),
    )


def make_orders(size, customers):
    """Orders in the order of their time: dict of arrays."""
    rng = get_generator(3, size.orders)
    counts = rng.multinomial(size.orders, customers.weight)
    customer = np.repeat(np.arange(size.customers, dtype=np.int32), counts)
    number = np.arange(size.orders) - np.repeat(np.cumsum(counts) - counts, counts)
    # One purchase somewhere in each of `counts` equal parts of the customer's time.
    part = (number + rng.random(size.orders)) / counts[customer]
    duration = customers.last_day - customers.first_day
    day = np.minimum(DAYS - 1, (customers.first_day[customer] + part * duration[customer])).astype(
        np.int32
    )
    company = customers.home_company[customer] ^ (
        rng.random(size.orders) < customers.other_share[customer]
    )
    local = np.where(
        rng.random(size.orders) < 0.05,
        rng.random(size.orders) * 86400,
        np.clip(rng.normal(39600, 10800, size.orders), 0, 86399),
    ).astype(np.int64)
    ahead = np.array([hours for _tz, hours in TIME_ZONES])[company] * 3600
    # Seconds since midnight UTC of the first day; nobody has bought after today.
    time = np.minimum(day.astype(np.int64) * 86400 + local - ahead, DAYS * 86400 - 9 * 3600)
    order = np.argsort(time, kind="stable")
    customer, company, day, time = customer[order], company[order], day[order], time[order]

    state = np.searchsorted(np.cumsum(STATE_SHARES), rng.random(size.orders)).astype(np.int8)
    foreign = rng.random(size.orders) < FOREIGN_SHARE
    invoiced = (rng.random(size.orders) < INVOICED_SHARE) & (state == 0) & (day < DAYS - 14)
    refund = np.where(
        invoiced & (rng.random(size.orders) < REFUNDED_SHARE),
        1 + np.searchsorted([0.5, 0.9], rng.random(size.orders)),
        NO_REFUND,
    )
    return {
        "customer": customer,
        "contact": _pick_contacts(rng, size, customers, customer),
        "company": company.astype(np.int8),
        "day": day,
        "time": time,
        "state": state,
        "foreign": foreign,
        "rate": np.where(foreign, get_rate(company, day), 1.0),
        "invoiced": invoiced,
        "refund": refund.astype(np.int8),
        "invoice_day": np.minimum(DAYS - 1, day + 3),
        "refund_day": np.minimum(DAYS - 1, day + 3 + rng.integers(5, 60, size.orders)),
    }


def _pick_contacts(rng, size, customers, customer):
    """Index of the contact who placed the order, or -1: 60 % of orders where there are contacts."""
    parents = customers.contact_parent
    first = np.searchsorted(parents, customer, side="left")
    many = np.searchsorted(parents, customer, side="right") - first
    picked = first + (rng.random(len(customer)) * many).astype(np.int64)
    by_contact = (many > 0) & (rng.random(len(customer)) < 0.6)
    return np.where(by_contact, picked, -1).astype(np.int32)


def make_lines(size, customers, products, orders, start, stop):
    """Lines of orders ``start`` to ``stop``: dict of arrays; ``order`` counts from 0 over all orders."""
    rng = get_generator(4, start)
    chunk = {name: values[start:stop] for name, values in orders.items()}
    goods = 1 + rng.poisson(4, stop - start)
    extra = np.searchsorted([0.98, 0.99, 0.997, 1.0], rng.random(stop - start)).astype(np.int8)
    counts = goods + (extra != PRODUCT)
    of = np.repeat(np.arange(stop - start), counts)
    count = len(of)
    position = np.arange(count) - np.repeat(np.cumsum(counts) - counts, counts)
    kind = np.where(position == goods[of], extra[of], PRODUCT).astype(np.int8)
    is_product = kind == PRODUCT

    customer = chunk["customer"][of]
    product = _pick_products(rng, products, customer)
    quantity = np.clip(np.ceil(np.exp(rng.normal(1.8, 0.9, count))), 1, 500).astype(np.int64)
    # The other company's currency is worth seven times as much.
    rate = chunk["rate"][of] / np.where(chunk["company"][of] == 0, 1, 7)
    price = np.maximum(1, np.rint(products.list_price[product] * rate)).astype(np.int64)
    cost = np.rint(products.cost[product] * rate).astype(np.int64)
    discount = np.where(
        rng.random(count) < customers.discount_share[customer],
        rng.choice([5, 10, 15, 20], count),
        0,
    )
    dozen = is_product & (products.unit[product] == 0) & (rng.random(count) < 0.05)
    price, cost = np.where(dozen, 12 * price, price), np.where(dozen, 12 * cost, cost)

    quantity = np.select(
        [kind == SECTION, kind == DOWN_PAYMENT, kind == REBATE], [0, 0, 1], quantity
    )
    # A rebate is a tenth of the first line, so that no order is worth less than nothing.
    first = (quantity * price)[np.cumsum(counts) - counts][of]
    price = np.select([kind == SECTION, kind == REBATE], [0, -np.maximum(1, first // 10)], price)
    cost = np.where(is_product, cost, 0)
    discount = np.where(is_product, discount, 0)
    subtotal = (quantity * price * (100 - discount) * 2 + 100) // 200  # half up

    refund = chunk["refund"][of]
    refund_quantity = np.select(
        [(refund == FULL_REFUND) | (refund == REPLACED), (refund == PART_REFUND) & (position == 0)],
        [quantity, (quantity + 1) // 2],
        0,
    )
    return {
        "order": start + of,
        "position": position,
        "kind": kind,
        "product": product,
        "dozen": dozen,
        "quantity": quantity,
        "price": price,
        "cost": cost,
        "discount": discount,
        "subtotal": subtotal,
        "refund_quantity": refund_quantity,
        "refunded": (2 * subtotal * refund_quantity + quantity) // np.maximum(1, 2 * quantity),
    }


def _pick_products(rng, products, customer):
    """Mostly from the customer's own dozen products, else what sells everywhere."""
    total = len(products.list_price)
    favourite = np.minimum(11, rng.geometric(0.25, len(customer)) - 1)
    own = (customer.astype(np.int64) * 7919 + favourite * 613 + favourite**2 * 29) % total
    common = np.minimum(np.searchsorted(products.popularity, rng.random(len(customer))), total - 1)
    return np.where(rng.random(len(customer)) < 0.7, own, common).astype(np.int32)


def make_amounts(size, orders):
    """Untaxed amounts and margins of orders that have no lines."""
    rng = get_generator(5, size.orders)
    worth = np.exp(rng.normal(13.5, 1.0, size.orders)) * orders["rate"]
    amount = np.where(orders["company"] == 0, worth, worth / 7).astype(np.int64)
    return amount, (amount * rng.uniform(0.1, 0.4, size.orders)).astype(np.int64)


def sum_per_order(lines, start, stop):
    """Untaxed amounts and margins of orders ``start`` to ``stop`` from their lines."""
    index = lines["order"] - start
    margin = lines["subtotal"] - lines["cost"] * lines["quantity"]
    # Cents below 2**53 are exact in double precision.
    return tuple(
        np.rint(np.bincount(index, weights=values, minlength=stop - start)).astype(np.int64)
        for values in (lines["subtotal"], margin)
    )
