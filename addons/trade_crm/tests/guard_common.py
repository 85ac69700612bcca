from odoo import fields

from .common import NOW
from .territory_common import TerritoryCommon


class GuardCommon(TerritoryCommon):
    """The guard is on, and a rep of another territory has a customer, a person there and a lead.

    ::

        of user_beijing   what it is recognised by
        ----------------  ----------------------------------------------------------------
        tea               杭州西湖茶叶有限公司, +86 571 8888 6666, tax number VAT
        tea_person        +86 138 1234 5678, wu@tea.example.com
        lead              Dragon Well Trading Co., Ltd., dragon@example.com; nobody's customer
    """

    VAT = "91110000600037341L"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._move_clock(NOW)
        cls.company_cn.write({"trade_lead_guard": True, "trade_protection_days": 90})
        cls.tea = cls._make_customer(
            "杭州西湖茶叶有限公司",
            zip="100010",
            country_id=cls.china.id,
            phone="+86 571 8888 6666",
            vat=cls.VAT,
            user_id=cls.user_beijing.id,
        )
        cls.tea_person = cls._make_contact(
            "Ms. Wu", cls.tea, phone="+86 138 1234 5678", email="wu@tea.example.com"
        )
        cls.lead = cls._make_lead(
            cls.user_beijing,
            partner_name="Dragon Well Trading Co., Ltd.",
            email_from="dragon@example.com",
        )
        cls.env.flush_all()
        cls.rep = cls.user_zhejiang
        cls.collisions = cls._as(cls.rep, cls.env["trade.collision"])

    def setUp(self):
        super().setUp()
        self._move_clock(NOW)

    @classmethod
    def _move_clock(cls, moment):
        """Python and what Odoo dates records by, which is the clock of the database."""
        cls.clock.move_to(moment)
        cls.env.cr._now = fields.Datetime.to_datetime(moment)

    @classmethod
    def _make_lead(cls, user, **values):
        return (
            cls.env["crm.lead"]
            .with_company(cls.company_cn)
            .create(
                {
                    "name": "Inquiry",
                    "type": "opportunity",
                    "user_id": user.id,
                    "company_id": cls.company_cn.id,
                    **values,
                }
            )
        )

    def _ask(self, user=None, **values):
        """(status, match) of what matters most."""
        collisions = self._as(user or self.rep, self.env["trade.collision"])
        hits = collisions._ask(values)
        return (hits[0].status, hits[0].match) if hits else ("free", None)

    def _get_keys(self, record):
        column = record._identity_column
        self.env.flush_all()
        self.env.cr.execute(
            f"SELECT kind, value FROM trade_identity_key WHERE {column} = %s",  # noqa: S608
            [record.id],
        )
        return set(self.env.cr.fetchall())

    def _customers_of_rep(self):
        return self._as(self.rep, self.env["res.partner"])

    def _leads_of_rep(self):
        return self._as(self.rep, self.env["crm.lead"])
