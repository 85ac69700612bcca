"""Rows about the sales funnel and the targets, as a manager and a rep open them."""

from statistics import median

from odoo.tools import SQL

from . import databases
from .dataset import TODAY
from .harness import clock, row
from .territory import MANAGER

LEADS = 100_000
REP = "bench.rep10"
MONTHS = 12


@row("lead_funnel")
def lead_funnel(bench):
    with databases.environment(bench.work) as env:
        make_leads(env, LEADS)
        make_stays(env)
        for login, title in ((None, ""), (MANAGER, "_manager"), (REP, "_rep")):
            pipeline = get_model(env, "trade.pipeline", login)

            def run(pipeline=pipeline):
                return pipeline.get_funnel(period="all")

            found = run()["total"]["count"]
            print(f"  lead_funnel{title}: {found:,} leads")
            seconds = median(clock(run) for _turn in range(bench.repeat))
            bench.report(f"lead_funnel{title}", seconds, most=2)


@row("target_report")
def target_report(bench):
    with databases.environment(bench.work) as env:
        make_targets(env)
        report = get_model(env, "trade.target.report", None)
        domain = [("month", "=", TODAY.replace(day=1))]
        fields = ["amount", "achieved", "percent", "gap", "status"]

        def run(domain):
            report.invalidate_model()
            return report.search_read(domain, fields)

        print(f"  target_report: {len(run(domain)):,} targets, {len(run([])):,} in all")
        for title, chosen, most in (
            ("target_report", domain, 2),
            ("target_report_year", [], None),
        ):
            seconds = median(clock(lambda chosen=chosen: run(chosen)) for _turn in range(3))
            bench.report(title, seconds, most=most)


def get_model(env, name, login):
    """``name`` as the user with ``login`` has it, or as the superuser with all companies."""
    user = env["res.users"].search([("login", "=", login)]) if login else env.user
    companies = user.company_ids if login else env["res.company"].search([], order="id", limit=2)
    return env(user=user.id, context={"allowed_company_ids": companies.ids})[name]


def make_leads(env, count):
    """Repeat the leads that there are until there are ``count``; nothing is committed."""
    columns = SQL(", ").join(
        SQL.identifier(name)
        for [name] in env.execute_query(
            SQL(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'crm_lead'::regclass"
                " AND attnum > 0 AND NOT attisdropped AND attname != 'id'"
            )
        )
    )
    [[known]] = env.execute_query(SQL("SELECT count(*) FROM crm_lead"))
    if known < count:
        env.cr.execute(
            SQL(
                "INSERT INTO crm_lead (%(columns)s) SELECT %(columns)s FROM crm_lead,"
                " generate_series(1, %(times)s) LIMIT %(more)s",
                columns=columns,
                times=-(-count // known),
                more=count - known,
            )
        )
        env.cr.execute("ANALYZE crm_lead")


def make_stays(env):
    """Every lead has come to its stage by way of those before it, three days in each."""
    env.cr.execute(
        """
        DELETE FROM trade_lead_stage_stay;
        INSERT INTO trade_lead_stage_stay (lead_id, number, stage_id, entered_at, left_at, is_lost)
        SELECT lead.id, stage.number, stage.id,
               lead.create_date + stage.number * interval '3 days' - interval '3 days',
               CASE WHEN stage.id != lead.stage_id OR lead.won_status = 'lost'
                    THEN lead.create_date + (stage.number + lead.id %% 5) * interval '3 days'
               END,
               stage.id = lead.stage_id AND lead.won_status = 'lost'
          FROM crm_lead lead
          JOIN (SELECT id, row_number() OVER (ORDER BY sequence, id) AS number FROM crm_stage) stage
            ON stage.number <= (
               SELECT count(*) FROM crm_stage before, crm_stage own
                WHERE own.id = lead.stage_id
                  AND (before.sequence, before.id) <= (own.sequence, own.id)
            );
        ANALYZE trade_lead_stage_stay;
        """,
        [],
    )


def make_targets(env):
    """A target of each rep and of each territory, for every kind and the last months."""
    env.cr.execute(
        """
        INSERT INTO trade_sales_target (month, company_id, kind, amount, user_id, territory_id)
        SELECT date_trunc('month', %(today)s::date) - month.number * interval '1 month',
               company.id, kind.name, 100000, owner.user_id, owner.territory_id
          FROM generate_series(0, %(months)s - 1) month (number),
               (SELECT id FROM res_company ORDER BY id LIMIT 1) company,
               (VALUES ('orders'), ('won'), ('leads')) kind (name),
               (SELECT id AS user_id, NULL::int AS territory_id FROM res_users
                 WHERE login LIKE 'bench.rep%%'
                UNION ALL
                SELECT NULL, id FROM trade_territory) owner
        """,
        {"today": TODAY, "months": MONTHS},
    )
    env.cr.execute("ANALYZE trade_sales_target")
