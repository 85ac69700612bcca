import hashlib
import json
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import float_is_zero, formatLang, plaintext2html


class PresetItem(NamedTuple):
    """One record that a preset is about."""

    section: str
    name: str  # within the section of the preset
    label: str
    record: models.BaseModel  # empty where there is none
    values: dict  # what the preset says, by field
    given: dict  # what a preset or the default said before; another value is a person's
    state: str  # "present", "missing", "absent" (a person took it away) or "archived"
    company: models.BaseModel  # empty for what all companies share

    @property
    def key(self):
        return f"{self.section}.{self.name}"


class PresetChange(NamedTuple):
    """What applying a preset does to one field, or to the record where ``field`` is empty."""

    field: str
    action: str  # "add", "change", "keep" or "same"
    old: object
    new: object


class TradePreset(models.AbstractModel):
    """What the tiers, limits and customer types of a company are in its industry.

    A preset changes what still is as the product or a preset has made it. What a person has
    edited, archived or deleted stays: :class:`trade.preset.value` remembers what was given.

    To add an industry, extend :meth:`_get_presets`. To add a section, name it in
    :meth:`_get_sections` and write ``_prepare_<section>_items`` and ``_apply_<section>``.
    """

    _name = "trade.preset"
    _description = "Industry Presets"

    @api.model
    def _get_presets(self):
        """The presets in the user's language; amounts in company currency, times in months.

        :return: ``{code: {"name": str, "description": str, section: {name: {field: value}}}}``.
            In ``tiers`` a default tier goes by its English name in small letters; any other name
            adds a tier. ``limits`` is ``{field of trade.tier.policy: value}``. Values are plain:
            numbers, texts, booleans.
        """
        return {}

    @api.model
    def _get_sections(self):
        """Sections in the order in which they are applied: ``{section: label}``."""
        return {
            "tiers": self.env._("Tiers"),
            "limits": self.env._("Limits"),
            "customer_types": self.env._("Customer types"),
        }

    @api.model
    def _find_policy(self):
        """The active tier policy of the current company, empty where there is none."""
        return self.env["trade.tier.policy"].search([("company_id", "=", self.env.company.id)])

    @api.model
    def _get_policy(self):
        policy = self._find_policy()
        if not policy:
            raise UserError(self._get_no_policy_message())
        return policy

    @api.model
    def _get_no_policy_message(self):
        return self.env._(
            "%(company)s has no active tier policy: create or restore one in "
            "Configuration → Tier policies first.",
            company=self.env.company.name,
        )

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    @api.model
    def _get_changes(self, code):
        """What applying the preset ``code`` to the current company does.

        :return: list of pairs of :class:`PresetItem` and its list of :class:`PresetChange`
        """
        preset = self._get_presets()[code]
        rows_sudo = self.env["trade.preset.value"].sudo()._get_by_key(self.env.company)
        items = [
            item
            for section in self._get_sections()
            for item in getattr(self, f"_prepare_{section}_items")(
                preset.get(section, {}), rows_sudo
            )
        ]
        return [(item, self._get_item_changes(item)) for item in items]

    @api.model
    def _get_item_changes(self, item):
        if item.state == "missing":
            return [PresetChange("", "add", None, None)]
        if item.state != "present":
            return [PresetChange("", "keep", item.state, None)]
        changes = []
        for name, value in item.values.items():
            field = item.record._fields[name]
            # As it would be read back: rounded.
            new = field.convert_to_record(field.convert_to_cache(value, item.record), item.record)
            old = item.record[name]
            if self._is_same(old, new):
                action = "same"
            elif self._is_given(item, name, old):
                action = "change"
            else:
                action = "keep"
            changes.append(PresetChange(name, action, old, new))
        return changes

    @api.model
    def _is_given(self, item, name, value):
        """Whether ``value`` is what the field was given, so that nobody has edited it."""
        return name in item.given and self._is_same(item.given[name], value)

    @api.model
    def _is_same(self, one, other):
        if isinstance(one or 0, (int, float)) and isinstance(other or 0, (int, float)):
            return float_is_zero((one or 0) - (other or 0), precision_digits=6)
        return (one or False) == (other or False)

    @api.model
    def _get_version(self, changes):
        """Another text as soon as applying would do something else than ``changes``."""
        content = [
            (item.key, item.record.ids, *change) for item, found in changes for change in found
        ]
        return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]

    @api.model
    def _describe_change(self, item, change):
        """Values of a line of the preview."""
        states = {
            "absent": self.env._("Deleted"),
            "archived": self.env._("Archived"),
        }
        values = {
            "section": self._get_sections()[item.section],
            "name": item.label,
            "action": change.action,
        }
        if not change.field:
            return {**values, "old_value": states.get(change.old)}
        return {
            **values,
            "field_label": item.record.fields_get([change.field], ["string"])[change.field][
                "string"
            ],
            "old_value": self._format_value(item.record, change.field, change.old),
            "new_value": self._format_value(item.record, change.field, change.new),
        }

    @api.model
    def _format_value(self, record, name, value):
        field = record._fields[name]
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, "")
        if field.type == "boolean":
            return self.env._("Yes") if value else self.env._("No")
        if not value:
            return self.env._("Not used")
        if field.type == "monetary":
            return record[field.get_currency_field(record)].format(value)
        if field.type == "float":
            return formatLang(self.env, value)
        return str(value)

    # ------------------------------------------------------------------
    # Apply
    # ------------------------------------------------------------------

    @api.model
    def _apply(self, code):
        """Apply the preset ``code`` to the current company.

        :return: what was done, see :meth:`_get_changes`
        """
        policy = self._get_policy()
        policy.check_access("write")
        changes = self._get_changes(code)
        described = self._describe_changes(changes)
        created = {}
        try:
            for section in self._get_sections():
                found = [pair for pair in changes if pair[0].section == section]
                created.update(getattr(self, f"_apply_{section}")(code, found))
        except ValidationError as error:
            raise UserError(
                self.env._(
                    "The preset does not go together with what somebody has edited: %(reason)s\n\n"
                    "Change that first. Nothing was applied.",
                    reason=error.args[0],
                )
            ) from error
        self._remember(code, changes, created)
        if described:
            title = self.env._(
                "Industry preset applied: %(preset)s", preset=self._get_presets()[code]["name"]
            )
            policy.message_post(body=plaintext2html("\n".join([title, *described])))
        return changes

    @api.model
    def _describe_changes(self, changes):
        """What ``changes`` do, in lines of text; what stays is left out."""
        lines = []
        for item, found in changes:
            for change in found:
                if change.action == "add":
                    lines.append(self.env._("%(name)s: added", name=item.label))
                elif change.action == "change":
                    values = self._describe_change(item, change)
                    lines.append(
                        self.env._(
                            "%(name)s, %(field)s: %(old)s → %(new)s",
                            name=item.label,
                            field=values["field_label"],
                            old=values["old_value"],
                            new=values["new_value"],
                        )
                    )
        return lines

    @api.model
    def _get_writes(self, found):
        """Values to write for a list of :class:`PresetChange`."""
        return {change.field: change.new for change in found if change.action == "change"}

    @api.model
    def _create_translated(self, model, code, item, **values):
        """Create what ``item`` says, with its texts in every installed language."""

        def get_spec(lang):
            return self.with_context(lang=lang)._get_presets()[code][item.section][item.name]

        english = self.env[model].with_context(lang="en_US")
        record = english.create({**get_spec("en_US"), **values})
        for lang, _name in self.env["res.lang"].get_installed():
            if lang != "en_US":
                texts = {
                    name: text
                    for name, text in get_spec(lang).items()
                    if record._fields[name].type == "char" and record._fields[name].translate
                }
                record.with_context(lang=lang).write(texts)
        return record.with_env(self.env)

    @api.model
    def _remember(self, code, changes, created):
        """Keep what was given, so that it can be told from what a person makes of it."""
        rows_sudo = self.env["trade.preset.value"].sudo()
        known_sudo = rows_sudo._get_by_key(self.env.company)
        for item, found in changes:
            record = created.get(item.key) or item.record
            if item.state not in ("present", "missing") or not record:
                continue
            if item.state == "missing":
                names = list(item.values)
            else:
                names = [
                    change.field
                    for change in found
                    if self._is_given(item, change.field, change.old)
                ]
            values = {
                "preset": code,
                "res_model": record._name,
                "res_id": record.id,
                "values": {**item.given, **{name: record[name] for name in names}},
            }
            if row_sudo := known_sudo.get(item.key):
                row_sudo.write(values)
            else:
                rows_sudo.create({**values, "company_id": item.company.id, "key": item.key})

    # ------------------------------------------------------------------
    # Tiers
    # ------------------------------------------------------------------

    @api.model
    def _prepare_tiers_items(self, wanted, rows):
        policy = self._get_policy()
        tiers = (
            self.env["trade.tier"]
            .with_context(active_test=False)
            .search([("policy_id", "=", policy.id)])
        )
        english = policy.with_context(lang="en_US")._get_default_tiers()
        defaults = {values["name"].lower(): values for values in english}
        names = [values["name"] for values in policy._get_default_tiers()]
        labels = dict(zip(defaults, names, strict=True))
        rule_fields = tiers._get_rule_fields()
        items = []
        for name, spec in wanted.items():
            row, default = rows.get(f"tiers.{name}"), defaults.get(name)
            tier = self._find_tier(tiers, name, row, defaults)
            values = {field: value for field, value in spec.items() if field in rule_fields}
            if row and row.res_id == tier.id:
                given = row.values or {}
            elif default:
                given = {field: default.get(field, 0) for field in values}
            else:
                given = {}
            items.append(
                PresetItem(
                    section="tiers",
                    name=name,
                    label=tier.name or spec.get("name") or labels[name],
                    record=tier,
                    values=values,
                    given=given,
                    state=self._get_state(tier, row, bool(default)),
                    company=policy.company_id,
                )
            )
        return items

    @api.model
    def _find_tier(self, tiers, name, row, defaults):
        """The tier that a preset means: the one it has set before, else the one of that name,
        else the one that still has the conditions of the default but was renamed.
        """
        if row and row.res_id in tiers.ids:
            return tiers.browse(row.res_id)
        by_name = {tier.name.lower(): tier for tier in tiers.with_context(lang="en_US")}
        if name in by_name:
            return by_name[name].with_env(tiers.env)
        default = defaults.get(name)
        for english_name, tier in by_name.items():
            if (
                default
                and english_name not in defaults
                and all(
                    self._is_same(tier[field], default.get(field))
                    for field in tiers._get_rule_fields()
                )
            ):
                return tier.with_env(tiers.env)
        return tiers.browse()

    @api.model
    def _get_state(self, record, row, expected=False):
        """State of a :class:`PresetItem`.

        :param row: what is remembered of it, if anything
        :param expected: whether the product has created it for everybody
        """
        if record:
            return "present" if record.active else "archived"
        return "absent" if expected or (row and not row._get_record()) else "missing"

    @api.model
    def _apply_tiers(self, code, changes):
        policy = self._get_policy()
        commands = [
            Command.update(item.record.id, values)
            for item, found in changes
            if (values := self._get_writes(found))
        ]
        if commands:
            policy.write({"tier_ids": commands})
        created = {
            item.key: self._create_translated("trade.tier", code, item, policy_id=policy.id)
            for item, _found in changes
            if item.state == "missing"
        }
        if created:
            self._place_tiers(policy, self.env["trade.tier"].union(*created.values()))
        return created

    @api.model
    def _place_tiers(self, policy, new):
        """Put new tiers before the first one that takes everybody else."""
        names = new._get_rule_fields()
        tiers = list(policy.tier_ids - new)
        open_to_all = (
            place for place, tier in enumerate(tiers) if not any(tier[name] for name in names)
        )
        place = next(open_to_all, len(tiers))
        tiers[place:place] = new
        policy.write(
            {
                "tier_ids": [
                    Command.update(tier.id, {"sequence": 10 * number})
                    for number, tier in enumerate(tiers, start=1)
                ]
            }
        )
        policy.invalidate_recordset(["tier_ids"])

    # ------------------------------------------------------------------
    # Limits
    # ------------------------------------------------------------------

    @api.model
    def _prepare_limits_items(self, wanted, rows):
        policy = self._get_policy()
        # A limit of an addon that is not installed is left out.
        values = {name: value for name, value in wanted.items() if name in policy._fields}
        if not values:
            return []
        row = rows.get("limits.policy")
        given = row.values or {} if row and row.res_id == policy.id else {}
        return [
            PresetItem(
                section="limits",
                name="policy",
                label=policy.name,
                record=policy,
                values=values,
                # A limit that has come with an update was never given by a preset.
                given={**policy.default_get(list(values)), **given},
                state="present",
                company=policy.company_id,
            )
        ]

    @api.model
    def _apply_limits(self, code, changes):
        for item, found in changes:
            if values := self._get_writes(found):
                item.record.write(values)
        return {}

    # ------------------------------------------------------------------
    # Customer types
    # ------------------------------------------------------------------

    @api.model
    def _prepare_customer_types_items(self, wanted, rows):
        types = self.env["trade.customer.type"].with_context(active_test=False)
        types = types.search([])  # pylint: disable=no-search-all; there are tens of them
        in_english = types.with_context(lang="en_US")
        by_name = {found.name.lower(): found for found in (*types, *in_english)}
        items = []
        for name, spec in wanted.items():
            row = rows.get(f"customer_types.{name}")
            if row and row.res_id in types.ids:
                found, given = types.browse(row.res_id), row.values or {}
            else:
                found, given = by_name.get(spec["name"].lower(), types.browse()), {}
            found = found.with_env(self.env)
            items.append(
                PresetItem(
                    section="customer_types",
                    name=name,
                    label=found.name or spec["name"],
                    record=found,
                    values={"kind": spec["kind"]},
                    given=given,
                    state=self._get_state(found, row),
                    company=self.env["res.company"],
                )
            )
        return items

    @api.model
    def _apply_customer_types(self, code, changes):
        created = {}
        for item, found in changes:
            if values := self._get_writes(found):
                item.record.write(values)
            if item.state == "missing":
                created[item.key] = self._create_translated("trade.customer.type", code, item)
        return created
