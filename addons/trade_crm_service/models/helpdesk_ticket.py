from odoo import api, fields, models

# Who reads why something was decided about tickets.
LOG_READERS = "helpdesk_mgmt.group_helpdesk_user,trade_crm.group_auditor,trade_crm.group_manager"
# What of a ticket has to be followed when it changes.
FOLLOWED = (
    "stage_id",
    "user_id",
    "team_id",
    "company_id",
    "partner_id",
    "priority",
    "trade_type_id",
    "trade_tier_id",
)


class HelpdeskTicket(models.Model):
    """The order of what happens when a ticket is opened and changed; each topic has its own file."""

    _name = "helpdesk.ticket"
    _inherit = ["helpdesk.ticket", "trade.territory.mixin"]

    # A ticket of nobody we know: everybody who answers tickets may find out who wrote it.
    _territory_optional = True

    # The transaction's time, which create_date has, is not that of the clock in a long import.
    trade_opened_at = fields.Datetime(
        "Opened at", readonly=True, copy=False, groups="base.group_user"
    )
    trade_log_ids = fields.One2many(
        "trade.ticket.log", "ticket_id", "Decisions", groups=LOG_READERS
    )

    @api.depends("number", "name")
    @api.depends_context("lang")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        for ticket in self.filtered(lambda ticket: not ticket._origin):
            ticket.display_name = ticket.name or self.env._("New ticket")
        return result

    @api.model_create_multi
    def create(self, vals_list):
        tickets = super().create(vals_list)
        tickets_sudo = tickets.sudo()
        tickets_sudo.filtered(lambda ticket: not ticket.trade_opened_at).write(
            {"trade_opened_at": fields.Datetime.now()}
        )
        tickets_sudo._route_unowned()
        tickets_sudo._start_sla()
        tickets_sudo._note_call()
        tickets_sudo._tell_opened()
        return tickets

    def write(self, vals):
        followed = not self.env.context.get("trade_unfollowed") and (
            vals.keys() & {*FOLLOWED, "trade_picking_id", "trade_order_id"}
        )
        if not followed:
            return super().write(vals)
        self._check_proof_for(vals.get("stage_id"))
        before = self._read_followed()
        result = super().write(vals)
        self.sudo()._follow(before)
        return result

    def _read_followed(self):
        """``{ticket id: {field: value}}``, read before something changes."""
        return {ticket.id: {name: ticket[name] for name in FOLLOWED} for ticket in self.sudo()}

    def _follow(self, before):
        """Do what follows from a change, in this order: owner, stage, deadlines, what is told."""
        now = self._read_followed()
        changed = {
            ticket: {name for name in FOLLOWED if before[ticket.id][name] != now[ticket.id][name]}
            for ticket in self
        }
        self._follow_owner(changed, before)
        self._follow_stage(changed, before)
        self._follow_sla(changed)
        self._tell_changes(changed, before)
