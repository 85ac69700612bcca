from odoo.tools import SQL

from odoo.addons.trade_crm.tests.common import NOW, TradeCrmCommon
from odoo.addons.trade_crm.tests.smtp_server import mail_leaves


class MessageCommon(TradeCrmCommon):
    """Customers who may be contacted, and campaigns with mailings.

    ::

        ann, bob, cho   people with a mail address and a phone, in Shanghai; all agreed to everything
        campaign        mailing "News" by mail with a link
        rival           another campaign
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company_cn.ids})
        cls.china = cls.env.ref("base.cn")
        cls.ann, cls.bob, cls.cho = cls.people = cls.env["res.partner"].create(
            [
                {
                    "name": name,
                    "email": f"{name.lower()}@loop.test",
                    "phone": f"+86 138 0000 000{number}",
                    "country_id": cls.china.id,
                    "user_id": cls.user_rep.id,
                }
                for number, name in enumerate(["Ann", "Bob", "Cho"])
            ]
        )
        for channel in ("mail", "sms", "provider", "call"):
            cls._decide(cls.people, channel)
        cls.campaign, cls.rival = cls.env["utm.campaign"].create(
            [{"title": "Spring"}, {"title": "Rival"}]
        )
        cls.mailing = cls._make_mailing(cls.campaign)
        cls.consents = cls.env["trade.consent"]
        cls.messages = cls.env["trade.message"]
        cls.guard = cls.env["trade.contact.guard"]
        cls.cron = cls.env.ref("trade_crm_marketing.ir_cron_message_send")

    @classmethod
    def _make_mailing(cls, campaign, **values):
        return cls.env["mailing.mailing"].create(
            {
                "subject": "News",
                "mailing_model_id": cls.env["ir.model"]._get_id("res.partner"),
                "campaign_id": campaign.id,
                "body_html": '<p>See <a href="https://shop.test/spring">the shop</a></p>',
                "email_from": "news@trade.test",
                "user_id": cls.user_marketer.id,
                **values,
            }
        )

    @classmethod
    def _decide(cls, partners, channel="mail", decision="granted", **values):
        return cls.env["trade.consent"].create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": cls.company_cn.id,
                    "channel": channel,
                    "purpose": "offer",
                    "decision": decision,
                    "source": "paper",
                    "proof": "Form 7",
                    "decided_at": "2026-01-01 00:00:00",
                    **values,
                }
                for partner in partners
            ]
        )

    @classmethod
    def _queue(cls, partners, campaign=None, channel="mail", due_at=NOW, step=1, **values):
        """Messages of a campaign, as campaigns queue them."""
        mailing = values.get("mailing", cls.mailing if channel == "mail" else None)
        rows = [
            SQL(
                "(%s, %s, %s, %s, %s, %s, %s, %s::int, %s::text, %s)",
                (campaign or cls.campaign).id,
                partner.id,
                partner.territory_id.id or None,
                values.get("company", cls.company_cn).id,
                step,
                channel,
                values.get("purpose", "offer"),
                mailing and mailing.id,
                values.get("body"),
                due_at,
            )
            for partner in partners
        ]
        query = SQL(
            "SELECT * FROM (VALUES %s) queued (%s)",
            SQL(", ").join(rows),
            SQL("campaign_id, partner_id, territory_id, company_id, step, channel, purpose,"
                " mailing_id, body, due_at"),
        )  # fmt: skip
        cls.messages._enqueue(query)
        return cls.messages.search(
            [("campaign_id", "=", (campaign or cls.campaign).id), ("step", "=", step)], order="id"
        )

    def _send(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _smtp(self):
        return mail_leaves(self.env)

    def assertStates(self, messages, expected):
        found = {m.partner_id.name: (m.state, m.reason or None) for m in messages}
        self.assertEqual(found, expected)
