from odoo import api, fields, models

from .trade_survey_invitation import CHANNELS

KINDS = [
    ("ticket", "After a ticket is solved"),
    ("relationship", "Relationship, on a schedule"),
]


class TradeSurvey(models.Model):
    """What customers are asked, whom, when and how."""

    _name = "trade.survey"
    _description = "Satisfaction Survey"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(KINDS, "Asks", required=True, default="ticket")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    channel = fields.Selection(
        [one for one in CHANNELS if one[0] != "qr"],
        "Sent by",
        required=True,
        default="email",
        help="Who cannot be reached that way is asked the other way.",
    )
    ask_csat = fields.Boolean(
        "Also ask for satisfaction", default=True, help="With what we did, from 1 to 5."
    )
    cause_ids = fields.Many2many("trade.survey.cause", string="Causes to choose from")
    expire_days = fields.Integer("Link is good for", default=14)
    rest_days = fields.Integer(
        "Rest period",
        default=30,
        help="Nobody is asked again within so many days, whatever the survey.",
    )
    # After a ticket
    type_ids = fields.Many2many("trade.ticket.type", string="Ticket types", help="Empty: all.")
    delay_hours = fields.Integer("Asked after", default=24, help="Hours after a ticket was solved.")
    asked_until = fields.Datetime(
        readonly=True, copy=False, help="Who was solved before was looked at already."
    )
    # Relationship
    segment_id = fields.Many2one(
        "trade.segment",
        ondelete="restrict",
        help="Empty: all customers who have bought within the window of the tier policy.",
    )
    interval_months = fields.Integer("Asked every", default=6)
    per_day = fields.Integer(
        "A day at most", default=50, help="So that answers and complaints come in evenly."
    )
    # What follows
    recovery_type_id = fields.Many2one(
        "trade.ticket.type",
        "Bad answers open",
        default=lambda self: self._get_recovery_type(),
        ondelete="restrict",
        help="A ticket of this type, for a detractor (0 to 6) or a satisfaction of 1 or 2. Empty: none.",
    )
    recovery_days = fields.Integer(
        "Call back within", default=2, help="Days; the deadline of the activity on that ticket."
    )
    invitation_count = fields.Integer(compute="_compute_invitation_count")

    _numbers_valid = models.Constraint(
        "CHECK (expire_days BETWEEN 1 AND 365 AND rest_days BETWEEN 0 AND 3650"
        " AND delay_hours BETWEEN 0 AND 8760 AND interval_months BETWEEN 1 AND 120"
        " AND per_day BETWEEN 1 AND 100000 AND recovery_days BETWEEN 0 AND 365)",
        "A link is good for 1 to 365 days and the schedule 1 to 120 months; please check the other"
        " numbers, too.",
    )

    def _get_recovery_type(self):
        return self.env.ref("trade_crm_service.trade_ticket_type_recovery", False)

    def _compute_invitation_count(self):
        counts = dict(
            self.env["trade.survey.invitation"]._read_group(
                [("survey_id", "in", self.ids)], ["survey_id"], ["__count"]
            )
        )
        for survey in self:
            survey.invitation_count = counts.get(survey._origin, 0)

    # ------------------------------------------------------------------
    # Switched on
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        surveys = super().create(vals_list)
        surveys.filtered("active")._begin()
        return surveys

    def write(self, vals):
        sleeping = self.filtered(lambda survey: not survey.active)
        result = super().write(vals)
        if vals.get("active"):
            sleeping._begin()
        return result

    def _begin(self):
        """Nobody is asked about what was solved before the survey was switched on."""
        self.write({"asked_until": fields.Datetime.now()})

    def action_open_invitations(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "trade.survey.invitation",
            "view_mode": "list,form",
            "domain": [("survey_id", "=", self.id)],
        }


# Where in the dealings with a customer something went well or badly.
STEPS = [
    ("order", "Advice and order"),
    ("goods", "Goods"),
    ("delivery", "Delivery"),
    ("payment", "Price and payment"),
    ("service", "Service"),
]


class TradeSurveyCause(models.Model):
    """What an answer was about, to tap on."""

    _name = "trade.survey.cause"
    _description = "Cause of an Answer"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    step = fields.Selection(STEPS, help="Where it happens, on the way from advice to service.")

    _name_unique = models.UniqueIndex("((name->>'en_US'))", "There is a cause of this name.")
