"""Rows about tickets: the list that an agent opens, the job that watches deadlines, and the answers.

100,000 tickets of the customers of the data set, 20,000 of them open, of which 1,000 have a deadline
that has just passed. 200,000 customers asked within a year, of whom two in five have answered.
"""

from datetime import timedelta
from statistics import median

from odoo import fields
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.tools import SQL

from . import databases, lists
from .harness import clock, row
from .server import Client, serve

TICKETS, OPEN, DUE, ASKED = 100_000, 20_000, 1_000, 200_000
AGENT = "bench.agent"
PAGE = lists.List(
    "helpdesk.ticket",
    "helpdesk_mgmt.ticket_view_tree",
    [("stage_id.closed", "=", False)],
    "trade_sla_state",
)
ALL = PAGE._replace(domain=[], group_by="trade_type_id")


@row("ticket_list")
def ticket_list(bench):
    """First page, grouped page and count of open and of all tickets, limited to two territories."""
    name = ensure_tickets(bench)
    with serve(name) as url:
        client = Client(url, name, AGENT)
        lists._limit(name, True)
        try:
            for title, page in (("ticket_list", PAGE), ("ticket_list_all", ALL)):
                requests = lists.make_requests(client, name, page)
                for request in requests:
                    request()
                print(f"  {title}: {requests[-1]():,} records")
                seconds = sum(
                    median(clock(request) for _turn in range(bench.repeat)) for request in requests
                )
                bench.report(title, seconds, most=1)
        finally:
            lists._limit(name, False)


@row("sla_cron")
def sla_cron(bench):
    """The job of a minute with 1,000 deadlines to tell, and one with none; then all deadlines anew."""
    with databases.environment(ensure_tickets(bench)) as env:
        tickets = env["helpdesk.ticket"]
        opened = tickets.search([("trade_ended_at", "=", False), ("trade_opened_at", "!=", False)])

        def watch():
            tickets._follow_tiers()._refresh_sla("tier")
            due = tickets.search([("trade_sla_next", "<=", fields.Datetime.now())])
            for start in range(0, len(due), 500):
                due[start : start + 500]._tell_marks()
            env.flush_all()
            return len(due)

        def refresh():
            for start in range(0, len(opened), 2000):
                opened[start : start + 2000]._refresh_sla("calendar")
            env.flush_all()

        told = []
        bench.report("sla_cron", clock(lambda: told.append(watch())), most=10)
        bench.report("sla_cron_quiet", clock(lambda: told.append(watch())), most=10)
        bench.report("sla_refresh", clock(refresh))
    print(f"  sla_cron: {len(opened):,} open tickets, told of {told[0]:,}, then of {told[1]:,}")


@row("nps_screen")
def nps_screen(bench):
    """NPS and weak links of a year: by ticket type as a manager, by tier as an agent of two territories."""
    name = ensure_tickets(bench)
    lists._limit(name, True)
    try:
        with databases.environment(name) as env:
            insert_answers(env)
            _measure_nps(bench, env)
            env.cr.rollback()
    finally:
        lists._limit(name, False)


def _measure_nps(bench, env):
    manager = env.ref("base.user_admin")
    agent = env["res.users"].search([("login", "=", AGENT)])
    for name, user, group_by in (("", manager, "type"), ("_agent", agent, "tier")):
        reports = env["trade.nps"].with_user(user)
        asked = reports.get_report(group_by=group_by)["total"]["asked"]
        print(f"  nps_screen{name}: {asked:,} asked")
        seconds = median(
            clock(lambda reports=reports, by=group_by: reports.get_report(group_by=by))
            for _turn in range(bench.repeat)
        )
        bench.report(f"nps_screen{name}", seconds, most=2)


def ensure_tickets(bench):
    """The data set with the service addon and its tickets."""
    folder = databases.ROOT / "addons" / "trade_crm_service"
    made_by = databases.ROOT / "bench" / "tickets.py"
    key = databases.fingerprint(bench.work, folder, made_by)

    def make(name):
        databases.copy(bench.work, name)
        Registry.new(
            name, update_module=True, install_modules=["trade_crm_service"], new_db_demo=False
        )
        with databases.environment(name) as env:
            make_tickets(env)
            env.cr.commit()
        with databases.connect(name) as cursor:
            cursor.execute("VACUUM (ANALYZE) helpdesk_ticket")

    return databases.ensure(f"{bench.size_name}_service", key, make)


def make_tickets(env):
    now = fields.Datetime.now()
    company = env["res.company"].search([], order="id", limit=1)
    leaves = env["trade.territory"].search([("child_ids", "=", False)], order="id")
    agents = make_agents(env, company, leaves)
    team = env["helpdesk.ticket.team"].create(
        {"name": "Bench", "company_id": company.id, "user_ids": [Command.set(agents.ids)]}
    )
    pattern = env["helpdesk.ticket"].create(
        {
            "name": "Pattern",
            "description": "Pattern",
            "team_id": team.id,
            "company_id": company.id,
            "user_id": agents[0].id,
            "trade_opened_at": now - timedelta(hours=1),
        }
    )
    env.flush_all()
    insert_tickets(env, pattern, agents)
    opened = env["helpdesk.ticket"].search([("trade_ended_at", "=", False)])
    for start in range(0, len(opened), 5000):
        opened[start : start + 5000]._refresh_sla(None)
    # What the job finds: some have just come to a mark, the others do so later.
    soon, later = now - timedelta(minutes=1), now + timedelta(days=30)
    for part, moment in ((opened[:DUE], soon), (opened[DUE:], later)):
        env.cr.execute(
            SQL(
                "UPDATE helpdesk_ticket SET trade_sla_next = %(at)s, trade_solve_deadline = %(at)s,"
                " trade_solve_warn_at = %(at)s, trade_solve_escalate_at = %(later)s,"
                " trade_first_at = trade_opened_at WHERE id = ANY(%(ids)s)",
                at=moment,
                later=later,
                ids=part.ids,
            )
        )


def make_agents(env, company, leaves):
    users = env["res.users"].with_context(no_reset_password=True)
    return users.create(
        [
            {
                "name": f"Agent {number}",
                "login": AGENT if not number else f"{AGENT}{number}",
                "password": AGENT,
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
                "group_ids": [Command.set(env.ref("trade_crm.group_agent").ids)],
                "trade_territory_ids": [
                    Command.set([leaves[(number * 7 + at) % len(leaves)].id for at in range(2)])
                ],
            }
            for number in range(50)
        ]
    )


def insert_tickets(env, pattern, agents):
    """Copies of ``pattern`` for customers, each in the territory of its customer."""
    done = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done").id
    env.cr.execute(
        SQL(
            """
            WITH customer AS (
                SELECT id, commercial_partner_id, territory_id, row_number() OVER (ORDER BY id) AS place
                  FROM res_partner
                 WHERE email LIKE 'customer%%@example.com'
            ), known AS (SELECT count(*) AS total FROM customer)
            INSERT INTO helpdesk_ticket
            SELECT made.*
              FROM helpdesk_ticket pattern
             CROSS JOIN generate_series(1, %(count)s) AS serie (place)
             CROSS JOIN known
              JOIN customer ON customer.place = 1 + serie.place %% known.total
             CROSS JOIN LATERAL jsonb_populate_record(pattern, jsonb_build_object(
                   'id', nextval('helpdesk_ticket_id_seq'),
                   'number', 'B' || serie.place,
                   'name', 'Ticket ' || serie.place,
                   'partner_id', customer.id,
                   'commercial_partner_id', customer.commercial_partner_id,
                   'territory_id', customer.territory_id,
                   'user_id', (%(agents)s::int[])[1 + serie.place %% %(agent_count)s],
                   'trade_type_id', (%(types)s::int[])[1 + serie.place %% %(type_count)s],
                   'priority', (serie.place %% 4)::text,
                   'stage_id', CASE WHEN serie.place <= %(open)s THEN pattern.stage_id ELSE %(done)s END,
                   'trade_ended_at', CASE WHEN serie.place > %(open)s THEN pattern.trade_opened_at END
                   )) made
             WHERE pattern.id = %(pattern)s
            """,
            count=TICKETS,
            open=OPEN,
            done=done,
            pattern=pattern.id,
            agents=agents.ids,
            agent_count=len(agents),
            types=env["trade.ticket.type"].search([]).ids,
            type_count=env["trade.ticket.type"].search_count([]),
        )
    )
    env.cr.execute("ANALYZE helpdesk_ticket")
    env.invalidate_all()


def insert_answers(env):
    """Invitations of a year, of customers in turn; the chips of those who are not content."""
    survey = env.ref("trade_crm_service.trade_survey_ticket")
    turns = {
        "type": env["trade.ticket.type"].search([]),
        "tier": env["trade.tier"].search([]),
        "agent": env["res.users"].search([("login", "like", AGENT)]),
        "cause": survey.cause_ids,
    }
    env.cr.execute(
        SQL(
            """
            WITH customer AS (
                SELECT id, territory_id, row_number() OVER (ORDER BY id) AS place
                  FROM res_partner WHERE email LIKE 'customer%%@example.com'
            ), asked AS (
                SELECT customer.*, serie.place AS turn, %(now)s - serie.place %% 360 * interval '1 day' AS at,
                       CASE WHEN serie.place %% 5 < 2 THEN (serie.place * 7919) %% 11 END AS score
                  FROM generate_series(1, %(count)s) AS serie (place)
                  JOIN customer ON customer.place
                    = 1 + serie.place %% (SELECT count(*) FROM customer)
            ), made AS (
                INSERT INTO trade_survey_invitation (
                    survey_id, kind, company_id, channel, sent_at, expires_at, partner_id,
                    commercial_partner_id, territory_id, type_id, tier_id, user_id, nps, nps_group, csat,
                    answered_at, details_at)
                SELECT %(survey)s, 'ticket', %(company)s, 'email', at, at, id, id, territory_id,
                       (%(types)s::int[])[1 + turn %% %(type_count)s],
                       (%(tiers)s::int[])[1 + turn %% %(tier_count)s],
                       (%(agents)s::int[])[1 + turn %% %(agent_count)s],
                       score::text,
                       CASE WHEN score >= 9 THEN 'promoter' WHEN score >= 7 THEN 'passive'
                            WHEN score IS NOT NULL THEN 'detractor' END,
                       CASE WHEN score IS NOT NULL THEN (1 + score / 3)::text END,
                       CASE WHEN score IS NOT NULL THEN at END,
                       CASE WHEN score IS NOT NULL THEN at END
                  FROM asked
                RETURNING id, nps_group
            )
            INSERT INTO trade_survey_cause_trade_survey_invitation_rel
                   (trade_survey_invitation_id, trade_survey_cause_id)
            SELECT id, (%(causes)s::int[])[1 + id %% %(cause_count)s]
              FROM made WHERE nps_group = 'detractor'
            """,
            count=ASKED,
            now=fields.Datetime.now(),
            survey=survey.id,
            company=survey.company_id.id,
            **{f"{name}s": records.ids for name, records in turns.items()},
            **{f"{name}_count": len(records) for name, records in turns.items()},
        )
    )
    env.cr.execute("ANALYZE trade_survey_invitation")
    env.invalidate_all()
