from typing import NamedTuple

from odoo import api, models


class Rhythm(NamedTuple):
    """How customers of an industry buy; amounts in company currency, a year's or an order's."""

    dormant: int  # months without a purchase
    lost: int  # months without a purchase
    new: int  # months since the first purchase
    core: float  # revenue of a year
    potential: float  # revenue of a year
    order_value: float  # of a large order
    bulk_value: float  # of an order in bulk
    order_count: int  # of who orders often, in a year
    cycle_days: int  # between the purchases of a customer worth developing


# Fresh and fast goods are bought every week or two; houses are built, and seasons come, once a year.
RHYTHMS = {
    "food": Rhythm(2, 6, 2, 300000.0, 60000.0, 3000.0, 30000.0, 24, 15),
    "building": Rhythm(9, 18, 6, 800000.0, 150000.0, 30000.0, 150000.0, 4, 120),
    "hardware": Rhythm(4, 12, 3, 300000.0, 50000.0, 5000.0, 40000.0, 8, 45),
    "cosmetics": Rhythm(3, 9, 3, 200000.0, 40000.0, 5000.0, 30000.0, 10, 40),
    "appliances": Rhythm(6, 15, 4, 1000000.0, 200000.0, 40000.0, 200000.0, 6, 60),
    "apparel": Rhythm(7, 13, 6, 400000.0, 80000.0, 20000.0, 80000.0, 6, 90),
    "produce": Rhythm(5, 13, 3, 500000.0, 80000.0, 8000.0, 60000.0, 12, 30),
}


class TradePreset(models.AbstractModel):
    _inherit = "trade.preset"

    @api.model
    def _get_presets(self):
        presets = super()._get_presets()
        types = self._get_industry_types()
        for code, (name, description) in self._get_industries().items():
            presets[code] = {
                "name": name,
                "description": description,
                "tiers": self._get_industry_tiers(RHYTHMS[code]),
                "limits": self._get_industry_limits(RHYTHMS[code]),
                "customer_types": types[code],
            }
        return presets

    @api.model
    def _get_industries(self):
        """``{code: (name, description)}``"""
        return {
            "food": (
                self.env._("Food and beverages"),
                self.env._(
                    "Fast goods, ordered every week or two: a customer who is silent for two months "
                    "buys somewhere else."
                ),
            ),
            "building": (
                self.env._("Building materials"),
                self.env._(
                    "Bought for one building site after the other: long pauses are normal, orders "
                    "are large."
                ),
            ),
            "hardware": (
                self.env._("Hardware"),
                self.env._("Many small articles, restocked every month or two."),
            ),
            "cosmetics": (
                self.env._("Cosmetics"),
                self.env._("Restocked every month; new series decide who stays."),
            ),
            "appliances": (
                self.env._("Household appliances"),
                self.env._("Few and large orders, around promotions and moves into new homes."),
            ),
            "apparel": (
                self.env._("Apparel"),
                self.env._(
                    "Bought for the season: a customer is silent for half a year and comes back, or "
                    "has left out a season."
                ),
            ),
            "produce": (
                self.env._("Farm produce"),
                self.env._(
                    "Bought often in the harvest and not at all outside it: who is back a year later "
                    "is not lost."
                ),
            ),
        }

    @api.model
    def _get_industry_types(self):
        """``{code: {name: values of a customer type}}``"""
        return {
            "food": {
                "restaurant": self._make_type("store", self.env._("Restaurant")),
                "supermarket": self._make_type("chain", self.env._("Supermarket chain")),
                "canteen": self._make_type("project", self.env._("Canteen")),
            },
            "building": {
                "building_shop": self._make_type("store", self.env._("Building materials shop")),
                "decorator": self._make_type("project", self.env._("Decoration company")),
                "contractor": self._make_type("project", self.env._("Building contractor")),
            },
            "hardware": {
                "hardware_shop": self._make_type("store", self.env._("Hardware shop")),
                "workshop": self._make_type("consumer", self.env._("Workshop")),
                "factory": self._make_type("project", self.env._("Factory")),
            },
            "cosmetics": {
                "beauty_salon": self._make_type("store", self.env._("Beauty salon")),
                "cosmetics_chain": self._make_type("chain", self.env._("Cosmetics chain")),
                "online_shop": self._make_type("store", self.env._("Online shop")),
            },
            "appliances": {
                "appliance_shop": self._make_type("store", self.env._("Appliance shop")),
                "appliance_chain": self._make_type("chain", self.env._("Appliance chain")),
                "developer": self._make_type("project", self.env._("Property developer")),
            },
            "apparel": {
                "boutique": self._make_type("store", self.env._("Boutique")),
                "apparel_chain": self._make_type("chain", self.env._("Apparel chain")),
                "uniforms": self._make_type("project", self.env._("Buyer of uniforms")),
            },
            "produce": {
                "market_stall": self._make_type("store", self.env._("Market stall")),
                "fresh_chain": self._make_type("chain", self.env._("Fresh food chain")),
                "processor": self._make_type("project", self.env._("Food processor")),
            },
        }

    @api.model
    def _make_type(self, kind, name):
        return {"kind": kind, "name": name}

    @api.model
    def _get_industry_tiers(self, rhythm):
        return {
            "lost": {"inactive_months": rhythm.lost},
            "dormant": {"inactive_months": rhythm.dormant},
            "core": {"min_revenue": rhythm.core},
            "potential": {"min_revenue": rhythm.potential},
            "new": {"tenure_months": rhythm.new},
        }

    @api.model
    def _get_industry_limits(self, rhythm):
        return {
            "window_months": 12,
            "matrix_order_value": rhythm.order_value,
            "matrix_order_count": rhythm.order_count,
            "band_high_revenue": rhythm.core,
            "band_middle_revenue": rhythm.potential,
            "lifecycle_new_months": rhythm.new,
            "lifecycle_dormant_months": rhythm.dormant,
            "lifecycle_lost_months": rhythm.lost,
            "bulk_order_value": rhythm.bulk_value,
            "potential_gap_days": rhythm.cycle_days,
        }
