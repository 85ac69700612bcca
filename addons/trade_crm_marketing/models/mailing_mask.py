"""Marketers send to lists without reading the addresses in them.

What a client gets is masked, and nothing else: Odoo itself takes addresses from fields, and never by
``read``, to send a mailing. Who needs one address is shown it, says why, and is logged.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize

from odoo.addons.trade_crm.analytics.masking import mask_email, mask_phone

# They may read every address.
READERS = (
    "trade_crm.group_manager",
    "trade_crm.group_privacy",
    "trade_crm.group_auditor",
    "base.group_system",
)
# Anything else would tell an address letter by letter.
EXACT_OPERATORS = {"=", "!=", "in", "not in"}


def mask_name(name):
    """A list of addresses often has the address for a name."""
    return mask_email(name) if "@" in (name or "") else name


def mask_any(text):
    """An address, a number, or a name that may be an address."""
    text = text or ""
    if "@" in text:
        return mask_email(text)
    return mask_phone(text) if sum(sign.isdigit() for sign in text) > 6 else text


class ResUsers(models.Model):
    _inherit = "res.users"

    def _has_masked_addresses(self):
        """Whether the user works with lists without reading their addresses."""
        return self.has_group("trade_crm.group_marketer") and not any(map(self.has_group, READERS))


class TradeMaskMixin(models.AbstractModel):
    """Masks fields in whatever leaves the server, for marketers."""

    _name = "trade.mask.mixin"
    _description = "Shows Masked Addresses to Marketers"

    # Field to the function that masks its value.
    _masks = {}

    @api.model
    def _is_masked(self):
        return not self.env.su and self.env.user._has_masked_addresses()

    @api.model
    def _mask_values(self, values):
        """Mask a dict of values of fields in place."""
        for name, mask in self._masks.items():
            if isinstance(values.get(name), str):
                values[name] = mask(values[name])

    # ------------------------------------------------------------------
    # Read
    # ------------------------------------------------------------------

    def _read_format(self, fnames, load="_classic_read"):
        """What read, search_read, web_read, onchange and the like return."""
        values_list = super()._read_format(fnames, load)
        if self._is_masked():
            for values in values_list:
                self._mask_values(values)
        return values_list

    def copy_data(self, default=None):
        # Duplicating needs the address; a client may also just ask for the values.
        values_list = super().copy_data(default)
        if self._is_masked() and not self.env.context.get("trade_copying"):
            for values in values_list:
                self._mask_values(values)
        return values_list

    def copy(self, default=None):
        copies = super(TradeMaskMixin, self.with_context(trade_copying=True)).copy(default)
        return copies.with_context(trade_copying=False)

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        rows = super()._export_rows(fields, _is_toplevel_call=_is_toplevel_call)
        if not self._is_masked():
            return rows
        masks = {
            position: self._masks[path[0]]
            for position, path in enumerate(fields)
            if len(path) == 1 and path[0] in self._masks
        }
        for row in rows:
            for position, mask in masks.items():
                row[position] = row[position] and mask(row[position])
        return rows

    @api.depends_context("uid")
    def _compute_display_name(self):
        result = super()._compute_display_name()
        # Odoo reads the names of linked records as superuser: it is the user that counts.
        if self.env.user._has_masked_addresses():
            for record in self:
                record.display_name = mask_any(record.display_name)
        return result

    def _add_source(self, action):
        """The dialog gets the address from the form, where it is masked: say whose it is."""
        source = {"default_trade_res_model": self._name, "default_trade_res_id": self.id}
        return action | {"context": {**action.get("context", {}), **source}}

    # ------------------------------------------------------------------
    # Search
    # ------------------------------------------------------------------

    def _read_group_groupby(self, alias, groupby_spec, query):
        self._check_not_masked(groupby_spec)
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _read_group_select(self, aggregate_spec, query):
        self._check_not_masked(aggregate_spec)
        return super()._read_group_select(aggregate_spec, query)

    @api.model
    def _check_not_masked(self, spec):
        """A group by address is a list of addresses; how many there are may be known."""
        name, _colon, function = spec.partition(":")
        if (
            name in self._masks
            and function not in ("count", "count_distinct")
            and self._is_masked()
        ):
            raise UserError(
                self.env._(
                    "Addresses are masked for you: group by something else, please. “Show” on a "
                    "record tells you a single address."
                )
            )

    def action_trade_reveal(self):
        """Ask why, then show the address."""
        self.ensure_one()
        return {
            "name": self.env._("Show the address"),
            "type": "ir.actions.act_window",
            "res_model": "trade.mailing.reveal",
            "view_mode": "form",
            "target": "new",
            "context": {"default_res_model": self._name, "default_res_id": self.id},
        }

    @api.model
    def _search(self, domain, offset=0, limit=None, order=None, **kwargs):
        if self._is_masked():
            domain = Domain(domain).map_conditions(self._get_exact_condition)
            order = self._drop_masked_order(order)
        return super()._search(domain, offset=offset, limit=limit, order=order, **kwargs)

    @api.model
    def _drop_masked_order(self, order):
        """Beside an own record, the order of addresses tells a foreign one letter by letter."""
        if not order:
            return order
        terms = [term for term in order.split(",") if term.strip()]
        ordered = {name for name, mask in self._masks.items() if mask is mask_name}
        kept = [
            term
            for term in terms
            if term.split()[0] in ordered or term.split()[0] not in self._masks
        ]
        return ",".join(kept) or "id"

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if self._masks.get(field_name) is not mask_name or not self._is_masked():
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        # By name, but for names that are addresses: those come last, in no order.
        name = self._field_to_sql(alias, field_name, query)
        return SQL(
            "CASE WHEN %s NOT LIKE %s THEN %s END %s NULLS LAST", name, "%@%", name, direction
        )

    def _drop_masked_changes(self, tracking_values):
        if not self.env.user._has_masked_addresses():
            return tracking_values
        return tracking_values.filtered(lambda value: value.field_id.name not in self._masks)

    @api.model
    def _search_display_name(self, operator, value):
        if not self._is_masked():
            return super()._search_display_name(operator, value)
        # In conditions that are mapped like any other.
        return Domain.OR(
            self._get_exact_condition(condition)
            for condition in super()._search_display_name(operator, value).iter_conditions()
        )

    def _message_get_suggested_recipients(self, *args, **kwargs):
        if self._is_masked():
            return []
        return super()._message_get_suggested_recipients(*args, **kwargs)

    def _message_get_suggested_recipients_batch(self, *args, **kwargs):
        if self._is_masked():
            return {record.id: [] for record in self}
        return super()._message_get_suggested_recipients_batch(*args, **kwargs)

    @api.model
    def _get_exact_condition(self, condition):
        """Who knows the whole address finds it; who types a part finds names only."""
        mask = self._masks.get(condition.field_expr)
        if mask is mask_name and condition.operator not in EXACT_OPERATORS:
            # A name that is an address is found as a whole, like an address.
            return Domain(condition) & Domain(condition.field_expr, "not like", "@")
        if mask not in (mask_email, mask_phone):
            return condition
        if condition.operator in EXACT_OPERATORS or not isinstance(condition.value, str):
            return condition
        # The domain is not masked either.
        if condition.value.lstrip("%").startswith("@"):
            return condition
        value = email_normalize(condition.value) or condition.value
        if condition.operator in ("like", "ilike", "=like", "=ilike"):
            return Domain(condition.field_expr, "in", [value, condition.value])
        return Domain.FALSE


class MailingContact(models.Model):
    _name = "mailing.contact"
    _inherit = ["mailing.contact", "trade.mask.mixin"]

    _masks = {
        "email": mask_email,
        "email_normalized": mask_email,
        "mobile": mask_phone,
        "phone_sanitized": mask_phone,
        "name": mask_name,
        "first_name": mask_name,
        "last_name": mask_name,
        "display_name": mask_any,
    }

    def mail_action_blacklist_remove(self):
        action = super().mail_action_blacklist_remove()
        return action and self._add_source(action)


class MailBlacklist(models.Model):
    _name = "mail.blacklist"
    _inherit = ["mail.blacklist", "trade.mask.mixin"]

    _masks = {"email": mask_email, "display_name": mask_any}

    # The history of a record would tell its address, and be searched for parts of it.
    email = fields.Char(tracking=False)

    def _track_filter_for_display(self, tracking_values):
        return self._drop_masked_changes(super()._track_filter_for_display(tracking_values))

    def mail_action_blacklist_remove(self):
        return self._add_source(super().mail_action_blacklist_remove())


class PhoneBlacklist(models.Model):
    _name = "phone.blacklist"
    _inherit = ["phone.blacklist", "trade.mask.mixin"]

    _masks = {"number": mask_phone, "display_name": mask_any}

    number = fields.Char(tracking=False)

    def _track_filter_for_display(self, tracking_values):
        return self._drop_masked_changes(super()._track_filter_for_display(tracking_values))


class MailingTrace(models.Model):
    _name = "mailing.trace"
    _inherit = ["mailing.trace", "trade.mask.mixin"]

    _masks = {"email": mask_email, "sms_number": mask_phone, "failure_reason": mask_name}
