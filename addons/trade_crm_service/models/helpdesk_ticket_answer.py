from datetime import timedelta

from odoo import fields, models


class HelpdeskTicket(models.Model):
    """What an answer does: ours stops the clock of the first answer, the customer's goes on with it."""

    _inherit = "helpdesk.ticket"

    trade_previous_id = fields.Many2one(
        "helpdesk.ticket",
        "Follows",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        help="A solved ticket that the customer answered when it could not be reopened any more.",
    )

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        if message.message_type not in ("comment", "email") or message.is_internal:
            return result
        if message.subtype_id.internal or not message.subtype_id:
            return result
        tickets_sudo = self.sudo()
        if message.author_id.sudo().partner_share or not message.author_id:
            tickets_sudo._take_answer(message.sudo())
        else:
            tickets_sudo._note_first_answer()
        return result

    def _take_answer(self, message_sudo):
        """An answer of the customer, by mail or on the portal."""
        for ticket in self:
            stage = ticket.stage_id
            if not stage.closed and stage.trade_kind != "wait":
                continue
            if not stage.closed or ticket._may_reopen():
                ticket.stage_id = ticket._get_work_stage()
            else:
                ticket._open_next(message_sudo)

    def _may_reopen(self):
        ended = self.trade_ended_at or self.closed_date
        days = self.company_id.trade_reopen_days
        return bool(ended) and fields.Datetime.now() - ended <= timedelta(days=days)

    def _get_work_stage(self):
        """The stage in which we go on to work: the first one behind the new ones."""
        stages = self.team_id._get_applicable_stages()
        if not self.team_id:
            stages = stages.filtered(
                lambda stage: stage.company_id.id in (False, self.company_id.id)
            )
        working = stages.filtered(
            lambda stage: not stage.closed and stage.trade_kind == "work" and not stage.unattended
        )
        return working[:1] or stages.filtered(lambda stage: not stage.closed)[:1] or self.stage_id

    def _open_next(self, message_sudo):
        """A new ticket of what the customer answered, linked to this one."""
        ticket = self.with_context(mail_create_nosubscribe=True).create(
            {
                "name": self.env._("Again: %(name)s", name=self.name),
                "description": message_sudo.body,
                "trade_previous_id": self.id,
                "user_id": False,
                **{
                    name: self[name].id
                    for name in (
                        "partner_id", "company_id", "team_id", "channel_id", "trade_type_id",
                        "trade_order_id", "trade_picking_id", "trade_product_id", "trade_lot_id",
                    )
                },
                "partner_name": self.partner_name,
                "partner_email": self.partner_email,
            }
        )  # fmt: skip
        for attachment in message_sudo.attachment_ids:
            attachment.copy({"res_model": self._name, "res_id": ticket.id})
        self._message_log(
            body=self.env._(
                "Answered when it could not be reopened: %(link)s", link=ticket._get_html_link()
            )
        )
        return ticket
