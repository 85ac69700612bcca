from odoo.tests import TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestServiceMenus(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.menu = cls.env.ref("trade_crm_service.menu_service_tickets")

    def _sees_menu(self, groups):
        user = new_test_user(self.env, login=groups or "nobody", groups=f"base.group_user{groups}")
        visible = self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()
        return {self.menu.id, self.menu.parent_id.id} <= visible

    def test_menu_of_the_role(self):
        self.assertTrue(self._sees_menu(",trade_crm.group_agent"))

    def test_menu_of_other_roles(self):
        self.assertFalse(self._sees_menu(",trade_crm.group_rep"))
        self.assertFalse(self._sees_menu(""))
