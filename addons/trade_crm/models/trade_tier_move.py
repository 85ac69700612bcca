import json

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .res_partner import ROLES


class TradeTier(models.Model):
    """Moves between tiers: a table of from and to whose cells open their customers."""

    _inherit = "trade.tier"

    @api.model
    def _prepare_matrix(self, cells, origins, targets, currency):
        """The table as plain data.

        :param cells: list of (key of the old tier, key of the new one, customers, revenue); the key
            is the tier's id, or 0 for no tier
        :param origins: tiers that are rows, whether a customer is in them or not
        :param targets: columns, list of dict with key, name and color
        :param currency: currency of the revenue
        :return: dict with rows, columns, cells, the totals of everybody and of who moves
        """
        totals = {"total": [0, 0.0], "moved": [0, 0.0]}
        for origin, target, customers, revenue in cells:
            for name in ("total", "moved") if origin != target else ("total",):
                totals[name][0] += customers
                totals[name][1] += float(revenue)
        return {
            "rows": self._prepare_axis([cell[0] for cell in cells], origins._prepare_marks()),
            "columns": self._prepare_axis([cell[1] for cell in cells], targets),
            "cells": [
                {
                    "origin": origin,
                    "target": target,
                    "customers": customers,
                    "revenue": float(revenue),
                }
                for origin, target, customers, revenue in cells
            ],
            **{
                name: {"customers": customers, "revenue": currency.round(revenue)}
                for name, (customers, revenue) in totals.items()
            },
            "currency_id": currency.id,
        }

    @api.model
    def _prepare_axis(self, keys, marks):
        """``marks`` and what else has customers: tiers of other policies, archived ones, none."""
        known = {mark["key"] for mark in marks}
        others = self.browse(sorted({key for key in keys if key > 0} - known)).exists().sorted()
        axis = [*marks, *others._prepare_marks()]
        if 0 in keys:
            axis.append({"key": 0, "name": self.env._("No tier"), "color": 0})
        return axis

    def _prepare_marks(self):
        return [{"key": tier.id, "name": tier.name, "color": tier.color} for tier in self]

    @api.model
    def _get_move_condition(self, origin, target):
        """Whether a row of ``move`` is of the tiers with these keys; None stands for every tier."""
        conditions = [
            SQL("COALESCE(move.%s, 0) = %s", SQL.identifier(column), key)
            for column, key in (("old_tier_id", origin), ("new_tier_id", target))
            if key is not None
        ]
        return SQL(" AND ").join(conditions) if conditions else SQL("TRUE")


class ResPartner(models.Model):
    _inherit = "res.partner"

    trade_tier_move = fields.Char(
        "Tier move",
        store=False,
        search="_search_trade_tier_move",
        groups=ROLES,
        help="Limits a list to the customers in one cell of a table of moves between tiers.",
    )

    def _search_trade_tier_move(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            Domain("id", "in", self._get_tier_move_query(*json.loads(move))) for move in value
        )

    @api.model
    def _get_tier_move_query(self, kind, source, origin, target):
        if kind == "draft":
            return (
                self.env["trade.tier.policy.draft"].browse(source)._get_move_query(origin, target)
            )
        return self.env["trade.tier.history"]._get_move_query(*source, origin, target)

    @api.model
    def _get_tier_move_action(self, kind, source, origin, target, names):
        """Open the customers in a cell.

        :param kind: "draft" or "history"
        :param source: id of the draft, or list of two dates as text
        :param origin, target: keys of the tiers, None for every one
        :param names: list of two names, of the row and of the column
        """
        every = self.env._("All")
        return self._get_trade_action(
            [("trade_tier_move", "=", json.dumps([kind, source, origin, target]))],
            name=" → ".join(name or every for name in names),
        )
