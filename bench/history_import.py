"""Rows about importing purchases made before Odoo."""

import base64
import csv
import io
from datetime import timedelta

from . import databases, dataset
from .harness import clock, row

HEADER = ("Order number", "Email", "Date", "Amount")
LINE_HEADER = ("Order number", "Email", "Date", "Product", "Quantity", "Price", "Discount")
LINES = 4  # of an order, where the file has lines


@row("import_history")
def import_history(bench):
    count = 20_000 if bench.size_name == "small" else 200_000
    with databases.environment(bench.work, allowed_company_ids=[1]) as env:
        env.cr.execute(
            "SELECT email FROM res_partner WHERE email LIKE %s AND parent_id IS NULL"
            " AND company_id IS NULL ORDER BY id LIMIT 5000",
            ["customer%@example.com"],
        )
        emails = [email for (email,) in env.cr.fetchall()]
        for suffix, content in (
            ("", make_orders(emails, count)),
            ("_lines", make_lines(emails, count)),
        ):
            seconds = import_file(env, content, count)
            bench.report(f"import_history{suffix}", count / seconds, unit="rows/s", least=3000)


def import_file(env, content, count):
    """Import a file from the upload to the last purchase, and remove them again; return seconds."""
    admin = env.ref("base.user_admin")
    admin.group_ids |= env.ref("trade_crm.group_manager")
    env.cr.commit()
    imports = env["trade.order.import"].with_user(admin).with_context(allowed_company_ids=[1])

    def run():
        imported = imports.create(
            {"file": base64.b64encode(content), "filename": "orders.csv", "source": "bench"}
        )
        imported._import_now()
        env.cr.commit()
        assert (imported.state, imported.row_count, imported.bad_count) == ("done", count, 0), (
            imported.state,
            imported.error_message,
            imported.row_count,
            imported.bad_count,
        )

    try:
        return clock(run)
    finally:
        env.cr.rollback()
        env.cr.execute("DELETE FROM trade_order_history WHERE source = 'bench'")
        env.cr.execute("DELETE FROM trade_profile_dirty")
        imports.search([("source", "=", "bench")]).unlink()
        env.cr.commit()


def make_orders(emails, count):
    """A file with one row per order."""
    rng = dataset.get_generator(7)
    amounts = rng.uniform(10, 100_000, count).round(2)
    days = rng.integers(1, 2000, count)
    return _make_csv(
        HEADER,
        (
            (f"B{number}", emails[number % len(emails)], _make_date(days[number]), amounts[number])
            for number in range(count)
        ),
    )


def make_lines(emails, count):
    """A file with one row per line, ``LINES`` of them per order."""
    rng = dataset.get_generator(8)
    prices = rng.uniform(1, 500, count).round(2)
    quantities = rng.integers(1, 50, count)
    discounts = rng.choice([0, 0, 0, 5, 10], count)
    days = rng.integers(1, 2000, count)

    def make_line(number):
        order = number // LINES
        return (
            f"L{order}",
            emails[order % len(emails)],
            _make_date(days[order]),
            f"Product {number % 997:04}",
            quantities[number],
            prices[number],
            discounts[number],
        )

    return _make_csv(LINE_HEADER, map(make_line, range(count)))


def _make_date(days):
    return (dataset.FIRST_DAY - timedelta(days=int(days))).isoformat()


def _make_csv(header, rows):
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode()
