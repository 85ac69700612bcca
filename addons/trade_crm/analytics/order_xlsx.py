"""Reading purchases from a workbook (Office Open XML, ECMA-376), a row at a time.

A sheet is unpacked and parsed in small blocks, so that neither its size nor what somebody hid in
it matters: document types, and with them all entities, are refused, and so is an archive that
unpacks to far more than it should. Reading goes on where it stopped, by the position in the
unpacked sheet.
"""

import array
import datetime
import lzma
import os
import posixpath
import re
import tempfile
import zipfile
import zlib
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

from .order_common import (
    BLOCK,
    MAX_CELL_CHARS,
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_RATIO,
    MAX_ROW_CHARS,
    MAX_UNPACKED,
    RATIO_FREE,
    CellProblem,
    OrderFileError,
    Row,
)

# Number formats that a workbook need not spell out.
_DATE_FORMATS = {14, 15, 16, 17, 22, *range(27, 32), 34, 35, 36, *range(50, 59)}
_TIME_FORMATS = {18, 19, 20, 21, 32, 33, 45, 46, 47}
_PERCENT_FORMATS = {9, 10}
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# Serial day 0; the year 1900 of spreadsheets is a leap year, which only matters before March 1900.
_EPOCHS = {False: datetime.datetime(1899, 12, 30), True: datetime.datetime(1904, 1, 1)}
_MAX_SERIAL = 2_958_465  # 9999-12-31
_MAX_SMALL_PART = 32 << 20
# What a part that is cut off, altered or packed in an unknown way makes the libraries raise.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    expat.ExpatError,
    EOFError,
    NotImplementedError,
    LookupError,
    ValueError,
)


class Sheet(NamedTuple):
    name: str
    part: str


class Workbook:
    """The sheets of a workbook.

    :param stream: seekable binary stream; it stays open
    :raise OrderFileError: when it is no workbook, or is one that must not be unpacked
    """

    def __init__(self, stream):
        try:
            self.archive = zipfile.ZipFile(stream)
            check_archive(self.archive)
            part = self._find_workbook()
            self._targets = self._read_relations(part)
            self.sheets, self.epoch = self._read_sheets(part)
            self.styles = self._read_styles()
        except _DAMAGED as error:
            raise OrderFileError("damaged") from error
        self.strings = None

    def close(self):
        if self.strings:
            self.strings.close()
        self.archive.close()

    def get_strings(self):
        """Texts that several cells share, read when the first sheet is."""
        if self.strings is None:
            self.strings = SharedStrings(self.archive, self._get_part("sharedStrings"))
        return self.strings

    def _find_workbook(self):
        names = self.archive.namelist()
        if "_rels/.rels" in names:
            for kind, part in self._read_relations("").values():
                if kind == "officeDocument" and part.endswith(".xml") and part in names:
                    return part
        raise OrderFileError("not_workbook")

    def _read_relations(self, part):
        """Kind and part of each relation of a part, by its id."""
        folder, name = posixpath.split(part)
        relations = {}

        def on_start(name, attributes):
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.join("/", folder, attributes["Target"])
                kind = attributes["Type"].rpartition("/")[2]
                relations[attributes["Id"]] = kind, posixpath.normpath(target).lstrip("/")

        _parse_part(self.archive, posixpath.join(folder, "_rels", f"{name}.rels"), on_start)
        return relations

    def _get_part(self, kind):
        """The only part of a kind, None if there is none."""
        names = self.archive.namelist()
        return next(
            (part for known, part in self._targets.values() if known == kind and part in names),
            None,
        )

    def _read_sheets(self, part):
        sheets, date_1904 = [], False

        def on_start(name, attributes):
            nonlocal date_1904
            if name == "sheet" and attributes.get("state", "visible") == "visible":
                kind, target = self._targets[_get_local(attributes, "id")]
                if kind == "worksheet":
                    sheets.append(Sheet(attributes["name"], target))
            elif name == "workbookPr":
                date_1904 = attributes.get("date1904") in ("1", "true")

        _parse_part(self.archive, part, on_start)
        return sheets, _EPOCHS[date_1904]

    def _read_styles(self):
        """Kind of each cell style: "date", "time", "percent" or None."""
        formats, kinds, within = {}, [], None

        def on_start(name, attributes):
            nonlocal within
            if name == "numFmt":
                formats[int(attributes["numFmtId"])] = attributes["formatCode"]
            elif name in ("cellXfs", "cellStyleXfs", "dxfs", "cellStyles"):
                within = name
            elif name == "xf" and within == "cellXfs":
                number = int(attributes.get("numFmtId", 0))
                kinds.append(_get_format_kind(number, formats.get(number)))

        if part := self._get_part("styles"):
            _parse_part(self.archive, part, on_start)
        return kinds


class SharedStrings:
    """Texts of a workbook, kept in a temporary file because there may be very many of them."""

    def __init__(self, archive, part):
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, close() closes it
        self._ends = array.array("Q", [0])
        self._get = lru_cache(maxsize=1 << 16)(self._read)
        if part:
            self._fill(archive, part)
            self._file.flush()

    def close(self):
        self._file.close()

    def __getitem__(self, index):
        return self._get(index)

    def _read(self, index):
        start, end = self._ends[index], self._ends[index + 1]
        return os.pread(self._file.fileno(), end - start, start).decode()

    def _fill(self, archive, part):
        texts, length, taking, phonetic = [], 0, False, False

        def on_start(name, _attributes):
            nonlocal texts, length, taking, phonetic
            if name == "si":
                texts, length = [], 0
            elif name == "rPh":
                phonetic = True
            elif name == "t":
                taking = not phonetic

        def on_end(name):
            nonlocal taking, phonetic
            if name == "t":
                taking = False
            elif name == "rPh":
                phonetic = False
            elif name == "si":
                text = _unescape("".join(texts)).encode()
                self._ends.append(self._ends[-1] + self._file.write(text))

        def on_text(text):
            nonlocal length
            # One that is too long is kept long enough for the row that uses it to be refused.
            if taking and length <= MAX_CELL_CHARS:
                length += len(text)
                texts.append(text)

        _parse_part(archive, part, on_start, on_end, on_text, limit=MAX_UNPACKED)


class XlsxSource:
    """Rows of a sheet.

    :param sheet: a :class:`Sheet` of ``workbook``
    :param position: where to go on, see :attr:`position`
    """

    kind = "xlsx"

    def __init__(self, workbook, sheet, position=None):
        self._workbook = workbook
        self._sheet = sheet
        self._start, self.number = 0, 0
        if position:
            self._start, self.number = map(int, position.split(":"))
        self._row_start = self._start
        self._stream = None

    @property
    def position(self):
        """Where the last row begins, and its number: reading goes on after it."""
        return f"{self._row_start}:{self.number}"

    @property
    def progress(self):
        """Bytes of the unpacked sheet that have been read, and all of them."""
        return self._row_start, self._workbook.archive.getinfo(self._sheet.part).file_size

    def close(self):
        if self._stream:
            self._stream.close()
        self._workbook.close()

    def __iter__(self):
        seen = self.number
        strings = self._workbook.get_strings()
        parser = _SheetParser(self._workbook.styles, self._workbook.epoch, strings, seen)
        try:
            self._stream = self._workbook.archive.open(self._sheet.part)
            for block, base in self._blocks():
                parser.feed(block, base)
                for row_start, row in parser.take():
                    if row.number > seen:
                        self._row_start, self.number = row_start, row.number
                        yield row
                if parser.done:
                    return
            parser.finish()
        except _DAMAGED as error:
            raise OrderFileError("damaged") from error

    def _blocks(self):
        """Pieces of the sheet, and how far each is beyond where the parser believes it is.

        To go on in the middle, the parser gets all that comes before the first row, then what
        begins at the position.
        """
        if not self._start:
            while block := self._stream.read(BLOCK):
                yield block, 0
            return
        prologue = self._read_prologue()
        yield prologue, 0
        self._stream.seek(self._start)
        while block := self._stream.read(BLOCK):
            yield block, self._start - len(prologue)

    def _read_prologue(self):
        """All that comes before the first row."""
        head, first = b"", None
        parser = _make_parser(self._sheet.part)

        def on_start(name, _attributes):
            nonlocal first
            if first is None and _local(name) == "row":
                first = parser.CurrentByteIndex

        parser.StartElementHandler = on_start
        while first is None and (block := self._stream.read(BLOCK)):
            head += block
            parser.Parse(block)
        return head[:first]


class _SheetParser:
    """Rows from the pieces of a sheet.

    :param skip: number of the last row that need not be evaluated
    """

    def __init__(self, styles, epoch, strings, skip):
        self._styles, self._epoch, self._strings = styles, epoch, strings
        self.done = False
        self._rows = []
        self._base = self._fed = self._length = 0
        self._row_start, self._number, self._skip = 0, 0, skip
        self._cells, self._texts = [], None
        self._column, self._type, self._style, self._name = 0, "n", None, ""
        self._value, self._formula, self._phonetic = None, False, False
        self._parser = _make_parser("sheet")
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._on_text

    def feed(self, block, base):
        self._base = base
        self._fed += len(block)
        if self._fed > 16 * MAX_ROW_CHARS:
            raise OrderFileError("row_too_long", row=self._number + 1, limit=MAX_ROW_CHARS)
        self._parser.Parse(block)

    def finish(self):
        self._parser.Parse(b"", True)

    def take(self):
        """Rows that are complete, each with the position where it begins."""
        rows, self._rows = self._rows, []
        return rows

    def _on_start(self, name, attributes):
        name = _local(name)
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._texts = None if self._phonetic else []
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True
        elif name == "row":
            self._row_start = self._base + self._parser.CurrentByteIndex
            self._number = int(attributes.get("r", self._number + 1))
            self._cells, self._length, self._fed, self._column = [], 0, 0, -1

    def _start_cell(self, attributes):
        name = attributes.get("r")
        self._column = _column_index(name.rstrip("0123456789")) if name else self._column + 1
        self._name = name or f"row {self._number}"
        self._type = attributes.get("t", "n")
        style = attributes.get("s")
        self._style = self._styles[int(style)] if style and self._styles else None
        self._value, self._formula = None, False

    def _on_text(self, text):
        if self._texts is not None:
            self._length += len(text)
            if self._length > MAX_ROW_CHARS:
                raise OrderFileError("row_too_long", row=self._number, limit=MAX_ROW_CHARS)
            self._texts.append(text)

    def _on_end(self, name):
        name = _local(name)
        if name in ("v", "t"):
            if self._texts is not None:
                self._value = (self._value or "") + "".join(self._texts)
            self._texts = None
        elif name == "rPh":
            self._phonetic = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._rows.append((self._row_start, Row(self._number, self._cells)))
        elif name == "sheetData":
            self.done = True

    def _end_cell(self):
        if self._number <= self._skip:
            return
        value = self._evaluate()
        if value is None:
            return
        if self._column >= MAX_COLUMNS:
            raise OrderFileError("too_many_columns", row=self._number, limit=MAX_COLUMNS)
        cells = self._cells
        cells.extend([None] * (self._column - len(cells)))
        cells.append(value)

    def _evaluate(self):
        value, kind = self._value, self._type
        if value is None or (value == "" and kind != "str"):
            return CellProblem("formula", self._name, "") if self._formula else None
        if kind == "s":
            value = self._strings[int(value)]
        elif kind in ("str", "inlineStr"):
            value = _unescape(value)
        elif kind == "e":
            return CellProblem("cell_error", self._name, value)
        elif kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        elif kind != "d":
            return self._evaluate_number(value)
        if len(value) > MAX_CELL_CHARS:
            raise OrderFileError("cell_too_long", row=self._number, limit=MAX_CELL_CHARS)
        return value or None

    def _evaluate_number(self, text):
        try:
            number = float(text)
        except ValueError:
            return text
        if self._style == "date" and 0 < number <= _MAX_SERIAL:
            return (self._epoch + datetime.timedelta(days=number)).date()
        if self._style == "percent":
            return f"{number * 100:.10g}%"
        return int(number) if number.is_integer() and abs(number) < 1e15 else number


def check_archive(archive):
    """Refuse an archive that unpacks to far more than a workbook does.

    What an archive declares is what it can do: ``zipfile`` reads no more of a part than its
    declared size, and then compares the check sum.
    """
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise OrderFileError("zip_bomb")
    for part in parts:
        if part.flag_bits & 0x1:
            raise OrderFileError("protected")
        if part.file_size > max(RATIO_FREE, MAX_RATIO * part.compress_size):
            raise OrderFileError("zip_bomb")


def _parse_part(archive, part, on_start, on_end=None, on_text=None, limit=_MAX_SMALL_PART):
    """Parse a part of an archive; handlers get names without their namespace."""
    if archive.getinfo(part).file_size > limit:
        raise OrderFileError("zip_bomb")
    parser = _make_parser(part)
    parser.StartElementHandler = lambda name, attributes: on_start(_local(name), attributes)
    if on_end:
        parser.EndElementHandler = lambda name: on_end(_local(name))
    parser.CharacterDataHandler = on_text
    with archive.open(part) as stream:
        while block := stream.read(BLOCK):
            parser.Parse(block)
    parser.Parse(b"", True)


def _make_parser(part):
    """An XML parser that accepts no document type, hence no entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_declaration):
        raise OrderFileError("doctype", part=part)

    parser.StartDoctypeDeclHandler = refuse
    return parser


@lru_cache(maxsize=256)
def _local(name):
    """Name without its prefix."""
    return name.rpartition(":")[2]


def _get_local(attributes, wanted):
    """Value of an attribute that has a prefix, whichever it is."""
    return next((value for name, value in attributes.items() if name.endswith(f":{wanted}")), None)


def _get_format_kind(number, code):
    """What cells of a number format hold.

    >>> _get_format_kind(14, None), _get_format_kind(165, 'yyyy"年"m"月"d"日"')
    ('date', 'date')
    >>> _get_format_kind(10, None), _get_format_kind(166, '#,##0.00 "day"'), _get_format_kind(167, "[h]:mm")
    ('percent', None, 'time')
    """
    if code is None:
        known = {"date": _DATE_FORMATS, "time": _TIME_FORMATS, "percent": _PERCENT_FORMATS}
        return next((kind for kind, numbers in known.items() if number in numbers), None)
    bare = _LITERAL.sub("", code).split(";")[0].lower()
    if "%" in bare:
        return "percent"
    if "y" in bare or ("d" in bare and "m" in bare):
        return "date"
    return "time" if re.search("[hs:]", bare) and "general" not in bare else None


def _unescape(text):
    """Characters that XML cannot hold are spelled in it; as parts of a name they are blanks.

    >>> _unescape("Golden_x000D_Wok_x0041_")
    'Golden WokA'
    """
    if "_x" not in text:
        return text
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return "".join(" " if char < " " or "\ud800" <= char <= "\udfff" else char for char in text)


@lru_cache(maxsize=1024)
def _column_index(letters):
    """Column of a spreadsheet, counted from 0.

    >>> _column_index("A"), _column_index("AB")
    (0, 27)
    """
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise OrderFileError("damaged")
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1
