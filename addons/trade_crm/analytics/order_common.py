"""What the readers of order files share: limits, errors and the plain text of a cell."""

import datetime
import re
import unicodedata
from typing import ClassVar, NamedTuple

MAX_COLUMNS = 256
MAX_ROW_CHARS = 1 << 20
MAX_CELL_CHARS = 32_767  # what a spreadsheet cell holds
MAX_UNPACKED = 2 << 30
MAX_RATIO = 250
RATIO_FREE = 16 << 20  # a part this small may be packed as tightly as it likes
MAX_PARTS = 10_000
BLOCK = 1 << 16
HEADER_ROWS = 20  # how far down the names of the columns are looked for

# Why a file cannot be read at all, with the names of what is told about it.
FILE_ERRORS = {
    "empty": (),
    "no_rows": ("row",),
    "no_header": ("row",),
    "header_row": ("row",),
    "merged_header": ("row", "columns"),
    "duplicate_header": ("row", "header", "columns"),
    "other_kind": ("kind",),
    "html": (),
    "old_excel": (),
    "protected": (),
    "not_workbook": (),
    "damaged": (),
    "zip_bomb": (),
    "doctype": ("part",),
    "encoding": (),
    "bad_bytes": ("row", "encoding"),
    "nul": ("row",),
    "open_quote": ("row",),
    "row_too_long": ("row", "limit"),
    "cell_too_long": ("row", "limit"),
    "too_many_columns": ("row", "limit"),
    "sheet_missing": ("sheet", "sheets"),
    "empty_workbook": (),
}

# Why a row is refused.
ROW_ERRORS = {
    "broken_quote": (),
    "too_many_cells": ("cells", "columns"),
    "missing_customer": (),
    "missing_date": ("column",),
    "missing_number": ("column",),
    "missing_amount": (),
    "text_too_long": ("column", "limit"),
    "shortened": ("column", "value"),
    "customer_id": ("column", "value"),
    "customer_email": ("column", "value"),
    "customer_phone": ("column", "value"),
    "date_unknown": ("column", "value"),
    "date_ambiguous": ("column", "value"),
    "date_two_digits": ("column", "value"),
    "date_serial": ("column", "value"),
    "date_impossible": ("column", "value"),
    "date_future": ("column", "value"),
    "date_too_old": ("column", "value", "year"),
    "number": ("column", "value"),
    "number_separator": ("column", "value", "decimal"),
    "number_too_large": ("column", "value"),
    "negative_amount": ("column", "value"),
    "discount": ("column", "value"),
    "currency": ("column", "value", "currency"),
    "formula": ("column", "cell"),
    "cell_error": ("column", "cell", "value"),
}


class _CodedError(Exception):
    codes: ClassVar[dict] = {}

    def __init__(self, code, **values):
        assert set(values) == set(self.codes[code]), f"{code} tells about {self.codes[code]}"
        super().__init__(code, values)
        self.code = code
        self.values = values


class OrderFileError(_CodedError):
    """A file that cannot be read; nothing of it may be used."""

    codes = FILE_ERRORS


class RowError(_CodedError):
    """A row that cannot be used; the others can."""

    codes = ROW_ERRORS


class CellProblem(NamedTuple):
    """A cell without a value: a formula that was never calculated, or one that failed."""

    code: str
    cell: str
    value: str


class Row(NamedTuple):
    """One row as it is in the file.

    ``number`` counts from 1 as a spreadsheet does; cells are text, int, float, ``datetime.date``,
    :class:`CellProblem` or None; ``error`` is a :class:`RowError` if the row could not be cut
    into cells.
    """

    number: int
    cells: list
    error: RowError | None = None


_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
# A file of refused rows protects such cells by an apostrophe; it comes off on the way back in.
_PROTECTED = re.compile(r"'[=+\-@]")
_NUMBER = re.compile(r"[+-]?[\d.,]+")


def to_text(value):
    """Text of a cell: one line, no surrounding or repeated white space.

    >>> to_text(" Golden \\n Wok "), to_text(12.0), to_text(None), to_text("'=A")
    ('Golden Wok', '12', '', '=A')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        text = " ".join(value.split())
        if not text.isascii():
            text = _INVISIBLE.sub("", text).strip()
        return text[1:] if _PROTECTED.match(text) else text
    return show(value)


def show(value):
    """A cell as a person wrote it, for messages and for the file of refused rows."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}" if abs(value) < 1e15 else str(int(value))
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, CellProblem):
        return value.value
    return str(value)


def is_blank(value):
    return value is None or (isinstance(value, str) and not value.strip())


def to_narrow(text):
    """Full-width digits and punctuation, as Chinese keyboards make them, in their usual form.

    >>> to_narrow("１２．５")
    '12.5'
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def column_letter(index):
    """Name of a column in a spreadsheet.

    >>> [column_letter(index) for index in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def protect(text):
    """A cell of a file that a spreadsheet opens, so that it is no formula.

    Numbers stay as they are: a minus makes no formula of them.

    >>> [protect(text) for text in ("=1+1", "-5.20", "+86 138", "Wok", "@sum")]
    ["'=1+1", '-5.20', "'+86 138", 'Wok', "'@sum"]
    """
    if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
