"""Who a request is about, in terms that records can be found by."""

import re
from dataclasses import dataclass
from typing import Any

from odoo.fields import Domain
from odoo.tools import SQL, escape_psql

# What people put between the digits of a phone number.
_SEPARATORS = r"[ ()./\u00a0-]{0,3}"


@dataclass(frozen=True)
class Person:
    """A person, who may be a customer, several of them by mistake, or none at all.

    ``emails`` and ``phones`` are normalised, and are nobody else's: what a company or a namesake
    has as well would lead to their records.
    """

    partners: Any
    leads: Any
    emails: tuple = ()
    phones: tuple = ()

    def __bool__(self):
        return bool(self.partners or self.leads or self.emails or self.phones)

    def get_email_domain(self, *names):
        """Records with the address in one of the fields, alone or as in "Name <address>"."""
        return Domain.OR(
            Domain(name, "=ilike", pattern)
            for name in names
            for email in map(escape_psql, self.emails)
            for pattern in (email, f"%<{email}>%")
        )

    def get_partner_domain(self, *names):
        return Domain.OR(Domain(name, "in", self.partners.ids) for name in names)


def get_pattern(emails, phones):
    """Regular expression of PostgreSQL for the addresses and numbers, however they are written.

    "li@x.cn" is not found in "wanli@x.cn", nor a number within a longer one. A number is found
    with its country code and without.

    :param phones: E.164
    """
    parts = [rf"(?<![\w.+-]){re.escape(email)}(?![\w-]|\.\w)" for email in emails]
    for phone, national in phones:
        digits = _SEPARATORS.join(national)
        code = phone.removeprefix("+").removesuffix(national)
        prefix = rf"(?:(?:\+|00)?{_SEPARATORS.join(code)}{_SEPARATORS})?"
        parts.append(rf"(?<![\d+]){prefix}(?:\(?0\)?{_SEPARATORS})?{digits}(?!\d)")
    return "|".join(parts)


def get_replacement_sql(name, column_type, pattern, text):
    """A column without what ``pattern`` finds."""
    column = SQL.identifier(name)
    if column_type == "jsonb":
        return SQL("regexp_replace(%s::text, %s, %s, 'gi')::jsonb", column, pattern, text)
    return SQL("regexp_replace(%s, %s, %s, 'gi')", column, pattern, text)
