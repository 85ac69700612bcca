import csv
import importlib.util
from datetime import date
from decimal import Decimal
from pathlib import Path

from .common import TradeCrmCommon


def read_cdnow():
    """The CDNOW sample: (customer, day, quantity, amount) of each purchase."""
    folder = Path(importlib.util.find_spec("lifetimes").origin).parent
    with (folder / "datasets" / "CDNOW_sample.txt").open() as lines:
        return [
            (customer, date.fromisoformat(day), int(quantity), Decimal(amount))
            for customer, _sample, day, quantity, amount in csv.reader(
                (" ".join(line.split()) for line in lines), delimiter=" "
            )
        ]


class ValueCommon(TradeCrmCommon):
    """Purchases before Odoo, few by the ORM or many by SQL, and profiles as of another day."""

    @classmethod
    def _make_customers(cls, names):
        """One customer for each name: ``{name: id}``."""
        partners = cls.env["res.partner"].create(
            [{"name": name, "is_company": True, "customer_rank": 1} for name in names]
        )
        cls.env.flush_all()
        return dict(zip(partners.mapped("name"), partners.ids, strict=True))

    @classmethod
    def _copy_purchases(cls, rows, company=None):
        """Purchases by SQL: partner id, date, amount."""
        company = company or cls.company_cn
        cls.env.cr.execute_values(
            "INSERT INTO trade_order_history (company_id, partner_id, date, amount, source, external_id)"
            " VALUES %s",
            [(company.id, *row, "copy", str(number)) for number, row in enumerate(rows)],
        )

    @classmethod
    def _load_cdnow(cls):
        purchases = read_cdnow()
        partner_of = cls._make_customers(sorted({name for name, *_values in purchases}))
        cls._copy_purchases(
            (partner_of[name], day, amount) for name, day, _qty, amount in purchases
        )
        return purchases, partner_of

    def _rebuild_as_of(self, today):
        self.env.flush_all()
        self.env["trade.customer.profile"].with_context(trade_today=today)._rebuild_companies()

    def _as(self, model, user, **context):
        """The model as ``user`` sees it, in the own company first."""
        companies = user.company_id | user.company_ids
        return (
            self.env[model]
            .with_user(user)
            .with_context(allowed_company_ids=companies.ids, **context)
        )

    def _find_partners(self, action, user=None):
        """The customers that an action opens."""
        partners = self._as("res.partner", user or self.user_rep, **action["context"])
        return partners.search([*action["domain"], ("parent_id", "=", False)])
