from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from odoo.addons.trade_crm.tests.territory_common import TerritoryCommon


class CampaignResultCommon(TerritoryCommon):
    """Campaigns with members and messages, as they are after the start.

    The tests of the start itself, of the draw and of sending are elsewhere: here the rows are made
    as those leave them. The clock stands at noon of 2026-03-31 in Shanghai.
    """

    @classmethod
    def _make_campaign(cls, title="Spring tea", start="2026-03-01", variants=("A",), **values):
        """A running campaign with ``variants`` by mail."""
        return (
            cls.env["utm.campaign"]
            .sudo()
            .create(
                {
                    "title": title,
                    "user_id": cls.env.uid,
                    "trade_is_campaign": True,
                    "trade_company_id": cls.company_cn.id,
                    "trade_state": "running",
                    "trade_window_days": 10,
                    "trade_variant_ids": [Command.create({"name": name}) for name in variants],
                    **values,
                    "trade_started_at": cls._to_utc(f"{start} 00:00:00", cls.company_cn),
                }
            )
        )

    @classmethod
    def _add_members(cls, campaign, partners, variant=None, **values):
        """Members of one variant, ``"held out"`` for none; the first one by default."""
        variants = campaign.trade_variant_ids
        chosen = variants[:1] if variant is None else variants.filtered(lambda v: v.name == variant)
        return cls.env["trade.campaign.member"].create(
            [
                {
                    "campaign_id": campaign.id,
                    "partner_id": partner.id,
                    "company_id": campaign.trade_company_id.id,
                    "variant_id": chosen.id,
                    **values,
                }
                for partner in partners
            ]
        )

    @classmethod
    def _send(cls, members, day="2026-03-02", **values):
        """The messages of ``members``, sent on ``day``."""
        moment = cls._to_utc(day, cls.company_cn)
        return cls.env["trade.message"].create(
            [
                {
                    "campaign_id": member.campaign_id.id,
                    "partner_id": member.partner_id.id,
                    "company_id": member.company_id.id,
                    "channel": "mail",
                    "purpose": cls.env["trade.message"]._fields["purpose"].get_values(cls.env)[0],
                    "state": "sent",
                    "planned_at": moment,
                    "due_at": moment,
                    "sent_at": moment,
                    **values,
                }
                for member in members
            ]
        )

    @classmethod
    def _click(cls, message, *moments):
        """Clicks in a mail of Odoo's own, which the message does not know of yet."""
        if not message.trace_id:
            message.trace_id = cls.env["mailing.trace"].create(
                {"model": "res.partner", "res_id": message.partner_id.id}
            )
        link = cls.env["link.tracker"].search_or_create([{"url": "https://example.com/tea"}])
        for moment in moments:
            click = cls.env["link.tracker.click"].create(
                {"link_id": link.id, "mailing_trace_id": message.trace_id.id}
            )
            click.flush_recordset()
            cls.env.cr.execute(
                "UPDATE link_tracker_click SET create_date = %s WHERE id = %s",
                [cls._to_utc(moment, cls.company_cn), click.id],
            )
            click.invalidate_recordset()

    @classmethod
    def _make_program(cls, discount=10):
        return cls.env["loyalty.program"].create(
            {
                "name": "Spring coupon",
                "program_type": "coupons",
                "company_id": cls.company_cn.id,
                "rule_ids": [Command.clear()],
                "reward_ids": [
                    Command.clear(),
                    Command.create({"reward_type": "discount", "discount": discount}),
                ],
            }
        )

    @classmethod
    def _hand_out(cls, member, program):
        member.coupon_id = cls.env["loyalty.card"].create(
            {"program_id": program.id, "partner_id": member.partner_id.id, "points": 1}
        )
        return member.coupon_id

    @classmethod
    def _redeem(cls, order, coupon):
        """Use a coupon on an order, as the dialog of Odoo does."""
        status = order._try_apply_code(coupon.code)
        assert "error" not in status, status
        order._apply_program_reward(coupon.program_id.reward_ids, coupon)

    @classmethod
    def _refresh(cls):
        """Run the job as the cron does, without its commits."""
        cls.env.flush_all()
        cls.env.cr.precommit.run()
        while cls.env["trade.customer.profile"]._process_chunk(1000)[0]:
            pass
        results = cls.env["trade.campaign.order"]
        results._sync_touches(results._get_open_campaigns())
        while results._process_chunk(1000)[0]:
            pass
        cls.env.invalidate_all()

    @classmethod
    def _get_due(cls, order):
        return cls.env["trade.campaign.order"].search([("order_id", "=", order.id)])

    @classmethod
    def _later(cls, **delta):
        cls.clock.move_to(fields.Datetime.now() + timedelta(**delta))
