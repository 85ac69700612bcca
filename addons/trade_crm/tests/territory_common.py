from odoo.fields import Command
from odoo.tests import new_test_user

from .common import TradeCrmCommon


class TerritoryCommon(TradeCrmCommon):
    """Two branches, and the limit to territories switched on.

    ::

        territory        rule                 people
        ---------------  -------------------  --------------------------------------------
        East                                  manager user_east
        +- Zhejiang      state Zhejiang       rep user_zhejiang, agent user_agent_east,
                                              marketer user_marketer_east
        +- Shanghai      city 上海            rep user_shanghai
        North            zip 100000–109999    manager user_north, rep user_beijing
        Unassigned       (no rule fits)

        user_auditor and user_outsider of the other fixtures see everything; user_rep has no
        territory and sees what is assigned to it.

        customer        territory   contact
        --------------  ----------  ---------------
        wok             Zhejiang    wok_contact
        bund            Shanghai
        hutong          North       hutong_contact
        chain           North       shared with Zhejiang
        nowhere         Unassigned
        vendor          none
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_territories()
        cls._setup_territory_users()
        cls._setup_territory_customers()
        cls.env["ir.config_parameter"].set_param("trade_crm.territory_scope", "True")
        cls.env["trade.territory"]._forget_access()
        cls.env.flush_all()

    @classmethod
    def _setup_territories(cls):
        cls.china = cls.env.ref("base.cn")
        cls.state_zhejiang = cls.env.ref("base.state_cn_ZJ")
        # What the database at hand has of its own stays out of the way.
        cls.env["trade.territory.rule"].search([]).active = False
        territories = cls.env["trade.territory"]
        cls.unassigned = territories._get_fallback()
        cls.east = territories.create({"name": "East"})
        cls.zhejiang = territories.create(
            {
                "name": "Zhejiang",
                "parent_id": cls.east.id,
                "rule_ids": [Command.create({"state_ids": [Command.set(cls.state_zhejiang.ids)]})],
            }
        )
        cls.shanghai = territories.create(
            {
                "name": "Shanghai",
                "parent_id": cls.east.id,
                "rule_ids": [Command.create({"city": "上海, Shanghai"})],
            }
        )
        cls.north = territories.create(
            {
                "name": "North",
                "rule_ids": [Command.create({"zip_from": "100000", "zip_to": "109999"})],
            }
        )

    @classmethod
    def _setup_territory_users(cls):
        def make_user(name, role, **values):
            return new_test_user(
                cls.env,
                login=f"territory_{name}",
                groups=f"trade_crm.group_{role}",
                company_id=cls.company_cn.id,
                company_ids=[Command.set(cls.company_cn.ids)],
                tz="Asia/Shanghai",
                **{field: [Command.set(records.ids)] for field, records in values.items()},
            )

        cls.user_east = make_user("east", "manager", trade_managed_territory_ids=cls.east)
        cls.user_north = make_user("north", "manager", trade_managed_territory_ids=cls.north)
        cls.user_zhejiang = make_user("zhejiang", "rep", trade_territory_ids=cls.zhejiang)
        cls.user_shanghai = make_user("shanghai", "rep", trade_territory_ids=cls.shanghai)
        cls.user_beijing = make_user("beijing", "rep", trade_territory_ids=cls.north)
        cls.user_agent_east = make_user("agent", "agent", trade_territory_ids=cls.zhejiang)
        cls.user_marketer_east = make_user("marketer", "marketer", trade_territory_ids=cls.zhejiang)

    @classmethod
    def _setup_territory_customers(cls):
        cls.wok = cls._make_customer(
            "Golden Wok East", state_id=cls.state_zhejiang.id, country_id=cls.china.id
        )
        cls.wok_contact = cls._make_contact("Ms. Wu", cls.wok)
        cls.bund = cls._make_customer("Bund Bistro", city="上海市", country_id=cls.china.id)
        cls.hutong = cls._make_customer("Hutong House", zip="100010", country_id=cls.china.id)
        cls.hutong_contact = cls._make_contact("Mr. Bei", cls.hutong)
        cls.chain = cls._make_customer("Noodle Chain", zip="100020", country_id=cls.china.id)
        cls.chain.shared_territory_ids = cls.zhejiang
        cls.nowhere = cls._make_customer("Somewhere Snacks")
        cls.vendor = cls._make_customer("Flour Mill", supplier_rank=1)
        cls.customers = cls.wok | cls.bund | cls.hutong | cls.chain | cls.nowhere
        cls.env.flush_all()

    @classmethod
    def _visible(cls, user, records):
        """Those of ``records`` that ``user`` finds."""
        model = cls._as(user, records.browse()).with_context(active_test=False)
        return model.search([("id", "in", records.ids)]).with_env(cls.env)
