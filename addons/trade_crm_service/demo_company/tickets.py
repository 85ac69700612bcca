"""Two months of tickets of the demo company: routed, answered, most of them solved in time."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

DAYS, TICKETS, OPEN = 60, 90, 18
# Login: (name, language, role, group).
USERS = {
    "service": ("Song Jie", "en_US", "service manager", "trade_crm_service.group_service_manager"),
    "agent2": ("Liang Yu", "zh_CN", "service agent", "trade_crm.group_agent"),
}
# Team: (name in Chinese, types).
TEAMS = {
    "Quality": ("质量部", ("quality",)),
    "Logistics": ("物流部", ("delay", "wrong")),
    "Customer service": ("客服部", ("return", "invoice", "price", "advice")),
}
# What customers write, by type, and how it was solved: kind, text.
TEXTS = {
    "quality": (
        ("火锅底料漏油", "Leaking hot pot base", "砂锅破损", "Dumplings arrived thawed"),
        ("replacement", "补发一箱，承运商已通知"),
    ),
    "delay": (
        ("货还没到，今天要用", "Delivery is two days late", "物流信息三天没更新"),
        ("explained", "已联系司机，当天下午送达"),
    ),
    "wrong": (
        ("少发了两箱大米", "Got soy sauce in place of vinegar", "收到的规格不对"),
        ("missing", "次日补发缺少的货"),
    ),
    "return": (
        ("未拆封的茶叶想退", "Return of 5 unopened boxes"),
        ("refund", "货已退回，已开红字发票"),
    ),
    "invoice": (
        ("发票抬头错误", "VAT number is missing on the invoice"),
        ("document", "发票已重开"),
    ),
    "price": (
        ("价格和报价单不一样", "Discount is missing"),
        ("document", "差价已在下一单抵扣"),
    ),
    "advice": (
        ("冷冻水饺怎么保存？", "Which oil for a wok?"),
        ("explained", "已发保存说明"),
    ),
}
WEIGHTS = (5, 4, 4, 2, 3, 2, 2)


def load_tickets(demo):
    users = _load_users(demo)
    teams = _load_teams(demo, users)
    _load_rules(demo, teams)
    tickets = demo.env["helpdesk.ticket"].create(
        [_prepare_ticket(demo, number, teams) for number in range(TICKETS)]
    )
    _tell_past(demo, tickets)
    # Not the job itself, which commits.
    demo.env["helpdesk.ticket"]._get_due_tickets()._tell_marks()


def _load_users(demo):
    env = demo.env
    installed = dict(env["res.lang"].get_installed())
    users = demo.users["agent"]
    model = env["res.users"].with_context(no_reset_password=True)
    # The welcome of a chat bot would cover the screen of a phone.
    quiet = {"odoobot_state": "disabled"} if "odoobot_state" in model._fields else {}
    for login, (name, lang, _role, group) in USERS.items():
        demo.users[login] = model.create(
            {
                **quiet,
                "email": f"{login}@example.com",
                "name": name,
                "login": login,
                "password": login,
                "lang": lang if lang in installed else "en_US",
                "tz": users[:1].tz,
                "company_id": env.company.id,
                "company_ids": [Command.set(env.company.ids)],
                "group_ids": [Command.set(env.ref(group).ids)],
            }
        )
    env.company.trade_ticket_owner_id = demo.users["service"]
    return users | demo.users["agent2"]


def _load_teams(demo, users):
    env = demo.env
    chinese = "zh_CN" in dict(env["res.lang"].get_installed())
    teams = {}
    for name, (name_zh, _types) in TEAMS.items():
        team = env["helpdesk.ticket.team"].create(
            {
                "name": name,
                "company_id": env.company.id,
                "user_id": demo.users["service"].id,
                "user_ids": [Command.set(users.ids)],
            }
        )
        if chinese:
            team.with_context(lang="zh_CN").name = name_zh
        teams[name] = team
    teams["Customer service"].trade_form_on = True
    return teams


def _load_rules(demo, teams):
    env = demo.env
    for name, (_name_zh, types) in TEAMS.items():
        kinds = [_get_type(env, kind).id for kind in types]
        env["trade.ticket.route"].create(
            {
                "name": name,
                "company_id": env.company.id,
                "type_ids": [Command.set(kinds)],
                "team_id": teams[name].id,
            }
        )
    env["trade.sla.policy"].create(
        {
            "name": "Quality",
            "sequence": 10,
            "company_id": env.company.id,
            "type_ids": [Command.set(_get_type(env, "quality").ids)],
            "first_hours": 2,
            "solve_hours": 16,
        }
    )


def _get_type(env, kind):
    return env.ref(f"trade_crm_service.trade_ticket_type_{kind}")


def _prepare_ticket(demo, number, teams):
    rng, env = demo.random, demo.env
    kind = rng.choices(list(TEXTS), WEIGHTS)[0]
    partner = rng.choice(demo.partners)
    text = rng.choice(TEXTS[kind][0])
    # The open ones are of the last days.
    ago = rng.uniform(0, 2) if number < OPEN else rng.uniform(2, DAYS)
    channel = rng.choice(("email", "web", "phone"))
    return {
        "name": text,
        "description": f"<p>{text}</p>",
        "partner_id": partner.id,
        "partner_name": partner.name,
        "partner_email": partner.email,
        "company_id": env.company.id,
        "trade_type_id": _get_type(env, kind).id,
        "trade_product_id": rng.choice(demo.products).id,
        "channel_id": env.ref(f"helpdesk_mgmt.helpdesk_ticket_channel_{channel}").id,
        "priority": rng.choices(("0", "1", "2", "3"), (2, 6, 2, 1))[0],
        "trade_opened_at": fields.Datetime.now() - timedelta(days=ago),
        "user_id": False,
    }


def _tell_past(demo, tickets):
    """Most were answered in time and solved; some of the open ones wait for the customer."""
    env, rng = demo.env, demo.random
    work = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_in_progress")
    waiting = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
    done = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
    moved = tickets.with_context(trade_unfollowed=True)
    opened, ended = moved[:OPEN], moved[OPEN:]
    # Proof is asked of people, and not of the past.
    ended.write({"stage_id": done.id})
    opened[4:10].write({"stage_id": work.id})
    opened[10:13].with_context(trade_unfollowed=False).write({"stage_id": waiting.id})
    rows = []
    for ticket in tickets[4:]:
        first = ticket.trade_opened_at + timedelta(hours=rng.choice((0.5, 1, 2, 3, 20)))
        end = first + timedelta(hours=rng.choice((2, 5, 24, 30, 50, 130)))
        end = min(end, fields.Datetime.now())
        rows.append((ticket.id, first, end if ticket in ended else None))
    _write_past(env, rows)
    for ticket in ended:
        kind = next(k for k in TEXTS if _get_type(env, k) == ticket.trade_type_id)
        solution, text = TEXTS[kind][1]
        ticket.trade_solution_kind_id = env.ref(f"trade_crm_service.solution_kind_{solution}")
        ticket.trade_solution = text
    tickets._refresh_sla(None)


def _write_past(env, rows):
    ids, firsts, ends = (list(column) for column in zip(*rows, strict=True))
    env.flush_all()
    env.cr.execute(
        SQL(
            "UPDATE helpdesk_ticket ticket SET trade_first_at = past.first,"
            " trade_ended_at = past.ended, closed_date = past.ended"
            " FROM unnest(%s::int[], %s::timestamp[], %s::timestamp[]) AS past (id, first, ended)"
            " WHERE ticket.id = past.id",
            ids,
            firsts,
            ends,
        )
    )
    env.invalidate_all()
