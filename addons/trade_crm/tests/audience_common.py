import random
from datetime import timedelta

from odoo.fields import Command

from .common import TODAY
from .territory_common import TerritoryCommon


class AudienceCommon(TerritoryCommon):
    """Sixty customers with purchases of two products, in two territories, and what to choose from.

    ::

        tea, rice            products of the categories Drinks, Drinks / Green and Food
        buyers               60 customers, every second one in Zhejiang, the others in North
        purchases            [(partner, day, product, quantity, amount)], from before Odoo
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Rules and segments of the database at hand stay out of the way.
        cls.env["trade.tag.rule"].search([]).write({"is_on": False})
        categories = cls.env["product.category"]
        cls.drinks = categories.create({"name": "Drinks"})
        cls.green = categories.create({"name": "Green", "parent_id": cls.drinks.id})
        cls.food = categories.create({"name": "Food"})
        cls.tea, cls.rice = cls.env["product.product"].create(
            [
                {"name": "Tea", "categ_id": cls.green.id},
                {"name": "Rice", "categ_id": cls.food.id},
            ]
        )
        cls.buyers = cls.env["res.partner"].create(
            [
                {
                    "name": f"Buyer {number}",
                    "is_company": True,
                    "customer_rank": 1,
                    "country_id": cls.china.id,
                    **({"state_id": cls.state_zhejiang.id} if number % 2 else {"zip": "100010"}),
                }
                for number in range(60)
            ]
        )
        cls.env.flush_all()
        cls.purchases = cls._make_purchases(random.Random(6))

    @classmethod
    def _make_purchases(cls, rng):
        purchases = []
        for partner in cls.buyers[:50]:
            for _number in range(rng.randint(1, 6)):
                day = TODAY - timedelta(days=rng.choice((0, 5, 29, 30, 31, 90, 91, 200)))
                for product in rng.sample((cls.tea, cls.rice), rng.randint(1, 2)):
                    quantity = rng.randint(1, 9)
                    purchases.append((partner, day, product, quantity, quantity * 10.0))
        cls.env["trade.order.history"].create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": cls.company_cn.id,
                    "date": day,
                    "amount": amount,
                    "source": "audience",
                    "external_id": str(number),
                    "line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "product_name": product.name,
                                "quantity": quantity,
                                "price_unit": 10.0,
                                "amount": amount,
                            }
                        )
                    ],
                }
                for number, (partner, day, product, quantity, amount) in enumerate(purchases)
            ]
        )
        cls.env.flush_all()
        cls.env["trade.customer.profile"]._rebuild_companies()
        cls.env["trade.sales.fact"]._rebuild_all()
        return purchases

    @classmethod
    def _make_segment(cls, *lines, **values):
        return cls.env["trade.segment"].create(
            {
                "name": "Segment",
                "company_id": cls.company_cn.id,
                "user_id": cls.user_manager.id,
                "line_ids": [Command.create(line) for line in lines],
                **values,
            }
        )

    def _members(self, audience, user=None):
        """Who is a member, of :attr:`buyers`, as ``user`` sees it."""
        if user:
            audience = self._as(user, audience)
        return set(audience._get_members_query()) & set(self.buyers.ids)
