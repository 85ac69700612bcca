"""Fast ways to fill the tables of Odoo."""

import io
import struct
from contextlib import contextmanager

import numpy as np
from psycopg2 import sql
from psycopg2.extras import Json

# Columns of the pattern rows that must not be repeated.
UNIQUE = {
    "id",
    "access_token",
    "calendar_last_notif_ack",
    "fiscal_position_id",
    "full_reconcile_id",
    "invoice_line_id",
    "matching_number",
    "payment_reference",
}


class Bulk:
    """What writes many rows by a plain cursor in autocommit mode."""

    def __init__(self, cursor):
        self.cursor = cursor

    def execute(self, query, params=None):
        self.cursor.execute(query, params)

    def get_last_id(self, table):
        self.execute(sql.SQL("SELECT COALESCE(max(id), 0) FROM {}").format(sql.Identifier(table)))
        return self.cursor.fetchone()[0]

    def count(self, table):
        self.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        return self.cursor.fetchone()[0]

    @contextmanager
    def bulk(self, table):
        """Without the indexes and foreign keys of ``table``; its sequence follows on at the end."""
        self.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        keys = self.cursor.fetchall()
        self.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i"
            " WHERE indrelid = %s::regclass"
            " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            [table],
        )
        indexes = self.cursor.fetchall()
        name = sql.Identifier(table)
        for key, _definition in keys:
            self.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(key))
            )
        for index, _definition in indexes:
            self.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(index)))
        yield
        for _index, definition in indexes:
            self.execute(definition)
        self.execute(sql.SQL("ANALYZE {}").format(name))
        for key, definition in keys:
            self.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    name, sql.Identifier(key), sql.SQL(definition)
                )
            )
        self.execute(
            "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attname = 'id'",
            [table, table],
        )
        for (sequence,) in self.cursor.fetchall():
            self.execute("SELECT setval(%s, %s)", [sequence, self.get_last_id(table) + 1])

    def copy(self, table, columns):
        """COPY arrays of whole numbers into a new or existing staging table of bigint columns."""
        self.execute(
            sql.SQL("CREATE UNLOGGED TABLE IF NOT EXISTS {} ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(
                    sql.SQL("{} bigint").format(sql.Identifier(name)) for name in columns
                ),
            )
        )
        count = len(next(iter(columns.values())))
        layout = [("fields", ">i2")]
        for name in columns:
            layout += [(f"{name}_length", ">i4"), (name, ">i8")]
        rows = np.empty(count, dtype=layout)
        rows["fields"] = len(columns)
        for name, values in columns.items():
            rows[f"{name}_length"] = 8
            rows[name] = values
        stream = io.BytesIO(
            b"PGCOPY\n\xff\r\n\0"
            + struct.pack(">ii", 0, 0)
            + rows.tobytes()
            + struct.pack(">h", -1)
        )
        self.cursor.copy_expert(
            sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table)), stream
        )

    def insert(self, table, rows, which, computed, source):
        """INSERT INTO ``table`` what ``source`` yields.

        :param rows: pattern rows; ``which`` is the SQL of the index, from 1, of the one to follow
        :param computed: ``{column: SQL}`` of what the generated rows do not take from the pattern
        """
        self.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [table]
        )
        known = {column for (column,) in self.cursor.fetchall()}
        columns = {column for row in rows for column in row} - UNIQUE
        # A module that is not installed has no columns.
        values = {
            column: sql.SQL(expression)
            for column, expression in computed.items()
            if column in known
        }
        for column in sorted(columns - computed.keys()):
            values[column] = self._get_pattern_sql(
                table, column, [row.get(column) for row in rows], which
            )
        self.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(values.values()),
                sql.SQL(source),
            )
        )

    def _get_pattern_sql(self, table, column, values, which):
        literals = [
            sql.Literal(Json(value) if isinstance(value, dict) else value) for value in values
        ]
        if all(value == values[0] for value in values):
            return literals[0]
        branches = [
            sql.SQL("WHEN {} THEN {}").format(sql.Literal(number), literal)
            for number, literal in enumerate(literals, start=1)
        ]
        return sql.SQL("CASE {} {} END").format(sql.SQL(which), sql.SQL(" ").join(branches))
