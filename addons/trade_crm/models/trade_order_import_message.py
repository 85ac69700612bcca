"""Sentences for the errors of an import, by the codes of ``analytics.order_common``.

They are kept as codes and values, so that each person reads them in their own language.
"""

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

FILE_SENTENCES = {
    "empty": _lt("The file is empty. Export it again and check that it has rows."),
    "no_rows": _lt("There is nothing below the column names in row %(row)s."),
    "no_header": _lt(
        "Row %(row)s holds values instead of column names. Add a row on top that names the columns,"
        " such as Customer, Date, Amount."
    ),
    "header_row": _lt("Row %(row)s is empty or beyond the first rows: it cannot name the columns."),
    "merged_header": _lt(
        "In row %(row)s the columns %(columns)s have no name. Unmerge the cells of the column names"
        " and give each column its own."
    ),
    "duplicate_header": _lt(
        "In row %(row)s the columns %(columns)s are all called “%(header)s”. Rename those that do"
        " not count."
    ),
    "other_kind": _lt("This is a %(kind)s file. Save the purchases as CSV or Excel (.xlsx)."),
    "html": _lt(
        "This is a web page or XML under another name, as some systems export it. Open it in a"
        " spreadsheet and save it as Excel (.xlsx)."
    ),
    "old_excel": _lt(
        "This is an Excel file of the format before 2007 (.xls). Open it and save it as .xlsx."
    ),
    "protected": _lt("The file is protected by a password. Save it without one."),
    "not_workbook": _lt(
        "This archive is no Excel workbook. Open the file in a spreadsheet and save it as .xlsx."
    ),
    "damaged": _lt(
        "The workbook is damaged or was cut off. Open it in a spreadsheet and save it again."
    ),
    "zip_bomb": _lt(
        "The workbook unpacks to far more than it should and is refused. Save it as CSV instead."
    ),
    "doctype": _lt(
        "The part %(part)s of the workbook declares a document type, which no spreadsheet does."
        " It is refused. Save the file again in a spreadsheet."
    ),
    "encoding": _lt(
        "The file is neither UTF-8 nor Chinese (GB18030) text. Choose its encoding below, or save it"
        " as CSV UTF-8."
    ),
    "bad_bytes": _lt(
        "Near row %(row)s the file is not valid %(encoding)s text. Choose another encoding, or save"
        " it as CSV UTF-8."
    ),
    "nul": _lt(
        "Row %(row)s holds NUL characters, as UTF-16 text without a mark does. Choose UTF-16 as the"
        " encoding, or save it as CSV UTF-8."
    ),
    "open_quote": _lt(
        "The quotation mark that begins in row %(row)s is never closed. Close or remove it."
    ),
    "row_too_long": _lt(
        "Row %(row)s has more than %(limit)s characters. Check that a quotation mark or line end is"
        " not missing, and shorten it."
    ),
    "cell_too_long": _lt("Row %(row)s has a cell of more than %(limit)s characters. Shorten it."),
    "too_many_columns": _lt(
        "Row %(row)s has values beyond column %(limit)s. Remove the columns that are not needed."
    ),
    "sheet_missing": _lt("There is no sheet “%(sheet)s”. The workbook has: %(sheets)s."),
    "empty_workbook": _lt("No visible sheet of the workbook has any values."),
}

ROW_SENTENCES = {
    "broken_quote": _lt("Text follows a closing quotation mark. Write quotation marks twice."),
    "too_many_cells": _lt(
        "There are %(cells)s cells and only %(columns)s columns. Put values that contain the"
        " delimiter between quotation marks."
    ),
    "missing_customer": _lt("The customer is missing."),
    "missing_date": _lt("“%(column)s” is empty."),
    "missing_number": _lt("“%(column)s” is empty, and each purchase needs its number."),
    "missing_amount": _lt("The amount is missing, or the quantity and price that make it."),
    "text_too_long": _lt("“%(column)s” has more than %(limit)s characters."),
    "shortened": _lt(
        "“%(value)s” in “%(column)s” was shortened by a spreadsheet. Format the column as text and"
        " export it again."
    ),
    "customer_id": _lt("“%(value)s” in “%(column)s” cannot identify a customer."),
    "customer_email": _lt("“%(value)s” in “%(column)s” is no email address."),
    "customer_phone": _lt("“%(value)s” in “%(column)s” is no phone number."),
    "date_unknown": _lt("“%(value)s” in “%(column)s” is no date. Write it as 2024-01-31."),
    "date_ambiguous": _lt(
        "“%(value)s” in “%(column)s” can be read with the day or the month first. Choose the date"
        " order."
    ),
    "date_two_digits": _lt("“%(value)s” in “%(column)s”: write the year with four digits."),
    "date_serial": _lt(
        "“%(value)s” in “%(column)s” is a number. Format the column as a date and save the file"
        " again."
    ),
    "date_impossible": _lt("There is no date “%(value)s” (“%(column)s”). Check the date order."),
    "date_future": _lt("“%(value)s” in “%(column)s” has not come yet."),
    "date_too_old": _lt("“%(value)s” in “%(column)s” is before %(year)s."),
    "number": _lt("“%(value)s” in “%(column)s” is no number."),
    "number_separator": _lt(
        "“%(value)s” in “%(column)s” does not fit the decimal separator “%(decimal)s”. Check the"
        " decimal separator."
    ),
    "number_too_large": _lt("“%(value)s” in “%(column)s” is too large."),
    "negative_amount": _lt(
        "The amount %(value)s is negative. Take returns off the purchase that they belong to, or"
        " remove the row."
    ),
    "discount": _lt("“%(value)s” in “%(column)s” is no discount between 0 and 100 %%."),
    "currency": _lt(
        "“%(value)s” in “%(column)s” is not in %(currency)s. Convert it to the company's currency."
    ),
    "formula": _lt(
        "Cell %(cell)s (“%(column)s”) holds a formula without a result. Open the file in a"
        " spreadsheet and save it, or paste the values."
    ),
    "cell_error": _lt("Cell %(cell)s (“%(column)s”) holds the error %(value)s."),
    # What only the database can tell, see trade_order_import_load.py.
    "customer_unknown": _lt(
        "There is no customer “%(customer)s”. Correct it, choose the customer on the page"
        " “Customers”, or tick “Create missing customers”."
    ),
    "customer_ambiguous": _lt(
        "Several customers are “%(customer)s”: %(candidates)s. Choose one on the page “Customers”."
    ),
    "customer_refused": _lt("Customer “%(customer)s” could not be created: %(candidates)s"),
    "order_refused": _lt("Another row of order %(order)s is wrong (row %(rows)s)."),
    "order_customers": _lt("Order %(order)s has different customers in rows %(rows)s."),
    "order_dates": _lt("Order %(order)s has different dates in rows %(rows)s."),
    "order_amounts": _lt(
        "Order %(order)s appears in rows %(rows)s with different amounts. Give each purchase its own"
        " number, or choose the columns that hold its lines."
    ),
    "order_no_amount": _lt(
        "Order %(order)s has a line without amount and no total (row %(rows)s)."
    ),
    "order_negative": _lt(
        "Order %(order)s is negative in total. Take returns off the purchase that they belong to."
    ),
}


def describe_file_error(env, error):
    """Sentence for an ``OrderFileError``."""
    # A lazy text takes its values after the translation.
    return env._(FILE_SENTENCES[error.code]) % error.values  # pylint: disable=translation-not-lazy


def describe_row_errors(env, errors):
    """Sentences for what is kept on a row: a list of ``{"code": …, **values}``."""
    sentences = (env._(ROW_SENTENCES[error["code"]]) for error in errors or ())
    return " ".join(text % error for text, error in zip(sentences, errors or (), strict=True))
