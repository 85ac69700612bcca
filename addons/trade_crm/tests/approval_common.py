from odoo.fields import Command
from odoo.tests import new_test_user

from .common import TradeCrmCommon


class ApprovalCommon(TradeCrmCommon):
    """A rep who sells at 100.00 a piece, and who approves what.

    ::

        boss     manager of the territory   ceo   over everything
        cfo      finance, no manager
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Rules of a company that runs beside the tests would ask for approval here as well.
        cls.env["trade.approval.rule"].search([]).active = False
        cls.boss = cls._make_user("manager", "approval_boss")
        cls.ceo = cls._make_user("manager", "approval_ceo")
        cls.cfo = cls._make_user("user", "approval_cfo")
        cls.territory = cls.env["trade.territory"].create(
            {
                "name": "Approval land",
                "manager_ids": [Command.set(cls.boss.ids)],
                "member_ids": [Command.set(cls.user_rep.ids)],
            }
        )
        cls.customer.write({"territory_id": cls.territory.id, "user_id": cls.user_rep.id})
        cls.product = cls.env["product.product"].create(
            {
                "name": "Tile",
                "type": "service",
                "list_price": 100.0,
                "taxes_id": [Command.clear()],
            }
        )
        cls.product.with_company(cls.company_cn).standard_price = 60.0
        for company in (cls.company_cn, cls.company_us):
            lists = cls.env["product.pricelist"].search([("company_id", "=", company.id)])
            lists.currency_id = company.currency_id
        cls.env.flush_all()

    @classmethod
    def _make_user(cls, role, login):
        return new_test_user(
            cls.env,
            login=login,
            name=login.removeprefix("approval_").title(),
            groups=f"trade_crm.group_{role}",
            company_id=cls.company_cn.id,
            company_ids=[Command.set(cls.company_cn.ids)],
            tz="Asia/Shanghai",
        )

    @classmethod
    def make_rule(cls, *steps, **values):
        """A rule with the given approvers: users, ``"territory"`` or values of a step."""
        commands = []
        for number, step in enumerate(steps or ("territory",)):
            if isinstance(step, str):
                step = {"kind": step}
            elif not isinstance(step, dict):
                step = {"kind": "users", "user_ids": [Command.set(step.ids)]}
            commands.append(Command.create({"sequence": number, **step}))
        rules = cls._as(cls.user_manager, cls.env["trade.approval.rule"])
        return rules.create(
            {
                "name": "Large discount",
                "company_id": cls.company_cn.id,
                "step_ids": commands,
                **values,
            }
        ).with_env(cls.env)

    def make_order(self, discount=0.0, quantity=10, user=None, **values):
        line = {
            "product_id": self.product.id,
            "product_uom_qty": quantity,
            "discount": discount,
            "tax_ids": False,
        }
        order = self._as(user or self.user_rep, self.env["sale.order"]).create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company_cn.id,
                "order_line": [Command.create(line)],
                **values,
            }
        )
        self._commit()
        return order

    def ask(self, order, note="They buy again"):
        """Press the button and the one of the dialog."""
        action = order.action_ask_approval()
        wizard = order.env["trade.approval.note"].browse(action["res_id"])
        wizard.note = note
        wizard.action_apply()
        return self.env["trade.approval.request"].browse(order.sudo().trade_approval_request_id.id)

    def approve(self, request, user):
        self._as(user, request).action_approve()

    def refuse(self, request, user, note="Too cheap"):
        action = self._as(user, request).action_refuse()
        wizard = self._as(user, self.env["trade.approval.note"]).browse(action["res_id"])
        wizard.note = note
        wizard.action_apply()

    def approved_order(self, discount=35.0, **values):
        order = self.make_order(discount, **values)
        self.approve(self.ask(order), self.boss)
        return order
