"""Reading purchases from delimited text, a record at a time."""

import codecs
import csv
import io
import re

from .order_columns import guess_fields
from .order_common import BLOCK, MAX_COLUMNS, MAX_ROW_CHARS, OrderFileError, Row, RowError

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_SNIFFED_LINES = 50
# Text in GB18030 is nearly all in the zone of GB2312; other encodings read as GB18030 are not.
_COMMON_SHARE = 0.9
_PAIR = re.compile(rb"[\x81-\xfe][\x30-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
# So much text beyond ASCII does not pass for UTF-8 by chance.
_SURELY_UTF8 = 20


class CsvSource:
    """Records of a delimited text.

    :param stream: seekable binary stream; it stays open
    :param position: where to go on, see :attr:`position`
    """

    kind = "csv"

    def __init__(self, stream, encoding, delimiter, position=None):
        stream.seek(0)
        self._text = io.TextIOWrapper(stream, encoding=encoding, newline="")
        self._delimiter = delimiter
        self._encoding = encoding
        self._pending = self._lines_pending = 0
        self.number = 0
        if position:
            cookie, number = position.split(":")
            self._text.seek(int(cookie))
            self.number = int(number)

    @property
    def position(self):
        """Where the next record begins; may be asked for between two records."""
        return f"{self._text.tell()}:{self.number}"

    @property
    def progress(self):
        """Bytes that have been read, and all of them."""
        stream = self._text.buffer
        here = stream.tell()
        size = stream.seek(0, io.SEEK_END)
        stream.seek(here)
        return here, size

    def close(self):
        self._text.detach()

    def __iter__(self):
        records = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            self._pending = self._lines_pending = 0
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                cells, problem = [], self._explain(error)
            else:
                problem = None
            self.number += 1
            if len(cells) > MAX_COLUMNS and any(cells[MAX_COLUMNS:]):
                raise OrderFileError("too_many_columns", row=self.number, limit=MAX_COLUMNS)
            yield Row(self.number, cells, problem)

    def _lines(self):
        readline = self._text.readline
        while True:
            try:
                line = readline(MAX_ROW_CHARS + 1)
            except UnicodeDecodeError as error:
                raise OrderFileError(
                    "bad_bytes", row=self.number + 1, encoding=self._encoding
                ) from error
            if not line:
                return
            if not self.number:
                line = line.removeprefix("\ufeff")
            self._pending += len(line)
            self._lines_pending += 1
            if self._pending > MAX_ROW_CHARS:
                # Either a quote that is never closed swallows line after line, or one line is endless.
                self._refuse("open_quote" if self._lines_pending > 1 else "row_too_long")
            if "\0" in line:
                raise OrderFileError("nul", row=self.number + 1)
            yield line

    def _refuse(self, code):
        values = {"limit": MAX_ROW_CHARS} if code != "open_quote" else {}
        raise OrderFileError(code, row=self.number + 1, **values)

    def _explain(self, error):
        """The error of a record; one that leaves no way to find the next record is raised."""
        if "end of data" in str(error):
            self._refuse("open_quote")
        if "field limit" in str(error):
            self._refuse("open_quote" if self._lines_pending > 1 else "row_too_long")
        return RowError("broken_quote")


def detect_encoding(stream):
    """Encoding of a text, by its mark, else by what all of it decodes in.

    :raise OrderFileError: when it is none of UTF-8, UTF-16 with a mark and GB18030
    """
    stream.seek(0)
    head = stream.read(4)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    row, wide = _find_undecodable(stream, "utf-8")
    if not row:
        return "utf-8"
    if wide >= _SURELY_UTF8:
        raise OrderFileError("bad_bytes", row=row, encoding="utf-8")
    if _looks_chinese(stream) and not _find_undecodable(stream, "gb18030")[0]:
        return "gb18030"
    raise OrderFileError("encoding")


def _find_undecodable(stream, encoding):
    """The line that is not text in ``encoding`` (None: all of it is) and the characters beyond
    ASCII before it."""
    decode = codecs.getincrementaldecoder(encoding)().decode
    stream.seek(0)
    lines, wide, block = 1, 0, True
    while block:
        block = stream.read(BLOCK)
        try:
            text = decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            wide += sum(byte >= 0xC0 for byte in good)
            return lines + good.count(b"\n"), wide
        lines += block.count(b"\n")
        if not text.isascii():
            wide += sum(char > "\x7f" for char in text)
    return None, wide


def _looks_chinese(stream):
    """Whether the pairs of bytes beyond ASCII are those that Chinese text is made of."""
    stream.seek(0)
    block = stream.read(1 << 20)
    pairs = _PAIR.findall(block)
    common = sum(1 for pair in pairs if _COMMON_PAIR.fullmatch(pair))
    return bool(pairs) and common >= _COMMON_SHARE * len(pairs)


def detect_delimiter(stream, encoding):
    """The delimiter that makes known column names and rows of one width.

    A title above the column names and a decimal comma do not mislead it.
    """
    lines = _read_head(stream, encoding)
    return max(DELIMITERS, key=lambda delimiter: _rate_delimiter(lines, delimiter))


def _read_head(stream, encoding):
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    lines = [text.readline(MAX_ROW_CHARS) for _line in range(_SNIFFED_LINES)]
    text.detach()
    return [line for line in lines if line.strip("\ufeff \r\n") and "\0" not in line]


def _rate_delimiter(lines, delimiter):
    """Sort key: names of columns recognised, share of rows with the usual width, that width."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        rows = []
    if not rows:
        return 0, 0, 0
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    known = max(len(set(guess_fields(row)) - {None}) for row in rows)
    return known, (usual > 1) * widths.count(usual) / len(widths), usual
