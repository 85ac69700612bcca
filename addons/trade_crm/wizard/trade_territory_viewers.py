from odoo import api, fields, models
from odoo.exceptions import UserError


class TradeTerritoryViewers(models.TransientModel):
    """Who can see a customer, and why."""

    _name = "trade.territory.viewers"
    _description = "Who Sees This Customer"

    partner_id = fields.Many2one("res.partner", "Customer", required=True, ondelete="cascade")
    territory_id = fields.Many2one(related="partner_id.territory_id", string="Territory")
    limited = fields.Boolean(compute="_compute_limited")
    line_ids = fields.One2many("trade.territory.viewers.line", "viewers_id", "Users", readonly=True)
    user_count = fields.Integer("Users who see it", compute="_compute_user_count")

    def _compute_limited(self):
        self.limited = self.env["res.users"]._is_territory_scope_on()

    @api.depends("line_ids")
    def _compute_user_count(self):
        for viewers in self:
            viewers.user_count = len(viewers.line_ids)

    @api.model
    def _open(self, partner):
        """The dialog about ``partner``, whom the asking person has to see as well."""
        partner.check_access("read")
        viewers = self.create({"partner_id": partner.id})
        viewers.line_ids = [
            fields.Command.create({"user_id": user.id, "reason": reason})
            for user, reason in partner._get_viewers()
        ]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Who sees %s?", partner.display_name),
            "res_model": self._name,
            "res_id": viewers.id,
            "view_mode": "form",
            "target": "new",
        }


class TradeTerritoryViewersLine(models.TransientModel):
    _name = "trade.territory.viewers.line"
    _description = "User Who Sees a Customer"
    _order = "reason, user_id"

    viewers_id = fields.Many2one("trade.territory.viewers", required=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    login = fields.Char(related="user_id.login")
    reason = fields.Char("Why")


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_trade_viewers(self):
        """Show who can see the customer."""
        self.ensure_one()
        if not self.env["trade.territory.viewers"].has_access("create"):
            raise UserError(self.env._("Only managers and auditors see who can see a customer."))
        return self.env["trade.territory.viewers"]._open(self)

    def _get_viewers(self):
        """Users who can read the customer, each with the reason, in the order of their names.

        The reason explains the decision that the access rules make; it never makes one.

        :return: list of (user, text)
        """
        self.ensure_one()
        users = self.env["res.users"].sudo().search([("share", "=", False)], order="name, id")
        return [
            (user, self._explain_access(user))
            for user in users
            if self.with_user(user)
            .with_context(allowed_company_ids=user.company_ids.ids)
            .has_access("read")
        ]

    def _explain_access(self, user):
        partner_sudo = self.sudo()
        ids = user._get_territory_ids()
        if ids is None:
            return self._explain_freedom(user)
        if partner_sudo.territory_id.id in ids:
            return self._explain_territory(user, partner_sudo.territory_id)
        if partner_sudo.user_id == user:
            return self.env._("Salesperson of the customer")
        shared = partner_sudo.shared_territory_ids.filtered(lambda shared: shared.id in ids)
        if shared:
            return self.env._("Shared with %s", shared[0].display_name)
        return self.env._("No customer of a territory: everybody sees it")

    def _explain_freedom(self, user):
        if not user._is_territory_scope_on():
            return self.env._("Nobody is limited to territories: Settings have it switched off")
        if user._is_system():
            return self.env._("Administrator")
        if user.has_group("trade_crm.group_auditor"):
            return self.env._("Auditor")
        if user.has_group("trade_crm.group_all_territories"):
            return self.env._("Sees all territories")
        return self.env._("Neither sells nor belongs to a territory, so no limit applies")

    def _explain_territory(self, user, territory):
        if user in territory.member_ids:
            return self.env._("Member of %s", territory.display_name)
        above = territory.sudo()._get_above()[territory.id]
        managed = above.filtered(lambda part: user in part.manager_ids)
        return self.env._("Manager of %s", managed[:1].display_name)
