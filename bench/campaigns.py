"""Rows about campaigns: the start of one for every customer of a company."""

from odoo.fields import Command
from odoo.modules.registry import Registry

from . import databases
from .harness import clock, row
from .segments import ensure_sales


@row("campaign_enrol")
def campaign_enrol(bench):
    """Freeze and draw the audience; then a coupon for each customer, and the messages."""
    with databases.environment(ensure_marketing(bench)) as env:
        campaign = make_campaign(env)
        env.flush_all()
        enrol = clock(campaign._freeze_audience)
        print(f"  campaign_enrol: {campaign.trade_member_count:,} customers")
        bench.report("campaign_enrol", enrol, most=10)
        bench.report("campaign_coupons", clock(campaign._hand_out_coupons))
        bench.report("campaign_queue", clock(campaign._enqueue_messages))


@row("campaign_results")
def campaign_results(bench):
    """Messages have gone out; what became of them is noted, and all orders find their campaign."""
    with databases.environment(ensure_marketing(bench)) as env:
        campaign = make_campaign(env)
        campaign._freeze_audience()
        campaign._hand_out_coupons()
        campaign._enqueue_messages()
        make_sent(env, campaign)
        results, queue = env["trade.campaign.order"], env["trade.campaign.dirty"]
        bench.report("campaign_reached", clock(lambda: results._sync_touches(campaign)))

        def attribute():
            queue._note_members(campaign)
            while rows := queue._take(20_000):
                results._attribute({(partner, company) for _id, partner, company in rows})

        bench.report("campaign_results", clock(attribute))
        bench.report("campaign_again", clock(attribute))
        print(f"  campaign_results: {results.search_count([]):,} orders")


def make_sent(env, campaign):
    """The campaign began a month before the last order, and its messages were sent at once."""
    env.flush_all()
    env.cr.execute(
        "UPDATE utm_campaign SET trade_started_at = ("
        " SELECT max(date_order) - interval '30 days' FROM sale_order) WHERE id = %s",
        [campaign.id],
    )
    env.cr.execute(
        "UPDATE trade_message message SET state = 'sent', sent_at = campaign.trade_started_at"
        " FROM utm_campaign campaign WHERE campaign.id = %s AND message.campaign_id = campaign.id",
        [campaign.id],
    )
    env.invalidate_all()


def make_campaign(env):
    """A campaign with two variants and a coupon, for whoever the first company may sell to."""
    company = env["res.company"].search([], order="id", limit=1)
    everybody = env["trade.segment"].create(
        {
            "name": "Bench",
            "company_id": company.id,
            "line_ids": [Command.create({"domain": "[('id', '>', 0)]"})],
        }
    )
    program = env["loyalty.program"].create(
        {
            "name": "Bench",
            "program_type": "coupons",
            "company_id": company.id,
            "reward_ids": [Command.create({"discount": 10})],
        }
    )
    variants = [
        {
            "name": name,
            "channel": "provider",
            "body": "Your code is {coupon}",
            "program_id": program.id,
            "coupon_value": 1,
        }
        for name in "AB"
    ]
    return env["utm.campaign"].create(
        {
            "title": "Bench",
            "trade_is_campaign": True,
            "trade_company_id": company.id,
            "trade_segment_ids": [Command.set(everybody.ids)],
            "trade_budget": 1e9,
            "trade_coupon_budget": 1e9,
            "trade_holdout": 10,
            "trade_variant_ids": [Command.create(variant) for variant in variants],
        }
    )


def ensure_marketing(bench):
    """The data set with profiles and the marketing addon."""
    folder = databases.ROOT / "addons" / "trade_crm_marketing"
    key = databases.fingerprint(bench.work, folder)

    def make(name):
        ensure_sales(bench.work)
        databases.copy(bench.work, name)
        Registry.new(
            name, update_module=True, install_modules=["trade_crm_marketing"], new_db_demo=False
        )

    return databases.ensure(f"{bench.size_name}_marketing", key, make)
