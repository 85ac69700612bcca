from odoo import api, fields, models

from .trade_customer_profile_value import STATUSES


class TradeLifecycleMeasure(models.Model):
    """What a company does for customers of a lifecycle status."""

    _name = "trade.lifecycle.measure"
    _description = "Measure for a Lifecycle Status"
    _rec_name = "status"
    _order = "company_id, sequence, id"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    sequence = fields.Integer(default=100)
    status = fields.Selection(STATUSES, required=True)
    measure = fields.Text(required=True, translate=True)
    profile_count = fields.Integer("Customers", compute="_compute_profile_count")

    _status_unique = models.Constraint(
        "UNIQUE (company_id, status)",
        "There is one measure for each lifecycle status: edit that one.",
    )

    @api.depends("status", "company_id")
    def _compute_profile_count(self):
        groups = self.env["trade.customer.profile"]._read_group(
            [("company_id", "in", self.company_id.ids)],
            ["company_id", "lifecycle_status"],
            ["__count"],
        )
        counts = {(company, status): count for company, status, count in groups}
        for measure in self:
            measure.profile_count = counts.get((measure.company_id, measure.status), 0)

    def action_view_partners(self):
        """Open the customers that the measure is for."""
        self.ensure_one()
        partners = self.env["res.partner"].with_company(self.company_id)
        return partners._get_trade_action(
            [("trade_lifecycle_status", "=", self.status)], name=self.display_name
        )

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    @api.model
    def _get_default_measures(self):
        """``{status: measure}`` in the user's language."""
        return {
            "prospect": self.env._(
                "Call within a week, ask what they buy and from whom, and offer a first order on trial."
            ),
            "new": self.env._(
                "Ask after the first delivery whether all went well, solve what did not, and agree on the"
                " second order."
            ),
            "growing": self.env._(
                "Visit, learn what they still buy elsewhere, and offer volume prices or better terms."
            ),
            "stable": self.env._(
                "Keep the rhythm: remind before the next purchase is due and show what is new."
            ),
            "slipping": self.env._(
                "Call this week: find out whether price, quality, delivery or a competitor is the cause."
            ),
            "dormant": self.env._(
                "Make a time-limited offer on what they used to buy and follow up by phone."
            ),
            "lost": self.env._(
                "Find the reason and any unsolved complaint; solve it before the next offer, else stop."
            ),
            "won_back": self.env._(
                "Thank them, watch over the next delivery in person, and win the second order after the return."
            ),
        }

    @api.model
    def _create_default(self, companies):
        """Give each of ``companies`` the measures that it has none for yet, in every language."""
        english = self.with_context(lang="en_US")
        groups = english._read_group(
            [("company_id", "in", companies.ids)], ["company_id", "status"]
        )
        known = set(groups)
        measures = english.create(
            [
                {
                    "company_id": company.id,
                    "status": status,
                    "measure": measure,
                    "sequence": 10 * number,
                }
                for company in companies
                for number, (status, measure) in enumerate(
                    english._get_default_measures().items(), 1
                )
                if (company, status) not in known
            ]
        )
        for lang, _name in self.env["res.lang"].get_installed():
            if lang != "en_US":
                translated = measures.with_context(lang=lang)
                texts = translated._get_default_measures()
                for measure in translated:
                    measure.measure = texts[measure.status]
        return measures.with_env(self.env)


class ResCompany(models.Model):
    _inherit = "res.company"

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env["trade.lifecycle.measure"].sudo()._create_default(companies)
        return companies


class TradeCustomerProfile(models.Model):
    _inherit = "trade.customer.profile"

    lifecycle_measure = fields.Text("Measure to take", compute="_compute_lifecycle_measure")

    @api.depends("lifecycle_status", "company_id")
    @api.depends_context("lang")
    def _compute_lifecycle_measure(self):
        measures = (
            self.env["trade.lifecycle.measure"]
            .sudo()
            .search_fetch(
                [("company_id", "in", self.company_id.ids)], ["company_id", "status", "measure"]
            )
        )
        texts = {(measure.company_id, measure.status): measure.measure for measure in measures}
        for profile in self:
            profile.lifecycle_measure = texts.get(
                (profile.company_id, profile.lifecycle_status), False
            )
