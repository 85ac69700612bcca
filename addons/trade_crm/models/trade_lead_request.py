from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError

MANAGERS = "sales_team.group_sale_manager,trade_crm.group_auditor"


class TradeLeadRequest(models.Model):
    """Somebody asks for a lead or a customer that a colleague has; a manager decides.

    Who asks is told what they called it and what was decided, and not whose it is: the fields with
    ``groups`` are for managers. It is in the territory of what is asked for, whose managers see it.
    """

    _name = "trade.lead.request"
    _description = "Request for a Customer"
    _inherit = ["trade.request.mixin", "trade.territory.mixin"]
    _order = "id desc"

    name = fields.Char("Asked for", required=True, readonly=True)
    decided_by_id = fields.Many2one(groups=MANAGERS)
    company_id = fields.Many2one("res.company", readonly=True)

    lead_id = fields.Many2one(
        "crm.lead", readonly=True, index="btree_not_null", ondelete="set null", groups=MANAGERS
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        groups=MANAGERS,
    )
    owner_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="set null", groups=MANAGERS
    )
    territory_id = fields.Many2one(compute=None, precompute=False, groups=MANAGERS, readonly=True)

    _open_unique = models.UniqueIndex(
        "(user_id, COALESCE(lead_id, 0), COALESCE(partner_id, 0)) WHERE state = 'open'",
        "You have asked for this already. Wait for the decision.",
    )

    # ------------------------------------------------------------------
    # Who learns what
    # ------------------------------------------------------------------

    @api.model
    def _has_field_access(self, field, operation):
        """Who follows a request and has to decide tells whose territory it is in."""
        if field.name in self._get_thread_fields() and not self.env.su:
            return self.env.user.has_groups(MANAGERS) and super()._has_field_access(
                field, operation
            )
        return super()._has_field_access(field, operation)

    def _mail_get_operation_for_mail_message_operation(self, message_operation):
        """Messages are among managers; who asked reads those that are sent to them."""
        if message_operation == "read" and not self.env["crm.lead"]._reads_pool():
            return dict.fromkeys(self, "write")
        return super()._mail_get_operation_for_mail_message_operation(message_operation)

    # ------------------------------------------------------------------
    # Ask
    # ------------------------------------------------------------------

    @api.model
    def _ask(self, lead=None, partner=None, reason=None, name=None):
        """Ask for a lead or a customer, which the user need not be able to read.

        The caller has found it by what the user typed, or the user reads it.

        :param lead: a ``crm.lead``; or
        :param partner: the ``res.partner`` of a customer
        :param reason: why the user should have it, in their words
        :param name: what they call it
        :return: the request
        :raise UserError: when there is nothing to ask for
        """
        if not (reason or "").strip():
            raise UserError(self.env._("Say why you ask: a manager has to decide on it."))
        lead_sudo = (lead or self.env["crm.lead"]).sudo()
        customer_sudo = (partner or self.env["res.partner"]).sudo().commercial_partner_id
        target_sudo = lead_sudo or customer_sudo
        target_sudo.ensure_one()
        if customer_sudo and not lead_sudo and not customer_sudo.territory_id:
            raise UserError(self.env._("“%s” is no customer.", customer_sudo.display_name))
        if target_sudo.user_id == self.env.user:
            raise UserError(self.env._("“%s” is yours already.", target_sudo.display_name))
        if self._find_open(lead_sudo, customer_sudo):
            raise UserError(self.env._("You have asked for this already. Wait for the decision."))
        request_sudo = self.sudo().create(
            {
                "name": (name or "").strip() or self._get_name(target_sudo),
                "user_id": self.env.uid,
                "reason": reason.strip(),
                "lead_id": lead_sudo.id,
                "partner_id": customer_sudo.id,
                "owner_id": target_sudo.user_id.id,
                "territory_id": target_sudo.territory_id.id,
                "company_id": target_sudo.company_id.id,
            }
        )
        request_sudo._log("request", reason.strip(), by=self.env.user)
        request_sudo._tell_managers()
        return request_sudo.with_env(self.env)

    @api.model
    def _find_open(self, lead, customer):
        return self.sudo().search_count(
            [
                ("user_id", "=", self.env.uid),
                ("state", "=", "open"),
                ("lead_id", "=", lead.id),
                ("partner_id", "=", customer.id),
            ],
            limit=1,
        )

    @api.model
    def _get_name(self, target_sudo):
        """What to call it for somebody who named nothing: as much as they may read."""
        if target_sudo.with_env(self.env).has_access("read"):
            return target_sudo.display_name
        return self.env._("A customer of a colleague")

    def _tell_managers(self):
        """Have those who decide be reminded: of the territory, of those above it, or of the team.

        By Odoo and not by who asks, who would read as the author whom it is sent to; and nobody
        follows the request, because everybody may read who follows what.
        """
        for request in self.with_user(SUPERUSER_ID):
            managers = request._get_managers()
            for manager in managers:
                speaking = request.with_context(lang=manager.lang)
                speaking.activity_schedule(
                    "mail.mail_activity_data_todo",
                    user_id=manager.id,
                    summary=speaking.env._("%s asks for a customer", request.user_id.name),
                )
            request.message_unsubscribe(managers.partner_id.ids)

    def _get_managers(self):
        """Who decides, from the territory upwards, and never who asks."""
        self.ensure_one()
        for territory in reversed(self.territory_id._get_above().get(self.territory_id.id, [])):
            managers = territory.manager_ids.filtered(
                lambda user: user.active and user != self.user_id
            )
            if managers:
                return managers
        leader = self.lead_id.team_id.user_id or self.owner_id.sale_team_id.user_id
        if leader and leader != self.user_id:
            return leader
        # Nobody in particular: those who see all territories.
        managers = self.env.ref("trade_crm.group_manager").all_user_ids - self.user_id
        return managers.filtered(
            lambda user: user.active and not user.share and user._get_territory_ids() is None
        )

    # ------------------------------------------------------------------
    # Decide
    # ------------------------------------------------------------------

    def action_grant(self):
        """Hand over what was asked for; the salesperson so far loses it."""
        for request_sudo in self._begin_decision("granted"):
            request_sudo._check_grant(self.env.user)
            request_sudo._log("grant", request_sudo.decision, by=self.env.user)
            request_sudo._transfer()
            request_sudo._tell_asker()

    def _on_refused(self):
        for request_sudo in self:
            request_sudo._log("refuse", request_sudo.decision, by=self.env.user)
            request_sudo._tell_asker()

    def _check_grant(self, manager):
        """What was asked for has to be where it was, and in reach of who gives it away.

        :raise UserError: when it is not
        """
        self.ensure_one()
        target = self.lead_id or self.partner_id
        if not target.exists():
            raise UserError(self.env._("“%s” is deleted: refuse the request.", self.name))
        if not self.user_id.active:
            raise UserError(self.env._("%s has left: refuse the request.", self.user_id.name))
        if not target.with_user(manager).has_access("write"):
            raise UserError(
                self.env._("“%s” has gone to another territory, whose manager decides.", self.name)
            )
        ended = self.lead_id and (
            self.lead_id.won_status != "pending"
            or not self.lead_id.active
            or self.lead_id.trade_pooled_at
        )
        if ended or target.user_id != self.owner_id:
            raise UserError(
                self.env._(
                    "“%s” is not with who had it when it was asked for, or it is won, lost or in the "
                    "pool: refuse the request.",
                    self.name,
                )
            )

    def _transfer(self):
        """Make who asked the salesperson, in a territory of theirs."""
        self.ensure_one()
        if self.lead_id:
            self.lead_id._hand_to(self.user_id, "grant", note=self.decision, by_user=True)
        else:
            self.partner_id.user_id = self.user_id
        target = self.lead_id or self.partner_id
        own = self.user_id._get_own_territory(target.territory_id)
        if own != target.territory_id:
            target.territory_id = own

    def _log(self, kind, note, by):
        """Note a step; that a lead went over is noted when it is handed over."""
        if kind == "grant" and self.lead_id:
            return
        self.env["trade.lead.log"].create(
            {
                "happened_at": fields.Datetime.now(),
                "kind": kind,
                "lead_id": self.lead_id.id,
                "partner_id": (self.partner_id or self.lead_id.partner_id.commercial_partner_id).id,
                "user_id": by.id,
                "owner_id": (self.user_id if kind == "grant" else self.owner_id).id,
                "from_owner_id": self.owner_id.id,
                "note": note,
            }
        )

    def _tell_asker(self):
        """Send who asked the decision."""
        for request in self.with_user(SUPERUSER_ID):
            speaking = request.with_context(lang=request.user_id.lang)
            labels = dict(request._fields["state"]._description_selection(speaking.env))
            request.message_notify(
                partner_ids=request.user_id.partner_id.ids,
                subject=f"{labels[request.state]}: {request.name}",
                body=request.decision or labels[request.state],
            )
