from odoo.fields import Command

from .territory_common import TerritoryCommon


class LeadCommon(TerritoryCommon):
    """Leads in the territories of ``TerritoryCommon``, of a company that guards its leads.

    ::

        user_zhejiang, user_zhejiang_2   reps of Zhejiang
        user_east                        their manager
        lead                             of Zhejiang, with user_zhejiang
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_zhejiang_2 = cls.user_zhejiang.copy(
            {
                "login": "territory_zhejiang_2",
                "trade_territory_ids": [Command.set(cls.zhejiang.ids)],
                "company_id": cls.company_cn.id,
                "company_ids": [Command.set(cls.company_cn.ids)],
            }
        )
        cls.company_cn.trade_lead_guard = True
        cls.lead = cls._make_lead(
            "Tea for 李雷, 13812345678",
            user=cls.user_zhejiang,
            partner_name="杭州西湖茶叶有限公司",
            contact_name="李雷",
            phone="+86 138 1234 5678",
            email_from="lilei@tea.example.com",
        )
        cls.env.flush_all()

    @classmethod
    def _make_lead(cls, name="Inquiry", user=None, territory=None, **values):
        return cls.env["crm.lead"].create(
            {
                "name": name,
                "user_id": user.id if user else False,
                "company_id": cls.company_cn.id,
                "territory_id": (territory or cls.zhejiang).id,
                **values,
            }
        )

    @classmethod
    def _make_pooled(cls, name="Inquiry", **values):
        lead = cls._make_lead(name, user=cls.user_shanghai, **values)
        return lead._put_in_pool("recycle")

    def _entry(self, lead, user):
        """The entry of ``lead`` in the pool, as ``user`` works with it."""
        return self._as(user, self.env["trade.lead.pool"].browse(lead.id))

    def _release(self, leads, user, reason="Not for me"):
        wizard = self._as(user, self.env["trade.lead.release"]).create(
            {"lead_ids": [Command.set(leads.ids)], "reason": reason}
        )
        return wizard.action_release()

    def _read_log(self, lead, *fields):
        logs = self.env["trade.lead.log"].search([("lead_id", "=", lead.id)], order="id")
        names = fields or ("kind", "from_owner_id", "owner_id")
        return [tuple(log[name] for name in names) for log in logs]
