from odoo import fields, models
from odoo.tools import SQL

from ..models.trade_survey import KINDS
from ..models.trade_survey_invitation import CHANNELS, GROUPS


class TradeNpsReport(models.Model):
    """What people were asked and answered: one row per person asked.

    The average of ``nps`` is the Net Promoter Score, and an empty one is of who has not answered.
    """

    _name = "trade.nps.report"
    _inherit = ["trade.territory.report.mixin"]
    _description = "Answers to Surveys"
    _auto = False
    _rec_name = "invitation_id"
    _order = "sent_at desc"
    _territory_optional = True
    _depends = {
        "trade.survey.invitation": [
            "answered_at",
            "carrier",
            "channel",
            "commercial_partner_id",
            "company_id",
            "csat",
            "kind",
            "nps_group",
            "product_id",
            "sent_at",
            "survey_id",
            "team_id",
            "territory_id",
            "tier_id",
            "type_id",
            "user_id",
        ]
    }

    invitation_id = fields.Many2one("trade.survey.invitation", "Answer", readonly=True)
    survey_id = fields.Many2one("trade.survey", readonly=True)
    kind = fields.Selection(KINDS, "Asked", readonly=True)
    channel = fields.Selection(CHANNELS, readonly=True)
    sent_at = fields.Datetime("Asked on", readonly=True)
    answered_at = fields.Datetime("Answered on", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    user_id = fields.Many2one("res.users", "Agent", readonly=True)
    team_id = fields.Many2one("helpdesk.ticket.team", readonly=True)
    type_id = fields.Many2one("trade.ticket.type", "Ticket type", readonly=True)
    tier_id = fields.Many2one("trade.tier", readonly=True)
    product_id = fields.Many2one("product.product", readonly=True)
    carrier = fields.Char(readonly=True)
    nps_group = fields.Selection(GROUPS, "Group", readonly=True)
    nps = fields.Float("Net Promoter Score", readonly=True, aggregator="avg", digits=(16, 1))
    csat_rate = fields.Float("Satisfied", readonly=True, aggregator="avg", help="With 4 or 5 of 5.")
    response_rate = fields.Float("Response rate", readonly=True, aggregator="avg")
    answers = fields.Integer(readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT invitation.id,
                   invitation.id AS invitation_id,
                   invitation.survey_id,
                   invitation.kind,
                   invitation.channel,
                   invitation.sent_at,
                   invitation.answered_at,
                   invitation.company_id,
                   invitation.commercial_partner_id AS partner_id,
                   invitation.territory_id,
                   invitation.user_id,
                   invitation.team_id,
                   invitation.type_id,
                   invitation.tier_id,
                   invitation.product_id,
                   invitation.carrier,
                   invitation.nps_group,
                   CASE invitation.nps_group
                        WHEN 'promoter' THEN 100.0 WHEN 'passive' THEN 0.0 WHEN 'detractor' THEN -100.0
                   END AS nps,
                   CASE WHEN invitation.csat IN ('4', '5') THEN 1.0
                        WHEN invitation.csat IS NOT NULL THEN 0.0 END AS csat_rate,
                   (invitation.answered_at IS NOT NULL)::int::float8 AS response_rate,
                   (invitation.answered_at IS NOT NULL)::int AS answers
              FROM trade_survey_invitation invitation
            """
        )
