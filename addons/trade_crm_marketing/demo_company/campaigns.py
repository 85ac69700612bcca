"""Campaigns of the demo company: one that is under way, one that waits for approval, one that is planned."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Command

# The campaign under way began so many days ago; live orders are of the last two weeks.
DAYS = 13
# Title: (title in Chinese, subjects of its mailings with their Chinese).
HOT_POT = (
    "Winter hot pot: recipe or price",
    "冬季火锅：菜谱还是价格",
    (
        ("A hot pot that your guests come back for", "让客人回头的火锅配方"),
        ("Hot pot base: the price of last winter", "火锅底料：去年冬天的价格"),
    ),
)
# Shares of who was written to, per variant: opened, clicked.
ANSWERS = {"A": (0.46, 0.16), "B": (0.41, 0.11)}


def load_campaigns(demo):
    env = demo.env
    segment = _load_segment(demo)
    title, title_zh, subjects = HOT_POT
    under_way = _plan(
        demo,
        title,
        title_zh,
        trade_segment_ids=[Command.link(segment.id)],
        trade_holdout=20,
        trade_goal_kind="customers",
        trade_goal_value=300,
        trade_budget=6000,
        trade_variant_ids=[
            Command.create({"name": name, "mailing_id": _load_mailing(demo, *subject).id})
            for name, subject in zip("AB", subjects, strict=True)
        ],
    )
    env["trade.campaign.cost"].create(
        [
            {
                "campaign_id": under_way.id,
                "name": name,
                "kind": kind,
                "planned": planned,
                "actual": actual,
            }
            for name, kind, planned, actual in (
                ("Recipe cards", "print", 1800, 1650),
                ("Tasting sets", "gift", 2500, 2380),
            )
        ]
    )
    under_way.with_user(demo.users["marketer"]).action_trade_submit()
    under_way.with_user(demo.users["manager"]).action_trade_approve()
    under_way.action_trade_start()
    _tell_past(demo, under_way)
    waiting = _plan(
        demo,
        "Ask quiet customers what they miss",
        "询问久未下单的客户",
        trade_purpose="care",
        trade_segment_ids=[Command.link(_find_quiet_segment(env, segment).id)],
        trade_budget=1500,
        trade_start=fields.Datetime.now() + timedelta(days=3),
        trade_variant_ids=[
            Command.create(
                {
                    "name": "A",
                    "channel": "call",
                    "body": "Ask what was missing at the last order, and offer the new samples.",
                }
            )
        ],
    )
    waiting.with_user(demo.users["marketer"]).action_trade_submit()
    _plan(
        demo,
        "Spring Festival gift boxes",
        "春节礼盒",
        trade_segment_ids=[Command.link(segment.id)],
        trade_budget=8000,
        trade_start=fields.Datetime.now() + timedelta(days=30),
        trade_end=fields.Datetime.now() + timedelta(days=60),
    )


def _load_segment(demo):
    segment = (
        demo.env["trade.segment"]
        .with_user(demo.users["manager"])
        .create(
            {
                "name": "Bought within half a year",
                "line_ids": [
                    Command.create(
                        {"kind": "domain", "domain": "[('trade_recency_days', '<=', 180)]"}
                    )
                ],
            }
        )
    )
    _say_in_chinese(segment, "name", "半年内采购过")
    return segment


def _find_quiet_segment(env, fallback):
    return (
        env["trade.segment"].search([("name", "=", "Silent for two months")], limit=1) or fallback
    )


def _load_mailing(demo, subject, subject_zh):
    body = f"<p>{subject}.</p><p>{subject_zh}。</p>"
    mailing = (
        demo.env["mailing.mailing"]
        .with_user(demo.users["marketer"])
        .create(
            {
                "subject": subject,
                "mailing_model_id": demo.env.ref("base.model_res_partner").id,
                "body_arch": body,
                "body_html": body,
            }
        )
    )
    _say_in_chinese(mailing, "subject", subject_zh)
    return mailing


def _plan(demo, title, title_zh, **values):
    campaign = (
        demo.env["utm.campaign"]
        .with_user(demo.users["marketer"])
        .create(
            {
                "title": title,
                "trade_is_campaign": True,
                "user_id": demo.users["manager"].id,
                **values,
            }
        )
    )
    _say_in_chinese(campaign, "title", title_zh)
    return campaign.with_env(demo.env)


def _say_in_chinese(record, name, text):
    if "zh_CN" in dict(record.env["res.lang"].get_installed()):
        record.with_context(lang="zh_CN")[name] = text


def _tell_past(demo, campaign):
    """What became of the messages, without sending any: opened, clicked, and who got none."""
    started = demo.to_utc(demo.today - timedelta(days=DAYS), 9)
    campaign.write({"trade_start": started, "trade_started_at": started})
    messages = demo.env["trade.message"].search([("campaign_id", "=", campaign.id)], order="id")
    for message in messages:
        message.write(_prepare_message(demo, message, started))
    demo.env.flush_all()
    # Not the job itself, which commits.
    results = demo.env["trade.campaign.order"]
    results._sync_touches(campaign)
    results._attribute(
        {(member.partner_id.id, member.company_id.id) for member in campaign.trade_member_ids}
    )


def _prepare_message(demo, message, started):
    values = {"planned_at": started, "due_at": started}
    chance = demo.random.random()
    if chance < 0.05:
        return {**values, "state": "skipped", "reason": "no_consent"}
    sent = started + timedelta(minutes=demo.random.randint(5, 40))
    values |= {"state": "sent", "attempted_at": sent, "sent_at": sent}
    opens, clicks = ANSWERS[message.variant_id.name]
    chance = demo.random.random()
    if chance < opens:
        values["opened_at"] = sent + timedelta(hours=demo.random.randint(1, 40))
    if chance < clicks:
        values["clicked_at"] = values["opened_at"] + timedelta(minutes=2)
    return values
