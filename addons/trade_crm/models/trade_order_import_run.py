import base64
import csv
import io
import json
import logging
from contextlib import contextmanager

import psycopg2

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..analytics.order_common import OrderFileError, show
from ..analytics.order_file import open_rows
from ..analytics.order_values import Options, RowParser
from .trade_order_import import COUNTS, RUNNING
from .trade_order_import_message import describe_file_error
from .trade_profile_dirty import RETRIED_ERRORS

_logger = logging.getLogger(__name__)

MAX_TRIES = 5
CLEAR_CHUNK = 50_000
READ_CHUNK = 20_000
# A chunk ends earlier when its rows are long, so that memory does not depend on the file.
READ_CHARS = 16 << 20
# First half of the key of an advisory lock; the second one is the id of the import.
LOCK = 0x74726164
# How the progress of a check is shared out.
READ_SHARE, MATCH_SHARE = 60, 65
ROW_COLUMNS = (
    "import_id",
    "number",
    "cells",
    "order_key",
    "customer_key",
    "date",
    "amount",
    "line_amount",
    "margin",
    "quantity",
    "price_unit",
    "discount",
    "product",
    "errors",
)


class TradeOrderImport(models.Model):
    """The background work: steps of a run, a chunk of a step in a transaction of its own.

    ``_process_chunk`` knows nothing of who calls it and keeps all that it needs in the database,
    so that a run may be killed at any moment and goes on from the last commit. Two workers do not
    do the same chunk twice: an advisory lock keeps the second one away, and as every chunk
    updates the import, one that began on an old snapshot fails and is rolled back. The lock is
    not that of the record, so that a person can cancel between two chunks.
    """

    _inherit = "trade.order.import"

    # ------------------------------------------------------------------
    # Who calls
    # ------------------------------------------------------------------

    def _start(self, state, step):
        counts = COUNTS if step == "clear" else COUNTS[2:]
        self.write(
            {
                "state": state,
                "step": step,
                "cursor": "",
                "position": False,
                "progress": 0,
                "processed_count": 0,
                "error_message": False,
                "user_id": self.env.uid,
                **dict.fromkeys(counts, 0),
            }
        )
        self._trigger()

    @api.model
    def _trigger(self):
        self.env.ref("trade_crm.ir_cron_run_imports").sudo()._trigger()

    @api.model
    def _cron_run(self):
        self.search([("state", "in", RUNNING)], order="id")._run()

    def _run(self):
        """Work on these imports in turns, until they are done or the job's time is up."""
        cron = self.env["ir.cron"]
        running = self
        time_left = cron._commit_progress(remaining=len(running))
        while running and time_left:
            for imported in running:
                if not imported._run_chunk():
                    running -= imported
                time_left = cron._commit_progress(1, remaining=len(running))

    def _run_chunk(self):
        """Do a chunk and commit it; one that another transaction spoiled is tried again.

        :return: whether there is more to do
        """
        for _try in range(MAX_TRIES):
            try:
                more = self._process_chunk()
                self.env.cr.commit()  # pylint: disable=invalid-commit
                return more
            except RETRIED_ERRORS:
                self.env.cr.rollback()
            except Exception as error:  # pylint: disable=broad-except
                self.env.cr.rollback()
                self._fail(error)
                return False
        return True

    def _fail(self, error):
        """Leave the import to a person."""
        imported = self._as_user()
        if isinstance(error, OrderFileError):
            # The file is at fault: nothing of it is kept.
            message = describe_file_error(imported.env, error)
            values = {"state": "ready", "step": False}
        else:
            _logger.exception("Purchase import %s failed", self.id)
            message = str(error) if isinstance(error, UserError) else repr(error)
            values = {"state": "failed"}
        # The person may have lost the right to write since.
        imported = imported.sudo()
        imported.write({**values, "error_message": message})
        imported.message_post(body=message)
        imported._notify_user(message, "danger")
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _import_now(self):
        """Check and import the file to the end, committing each chunk: for scripts.

        :return: this import, in the state ``done`` unless something is wrong with the file
        """
        self.action_read()
        self.action_check()
        self._run()
        if self.state == "checked":
            self.action_import()
            self._run()
        return self

    # ------------------------------------------------------------------
    # Chunks
    # ------------------------------------------------------------------

    def _process_chunk(self):
        """Do the next piece of work in this transaction.

        :return: whether there is more to do
        """
        self.ensure_one()
        [[locked]] = self.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK, self.id)
        )
        if not locked:
            return False
        self.invalidate_recordset()
        if self.state not in RUNNING:
            return False
        imported = self._as_user()
        imported.check_access("write")
        getattr(imported, f"_step_{self.step}")()
        self.env.flush_all()
        return self.state in RUNNING

    def _as_user(self):
        """This import as the person sees it who started it, in its company."""
        user = self.user_id or self.env.user
        return self.with_user(user).with_context(
            allowed_company_ids=self.company_id.ids,
            lang=user.lang,
            tz=user.tz,
            tracking_disable=True,
        )

    def _step_clear(self):
        """Remove what an earlier check has left, but not who a person said customers are."""
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_order_import_row WHERE id IN ("
                " SELECT id FROM trade_order_import_row WHERE import_id = %s LIMIT %s)",
                self.id,
                CLEAR_CHUNK,
            )
        )
        if self.env.cr.rowcount < CLEAR_CHUNK:
            self.env.cr.execute(
                SQL(
                    "DELETE FROM trade_order_import_customer"
                    " WHERE import_id = %s AND state <> 'chosen'",
                    self.id,
                )
            )
            self.env.cr.execute(
                SQL(
                    "UPDATE trade_order_import_customer SET is_needed = FALSE WHERE import_id = %s",
                    self.id,
                )
            )
            self.env["trade.order.import.customer"].invalidate_model(flush=False)
            self.write({"step": "read"})
        self.env["trade.order.import.row"].invalidate_model(flush=False)

    def _step_read(self):
        """Stage the next rows of the file."""
        with self._open_source() as source:
            rows = self._parse_rows(source)
            done, size = source.progress
            values = {"position": source.position, "progress": READ_SHARE * done / max(size, 1)}
        if rows:
            self._copy_rows(rows)
            self._insert_customers(rows)
            values["row_count"] = self.row_count + len(rows)
        elif self.row_count:
            values |= {"step": "match", "position": False, "progress": READ_SHARE}
        else:
            raise OrderFileError("no_rows", row=self.header_row)
        self.write(values)

    @contextmanager
    def _open_source(self):
        with self._open_file() as stream:
            source = open_rows(stream, self.kind, self._get_settings(), self.position or None)
            try:
                yield source
            finally:
                source.close()

    def _parse_rows(self, source):
        """The next rows of ``source``, in memory: a chunk of them."""
        parser = self._get_parser()
        rows, chars = [], 0
        for row in source:
            if row.number <= self.header_row:
                continue
            if staged := parser.parse(row):
                rows.append(staged)
                chars += sum(len(cell) for cell in row.cells if isinstance(cell, str))
            if len(rows) >= READ_CHUNK or chars > READ_CHARS:
                break
        return rows

    def _get_parser(self):
        profiles = self.env["trade.customer.profile"]
        options = Options(
            today=profiles._get_today(self.company_id.trade_tz),
            currency=self.currency_id.name,
            date_order=self.date_order or None,
            decimal=self.decimal or ".",
            match=None if self.match_by == "auto" else self.match_by,
            delimited=self.kind == "csv",
        )
        return RowParser(self._get_columns(), self.column_ids.mapped("header"), options)

    def _copy_rows(self, rows):
        """Stage rows by COPY."""
        stream = io.StringIO()
        writer = csv.writer(stream)
        writer.writerows(self._get_row_values(row) for row in rows)
        stream.seek(0)
        columns = ", ".join(ROW_COLUMNS)
        # A server of greenlets sets a callback that COPY does not work with.
        callback = psycopg2.extensions.get_wait_callback()
        psycopg2.extensions.set_wait_callback(None)
        try:
            self.env.cr.copy_expert(
                "COPY trade_order_import_row (" + columns + ") FROM STDIN WITH (FORMAT csv)", stream
            )
        finally:
            psycopg2.extensions.set_wait_callback(callback)
        self.env["trade.order.import.row"].invalidate_model(flush=False)

    def _get_row_values(self, row):
        errors = [{"code": error.code, **error.values} for error in row.errors]
        return (
            self.id,
            row.number,
            json.dumps([show(cell) for cell in row.cells], ensure_ascii=False),
            row.order_key,
            row.customer and row.customer.key,
            row.date,
            row.amount,
            row.line_amount,
            row.margin,
            row.quantity,
            row.price_unit,
            row.discount,
            row.product,
            json.dumps(errors, ensure_ascii=False) if errors else None,
        )

    def _insert_customers(self, rows):
        """Stage the customers of ``rows``, each with what any of its rows says first."""
        customers = {}
        for customer in (row.customer for row in rows if row.customer):
            known = customers.get(customer.key, customer)
            customers[customer.key] = tuple(
                old or new for old, new in zip(known, customer, strict=True)
            )
        if not customers:
            return
        told = [SQL.identifier(name) for name in ("name", "ref", "vat", "email", "phone")]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_order_import_customer AS old (
                    import_id, state, is_needed, key, kind, value, %(told)s
                )
                SELECT %(import_id)s, 'missing', FALSE, customer.* FROM unnest(%(rows)s) customer
                    ON CONFLICT (import_id, key) DO UPDATE SET (%(told)s) = (%(first)s)
                 WHERE (%(old)s) IS DISTINCT FROM (%(first)s)
                """,
                import_id=self.id,
                told=SQL(", ").join(told),
                old=SQL(", ").join(SQL("old.%s", name) for name in told),
                first=SQL(", ").join(
                    SQL("COALESCE(NULLIF(old.%s, ''), EXCLUDED.%s)", name, name) for name in told
                ),
                rows=SQL(", ").join(
                    SQL("%s::text[]", list(values))
                    for values in zip(*customers.values(), strict=True)
                ),
            )
        )
        self.env["trade.order.import.customer"].invalidate_model(flush=False)

    # ------------------------------------------------------------------
    # End of a run
    # ------------------------------------------------------------------

    def _finish(self, state, title):
        self.write({"state": state, "step": False, "progress": 100})
        if self.bad_count:
            self.with_context(trade_import_reading=True).error_file = base64.b64encode(
                self._get_error_file()
            )
        self.message_post(body=self._get_report(title))
        self._notify_user(title, "success")

    def _notify_user(self, message, kind):
        """A note on the screen of the person who waits."""
        self.user_id._bus_send(
            "simple_notification",
            {"type": kind, "title": self.filename or "", "message": message},
        )
