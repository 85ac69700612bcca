from odoo import fields, models

from .trade_credit_account import KINDS

# Who sees what a customer owes and may owe, in the territories of theirs.
CREDIT_ROLES = "trade_crm.group_rep,trade_crm.group_auditor,trade_crm.group_credit"
CREDIT_READERS = f"sales_team.group_sale_salesman,{CREDIT_ROLES}"


class ResCompany(models.Model):
    """How a company gives credit. Nothing of it acts until it is switched on in Settings."""

    _inherit = "res.company"

    trade_credit_control = fields.Boolean(
        "Check credit",
        help="Orders beyond the credit limit of their customer are not confirmed.",
    )
    trade_credit_kind = fields.Selection(
        KINDS,
        "Usual credit",
        required=True,
        default="unlimited",
        help="Of customers for whom neither they nor their tier say otherwise.",
    )
    trade_credit_amount = fields.Monetary("Usual limit")
    trade_credit_overdue = fields.Boolean(
        "Stop who is overdue", help="Customers with overdue invoices get nothing on credit."
    )
    trade_credit_overdue_days = fields.Integer("Overdue days allowed")
    trade_credit_delivery = fields.Boolean(
        "Check before goods leave",
        default=True,
        help="Deliveries stop while their customer is over the limit or overdue.",
    )
    trade_credit_reservation = fields.Boolean(
        "Do not reserve either",
        help="No goods are reserved for customers who are over the limit or overdue.",
    )
    trade_credit_manager_kind = fields.Selection(
        KINDS,
        "Managers let through",
        required=True,
        default="unlimited",
        help="What sales managers decide on in their territories; the rest is for Credit control.",
    )
    trade_credit_manager_amount = fields.Monetary("Up to")
    trade_credit_grant_days = fields.Integer(
        "Days that a decision holds",
        default=14,
        help="The order is confirmed and delivered by then.",
    )

    _check_trade_credit_numbers = models.Constraint(
        "CHECK (LEAST(trade_credit_amount, trade_credit_overdue_days, trade_credit_manager_amount,"
        " trade_credit_grant_days) >= 0)",
        "Limits and days of credit are not negative.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_credit_control = fields.Boolean(related="company_id.trade_credit_control", readonly=False)
    trade_credit_kind = fields.Selection(
        related="company_id.trade_credit_kind", readonly=False, required=True
    )
    trade_credit_amount = fields.Monetary(
        related="company_id.trade_credit_amount",
        readonly=False,
        currency_field="company_currency_id",
    )
    trade_credit_overdue = fields.Boolean(related="company_id.trade_credit_overdue", readonly=False)
    trade_credit_overdue_days = fields.Integer(
        related="company_id.trade_credit_overdue_days", readonly=False
    )
    trade_credit_delivery = fields.Boolean(
        related="company_id.trade_credit_delivery", readonly=False
    )
    trade_credit_reservation = fields.Boolean(
        related="company_id.trade_credit_reservation", readonly=False
    )
    trade_credit_manager_kind = fields.Selection(
        related="company_id.trade_credit_manager_kind", readonly=False, required=True
    )
    trade_credit_manager_amount = fields.Monetary(
        related="company_id.trade_credit_manager_amount",
        readonly=False,
        currency_field="company_currency_id",
    )
    trade_credit_grant_days = fields.Integer(
        related="company_id.trade_credit_grant_days", readonly=False
    )


class TradeTier(models.Model):
    _inherit = "trade.tier"

    credit_kind = fields.Selection(
        KINDS,
        "Credit",
        help="Of customers without a limit of their own; empty as the company says.",
    )
    credit_amount = fields.Monetary("Credit limit")

    _credit_amount_positive = models.Constraint(
        "CHECK (COALESCE(credit_amount, 0) >= 0)", "A credit limit is not negative."
    )


class AccountPaymentTerm(models.Model):
    _inherit = "account.payment.term"

    trade_prepaid = fields.Boolean(
        "Paid in advance",
        help="Orders with these terms are confirmed without credit; where Settings check deliveries, "
        "their goods wait for the money.",
    )
