"""Whom the demo company talks to: segments, and the rules for tags that are switched on."""

from odoo.fields import Command

TAG_RULES = ("price", "weekly", "monthly", "shelf")


def load_audiences(demo):
    """Segments that every wholesaler asks for, one of them frozen, and tags by rules."""
    env = demo.env
    policy = env["trade.tier.policy"].search([("company_id", "=", env.company.id)])
    core = policy.tier_ids.filtered("min_revenue").sorted("min_revenue")[-1]
    wanted = (
        (
            ("Core customers in Hangzhou", "杭州核心客户"),
            [("trade_tier_id", "=", core.id), ("city", "ilike", "杭州")],
        ),
        (("Silent for two months", "两个月未下单"), [("trade_recency_days", ">", 60)]),
        (("Shops that buy every month", "每月进货的商店"), _get_shop_domain()),
    )
    chinese = "zh_CN" in dict(env["res.lang"].get_installed())
    for (name, name_zh), domain in wanted:
        line = Command.create({"kind": "domain", "domain": repr(domain)})
        segment = (
            env["trade.segment"]
            .with_user(demo.users["manager"])
            .create({"name": name, "is_shared": True, "line_ids": [line]})
        )
        if chinese:
            segment.with_context(lang="zh_CN").name = name_zh
    segment._freeze()
    for name in TAG_RULES:
        env.ref(f"trade_crm.trade_tag_rule_{name}").action_switch_on()


def _get_shop_domain():
    return [
        ("trade_customer_type_id.kind", "=", "store"),
        ("trade_gap_mean_days", ">", 0),
        ("trade_gap_mean_days", "<=", 45),
    ]
