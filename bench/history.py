"""Purchases before Odoo in the data set."""

import numpy as np

from . import databases, dataset
from .bulk import Bulk


def load_history(name, size):
    """Purchases before Odoo of a twentieth of the customers, in a database that has the addon."""
    rng = dataset.get_generator(6)
    with databases.connect(name) as cursor:
        cursor.execute("SELECT id FROM res_company ORDER BY id LIMIT 2")
        companies = np.array([company for (company,) in cursor.fetchall()])
        cursor.execute(
            "SELECT id FROM res_partner WHERE commercial_partner_id = id AND email LIKE %s ORDER BY id",
            ["customer%@example.com"],
        )
        partners = np.array([partner for (partner,) in cursor.fetchall()])
        count = size.customers * 6 // 20
        bulk = Bulk(cursor)
        lines = rng.poisson(3, count)
        bulk.copy(
            "stage_history",
            {
                "number": np.arange(count),
                "partner_id": rng.choice(partners[::20], count),
                "company_id": companies[
                    (rng.random(count) < dataset.COMPANY_SHARES[1]).astype(int)
                ],
                "day": -rng.integers(-30, 600, count),
                "amount": np.exp(rng.normal(13.0, 1.0, count)),
                "quantity": lines * rng.integers(1, 30, count),
                "lines": lines,
                "discounted": rng.binomial(lines, 0.2),
            },
        )
        with bulk.bulk("trade_order_history"):
            cursor.execute(
                f"""
                INSERT INTO trade_order_history (
                    company_id, partner_id, date, source, external_id, amount, margin, quantity,
                    line_count, discounted_count
                )
                SELECT company_id, partner_id, DATE '{dataset.FIRST_DAY}' + day::int, 'ledger',
                       'L' || number, amount * 0.01, round(amount * 0.002, 2), quantity, lines, discounted
                  FROM stage_history ORDER BY day, number
                """
            )
        cursor.execute("DROP TABLE stage_history")
        cursor.execute("VACUUM (ANALYZE) trade_order_history")
