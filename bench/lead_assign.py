"""Rows about the assignment of leads and their score.

Everything happens in one transaction that is rolled back: the leads come and go with it.
"""

from odoo.fields import Command, Domain
from odoo.tools import SQL, split_every

from . import databases
from .harness import clock, row

LEADS, MEMBERS, CAPACITY = 10_000, 200, 100
SCORED = 100_000
PHRASES = ("Price list", "想要定制包装", "OEM for our stores", "Poem for a customer")


@row("lead_assign")
def lead_assign(bench):
    """10,000 leads among 200 members, from the reading to what is committed."""
    with databases.environment(bench.work) as env:
        teams = make_team(env)
        territories = teams.member_ids.trade_territory_ids.ids
        lead_ids = insert_leads(env, LEADS, territories)

        def assign():
            teams._assign_in_chunks(lead_ids)
            env.cr.flush()

        seconds = clock(assign)
        members = teams.crm_team_member_ids
        members.invalidate_recordset()
        assigned = env["crm.lead"].search_count(
            [("id", "in", lead_ids), ("user_id", "in", members.user_id.ids)]
        )
        within = all(member.lead_month_count <= CAPACITY for member in members)
    print(f"  lead_assign: {assigned:,} of {LEADS:,} leads assigned")
    bench.report("lead_assign", seconds, most=60, holds=within and assigned > LEADS / 2)


@row("lead_score")
def lead_score(bench):
    """100,000 open leads, all of them anew, and once more when nothing has changed."""
    with databases.environment(bench.work) as env:
        leads = env["crm.lead"]
        have = leads.search_count(leads._get_scored_domain())
        if have < SCORED:
            insert_leads(env, SCORED - have, env["trade.territory"].search([]).ids)
        lead_ids = leads.search(leads._get_scored_domain(), order="id", limit=SCORED).ids

        def score():
            for chunk in split_every(20_000, lead_ids, list):
                leads.browse(chunk)._score_now()

        for name in ("lead_score", "lead_score_again"):
            bench.report(name, clock(score), most=60)
        scored = leads.search_count([("id", "in", lead_ids), ("trade_score", ">", 0)])
    print(f"  lead_score: {scored:,} of {len(lead_ids):,} leads have points")


def make_team(env):
    env["crm.team"].search(Domain.TRUE).assignment_optout = True
    reps = find_reps(env)
    env["ir.config_parameter"].set_param("sales_team.membership_multi", "True")
    return env["crm.team"].create(
        {
            "name": "Bench",
            "company_id": False,
            "crm_team_member_ids": [
                Command.create({"user_id": rep.id, "assignment_max": CAPACITY}) for rep in reps
            ],
        }
    )


def find_reps(env):
    """The reps of the data set and as many more as are missing, in one to three territories each."""
    users = env["res.users"].with_context(no_reset_password=True)
    reps = users.search([("login", "like", "bench.rep%")], order="id", limit=MEMBERS)
    parts = env["trade.territory"].search([("child_ids", "=", False)], order="id").ids
    return reps + users.create(
        [
            {
                "name": f"Member {number}",
                "login": f"bench.member{number}",
                "company_id": reps[0].company_id.id,
                "company_ids": [Command.set(reps[0].company_ids.ids)],
                "group_ids": [Command.set(env.ref("trade_crm.group_rep").ids)],
                "trade_territory_ids": [
                    Command.set(
                        [parts[(number * 13 + at * 7) % len(parts)] for at in range(1 + number % 3)]
                    )
                ],
            }
            for number in range(MEMBERS - len(reps))
        ]
    )


def insert_leads(env, count, territory_ids):
    """Leads of strangers without a salesperson, each as the first one but for a few columns.

    :return: their ids
    """
    pattern = env["crm.lead"].create({"name": "Pattern", "type": "lead", "user_id": False})
    env.flush_all()
    rows = env.execute_query(
        SQL(
            """
            INSERT INTO crm_lead
            SELECT made.*
              FROM crm_lead pattern
             CROSS JOIN generate_series(1, %(count)s) number
             CROSS JOIN LATERAL jsonb_populate_record(pattern, jsonb_build_object(
                   'id', nextval('crm_lead_id_seq'),
                   'name', (%(phrases)s::text[])[1 + number %% %(phrase_count)s],
                   'email_normalized', 'bench' || number %% (%(count)s * 9 / 10) || '@example.com',
                   'expected_revenue', number %% 1000 * 150,
                   'territory_id', (%(territories)s::int[])[1 + number %% %(territory_count)s]
                   )) made
             WHERE pattern.id = %(pattern)s
            RETURNING id
            """,
            count=count,
            phrases=list(PHRASES),
            phrase_count=len(PHRASES),
            territories=territory_ids,
            territory_count=len(territory_ids),
            pattern=pattern.id,
        )
    )
    env.cr.execute("ANALYZE crm_lead")
    env.invalidate_all()
    return [lead for [lead] in rows]
