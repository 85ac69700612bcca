"""Row about the comparison of a new customer with all customers and leads, in all territories."""

import statistics

from odoo.tools import SQL

from . import databases
from .harness import clock, row

CHECKS = 100
MOST_SECONDS = 0.05


@row("collision_check")
def collision_check(bench):
    """What a rep waits for who asks about a company, its phone number and its e-mail.

    Half of the customers asked for are known by name and number, half are spelled wrongly. The
    figure is the median; 95 of 100 checks have to be below the goal as well.
    """
    with databases.environment(bench.work) as env:
        fill = env["trade.identity.fill"]
        if fill._get_progress() < 1:
            bench.report("identity_fill", clock(fill._cron_fill))
            env.cr.commit()
            env.cr.execute("ANALYZE trade_identity_key")
        collisions = env["trade.collision"]
        questions = _make_questions(env)
        collisions._ask(questions[0])
        seconds = sorted(
            clock(lambda question=question: collisions._ask(question)) for question in questions
        )
        late = seconds[CHECKS * 95 // 100]
        bench.report(
            "collision_check",
            statistics.median(seconds),
            most=MOST_SECONDS,
            holds=late <= MOST_SECONDS,
        )


def _make_questions(env):
    rows = env.execute_query(
        SQL(
            "SELECT name, phone, email FROM res_partner WHERE is_company AND customer_rank > 0"
            " ORDER BY md5(id::text) LIMIT %s",
            CHECKS,
        )
    )
    return [
        {"name": name, "phone": phone, "email": email}
        if number % 2
        else {"name": f"{name[:-1]}X{name[-1]}"}
        for number, (name, phone, email) in enumerate(rows)
    ]
