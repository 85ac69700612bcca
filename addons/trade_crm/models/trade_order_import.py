import csv
import io
import os
import tempfile
from contextlib import contextmanager
from datetime import timedelta

from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from ..analytics.order_columns import CUSTOMER_FIELDS, has_lines, missing_fields
from ..analytics.order_common import OrderFileError, protect, show
from ..analytics.order_file import Settings, inspect_file
from .trade_order_import_column import FIELD_LABELS
from .trade_order_import_message import describe_file_error, describe_row_errors

RUNNING = ("checking", "importing")
# How the file is cut into cells: a change means to look at it again.
READ_FIELDS = {"encoding", "delimiter", "sheet", "header_row"}
# What decides on the result of a check.
CHECK_FIELDS = READ_FIELDS | {
    "column_ids",
    "company_id",
    "create_partners",
    "date_order",
    "decimal",
    "file",
    "match_by",
    "source",
}
COUNTS = (
    "row_count",
    "bad_count",
    "new_count",
    "updated_count",
    "unchanged_count",
    "partner_count",
)
PREVIEW_ROWS = 8
SAMPLE_VALUES = 3
MAX_BAD_ROWS = 100_000
KEEP_DAYS = 30


class TradeOrderImport(models.Model):
    """A file of purchases before Odoo, on its way into ``trade.order.history``.

    A person chooses a file and sees what its columns mean (``ready``); a check stages its rows
    and tells what an import would do (``checked``); the import writes the good rows (``done``).
    Both run in the background, see ``trade_order_import_run.py``.
    """

    _name = "trade.order.import"
    _description = "Purchase Import"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "filename"
    _order = "id desc"

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    file = fields.Binary(required=True, copy=False)
    filename = fields.Char("File name", default="", tracking=True)
    source = fields.Char(
        required=True,
        default=lambda self: self._default_source(),
        help="The system that the purchases come from. Importing an order number again for the same"
        " source updates the purchase.",
    )
    match_by = fields.Selection(
        [("auto", "The best column that is filled in"), *FIELD_LABELS[: len(CUSTOMER_FIELDS)]],
        "Find customers by",
        required=True,
        default="auto",
        help="The best one is: database ID, reference, tax number, email, phone, name.",
    )
    create_partners = fields.Boolean(
        "Create missing customers", help="Create the customers that are not found."
    )
    encoding = fields.Selection(
        [
            ("utf-8", "UTF-8"),
            ("gb18030", "Chinese, simplified (GB18030, GBK)"),
            ("big5", "Chinese, traditional (Big5)"),
            ("cp1252", "Western European"),
            ("utf-16-le", "UTF-16"),
            ("utf-16-be", "UTF-16 (big endian)"),
        ],
        help="Empty: found out when the file is read.",
    )
    delimiter = fields.Selection(
        [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Vertical bar")],
        help="Empty: found out when the file is read.",
    )
    sheet = fields.Char(help="Empty: the first sheet that has values.")
    sheets = fields.Char("Sheets of the workbook", readonly=True)
    header_row = fields.Integer(
        "Row of the column names", help="0: found out when the file is read."
    )
    date_order = fields.Selection(
        [("dmy", "Day first (31/01/2024)"), ("mdy", "Month first (01/31/2024)")],
        help="Needed when the year is written last. Empty: dates that can be read both ways are"
        " refused.",
    )
    decimal = fields.Selection(
        [(".", "Point (1,234.50)"), (",", "Comma (1.234,50)")], "Decimal separator"
    )
    kind = fields.Selection([("csv", "Text"), ("xlsx", "Workbook")], readonly=True, copy=False)
    sample = fields.Json(readonly=True, copy=False)
    preview = fields.Html("First rows", compute="_compute_preview", sanitize=False)
    column_ids = fields.One2many("trade.order.import.column", "import_id", "Columns", copy=False)
    customer_ids = fields.One2many(
        "trade.order.import.customer", "import_id", "Customers", copy=False
    )
    row_ids = fields.One2many("trade.order.import.row", "import_id", "Rows", copy=False)
    history_ids = fields.One2many("trade.order.history", "import_id", "Purchases", copy=False)
    history_count = fields.Integer("Purchases imported", compute="_compute_history_count")

    state = fields.Selection(
        [
            ("draft", "File"),
            ("ready", "Columns"),
            ("checking", "Checking"),
            ("checked", "Checked"),
            ("importing", "Importing"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    step = fields.Char(readonly=True, copy=False, help="What the background job does next.")
    position = fields.Char(readonly=True, copy=False, help="How far the file has been read.")
    cursor = fields.Char(readonly=True, copy=False, help="The last order that was worked on.")
    processed_count = fields.Integer("Rows worked on", readonly=True, copy=False)
    progress = fields.Float(readonly=True, copy=False, help="Percent of the current run.")
    error_message = fields.Text("Problem", readonly=True, copy=False)

    row_count = fields.Integer("Rows in the file", readonly=True, copy=False)
    bad_count = fields.Integer("Rows refused", readonly=True, copy=False)
    new_count = fields.Integer("New purchases", readonly=True, copy=False)
    updated_count = fields.Integer("Updated purchases", readonly=True, copy=False)
    unchanged_count = fields.Integer("Unchanged purchases", readonly=True, copy=False)
    partner_count = fields.Integer("New customers", readonly=True, copy=False)
    attention_count = fields.Integer("Customers to choose", compute="_compute_attention_count")
    error_file = fields.Binary("Refused rows", readonly=True, copy=False)
    error_filename = fields.Char(compute="_compute_error_filename")

    @api.model
    def _default_source(self):
        last = self.search([("company_id", "=", self.env.company.id)], limit=1)
        return last.source or "import"

    @api.depends("sample", "column_ids.header")
    def _compute_preview(self):
        for imported in self:
            imported.preview = imported._render_preview()

    def _render_preview(self):
        if not self.sample:
            return False
        head = Markup().join(
            Markup("<th>%s</th>") % header for header in self.column_ids.mapped("header")
        )
        rows = Markup().join(
            Markup("<tr>%s</tr>") % Markup().join(Markup("<td>%s</td>") % cell for cell in cells)
            for cells in self.sample
        )
        table = Markup(
            '<div class="table-responsive"><table class="table table-sm table-striped text-nowrap">'
            "<thead><tr>%s</tr></thead><tbody>%s</tbody></table></div>"
        )
        return table % (head, rows)

    def _compute_history_count(self):
        counts = dict(
            self.env["trade.order.history"]._read_group(
                [("import_id", "in", self.ids)], ["import_id"], ["__count"]
            )
        )
        for imported in self:
            imported.history_count = counts.get(imported, 0)

    def _compute_attention_count(self):
        counts = dict(
            self.env["trade.order.import.customer"]._read_group(
                [("import_id", "in", self.ids), *self._get_attention_domain()],
                ["import_id"],
                ["__count"],
            )
        )
        for imported in self:
            imported.attention_count = counts.get(imported, 0)

    @api.model
    def _get_attention_domain(self):
        return [("partner_id", "=", False), ("is_needed", "=", False)]

    @api.depends("filename")
    def _compute_error_filename(self):
        for imported in self:
            stem = os.path.splitext(imported.filename or "")[0]
            imported.error_filename = self.env._("%(file)s - refused rows.csv", file=stem)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if CHECK_FIELDS.isdisjoint(vals) or self.env.context.get("trade_import_reading"):
            return super().write(vals)
        self._check_editable()
        result = super().write(vals)
        self._reset_check()
        if "company_id" in vals:
            self.customer_ids.unlink()
        if "file" in vals:
            self._forget_file()
        elif not READ_FIELDS.isdisjoint(vals):
            self.filtered(lambda imported: imported.state == "ready")._read_head()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        self._check_editable()

    def _check_editable(self):
        if any(imported.state in RUNNING for imported in self):
            raise UserError(self.env._("Wait until the import has finished, or cancel it first."))

    def _reset_check(self):
        """What was checked no longer holds."""
        checked = self.filtered(lambda imported: imported.state not in ("draft", "ready"))
        checked.write(
            {"state": "ready", "step": False, "error_message": False, "error_file": False}
        )

    def _forget_file(self):
        """Settings that were found in another file do not hold for this one."""
        self.with_context(trade_import_reading=True).write(
            {
                "state": "draft",
                "column_ids": [Command.clear()],
                "sample": False,
                "error_message": False,
                **dict.fromkeys(READ_FIELDS, False),
            }
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def action_get_example(self):
        """Download a file that can be imported as it is, in the user's language."""
        suffix = "_zh_CN" if (self.env.lang or "").startswith("zh") else ""
        name = f"/trade_crm/static/example/purchases{suffix}.csv"
        return {"type": "ir.actions.act_url", "url": name, "target": "download"}

    def action_read(self):
        """Look at the beginning of the file and show what its columns seem to mean."""
        for imported in self:
            imported._check_editable()
            imported._read_head()

    def action_check(self):
        """Check the whole file in the background; nothing is imported."""
        for imported in self:
            imported._check_state("ready", "checked")
            imported._check_columns()
            imported._start("checking", "clear")

    def action_import(self):
        """Import the good rows of a checked file in the background."""
        for imported in self:
            imported._check_state("checked")
            imported._start("importing", "import")

    def action_retry(self):
        """Go on where a failure stopped the import."""
        for imported in self:
            imported._check_state("failed")
            state = "importing" if imported.step == "import" else "checking"
            imported.write({"state": state, "error_message": False, "user_id": self.env.uid})
        self._trigger()

    def action_cancel(self):
        """Stop. Purchases that are imported already stay; importing the file again is harmless."""
        self.write({"state": "cancelled"})

    def action_reset(self):
        """Go back to the columns."""
        self._check_editable()
        self._reset_check()

    def action_view_customers(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm.trade_order_import_customer_action"
        )
        return action | {"domain": [("import_id", "=", self.id)]}

    def action_view_bad_rows(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "trade_crm.trade_order_import_row_action"
        )
        return action | {"domain": [("import_id", "=", self.id), ("errors", "!=", False)]}

    def action_view_history(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_order_history_action")
        return action | {"domain": [("import_id", "=", self.id)], "context": {}}

    def _check_state(self, *states):
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "“%(file)s” is in the state “%(state)s”. Reload the page to see what can be done.",
                    file=self.filename,
                    state=labels[self.state],
                )
            )

    def _check_columns(self):
        """Refuse a choice of columns from which no purchase can be made."""
        columns = self._get_columns()
        labels = {
            "customer": self.env._("the customer"),
            "date": self.env._("the date"),
            "amount": self.env._("the amount"),
        }
        missing = [labels[name] for name in missing_fields(columns)]
        if missing:
            raise UserError(
                self.env._(
                    "Choose on the page “Columns” which column holds %(missing)s.", missing=missing
                )
            )
        if self.match_by not in ("auto", *columns):
            raise UserError(
                self.env._(
                    "No column means “%(field)s”, by which customers are to be found.",
                    field=dict(FIELD_LABELS)[self.match_by],
                )
            )

    def _get_columns(self):
        """Position of the column of each field.

        :return: dict
        """
        return {column.field: column.position for column in self.column_ids if column.field}

    def _is_by_line(self):
        return has_lines(self._get_columns())

    # ------------------------------------------------------------------
    # File
    # ------------------------------------------------------------------

    @contextmanager
    def _open_file(self):
        """The file as a binary stream; it is never held in memory, however large it is."""
        self.ensure_one()
        attachment_sudo = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_field", "=", "file"),
                    ("res_id", "=", self.id),
                ],
                limit=1,
            )
        )
        path = attachment_sudo.store_fname and attachment_sudo._full_path(
            attachment_sudo.store_fname
        )
        if path and os.path.isfile(path):
            with open(path, "rb") as stream:
                yield stream
        else:
            # Kept in the database, or elsewhere by another module.
            with tempfile.TemporaryFile() as stream:
                stream.write(attachment_sudo.raw or b"")
                yield stream

    def _get_settings(self):
        return Settings(
            self.encoding or None,
            self.delimiter or None,
            self.sheet or None,
            self.header_row or None,
        )

    def _read_head(self):
        """Fill in what the beginning of the file tells."""
        for imported in self:
            with imported._open_file() as stream:
                try:
                    inspection = inspect_file(stream, imported._get_settings())
                except OrderFileError as error:
                    raise UserError(describe_file_error(self.env, error)) from error
            imported._apply_inspection(inspection)

    def _apply_inspection(self, inspection):
        settings = inspection.settings
        samples = [[show(cell) for cell in cells] for cells in inspection.sample[:PREVIEW_ROWS]]
        self.with_context(trade_import_reading=True).write(
            {
                "state": "ready",
                "kind": inspection.kind,
                "encoding": settings.encoding,
                "delimiter": settings.delimiter,
                "sheet": settings.sheet,
                "sheets": ", ".join(inspection.sheets),
                "header_row": settings.header_row,
                "date_order": self.date_order or inspection.date_order,
                "decimal": self.decimal or inspection.decimal or self._get_own_decimal(),
                "sample": samples,
                "error_message": False,
                "column_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "position": position,
                                "header": header,
                                "field": field,
                                "sample": self._join_sample(samples, position),
                            }
                        )
                        for position, (header, field) in enumerate(
                            zip(inspection.headers, inspection.fields, strict=True)
                        )
                    ),
                ],
            }
        )

    @api.model
    def _join_sample(self, samples, position):
        values = [cells[position] for cells in samples if position < len(cells) and cells[position]]
        return " · ".join(dict.fromkeys(values[:SAMPLE_VALUES]))

    def _get_own_decimal(self):
        point = self.env["res.lang"]._get_data(code=self.env.user.lang).decimal_point
        return "," if point == "," else "."

    # ------------------------------------------------------------------
    # Refused rows
    # ------------------------------------------------------------------

    def _get_error_file(self):
        """CSV of the refused rows: the columns of the file, the number of the row and the reason.

        A cell that a spreadsheet would take for a formula is protected by an apostrophe, which
        comes off when the corrected file is imported.
        """
        self.ensure_one()
        stream = io.StringIO()
        writer = csv.writer(stream)
        headers = self.column_ids.mapped("header")
        titles = [self.env._("Row in the file"), self.env._("Why it is refused")]
        writer.writerow([protect(header) for header in headers] + titles)
        for number, cells, errors in self._read_bad_rows():
            padded = cells + [""] * (len(headers) - len(cells))
            reason = describe_row_errors(self.env, errors)
            writer.writerow([*map(protect, padded), number, protect(reason)])
        return stream.getvalue().encode("utf-8-sig")

    def _read_bad_rows(self):
        return self.env.execute_query(
            SQL(
                "SELECT number, cells, errors FROM trade_order_import_row"
                " WHERE import_id = %s AND errors IS NOT NULL ORDER BY number LIMIT %s",
                self.id,
                MAX_BAD_ROWS,
            )
        )

    @api.autovacuum
    def _gc_staging(self):
        """Rows of a file that nobody has worked on for a while are forgotten."""
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        old = self.search([("write_date", "<", limit), ("state", "not in", RUNNING)])
        self.env.cr.execute(
            SQL("DELETE FROM trade_order_import_row WHERE import_id = ANY(%s)", old.ids)
        )
        old.filtered(lambda imported: imported.state in ("checked", "failed"))._reset_check()

    def _get_report(self, title):
        """What a check found or an import did, for the chatter."""
        self.ensure_one()
        lines = [
            title,
            self.env._("New purchases: %s", self.new_count),
            self.env._("Updated purchases: %s", self.updated_count),
            self.env._("Unchanged purchases: %s", self.unchanged_count),
            self.env._("New customers: %s", self.partner_count),
            self.env._("Rows refused: %s", self.bad_count),
        ]
        return Markup("<br/>").join(map(escape, lines))
