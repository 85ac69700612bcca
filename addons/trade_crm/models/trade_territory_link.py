from odoo import api, models


class Base(models.AbstractModel):
    """Nobody links a record to a customer or document of another territory.

    Odoo computes and shows much of a linked record as superuser (the e-mail of whoever is asked
    to a meeting, the phone of the customer of a new lead), so a link would be a way to read it.
    """

    _inherit = "base"

    def _prepare_create_values(self, vals_list):
        # With the defaults: a dialog finds what it was opened on in the context.
        vals_list = super()._prepare_create_values(vals_list)
        self._check_territory_links(vals_list)
        return vals_list

    def write(self, vals):
        self._check_territory_links([vals])
        return super().write(vals)

    def onchange(self, values, field_names, fields_spec):
        # A form that is being filled in computes as well, also from defaults that it does not show.
        if not self.env.su and self.env.user._get_territory_ids() is not None:
            names = {
                name
                for name, field in self._fields.items()
                if field.relational or field.type == "reference"
            }
            defaults = {} if self else self.default_get(list(names - values.keys()))
            self._check_territory_links([values, defaults], lines=True)
        return super().onchange(values, field_names, fields_spec)

    @api.model
    def _check_territory_links(self, vals_list, lines=False):
        """Refuse values that name records which the user must not see because of territories.

        :param vals_list: list of values of this model
        :param lines: whether lines are looked at as well, which check themselves when saved
        :raise AccessError: when there is one
        """
        if self.env.su or self.env.user._get_territory_ids() is None:
            return
        linked = {}
        for vals in vals_list:
            self._collect_territory_links(vals, linked, lines)
        for name, ids in linked.items():
            self.env[name].browse(ids).exists().check_access("read")

    @api.model
    def _collect_territory_links(self, vals, linked, lines):
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
            elif isinstance(value, (list, tuple)) and self._acts_on_list(field, lines):
                self._collect_territory_commands(field, value, linked)

    @api.model
    def _acts_on_list(self, field, lines):
        """Whether more than names is shown of the records in a list: in forms and in dialogs.

        A message may have any recipients, who are shown by name.
        """
        return field.relational and (lines or (self._transient and field.type == "many2many"))

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
                comodel._collect_territory_links(rest[-1], linked, lines=True)

    @api.model
    def _is_territory_limited(self, model):
        """Whether territories limit who may read ``model``: it, or what it inherits from (users)."""
        if model not in self.env:
            return False
        return hasattr(self.env[model], "_get_territory_domain") or any(
            self._is_territory_limited(parent) for parent in self.env[model]._inherits
        )
