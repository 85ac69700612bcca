from odoo import api, models
from odoo.exceptions import UserError
from odoo.models import fix_import_export_id_paths
from odoo.tools import str2bool

CONTROL_PARAMETER = "trade_crm.export_control"
REASON_KEY = "trade_export_reason"
MIN_REASON_LENGTH = 5
MAX_REASON_LENGTH = 500


class Base(models.AbstractModel):
    """Exports of customer data are logged and, when Settings say so, need a group and a reason."""

    _inherit = "base"

    @api.model
    def _get_export_partner_field(self):
        """Field that leads from a record to its customer, False when it holds no customer data.

        Override it where the customer stands elsewhere.

        :return: name of a field or a path of them with dots to a ``res.partner``; "id" when the
            records are customers themselves
        """
        field = self._fields.get("partner_id")
        is_customer = field and field.type == "many2one" and field.comodel_name == "res.partner"
        return "partner_id" if is_customer else False

    def export_data(self, fields_to_export):
        # The web client's exports come here in every format, grouped or not, and so does RPC.
        # Odoo's own code exports as superuser.
        paths = set() if self.env.su else self._get_export_partner_paths(fields_to_export)
        if not paths:
            return super().export_data(fields_to_export)
        reason = self._check_customer_export()
        result = super().export_data(fields_to_export)
        self._log_customer_export(paths, fields_to_export, reason)
        return result

    @api.model
    def _get_export_partner_paths(self, field_names):
        """Where the customers are whose data is in an export of ``field_names``.

        Customer data can be reached from any model ("Contacts/Phone" of a tag), so the models on
        the way to a field count as well, unless nothing but the id is taken from there.

        :param field_names: as in :meth:`export_data`, paths with "/"
        :return: set of paths with dots, to the customers' ids
        """
        paths = {self._get_export_partner_path()}
        for name in field_names:
            *parts, last = fix_import_export_id_paths(name)
            if last in ("id", ".id"):
                parts = parts[:-1]
            paths |= self._get_partner_paths_on_way(parts)
        return paths - {None}

    @api.model
    def _get_partner_paths_on_way(self, parts):
        paths, model = set(), self
        for position, part in enumerate(parts, 1):
            field = model._fields.get(part)
            if field is None or not field.relational:
                break
            model = self.env[field.comodel_name]
            if found := model._get_export_partner_path():
                paths.add(".".join([*parts[:position], found]))
        return paths

    @api.model
    def _get_export_partner_path(self):
        """Path to the id of the customer, None without one."""
        name = self._get_export_partner_field()
        if not name or name == "id":
            return name or None
        return f"{name}.id"

    @api.model
    def _check_customer_export(self):
        """Refuse an export of customer data to whom Settings forbid it.

        :return: the reason that the user has given
        :raise UserError: export control is on, and the group or the reason is missing
        """
        reason = self.env.context.get(REASON_KEY)
        reason = reason.strip()[:MAX_REASON_LENGTH] if isinstance(reason, str) else ""
        if not self._is_export_controlled():
            return reason
        if not self.env.user.has_group("trade_crm.group_export"):
            raise UserError(
                self.env._(
                    "Exports of customer data are limited to the group “Customer data export”. "
                    "Ask an administrator for it, or a colleague who has it for the export."
                )
            )
        if len(reason) < MIN_REASON_LENGTH:
            raise UserError(
                self.env._(
                    "Please give a reason for the export, in at least %(count)s characters. "
                    "Select the records in a list and choose Export: there is a field for it.",
                    count=MIN_REASON_LENGTH,
                )
            )
        return reason

    @api.model
    def _is_export_controlled(self):
        return str2bool(
            self.env["ir.config_parameter"].sudo().get_param(CONTROL_PARAMETER) or "False"
        )

    def _log_customer_export(self, paths, field_names, reason):
        """Note an export of these records, with every customer that ``paths`` lead to."""
        if not self.env.user._is_internal():
            return
        # Not all customers of the records need be visible to who exports them.
        records_sudo = self.sudo()
        customer_ids = {partner_id for path in paths for partner_id in records_sudo.mapped(path)}
        self.env["trade.access.log"]._log(
            "export",
            self._name,
            record_count=len(self),
            customer_ids=customer_ids,
            reason=reason,
            description=", ".join(name for name in field_names if name != ".id"),
        )

    @api.model
    def _get_export_control(self):
        """What the web client has to know to ask for a reason; False when control is off."""
        if not self._is_export_controlled():
            return False
        return {
            "allowed": self.env.user.has_group("trade_crm.group_export"),
            "min_length": MIN_REASON_LENGTH,
            "models": [name for name in self.env if self.env[name]._get_export_partner_field()],
        }
