"""The e-mail and phone of an erased person in texts about something else."""

import logging

from odoo import api, fields, models
from odoo.tools import SQL

from .trade_privacy_person import get_pattern, get_replacement_sql

_logger = logging.getLogger(__name__)

# Seconds rather than minutes, after which the job commits.
ROWS = 100_000
TEXT_TYPES = ("character varying", "text", "jsonb")
# Entered in the books, or the very list of who must not be written to.
KEPT_TABLES = {
    "account_bank_statement_line", "account_move", "account_move_line", "account_payment",
    "mail_blacklist", "phone_blacklist",
}  # fmt: skip
# What is looked for, until all is searched.
KEPT_COLUMN = ("trade_privacy_request", "sweep_terms")
TEXT_FIELDS = {"char", "text", "html", "json", "properties"}
# Definitions of the software, which are no data of persons.
SYSTEM_PREFIXES = ("ir_model", "ir_ui", "ir_module", "ir_act", "res_country", "res_lang")


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    # Set until the texts are searched, which names the person for so long.
    sweep_terms = fields.Json(readonly=True, copy=False, groups="base.group_no_one")
    sweep_position = fields.Json(readonly=True, copy=False, groups="base.group_no_one")
    is_sweeping = fields.Boolean(
        "Texts are being searched", compute="_compute_is_sweeping", compute_sudo=True
    )

    @api.depends("sweep_terms")
    def _compute_is_sweeping(self):
        for request in self:
            request.is_sweeping = bool(request.sweep_terms)

    def _request_sweep(self, person):
        """Have every text searched for the person's e-mails and phones, after the commit."""
        phones = [self._get_national_number(phone) for phone in person.phones]
        if not (person.emails or phones):
            return
        self.sudo().sweep_terms = {"emails": person.emails, "phones": phones}
        self.env.ref("trade_crm.ir_cron_privacy_sweep").sudo()._trigger()

    @api.model
    def _cron_sweep(self):
        """Take the e-mails and phones of erased persons out of all texts, table by table."""
        columns = self._get_text_columns()
        requests_sudo = self.sudo().search([("sweep_terms", "!=", False)], order="id")
        self.env["ir.cron"]._commit_progress(remaining=len(requests_sudo) * len(columns))
        for request_sudo in requests_sudo:
            # Two jobs at once would only wait for each other.
            if request_sudo.try_lock_for_update() and not request_sudo._sweep(columns):
                return

    def _sweep(self, columns):
        """Go on with one request where it was left.

        :param columns: see :meth:`_get_text_columns`
        :return: whether there is time left
        """
        cron = self.env["ir.cron"]
        at_table, first_id = self.sweep_position or ("", 0)
        for table in sorted(columns):
            while table >= at_table:
                last_id = self._sweep_rows(table, columns[table], first_id)
                at_table, first_id = (table, last_id) if last_id else (f"{table} ", 0)
                self.sweep_position = [at_table, first_id]
                if not cron._commit_progress(0 if last_id else 1):
                    return False
        self.write({"sweep_terms": False, "sweep_position": False})
        return bool(cron._commit_progress())

    def _sweep_rows(self, table, columns, first_id):
        """Replace what is found in some rows of a table.

        :param columns: dict of name to type
        :return: id to go on with, None after the last row
        """
        terms = self.sweep_terms
        pattern = get_pattern(terms["emails"], terms["phones"])
        names = sorted(columns)
        found = SQL(" OR ").join(
            SQL("%s::text ~* %s", SQL.identifier(name), pattern) for name in names
        )
        changes = SQL(", ").join(
            SQL(
                "%s = %s",
                SQL.identifier(name),
                get_replacement_sql(name, columns[name], pattern, "[erased]"),
            )
            for name in names
        )
        last_id = first_id + ROWS
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id >= %s AND id < %s AND (%s)",
                SQL.identifier(table),
                changes,
                first_id,
                last_id,
                found,
            )
        )
        if self.env.cr.rowcount:
            _logger.info("%s: %s rows of %s", self.name, self.env.cr.rowcount, table)
            self.env.invalidate_all()
        [[more]] = self.env.execute_query(
            SQL("SELECT min(id) FROM %s WHERE id >= %s", SQL.identifier(table), last_id)
        )
        return more

    @api.model
    def _get_text_columns(self):
        """Columns with texts of all tables that people write to.

        :return: dict of table to dict of column to type
        """
        models_by_table = {
            model._table: model
            for model in map(self.env.__getitem__, self.env)
            if model._auto and not model._abstract
        }
        tables = [
            table
            for table in models_by_table
            if table not in KEPT_TABLES and not table.startswith(SYSTEM_PREFIXES)
        ]
        rows = self.env.execute_query(
            SQL(
                "SELECT table_name, column_name, data_type FROM information_schema.columns"
                " WHERE table_schema = current_schema AND table_name = ANY(%s)"
                " AND data_type IN %s AND is_generated = 'NEVER'",
                tables,
                TEXT_TYPES,
            )
        )
        columns = {}
        for table, name, data_type in rows:
            field = models_by_table[table]._fields.get(name)
            if (table, name) != KEPT_COLUMN and (not field or field.type in TEXT_FIELDS):
                columns.setdefault(table, {})[name] = data_type
        return columns
