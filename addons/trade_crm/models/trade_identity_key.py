from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..analytics.identity import STRONG_KINDS, contact_keys, name_keys

LOCK_HOURS = 24


class TradeIdentityKey(models.Model):
    """What each customer and lead is recognised by; see ``analytics/identity.py``.

    Written in SQL by the transaction that changes the record, read by ``trade.collision`` as
    superuser and by nobody else. A contact has rows of its own: whose customer it belongs to is
    looked up when it is found.
    """

    _name = "trade.identity.key"
    _description = "Key of a Customer or Lead"
    _log_access = False

    kind = fields.Char(required=True)
    value = fields.Char(required=True)
    partner_id = fields.Many2one("res.partner", ondelete="cascade")
    lead_id = fields.Many2one("crm.lead", ondelete="cascade")

    _kind_value_idx = models.Index("(kind, value)")
    _partner_unique = models.UniqueIndex(
        "(partner_id, kind, value) WHERE partner_id IS NOT NULL", "A customer has a key once."
    )
    _lead_unique = models.UniqueIndex(
        "(lead_id, kind, value) WHERE lead_id IS NOT NULL", "A lead has a key once."
    )

    @api.model
    def _replace(self, column, keys, known=True):
        """Have the records of ``keys`` exactly those keys.

        :param column: "partner_id" or "lead_id"
        :param keys: ``{record id: set of (kind, value)}``
        :param known: whether the records may have keys already
        :return: ``{record id: set of (kind, value)}`` of those that are new
        """
        rows = [(record, *key) for record, found in keys.items() for key in found]
        wanted = SQL(
            "SELECT * FROM unnest(%s::int[], %s::text[], %s::text[]) AS wanted (id, kind, value)",
            *([list(values) for values in zip(*rows, strict=True)] or [[], [], []]),
        )
        if known:
            self._delete_unwanted(column, list(keys), wanted)
        added = self.env.execute_query(
            SQL(
                "INSERT INTO trade_identity_key (%(column)s, kind, value) %(wanted)s"
                " ON CONFLICT DO NOTHING RETURNING %(column)s, kind, value",
                column=SQL.identifier(column),
                wanted=wanted,
            )
            if rows
            else SQL("SELECT 0, '', '' WHERE FALSE")
        )
        new = {}
        for record, kind, value in added:
            new.setdefault(record, set()).add((kind, value))
        self.env["trade.identity.lock"]._touch({key for found in new.values() for key in found})
        return new

    def _delete_unwanted(self, column, ids, wanted):
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_identity_key old WHERE old.%(column)s = ANY(%(ids)s)"
                " AND (old.%(column)s, old.kind, old.value) NOT IN (%(wanted)s)",
                column=SQL.identifier(column),
                ids=ids,
                wanted=wanted,
            )
        )


class TradeIdentityLock(models.Model):
    """Makes two transactions that give the same key to two records follow each other.

    Neither sees the record of the other one, so that both would find the key free. Both write the
    row of the key here: the second one waits, fails to serialise, is tried again by Odoo and finds
    the first. Rows are needed only as long as such transactions last.
    """

    _name = "trade.identity.lock"
    _description = "Key That Is Being Taken"
    _log_access = False

    kind = fields.Char(required=True)
    value = fields.Char(required=True)
    touched_at = fields.Datetime(required=True, index=True)

    _key_unique = models.Constraint("UNIQUE (kind, value)", "A key is taken once.")

    @api.model
    def _touch(self, keys):
        keys = sorted(key for key in keys if key[0] in STRONG_KINDS)
        if not keys or not self.env["res.company"]._is_trade_guard_used():
            return
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_identity_lock (kind, value, touched_at)"
                # Nothing of a person is left here, not even for a day.
                " SELECT kind, md5(value), %s"
                " FROM unnest(%s::text[], %s::text[]) AS taken (kind, value)"
                " ORDER BY kind, md5(value)"
                " ON CONFLICT (kind, value) DO UPDATE SET touched_at = EXCLUDED.touched_at",
                fields.Datetime.now(),
                [kind for kind, _value in keys],
                [value for _kind, value in keys],
            ),
            log_exceptions=False,
        )

    @api.autovacuum
    def _gc_locks(self):
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_identity_lock WHERE touched_at < %s",
                fields.Datetime.now() - relativedelta(hours=LOCK_HOURS),
            )
        )


class TradeIdentityMixin(models.AbstractModel):
    """Keeps the keys of its records."""

    _name = "trade.identity.mixin"
    _description = "Is Recognised by Keys"

    # Column of ``trade.identity.key`` and the fields that keys are made of.
    _identity_column = None
    _identity_fields = ()

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        changed = [
            record_id
            for record_id, vals in zip(self._ids, vals_list, strict=True)
            if not vals.keys().isdisjoint(self._identity_fields)
        ]
        if changed:
            self.browse(changed)._replace_identity_keys()
        return result

    def _init_identity_keys(self):
        """Keep the keys of records that were created a moment ago."""
        self.flush_recordset(self._identity_fields)
        self._replace_identity_keys(known=False)

    def _replace_identity_keys(self, known=True, lock=False):
        keys = self._read_identity_keys(lock)
        return self.env["trade.identity.key"]._replace(self._identity_column, keys, known)

    def _read_identity_keys(self, lock=False):
        """Keys that the rows of ``self`` should have, as they are in the database.

        :param lock: whether nobody may change the rows until the transaction ends
        :return: ``{record id: set of (kind, value)}``
        """
        query = self._get_identity_sql()
        main = self.env["res.company"].sudo().search([], order="id", limit=1).country_id.code
        rows = self.env.execute_query(SQL("%s FOR SHARE OF record", query) if lock else query)
        keys = dict.fromkeys(self._ids, frozenset())
        for record_id, counts, name, is_company, phone, email, vat, country in rows:
            if counts:
                keys[record_id] = name_keys(name, is_company) | contact_keys(
                    phone, email, vat, country or main
                )
        return keys

    def _get_identity_sql(self):
        """SQL of (id, whether it counts, name, is company, phone, email, tax number, country)."""
        raise NotImplementedError

    def _get_identity_keys(self):
        """Keys that are kept of ``self``: ``{record id: set of (kind, value)}``."""
        self.flush_recordset(self._identity_fields)
        rows = self.env.execute_query(
            SQL(
                "SELECT %(column)s, kind, value FROM trade_identity_key WHERE %(column)s = ANY(%(ids)s)",
                column=SQL.identifier(self._identity_column),
                ids=self.ids,
            )
        )
        keys = {record_id: set() for record_id in self._ids}
        for record_id, kind, value in rows:
            keys[record_id].add((kind, value))
        return keys


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "trade.identity.mixin"]

    _identity_column = "partner_id"
    _identity_fields = (
        "name",
        "is_company",
        "parent_id",
        "phone",
        "email",
        "vat",
        "active",
        "country_id",
    )

    def _get_identity_sql(self):
        # A contact has the tax number of its company, and is known by what reaches it alone.
        return SQL(
            """
            SELECT record.id, record.active,
                   CASE WHEN record.is_company OR record.parent_id IS NULL THEN record.name END,
                   record.is_company, record.phone, record.email,
                   CASE WHEN record.is_company OR record.parent_id IS NULL THEN record.vat END,
                   country.code
              FROM res_partner record
              LEFT JOIN res_company company ON company.id = record.company_id
              LEFT JOIN res_partner home ON home.id = company.partner_id
              LEFT JOIN res_country country
                     ON country.id = COALESCE(record.country_id, home.country_id)
             WHERE record.id = ANY(%s)
            """,
            self.ids,
        )


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "trade.identity.mixin"]

    _identity_column = "lead_id"
    _identity_fields = (
        "partner_name",
        "phone",
        "email_from",
        "trade_vat",
        "won_status",
        "country_id",
    )

    def _get_identity_sql(self):
        # Who has won a lead has a customer, who is recognised from then on.
        return SQL(
            """
            SELECT record.id, record.won_status IS DISTINCT FROM 'won', record.partner_name, TRUE,
                   record.phone, record.email_from, record.trade_vat, country.code
              FROM crm_lead record
              LEFT JOIN res_company company ON company.id = record.company_id
              LEFT JOIN res_partner home ON home.id = company.partner_id
              LEFT JOIN res_country country
                     ON country.id = COALESCE(record.country_id, home.country_id)
             WHERE record.id = ANY(%s)
            """,
            self.ids,
        )


class ResCompany(models.Model):
    _inherit = "res.company"

    @api.model
    def _is_trade_guard_used(self):
        return bool(self.sudo().search_count([("trade_lead_guard", "=", True)], limit=1))
