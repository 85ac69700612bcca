import base64
import csv
import io
import json
import zipfile
from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .privacy_common import EMAIL, WRITTEN, PrivacyCommon


@tagged("post_install", "-at_install")
class TestPrivacyExport(PrivacyCommon):
    """The copy has what is stored about the person, and nothing of anybody else."""

    def _export(self, request=None):
        request = request or self._make_request("access")
        request.action_export()
        archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(request.export_file)))
        data = json.loads(archive.read("data.json"))
        return archive, {section["model"]: section for section in data["sections"]}

    def _get_rows(self, archive, model):
        return list(csv.DictReader(io.StringIO(archive.read(f"{model}.csv").decode("utf-8-sig"))))

    def test_content_is_what_is_stored(self):
        """Compared with the tables, which know nothing of our sources."""
        self._plant()
        order_us = self._make_order(self.person, 80.0, company=self.company_us)
        invoice = self._make_invoice(self.order)
        self._make_history(self.person, 50.0, external_id="OLD-1")
        _archive, sections = self._export()

        def column(model, name):
            return sorted(record[name] for record in sections[model]["records"])

        def stored(query, *params):
            self.env.cr.execute(query, params)
            return sorted(value for [value] in self.env.cr.fetchall())

        person_id = self.person.id
        self.assertEqual(
            column("sale.order", "name"),
            stored("SELECT name FROM sale_order WHERE partner_id = %s", person_id),
        )
        self.assertEqual(
            column("sale.order", "amount_total"), sorted(map(float, (300.0, order_us.amount_total)))
        )
        self.assertEqual(
            column("account.move", "name"),
            stored("SELECT name FROM account_move WHERE partner_id = %s", person_id),
        )
        self.assertIn(invoice.name, column("account.move", "name"))
        self.assertEqual(column("trade.order.history", "external_id"), ["OLD-1"])
        leads = stored(
            "SELECT name FROM crm_lead WHERE partner_id = %s OR email_normalized = %s",
            person_id,
            EMAIL,
        )
        self.assertEqual(column("crm.lead", "name"), leads)
        messages = stored(
            "SELECT id FROM mail_message WHERE (model = 'res.partner' AND res_id IN %s)"
            " OR (model = 'crm.lead' AND res_id IN %s) OR author_id = %s"
            " OR model LIKE 'trade.credit.%%'"
            " OR id IN (SELECT mail_message_id FROM mail_message_res_partner_rel"
            "           WHERE res_partner_id = %s)",
            tuple((self.person | self.address).ids),
            tuple((self.lead | self.lead_alone).ids),
            person_id,
            person_id,
        )
        self.assertEqual(len(sections["mail.message"]["records"]), len(messages))
        [person] = [
            record for record in sections["res.partner"]["records"] if record["name"] == "Li Wei"
        ]
        self.assertEqual((person["email"], person["phone"]), (EMAIL, WRITTEN))
        self.assertEqual(sections["res.partner"]["fields"]["phone"], "Phone")
        for name in ("function", "street", "website"):
            self.assertEqual(person[name], self.person[name])
        self.assertIn("Call Li Wei", person["comment"])

    def test_every_text_of_the_person_is_in_it(self):
        """Whatever is entered in a field of the contact, also of an addon that we do not know."""
        entered = {}
        for name, field in self.person._fields.items():
            if (
                field.type == "char"
                and field.store
                and not field.company_dependent
                and not (field.compute or field.groups)
            ):
                if name not in ("name", "email", "phone", "vat", "lang", "barcode", "parent_path"):
                    entered[name] = f"entered {name}"
        self.env.cr.execute(
            "UPDATE res_partner SET "
            + ", ".join(f"{name} = 'entered {name}'" for name in entered)  # pylint: disable=sql-injection
            + " WHERE id = %s",
            [self.person.id],
        )
        self.person.invalidate_recordset()
        archive, _sections = self._export()
        content = archive.read("data.json").decode()
        self.assertIn("street2", entered)
        for value in entered.values():
            self.assertIn(value, content)

    def test_nothing_of_others(self):
        self._plant()
        secret = "Nobody else may read this"
        for partner in (self.namesake, self.neighbour, self.customer):
            partner.comment = secret
            partner.message_post(body=secret)
            self._make_order(partner, 7654321.0, client_order_ref=secret)
            self.env["crm.lead"].create(
                {"name": secret, "partner_id": partner.id, "email_from": partner.email}
            )
        self.order.message_post(body=secret)
        archive, _sections = self._export()
        for name in archive.namelist():
            content = archive.read(name).decode("utf-8", "replace")
            for needle in (secret, "7654321", "other.planted", "w" + EMAIL):
                self.assertNotIn(needle, content, name)

    def test_table_and_files(self):
        self.person.ref = "=HYPERLINK(1)"
        self.person.message_post(body="Card", attachments=[("card/1.txt", b"my card")])
        archive, _sections = self._export()
        [row] = [row for row in self._get_rows(archive, "res.partner") if row["Name"] == "Li Wei"]
        self.assertEqual(row["Email"], EMAIL)
        self.assertEqual(row["Reference"], "'=HYPERLINK(1)")
        [name] = [name for name in archive.namelist() if name.startswith("files/")]
        self.assertTrue(name.endswith("card_1.txt"))
        self.assertEqual(archive.read(name), b"my card")

    def test_labels_in_the_language_of_the_officer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        request = self._make_request("access").with_context(lang="fr_FR")
        self.env["ir.model.fields"]._get("res.partner", "phone").with_context(
            lang="fr_FR"
        ).field_description = "Téléphone"
        self.env.registry.clear_all_caches()
        _archive, sections = self._export(request)
        self.assertEqual(sections["res.partner"]["fields"]["phone"], "Téléphone")

    def test_no_margin_and_no_colleagues(self):
        self._make_order(self.person, 300.0)
        self._run_job()
        archive, sections = self._export()
        self.assertIn("trade.customer.profile", sections)
        for section in sections.values():
            self.assertFalse(
                {"margin", "trade_margin", "user_id"} & set(section["fields"]) - {"user_id"}
            )
        self.assertNotIn("margin", archive.read("data.json").decode())

    def test_limit_of_files(self):
        self.patch(self.registry["trade.privacy.request"], "_get_room", lambda self: 10)
        self.person.message_post(body="x", attachments=[("large.txt", b"x" * 11)])
        archive, _sections = self._export()
        self.assertEqual(json.loads(archive.read("data.json"))["files_left_out"], ["large.txt"])

    # ------------------------------------------------------------------
    # Log and control
    # ------------------------------------------------------------------

    def test_it_is_logged_as_an_export(self):
        request = self._make_request("access")
        self.env.flush_all()
        self._call(self.user_officer, "trade.privacy.request", "action_export", request.ids)
        row = self._get_exports(self.user_officer)
        self.assertIn(request.name, row.reason)
        self.assertIn(self.person, row.child_ids.partner_id)

    def test_export_control(self):
        self._switch_control(True)
        request = self._make_request("access")
        with self.assertRaisesRegex(UserError, "Customer data export"):
            request.action_export()
        self.user_officer.group_ids += self.group_export
        request.action_export()
        self.assertTrue(request.export_file)

    def test_copy_is_forgotten(self):
        request = self._make_request("access")
        request.action_export()
        requests = self.env["trade.privacy.request"]
        self.clock.tick(timedelta(days=29))
        requests._gc_exports()
        self.assertTrue(request.export_file)
        self.clock.tick(timedelta(days=2))
        requests._gc_exports()
        self.assertFalse(request.export_file or request.export_filename)
        self.assertFalse(
            self.env["ir.attachment"].search(
                [("res_model", "=", requests._name), ("res_field", "=", "export_file")]
            )
        )

    def test_copy_is_for_officers(self):
        request = self._make_request("access")
        request.action_export()
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", request._name), ("res_field", "=", "export_file")]
        )
        self.assertEqual(len(attachment), 1)
        for user in (self.user_manager, self.user_auditor, self.user_rep):
            with self.assertRaises(AccessError):
                self._as(user, attachment).read(["datas"])
        self.assertTrue(self._as(self.user_officer, attachment).datas)

    def test_queries_do_not_grow_with_orders(self):
        def count(action):
            request = self._make_request("access")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            getattr(request, action)()
            return self.env.cr.sql_log_count - before

        actions = ("action_find_data", "action_export")
        self._make_order(self.person, 10.0, confirm=False)
        for action in actions:
            count(action)
        few = {action: count(action) for action in actions}
        self.env["sale.order"].create(
            [{"partner_id": self.person.id, "company_id": self.company_cn.id} for _i in range(300)]
        )
        for action in actions:
            with self.subTest(action=action):
                self.assertLessEqual(count(action), few[action] + 10)
