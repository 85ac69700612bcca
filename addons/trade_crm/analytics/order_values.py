"""From the cells of a row to values that can be stored, or to the reasons why not."""

import calendar
import datetime
import hashlib
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from .order_columns import CUSTOMER_FIELDS, has_lines
from .order_common import ROW_ERRORS, CellProblem, RowError, is_blank, show, to_narrow, to_text

MAX_TEXT = 256
MAX_NUMBER_TEXT = 128
MAX_VALUE = Decimal(10) ** 12
FIRST_YEAR = 1970
MIN_PHONE_DIGITS = 5
_SHOWN = 40

CURRENCY_NAMES = {
    "CNY": ("rmb", "¥", "元", "圆", "人民币", "人民幣"),
    "USD": ("$", "us$", "美元"),
    "EUR": ("€", "euro", "欧元", "歐元"),
    "GBP": ("£", "英镑", "英鎊"),
    "JPY": ("¥", "円", "日元", "日圓"),
    "HKD": ("hk$", "港币", "港元", "港幣"),
    "TWD": ("nt$", "新台币", "新臺幣"),
}
_CURRENCIES = {name for names in CURRENCY_NAMES.values() for name in names} | {
    code.lower() for code in CURRENCY_NAMES
}

_YEAR_FIRST = re.compile(r"(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})日?(?:[T ].*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?\d{4,6})?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ].*)?")
_TWO_DIGITS = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?")
_DAY_NAMED = re.compile(r"(\d{1,2})[-. ]*([a-z]{3,9})[-., ]*(\d{4})(?:[T ].*)?", re.IGNORECASE)
_MONTH_NAMED = re.compile(
    r"([a-z]{3,9})[-. ]*(\d{1,2})(?:st|nd|rd|th)?[-., ]+(\d{4})(?:[T ].*)?", re.IGNORECASE
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
}

_PLAIN = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_WORD = re.compile(r"[^\d.,+\-\s']+")
_BLANK_GROUP = re.compile(r"(?<=\d)[ '](?=\d{3}(?!\d))")
_GROUPED = {
    ".": re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:e[+-]?\d{1,3})?", re.IGNORECASE),
    ",": re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d*)?(?:e[+-]?\d{1,3})?", re.IGNORECASE),
}
_ZHE = re.compile(r"(\d{1,2}(?:\.\d+)?)折")
_EXTERNAL_ID = re.compile(r"[A-Za-z_][\w-]*\.[\w.-]+")


class Options(NamedTuple):
    """How values are written.

    ``date_order`` is "dmy", "mdy" or None, which refuses dates that can be either;
    ``decimal`` is "." or ","; ``currency`` is the code that amounts are in; ``today`` is the last day
    that can be the day of a purchase; ``match`` is the only field of a customer that identifies
    it, None for the first one that is filled in; ``delimited`` is whether cells beyond the last
    column come from a delimiter within a value.
    """

    today: datetime.date
    currency: str = ""
    date_order: str | None = None
    decimal: str = "."
    match: str | None = None
    delimited: bool = True


class Customer(NamedTuple):
    """A customer as the file names it; ``kind`` and ``value`` are what it is looked up by."""

    key: str
    kind: str
    value: str
    name: str
    ref: str
    vat: str
    email: str
    phone: str


class StagedRow(NamedTuple):
    """A row that has been understood as far as the file alone allows.

    Numbers are canonical text. ``order_key`` gathers the rows of an order; ``errors`` is a list
    of :class:`RowError`.
    """

    number: int
    cells: list
    order_key: str
    customer: Customer | None
    date: str | None
    external_id: str | None
    amount: str | None
    line_amount: str | None
    margin: str | None
    quantity: str | None
    price_unit: str | None
    discount: str | None
    product: str | None
    errors: list


class RowParser:
    """Turns rows into :class:`StagedRow`.

    :param columns: dict of field to index of its column
    :param headers: names of all columns
    :param options: :class:`Options`
    """

    def __init__(self, columns, headers, options):
        self._columns = columns
        self._headers = headers
        self._options = options
        self._by_line = has_lines(columns)
        self._customer_columns = [
            (field, columns[field]) for field in CUSTOMER_FIELDS if field in columns
        ]
        self._find_customer = lru_cache(maxsize=1 << 16)(self._find_customer)
        self._find_date = lru_cache(maxsize=1 << 14)(self._find_date)

    def parse(self, row):
        """:class:`StagedRow` of a row, None if it is blank."""
        cells = row.cells
        if row.error:
            return self._refuse(row, row.error)
        if all(is_blank(cell) for cell in cells):
            return None
        width = len(self._headers)
        if (
            self._options.delimited
            and len(cells) > width
            and not all(is_blank(cell) for cell in cells[width:])
        ):
            return self._refuse(row, RowError("too_many_cells", cells=len(cells), columns=width))
        return self._parse_cells(row)

    def _refuse(self, row, *errors):
        blank = [None] * 10
        return StagedRow(row.number, row.cells, f"#{row.number}", *blank, list(errors))

    def _parse_cells(self, row):
        errors = []

        def read(find, *arguments):
            try:
                return find(row.cells, *arguments)
            except RowError as error:
                errors.append(error)

        customer = read(self._get_customer)
        date = read(self._get_date)
        external_id = read(self._get_external_id)
        numbers = {
            field: read(self._get_number, field) for field in ("margin", "quantity", "price_unit")
        }
        amount = read(self._get_amount, "amount")
        line_amount = read(self._get_number, "line_amount")
        discount = read(self._get_discount)
        product = read(self._get_text, "product")
        read(self._check_currency)
        if not errors and not self._has_amount(amount, line_amount, numbers):
            errors.append(RowError("missing_amount"))
        order_key = self._get_order_key(row, customer, date, external_id, amount)
        return StagedRow(
            row.number,
            row.cells,
            order_key,
            customer,
            date,
            external_id,
            amount,
            line_amount,
            numbers["margin"],
            numbers["quantity"],
            numbers["price_unit"],
            discount,
            product,
            errors,
        )

    def _has_amount(self, amount, line_amount, numbers):
        """Whether the row tells what it is worth; a line may leave that to its order's total."""
        if amount is not None or line_amount is not None:
            return True
        if self._by_line and "amount" in self._columns:
            return True
        return None not in (numbers["quantity"], numbers["price_unit"])

    def _get_order_key(self, row, customer, date, external_id, amount):
        """What rows of one order have in common.

        A file without order numbers tells orders apart by their content, so that the same file
        makes the same orders again: customer and day when rows are lines, else also the amount,
        where equal ones are counted.
        """
        if external_id:
            return external_id
        if "external_id" in self._columns or not customer or not date:
            return f"#{row.number}"
        content = [customer.key, date] if self._by_line else [customer.key, date, amount or ""]
        return f"auto-{hashlib.sha1('|'.join(content).encode()).hexdigest()[:20]}"

    # ------------------------------------------------------------------
    # Cells
    # ------------------------------------------------------------------

    def _get(self, cells, field):
        """Cell of a field, None if it is blank.

        :raise RowError: if it holds a formula or an error
        """
        index = self._columns.get(field)
        if index is None or index >= len(cells):
            return None
        value = cells[index]
        if isinstance(value, CellProblem):
            self._raise_problem(value, index)
        return None if is_blank(value) else value

    def _raise_problem(self, problem, index):
        values = {"column": self._headers[index], "cell": problem.cell}
        if problem.code == "cell_error":
            values["value"] = problem.value
        raise RowError(problem.code, **values)

    def _error(self, code, field, value=None, **values):
        if value is not None:
            values["value"] = show(value)[:_SHOWN]
        return RowError(code, column=self._headers[self._columns[field]], **values)

    def _get_text(self, cells, field, limit=MAX_TEXT):
        value = self._get(cells, field)
        if value is None:
            return None
        text = to_text(value)
        if len(text) > limit:
            raise self._error("text_too_long", field, limit=limit)
        return text or None

    def _get_external_id(self, cells):
        if "external_id" not in self._columns:
            return None
        text = self._get_text(cells, "external_id", MAX_NUMBER_TEXT)
        if not text:
            raise self._error("missing_number", "external_id")
        if _SHORTENED.fullmatch(text):
            raise self._error("shortened", "external_id", text)
        return text

    def _check_currency(self, cells):
        text = self._get_text(cells, "currency")
        if text and not is_currency(text, self._options.currency):
            raise self._error("currency", "currency", text, currency=self._options.currency)

    # ------------------------------------------------------------------
    # Customer
    # ------------------------------------------------------------------

    def _get_customer(self, cells):
        texts = tuple(
            (field, self._get_text(cells, field)) for field, _index in self._customer_columns
        )
        customer = self._find_customer(texts)
        if isinstance(customer, RowError):
            raise customer
        return customer

    def _find_customer(self, texts):
        """Customer of its texts, or the error; errors are returned so that they are cached too."""
        values = dict(texts)
        wanted = [self._options.match] if self._options.match else CUSTOMER_FIELDS
        field = next((field for field in wanted if values.get(field)), None)
        if not field:
            return RowError("missing_customer")
        try:
            kind, value = self._get_lookup(field, values[field])
        except RowError as error:
            return error
        return Customer(
            f"{kind}:{value.lower()}",
            kind,
            value,
            *(
                values.get(f"customer_{part}") or ""
                for part in ("name", "ref", "vat", "email", "phone")
            ),
        )

    def _get_lookup(self, field, text):
        """What a customer is looked up by, and its value."""
        kind = field.removeprefix("customer_")
        if kind in ("id", "ref", "phone", "vat") and _SHORTENED.fullmatch(text):
            raise self._error("shortened", field, text)
        if kind == "id" and not text.isdecimal():
            kind = "xmlid"
        value = _LOOKUPS[kind](text)
        if not value:
            code = f"customer_{kind}"
            raise self._error(code if code in ROW_ERRORS else "customer_id", field, text)
        return kind, value

    # ------------------------------------------------------------------
    # Date
    # ------------------------------------------------------------------

    def _get_date(self, cells):
        value = self._get(cells, "date")
        if value is None:
            raise self._error("missing_date", "date")
        date = self._find_date(value)
        if isinstance(date, RowError):
            raise date
        return date

    def _find_date(self, value):
        """ISO text of a date, or the error; errors are returned so that they are cached too."""
        try:
            date = parse_date(value, self._options.date_order)
        except ValueError as error:
            return self._error(str(error), "date", value)
        if date.year < FIRST_YEAR:
            return self._error("date_too_old", "date", value, year=FIRST_YEAR)
        if date > self._options.today:
            return self._error("date_future", "date", value)
        return date.isoformat()

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    def _get_number(self, cells, field):
        value = self._get(cells, field)
        return None if value is None else self._to_number(value, field)

    def _to_number(self, value, field):
        options = self._options
        try:
            return parse_number(value, options.decimal, options.currency)
        except ValueError as error:
            code = str(error)
        values = {
            "number_separator": {"decimal": options.decimal},
            "currency": {"currency": options.currency},
        }
        raise self._error(code, field, value, **values.get(code, {}))

    def _get_amount(self, cells, field):
        amount = self._get_number(cells, field)
        if amount and amount.startswith("-"):
            raise self._error("negative_amount", field, amount)
        return amount

    def _get_discount(self, cells):
        """Discount in percent."""
        value = self._get(cells, "discount")
        if value is None:
            return None
        if isinstance(value, str):
            value = to_narrow(to_text(value)).removesuffix("%")
        kept = isinstance(value, str) and _ZHE.fullmatch(value)
        number = _canonical(_from_zhe(kept[1])) if kept else self._to_number(value, "discount")
        if not 0 <= Decimal(number) <= 100:
            raise self._error("discount", "discount", value)
        return number


def parse_date(value, date_order=None):
    """Date of a cell.

    :param date_order: "dmy", "mdy" or None: whether the day or the month comes first where the
        year is last
    :raise ValueError: with the code of a row error

    >>> str(parse_date("2024年1月31日")), str(parse_date("20240131")), str(parse_date("31-Jan-2024"))
    ('2024-01-31', '2024-01-31', '2024-01-31')
    >>> str(parse_date("03/04/2024", "dmy"))
    '2024-04-03'
    """
    if isinstance(value, datetime.date):
        return value
    text = to_narrow(to_text(value))
    match = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
    if match:
        return _make_date(*map(int, match.groups()))
    if match := _YEAR_LAST.fullmatch(text):
        return _parse_year_last(*map(int, match.groups()), date_order)
    if match := _DAY_NAMED.fullmatch(text):
        return _make_date(int(match[3]), _MONTHS.get(match[2].lower(), 0), int(match[1]))
    if match := _MONTH_NAMED.fullmatch(text):
        return _make_date(int(match[3]), _MONTHS.get(match[1].lower(), 0), int(match[2]))
    if _TWO_DIGITS.fullmatch(text):
        raise ValueError("date_two_digits")
    raise ValueError("date_serial" if _SERIAL.fullmatch(text) else "date_unknown")


def _parse_year_last(first, second, year, date_order):
    if not date_order and first != second and first <= 12 and second <= 12:
        raise ValueError("date_ambiguous")
    month_first = date_order == "mdy" or (not date_order and second > 12)
    month, day = (first, second) if month_first else (second, first)
    return _make_date(year, month, day)


def _make_date(year, month, day):
    try:
        return datetime.date(year, month, day)
    except ValueError as error:
        raise ValueError("date_impossible") from error


def parse_number(value, decimal=".", currency=""):
    """Canonical text of a number: no exponent, no zeros that say nothing.

    :param decimal: the decimal separator, "." or ","; the other one may group thousands
    :param currency: code of the currency that the number may be written with
    :raise ValueError: with the code of a row error

    >>> [parse_number(text) for text in ("1,234.50", "(12)", "30-", "1.5e3", "007", "1 234")]
    ['1234.5', '-12', '-30', '1500', '7', '1234']
    >>> parse_number("1.234,5", decimal=","), parse_number("¥ 12.00", currency="CNY")
    ('1234.5', '12')
    """
    text = show(value) if not isinstance(value, str) else value.strip()
    if not isinstance(value, str):
        return _canonical(text)
    if decimal == "." and _PLAIN.fullmatch(text):
        return _canonical(text)
    text = to_narrow(to_text(text)).replace("\u2212", "-")
    negative = text.startswith("(") and text.endswith(")")
    text = _strip_currency(text[1:-1] if negative else text, currency)
    if text.endswith("-"):
        negative, text = True, text[:-1]
    if not _GROUPED[decimal].fullmatch(text) or not any(map(str.isdigit, text)):
        other = _GROUPED["," if decimal == "." else "."].fullmatch(text)
        raise ValueError("number_separator" if other and text else "number")
    text = text.replace("," if decimal == "." else ".", "").replace(",", ".")
    return _canonical(f"-{text}" if negative else text)


def _strip_currency(text, currency):
    """A number without the currency around it and the blanks within it.

    :raise ValueError: if that is another currency than ``currency``
    """

    def strip(match):
        name = match[0].lower()
        if name == "e" and text[match.start() - 1 : match.start()].isdigit():
            return name
        if name not in _CURRENCIES and name != currency.lower():
            raise ValueError("number")
        if not is_currency(name, currency):
            raise ValueError("currency")
        return ""

    bare = _WORD.sub(strip, text).strip()
    return _BLANK_GROUP.sub("", re.sub(r"^([+-]) ", r"\1", bare))


def is_currency(text, currency):
    """Whether a text names a currency.

    >>> is_currency("RMB", "CNY"), is_currency("usd", "USD"), is_currency("€", "USD")
    (True, True, False)
    """
    text = to_narrow(text).strip().lower()
    return text == currency.lower() or text in CURRENCY_NAMES.get(currency, ())


def _canonical(text):
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("number") from error
    if not number.is_finite():
        raise ValueError("number")
    if abs(number) >= MAX_VALUE:
        raise ValueError("number_too_large")
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.removeprefix("+")


def _from_zhe(kept):
    """Discount of a Chinese rebate, which tells what remains to be paid: 8折 is 20 % off.

    >>> _from_zhe("8"), _from_zhe("95")
    ('20', '5')
    """
    kept = Decimal(kept)
    return str(100 - (kept * 10 if kept < 10 else kept))


def _look_up_phone(text):
    digits = "".join(char for char in to_narrow(text) if char.isdigit())
    return digits.lstrip("0") if len(digits) >= MIN_PHONE_DIGITS else ""


_LOOKUPS = {
    "id": lambda text: text.lstrip("0") if len(text) < 10 else "",
    "xmlid": lambda text: text if _EXTERNAL_ID.fullmatch(text) else "",
    "ref": lambda text: text,
    "vat": lambda text: re.sub(r"[\W_]", "", to_narrow(text)).upper(),
    "email": lambda text: text.lower() if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else "",
    "phone": _look_up_phone,
    "name": lambda text: text,
}


# ------------------------------------------------------------------
# How a file writes its values
# ------------------------------------------------------------------


def guess_date_order(values):
    """Which comes first where the year is last, if ``values`` tell.

    >>> guess_date_order(["03/04/2024", "25/04/2024"]), guess_date_order(["03/04/2024"])
    ('dmy', None)
    """
    found = set()
    for value in values:
        match = _YEAR_LAST.fullmatch(to_narrow(to_text(value)))
        if match and int(match[1]) > 12:
            found.add("dmy")
        elif match and int(match[2]) > 12:
            found.add("mdy")
    return found.pop() if len(found) == 1 else None


def guess_decimal(values):
    """The decimal separator, if ``values`` tell.

    >>> guess_decimal(["1.234,50", "12"]), guess_decimal(["1,234", "12.5"]), guess_decimal(["1,234"])
    (',', '.', None)
    """
    found = set()
    for value in values:
        if not isinstance(value, str):
            continue
        text = re.sub(r"[^\d.,]", "", to_narrow(value))
        last = re.search(r"[.,](?=\d*$)", text)
        if last and (len(text) - last.end() != 3 or len(set(text) & set(".,")) == 2):
            found.add(last[0])
    return found.pop() if len(found) == 1 else None
