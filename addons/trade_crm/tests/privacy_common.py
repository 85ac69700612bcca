from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import SQL

from .access_common import AccessCommon

EMAIL = "li.wei.planted@teahouse-planted.test"
PHONE = "+8613812345678"
WRITTEN = "+86 138 1234 5678"


class PrivacyCommon(AccessCommon):
    """A person with everything that Odoo may keep of somebody, and people who are nearly the same.

    ::

        person      Li Wei, a private customer: EMAIL, PHONE; with a delivery address
        namesake    Li Wei, another e-mail at the same domain
        neighbour   wli.wei.planted@…: their address ends with that of the person
        customer    the company of the other fixtures
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].set_param("trade_crm.territory_scope", "False")
        cls.user_officer = new_test_user(
            cls.env,
            login="trade_officer",
            groups="trade_crm.group_privacy",
            company_id=cls.company_cn.id,
            company_ids=[Command.set(cls.company_cn.ids)],
            tz="Asia/Shanghai",
        )
        cls.china = cls.env.ref("base.cn")
        cls.person = cls._make_person("Li Wei", email=EMAIL, phone=WRITTEN, street="Lotus Lane 8")
        cls.address = cls._make_contact(
            "Warehouse of Li", cls.person, type="delivery", street="Dock 3", phone=WRITTEN
        )
        cls.namesake = cls._make_person(
            "Li Wei", email="other.planted@teahouse-planted.test", phone="+86 139 0000 1111"
        )
        cls.neighbour = cls._make_person("Neighbour", email="w" + EMAIL, phone="+86 138 1234 56789")

    @classmethod
    def _make_person(cls, name, **values):
        return cls.env["res.partner"].create({"name": name, "country_id": cls.china.id, **values})

    def _make_request(self, kind="erasure", partner=None, verify=True, **values):
        requests = self._as(self.user_officer, self.env["trade.privacy.request"])
        if partner is None and not values.keys() & {"email", "phone"}:
            partner = self.person
        request = requests.create(
            {"kind": kind, "partner_id": partner and partner.id, "proof": "Called back", **values}
        )
        if verify:
            request.action_verify()
        return request

    def _erase(self, request):
        action = request.action_erase()
        wizard = request.env["trade.privacy.erase"].with_context(**action["context"]).create({})
        self.assertIn("</table>", wizard.preview)
        wizard.number = request.name
        wizard.action_erase()
        return request

    def _sweep(self):
        """Let the job search the texts."""
        cron = self.env.ref("trade_crm.ir_cron_privacy_sweep")
        self.env.flush_all()
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _plant(self):
        """Put the e-mail and phone wherever somebody may have put them."""
        env, person = self.env, self.person
        text = f"Call Li Wei, {WRITTEN} or 138-1234-5678, or write to {EMAIL.upper()}."
        person.write({"comment": text, "function": "Cook", "website": f"https://x.test/{EMAIL}"})
        self.lead = env["crm.lead"].create(
            {
                "name": f"Tea for {EMAIL}",
                "partner_id": person.id,
                "description": text,
                "email_cc": EMAIL,
            }
        )
        self.lead_alone = env["crm.lead"].create(
            {"name": "From the web", "email_from": f"Li Wei <{EMAIL}>", "phone": WRITTEN}
        )
        self.order = self._make_order(person, 300.0)
        self.order.write({"note": text, "client_order_ref": EMAIL})
        self.order.message_post(
            body=text, author_id=person.id, email_from=EMAIL, message_type="comment"
        )
        self.own_note = person.message_post(body=text, attachments=[("card.txt", text.encode())])
        self.lead.with_context(tracking_disable=False).message_post(
            body="Hello", partner_ids=person.ids, incoming_email_to=EMAIL, outgoing_email_to=EMAIL
        )
        env["mail.tracking.value"].create(
            {
                "mail_message_id": self.own_note.id,
                "field_id": env["ir.model.fields"]._get("res.partner", "email").id,
                "old_value_char": EMAIL,
                "new_value_char": EMAIL,
            }
        )
        person.activity_schedule("mail.mail_activity_data_todo", note=text, summary=WRITTEN)
        env["calendar.event"].create(
            {
                "name": f"Tasting with {EMAIL}",
                "start": "2026-04-01 08:00:00",
                "stop": "2026-04-01 09:00:00",
                "partner_ids": [Command.set(person.ids)],
                "description": text,
            }
        )
        env["sms.sms"].create({"partner_id": person.id, "number": PHONE, "body": text})
        env["mail.gateway.allowed"].create({"email": EMAIL})
        env["res.partner.bank"].create({"partner_id": person.id, "acc_number": f"CN {PHONE}"})
        env["mail.mail"].create(
            {"body_html": text, "email_to": EMAIL, "recipient_ids": [Command.set(person.ids)]}
        )
        self.other_lead = env["crm.lead"].create(
            {"name": "Recommended", "partner_id": self.customer.id, "description": text}
        )
        self.visit = env["trade.visit"].create(
            {"partner_id": person.id, "report": text, "next_step": f"Call {WRITTEN}"}
        )
        env["trade.market.note"].create({"visit_id": self.visit.id, "kind": "wish", "text": text})
        self._plant_import(text)
        self._plant_logs(text)
        self._plant_credit(text)
        env.flush_all()

    def _plant_import(self, text):
        imported = self.env["trade.order.import"].create(
            {"company_id": self.company_cn.id, "file": "eA==", "filename": "x.csv"}
        )
        self.env["trade.order.import.customer"].create(
            {
                "import_id": imported.id,
                "key": f"email:{EMAIL}",
                "kind": "email",
                "value": EMAIL,
                "email": EMAIL,
                "phone": WRITTEN,
            }
        )
        self.env["trade.order.import.row"].create(
            {
                "import_id": imported.id,
                "number": 1,
                "cells": ["Li Wei", EMAIL, WRITTEN],
                "order_key": "1",
                "customer_key": f"email:{EMAIL}",
            }
        )

    def _plant_logs(self, text):
        self.env["trade.lead.log"]._log(self.lead, "assign", note=text, details={"to": EMAIL})
        self.env["trade.lead.request"].create(
            {
                "name": f"Tea house of {EMAIL}",
                "user_id": self.user_rep.id,
                "reason": text,
                "decision": text,
                "partner_id": self.person.id,
                "company_id": self.company_cn.id,
            }
        )
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_access_log (happened_at, user_id, kind, model, description)"
                " VALUES (now(), %s, 'list', 'res.partner', %s)",
                self.env.uid,
                f"[('email', 'ilike', '{EMAIL}')]",
            )
        )

    def _plant_credit(self, text):
        owner = {"partner_id": self.person.id, "company_id": self.company_cn.id}
        account = self.env["trade.credit.account"].create(owner)
        account.message_post(body=text)
        self.env["trade.credit.temporary"].create(
            {"account_id": account.id, "amount": 1.0, "date_to": "2026-04-30", "reason": text}
        )
        request = self.env["trade.credit.request"].create(
            {
                "partner_id": self.person.id,
                "order_id": self.order.id,
                "account_id": account.id,
                "user_id": self.user_rep.id,
                **dict.fromkeys(("reason", "situation", "decision"), text),
            }
        )
        request.activity_schedule("mail.mail_activity_data_todo", summary=WRITTEN, note=text)
        self.env["trade.credit.promise"].create(
            {**owner, "amount": 1.0, "date_promised": "2026-04-30", "note": text}
        )

    def _find_everywhere(self, *needles, kept=()):
        """Search every text of every table of the database, which knows nothing of our code.

        :param kept: columns ("table.column") that are passed over
        :return: set of "table.column" with one of ``needles``
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                "SELECT c.table_name, c.column_name FROM information_schema.columns c"
                " JOIN information_schema.tables t USING (table_schema, table_name)"
                " WHERE table_schema = current_schema AND table_type = 'BASE TABLE'"
                " AND c.data_type IN ('character varying', 'text', 'jsonb', 'json', 'ARRAY')"
            )
        )
        found = set()
        for table, column in rows:
            if f"{table}.{column}" in kept:
                continue
            value = SQL("lower(%s::text)", SQL.identifier(column))
            where = SQL(" OR ").join(
                SQL("position(%s in %s) > 0", needle.lower(), value) for needle in needles
            )
            query = SQL("SELECT 1 FROM %s WHERE %s LIMIT 1", SQL.identifier(table), where)
            if self.env.execute_query(query):
                found.add(f"{table}.{column}")
        return found
