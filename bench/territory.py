"""Territories of the data set and their people."""

import time

from odoo.fields import Command

from . import databases, dataset
from .load import make_address

# With the fallback and the regions themselves there are 300 and one. Customers of the last
# districts fit no rule.
REGIONS, PARTS = 10, 29
# These reps may see all documents where no territories limit them, the other ones their own.
REPS_WITH_ALL_DOCUMENTS = 10
MANAGED_REGIONS = 5
MANAGER = "bench.manager"


def set_up_territories(name):
    """Regions with parts, a rule for each, and their people; nobody is limited to them yet."""
    with databases.environment(name) as env:
        states = env["res.country.state"].search([("country_id.code", "=", "CN")]).ids
        regions = env["trade.territory"].create(
            [{"name": f"Region {number}"} for number in range(REGIONS)]
        )
        parts = env["trade.territory"].create(
            [
                {
                    "name": f"Part {district}",
                    "parent_id": regions[district % REGIONS].id,
                    "rule_ids": [Command.create(make_rule(district, states))],
                }
                for district in range(REGIONS * PARTS)
            ]
        )
        _set_up_reps(env, parts)
        _make_manager(env, regions[:MANAGED_REGIONS])
        env.cr.commit()


def make_rule(district, states):
    """One kind of rule after the other: state and city, range of zip codes, two cities."""
    state, city, zip_code = make_address(district, states)
    values = {"sequence": district}
    if district % 3 == 0:
        return {**values, "state_ids": [Command.set([int(state)])], "city": city}
    if district % 3 == 1:
        return {**values, "zip_from": zip_code, "zip_to": str(int(zip_code) + 99)}
    return {**values, "city": f"{city}, Old {city}"}


def _set_up_reps(env, parts):
    """Everybody is a member of one to three territories."""
    reps = env["res.users"].search([("login", "like", "bench.rep%")], order="id")
    for number, rep in enumerate(reps):
        groups = env.ref("trade_crm.group_rep")
        if number < REPS_WITH_ALL_DOCUMENTS:
            groups |= env.ref("sales_team.group_sale_salesman_all_leads")
        rep.write(
            {
                "password": rep.login,
                "group_ids": [Command.set(groups.ids)],
                "trade_territory_ids": [
                    Command.set([parts[number * 13 + at * 7].id for at in range(1 + number % 3)])
                ],
            }
        )


def _make_manager(env, regions):
    companies = env["res.company"].search([], order="id", limit=len(dataset.TIME_ZONES))
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "name": "Manager",
            "login": MANAGER,
            "password": MANAGER,
            "company_id": companies[0].id,
            "company_ids": [Command.set(companies.ids)],
            "group_ids": [Command.set(env.ref("trade_crm.group_manager").ids)],
            "trade_managed_territory_ids": [Command.set(regions.ids)],
        }
    )


def fill_territories(name):
    """Let the job give every record its territory; return the seconds that it took."""
    with databases.environment(name) as env:
        env["trade.territory.fill"]._request_all()
        env.cr.commit()
        started = time.perf_counter()
        env["trade.territory.fill"]._cron_fill()
        seconds = time.perf_counter() - started
    # As autovacuum does on a database that nobody waits for.
    with databases.connect(name) as cursor:
        for table in ("res_partner", "sale_order", "crm_lead", "account_move"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return seconds
