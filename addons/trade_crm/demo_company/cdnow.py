"""The CDNOW purchase log in a company of its own."""

import importlib.util
from datetime import timedelta
from pathlib import Path

import pandas as pd

from odoo.exceptions import UserError
from odoo.fields import Command

from .loader import import_file

NAME = "CDNOW"
TZ = "America/New_York"
# Its customers spend tens of dollars; the default limits are those of a wholesaler.
LIMITS = (200.0, 80.0)


def read_cdnow():
    """The sample of Fader and Hardie: 6,919 purchases of 2,357 customers, 1997-01 to 1998-06.

    :return: frame with the columns customer, date, quantity, amount (USD)
    :raise FileNotFoundError: when the package ``lifetimes``, which holds it, is not installed
    """
    # The package is not imported, because it needs an older numpy.
    spec = importlib.util.find_spec("lifetimes")
    if not spec:
        raise FileNotFoundError("CDNOW_sample.txt: install the Python package lifetimes")
    return pd.read_csv(
        Path(spec.submodule_search_locations[0], "datasets", "CDNOW_sample.txt"),
        sep=r"\s+",
        names=["master", "customer", "date", "quantity", "amount"],
        usecols=["customer", "date", "quantity", "amount"],
        dtype={"date": str},
    )


def load_cdnow(env, progress=None):
    """Add a company with the CDNOW purchase log; does nothing when it is there.

    The log ends yesterday, with every distance between purchases as it was, because customers
    of 1998 would all be lost by now. Does not commit.

    :raise UserError: when the log is not installed
    """
    companies = env["res.company"].sudo()
    if companies.search_count([("name", "=", NAME)], limit=1):
        return
    try:
        purchases = read_cdnow()
    except FileNotFoundError as error:
        raise UserError(str(error)) from error
    tell = progress or (lambda *_arguments: None)
    tell(0, 10, "company")
    usd = env.ref("base.USD")
    usd.active = True
    company = companies.with_context(chart_template_load=True).create(
        {"name": NAME, "currency_id": usd.id, "trade_tz": TZ}
    )
    users = env["res.users"].search(
        [("all_group_ids", "in", env.ref("trade_crm.group_manager").id)]
    )
    users.write({"company_ids": [Command.link(company.id)]})
    env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
    policy = env["trade.tier.policy"].search([("company_id", "=", company.id)])
    paying = policy.tier_ids.filtered("min_revenue").sorted("min_revenue", reverse=True)
    for tier, limit in zip(paying, LIMITS, strict=True):
        tier.min_revenue = limit
    tell(1, 10, "purchases")
    days = pd.to_datetime(purchases["date"])
    yesterday = env["trade.customer.profile"]._get_today(TZ) - timedelta(days=1)
    rows = pd.DataFrame(
        {
            "Customer": purchases["customer"].map("CDNOW {:04}".format),
            "Date": (days + (pd.Timestamp(yesterday) - days.max())).dt.strftime("%Y-%m-%d"),
            "Quantity": purchases["quantity"],
            "Amount": purchases["amount"].map("{:.2f}".format),
        }
    )
    imported = import_file(
        env,
        rows.to_csv(index=False),
        "cdnow.csv",
        user=env.ref("base.user_admin"),
        source=NAME,
        create_partners=True,
        company_id=company.id,
    )
    tell(8, 10, "tiers")
    # Nobody else's customers.
    imported.history_ids.partner_id.company_id = company
    env.flush_all()
    env.cr.precommit.run()
    env["trade.customer.profile"]._rebuild_companies(cause="history")
    env["trade.profile.dirty"]._clear()
    env["trade.sales.fact"]._rebuild_all()
    tell(10, 10, "done")
