"""Leads of the data set."""

from datetime import datetime

import numpy as np

from . import databases, dataset, seed
from .bulk import Bulk
from .load import make_address

PER_CUSTOMER = 0.25
STAGES = 4
STAGE_SHARES = (0.35, 0.25, 0.15, 0.25)
LOST_SHARE = 0.15
NOBODY_SHARE = 0.02  # without a rep
STRANGER_SHARE = 0.25  # of no known customer
PRIORITY_SHARES = (0.7, 0.2, 0.07, 0.03)


def load_leads(name, size):
    """Leads of customers and of strangers, in a database that has the data set and CRM."""
    with databases.environment(name) as env:
        stages = env["crm.stage"].search([("team_ids", "=", False)], limit=STAGES).ids
        reps = env["res.users"].search([("login", "like", "bench.rep%")], order="id").ids
        states = env["res.country.state"].search([("country_id.code", "=", "CN")]).ids
        companies = env["res.company"].search([], order="id", limit=2).ids
        pattern = _make_pattern(env, reps[0])
    databases.release_connections(name)
    rng = dataset.get_generator(8)
    count = int(size.customers * PER_CUSTOMER)
    customers = dataset.make_customers(size)
    customer = rng.integers(0, size.customers, count)
    nobody = rng.random(count) < NOBODY_SHARE
    with databases.connect(name) as cursor:
        cursor.execute(
            "SELECT min(id) FROM res_partner WHERE email LIKE %s", ["customer%@example.com"]
        )
        [first] = cursor.fetchone()
        bulk = Bulk(cursor)
        bulk.copy(
            "stage_lead",
            {
                "number": np.arange(count),
                "customer_id": first + customer,
                "stranger": rng.random(count) < STRANGER_SHARE,
                "district": customers.district[customer],
                "user_id": np.where(nobody, 0, np.array(reps)[customers.rep[customer]]),
                "company_id": np.array(companies)[customers.home_company[customer]],
                "stage_id": _pick(rng, np.array(stages), STAGE_SHARES, count),
                "lost": rng.random(count) < LOST_SHARE,
                "priority": _pick(rng, np.arange(4), PRIORITY_SHARES, count),
                "revenue": np.exp(rng.normal(13.0, 1.0, count)),
                # Two years' worth, as seconds before the end of the last day.
                "ago": np.sort(rng.integers(0, 730 * 86400, count))[::-1],
            },
        )
        _load_addresses(bulk, states)
        _insert(bulk, pattern, stages)
        cursor.execute("DROP TABLE stage_lead, stage_address")
        cursor.execute("VACUUM (ANALYZE) crm_lead")


def _make_pattern(env, rep):
    lead = env["crm.lead"].create({"name": "Pattern", "type": "opportunity", "user_id": rep})
    return seed.read_row(env, lead)


def _pick(rng, values, shares, count):
    return values[
        np.minimum(len(values) - 1, np.searchsorted(np.cumsum(shares), rng.random(count)))
    ]


def _load_addresses(bulk, states):
    bulk.execute(
        "CREATE UNLOGGED TABLE stage_address (district int, state_id int, city text, zip text)"
    )
    for district in range(dataset.DISTRICTS):
        bulk.execute(
            "INSERT INTO stage_address VALUES (%s, %s, %s, %s)",
            [district, *make_address(district, states)],
        )


def _insert(bulk, pattern, stages):
    end = f"TIMESTAMP '{datetime.combine(dataset.TODAY, datetime.max.time()):%Y-%m-%d %H:%M:%S}'"
    at = f"{end} - s.ago * interval '1 second'"
    won = f"s.stage_id = {stages[-1]}"
    status = f"CASE WHEN s.lost = 1 THEN 'lost' WHEN {won} THEN 'won' ELSE 'pending' END"
    probability = f"CASE WHEN s.lost = 1 THEN 0 WHEN {won} THEN 100 ELSE 10 + s.number % 80 END"
    known = "CASE WHEN s.stranger = 0 THEN {} END"
    with bulk.bulk("crm_lead"):
        bulk.insert(
            "crm_lead",
            [pattern],
            "1",
            {
                "id": f"{bulk.get_last_id('crm_lead')} + 1 + s.number",
                "name": "'Opportunity ' || s.number",
                "partner_id": known.format("s.customer_id"),
                "commercial_partner_id": known.format("s.customer_id"),
                "partner_name": "'Prospect ' || s.number",
                "contact_name": "'Contact ' || s.number",
                "email_from": "'lead' || s.number || '@example.com'",
                "email_normalized": "'lead' || s.number || '@example.com'",
                "state_id": "a.state_id",
                "city": "a.city",
                "zip": "a.zip",
                "user_id": "NULLIF(s.user_id, 0)",
                "company_id": "s.company_id",
                "stage_id": "s.stage_id",
                "active": "s.lost = 0",
                "won_status": status,
                "probability": probability,
                "automated_probability": probability,
                "priority": "s.priority::text",
                "expected_revenue": "s.revenue * 0.01",
                "prorated_revenue": f"round(s.revenue * 0.0001 * ({probability}), 2)",
                "date_open": f"CASE WHEN s.user_id > 0 THEN {at} END",
                "date_closed": f"CASE WHEN s.lost = 1 OR {won} THEN {at} + interval '30 days' END",
                "date_deadline": f"({at})::date + 60",
                "date_last_stage_update": at,
                "create_date": at,
                "write_date": at,
            },
            "stage_lead s JOIN stage_address a ON a.district = s.district",
        )
