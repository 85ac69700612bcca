from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from .helpdesk_ticket_sla import COLUMNS


class HelpdeskTicket(models.Model):
    """Tickets that belong together: merged ones, split ones, and those of one problem of many customers."""

    _inherit = "helpdesk.ticket"

    trade_parent_id = fields.Many2one(
        "helpdesk.ticket",
        "Problem",
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        domain="[('id', '!=', id), ('trade_parent_id', '=', False)]",
        help="One problem of many customers, such as a bad lot: a ticket that this one is part of.",
    )
    trade_child_ids = fields.One2many(
        "helpdesk.ticket", "trade_parent_id", "Tickets of the problem", groups="base.group_user"
    )
    trade_child_count = fields.Integer(
        "Tickets of it", compute="_compute_trade_child_count", groups="base.group_user"
    )
    trade_merged_into_id = fields.Many2one(
        "helpdesk.ticket",
        "Merged into",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
    trade_split_from_id = fields.Many2one(
        "helpdesk.ticket",
        "Split from",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )

    @api.depends("trade_child_ids")
    @api.depends_context("uid")
    def _compute_trade_child_count(self):
        counts = self._count_by("trade_parent_id", self)
        for ticket in self:
            ticket.trade_child_count = counts.get(ticket.id, 0)

    @api.constrains("trade_parent_id")
    def _check_trade_parent(self):
        for ticket in self.sudo():
            parent = ticket.trade_parent_id
            if parent and (parent == ticket or parent.trade_parent_id or ticket.trade_child_ids):
                raise UserError(
                    self.env._(
                        "%(ticket)s cannot be part of %(parent)s: a problem has tickets, which have"
                        " none themselves.",
                        ticket=ticket.display_name,
                        parent=parent.display_name,
                    )
                )

    def action_open_children(self):
        self.ensure_one()
        return self._get_list_action(
            self.env._("Tickets of %(name)s", name=self.display_name),
            [("trade_parent_id", "=", self.id)],
            {"default_trade_parent_id": self.id},
        )

    # ------------------------------------------------------------------
    # Merge
    # ------------------------------------------------------------------

    def _merge_into(self, target):
        """Put messages, files and followers of these tickets into ``target`` and archive them.

        Whoever answers an old mail answers the ticket that is left, because the mail is there now.
        """
        self._check_merge(target)
        (self | target).check_access("write")
        sources_sudo, target_sudo = self.sudo(), target.sudo()
        moved = ("mail.message", "res_id", "model"), ("ir.attachment", "res_id", "res_model")
        for model, id_field, model_field in moved:
            self.env[model].sudo().search(
                [(model_field, "=", self._name), (id_field, "in", self.ids)]
            ).write({id_field: target.id})
        target_sudo.message_subscribe(partner_ids=sources_sudo.message_partner_ids.ids)
        self._fill_from_merged(sources_sudo, target_sudo)
        sources_sudo.trade_child_ids.write({"trade_parent_id": target.id})
        sources_sudo.activity_ids.unlink()
        sources_sudo._note_merge(target_sudo)
        sources_sudo.write({"trade_merged_into_id": target.id, "active": False})
        sources_sudo._stop_merged()

    def _check_merge(self, target):
        customers = (self | target).sudo().partner_id.commercial_partner_id
        if len(customers) > 1:
            raise UserError(
                self.env._(
                    "These tickets are of different customers, who would read each other's messages:"
                    " %(names)s. For one problem of many customers, use “Batch problem”.",
                    names=", ".join(customers.mapped("display_name")),
                )
            )
        if len((self | target).company_id) > 1:
            raise UserError(self.env._("These tickets are of different companies."))
        if target in self or target.trade_merged_into_id or not self:
            raise UserError(self.env._("Choose another ticket to merge into."))

    def _fill_from_merged(self, sources, target):
        """What the ticket that is left does not know itself."""
        values = {}
        for name in (
            "partner_id", "trade_type_id", "trade_order_id", "trade_order_line_id",
            "trade_picking_id", "trade_product_id", "trade_lot_id",
        ):  # fmt: skip
            known = sources.filtered(name)[:1]
            if known and not target[name]:
                values[name] = known[name].id
        # An older ticket has waited for longer; the promise was made then.
        opened = [moment for moment in (sources | target).mapped("trade_opened_at") if moment]
        if opened:
            values["trade_opened_at"] = min(opened)
        answered = [moment for moment in (sources | target).mapped("trade_first_at") if moment]
        if answered:
            values["trade_first_at"] = min(answered)
        target.write(values)
        target._refresh_sla("merged")

    def _note_merge(self, target):
        body = Markup("<p>%s</p>") % self.env._("Merged from:")
        for ticket in self:
            body += Markup("<p><strong>%s</strong></p>%s") % (
                ticket.display_name,
                ticket.description or "",
            )
            ticket._message_log(
                body=self.env._("Merged into %(link)s", link=target._get_html_link())
            )
        target._message_log(body=body)
        self.env["trade.ticket.log"]._log(
            target, "merge", "merged", {"names": self.mapped("display_name")}
        )
        self.env["trade.ticket.log"]._log(
            self, "merge", "into", {"ticket_id": target.id, "ticket": target.display_name}
        )

    def _stop_merged(self):
        """Their promise is kept by the ticket that is left."""
        now = fields.Datetime.now()
        self.env["trade.ticket.pause"]._end(self)
        self._write_sla({ticket.id: dict.fromkeys(COLUMNS) for ticket in self})
        self.with_context(trade_unfollowed=True).write({"trade_ended_at": now})

    # ------------------------------------------------------------------
    # Split
    # ------------------------------------------------------------------

    def _split(self, message, name):
        """A new ticket out of one message of this one, which keeps it as well.

        :return: the new ticket
        """
        self.ensure_one()
        self.check_access("write")
        message_sudo = message.sudo()
        if message_sudo.model != self._name or message_sudo.res_id != self.id:
            raise UserError(self.env._("Choose a message of this ticket."))
        ticket = self.create(self._prepare_split_values(message_sudo, name))
        for attachment in message_sudo.attachment_ids:
            attachment.copy({"res_model": self._name, "res_id": ticket.id})
        ticket.message_subscribe(partner_ids=self.partner_id.ids)
        details = {"ticket_id": ticket.id, "ticket": ticket.display_name}
        self.env["trade.ticket.log"]._log(self, "split", "into_new", details)
        details = {"ticket_id": self.id, "ticket": self.display_name}
        self.env["trade.ticket.log"]._log(ticket, "split", "out_of", details)
        return ticket

    def _prepare_split_values(self, message, name):
        return {
            "name": name,
            "description": message.body or name,
            "trade_split_from_id": self.id,
            "user_id": self.user_id.id,
            "partner_name": self.partner_name,
            "partner_email": self.partner_email,
            **{
                name: self[name].id
                for name in (
                    "partner_id", "company_id", "team_id", "channel_id", "trade_order_id",
                    "trade_picking_id",
                )
            },
        }  # fmt: skip
