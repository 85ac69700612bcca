"""Files of purchases: what they are, what their columns mean, and their rows.

:func:`inspect_file` looks at the beginning of a file; :func:`open_rows` reads its rows, from any
position on; :class:`~.order_values.RowParser` understands them. Nothing here holds more than a
few rows at a time.
"""

from typing import NamedTuple

from .order_columns import NUMBER_FIELDS, guess_fields, missing_fields, normalise_header
from .order_common import (
    HEADER_ROWS,
    CellProblem,
    OrderFileError,
    column_letter,
    is_blank,
    to_text,
)
from .order_csv import CsvSource, detect_delimiter, detect_encoding
from .order_values import guess_date_order, guess_decimal, parse_date, parse_number
from .order_xlsx import Workbook, XlsxSource

SAMPLE_ROWS = 200
_MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "GZIP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"SQLite format 3", "SQLite"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<head", b"<meta", b"<?xml", b"<workbook")


class Settings(NamedTuple):
    """How a file is read; None leaves it to the file."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None


NO_SETTINGS = Settings()


class Inspection(NamedTuple):
    """What the beginning of a file tells.

    ``settings`` has no None but what does not apply to the kind of file; ``fields`` are the
    fields that the columns seem to hold; ``sample`` are the first rows below the header.
    """

    kind: str
    settings: Settings
    sheets: list
    headers: list
    fields: list
    sample: list
    date_order: str | None
    decimal: str | None


def inspect_file(stream, settings=NO_SETTINGS):
    """Look at the beginning of a file.

    :param stream: seekable binary stream
    :param settings: what a person has decided on
    :return: :class:`Inspection`
    :raise OrderFileError: when this is no file of purchases
    """
    kind = detect_kind(stream)
    sheets = []
    if kind == "xlsx":
        settings, sheets = _choose_sheet(stream, settings)
    else:
        settings = _choose_text_settings(stream, settings)
    source = open_rows(stream, kind, settings)
    try:
        return _inspect_rows(source, kind, settings, sheets)
    finally:
        source.close()


def open_rows(stream, kind, settings, position=None):
    """Rows of a file, an iterator with ``number``, ``position``, ``progress`` and ``close()``.

    :param settings: those of an :class:`Inspection`
    :param position: an earlier ``position`` of the same file: go on from there
    """
    if kind == "csv":
        return CsvSource(stream, settings.encoding, settings.delimiter, position)
    workbook = Workbook(stream)
    sheet = next((sheet for sheet in workbook.sheets if sheet.name == settings.sheet), None)
    if not sheet:
        names = ", ".join(sheet.name for sheet in workbook.sheets)
        workbook.close()
        raise OrderFileError("sheet_missing", sheet=settings.sheet, sheets=names)
    return XlsxSource(workbook, sheet, position)


def detect_kind(stream):
    """ "csv" or "xlsx", by content.

    :raise OrderFileError: for anything else
    """
    stream.seek(0)
    head = stream.read(1024)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        _refuse_if_empty(stream)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "xlsx"
    if head.startswith(_OLE):
        raise OrderFileError("protected" if _contains(stream, _ENCRYPTED) else "old_excel")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise OrderFileError("other_kind", kind=name)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise OrderFileError("html")
    return "csv"


def _refuse_if_empty(stream):
    stream.seek(0)
    while block := stream.read(1 << 20):
        if block.strip(b"\xef\xbb\xbf \t\r\n"):
            return
    raise OrderFileError("empty")


def _contains(stream, wanted):
    stream.seek(0)
    tail = b""
    while block := stream.read(1 << 20):
        if wanted in tail + block:
            return True
        tail = block[-len(wanted) :]
    return False


def _choose_text_settings(stream, settings):
    encoding = settings.encoding or detect_encoding(stream)
    delimiter = settings.delimiter or detect_delimiter(stream, encoding)
    return settings._replace(encoding=encoding, delimiter=delimiter, sheet=None)


def _choose_sheet(stream, settings):
    """The sheet that was asked for, else the first one that is not empty."""
    workbook = Workbook(stream)
    try:
        names = [sheet.name for sheet in workbook.sheets]
        if settings.sheet:
            chosen = settings.sheet
        else:
            chosen = next(
                (sheet.name for sheet in workbook.sheets if _has_cells(workbook, sheet)), None
            )
    finally:
        workbook.close()
    if not chosen:
        raise OrderFileError("empty_workbook")
    return settings._replace(encoding=None, delimiter=None, sheet=chosen), names


def _has_cells(workbook, sheet):
    return any(any(not is_blank(cell) for cell in row.cells) for row in XlsxSource(workbook, sheet))


def _inspect_rows(source, kind, settings, sheets):
    head = _read_head(source, settings.header_row)
    header = _find_header(head, settings.header_row)
    headers = [to_text(cell) for cell in header.cells]
    while headers and not headers[-1]:
        headers.pop()
    sample = [row for row in head if row.number > header.number]
    _check_header(header.number, headers, sample)
    if kind == "xlsx":
        width = max(len(row.cells) for row in sample)
        headers += [""] * (width - len(headers))
    fields = guess_fields(headers)
    return Inspection(
        kind,
        settings._replace(header_row=header.number),
        sheets,
        [header or column_letter(index) for index, header in enumerate(headers)],
        fields,
        [row.cells for row in sample],
        guess_date_order(_get_values(sample, fields, ("date",))),
        guess_decimal(_get_values(sample, fields, NUMBER_FIELDS)),
    )


def _read_head(source, header_row):
    """The rows that are not blank, down to the sample's end.

    Rows that cannot be cut into cells are left for the check to report.
    """
    rows = (
        row for row in source if not row.error and any(not is_blank(cell) for cell in row.cells)
    )
    head = []
    for row in rows:
        head.append(row)
        if len(head) >= SAMPLE_ROWS and row.number > (header_row or HEADER_ROWS):
            break
    if not head:
        raise OrderFileError("empty")
    return head


def _find_header(head, header_row):
    """The row with the names of the columns.

    It is the one among the first rows that has most known names; a title may be above it.
    """
    if header_row:
        header = next((row for row in head if row.number == header_row), None)
        if not header:
            raise OrderFileError("header_row", row=header_row)
        return header
    candidates = [row for row in head if row.number <= HEADER_ROWS] or head[:1]
    best = max(candidates, key=lambda row: (_count_known(row.cells), -row.number))
    if _count_known(best.cells) < 2:
        best = candidates[0]
        if any(_is_value(cell) for cell in best.cells):
            raise OrderFileError("no_header", row=best.number)
    return best


def _count_known(cells):
    return len(set(guess_fields(cells)) - {None})


def _is_value(cell):
    """Whether a cell is a date or a number rather than a name."""
    if is_blank(cell) or isinstance(cell, CellProblem):
        return False
    for parse in (parse_date, parse_number):
        try:
            parse(cell)
        except ValueError:
            continue
        return True
    return False


def _check_header(number, headers, sample):
    if not sample:
        raise OrderFileError("no_rows", row=number)
    fields = guess_fields(headers)
    _check_duplicates(number, headers, fields)
    unnamed = [
        column_letter(index)
        for index, header in enumerate(headers)
        if not header
        and any(index < len(row.cells) and not is_blank(row.cells[index]) for row in sample)
    ]
    if unnamed and missing_fields(fields):
        raise OrderFileError("merged_header", row=number, columns=", ".join(unnamed))


def _check_duplicates(number, headers, fields):
    """Two columns of one name leave open which of them counts, if the name is one that counts."""
    places = {}
    for index, header in enumerate(headers):
        places.setdefault(normalise_header(header), []).append(index)
    for name, indexes in places.items():
        if name and len(indexes) > 1 and fields[indexes[0]]:
            columns = ", ".join(column_letter(index) for index in indexes)
            raise OrderFileError(
                "duplicate_header", row=number, header=headers[indexes[0]], columns=columns
            )


def _get_values(sample, fields, wanted):
    indexes = [index for index, field in enumerate(fields) if field in wanted]
    return [row.cells[index] for row in sample for index in indexes if index < len(row.cells)]
