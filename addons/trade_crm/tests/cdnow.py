"""The CDNOW sample: 6,919 purchases of 2,357 customers from January 1997 to June 1998."""

import csv
import importlib.util
from datetime import date
from decimal import Decimal
from pathlib import Path


def read_purchases():
    """List of (customer, day, quantity, amount), as ``lifetimes`` has them."""
    folder = Path(importlib.util.find_spec("lifetimes").origin).parent
    with (folder / "datasets" / "CDNOW_sample.txt").open() as lines:
        return [
            (customer, date.fromisoformat(day), int(quantity), Decimal(amount))
            for customer, _sample, day, quantity, amount in csv.reader(
                (" ".join(line.split()) for line in lines), delimiter=" "
            )
        ]


def copy_purchases(env, company):
    """Give ``company`` the purchases as purchases before Odoo.

    :return: dict of customer and partner id
    """
    purchases = read_purchases()
    names = sorted({customer for customer, *_values in purchases})
    partners = env["res.partner"].create(
        [{"name": name, "is_company": True, "customer_rank": 1} for name in names]
    )
    env.flush_all()
    partner_of = dict(zip(names, partners.ids, strict=True))
    env.cr.execute_values(
        """
        INSERT INTO trade_order_history
            (company_id, partner_id, date, amount, quantity, source, external_id)
        VALUES %s
        """,
        [
            (company.id, partner_of[customer], day, amount, quantity, "cdnow", str(number))
            for number, (customer, day, quantity, amount) in enumerate(purchases)
        ],
    )
    return partner_of
