from odoo import api, models


class TradeLeadLog(models.Model):
    """Why Odoo gave a lead to somebody, or has it wait."""

    _inherit = "trade.lead.log"

    @api.model
    def _get_reason(self, cause, details):
        if cause == "owner":
            return self._get_owner_reason(details.get("by"))
        if cause == "load":
            return self._get_load_reason(details)
        return self._get_wait_reason(cause, details) or super()._get_reason(cause, details)

    @api.model
    def _get_owner_reason(self, had):
        if had == "customer":
            return self.env._("has this customer already")
        if had == "lead":
            return self.env._("has an open lead of this customer already")
        if had == "email":
            return self.env._("has an open lead with the same email address already")
        if had == "phone":
            return self.env._("has an open lead with the same phone number already")
        return self.env._("got another lead of the same person at the same time")

    @api.model
    def _get_load_reason(self, details):
        parts = [
            *self._get_place(details),
            self.env._(
                "%(load)s of %(capacity)s leads in 30 days so far, the least for the capacity",
                load=details.get("load"),
                capacity=details.get("capacity"),
            ),
        ]
        return ", ".join(parts)

    @api.model
    def _get_wait_reason(self, cause, details):
        place = ", ".join(self._get_place(details))
        if cause == "no_member":
            return self.env._("no member of a sales team may get it")
        if cause == "no_territory":
            return self.env._(
                "no member of a sales team works in its territory (%(place)s)", place=place
            )
        if cause == "no_type":
            return self.env._("nobody takes this type of customer (%(place)s)", place=place)
        if cause == "no_filter":
            return self.env._(
                "the filters of the members let nobody have it (%(place)s)", place=place
            )
        if cause == "full":
            return self.env._(
                "everybody who may get it is at full capacity (%(place)s)", place=place
            )
        return None

    @api.model
    def _get_place(self, details):
        """Territory and customer type in the user's language."""
        parts = []
        if "territory_id" in details:
            name = self._get_name("trade.territory", details["territory_id"], details["territory"])
            parts.append(self.env._("territory %(name)s", name=name))
        if "type_id" in details:
            name = self._get_name("trade.customer.type", details["type_id"], details["type"])
            parts.append(self.env._("customer type %(name)s", name=name))
        return parts

    @api.model
    def _get_name(self, model, record_id, name):
        """As it is called now; what was deleted keeps the name that it had."""
        record_sudo = self.env[model].sudo().browse(record_id).exists()
        return record_sudo.display_name or name

    def _describe_decision(self):
        """The decision in a sentence for the lead."""
        self.ensure_one()
        if self.kind == "assign":
            return self.env._(
                "Assigned to %(owner)s because: %(reason)s",
                owner=self.owner_id.name,
                reason=self.reason,
            )
        if self.kind == "wait":
            return self.env._("Waits for a salesperson: %(reason)s", reason=self.reason)
        label = dict(self._fields["kind"]._description_selection(self.env))[self.kind]
        return f"{label}: {self.reason}" if self.reason else label
