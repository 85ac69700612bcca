"""Two years of a food wholesaler, from a seed: customers, and what each bought when.

Nothing here knows Odoo. Amounts are in CNY net of tax, dates are days.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd

from . import names
from .catalogue import CATEGORIES, PRODUCTS

MONTHS = 24
# What becomes of a customer, and how often.
FATES = {
    "steady": 0.44,
    "growing": 0.12,
    "slipping": 0.09,
    "dormant": 0.06,
    "lost": 0.08,
    "won_back": 0.04,
    "new": 0.07,
    "bulk": 0.03,
    "never": 0.07,
}
# Spring festival empties the shelves before it and the streets during it; factor per month.
SEASON = (1.35, 0.65, 0.9, 0.95, 1.05, 1.0, 1.0, 1.0, 1.2, 1.05, 0.95, 1.15)
SUMMER, AUTUMN = (6, 7, 8), (8, 9)


@dataclass
class Customer:
    code: str
    kind: str
    name: str
    contact: str
    city: str
    street: str
    phone: str
    email: str
    fate: str
    # Days between purchases, yuan per purchase, percent of discount that it asks for.
    interval: float = 0.0
    basket: float = 0.0
    discount: int = 0
    favourites: list = field(default_factory=list)

    @property
    def rep(self):
        """Index of the rep, who has one city."""
        return list(names.CITIES).index(self.city)


@dataclass
class World:
    """``purchases``: code, customer (index), date; ``lines``: purchase (index), product (index),
    quantity, price, discount (percent)."""

    customers: list
    purchases: pd.DataFrame
    lines: pd.DataFrame


def generate(today, seed=20, restaurants=500, shops=200):
    """The world up to the day before ``today``, the same for the same arguments.

    :param today: ``datetime.date``
    :return: :class:`World`
    """
    rng = np.random.default_rng(seed)
    customers = make_customers(rng, restaurants, shops)
    purchases, lines = [], []
    for index, customer in enumerate(customers):
        for day, factor in make_days(rng, customer, today):
            items = make_lines(rng, customer, day, factor)
            lines += [(len(purchases), *item) for item in items]
            purchases.append((index, day))
    frame = pd.DataFrame(purchases, columns=["customer", "date"])
    order = frame["date"].argsort(kind="stable")
    frame = frame.iloc[order].reset_index(names="old")
    frame["code"] = [f"P{number:06}" for number in range(1, len(frame) + 1)]
    lines = pd.DataFrame(lines, columns=["purchase", "product", "quantity", "price", "discount"])
    new = pd.Series(frame.index, index=frame["old"])
    lines["purchase"] = lines["purchase"].map(new)
    lines = lines.sort_values("purchase", kind="stable", ignore_index=True)
    return World(customers, frame[["code", "customer", "date"]], lines)


def make_customers(rng, restaurants, shops):
    kinds = ["restaurant"] * restaurants + ["shop"] * shops
    rng.shuffle(kinds)
    used, customers = set(), []
    cities = list(names.CITIES)
    weights = np.array([weight for *_codes, weight in names.CITIES.values()])
    for number, kind in enumerate(kinds, start=1):
        city = str(rng.choice(cities, p=weights / weights.sum()))
        area = names.CITIES[city][1]
        customer = Customer(
            code=f"C{number:04}",
            kind=kind,
            name=make_name(rng, kind, used),
            contact="".join(pick(rng, part)[0] for part in (names.SURNAMES, names.GIVEN_NAMES)),
            city=city,
            street=f"{pick(rng, names.STREETS)}{rng.integers(1, 400)}号",
            # No subscriber's number begins with 0 in China.
            phone=f"{area}-0{rng.integers(100, 1000)}{rng.integers(1000, 10000)}",
            email=f"c{number:04}@example.com",
            fate=str(rng.choice(list(FATES), p=list(FATES.values()))),
        )
        give_habits(rng, customer)
        customers.append(customer)
    return customers


def make_name(rng, kind, used):
    """A name that no other customer has."""
    while True:
        english = rng.random() < 0.33
        first, second, last = (names.ENGLISH if english else names.CHINESE)[kind]
        parts = [pick(rng, first), pick(rng, second), pick(rng, last)]
        name = " ".join(parts) if english else "".join(parts)
        if name not in used:
            used.add(name)
            return name


def give_habits(rng, customer):
    restaurant = customer.kind == "restaurant"
    customer.interval = float(np.clip(rng.lognormal(np.log(18), 0.45), 6, 60))
    a_year = rng.lognormal(np.log(70_000 if restaurant else 45_000), 1.15)
    customer.basket = float(np.clip(a_year * customer.interval / 365, 300, 90_000))
    if customer.fate == "bulk":
        customer.basket = float(rng.uniform(40_000, 220_000))
    customer.discount = int(rng.choice([0, 0, 0, 3, 5, 8]))
    weights = np.array(
        [CATEGORIES[product.category][2 if restaurant else 3] for product in PRODUCTS], dtype=float
    )
    count = int(rng.integers(6, 15))
    customer.favourites = rng.choice(
        len(PRODUCTS), size=count, replace=False, p=weights / weights.sum()
    ).tolist()


def make_days(rng, customer, today):
    """Days of the customer's purchases with a factor on the amount of each."""
    span = MONTHS * 365 // 12
    first = int(rng.integers(0, span // 2)) if rng.random() < 0.3 else int(rng.integers(0, 20))
    last, pause = span, None
    if customer.fate == "never":
        return
    if customer.fate == "bulk":
        yield today - timedelta(days=int(rng.integers(20, 330))), 1.0
        return
    if customer.fate == "new":
        first = span - int(rng.integers(5, 85))
    elif customer.fate == "dormant":
        last = span - int(rng.integers(195, 340))
    elif customer.fate == "lost":
        first = int(rng.integers(0, 60))
        last = span - int(rng.integers(375, 600))
    elif customer.fate == "won_back":
        back = span - int(rng.integers(10, 80))
        pause = (back - int(rng.integers(200, 280)), back)
    day = float(first)
    while day < last:
        share = day / span
        if not pause or not pause[0] <= day < pause[1]:
            factor = 1.0
            if customer.fate == "growing":
                factor = 0.5 + 1.2 * share
            elif customer.fate == "slipping":
                factor = 1.2 - 0.6 * share
            yield today - timedelta(days=span - int(day)), factor
        slower = 1 + 2 * max(0.0, share - 0.7) / 0.3 if customer.fate == "slipping" else 1
        day += max(1.0, rng.gamma(10, customer.interval / 10) * slower)


def make_lines(rng, customer, day, factor):
    """Products, quantities and prices of one purchase."""
    amount = customer.basket * factor * SEASON[day.month - 1] * rng.lognormal(0, 0.25)
    count = min(len(customer.favourites), int(rng.integers(2, 8)))
    products = rng.choice(customer.favourites, size=count, replace=False)
    shares = rng.dirichlet(np.full(count, 2.0))
    for index, share in zip(products.tolist(), shares, strict=True):
        product = PRODUCTS[index]
        mooncake = product.name.startswith("Mooncakes")
        if mooncake and day.month not in AUTUMN:
            continue
        summer = product.category == "Soft drinks" and day.month in SUMMER
        quantity = max(1, round(amount * share * (1.6 if summer else 1) / product.price))
        discount = customer.discount if rng.random() < 0.6 else 0
        yield index, quantity, product.price, discount


def pick(rng, values):
    return values[int(rng.integers(len(values)))]
