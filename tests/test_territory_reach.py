"""Nothing of another territory comes back over other records, figures, links and dialogs."""

from territory_world import FULL, LISTED, SECRET, STRANGERS, TRACE, TerritoryWorld, get_listed

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

ROLES = STRANGERS if FULL else STRANGERS[:1]
LIMIT = 200
NUMBERS = ("integer", "float", "monetary")
# Dashboards hand their figures over as text.
TEXTS = ("char", "text", "html", "json")
# Fields with a secret, to look other records up by.
SECRET_FIELDS = {
    "account.move": ("ref",),
    "calendar.event": ("name",),
    "crm.lead": ("description", "phone"),
    "helpdesk.ticket": ("name",),
    "ir.attachment": ("name",),
    "loyalty.card": ("code",),
    "mail.message": ("subject",),
    "payment.transaction": ("reference",),
    "res.partner": ("email", "phone"),
    "res.partner.bank": ("acc_number",),
    "sale.order": ("client_order_ref",),
    "sale.order.line": ("name",),
    "stock.picking": ("note",),
}
# Odoo reads them with an account only.
READ_WITH_PARENT = {"account.code.mapping", "account.root"}
SAMPLE_LINKS = {"res.partner", "sale.order"}
# Documents that dialogs are opened on.
OPENED_ON = (
    "res.partner",
    "sale.order",
    "account.move",
    "stock.picking",
    "crm.lead",
    "helpdesk.ticket",
)


@tagged("post_install", "-at_install")
class TestTerritoryReach(TerritoryWorld):
    @classmethod
    def _read_figures(cls):
        return {role: cls._read_role_figures(role) for role in ROLES}

    @classmethod
    def _get_readable(cls, role):
        """Models that ``role`` may read, as it has them."""
        for name in sorted(cls.env.registry):
            model = cls.env[name]
            if not model._abstract and name not in READ_WITH_PARENT:
                model = cls._as(cls.users[role], model)
                if model.has_access("read"):
                    yield model

    @classmethod
    def _read(cls, records, names):
        """Values of the fields; those that the user may not have are left out."""
        try:
            return records.read(names)
        except (UserError, ValueError, KeyError):
            rows = [{"id": record.id} for record in records]
            for name in names if len(names) > 1 else ():
                for row, values in zip(rows, cls._read(records, [name]), strict=False):
                    row |= values
            return rows

    @classmethod
    def _read_role_figures(cls, role):
        """``{(model, field, id): value}`` of all figures that ``role`` sees."""
        found = {}
        for model in cls._get_readable(role):
            names = [
                name
                for name, field in model._fields.items()
                if (field.type in NUMBERS or (field.type in TEXTS and not field.store))
                and name != "id"
                and model._has_field_access(field, "read")
            ]
            if names and not model._transient:
                with mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
                    for row in cls._read(model.search([], limit=LIMIT, order="id desc"), names):
                        found |= {(model._name, name, row["id"]): row.get(name) for name in names}
        cls.env.invalidate_all()
        return found

    # ------------------------------------------------------------------

    def test_no_figure_tells_of_it(self):
        """What could be read before there was the customer is what can be read now."""
        for role, before in self.figures_before.items():
            after = self._read_role_figures(role)
            changed = {
                f"{model}.{name}"
                for (model, name, record_id), value in before.items()
                if after.get((model, name, record_id), value) != value
            }
            with self.subTest(role=role):
                self.assertFalse(changed - self._get_allowed(role))

    def test_no_record_tells_of_it(self):
        """Everything that a stranger may read, with all of its fields."""
        for role in ROLES:
            for model in self._get_readable(role):
                with self.subTest(role=role, model=model._name), self._undone():
                    self.assertFalse(self._find_leaks(model, self._get_allowed(role)))

    def _get_allowed(self, role):
        """Fields that tell something by intention."""
        return {
            name
            for entry in LISTED["fields"]
            if role in entry.get("roles", [role])
            for name in entry["fields"]
        }

    def _find_leaks(self, model, allowed):
        """Names of fields with a secret or with foreign records."""
        names = [
            name
            for name, field in model._fields.items()
            if field.type != "binary"
            and model._has_field_access(field, "read")
            and f"{model._name}.{name}" not in allowed
        ]
        with mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
            rows = self._read(model.search([], limit=LIMIT, order="id desc"), names)
        return {
            name for row in rows for name, value in row.items() if self._tells(model, name, value)
        }

    def _tells(self, model, name, value):
        field = model._fields[name]
        if field.type in ("many2one", "reference", "many2one_reference"):
            return False  # shows the name of a linked record, which is allowed
        if field.type in ("one2many", "many2many"):
            skipped = get_listed("unscoped") | get_listed("internal")
            return field.comodel_name not in skipped and not set(
                self.foreign.get(field.comodel_name, ())
            ).isdisjoint(value or ())
        return bool(TRACE.search(str(value)))

    def test_nothing_is_found_by_it(self):
        """A record that has a link to the customer is not found, nor grouped, by its data."""
        for role in ROLES:
            for model in self._get_readable(role):
                for field in model._fields.values():
                    for secret in SECRET_FIELDS.get(field.comodel_name, ()):
                        if field.store and model._has_field_access(field, "read"):
                            path = f"{field.name}.{secret}"
                            with self.subTest(role=role, model=model._name, path=path):
                                self.assertFalse(self._ask(self._find_by, model, path))
                                self.assertNotIn(
                                    SECRET, str(self._ask(self._group_by, model, path))
                                )

    def _find_by(self, model, path):
        return model.search([(path, "ilike", SECRET)])

    def _group_by(self, model, path):
        if model._fields[path.partition(".")[0]].type != "many2one":
            return None
        return model._read_group([], [path], ["__count"])

    # ------------------------------------------------------------------
    # Links and dialogs
    # ------------------------------------------------------------------

    def test_no_form_tells_of_it(self):
        """Who chooses the customer in a new record learns nothing of it."""
        for role in ROLES:
            for model in self._get_readable(role):
                if not model.has_access("create"):
                    continue
                for field in model._fields.values():
                    if not FULL and field.comodel_name not in SAMPLE_LINKS:
                        continue
                    foreign = self.foreign.get(field.comodel_name)
                    if foreign and model._has_field_access(field, "write") and not field.inherited:
                        with self.subTest(role=role, model=model._name, field=field.name):
                            self.assertNotRegex(self._fill_in(model, field, foreign[0]), TRACE)

    def _fill_in(self, model, field, foreign_id):
        value = foreign_id if field.type == "many2one" else [(4, foreign_id, 0)]
        result = self._show(model, {field.name: value}, [field.name])
        # The same as a default.
        return result + self._show(model.with_context(**{f"default_{field.name}": value}), {}, [])

    def _show(self, model, values, changed):
        """What a form would show, as text."""
        spec = {
            name: {}
            for name, field in model._fields.items()
            if field.type not in ("binary", "one2many", "many2one")
            and model._has_field_access(field, "read")
        } | {
            name: {"fields": {"email": {}, "phone": {}, "display_name": {}}}
            for name, field in model._fields.items()
            if field.type == "one2many"
            and {"email", "phone"} <= self.env[field.comodel_name]._fields.keys()
        }
        with self._undone(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
            try:
                return str(model.onchange(values, changed, spec))
            # A form that is filled in halfway may fail in a dozen ways.
            except Exception:
                return ""

    def test_no_dialog_tells_of_it(self):
        for role in ROLES:
            for model in self._get_readable(role):
                if not model._transient or not model.has_access("create"):
                    continue
                for document in OPENED_ON:
                    with self.subTest(role=role, model=model._name, document=document):
                        self.assertNotRegex(self._open(model, document), TRACE)

    def _open(self, model, document):
        """What a dialog shows that is opened on a foreign document, and again when it is saved."""
        [first, *_rest] = self.foreign[document]
        model = model.with_context(
            active_model=document,
            active_id=first,
            active_ids=[first],
            default_model=document,
            default_res_model=document,
            default_res_id=first,
            default_res_ids=str([first]),
            default_resource_ref=f"{document},{first}",
        )
        shown = self._show(model, {}, [])
        with self._undone(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
            try:
                names = [name for name, field in model._fields.items() if field.type != "many2one"]
                return shown + str(self._read(model.create({}), names))
            except Exception:
                return shown

    def test_no_dialog_changes_it(self):
        """Neither does a dialog that gets the customer in a list, which no form would show."""
        own = self._as(self.users["clerk"], self.own_lead | self.own_lead.copy())
        leads, env = own | own.browse(self.lead.id), own.env
        partners = [self.wok.id, self.target.id]
        for name, act in (
            (
                "merge leads",
                lambda: (
                    env["crm.merge.opportunity"]
                    .create({"opportunity_ids": [Command.set(leads.ids)]})
                    .action_merge()
                ),
            ),
            (
                "merge customers",
                lambda: (
                    env["base.partner.merge.automatic.wizard"]
                    .create({"partner_ids": [Command.set(partners)], "dst_partner_id": self.wok.id})
                    .action_merge()
                ),
            ),
            (
                "cancel orders",
                lambda: (
                    env["sale.mass.cancel.orders"]
                    .create({"sale_order_ids": [Command.set(self.quotation.ids)]})
                    .action_mass_cancel()
                ),
            ),
            (
                "lose leads",
                lambda: (
                    env["crm.lead.lost"]
                    .create({"lead_ids": [Command.set(self.lead.ids)]})
                    .action_lost_reason_apply()
                ),
            ),
            (
                "invite to the portal",
                lambda: env["portal.wizard"].create(
                    {"partner_ids": [Command.set(self.target.ids)]}
                ),
            ),
            (
                "pay",
                lambda: (
                    env["account.payment.register"]
                    .with_context(active_model="account.move", active_ids=self.owed.ids)
                    .create({})
                    .action_create_payments()
                ),
            ),
            (
                "write to",
                lambda: (
                    env["mail.compose.message"]
                    .create({"model": "sale.order", "res_ids": str(self.order.ids), "body": "x"})
                    .action_send_mail()
                ),
            ),
        ):
            with (
                self.subTest(dialog=name),
                self._undone(),
                mute_logger("odoo.addons.base.models.ir_rule"),
                self.assertRaises(UserError),
            ):
                act()
