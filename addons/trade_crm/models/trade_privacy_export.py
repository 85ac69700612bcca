"""What is handed out to a person who asks for a copy of their data."""

import base64
import csv
import io
import json
import tempfile
import zipfile
from datetime import date, datetime, timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext, split_every

from .base_export import REASON_KEY
from .trade_privacy_request import OFFICER

BATCH = 1000
# The person has it by then; it must not lie around.
KEEP_DAYS = 30
# More than this is named in the copy instead of being in it.
MAX_FILE_BYTES = 100 * 2**20
# Of no use to a person, or a key to something.
TECHNICAL_TYPES = {"binary", "image", "one2many", "many2one_reference", "reference", "json"}
TECHNICAL_FIELDS = {
    "access_token", "color", "create_uid", "display_name", "email_normalized", "email_state",
    "id", "message_main_attachment_id", "message_bounce", "phone_sanitized", "phone_state",
    "reveal_id", "signup_type", "write_uid", "commercial_partner_id", "email_domain_criterion",
}  # fmt: skip
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    export_file = fields.Binary("Copy", attachment=True, readonly=True, groups=OFFICER, copy=False)
    export_filename = fields.Char(readonly=True, copy=False)
    exported_at = fields.Datetime("Copy made on", readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Sources
    # ------------------------------------------------------------------

    @api.model
    def _get_privacy_sources(self, person):
        """Everything that is stored about a person.

        Addons extend it for what they add. A model that is not installed is passed over.

        :param person: see :class:`Person`
        :return: list of tuples (model, domain, names of fields; None for all that tell something)
        """
        partners = person.partners.ids
        about = self._get_document_domain(person)
        files = self._get_document_domain(person, "res_model", "res_id")
        return [
            ("res.partner", Domain("id", "in", partners), None),
            ("res.users", Domain("partner_id", "in", partners), ["login", "active", "create_date"]),
            ("res.partner.bank", Domain("partner_id", "in", partners), ["acc_number", "bank_id"]),
            ("crm.lead", Domain("id", "in", person.leads.ids), None),
            *self._get_message_sources(person, about),
            ("ir.attachment", files & Domain("res_field", "=", False), ["name", "create_date"]),
            *self._get_document_sources(person),
            *self._get_analysis_sources(partners),
            (
                "trade.lead.request",
                self._get_decided_domain(person),
                ["create_date", "name", "reason", "state", "decision", "decided_at"],
            ),
            ("trade.lead.log", self._get_decided_domain(person), ["happened_at", "kind", "note"]),
            (
                "trade.visit",
                self._get_visit_domain(person),
                ["day", "partner_id", "contact_id", "purpose", "state", "started_at", "ended_at"]
                + ["latitude", "longitude", "report", "next_step"],
            ),
            (
                "trade.market.note",
                Domain("visit_id", "any", self._get_visit_domain(person))
                | Domain("partner_id", "in", partners),
                ["day", "partner_id", "kind", "product_id", "price", "text", "answer"],
            ),
            (
                "trade.order.import.customer",
                Domain("partner_id", "in", partners)
                | Domain("email", "in", person.emails)
                | Domain("phone", "in", person.phones),
                ["value", "name", "ref", "vat", "email", "phone"],
            ),
            ("mail.blacklist", Domain("email", "in", person.emails), ["email", "create_date"]),
            ("phone.blacklist", Domain("number", "in", person.phones), ["number", "create_date"]),
        ]

    @api.model
    def _get_message_domain(self, person, about):
        """Messages from and to the person, and about them."""
        return (
            about
            | person.get_partner_domain("author_id", "partner_ids")
            | person.get_email_domain("email_from")
        )

    @api.model
    def _get_message_sources(self, person, about):
        activities = self._get_document_domain(person, "res_model", "res_id")
        partners = person.partners.ids
        return [
            (
                "mail.message",
                self._get_message_domain(person, about),
                ["date", "message_type", "email_from", "subject", "body"],
            ),
            ("mail.activity", activities, ["summary", "note", "date_deadline"]),
            (
                "calendar.event",
                Domain("partner_ids", "in", partners)
                | Domain("opportunity_id", "in", person.leads.ids),
                ["name", "start", "stop", "location", "description"],
            ),
            (
                "sms.sms",
                Domain("partner_id", "in", partners) | Domain("number", "in", person.phones),
                ["create_date", "number", "body", "state"],
            ),
            (
                "snailmail.letter",
                Domain("partner_id", "in", partners),
                ["create_date", "street", "street2", "zip", "city", "state"],
            ),
        ]

    @api.model
    def _get_document_sources(self, person):
        orders = person.get_partner_domain(
            "partner_id", "partner_invoice_id", "partner_shipping_id"
        )
        moves = person.get_partner_domain("partner_id", "partner_shipping_id")
        partner = person.get_partner_domain("partner_id")
        return [
            (
                "sale.order",
                orders,
                ["name", "date_order", "company_id", "state", "client_order_ref", "note"]
                + ["amount_untaxed", "amount_total", "currency_id"],
            ),
            (
                "sale.order.line",
                Domain("order_id", "any", orders) & Domain("display_type", "=", False),
                ["order_id", "name", "product_uom_qty", "price_unit", "discount", "price_subtotal"],
            ),
            (
                "trade.approval.request",
                Domain("order_id", "any", orders),
                ["name", "create_date", "state", "reason", "note", "amount_total", "currency_id"],
            ),
            (
                "trade.approval.step",
                Domain("request_id.order_id", "any", orders),
                ["request_id", "state", "decided_at", "note"],
            ),
            (
                "account.move",
                moves & Domain("move_type", "!=", "entry"),
                ["name", "move_type", "invoice_date", "company_id", "state", "payment_state"]
                + ["amount_untaxed", "amount_total", "currency_id"],
            ),
            (
                "account.payment",
                partner,
                ["name", "date", "payment_type", "amount", "currency_id", "state"],
            ),
            (
                "payment.transaction",
                partner,
                ["reference", "create_date", "amount", "currency_id", "state"]
                + ["partner_name", "partner_email", "partner_phone", "partner_address"],
            ),
            ("stock.picking", partner, ["name", "date_done", "origin", "state"]),
            (
                "trade.order.history",
                partner,
                ["external_id", "date", "company_id", "source", "amount", "currency_id"],
            ),
            (
                "trade.order.history.line",
                Domain("history_id", "any", partner),
                ["history_id", "product_name", "quantity", "price_unit", "discount", "amount"],
            ),
        ]

    @api.model
    def _get_analysis_sources(self, partner_ids):
        """What is worked out about a customer, and who looked at it: without our people's names."""
        partner = Domain("partner_id", "in", partner_ids)
        return [
            (
                "trade.customer.profile",
                partner,
                ["company_id", "first_order_date", "last_order_date", "order_count", "revenue"]
                + ["tier_id", "tier_reason", "lifecycle_status", "next_order_date", "value_band"],
            ),
            ("trade.tier.history", partner, ["changed_at", "tier_id", "reason"]),
            ("trade.territory.move", partner, ["moved_at", "territory_id", "reason"]),
            ("trade.access.log", partner, ["happened_at", "kind"]),
        ]

    # ------------------------------------------------------------------
    # Copy
    # ------------------------------------------------------------------

    def action_export(self):
        """Make the copy, as one file to download from the request."""
        self.ensure_one()
        self._check_verified()
        person = self._get_person()
        self._check_person(person)
        reason = (
            f"{self.name}: {dict(self._fields['kind']._description_selection(self.env))[self.kind]}"
        )
        self.with_context(**{REASON_KEY: reason})._check_customer_export()
        with tempfile.TemporaryFile() as target:
            counts = self._write_copy(target, person)
            target.seek(0)
            # Superuser: Odoo keeps those who may not change the request from attaching to it.
            self.sudo().write(
                {
                    "export_file": self._encode(target.read()),
                    "export_filename": f"{self.name.replace('/', '-')}.zip",
                    "exported_at": fields.Datetime.now(),
                }
            )
        self.env["trade.access.log"]._log(
            "export",
            "res.partner",
            record_count=sum(counts.values()),
            customer_ids=person.partners.ids,
            reason=reason,
            description=", ".join(f"{model}: {count}" for model, count in counts.items()),
        )
        self._add_outcome(
            self.env._("A copy with %(count)s records was made.", count=sum(counts.values()))
        )

    @api.model
    def _encode(self, content):
        return base64.b64encode(content)

    def _write_copy(self, target, person):
        """Write the copy: everything in ``data.json``, a table per kind of record, and the files.

        :param target: open binary file
        :return: dict of number of records per model
        """
        counts = {}
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            contents = {
                "request": self.name,
                "made_on": fields.Datetime.to_string(fields.Datetime.now()),
            }
            contents["sections"] = []
            for model, domain, names in self._get_privacy_sources(person):
                if model not in self.env:
                    continue
                section = self._prepare_section(model, domain, names)
                if not section["records"]:
                    continue
                counts[model] = len(section["records"])
                contents["sections"].append(section)
                archive.writestr(f"{model}.csv", self._get_csv(section))
            contents["files_left_out"] = self._write_files(archive, person)
            archive.writestr("data.json", json.dumps(contents, ensure_ascii=False, indent=1))
        return counts

    @api.model
    def _prepare_section(self, model, domain, names):
        """Records of one model with labels and values in the user's language."""
        model_sudo = self.env[model].sudo().with_context(active_test=False, bin_size=True)
        described = model_sudo._get_privacy_fields() if names is None else names
        described = [name for name in described if name in model_sudo._fields]
        labels = model_sudo.fields_get(described, ["string"])
        records_sudo = model_sudo.search(domain, order="id")
        rows = []
        for ids in split_every(BATCH, records_sudo.ids):
            batch = model_sudo.browse(ids)
            rows += [{name: _get_plain(record, name) for name in described} for record in batch]
            batch.invalidate_recordset()
        return {
            "model": model,
            "label": self.env["ir.model"]._get(model).name,
            "fields": {name: labels[name]["string"] for name in described},
            "records": rows,
        }

    @api.model
    def _get_csv(self, section):
        """A table that a spreadsheet opens, with its byte order mark."""
        target = io.StringIO()
        writer = csv.writer(target)
        writer.writerow(section["fields"].values())
        for row in section["records"]:
            writer.writerow(
                # A cell that begins like a formula is one to a spreadsheet.
                f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value
                for value in row.values()
            )
        return target.getvalue().encode("utf-8-sig")

    def _write_files(self, archive, person):
        """Files on the records of the person and on messages from them.

        :return: names of those that are too large to go along
        """
        attachments_sudo = self._get_files(person)
        room, left_out = self._get_room(), []
        for attachment_sudo in attachments_sudo:
            if attachment_sudo.file_size > room:
                left_out.append(attachment_sudo.name)
                continue
            room -= attachment_sudo.file_size
            name = attachment_sudo.name.replace("/", "_").replace("\\", "_")
            archive.writestr(f"files/{attachment_sudo.id} {name}", attachment_sudo.raw or b"")
            attachment_sudo.invalidate_recordset()
        return left_out

    @api.model
    def _get_room(self):
        return MAX_FILE_BYTES

    @api.model
    def _get_files(self, person):
        """Attachments of the person's records, and what they have sent."""
        messages_sudo = self.env["mail.message"].sudo()
        sent = messages_sudo.search(
            person.get_partner_domain("author_id") | person.get_email_domain("email_from")
        )
        documents = self._get_document_domain(person, "res_model", "res_id")
        attachments_sudo = self.env["ir.attachment"].sudo()
        return attachments_sudo.search(
            (documents & Domain("res_field", "in", [False, "image_1920"]))
            | Domain("id", "in", sent.attachment_ids.ids),
            order="id",
        )

    @api.autovacuum
    def _gc_exports(self):
        """Delete copies that the persons have got by now."""
        limit = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        self.search([("exported_at", "<", limit)])._forget_export()

    def _forget_export(self):
        self.sudo().write({"export_file": False, "export_filename": False, "exported_at": False})


class Base(models.AbstractModel):
    _inherit = "base"

    @api.model
    def _get_privacy_fields(self):
        """Names of the fields that tell a person something of what is stored about them.

        Those that only some of our people see (margins, costs) say something of us.
        """
        return [
            name
            for name, field in self._fields.items()
            if (field.store or field.company_dependent)
            and not field.groups
            and field.type not in TECHNICAL_TYPES
            and name not in TECHNICAL_FIELDS
        ]


def _get_plain(record, name):
    """A value as a person reads it and JSON keeps it."""
    field, value = record._fields[name], record[name]
    if field.type == "boolean":
        return bool(value)
    if not value and field.type not in ("integer", "float", "monetary"):
        return ""
    if field.type == "html":
        return html2plaintext(value)
    if field.type == "properties":
        return "; ".join(
            f"{part.get('string')}: {part.get('value')}"
            for part in record.read([name])[0][name]
            if part.get("value")
        )
    if field.relational:
        return ", ".join(value.mapped(lambda linked: linked.display_name or ""))
    if isinstance(value, (date, datetime)):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return field.convert_to_export(value, record)
