import base64
import csv
import io
from unittest import TestCase
from unittest.mock import patch

import openpyxl
import pandas as pd
from psycopg2 import errors

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger

from ..analytics.order_common import FILE_ERRORS, ROW_ERRORS
from ..demo_company.cdnow import read_cdnow
from ..models import trade_order_import_load as load
from ..models import trade_order_import_run as run
from ..models.trade_order_import_message import FILE_SENTENCES, ROW_SENTENCES
from .common import TradeCrmCommon

HEADER = "Order number,Customer,Date,Amount"
LINE_HEADER = "Order number,Customer,Date,Product,Quantity,Price,Discount"
ORDER_ERRORS = {
    code: ("order", "rows", "customer", "candidates")
    for code in ROW_SENTENCES
    if code not in ROW_ERRORS
}


class OrderImportCommon(TradeCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.imports = (
            cls.env["trade.order.import"]
            .with_user(cls.user_manager)
            .with_context(allowed_company_ids=cls.company_cn.ids, tracking_disable=True)
        )

    def _make_import(self, *lines, content=None, filename="orders.csv", **values):
        """A file of ``lines`` that the manager has uploaded."""
        content = content or "\n".join(lines).encode()
        return self.imports.create(
            {
                "file": base64.b64encode(content),
                "filename": filename,
                "source": "old",
                **values,
            }
        )

    def _finish(self, imported):
        """Work as the job does, without its commits."""
        while imported._process_chunk():
            pass

    def _check(self, *lines, **values):
        imported = self._make_import(*lines, **values)
        imported.action_read()
        imported.action_check()
        self._finish(imported)
        self.assertEqual(imported.state, "checked", imported.error_message)
        return imported

    def _import(self, *lines, **values):
        imported = self._check(*lines, **values)
        imported.action_import()
        self._finish(imported)
        self.assertEqual(imported.state, "done", imported.error_message)
        return imported

    def _get_counts(self, imported):
        return {
            name: imported[f"{name}_count"]
            for name in ("new", "updated", "unchanged", "partner", "bad")
            if imported[f"{name}_count"]
        }

    def _get_histories(self):
        return self.env["trade.order.history"].search(
            [("company_id", "=", self.company_cn.id)], order="external_id"
        )

    def _get_reasons(self, imported):
        rows = imported.row_ids.filtered("errors").sorted("number")
        return [(row.number, row.reason) for row in rows]


@tagged("post_install", "-at_install")
class TestOrderImport(OrderImportCommon):
    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def test_columns_are_recognised(self):
        imported = self._make_import(
            "单号,客户,日期,金额,备注", "S1,Golden Wok,2024年1月31日,12.5,"
        )
        self.assertEqual(imported.state, "draft")
        imported.action_read()
        self.assertEqual(imported.state, "ready")
        self.assertEqual(
            imported.column_ids.mapped("field"),
            ["external_id", "customer_name", "date", "amount", False],
        )
        self.assertEqual(imported.column_ids[1].sample, "Golden Wok")
        self.assertEqual((imported.kind, imported.encoding), ("csv", "utf-8"))
        self.assertEqual((imported.delimiter, imported.header_row), (",", 1))

    def test_example_files(self):
        """They can be imported as they are, in either language."""
        self.env["res.lang"]._activate_lang("zh_CN")
        for language, expected in {"en_US": {"new": 3, "partner": 2}, "zh_CN": {"new": 3}}.items():
            with self.subTest(language=language):
                action = self.imports.with_context(lang=language).action_get_example()
                with file_open(action["url"].lstrip("/"), "rb") as file:
                    content = file.read()
                imported = self._import(content=content, source=language, create_partners=True)
                self.assertEqual(self._get_counts(imported), expected)
        amounts = self._get_histories().mapped("amount")
        self.assertEqual(sorted(amounts), sorted(2 * [2626.0, 426.0, 2280.0]))

    def test_preview_is_escaped(self):
        imported = self._make_import(HEADER, "S1,<script>alert(1)</script>,2024-01-31,5")
        imported.action_read()
        self.assertIn("&lt;script&gt;", imported.preview)
        self.assertNotIn("<script>", imported.preview)

    def test_another_encoding_reads_the_file_again(self):
        imported = self._make_import(content=f"{HEADER}\nS1,Café,2024-01-31,5".encode("cp1252"))
        with self.assertRaisesRegex(UserError, "Choose its encoding"):
            imported.action_read()
        imported.encoding = "cp1252"
        imported.action_read()
        self.assertIn("Café", imported.column_ids.mapped("sample"))
        with self.assertRaisesRegex(UserError, "not valid big5 text"), self.cr.savepoint():
            imported.encoding = "big5"

        imported = self._make_import(content=f"{HEADER}\nS1,金凤,2024-01-31,5".encode("gb18030"))
        imported.action_read()
        self.assertIn("金凤", imported.column_ids.mapped("sample"))
        imported.encoding = "cp1252"
        self.assertIn("½ð·ï", imported.column_ids.mapped("sample"))

    def test_another_file_begins_anew(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,5")
        content = "客户;日期;金额\nGolden Wok;2024-01-31;5".encode("gb18030")
        imported.file = base64.b64encode(content)
        self.assertRecordValues(imported, [{"state": "draft", "delimiter": False}])
        imported.action_read()
        self.assertRecordValues(
            imported, [{"state": "ready", "delimiter": ";", "encoding": "gb18030"}]
        )

    def test_columns_that_do_not_suffice(self):
        imported = self._make_import("Kunde,Datum,Wert", "Golden Wok,2024-01-31,5")
        imported.action_read()
        with self.assertRaisesRegex(UserError, "the customer, the date,? and the amount"):
            imported.action_check()
        customer, date, amount = imported.column_ids
        customer.field, date.field, amount.field = "customer_name", "date", "amount"
        imported.match_by = "customer_ref"
        with self.assertRaisesRegex(UserError, "Customer: reference"):
            imported.action_check()
        imported.match_by = "auto"
        imported.action_check()
        self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"new": 1})

    def test_two_columns_of_one_meaning(self):
        imported = self._make_import(HEADER, "S1,Golden Wok,2024-01-31,5")
        imported.action_read()
        with self.assertRaises(ValidationError):
            imported.column_ids[0].field = "amount"

    def test_change_after_the_check(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,5")
        imported.create_partners = True
        self.assertEqual(imported.state, "ready")
        with self.assertRaisesRegex(UserError, "is in the state “Columns”"):
            imported.action_import()
        imported.action_check()
        with self.assertRaisesRegex(UserError, "cancel it first"):
            imported.source = "other"
        with self.assertRaisesRegex(UserError, "cancel it first"):
            imported.unlink()

    def test_source_is_that_of_the_last_import(self):
        self._make_import(HEADER, source="Kingdee")
        self.assertEqual(self.imports.new().source, "Kingdee")

    # ------------------------------------------------------------------
    # From rows to purchases
    # ------------------------------------------------------------------

    def test_purchases(self):
        imported = self._check(
            f"{HEADER},Margin,Quantity,Currency",
            "S1,Golden Wok,2024-01-31,12.345,3,2,CNY",
            "S2,Golden Wok,2024-02-01,0,,,元",
        )
        self.assertEqual(self._get_counts(imported), {"new": 2})
        self.assertFalse(self._get_histories())
        imported.action_import()
        self._finish(imported)
        common = {"partner_id": self.customer.id, "source": "old", "import_id": imported.id}
        self.assertRecordValues(
            self._get_histories(),
            [
                {"external_id": "S1", "amount": 12.35, "margin": 3, "quantity": 2, **common},
                {"external_id": "S2", "amount": 0, "margin": 0, "quantity": 0, **common},
            ],
        )
        self.assertEqual(imported.history_count, 2)
        self.assertFalse(imported.row_ids)
        self.assertProfile(self.customer, order_count=2, revenue=12.35, margin=3)

    def test_twice(self):
        """The same file again changes nothing and bothers nobody."""
        lines = [HEADER, "S1,Golden Wok,2024-01-31,12.50", "S2,Golden Wok,2024-02-01,20"]
        self._import(*lines)
        self._run_job()
        imported = self._import(*lines)
        self.assertEqual(self._get_counts(imported), {"unchanged": 2})
        self._commit()
        waiting = self.env["trade.profile.dirty"].search([("partner_id", "=", self.customer.id)])
        self.assertFalse(waiting)
        self.assertNotEqual(self._get_histories().import_id, imported)

    def test_twice_without_numbers(self):
        """Equal purchases of a day are counted, so that each of them is known again."""
        lines = ["Customer,Date,Amount", *["Golden Wok,2024-01-31,12.50"] * 3]
        self.assertEqual(self._get_counts(self._import(*lines)), {"new": 3})
        self.assertEqual(self._get_counts(self._import(*lines)), {"unchanged": 3})
        imported = self._import(*lines, "golden wok,2024/1/31,12.5")
        self.assertEqual(self._get_counts(imported), {"new": 1, "unchanged": 3})

    def test_update(self):
        other = self._make_customer("Silver Spoon")
        lines = ["S1,Golden Wok,2024-01-31,12.50", "S2,Golden Wok,2024-02-01,20"]
        self._import(HEADER, *lines)
        self.assertProfile(self.customer, revenue=32.5)
        imported = self._import(HEADER, lines[0], "S2,Silver Spoon,2024-02-02,21")
        self.assertEqual(self._get_counts(imported), {"updated": 1, "unchanged": 1})
        self.assertRecordValues(
            self._get_histories()[1],
            [{"partner_id": other.id, "date": fields.Date.to_date("2024-02-02"), "amount": 21}],
        )
        self.assertProfile(other, revenue=21)
        self.assertProfile(self.customer, revenue=12.5)

    def test_column_that_is_left_out_keeps_what_is_known(self):
        self._import(f"{HEADER},Margin,Quantity", "S1,Golden Wok,2024-01-31,12.50,4,3")
        imported = self._import(HEADER, "S1,Golden Wok,2024-01-31,12.50")
        self.assertEqual(self._get_counts(imported), {"unchanged": 1})
        self.assertRecordValues(self._get_histories(), [{"margin": 4, "quantity": 3}])

    def test_sources_and_companies_do_not_mix(self):
        lines = [HEADER, "S1,Golden Wok,2024-01-31,12.50"]
        self._import(*lines)
        self.assertEqual(self._get_counts(self._import(*lines, source="older")), {"new": 1})
        self._make_history(self.customer, company=self.company_us, source="old", external_id="S1")
        self.assertEqual(self._get_counts(self._import(*lines)), {"unchanged": 1})

    def test_rows_that_repeat_a_purchase_are_one(self):
        row = "S1,Golden Wok,2024-01-31,12.50"
        self.assertEqual(self._get_counts(self._import(HEADER, row, row)), {"new": 1})
        self.assertEqual(self._get_histories().amount, 12.5)

    def test_currency_without_cents(self):
        self.company_cn.currency_id = self.env.ref("base.JPY")
        self._import(HEADER, "S1,Golden Wok,2024-01-31,￥1234.5")
        self.assertEqual(self._get_histories().amount, 1235)

    def test_workbook(self):
        book = openpyxl.Workbook()
        book.active.append(["Order number", "Customer", "Date", "Amount"])
        book.active.append([1001, "Golden Wok", fields.Date.to_date("2024-01-31"), 12.5])
        book.active.append([1002, "Golden Wok", "2024-02-01", "=6*2"])
        stream = io.BytesIO()
        book.save(stream)
        imported = self._import(content=stream.getvalue(), filename="orders.xlsx")
        self.assertEqual(imported.sheet, "Sheet")
        self.assertRecordValues(self._get_histories(), [{"external_id": "1001", "amount": 12.5}])
        [[number, reason]] = self._get_reasons(imported)
        self.assertEqual(number, 3)
        self.assertIn("Cell D3 (“Amount”) holds a formula", reason)

    # ------------------------------------------------------------------
    # Lines
    # ------------------------------------------------------------------

    def test_lines(self):
        self.product_service.default_code = "ADV"
        rice = self.env["product.product"].create({"name": "Rice", "barcode": "690001"})
        lines = [
            LINE_HEADER,
            "S1,Golden Wok,2024-01-31,ADV,3,1.115,",
            "S2,Golden Wok,2024-01-31,690001,1,10,",
            "S1,Golden Wok,2024-01-31,rice,2,10,15%",
            "S1,Golden Wok,2024-01-31,Old sauce,1,4,8折",
        ]
        self.assertEqual(self._get_counts(self._import(*lines)), {"new": 2})
        first, second = self._get_histories()
        self.assertRecordValues(
            first.line_ids,
            [
                {"product_id": self.product_service.id, "product_name": "ADV", "amount": 3.35},
                {"product_id": rice.id, "product_name": "rice", "amount": 17},
                {"product_id": False, "product_name": "Old sauce", "amount": 3.2},
            ],
        )
        self.assertRecordValues(
            first, [{"amount": 23.55, "quantity": 6, "line_count": 3, "discounted_count": 2}]
        )
        self.assertEqual(second.line_ids.product_id, rice)
        self.assertEqual(self._get_counts(self._import(*lines)), {"unchanged": 2})
        lines[3] = "S1,Golden Wok,2024-01-31,rice,2,10,"
        self.assertEqual(self._get_counts(self._import(*lines)), {"updated": 1, "unchanged": 1})
        self.assertRecordValues(first, [{"amount": 26.55, "line_count": 3, "discounted_count": 1}])
        self.assertEqual(len(first.line_ids), 3)
        self.assertProfile(self.customer, revenue=36.55, order_count=2, discounted_share=0.25)

    def test_product_is_not_guessed(self):
        """A name that two products have, or one of another company, stays a text."""
        self.env["product.product"].create([{"name": "Rice"}, {"name": "Rice"}])
        self.env["product.product"].create({"name": "Oil", "company_id": self.company_us.id})
        self._import(
            LINE_HEADER, "S1,Golden Wok,2024-01-31,Rice,1,5,", "S1,Golden Wok,2024-01-31,Oil,1,5,"
        )
        lines = self._get_histories().line_ids
        self.assertEqual(lines.mapped("product_name"), ["Rice", "Oil"])
        self.assertFalse(lines.product_id)

    def test_total_of_order_wins_over_lines(self):
        self._import(
            "Order,Customer,Date,Product,Amount,Order total",
            "S1,Golden Wok,2024-01-31,Rice,5,12",
            "S1,Golden Wok,2024-01-31,Freight,6,",
        )
        history = self._get_histories()
        self.assertEqual((history.amount, history.line_ids.mapped("amount")), (12, [5, 6]))

    def test_lines_without_numbers_are_an_order_a_day(self):
        lines = [
            "Customer,Date,Product,Quantity,Price",
            "Golden Wok,2024-01-31,Rice,1,5",
            "Golden Wok,2024-02-01,Rice,1,5",
            "Golden Wok,2024-01-31,Oil,1,7",
        ]
        self._import(*lines)
        self.assertEqual(sorted(self._get_histories().mapped("amount")), [5, 12])
        lines[3] = "Golden Wok,2024-01-31,Oil,2,7"
        self.assertEqual(self._get_counts(self._import(*lines)), {"updated": 1, "unchanged": 1})

    def test_returned_line_makes_the_order_smaller(self):
        self._import(
            LINE_HEADER,
            "S1,Golden Wok,2024-01-31,Rice,3,5,",
            "S1,Golden Wok,2024-01-31,Rice,-1,5,",
        )
        self.assertRecordValues(self._get_histories(), [{"amount": 10, "quantity": 2}])

    # ------------------------------------------------------------------
    # Customers
    # ------------------------------------------------------------------

    def test_customer_is_found(self):
        self.company_cn.country_id = self.env.ref("base.cn")
        self.customer.write(
            {
                "ref": "C-001",
                "email": "Info <info@wok.example>",
                "phone": "+86 138 0013 8000",
                "vat": "9111 0000 6000",
            }
        )
        [[module_name]] = self.customer.export_data(["id"])["datas"]
        found = {
            "Customer code": ["C-001", "c-001"],
            "Email": ["info@wok.example", "INFO@wok.example"],
            "Phone": ["13800138000", "+86 138-0013-8000", "008613800138000"],
            "Tax number": ["911100006000", "9111-0000-6000"],
            "Customer": ["golden  wok", "Golden Wok"],
            "Customer ID": [str(self.customer.id), module_name],
        }
        for header, values in found.items():
            for value in values:
                with self.subTest(header=header, value=value):
                    imported = self._check(f"{header},Date,Amount", f"{value},2024-01-31,5")
                    self.assertEqual(imported.customer_ids.partner_id, self.customer)

    def test_chinese_brackets(self):
        partner = self._make_customer("北京（集团）有限公司")
        imported = self._check("客户,日期,金额", "北京(集团)有限公司,2024-01-31,5")
        self.assertEqual(imported.customer_ids.partner_id, partner)

    def test_contacts_of_a_company_are_one_customer(self):
        self.customer.email = "info@wok.example"
        self.contact.email = "info@wok.example"
        imported = self._check("Email,Date,Amount", "info@wok.example,2024-01-31,5")
        self.assertEqual(imported.customer_ids.partner_id, self.customer)

    def test_archived_customer_counts_where_no_active_one_does(self):
        archived = self._make_customer("Silver Spoon", active=False)
        self._make_customer("Golden Wok", active=False)
        imported = self._check(HEADER, "S1,Silver Spoon,2024-01-31,5", "S2,Golden Wok,2024-01-31,5")
        self.assertEqual(set(imported.customer_ids.partner_id.ids), {archived.id, self.customer.id})

    def test_two_customers_fit(self):
        twin = self._make_customer("Golden Wok")
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,5", create_partners=True)
        [[_number, reason]] = self._get_reasons(imported)
        self.assertIn(f"Golden Wok (ID {self.customer.id}), Golden Wok (ID {twin.id})", reason)
        self.assertEqual(imported.attention_count, 1)
        imported.customer_ids.partner_id = twin
        self.assertRecordValues(imported.customer_ids, [{"state": "chosen"}])
        self.assertEqual(imported.state, "ready")
        imported.action_check()
        self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"new": 1})
        self.assertEqual(imported.customer_ids.partner_id, twin)

    def test_customer_of_another_company_is_not_found(self):
        self._make_customer("Stranger", company_id=self.company_us.id)
        imported = self._check(HEADER, "S1,Stranger,2024-01-31,5")
        self.assertEqual(imported.customer_ids.state, "missing")
        with self.assertRaises(UserError):
            imported.customer_ids.partner_id = self._make_customer(
                "Other", company_id=self.company_us.id
            )

    def test_missing_customers_are_created_for_good_orders(self):
        imported = self._check(
            "Order,Customer,Customer code,Email,Phone,Date,Amount",
            "S1,Silver Spoon,C2,,+1 555 0100,2024-01-31,5",
            "S2,Silver Spoon,C2,hi@spoon.example,,2024-02-01,6",
            "S3,Bad Fork,C3,,,2024-02-30,6",
            create_partners=True,
        )
        self.assertEqual(self._get_counts(imported), {"new": 2, "partner": 1, "bad": 1})
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Silver Spoon")]))
        imported.action_import()
        self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"new": 2, "partner": 1, "bad": 1})
        self.assertRecordValues(
            self.env["res.partner"].search([("name", "in", ("Silver Spoon", "Bad Fork"))]),
            [
                {
                    "ref": "C2",
                    "email": "hi@spoon.example",
                    "phone": "+1 555 0100",
                    "customer_rank": 1,
                    "company_id": False,
                }
            ],
        )

    def test_customer_that_cannot_be_created(self):
        """One that another rule forbids is refused with its reason; the others are created."""
        create = type(self.env["res.partner"]).create

        def refuse(partners, vals_list):
            if any(vals["name"] == "Forbidden" for vals in vals_list):
                raise ValidationError("This name is forbidden.")
            return create(partners, vals_list)

        imported = self._check(
            HEADER,
            "S1,Forbidden,2024-01-31,5",
            "S2,Silver Spoon,2024-01-31,6",
            create_partners=True,
        )
        imported.action_import()
        with patch.object(type(self.env["res.partner"]), "create", refuse):
            self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"new": 1, "partner": 1, "bad": 1})
        self.assertEqual(
            self._get_reasons(imported),
            [(2, "Customer “Forbidden” could not be created: This name is forbidden.")],
        )

    def test_unknown_database_id_creates_nobody(self):
        imported = self._check(
            "Customer ID,Date,Amount", "999999999,2024-01-31,5", create_partners=True
        )
        [[_number, reason]] = self._get_reasons(imported)
        self.assertIn("There is no customer “999999999”", reason)

    def test_customer_that_is_deleted_meanwhile(self):
        partner = self._make_customer("Silver Spoon")
        imported = self._check(HEADER, "S1,Silver Spoon,2024-01-31,5")
        partner.unlink()
        imported.action_import()
        self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"bad": 1})
        self.assertFalse(self._get_histories())

    # ------------------------------------------------------------------
    # Refused files and rows
    # ------------------------------------------------------------------

    def test_every_error_has_a_sentence(self):
        self.assertEqual(FILE_SENTENCES.keys(), FILE_ERRORS.keys())
        self.assertLessEqual(ROW_ERRORS.keys(), ROW_SENTENCES.keys())
        for codes, sentences in (
            (FILE_ERRORS, FILE_SENTENCES),
            (ROW_ERRORS | ORDER_ERRORS, ROW_SENTENCES),
        ):
            for code, names in codes.items():
                with self.subTest(code=code):
                    text = self.env._(sentences[code]) % {name: f"<{name}>" for name in names}
                    self.assertNotIn("%(", text)

    def test_refused_files(self):
        """Nothing of a file that cannot be read is kept, and the person is told what to do."""
        files = {
            b" \n": "The file is empty",
            HEADER.encode(): "nothing below the column names in row 1",
            b"S1,Golden Wok,2024-01-31,5\nS2,Golden Wok,2024-01-31,5": "Add a row on top",
            b"%PDF-1.7": "This is a PDF file",
            b"<html><table>": "web page",
            b"PK\x05\x06" + b"\0" * 18: "no Excel workbook",
            b"PK\x03\x04 cut off": "damaged",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old": "format before 2007",
            f"{HEADER},Amount\nS1,Golden Wok,2024-01-31,5,6".encode(): "all called “Amount”",
            f"{HEADER}\nS1,Caf\xe9 Ren\xe9e,2024-01-31,5".encode("cp1252"): "Choose its encoding",
            f'{HEADER}\nS1,"Golden Wok,2024-01-31,5'.encode(): "in row 2 is never closed",
            f"{HEADER}\nS1,{'x' * (10 << 20)},2024-01-31,5".encode(): "Row 2 has more than 1048576",
            f"{HEADER}\nS1,Golden\0Wok,2024-01-31,5".encode(): "Row 2 holds NUL",
        }
        for content, message in files.items():
            imported = self._make_import(content=content)
            with self.subTest(message=message), self.assertRaisesRegex(UserError, message):
                imported.action_read()
            self.assertEqual(imported.state, "draft")
            self.assertFalse(imported.column_ids)

    def test_file_that_turns_out_to_be_bad(self):
        """An error far down in the file is found by the check, and nothing is kept."""
        rows = [f"S{number},Golden Wok,2024-01-31,5" for number in range(1000)]
        rows[900] = 'S900,"Golden Wok,2024-01-31,5'
        imported = self._make_import(HEADER, *rows)
        imported.action_read()
        imported.action_check()
        with self._job_env() as env:
            imported.with_env(env)._run()
        self.assertRecordValues(
            imported,
            [
                {
                    "state": "ready",
                    "error_message": "The quotation mark that begins in row 902 is never closed."
                    " Close or remove it.",
                }
            ],
        )
        self.assertFalse(imported.row_ids)
        self.assertFalse(self._get_histories())

    def test_refused_rows(self):
        """Each bad row has its reason; the only good one goes in."""
        self._make_customer("Twin")
        self._make_customer("Twin")
        rows = {
            "B1,,2024-01-31,5": "The customer is missing.",
            "B2,Golden Wok,,5": "“Date” is empty.",
            ",Golden Wok,2024-01-31,5": "“Order number” is empty, and each purchase needs",
            "B3,Golden Wok,2024-01-31,": "The amount is missing",
            "B4,Golden Wok,2024-02-30,5": "There is no date “2024-02-30”",
            "B5,Golden Wok,01/02/2024,5": "Choose the date order",
            "B6,Golden Wok,31/01/24,5": "write the year with four digits",
            "B7,Golden Wok,45322,5": "Format the column as a date",
            "B8,Golden Wok,soon,5": "is no date",
            "B9,Golden Wok,2026-04-01,5": "has not come yet",
            "B10,Golden Wok,1900-01-01,5": "is before 1970",
            "B11,Golden Wok,2024-01-31,five": "is no number",
            'B12,Golden Wok,2024-01-31,"1,5"': "does not fit the decimal separator “.”",
            "B13,Golden Wok,2024-01-31,1e300": "is too large",
            "B14,Golden Wok,2024-01-31,-5": "The amount -5 is negative",
            "B15,Golden Wok,2024-01-31,$5": "is not in CNY",
            "1.2E+11,Golden Wok,2024-01-31,5": "was shortened by a spreadsheet",
            f"B17,{'x' * 300},2024-01-31,5": "has more than 256 characters",
            "B18,Golden Wok,2024-01-31,1,234": "There are 5 cells and only 4 columns",
            'B19,"Golden"Wok,2024-01-31,5': "Text follows a closing quotation mark",
            "B20,Nobody,2024-01-31,5": "There is no customer “Nobody”",
            "B21,Twin,2024-01-31,5": "Several customers are “Twin”",
            "B22,Golden Wok,2024-01-31,5": "Order B22 has different customers in rows 24, 25",
            "B22,Twin,2024-01-31,5": "Order B22 has different customers in rows 24, 25",
            "B23,Golden Wok,2024-01-31,5": "Order B23 has different dates in rows 26, 27",
            "B23,Golden Wok,2024-02-01,5": "Order B23 has different dates in rows 26, 27",
            "B24,Golden Wok,2024-01-31,5": "rows 28, 29 with different amounts",
            "B24,Golden Wok,2024-01-31,6": "rows 28, 29 with different amounts",
        }
        imported = self._import(HEADER, *rows, "S1,Golden Wok,2024-01-31,5", decimal=".")
        reasons = self._get_reasons(imported)
        self.assertEqual([number for number, _reason in reasons], list(range(2, 2 + len(rows))))
        for (_number, reason), wanted in zip(reasons, rows.values(), strict=True):
            self.assertIn(wanted, reason)
        self.assertEqual(self._get_counts(imported), {"new": 1, "bad": len(rows)})
        self.assertEqual(self._get_histories().external_id, "S1")

    def test_order_goes_in_as_a_whole_or_not_at_all(self):
        imported = self._import(
            LINE_HEADER,
            "S1,Golden Wok,2024-01-31,Rice,1,5,",
            "S2,Golden Wok,2024-01-31,Rice,1,5,",
            "S1,Golden Wok,2024-01-31,Oil,many,5,",
            "S3,Golden Wok,2024-01-31,Rice,-1,5,",
        )
        self.assertEqual(self._get_histories().mapped("external_id"), ["S2"])
        self.assertEqual(
            self._get_reasons(imported),
            [
                (2, "Another row of order S1 is wrong (row 4)."),
                (4, "“many” in “Quantity” is no number."),
                (
                    5,
                    "Order S3 is negative in total. Take returns off the purchase that they"
                    " belong to.",
                ),
            ],
        )

    def test_reasons_are_in_the_language_of_the_reader(self):
        imported = self._check(HEADER, "S1,Nobody,2024-01-31,5")
        row = imported.row_ids
        self.assertEqual(row.errors[0]["code"], "customer_unknown")
        self.assertEqual(row.errors[0]["customer"], "Nobody")

    def test_file_of_refused_rows(self):
        """It opens in a spreadsheet, holds no formula, and can be corrected and imported."""
        imported = self._import(
            "Order number,Customer,Date,Amount,Remark",
            "S1,Golden Wok,2024-02-30,5,=cmd()",
            'S2,Golden Wok,2024-01-31,-5,"late, sorry"',
            "S3,Golden Wok,2024-01-31,5",
        )
        content = base64.b64decode(imported.error_file)
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"))
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        self.assertEqual(rows[0][:5], ["Order number", "Customer", "Date", "Amount", "Remark"])
        self.assertEqual(rows[1][:6], ["S1", "Golden Wok", "2024-02-30", "5", "'=cmd()", "2"])
        self.assertEqual(rows[2][:6], ["S2", "Golden Wok", "2024-01-31", "-5", "late, sorry", "3"])
        self.assertIn("There is no date", rows[1][6])
        self.assertEqual(imported.error_filename, "orders - refused rows.csv")
        corrected = content.replace(b"2024-02-30", b"2024-02-29").replace(b",-5,", b",7,")
        again = self._import(content=corrected)
        self.assertEqual(self._get_counts(again), {"new": 2})
        self.assertEqual(self._get_histories().mapped("amount"), [5, 7, 5])

    # ------------------------------------------------------------------
    # Running
    # ------------------------------------------------------------------

    def test_chunks_of_any_size_give_the_same(self):
        lines = [f"S{number % 7},Golden Wok,2024-01-31,P{number},1,5," for number in range(20)]
        with patch.object(run, "READ_CHUNK", 3), patch.object(load, "ORDER_CHUNK", 4):
            imported = self._import(LINE_HEADER, *lines, "S9,Nobody,2024-01-31,P,1,1,")
        self.assertEqual(self._get_counts(imported), {"new": 7, "bad": 1})
        self.assertEqual(sum(self._get_histories().mapped("amount")), 100)
        self.assertEqual(len(self._get_histories().line_ids), 20)
        self.assertEqual(imported.progress, 100)

    def test_failure_in_the_middle(self):
        """What was committed stays, and trying again brings the rest."""
        lines = [f"S{number},Golden Wok,2024-01-31,1" for number in range(10)]
        imported = self._check(HEADER, *lines)
        imported.action_import()
        queue = type(imported)._queue_customers
        calls = []

        def fail(self):
            calls.append(1)
            if len(calls) == 3:
                raise RuntimeError("the disk is full")
            return queue(self)

        with (
            patch.object(load, "ORDER_CHUNK", 3),
            patch.object(type(imported), "_queue_customers", fail),
            mute_logger("odoo.addons.trade_crm.models.trade_order_import_run"),
            self._job_env() as env,
        ):
            imported.with_env(env)._run()
        self.assertEqual(imported.state, "failed")
        self.assertIn("the disk is full", imported.error_message)
        self.assertEqual(len(self._get_histories()), 6)
        imported.action_retry()
        self._finish(imported)
        self.assertEqual(imported.state, "done")
        self.assertEqual(self._get_counts(imported), {"new": 10})
        self.assertEqual(len(self._get_histories()), 10)
        self.assertProfile(self.customer, order_count=10, revenue=10)

    def test_kill_at_any_commit(self):
        """A worker that dies between two chunks leaves what another one goes on with."""
        lines = [f"S{number},Golden Wok,2024-01-31,1" for number in range(6)]
        with patch.object(run, "READ_CHUNK", 2), patch.object(load, "ORDER_CHUNK", 2):
            imported = self._make_import(HEADER, *lines)
            imported.action_read()
            imported.action_check()
            for state, action in (("checked", "action_import"), ("done", None)):
                more = True
                while more:
                    # Nothing but the database is left of the worker before.
                    self.env.flush_all()
                    self.env.invalidate_all()
                    more = self.imports.browse(imported.id)._process_chunk()
                self.assertEqual(imported.state, state)
                if action:
                    getattr(imported, action)()
        self.assertEqual(self._get_counts(imported), {"new": 6})
        self.assertEqual(len(self._get_histories()), 6)

    def test_job_killed_within_a_chunk(self):
        """What a killed worker had not committed is done again, once."""
        imported = self._check(HEADER, *[f"S{n},Golden Wok,2024-01-31,1" for n in range(6)])
        imported.action_import()
        with patch.object(load, "ORDER_CHUNK", 2):
            for _attempt in range(3):
                with self.assertRaises(KeyboardInterrupt), self.env.cr.savepoint():
                    imported._process_chunk()
                    raise KeyboardInterrupt
            self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"new": 6})

    def test_chunk_that_another_transaction_spoiled(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,1")
        imported.action_import()
        write = type(imported)._write_history
        attempts = []

        def spoil(self):
            attempts.append(1)
            if len(attempts) < 3:
                raise errors.SerializationFailure
            return write(self)

        with patch.object(type(imported), "_write_history", spoil), self._job_env() as env:
            imported.with_env(env)._run()
        self.assertEqual((len(attempts), imported.state), (3, "done"))
        self.assertEqual(self._get_counts(imported), {"new": 1})

    def test_second_worker_stays_away(self):
        imported = self._make_import(HEADER, "S1,Golden Wok,2024-01-31,1")
        imported.action_read()
        imported.action_check()
        with self.registry.cursor() as cr:
            cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [run.LOCK, imported.id])
            self.assertFalse(imported._process_chunk())
            self.assertFalse(imported.processed_count)
        self._finish(imported)
        self.assertEqual((imported.state, imported.new_count), ("checked", 1))

    def test_import_is_pressed_twice(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,1")
        imported.action_import()
        with self.assertRaisesRegex(UserError, "“Importing”. Reload"):
            imported.action_import()

    def test_cancel(self):
        """Purchases that went in stay; the same file brings the others later."""
        lines = [f"S{number},Golden Wok,2024-01-31,1" for number in range(6)]
        imported = self._check(HEADER, *lines)
        imported.action_import()
        with patch.object(load, "ORDER_CHUNK", 2):
            imported._process_chunk()
            imported.action_cancel()
            self.assertFalse(imported._process_chunk())
        self.assertEqual(len(self._get_histories()), 2)
        again = self._import(HEADER, *lines)
        self.assertEqual(self._get_counts(again), {"new": 4, "unchanged": 2})
        imported.action_reset()
        imported.action_check()
        self._finish(imported)
        self.assertEqual(self._get_counts(imported), {"unchanged": 6})

    def test_job(self):
        """The scheduled job does it all, and leaves a report for the person who waits."""
        imported = self._make_import(HEADER, "S1,Golden Wok,2024-01-31,5", "S2,Nobody,,5")
        imported.action_read()
        cron = self.env.ref("trade_crm.ir_cron_run_imports")
        for action, state in (("action_check", "checked"), ("action_import", "done")):
            getattr(imported, action)()
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            self.assertEqual(imported.state, state)
        self.assertEqual(self._get_histories().create_uid, self.user_manager)
        report = imported.message_ids[0]
        self.assertEqual(report.author_id, self.user_manager.partner_id)
        self.assertIn("Rows refused: 1", report.body)

    def test_staged_rows_are_forgotten(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,5")
        self.imports._gc_staging()
        self.assertTrue(imported.row_ids)
        self.env.flush_all()
        self.env.cr.execute("UPDATE trade_order_import SET write_date = '2026-02-01'")
        self.env.invalidate_all()
        self.env["trade.order.import"]._gc_staging()
        self.env.invalidate_all()
        self.assertFalse(imported.row_ids)
        self.assertEqual(imported.state, "ready")

    # ------------------------------------------------------------------
    # Access
    # ------------------------------------------------------------------

    def test_only_managers_import(self):
        imported = self._check(HEADER, "S1,Nobody,2024-01-31,5")
        for user in (self.user_rep, self.user_marketer, self.user_agent, self.user_outsider):
            with self.subTest(user=user.login):
                mine = imported.with_user(user).with_context(
                    allowed_company_ids=user.company_ids.ids
                )
                for records in (mine, imported.row_ids, imported.customer_ids):
                    self.assertTrue(records)
                    with self.assertRaises(AccessError):
                        records.with_user(user).read(["id"])
                with self.assertRaises(AccessError):
                    mine.action_import()

    def test_auditor_reads(self):
        imported = self._check(HEADER, "S1,Nobody,2024-01-31,5")
        auditor = imported.with_user(self.user_auditor)
        self.assertEqual(auditor.bad_count, 1)
        self.assertEqual(auditor.row_ids.number, 2)
        with self.assertRaises(AccessError):
            auditor.action_check()

    def test_other_company(self):
        with self.assertRaises(AccessError):
            self._make_import(HEADER, company_id=self.company_us.id)
        imported = self.env["trade.order.import"].create(
            {"file": base64.b64encode(b"x"), "company_id": self.company_us.id}
        )
        self.assertFalse(self.imports.search([("id", "=", imported.id)]))

    def test_right_that_is_lost_meanwhile(self):
        imported = self._check(HEADER, "S1,Golden Wok,2024-01-31,5")
        imported.action_import()
        manager = self.env.ref("trade_crm.group_manager")
        self.user_manager.write({"group_ids": [fields.Command.unlink(manager.id)]})
        with (
            mute_logger("odoo.addons.trade_crm.models.trade_order_import_run"),
            self._job_env() as env,
        ):
            env["trade.order.import"].browse(imported.id)._run()
        self.assertEqual(imported.sudo().state, "failed")
        self.assertFalse(self._get_histories())


@tagged("post_install", "-at_install")
class TestCdnowImport(OrderImportCommon):
    """The purchase log of CDNOW, 6,919 purchases of 2,357 customers, as a person imports it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purchases = read_cdnow()
        rows = cls.purchases.assign(
            customer=cls.purchases["customer"].map("CDNOW {:04}".format),
            amount=cls.purchases["amount"].map("{:.2f}".format),
        )
        columns = {
            "customer": "Customer",
            "date": "Date",
            "quantity": "Quantity",
            "amount": "Amount",
        }
        cls.content = rows[list(columns)].rename(columns=columns).to_csv(index=False).encode()

    def _run_in_job(self, imported):
        with self._job_env() as env:
            imported.with_env(env)._run()

    def test_cdnow(self):
        imported = self._make_import(content=self.content, create_partners=True, source="CDNOW")
        imported.action_read()
        imported.action_check()
        self._run_in_job(imported)
        self.assertEqual(self._get_counts(imported), {"new": 6919, "partner": 2357})
        imported.action_import()
        self._kill_third_chunk(imported)
        self._run_in_job(imported)
        self.assertEqual(imported.state, "done")
        self.assertEqual(self._get_counts(imported), {"new": 6919, "partner": 2357})
        self._compare()
        again = self._import(content=self.content, source="CDNOW")
        self.assertEqual(self._get_counts(again), {"unchanged": 6919})
        self._compare()

    def _kill_third_chunk(self, imported):
        """A worker commits two chunks and dies in the third one."""
        create = type(imported)._create_partners
        calls = []

        def die(self):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return create(self)

        with (
            patch.object(load, "ORDER_CHUNK", 1000),
            patch.object(type(imported), "_create_partners", die),
            # Odoo's own would roll back what was committed before.
            TestCase.assertRaises(self, KeyboardInterrupt),
        ):
            self._run_in_job(imported)
        self.assertEqual((imported.state, imported.new_count), ("importing", 2000))

    def _compare(self):
        histories = self.env["trade.order.history"].search_read(
            [("source", "=", "CDNOW")], ["partner_id", "date", "amount", "quantity"]
        )
        names = {
            partner.id: int(partner.name.removeprefix("CDNOW "))
            for partner in self.env["res.partner"].search([("name", "=like", "CDNOW %")])
        }
        found = pd.DataFrame(
            [
                (
                    names[row["partner_id"][0]],
                    row["date"].strftime("%Y%m%d"),
                    row["quantity"],
                    row["amount"],
                )
                for row in histories
            ],
            columns=["customer", "date", "quantity", "amount"],
        )
        columns = list(found)
        expected = self.purchases[columns].astype({"quantity": float})
        pd.testing.assert_frame_equal(
            found.sort_values(columns, ignore_index=True),
            expected.sort_values(columns, ignore_index=True),
        )
        self.assertEqual((len(found), found["customer"].nunique()), (6919, 2357))
        self.assertAlmostEqual(found["amount"].sum(), self.purchases["amount"].sum(), places=2)
