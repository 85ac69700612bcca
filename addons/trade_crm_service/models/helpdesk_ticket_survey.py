import base64
import io

import qrcode

from odoo import api, fields, models
from odoo.exceptions import UserError

QR_BOX_PIXELS = 8


class HelpdeskTicket(models.Model):
    """What the customer said about a ticket, and a code to be asked on the spot."""

    _inherit = "helpdesk.ticket"

    trade_answer_ids = fields.One2many(
        "trade.survey.invitation",
        "ticket_id",
        "Feedback",
        groups="trade_crm.group_agent,trade_crm.group_manager,trade_crm.group_auditor",
    )

    def action_survey_qr(self):
        """Show a QR code that the customer answers with, there and then."""
        self.ensure_one()
        self.check_access("write")
        invitation_sudo = self.sudo().trade_answer_ids[:1] or self.sudo()._invite_by_qr()
        if invitation_sudo.channel != "qr" or invitation_sudo._get_state() != "open":
            raise UserError(
                self.env._(
                    "The customer was asked about this ticket on %(day)s already.",
                    day=fields.Date.to_string(invitation_sudo.sent_at.date()),
                )
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Scan and answer"),
            "res_model": "trade.survey.invitation",
            "res_id": invitation_sudo.id,
            "views": [
                (self.env.ref("trade_crm_service.trade_survey_invitation_view_form_qr").id, "form")
            ],
            "target": "new",
        }

    def _invite_by_qr(self):
        survey = self._find_survey()
        if not survey:
            raise UserError(
                self.env._(
                    "No survey is switched on for this ticket. A service manager does so in Service set-up,"
                    " Surveys."
                )
            )
        return self.env["trade.survey.invitation"].create(
            survey._prepare_invitation(self.partner_id, self, channel="qr")
        )

    def _find_survey(self):
        """The survey that asks about tickets such as this one."""
        surveys = self.env["trade.survey"].search(
            [("kind", "=", "ticket"), ("company_id", "=", self.company_id.id)]
        )
        return surveys.filtered(
            lambda survey: not survey.type_ids or self.trade_type_id in survey.type_ids
        )[:1]


class TradeSurveyInvitation(models.Model):
    _inherit = "trade.survey.invitation"

    qr = fields.Binary("QR code", compute="_compute_qr")

    @api.depends("channel", "answered_at")
    def _compute_qr(self):
        """Of those that somebody of ours shows; links that were sent stay with whom they were sent to."""
        for invitation in self:
            is_shown = invitation.channel == "qr" and invitation._get_state() == "open"
            invitation.qr = is_shown and draw_qr(invitation.sudo().link)


def draw_qr(text):
    """PNG, in base64."""
    image = io.BytesIO()
    qrcode.make(text, box_size=QR_BOX_PIXELS).save(image, format="PNG", optimize=True)
    return base64.b64encode(image.getvalue())
