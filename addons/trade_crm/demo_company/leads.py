"""The leads of the demo company: half a year of inquiries, with what became of them."""

from datetime import timedelta

import numpy as np

from odoo.tools import SQL

from . import names
from .generator import make_name

DAYS = 180
INQUIRIES = 170
POOLED = 14
TOPICS = (
    "想要定制包装的月饼",
    "Rice and oil for a canteen",
    "火锅底料整箱批发价",
    "Frozen dumplings for a new shop",
    "年货礼盒团购",
    "Custom labels for soy sauce",
    "酒店早餐食材长期供应",
    "Tea in small packs",
    "学校食堂招标询价",
    "First stock for a minimart",
)
# Channel: (kind, medium, how many of ten).
CHANNELS = {
    "杭州食品展": ("fair", "exhibition", 3),
    "抖音直播": ("live", "live_stream", 3),
    "官网询价": ("form", "advertising", 2),
    "老客户介绍": ("other", "referral", 2),
}


def load_inquiries(demo):
    """Inquiries of people who were no customers; a third is won, a third lost."""
    env = demo.env
    channels = env["trade.lead.channel"].create(
        [
            {"name": name, "kind": kind, "medium_id": env.ref(f"trade_crm.utm_medium_{medium}").id}
            for name, (kind, medium, _weight) in CHANNELS.items()
        ]
    )
    weights = [weight for *_rest, weight in CHANNELS.values()]
    used, wanted = set(), []
    namer = np.random.default_rng(demo.random.randrange(10**6))
    for number in range(INQUIRIES):
        channel = demo.random.choices(channels, weights)[0]
        company = make_name(namer, "restaurant", used)
        wanted.append(_prepare_inquiry(demo, number, channel, company))
    leads = env["crm.lead"].create(wanted)
    _tell_past(demo, leads)
    leads[-POOLED:]._put_in_pool("recycle")
    return leads


def _prepare_inquiry(demo, number, channel, company):
    rng = demo.random
    city = rng.choices(list(names.CITIES), [weight for *_rest, weight in names.CITIES.values()])[0]
    rep = demo.reps[list(names.CITIES).index(city)]
    surname, given = rng.choice(names.SURNAMES)[0], rng.choice(names.GIVEN_NAMES)[0]
    return {
        "name": TOPICS[number % len(TOPICS)],
        "type": "opportunity",
        "partner_name": city.removesuffix("市") + company,
        "contact_name": surname + given,
        # No subscriber's number begins with 0 in China.
        "phone": f"{names.CITIES[city][1]}-0{rng.randrange(10**6):06d}",
        "email_from": f"inquiry{number}@example.com",
        "city": city,
        "zip": names.CITIES[city][0],
        "country_id": demo.env.ref("base.cn").id,
        "user_id": rep.id,
        "trade_channel_id": channel.id,
        "priority": rng.choice("00112"),
        "expected_revenue": rng.randint(2, 80) * 1000,
    }


def _tell_past(demo, leads):
    """Let the leads have come in over the last half year, and most of them have ended."""
    env, rng = demo.env, demo.random
    stages = env["crm.stage"].search([("is_won", "=", False)])
    won_stage = env["crm.stage"].search([("is_won", "=", True)], limit=1)
    reasons = env["crm.lost.reason"].search([])
    begins, stays = [], []
    for place, lead in enumerate(leads):
        age = DAYS * (1 - place / len(leads)) + 1
        begin = demo.to_utc(demo.today - timedelta(days=int(age)), rng.randrange(9, 18))
        path, moment = [], begin
        end = rng.choices(["won", "lost", "open"], [3, 3, 1 if age > 45 else 6])[0]
        reached = len(stages) if end == "won" else rng.randint(1, len(stages))
        for stage in stages[:reached]:
            later = moment + timedelta(days=rng.expovariate(1 / (2 + age / 25)) + 0.1)
            path.append([stage, moment, later])
            moment = later
        now = demo.to_utc(demo.today - timedelta(days=1), 18)
        if moment > now:
            end, path = "open", [step for step in path if step[1] < now]
        _end(lead, end, path, won_stage, rng.choice(reasons) if rng.random() < 0.8 else None)
        contact = demo.to_utc(demo.today - timedelta(days=rng.randrange(1, 9)), 14)
        begins.append((lead, begin, path, end, contact))
        stays += _prepare_stays(lead, path, end, won_stage)
    env.flush_all()
    _write_past(env, begins, stays)


def _end(lead, end, path, won_stage, reason):
    if end == "won":
        lead.stage_id = won_stage
        return
    lead.stage_id = path[-1][0]
    if end == "lost":
        lead.action_set_lost(lost_reason_id=reason and reason.id)


def _prepare_stays(lead, path, end, won_stage):
    rows = [[lead.id, stage.id, lead.user_id.id, begin, until] for stage, begin, until in path]
    if end == "won":
        rows.append([lead.id, won_stage.id, lead.user_id.id, path[-1][2], None])
    elif end == "open":
        rows[-1][-1] = None
    return [
        (number, *row, end == "lost" and number == len(rows))
        for number, row in enumerate(rows, start=1)
    ]


def _write_past(env, begins, stays):
    """Odoo has stamped everything with the present moment."""
    for lead, begin, path, end, contact in begins:
        last = path[-1][2] if end in ("won", "lost") else path[-1][1]
        env.cr.execute(
            SQL(
                "UPDATE crm_lead SET create_date = %s, date_open = %s,"
                " date_last_stage_update = %s, date_closed = %s, trade_last_contact_at = %s"
                " WHERE id = %s",
                begin,
                begin,
                last,
                last if end in ("won", "lost") else None,
                contact if end == "open" and contact > last else None,
                lead.id,
            )
        )
    leads = [lead.id for lead, *_rest in begins]
    env.cr.execute(SQL("DELETE FROM trade_lead_stage_stay WHERE lead_id = ANY(%s)", leads))
    for number, lead, stage, user, begin, until, lost in stays:
        env.cr.execute(
            SQL(
                "INSERT INTO trade_lead_stage_stay"
                " (number, lead_id, stage_id, user_id, entered_at, left_at, is_lost)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                number,
                lead,
                stage,
                user,
                begin,
                until,
                lost,
            )  # fmt: skip
        )
    env.invalidate_all()
    env["crm.lead"]._refresh_follow_up(SQL("lead.id = ANY(%s)", leads))


def load_rules(demo):
    """Switch on what looks after leads, set targets, and ask for a customer."""
    env = demo.env
    env.company.write({"trade_lead_guard": True, "trade_lead_follow_up": True})
    month = demo.today.replace(day=1)
    env["trade.sales.target"].create(
        [
            {"month": day, "kind": kind, "amount": amount, "user_id": rep.id}
            for day in (month, (month - timedelta(days=1)).replace(day=1))
            for kind, amount in (("orders", 400000), ("leads", 8))
            for rep in demo.reps
        ]
        + [
            {"month": month, "kind": "won", "amount": 300000, "territory_id": territory.id}
            for territory in demo.territories.values()
        ]
    )
    wanted = env["res.partner"].search([("user_id", "=", demo.reps[0].id)], limit=1)
    requests = env["trade.lead.request"].with_user(demo.reps[1])
    requests._ask(
        partner=wanted,
        name=wanted.name,
        reason="他们的宁波分店一直向我订货，采购经理希望由我统一负责。",
    )
