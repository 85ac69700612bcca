from odoo.tests import tagged

from odoo.addons.trade_crm.tests.territory_common import TerritoryCommon


@tagged("post_install", "-at_install")
class TestMailingTerritory(TerritoryCommon):
    def _make_mailing(self, user, **values):
        return self._as(user, self.env["mailing.mailing"]).create(
            {
                "subject": "News",
                "mailing_model_id": self.env["ir.model"]._get_id("res.partner"),
                "mailing_domain": repr([("id", "in", self.customers.ids)]),
                **values,
            }
        )

    def test_recipients_are_of_the_territory_of_who_sends(self):
        """The queue is run by nobody in particular."""
        marketer, whole = (
            self.user_marketer_east,
            self.user_marketer_east.copy({"login": "whole", "email": "whole@example.com"}),
        )
        whole.group_ids |= self.env.ref("trade_crm.group_all_territories")
        own = self.wok | self.chain
        for user, values, expected in (
            (marketer, {}, own),
            (marketer, {"user_id": whole.id}, own),
            (whole, {"user_id": marketer.id}, own),
            (whole, {}, self.customers),
        ):
            with self.subTest(user=user.login, values=values):
                mailing = self._make_mailing(user, **values).sudo()
                self.assertEqual(set(mailing._get_recipients()), set(expected.ids))
