from odoo import api, models


class Base(models.AbstractModel):
    """Nobody links a record to a customer or document of another territory.

    Odoo computes and shows much of a linked record as superuser (the e-mail of whoever is asked
    to a meeting, the phone of the customer of a new lead), so a link would be a way to read it.
    """

    _inherit = "base"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_territory_links(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        self._check_territory_links([vals])
        return super().write(vals)

    def onchange(self, values, field_names, fields_spec):
        # A form that is being filled in computes as well, and has its first values of the context.
        defaults = {
            key.removeprefix("default_"): value
            for key, value in self.env.context.items()
            if key.startswith("default_")
        }
        self._check_territory_links([values, defaults], commands=True)
        return super().onchange(values, field_names, fields_spec)

    @api.model
    def _check_territory_links(self, vals_list, commands=False):
        """Refuse values that name records which the user must not see because of territories.

        :param vals_list: list of values of this model
        :param commands: whether values of x2many fields are looked at as well; on saving, the
            lines check themselves
        :raise AccessError: when there is one
        """
        if self.env.su or self.env.user._get_territory_ids() is None:
            return
        linked = {}
        for vals in vals_list:
            self._collect_territory_links(vals, linked, commands)
        for name, ids in linked.items():
            self.env[name].browse(ids).exists().check_access("read")

    @api.model
    def _collect_territory_links(self, vals, linked, commands):
        """Add to ``linked`` the ids per scoped model that ``vals`` name."""
        for name, value in vals.items():
            field = self._fields.get(name)
            if field is None or not value:
                continue
            if field.type == "reference":
                model, _comma, record_id = str(value).partition(",")
                if self._is_territory_limited(model) and record_id.isdecimal():
                    linked.setdefault(model, set()).add(int(record_id))
            elif field.type == "many2one" and self._is_territory_limited(field.comodel_name):
                record_id = value.get("id") if isinstance(value, dict) else value
                if record_id and isinstance(record_id, int):
                    linked.setdefault(field.comodel_name, set()).add(record_id)
            elif commands and field.relational and isinstance(value, (list, tuple)):
                self._collect_territory_commands(field, value, linked)

    @api.model
    def _collect_territory_commands(self, field, value, linked):
        comodel = self.env[field.comodel_name]
        limited = self._is_territory_limited(field.comodel_name)
        for command in value:
            if isinstance(command, int):
                command = (4, command, 0)
            operation, record_id, *rest = command
            if limited:
                ids = rest[-1] if operation == 6 else [record_id]
                if operation in (1, 4, 6):
                    linked.setdefault(field.comodel_name, set()).update(
                        line_id for line_id in ids if isinstance(line_id, int) and line_id
                    )
            if operation in (0, 1) and rest and isinstance(rest[-1], dict):
                comodel._collect_territory_links(rest[-1], linked, commands=True)

    @api.model
    def _is_territory_limited(self, model):
        """Whether territories limit who may read ``model``: it, or what it inherits from (users)."""
        if model not in self.env:
            return False
        return hasattr(self.env[model], "_get_territory_domain") or any(
            self._is_territory_limited(parent) for parent in self.env[model]._inherits
        )
