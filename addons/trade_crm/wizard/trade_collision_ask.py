from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.trade_collision import STATUSES


class TradeCollisionAsk(models.TransientModel):
    """Before a customer or lead is created: has somebody got it already?"""

    _name = "trade.collision.ask"
    _description = "Check a Customer"

    name = fields.Char("Company")
    phone = fields.Char()
    email = fields.Char("E-mail")
    vat = fields.Char("Tax ID")
    status = fields.Selection(STATUSES, readonly=True)
    answer = fields.Char(readonly=True)
    owner = fields.Char("Salesperson", readonly=True)
    known_as = fields.Char("Known as", readonly=True)
    protected_until = fields.Date("Protected until", readonly=True)
    other_count = fields.Integer("Others", readonly=True)
    can_open = fields.Boolean(readonly=True)
    reason = fields.Char(
        "Why you ask", help="Who decides reads it, e.g. that the customer called you."
    )
    # What was found. Whoever asks learns no more of it than the fields above say.
    target_partner_id = fields.Many2one(
        "res.partner", groups="base.group_system", ondelete="cascade"
    )
    target_lead_id = fields.Many2one("crm.lead", groups="base.group_system", ondelete="cascade")

    @api.depends("status")
    def _compute_display_name(self):
        for ask in self:
            ask.display_name = self.env._("Check a customer")

    @api.onchange("name", "phone", "email", "vat")
    def _onchange_question(self):
        # An answer is to the question that was asked, and must not stay beside another one.
        self.status = False

    def action_check(self):
        """Answer what is asked, and remember what it is about."""
        self.ensure_one()
        values = {name: self[name] for name in ("name", "phone", "email", "vat")}
        kinds = {name for name, value in values.items() if value}
        if not kinds:
            raise UserError(self.env._("Enter a company, a phone number, an e-mail or a tax ID."))
        checks = self.env["trade.collision.check"]
        checks._check_limit()
        hits = self.env["trade.collision"]._ask(values)
        checks._log("dialog", kinds, hits[0].status if hits else "free")
        self.sudo().write(self._prepare_answer(hits))
        return self._reopen()

    def _prepare_answer(self, hits):
        if not hits:
            answer = self.env._("Nobody has this customer.")
            return self._prepare_empty_answer() | {"status": "free", "answer": answer}
        collisions = self.env["trade.collision"]
        told = collisions._describe(hits[0])
        return {
            "status": told["status"],
            "answer": collisions._tell(told),
            "owner": told["owner"],
            "known_as": told["name"],
            "protected_until": told["until"],
            "other_count": len(hits) - 1,
            "can_open": bool(told["res_id"]),
            "target_partner_id": hits[0].partner_id,
            "target_lead_id": hits[0].lead_id,
        }

    def _prepare_empty_answer(self):
        return {
            "owner": False,
            "known_as": False,
            "protected_until": False,
            "other_count": 0,
            "can_open": False,
            "target_partner_id": False,
            "target_lead_id": False,
        }

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Check a customer"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------------
    # What to do about it
    # ------------------------------------------------------------------

    def action_create_lead(self):
        """Go on with a new lead of what was typed."""
        return self._get_create_action(
            "crm.lead",
            {
                "default_type": "opportunity",
                "default_name": self.name or self.email or self.phone,
                "default_partner_name": self.name,
                "default_phone": self.phone,
                "default_email_from": self.email,
                "default_trade_vat": self.vat,
            },
        )

    def action_create_customer(self):
        """Go on with a new customer of what was typed."""
        return self._get_create_action(
            "res.partner",
            {
                "default_is_company": True,
                "default_name": self.name,
                "default_phone": self.phone,
                "default_email": self.email,
                "default_vat": self.vat,
                "default_user_id": self.env.uid,
            },
        )

    def _get_create_action(self, model, context):
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "views": [(False, "form")],
            "context": {name: value for name, value in context.items() if value},
        }

    def action_open(self):
        """Open what was found, if the user may read it."""
        record = self._get_target()
        record.check_access("read")
        return record._get_records_action(views=[(False, "form")], target="current")

    def action_ask(self):
        """Ask for what somebody else has."""
        record = self._get_target()
        about = {"lead": record} if record._name == "crm.lead" else {"partner": record}
        request = self.env["trade.lead.request"]._ask(**about, reason=self.reason, name=self.name)
        return request._get_records_action(views=[(False, "form")], target="current")

    def action_claim(self):
        """Take what is in the pool."""
        record = self._get_target()
        if record._name != "crm.lead":
            raise UserError(self.env._("Only leads are in the pool. Check again."))
        return record.action_claim()

    def _get_target(self):
        """The lead or customer that was found, with the rights of the user."""
        self.ensure_one()
        self.check_access("read")
        ask_sudo = self.sudo()
        record_sudo = ask_sudo.target_lead_id or ask_sudo.target_partner_id
        if not record_sudo.exists():
            raise UserError(self.env._("It is gone. Check again."))
        return record_sudo.sudo(False)
