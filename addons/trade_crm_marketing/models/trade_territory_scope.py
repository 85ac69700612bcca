"""Models of mailings and loyalty programs that belong to something in a territory."""

from odoo import models


class MailingTrace(models.Model):
    """Whom a mailing went to, with the e-mail, and what they did with it."""

    _name = "mailing.trace"
    _inherit = ["mailing.trace", "trade.territory.document.mixin"]

    _territory_document = ("model", "res_id")


class LinkTrackerClick(models.Model):
    _name = "link.tracker.click"
    _inherit = ["link.tracker.click", "trade.territory.path.mixin"]

    _territory_path = "mailing_trace_id"


class SmsTracker(models.Model):
    _name = "sms.tracker"
    _inherit = ["sms.tracker", "trade.territory.path.mixin"]

    _territory_path = "mailing_trace_id"


class LoyaltyCard(models.Model):
    _name = "loyalty.card"
    _inherit = ["loyalty.card", "trade.territory.path.mixin"]


class LoyaltyHistory(models.Model):
    _name = "loyalty.history"
    _inherit = ["loyalty.history", "trade.territory.path.mixin"]

    _territory_path = "card_id"
