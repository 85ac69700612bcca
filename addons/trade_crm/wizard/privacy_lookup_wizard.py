from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

# They tell whom Odoo shows something, and hold nothing.
SKIPPED = {"mail.followers", "mail.notification"}


class PrivacyLookupWizard(models.TransientModel):
    """Odoo finds by a part of the e-mail and by name, which also finds namesakes.

    For a request of a person it finds exactly that person; without one also by phone.
    """

    _inherit = "privacy.lookup.wizard"

    trade_request_id = fields.Many2one("trade.privacy.request", ondelete="cascade")
    trade_phone = fields.Char("Phone")

    def _get_query(self):
        """Also what our sources know; for a request nothing else.

        :return: SQL of rows with ``res_model_id``, ``res_id`` and ``is_active``
        """
        if self.trade_request_id:
            return SQL(" UNION ").join(self._get_person_queries(self.trade_request_id))
        query = super()._get_query()
        if not self.trade_phone:
            return query
        request = self.env["trade.privacy.request"].new(
            {"email": email_normalize(self.email), "phone": self.trade_phone}
        )
        return SQL(" UNION ").join([query, *self._get_person_queries(request)])

    @api.model
    def _get_person_queries(self, request):
        person = request._get_person()
        sources = [
            (model, domain)
            for model, domain, _fields in request._get_privacy_sources(person)
            if model in self.env
        ]
        seen = {model for model, _domain in sources} | SKIPPED
        sources += [
            (model, domain)
            for model, domain in self._get_references(person.partners)
            if model not in seen
        ]
        return [self._get_source_query(model, domain) for model, domain in sources]

    @api.model
    def _get_references(self, partners_sudo):
        """Models that name a partner, as Odoo does it, but for exactly these partners."""
        for name in self.env:
            model = self.env[name]
            if model._transient or model._abstract or not model._auto:
                continue
            names = [
                field.name
                for field in model._fields.values()
                if field.store and field.type == "many2one" and field.comodel_name == "res.partner"
            ]
            if names and partners_sudo:
                yield name, Domain.OR(Domain(field, "in", partners_sudo.ids) for field in names)

    @api.model
    def _get_source_query(self, name, domain):
        model_sudo = self.env[name].sudo().with_context(active_test=False)
        found = model_sudo._search(domain)
        active = SQL("TRUE")
        if model_sudo._active_name and model_sudo._fields[model_sudo._active_name].store:
            active = SQL.identifier(model_sudo._table, model_sudo._active_name)
        return found.select(
            SQL("%s::int AS res_model_id", self.env["ir.model"]._get_id(name)),
            SQL("%s AS res_id", SQL.identifier(model_sudo._table, "id")),
            SQL("%s AS is_active", active),
        )

    def action_open_lines(self):
        action = super().action_open_lines()
        if not self.trade_request_id:
            return action
        view = self.env.ref("trade_crm.privacy_lookup_wizard_line_view_list_found")
        return action | {
            "name": self.trade_request_id.name,
            "display_name": self.trade_request_id.name,
            "views": [(view.id, "list")],
            "context": {"search_default_group_by_res_model_id": True},
        }


class PrivacyLookupWizardLine(models.TransientModel):
    _inherit = "privacy.lookup.wizard.line"

    @api.depends("res_model", "res_id")
    def _compute_res_name(self):
        """As Odoo does it, but not one by one: a customer may have thousands of orders."""
        for name, lines in self.grouped("res_model").items():
            if not name or name not in self.env:
                continue
            records_sudo = self.env[name].sudo().browse(lines.mapped("res_id")).exists()
            names = {record.id: record.display_name for record in records_sudo}
            for line in lines:
                if line.res_id in names:
                    line.res_name = names[line.res_id] or f"{line.res_model_id.name}/{line.res_id}"

    def _onchange_is_active(self):
        # Odoo archives as superuser here, and calls it for whoever asks for an onchange.
        if not (self.env.su or self.env.user.has_group("base.group_system")):
            raise AccessError(self.env._("Only administrators may archive records from here."))
        return super()._onchange_is_active()

    def action_unlink(self):
        # Odoo deletes as superuser here, too, before it looks at the rights on the line.
        self.check_access("write")
        return super().action_unlink()
