from odoo import fields, models

# Programs that answer mails know by these not to answer.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


class HelpdeskTicket(models.Model):
    """What the customer is told by itself: received, assigned, progress, solved.

    A ticket's type has a switch for each of them. A stage with a mail template of its own sends that,
    as helpdesk_mgmt does; "solved" is the template of the stage Done.
    """

    _inherit = "helpdesk.ticket"

    # Of who wrote without being known; customers have their own.
    trade_lang = fields.Char("Language", copy=False, groups="base.group_user")

    def _tell_opened(self):
        self.filtered(lambda ticket: not ticket.stage_id.closed)._tell("received")

    def _tell_changes(self, changed, before):
        moved = self.filtered(
            lambda ticket: (
                "stage_id" in changed[ticket]
                and ticket.stage_id.trade_tell
                and not ticket.stage_id.closed
                and not ticket.stage_id.mail_template_id
            )
        )
        handed = self.filtered(
            lambda ticket: (
                "user_id" in changed[ticket] and ticket.user_id and not ticket.stage_id.closed
            )
        )
        moved._tell("progress")
        (handed - moved)._tell("assigned")

    def _tell(self, what):
        """Send the mail about ``what`` to the customers of these tickets, as superuser.

        :param what: "received", "assigned", "progress" or "solved"
        """
        told = self.filtered(lambda ticket: ticket._is_told(what))
        template = self.env.ref(
            f"trade_crm_service.mail_template_ticket_{what}", raise_if_not_found=False
        )
        # Like all automatic mails, not where nothing is to be noted (imports, tests).
        if not told or not template or self.env.context.get("tracking_disable"):
            return
        for (_team, _company), tickets in told.grouped(
            lambda ticket: (ticket.team_id, ticket.company_id)
        ).items():
            # A template has no address for answers of its own accord: without it they go to the sender.
            reply_to = tickets[0]._notify_get_reply_to()[tickets[0].id]
            template.sudo().send_mail_batch(
                tickets.ids,
                # What was sent stays on the ticket: by it an answer finds where it belongs.
                email_values={
                    "headers": repr(HEADERS),
                    "is_notification": True,
                    "reply_to": reply_to,
                },
                email_layout_xmlid="mail.mail_notification_light",
            )

    def _is_told(self, what):
        address = self.partner_id.email or (not self.partner_id and self.partner_email)
        kind = self.trade_type_id
        return bool(address and (not kind or kind[f"tell_{what}"]))

    def _track_template(self, changes):
        """The switches of the type also count for the template of a stage."""
        templates = super()._track_template(changes)
        ticket = self[0]
        what = "solved" if ticket.stage_id.trade_kind == "solved" else "progress"
        if "stage_id" in templates and not ticket.sudo()._is_told(what):
            del templates["stage_id"]
        if "stage_id" in templates:
            template, options = templates["stage_id"]
            templates["stage_id"] = (template, {**options, "auto_delete_keep_log": True})
        return templates
