"""Nothing of another territory comes back, whatever is asked and whoever asks.

The models are those of the registry: a new one fails until it is scoped, or listed with a reason
in ``territory_matrix.toml``. What comes back over other records is in ``test_territory_reach.py``,
what clients get over the network in ``test_territory_clients.py``.
"""

from territory_world import FULL, SECRET, STRANGERS, TerritoryWorld, get_listed

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

ROOTS = {"res.partner", "crm.lead", "sale.order"}
# Columns with what one writes to or calls a customer by.
CONTACT_FIELDS = {"email", "email_normalized", "email_from", "phone", "mobile", "phone_sanitized"}
# What `make test` looks at; `make test-matrix` looks at all.
SAMPLE_MODELS = {
    "res.partner", "sale.order", "sale.order.line", "account.move", "stock.picking", "crm.lead",
    "trade.customer.profile", "mail.message", "ir.attachment", "sale.report",
}  # fmt: skip

# ----------------------------------------------------------------------
# Ways
# ----------------------------------------------------------------------


def among(records):
    return [("id", "in", records.ids)]


def get_amounts(records):
    """Aggregates of the model's figures."""
    return [
        f"{name}:{field.aggregator}"
        for name, field in records._fields.items()
        if field.store
        and field.aggregator in ("sum", "avg", "max")
        and not field.groups
        and not field.company_dependent
        and name != "id"
    ][:3]


def read_group(records):
    [values] = records._read_group(among(records), [], ["__count", *get_amounts(records)])
    return any(values)


def formatted_read_group(records):
    groups = records.formatted_read_group(among(records), [], ["__count", *get_amounts(records)])
    return any(value for group in groups for key, value in group.items() if key != "__extra_domain")


def web_read_group(records):
    field = next(
        (
            name
            for name, field in records._fields.items()
            if field.store and field.type == "many2one" and not field.groups
        ),
        None,
    )
    if field is None:
        return read_group(records)
    return records.web_read_group(among(records), [field], ["__count"])["length"]


def browse(records):
    """What is left after Odoo has let a field be read."""
    name = next(
        name
        for name, field in records._fields.items()
        if field.store and field.column_type and name != "id" and not field.groups
    )
    return [record[name] for record in records] and records.ids


def name_search(records):
    """By the name; a few models have none that can be searched for."""
    field = records._fields[records._rec_name or "id"]
    return field._description_searchable and [
        found
        for record in records
        for found in record.name_search(record.sudo().display_name or "", among(record))
    ]


def web_name_search(records):
    field = records._fields[records._rec_name or "id"]
    return field._description_searchable and [
        found
        for record in records
        for found in record.web_name_search(
            record.sudo().display_name or "", {"display_name": {}}, among(record)
        )
    ]


def web_read(records):
    return records.web_read({"display_name": {}})


# Each takes records and returns something true when anything of them comes back.
WAYS = {
    "search": lambda records: records.search(among(records)),
    "search_count": lambda records: records.search_count(among(records)),
    "read": lambda records: records.read(["display_name"]),
    "browse": browse,
    "_read_group": read_group,
    "web_search_read": lambda records: records.web_search_read(
        among(records), {"display_name": {}}
    )["length"],
    "formatted_read_group": formatted_read_group,
    "web_read_group": web_read_group,
    "search_read": lambda records: records.search_read(among(records), ["display_name"]),
    "search_fetch": lambda records: records.search_fetch(among(records), ["display_name"]),
    "web_read": web_read,
    "name_search": name_search,
    "web_name_search": web_name_search,
    "export": lambda records: records.export_data([".id", "display_name"])["datas"],
}
SAMPLE_WAYS = ("search", "search_count", "read", "_read_group", "web_search_read", "export")
# Ways that leave something behind; who may see the record may do so as well, or not.
CHANGES = {
    "copy": lambda records: records[:1].copy(),
    "write": lambda records: records.write({records._rec_name or "id": SECRET}),
    "unlink": lambda records: records.unlink(),
    "onchange": lambda records: records[:1].onchange({}, [], {"display_name": {}}),
}


# ----------------------------------------------------------------------
# Tests
# ----------------------------------------------------------------------


@tagged("post_install", "-at_install")
class TestTerritoryMatrix(TerritoryWorld):
    # ------------------------------------------------------------------
    # Every model is scoped, or its reason is in the list
    # ------------------------------------------------------------------

    def test_every_model(self):
        listed = get_listed("checked") | get_listed("unscoped")
        for name, paths in self._get_paths().items():
            with self.subTest(model=name, paths=paths):
                self.assertTrue(
                    self._is_scoped(name) or name in listed or not self._get_readers(name),
                    f"{name} leads to customers over {', '.join(paths)}: scope it (see "
                    "models/trade_territory_scope.py), or list it in territory_matrix.toml.",
                )

    def test_list_is_up_to_date(self):
        paths = self._get_paths()
        for name in get_listed("checked") | get_listed("unscoped"):
            with self.subTest(model=name):
                self.assertIn(name, self.env, "It is gone.")
                self.assertFalse(self._is_scoped(name), "It is scoped by now.")
                self.assertIn(name, paths, "It leads to no customer.")
                self.assertTrue(self._get_readers(name), "No role may read it.")

    def test_every_scoped_model_is_in_the_matrix(self):
        """The matrix would tell nothing about a model without a record of the customer."""
        for name in self._get_scoped_models() | get_listed("checked").keys():
            if name not in get_listed("no_record"):
                with self.subTest(model=name):
                    self.assertIn(name, self.foreign, "Add one to territory_world.py.")

    def _get_scoped_models(self):
        return {
            name
            for name, model in self.registry.items()
            if not model._abstract and not model._transient and self._is_scoped(name)
        }

    def _is_scoped(self, name):
        rules = self.env["ir.rule"].with_user(self.users["rep"])
        return not rules._get_territory_scope(name, "read").is_true()

    def _get_readers(self, name):
        return [
            role
            for role, user in self.users.items()
            if self._as(user, self.env[name]).has_access("read")
        ]

    def _get_paths(self):
        """``{model: names of its fields that lead to customers}``"""
        targets = ROOTS | self._get_scoped_models()
        mixins = {
            name
            for mixin in ("mail.thread", "mail.activity.mixin", "base")
            for name in self.env[mixin]._fields
        }
        paths = {}
        for name, model in self.registry.items():
            if model._abstract:
                continue
            found = [
                field.name
                for field in model._fields.values()
                if field.name not in mixins and self._leads_to(field, targets)
            ]
            if found:
                paths[name] = found
        return paths

    def _leads_to(self, field, targets):
        return (
            (field.relational and field.comodel_name in targets)
            or field.type in ("reference", "many2one_reference")
            or (field.type == "integer" and field.name in ("partner_id", "res_id", "order_id"))
            or (field.type == "char" and field.name in CONTACT_FIELDS)
        )

    # ------------------------------------------------------------------
    # The matrix
    # ------------------------------------------------------------------

    def _get_cells(self):
        """(role, foreign records as this role has them)"""
        skipped = get_listed("unscoped") | get_listed("internal")
        for role in STRANGERS:
            for name in sorted(self.foreign.keys() - skipped.keys()):
                if FULL or name in SAMPLE_MODELS:
                    yield role, self._get_foreign(role, name)

    def _get_foreign(self, role, name):
        records = self._as(self.users[role], self.env[name]).with_context(active_test=False)
        return records.browse(self.foreign[name])

    def test_strangers_get_nothing(self):
        ways = WAYS if FULL else {name: WAYS[name] for name in SAMPLE_WAYS}
        for role, records in self._get_cells():
            for name, way in ways.items():
                if f"{records._name}.{name}" in get_listed("ways", "ways"):
                    continue
                with self.subTest(role=role, model=records._name, way=name):
                    self.assertFalse(self._ask(way, records))

    def test_who_works_there_gets_it(self):
        """The same questions, so that the answers above are not empty for another reason."""
        skipped = get_listed("unscoped") | get_listed("internal")
        for model in sorted(self.foreign.keys() - skipped.keys()):
            role = "whole" if model in get_listed("whole") else "near"
            records = self._get_foreign(role, model)
            if not FULL and model not in SAMPLE_MODELS:
                continue
            # Some are of companies in which they do not work.
            records = records.search(among(records))
            self.assertTrue(records, model)
            for name, way in WAYS.items():
                # Some models have no name to search by.
                if name != "export" and self._ask(way, records.sudo()):
                    with self.subTest(role=role, model=model, way=name):
                        self.assertTrue(self._ask(way, records))

    def test_strangers_change_nothing(self):
        for role, records in self._get_cells():
            for name, way in CHANGES.items():
                with self.subTest(role=role, model=records._name, way=name):
                    self.assertTrue(self._is_refused(way, records))

    def _is_refused(self, way, records):
        with self._undone(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
            try:
                way(records)
            # Odoo stumbles over a copy of a full reconciliation before it refuses it.
            except (UserError, KeyError):
                return True
        return False
