import datetime
import doctest
import importlib
import io
import tracemalloc
from decimal import Decimal
from itertools import islice

import pytest
from order_files import (
    HEADER,
    ROW,
    archive_of,
    bomb,
    csv_file,
    edit_part,
    edit_sheet,
    share_texts,
    understate_size,
    xlsx_file,
)
from trade_crm_analytics.order_common import FILE_ERRORS, ROW_ERRORS, OrderFileError, to_text
from trade_crm_analytics.order_file import Settings, inspect_file, open_rows
from trade_crm_analytics.order_values import Options, RowParser

TODAY = datetime.date(2026, 3, 31)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
COLUMNS = ["Order number", "Customer", "Date", "Amount"]
VALUES = ["S1", "Golden Wok", datetime.date(2024, 1, 31), 12.5]


def read(content, settings=None, position=None, **options):
    """(inspection, staged rows) of a file, as an import reads it."""
    stream = io.BytesIO(content)
    inspection = inspect_file(stream, settings or Settings())
    delimited = inspection.kind == "csv"
    columns = {field: index for index, field in enumerate(inspection.fields) if field}
    options = {
        "currency": "CNY",
        "today": TODAY,
        "date_order": inspection.date_order,
        "delimited": delimited,
        **options,
    }
    parser = RowParser(columns, inspection.headers, Options(**options))
    source = open_rows(stream, inspection.kind, inspection.settings, position)
    rows = [parser.parse(row) for row in source if row.number > inspection.settings.header_row]
    source.close()
    return inspection, [row for row in rows if row]


def read_row(content, **options):
    _inspection, [row] = read(content, **options)
    return row


def set_formula(value=""):
    """Put a formula into the cell of the amount, with a cached value if there is one."""

    def change(data):
        cell = b'<c r="D2"><f>6*2</f>%s</c>' % (b"<v>%s</v>" % value if value else b"")
        start, end = data.index(b'<c r="D2"'), data.index(b"</c></row></sheetData>") + 4
        return data[:start] + cell + data[end:]

    return change


def put_before_root(text):
    return lambda data: data.replace(b"<worksheet", text + b"<worksheet", 1)


BILLION_LAUGHS = (
    b"""<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;">]>"""
)
GOOD_XLSX = xlsx_file(COLUMNS, VALUES)
SHARED = share_texts(GOOD_XLSX)
CHINESE = csv_file(
    "单号,客户,日期,金额", "S1,北京烤鸭店有限公司,2024年1月31日,12.5", encoding="gb18030"
)

REFUSED_FILES = {
    "empty file": (b"", "empty", {}),
    "nothing but blank lines": (b" \r\n\r\n\t\r\n" * 400, "empty", {}),
    "nothing but empty cells": (csv_file(",,,", ",,,"), "empty", {}),
    "column names and no row": (csv_file(HEADER), "no_rows", {"row": 1}),
    "no column names": (csv_file(ROW, ROW), "no_header", {"row": 1}),
    "the same name twice": (
        csv_file(HEADER + ",Amount", ROW + ",13"),
        "duplicate_header",
        {"row": 1, "header": "Amount", "columns": "D, E"},
    ),
    "merged column names": (
        xlsx_file(["Customer", "", "Amount"], ["Golden Wok", datetime.date(2024, 1, 31), 5]),
        "merged_header",
        {"row": 1, "columns": "B"},
    ),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "other_kind", {"kind": "PNG"}),
    "PDF": (b"%PDF-1.7\n...", "other_kind", {"kind": "PDF"}),
    "packed by gzip": (b"\x1f\x8b\x08\0\0", "other_kind", {"kind": "GZIP"}),
    "web page named xls": (b"\n<html><table><tr><td>Customer</td></tr></table>", "html", {}),
    "spreadsheet in XML of 2003": (b'<?xml version="1.0"?><Workbook>', "html", {}),
    "old Excel": (OLE, "old_excel", {}),
    "Excel with a password": (OLE + "EncryptedPackage".encode("utf-16-le"), "protected", {}),
    "archive of something else": (archive_of(**{"orders.csv": ROW}), "not_workbook", {}),
    "OpenDocument": (
        archive_of(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        "not_workbook",
        {},
    ),
    "binary workbook": (archive_of(**{"xl/workbook.bin": b"\0"}), "not_workbook", {}),
    "workbook cut off": (GOOD_XLSX[: len(GOOD_XLSX) // 2], "damaged", {}),
    "workbook with a broken sheet": (
        edit_sheet(GOOD_XLSX, lambda data: data[: len(data) // 2]),
        "damaged",
        {},
    ),
    "sheet with a text that is not there": (
        edit_sheet(SHARED, lambda data: data.replace(b"<v>0</v>", b"<v>999</v>")),
        "damaged",
        {},
    ),
    "sheet whose size is understated": (
        understate_size(GOOD_XLSX, "xl/worksheets/sheet1.xml", 200),
        "damaged",
        {},
    ),
    "workbook without cells": (xlsx_file(), "empty_workbook", {}),
    "zip bomb": (bomb(40 << 20), "zip_bomb", {}),
    "zip bomb by number": (archive_of(**{f"f{n}": b"" for n in range(10_001)}), "zip_bomb", {}),
    "zip bomb that says it is 3 GB": (
        understate_size(GOOD_XLSX, "xl/worksheets/sheet1.xml", 3 << 30),
        "zip_bomb",
        {},
    ),
    "entities in the sheet": (
        edit_sheet(GOOD_XLSX, put_before_root(BILLION_LAUGHS)),
        "doctype",
        {"part": "sheet"},
    ),
    "entities in the workbook": (
        edit_part(GOOD_XLSX, "xl/workbook.xml", lambda data: b"<!DOCTYPE x []>" + data),
        "doctype",
        {"part": "xl/workbook.xml"},
    ),
    "entities in the shared texts": (
        edit_part(
            SHARED,
            "xl/sharedStrings.xml",
            lambda data: b'<!DOCTYPE x [<!ENTITY a "b">]>' + data,
        ),
        "doctype",
        {"part": "xl/sharedStrings.xml"},
    ),
    "Western letters without a mark": (
        csv_file(HEADER, "S1,Café Élysée Noël,2024-01-31,5", encoding="cp1252"),
        "encoding",
        {},
    ),
    "Russian letters without a mark": (
        csv_file(HEADER, "S1,Золотой дракон,2024-01-31,5", encoding="cp1251"),
        "encoding",
        {},
    ),
    "UTF-8 with a broken character": (
        csv_file("单号,客户,日期,金额", "S1,北京烤鸭店有限公司总店,2024-01-31,5", "S2,老").join(
            [b"", b"\xe5\n"]
        ),
        "bad_bytes",
        {"row": 3, "encoding": "utf-8"},
    ),
    "UTF-16 without a mark": (
        csv_file(HEADER, ROW, encoding="utf-16-le"),
        "nul",
        {"row": 1},
    ),
    "NUL in the middle": (csv_file(HEADER, ROW, "S2,Gold\0en,2024-01-31,5"), "nul", {"row": 3}),
    "quote that is never closed": (
        csv_file(HEADER, 'S1,"Golden Wok,2024-01-31,5', ROW, ROW),
        "open_quote",
        {"row": 2},
    ),
    "quote that swallows a long file": (
        csv_file(HEADER, 'S1,"Golden Wok,2024-01-31,5', *[ROW] * 50_000),
        "open_quote",
        {"row": 2},
    ),
    "cell of 10 MB": (
        csv_file(HEADER, f"S1,{'x' * (10 << 20)},2024-01-31,5"),
        "row_too_long",
        {"row": 2, "limit": 1 << 20},
    ),
    "cell of 10 MB in a workbook": (
        edit_sheet(
            GOOD_XLSX,
            lambda data: data.replace(
                b"</row></sheetData>",
                b'<c r="E2" t="inlineStr"><is><t>%s</t></is></c></row></sheetData>'
                % (b"ab" * (5 << 20)),
            ),
        ),
        "row_too_long",
        {"row": 2, "limit": 1 << 20},
    ),
    "cell of 100,000 characters in a workbook": (
        edit_part(
            SHARED,
            "xl/sharedStrings.xml",
            lambda data: data.replace(b"Golden Wok", b"ab" * 50_000),
        ),
        "cell_too_long",
        {"row": 2, "limit": 32_767},
    ),
    "shared text of 10 MB": (
        edit_part(
            SHARED,
            "xl/sharedStrings.xml",
            lambda data: data.replace(b"Golden Wok", b"ab" * (5 << 20)),
        ),
        "cell_too_long",
        {"row": 2, "limit": 32_767},
    ),
    "300 columns": (
        csv_file(",".join([HEADER, *(f"c{n}" for n in range(300))]), ROW),
        "too_many_columns",
        {"row": 1, "limit": 256},
    ),
    "value in column XFD": (
        xlsx_file(COLUMNS, VALUES, edit=lambda sheet: sheet.cell(2, 16384, "x")),
        "too_many_columns",
        {"row": 2, "limit": 256},
    ),
}


@pytest.mark.parametrize(("content", "code", "values"), REFUSED_FILES.values(), ids=REFUSED_FILES)
def test_refused_file(content, code, values):
    with pytest.raises(OrderFileError) as caught:
        read(content)
    assert (caught.value.code, caught.value.values) == (code, values)


REFUSED_ROWS = {
    "no customer": ("S1,,2024-01-31,5", "missing_customer", {}),
    "no date": ("S1,Wok,,5", "missing_date", {"column": "Date"}),
    "no order number": (",Wok,2024-01-31,5", "missing_number", {"column": "Order number"}),
    "no amount": ("S1,Wok,2024-01-31,", "missing_amount", {}),
    "too few cells": ("S1,Wok,2024-01-31", "missing_amount", {}),
    "comma in an amount": ("S1,Wok,2024-01-31,1,234", "too_many_cells", {"cells": 5, "columns": 4}),
    "text after a quote": ('S1,"Wok"5,2024-01-31,5', "broken_quote", {}),
    "name of 300 letters": (
        f"S1,{'W' * 300},2024-01-31,5",
        "text_too_long",
        {"column": "Customer", "limit": 256},
    ),
    "number that Excel shortened": (
        "2.02401E+11,Wok,2024-01-31,5",
        "shortened",
        {"column": "Order number", "value": "2.02401E+11"},
    ),
    "30 February": (
        "S1,Wok,2024-02-30,5",
        "date_impossible",
        {"column": "Date", "value": "2024-02-30"},
    ),
    "month 13": ("S1,Wok,20241301,5", "date_impossible", {"column": "Date", "value": "20241301"}),
    "3 April or 4 March": (
        "S1,Wok,03/04/2024,5",
        "date_ambiguous",
        {"column": "Date", "value": "03/04/2024"},
    ),
    "year of two digits": (
        "S1,Wok,03/04/24,5",
        "date_two_digits",
        {"column": "Date", "value": "03/04/24"},
    ),
    "day number of Excel": ("S1,Wok,45322,5", "date_serial", {"column": "Date", "value": "45322"}),
    "no date at all": (
        "S1,Wok,last week,5",
        "date_unknown",
        {"column": "Date", "value": "last week"},
    ),
    "tomorrow": ("S1,Wok,2026-04-01,5", "date_future", {"column": "Date", "value": "2026-04-01"}),
    "1900": (
        "S1,Wok,1900-01-01,5",
        "date_too_old",
        {"column": "Date", "value": "1900-01-01", "year": 1970},
    ),
    "text for an amount": (
        "S1,Wok,2024-01-31,five",
        "number",
        {"column": "Amount", "value": "five"},
    ),
    "two decimal points": (
        "S1,Wok,2024-01-31,5.5.5",
        "number",
        {"column": "Amount", "value": "5.5.5"},
    ),
    "two numbers": ("S1,Wok,2024-01-31,12 13", "number", {"column": "Amount", "value": "12 13"}),
    "infinity": ("S1,Wok,2024-01-31,inf", "number", {"column": "Amount", "value": "inf"}),
    "not a number": ("S1,Wok,2024-01-31,nan", "number", {"column": "Amount", "value": "nan"}),
    "decimal comma": (
        'S1,Wok,2024-01-31,"12,5"',
        "number_separator",
        {"column": "Amount", "value": "12,5", "decimal": "."},
    ),
    "more than a billion billions": (
        "S1,Wok,2024-01-31,1e300",
        "number_too_large",
        {"column": "Amount", "value": "1e300"},
    ),
    "negative amount": (
        "S1,Wok,2024-01-31,-5",
        "negative_amount",
        {"column": "Amount", "value": "-5"},
    ),
    "negative amount of an accountant": (
        "S1,Wok,2024-01-31,(5.00)",
        "negative_amount",
        {"column": "Amount", "value": "-5"},
    ),
    "dollars": (
        "S1,Wok,2024-01-31,$5",
        "currency",
        {"column": "Amount", "value": "$5", "currency": "CNY"},
    ),
}


@pytest.mark.parametrize(("line", "code", "values"), REFUSED_ROWS.values(), ids=REFUSED_ROWS)
def test_refused_row(line, code, values):
    """A bad row is refused with its reason; the good one after it is not."""
    _inspection, [bad, good] = read(csv_file(HEADER, line, ROW), decimal=".")
    assert [(error.code, error.values) for error in bad.errors] == [(code, values)]
    assert not good.errors and good.amount == "12.5"


OTHER_COLUMNS = {
    "discount of 120 %": ("Discount", "120", "discount", {"value": "120"}),
    "negative discount": ("Discount", "-5%", "discount", {"value": "-5"}),
    "other currency": ("Currency", "USD", "currency", {"value": "USD", "currency": "CNY"}),
    "margin in words": ("Margin", "good", "number", {"value": "good"}),
    "quantity with a unit": ("Quantity", "5 kg", "number", {"value": "5 kg"}),
}


@pytest.mark.parametrize(
    ("name", "cell", "code", "values"), OTHER_COLUMNS.values(), ids=OTHER_COLUMNS
)
def test_refused_cell(name, cell, code, values):
    row = read_row(csv_file(f"{HEADER},{name}", f"{ROW},{cell}"))
    assert [(error.code, error.values) for error in row.errors] == [
        (code, {"column": name, **values})
    ]


CUSTOMER_CELLS = {
    "email": ("Customer email", "golden wok", "customer_email"),
    "phone": ("Customer phone", "12", "customer_phone"),
    "database id": ("Customer ID", "12a", "customer_id"),
    "shortened phone": ("Customer phone", "1.38E+10", "shortened"),
}


@pytest.mark.parametrize(("name", "cell", "code"), CUSTOMER_CELLS.values(), ids=CUSTOMER_CELLS)
def test_refused_customer(name, cell, code):
    row = read_row(csv_file(f"{name},Date,Amount", f"{cell},2024-01-31,5"))
    assert [(error.code, error.values) for error in row.errors] == [
        (code, {"column": name, "value": cell})
    ]


def test_every_problem_of_a_row_is_reported():
    row = read_row(csv_file(HEADER, ",Wok,2024-02-30,five"))
    assert [error.code for error in row.errors] == ["date_impossible", "missing_number", "number"]


CELL_PROBLEMS = {
    "formula that was never calculated": (set_formula(), "formula", {"cell": "D2"}),
    "formula that failed": (
        lambda data: set_formula(b"#REF!")(data).replace(b'<c r="D2">', b'<c r="D2" t="e">'),
        "cell_error",
        {"cell": "D2", "value": "#REF!"},
    ),
}


@pytest.mark.parametrize(("change", "code", "values"), CELL_PROBLEMS.values(), ids=CELL_PROBLEMS)
def test_refused_workbook_cell(change, code, values):
    row = read_row(edit_sheet(GOOD_XLSX, change))
    assert [(error.code, error.values) for error in row.errors] == [
        (code, {"column": "Amount", **values})
    ]


def test_problem_in_a_column_that_is_not_used():
    """A formula beside the columns that count does no harm."""
    row = read_row(xlsx_file([*COLUMNS, "Remark"], [*VALUES, "=1/0"]))
    assert not row.errors


def test_every_error_is_provoked():
    """Each code that the readers know is asked for above, but one that settings provoke."""
    asked = {
        case[1] for cases in (REFUSED_FILES, REFUSED_ROWS, CELL_PROBLEMS) for case in cases.values()
    }
    asked |= {case[2] for cases in (OTHER_COLUMNS, CUSTOMER_CELLS) for case in cases.values()}
    assert (set(FILE_ERRORS) | set(ROW_ERRORS)) - asked == {"header_row", "sheet_missing"}


# ------------------------------------------------------------------
# What is read
# ------------------------------------------------------------------

SAME = {
    "comma": csv_file(HEADER, ROW),
    "semicolon": csv_file(HEADER.replace(",", ";"), ROW.replace(",", ";")),
    "tab": csv_file(HEADER.replace(",", "\t"), ROW.replace(",", "\t")),
    "bar": csv_file(HEADER.replace(",", "|"), ROW.replace(",", "|")),
    "UTF-8 with a mark": csv_file(HEADER, ROW, encoding="utf-8-sig"),
    "UTF-16 with a mark": csv_file(HEADER, ROW, encoding="utf-16"),
    "UTF-16 big endian": b"\xfe\xff" + csv_file(HEADER, ROW, encoding="utf-16-be"),
    "Windows ends of lines": csv_file(HEADER, ROW, "", end="\r\n"),
    "Mac ends of lines": csv_file(HEADER, ROW, end="\r"),
    "mark before a quote": csv_file(
        '"Order number",Customer,Date,Amount', ROW, encoding="utf-8-sig"
    ),
    "title above": csv_file("Sales of 2024,,,", ",,,", HEADER, ROW),
    "blank lines": csv_file("", HEADER, "", ROW, "", ",,,"),
    "spaces": csv_file(
        " Order  number , Customer,Date,Amount", " S1 ,Golden \t Wok,2024-01-31, 12.50 "
    ),
    "guarded against formulas": csv_file(HEADER, ROW.replace("S1", "'=S1")).replace(b"'=S1", b"S1"),
    "workbook": GOOD_XLSX,
    "workbook of Excel": SHARED,
    "workbook with a reading aid": edit_part(
        SHARED,
        "xl/sharedStrings.xml",
        lambda data: data.replace(
            b"<t>Golden Wok</t>",
            b"<r><t>Golden</t></r><r><rPr/><t xml:space='preserve'> Wok</t></r><rPh><t>x</t></rPh>",
        ),
    ),
    "workbook with texts": xlsx_file(COLUMNS, ROW.split(",")),
    "workbook with a title": xlsx_file(["Sales of 2024"], [], COLUMNS, VALUES),
    "workbook with empty sheets": xlsx_file(COLUMNS, VALUES, title="Orders", before=["A", "B"]),
    "calculated formula": edit_sheet(GOOD_XLSX, set_formula(b"12.5")),
    "inexact number": edit_sheet(
        GOOD_XLSX, lambda data: data.replace(b"12.5", b"12.500000000000002")
    ),
    "prefixed tags": edit_sheet(
        GOOD_XLSX,
        lambda data: (
            data.replace(b"<", b"<x:").replace(b"<x:/", b"</x:").replace(b"xmlns=", b"xmlns:x=")
        ),
    ),
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_same_purchase(content):
    row = read_row(content)
    assert not row.errors
    assert (row.external_id, row.customer.key, row.date, row.amount) == (
        "S1",
        "name:golden wok",
        "2024-01-31",
        "12.5",
    )


def test_chinese_file():
    inspection, [row] = read(CHINESE)
    assert inspection.settings.encoding == "gb18030"
    assert (row.customer.name, row.date, row.amount) == ("北京烤鸭店有限公司", "2024-01-31", "12.5")


@pytest.mark.parametrize("encoding", ["big5", "cp1252"])
def test_chosen_encoding(encoding):
    name = {"big5": "王記餐廳", "cp1252": "Café Noël"}[encoding]
    content = csv_file(HEADER, ROW.replace("Golden Wok", name), encoding=encoding)
    _inspection, [row] = read(content, Settings(encoding=encoding))
    assert row.customer.name == name


def test_wrongly_chosen_encoding():
    with pytest.raises(OrderFileError) as caught:
        read(CHINESE, Settings(encoding="utf-8"))
    assert caught.value.code == "bad_bytes"


def test_chosen_sheet():
    def add(sheet):
        other = sheet.parent.create_sheet("Other")
        other.append(COLUMNS)
        other.append(["S2", *VALUES[1:]])

    content = xlsx_file(COLUMNS, VALUES, edit=add)
    inspection, [row] = read(content)
    assert (inspection.sheets, inspection.settings.sheet, row.external_id) == (
        ["Sheet1", "Other"],
        "Sheet1",
        "S1",
    )
    _inspection, [row] = read(content, Settings(sheet="Other"))
    assert row.external_id == "S2"
    with pytest.raises(OrderFileError) as caught:
        read(content, Settings(sheet="Third"))
    assert caught.value.values == {"sheet": "Third", "sheets": "Sheet1, Other"}


def test_hidden_sheet_is_not_read():
    def hide(sheet):
        sheet.parent.create_sheet("Shown").append(COLUMNS)
        sheet.parent["Shown"].append(["S2", *VALUES[1:]])
        sheet.sheet_state = "hidden"

    inspection, [row] = read(xlsx_file(COLUMNS, VALUES, edit=hide))
    assert (inspection.sheets, row.external_id) == (["Shown"], "S2")


def test_chosen_header_row():
    content = csv_file("Customer,Date,Amount", "Client,Day,Worth", "Golden Wok,2024-01-31,5")
    assert read(content)[0].headers == ["Customer", "Date", "Amount"]
    inspection = inspect_file(io.BytesIO(content), Settings(header_row=2))
    assert inspection.headers == ["Client", "Day", "Worth"]
    with pytest.raises(OrderFileError) as caught:
        inspect_file(io.BytesIO(content), Settings(header_row=9))
    assert caught.value.code == "header_row"


def test_unknown_names_are_left_to_the_person():
    inspection = inspect_file(io.BytesIO(csv_file("Kunde;Datum;Wert", "Wok;31.01.2024;5")))
    assert inspection.headers == ["Kunde", "Datum", "Wert"]
    assert inspection.fields == [None, None, None]


def test_decimal_comma_does_not_pass_for_a_delimiter():
    content = csv_file("Customer;Date;Amount", "Wok;31.01.2024;12,50", "Inn;30.01.2024;1.234,50")
    inspection, rows = read(content, decimal=",")
    assert (inspection.settings.delimiter, inspection.decimal, inspection.date_order) == (
        ";",
        ",",
        "dmy",
    )
    assert [row.amount for row in rows] == ["12.5", "1234.5"]


DATES = {
    "2024-1-5": "2024-01-05",
    "2024/01/05 13:45:00": "2024-01-05",
    "2024.1.5": "2024-01-05",
    "2024-01-05T13:45:00Z": "2024-01-05",
    "２０２４年１月５日": "2024-01-05",
    "20240105": "2024-01-05",
    "5 January 2024": "2024-01-05",
    "05-Jan-2024": "2024-01-05",
    "Jan 5, 2024": "2024-01-05",
    "05/05/2024": "2024-05-05",
    "31/12/2023": "2023-12-31",
    "12/31/2023": "2023-12-31",
}


@pytest.mark.parametrize(("text", "expected"), DATES.items())
def test_date(text, expected):
    content = csv_file("Customer\tDate\tAmount", f"Wok\t{text}\t5")
    assert read_row(content, date_order=None).date == expected


@pytest.mark.parametrize(("order", "expected"), [("dmy", "2024-04-03"), ("mdy", "2024-03-04")])
def test_date_order(order, expected):
    content = csv_file("Customer,Date,Amount", "Wok,03/04/2024,5")
    assert read_row(content, date_order=order).date == expected


NUMBERS = {
    "12": "12",
    "-0": "0",
    "0.10": "0.1",
    ".5": "0.5",
    "1,234,567.891": "1234567.891",
    "１２３．４５": "123.45",
    "1 234.5": "1234.5",
    "¥ 1,234": "1234",
    "￥12元": "12",
    "CNY 12": "12",
    "人民币12.30元": "12.3",
    "1.5E+03": "1500",
    "00012": "12",
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.items())
def test_number(text, expected):
    content = csv_file("Customer\tDate\tAmount", f"Wok\t2024-01-31\t{text}")
    assert read_row(content).amount == expected


def test_margin_may_be_negative():
    content = csv_file(HEADER + ",Margin", ROW + ",-¥3.50")
    assert read_row(content).margin == "-3.5"


DISCOUNTS = {
    "10": "10",
    "10%": "10",
    "12.5 %": "12.5",
    "8折": "20",
    "9.5折": "5",
    "85折": "15",
    "0": "0",
}


@pytest.mark.parametrize(("text", "expected"), DISCOUNTS.items())
def test_discount(text, expected):
    content = csv_file("单号,客户,日期,产品,数量,单价,折扣", f"S1,Wok,2024-01-31,Rice,1,10,{text}")
    assert read_row(content).discount == expected


def test_discount_of_a_workbook_is_a_percentage():
    def style(sheet):
        sheet["E2"].number_format = "0.0%"

    row = read_row(xlsx_file([*COLUMNS, "Discount"], [*VALUES, 0.125], edit=style))
    assert row.discount == "12.5"


def test_dates_of_a_macintosh_workbook():
    def use_1904(data):
        return data.replace(b"<workbookPr/>", b'<workbookPr date1904="1"/>')

    content = xlsx_file(COLUMNS, ["S1", "Wok", datetime.date(2020, 1, 30), 5])
    assert read_row(edit_part(content, "xl/workbook.xml", use_1904)).date == "2024-01-31"


# ------------------------------------------------------------------
# Customers and orders
# ------------------------------------------------------------------


def test_best_column_finds_the_customer():
    content = csv_file(
        "Customer,Customer code,Email,Date,Amount",
        "Wok,C1,info@wok.example,2024-01-31,5",
        "Wok,,info@wok.example,2024-01-31,5",
        "Wok,,,2024-01-31,5",
    )
    _inspection, rows = read(content)
    assert [row.customer.key for row in rows] == ["ref:c1", "email:info@wok.example", "name:wok"]
    _inspection, rows = read(content, match="customer_email")
    assert [row.customer.key for row in rows if row.customer] == ["email:info@wok.example"] * 2
    assert [error.code for error in rows[2].errors] == ["missing_customer"]


def test_customer_keeps_all_that_is_known():
    content = csv_file(
        "客户,手机,税号,日期,金额", "金锅,+86 138-0013-8000,91110000 6000372341,2024-01-31,5"
    )
    customer = read_row(content).customer
    assert (customer.kind, customer.value) == ("vat", "911100006000372341")
    assert (customer.name, customer.phone) == ("金锅", "+86 138-0013-8000")


def test_order_without_number_is_known_by_its_content():
    lines = ["wok,2024/1/31,5.00", "Wok,2024-01-31,5", "Wok,2024-01-31,6", "Inn,2024-01-31,5"]
    _inspection, rows = read(csv_file("Customer,Date,Amount", *lines))
    keys = [row.order_key for row in rows]
    assert keys[0] == keys[1] and len(set(keys)) == 3
    _inspection, again = read(csv_file("Amount,Customer,Date,Remark", "6,WOK,20240131,late"))
    assert again[0].order_key == keys[2]


def test_lines_without_number_are_one_order_a_day():
    lines = ["Wok,2024-01-31,Rice,1,5", "Wok,2024-01-31,Oil,2,9", "Wok,2024-02-01,Oil,2,9"]
    _inspection, rows = read(csv_file("Customer,Date,Product,Quantity,Price", *lines))
    keys = [row.order_key for row in rows]
    assert keys[0] == keys[1] != keys[2]


def test_line_leaves_its_worth_to_the_total():
    content = csv_file(
        "Order,Customer,Date,Product,Order total",
        "S1,Wok,2024-01-31,Rice,5",
        "S1,Wok,2024-01-31,Oil,",
    )
    _inspection, rows = read(content)
    assert not rows[1].errors and rows[1].amount is None


def test_protection_against_formulas_comes_off():
    assert [to_text(text) for text in ("'=1+1", "'-5", "'Wok", "'@x")] == [
        "=1+1",
        "-5",
        "'Wok",
        "@x",
    ]


# ------------------------------------------------------------------
# Streaming
# ------------------------------------------------------------------


def many_rows(count):
    return [
        [f"S{n}", f"Wok {n % 7} 锅", datetime.date(2024, 1, 1 + n % 28), n / 4]
        for n in range(count)
    ]


STREAMS = {
    "utf-8": csv_file(HEADER, *(",".join(map(str, row)) for row in many_rows(3000))),
    "utf-16": csv_file(
        HEADER, *(",".join(map(str, row)) for row in many_rows(3000)), encoding="utf-16"
    ),
    "gb18030": csv_file(
        HEADER, *(",".join(map(str, row)) for row in many_rows(3000)), encoding="gb18030"
    ),
    "quoted line ends": csv_file(HEADER, *(f'S{n},"Wok\n{n}",2024-01-31,{n}' for n in range(3000))),
    "xlsx": xlsx_file(COLUMNS, *many_rows(3000)),
    "xlsx of Excel": share_texts(xlsx_file(COLUMNS, *many_rows(3000))),
}


@pytest.mark.parametrize("content", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("stop", [1, 2, 1700, 3001])
def test_reading_goes_on_where_it_stopped(content, stop):
    """Whatever a row is cut off after, the rest is the same as read in one go."""
    stream = io.BytesIO(content)
    inspection = inspect_file(stream)

    def read_from(position=None, limit=None):
        source = open_rows(stream, inspection.kind, inspection.settings, position)
        rows = list(islice(source, limit))
        position = source.position
        source.close()
        return rows, position

    whole, _position = read_from()
    first, position = read_from(limit=stop)
    rest, _position = read_from(position)
    assert len(whole) == 3001 and first + rest == whole


def test_progress():
    stream = io.BytesIO(STREAMS["xlsx"])
    inspection = inspect_file(stream)
    source = open_rows(stream, "xlsx", inspection.settings)
    shares = []
    for _row in source:
        done, size = source.progress
        shares.append(done / size)
    source.close()
    assert shares == sorted(shares) and shares[0] < 0.01 and shares[-1] > 0.99


@pytest.mark.parametrize("kind", ["utf-8", "xlsx"])
def test_memory_does_not_grow_with_the_file(kind):
    """Ten times the rows take no more memory."""

    def peak(count):
        rows = many_rows(count)
        content = (
            xlsx_file(COLUMNS, *rows)
            if kind == "xlsx"
            else csv_file(HEADER, *(",".join(map(str, row)) for row in rows))
        )
        stream = io.BytesIO(content)
        inspection = inspect_file(stream)
        tracemalloc.start()
        source = open_rows(stream, inspection.kind, inspection.settings)
        total = sum(Decimal(str(row.cells[3])) for row in source if row.number > 1)
        source.close()
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total == Decimal(count * (count - 1)) / 8
        return memory

    assert peak(10_000) < 2 * peak(1000) + (1 << 20)


@pytest.mark.parametrize("name", ["common", "columns", "values", "csv", "xlsx", "file"])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"trade_crm_analytics.order_{name}"))
    assert not result.failed
