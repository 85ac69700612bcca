from datetime import datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class TradeTierHistory(models.Model):
    """From which tier to which the customers have moved between two days."""

    _inherit = "trade.tier.history"

    @api.model
    @api.readonly
    def get_migration(self, date_from=None, date_to=None):
        """Tiers at the end of two days, of the present customers of the current company.

        :param date_from: day as text, three months before ``date_to`` by default
        :param date_to: day as text, today by default
        :return: see ``trade.tier._prepare_matrix()``; also both days and first_date, the first day
            of which tiers are known. Revenue is that of the window that ends today.
        """
        self.check_access("read")
        company = self.env.company
        today = self.env["trade.customer.profile"]._get_today(company.trade_tz)
        date_to = fields.Date.to_date(date_to) or today
        date_from = fields.Date.to_date(date_from) or date_to - relativedelta(months=3)
        if date_from > date_to:
            raise UserError(self.env._("The first day is after the second one: exchange them."))
        cells = self.env.execute_query(
            SQL(
                """
                WITH %s
                SELECT COALESCE(old_tier_id, 0), COALESCE(new_tier_id, 0), count(*), sum(window_revenue)
                  FROM move
                 GROUP BY 1, 2
                """,
                self._get_move_sql(date_from, date_to),
            )
        )
        tiers = self.env["trade.tier"].search([("company_id", "=", company.id)])
        matrix = tiers._prepare_matrix(cells, tiers, tiers._prepare_marks(), company.currency_id)
        first = self.search([("company_id", "=", company.id)], order="changed_at, id", limit=1)
        return {
            **matrix,
            "date_from": date_from.isoformat(),
            "date_to": date_to.isoformat(),
            "first_date": bool(first)
            and self._get_local_day(first.changed_at, company).isoformat(),
        }

    @api.model
    def action_view_migration(self, date_from, date_to, origin, target, names):
        """Open the customers of a cell; None stands for every tier."""
        return self.env["res.partner"]._get_tier_move_action(
            "history", [date_from, date_to], origin, target, names
        )

    @api.model
    def _get_move_query(self, date_from, date_to, origin, target):
        """The customers in a cell of the table: ``SQL`` in parentheses."""
        self.check_access("read")
        return SQL(
            "(WITH %s SELECT partner_id FROM move WHERE %s)",
            self._get_move_sql(fields.Date.to_date(date_from), fields.Date.to_date(date_to)),
            self.env["trade.tier"]._get_move_condition(origin, target),
        )

    @api.model
    def _get_move_sql(self, date_from, date_to):
        """The CTE ``move``: old_tier_id and new_tier_id of each customer that the user may see."""
        company = self.env.company
        profiles = self.env["trade.customer.profile"]
        self.flush_model()
        profiles.flush_model()
        return SQL(
            """
            move AS (
                SELECT profile.partner_id, profile.window_revenue,
                       earlier.tier_id AS old_tier_id, later.tier_id AS new_tier_id
                  FROM trade_customer_profile profile
                  LEFT JOIN (%(earlier)s) earlier ON earlier.partner_id = profile.partner_id
                  LEFT JOIN (%(later)s) later ON later.partner_id = profile.partner_id
                 WHERE profile.id IN %(visible)s
            )
            """,
            earlier=self._get_last_change_sql(company, date_from),
            later=self._get_last_change_sql(company, date_to),
            visible=profiles._search([("company_id", "=", company.id)]).subselect(),
        )

    @api.model
    def _get_last_change_sql(self, company, day):
        """The last change of each customer until the end of ``day`` in the company's time zone."""
        zone = pytz.timezone(company.trade_tz or "UTC")
        end = zone.localize(datetime.combine(day + timedelta(days=1), time.min))
        return SQL(
            "SELECT DISTINCT ON (partner_id) partner_id, tier_id FROM trade_tier_history"
            " WHERE company_id = %s AND changed_at < %s"
            " ORDER BY partner_id, changed_at DESC, id DESC",
            company.id,
            end.astimezone(pytz.utc).replace(tzinfo=None),
        )

    @api.model
    def _get_local_day(self, moment, company):
        zone = pytz.timezone(company.trade_tz or "UTC")
        return pytz.utc.localize(moment).astimezone(zone).date()
