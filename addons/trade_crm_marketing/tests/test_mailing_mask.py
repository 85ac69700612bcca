from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.mail.tests.common import MailCommon
from odoo.addons.mail.tools.discuss import Store
from odoo.addons.trade_crm.tests.access_common import AccessCommon

EMAIL = "li.wei@masked.test"
MASKED = "l***@masked.test"


@tagged("post_install", "-at_install")
class TestMailingMask(AccessCommon):
    """A marketer works with lists whose addresses nothing tells, and which are written to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group_allow_export.user_ids += cls.user_marketer | cls.user_manager
        cls.mailing_list = cls.env["mailing.list"].create({"name": "Chefs"})
        cls.mailing_contact = cls.env["mailing.contact"].create(
            {"name": EMAIL, "email": EMAIL, "list_ids": [Command.set(cls.mailing_list.ids)]}
        )
        cls.blacklisted = cls.env["mail.blacklist"].create({"email": EMAIL})
        cls.mailing = cls.env["mailing.mailing"].create(
            {
                "subject": "News",
                "body_html": "<p>Hello</p>",
                "mailing_model_id": cls.env["ir.model"]._get_id("mailing.list"),
                "contact_list_ids": [Command.set(cls.mailing_list.ids)],
            }
        )
        cls.trace = cls.env["mailing.trace"].create(
            {
                "mass_mailing_id": cls.mailing.id,
                "model": "mailing.contact",
                "res_id": cls.mailing_contact.id,
                "email": EMAIL,
            }
        )
        cls.env.flush_all()

    def _ask(self, model, method, *args, user=None, **kwargs):
        return self._call(user or self.user_marketer, model, method, *args, **kwargs)

    def _get_calls(self):
        """Everything that a client may read these records by."""
        for record in (self.mailing_contact, self.blacklisted, self.trace):
            model, ids, domain = record._name, record.ids, [("id", "=", record.id)]
            spec = {"email": {}, "display_name": {}}
            yield model, "read", (ids, ["email", "display_name"])
            yield model, "read", (ids,)
            yield model, "search_read", (domain, ["email"])
            yield model, "web_read", (ids, spec)
            yield model, "web_search_read", (domain, spec)
            yield model, "web_save", (ids, {}, spec)
            yield model, "export_data", (ids, ["email", "display_name"])
            yield model, "copy_data", (ids,)
            yield model, "name_search", ("", domain)
            yield model, "web_name_search", ("", spec, domain)
            yield model, "onchange", (ids, {"email": "x@y.test"}, ["email"], spec)
            yield model, "web_read_group", (domain, ["create_date:day"], ["__count"])
        yield (
            "mailing.list",
            "web_read",
            (
                self.mailing_list.ids,
                {"contact_ids": {"fields": {"email": {}, "display_name": {}}}},
            ),
        )
        yield "mailing.list", "export_data", (self.mailing_list.ids, ["contact_ids/email"])
        subscription = self.mailing_contact.subscription_ids
        yield "mailing.subscription", "read", (subscription.ids, ["contact_id", "display_name"])
        yield (
            "mailing.subscription",
            "export_data",
            (
                subscription.ids,
                ["contact_id", "contact_id/email", "contact_id/display_name"],
            ),
        )
        yield "mailing.subscription", "formatted_read_group", ([], ["contact_id"], ["__count"])

    def test_no_call_tells_an_address(self):
        for model, method, args in self._get_calls():
            with self.subTest(model=model, method=method):
                self.assertNotIn(EMAIL, str(self._ask(model, method, *args)))

    def test_the_calls_tell_a_manager(self):
        """Or the test above could not fail."""
        self.user_manager.group_ids += self.env.ref("mass_mailing.group_mass_mailing_user")
        both = self.user_manager.copy({"login": "both"})
        both.group_ids += self.env.ref("trade_crm.group_marketer")
        told = 0
        for model, method, args in self._get_calls():
            if method not in ("web_read_group", "onchange"):
                told += EMAIL in str(self._ask(model, method, *args, user=both))
        self.assertGreater(told, 20)

    def test_masked_value(self):
        [values] = self._ask("mailing.contact", "read", self.mailing_contact.ids, ["email", "name"])
        self.assertEqual((values["email"], values["name"]), (MASKED, MASKED))
        [values] = self._ask("mail.blacklist", "search_read", [], ["email"], limit=1)
        rows = self._ask("mailing.contact", "export_data", self.mailing_contact.ids, ["email"])
        self.assertEqual(rows["datas"], [[MASKED]])

    def test_no_groups_by_address(self):
        for method, args in (
            ("formatted_read_group", ([], ["email"], ["__count"])),
            ("web_read_group", ([], ["email"], ["__count"])),
            ("formatted_read_group", ([], [], ["email:array_agg"])),
            ("formatted_read_group", ([], [], ["email:max"])),
            ("read_group", ([], ["email"], ["email"])),
        ):
            with (
                self.subTest(method=method, args=args),
                self.assertRaisesRegex(UserError, "masked"),
            ):
                self._ask("mailing.contact", method, *args)
        with self.assertRaisesRegex(UserError, "masked"):
            self._ask(
                "mailing.subscription",
                "formatted_read_group",
                [],
                ["contact_id.email"],
                ["__count"],
            )
        self._ask("mailing.contact", "formatted_read_group", [], [], ["email:count_distinct"])

    def test_parts_of_an_address_find_nothing(self):
        def count(model, *leaf):
            return self._ask(model, "search_count", [leaf])

        for operator, value in (
            ("ilike", "li.w"), ("=like", "l%"), ("like", "wei@"), (">", "a"), ("=ilike", "li%"),
        ):  # fmt: skip
            with self.subTest(operator=operator):
                self.assertFalse(count("mailing.contact", "email", operator, value))
                self.assertFalse(count("mail.blacklist", "email", operator, value))
                self.assertFalse(count("mailing.subscription", "contact_id.email", operator, value))
        self.assertEqual(count("mailing.contact", "email", "=", EMAIL), 1)
        self.assertEqual(count("mailing.contact", "email", "ilike", EMAIL.upper()), 1)
        self.assertEqual(count("mailing.contact", "email", "ilike", "@masked.test"), 1)
        self.assertEqual(count("mail.blacklist", "email", "ilike", EMAIL), 1)

    # ------------------------------------------------------------------
    # Work goes on
    # ------------------------------------------------------------------

    def test_letters_tell_nothing_by_name_or_order(self):
        for record in (self.mailing_contact, self.blacklisted):
            for name in ("display_name", record._rec_name):
                for part in ("li%", "%wei%"):
                    with self.subTest(model=record._name, name=name, part=part):
                        domain = [("id", "=", record.id), (name, "=ilike", part)]
                        self.assertFalse(self._ask(record._name, "search_count", domain))
            found = self._ask(record._name, "name_search", "li.w", [("id", "=", record.id)])
            self.assertFalse(found)
            domain = [("id", "=", record.id), ("display_name", "=", EMAIL)]
            self.assertTrue(self._ask(record._name, "search_count", domain))
        contacts = self.env["mailing.contact"].create(
            [
                {"name": name, "email": f"{mail}@masked.test"}
                for name, mail in (("A", "zz"), ("B", "aa"))
            ]
        )
        domain = [("id", "in", contacts.ids)]
        for order in ("email", "email desc"):
            rows = self._ask("mailing.contact", "search_read", domain, ["id"], order=order)
            self.assertEqual([row["id"] for row in rows], contacts.ids)

    def test_order_of_names_that_are_addresses(self):
        contacts = self.env["mailing.contact"].create(
            [
                {"name": name, "email": "x@masked.test"}
                for name in ("z@masked.test", "B", "a@masked.test", "A")
            ]
        )
        domain = [("id", "in", contacts.ids)]
        for order in (None, "name", "name desc"):
            with self.subTest(order=order):
                rows = self._ask("mailing.contact", "search_read", domain, ["id"], order=order)
                found = [contacts.ids.index(row["id"]) for row in rows]
                names = [1, 3] if order == "name desc" else [3, 1]
                self.assertEqual(found[:2], names)
                # As they were created, or the other way round: not by address.
                self.assertIn(found[2:], ([0, 2], [2, 0]))
        ascending, descending = (
            [
                row["id"]
                for row in self._ask("mailing.contact", "search_read", domain, ["id"], order=order)
            ]
            for order in ("name", "name desc")
        )
        self.assertEqual(ascending[2:], descending[2:])

    def test_history_of_a_blacklisted_address(self):
        """Before the addon was installed Odoo wrote each change of an address into the history."""
        blacklisted = self.blacklisted.with_context(tracking_disable=False)
        field = self.env["ir.model.fields"]._get("mail.blacklist", "email")
        message = blacklisted.message_post(body="Corrected")
        self.env["mail.tracking.value"].sudo().create(
            {
                "field_id": field.id,
                "old_value_char": "old@masked.test",
                "new_value_char": EMAIL,
                "mail_message_id": message.id,
            }
        )
        shown = {}
        for user in (self.user_marketer, self.user_manager):
            store = Store().add(message.with_user(user).sudo(False))
            shown[user] = str(store.get_result())
        self.assertIn(EMAIL, shown[self.user_manager])
        self.assertNotIn("@masked.test", shown[self.user_marketer].replace(MASKED, ""))
        blacklisted.email = "newer@masked.test"
        self.env.cr.flush()
        self.assertEqual(len(blacklisted.message_ids.sudo().tracking_value_ids), 1)

    def test_nobody_is_suggested_whose_address_is_masked(self):
        contact = self.mailing_contact.with_user(self.user_marketer)
        self.assertNotIn(EMAIL, str(contact._message_get_suggested_recipients()))
        suggested = self.mailing_contact._message_get_suggested_recipients()
        self.assertIn(EMAIL, str(suggested))

    def test_form_saves_what_was_changed(self):
        self._ask(
            "mailing.contact", "web_save", self.mailing_contact.ids, {"name": "Li"}, {"email": {}}
        )
        self.mailing_contact.invalidate_recordset()
        self.assertEqual((self.mailing_contact.name, self.mailing_contact.email), ("Li", EMAIL))

    def test_copy_has_the_address(self):
        [copy_id] = self._ask("mailing.contact", "copy", self.mailing_contact.ids)
        self.assertEqual(self.env["mailing.contact"].browse(copy_id).email, EMAIL)

    def test_taking_off_the_blacklist(self):
        action = self._ask("mail.blacklist", "mail_action_blacklist_remove", self.blacklisted.ids)
        self.assertNotIn(EMAIL, str(action))
        context = {**action["context"], "default_email": MASKED}
        dialog = self._ask("mail.blacklist.remove", "create", {"reason": "Asked"}, context=context)
        self._ask("mail.blacklist.remove", "action_unblacklist_apply", [dialog])
        self.blacklisted.invalidate_recordset()
        self.assertFalse(self.blacklisted.active)
        self.assertFalse(self.env["mail.blacklist"].search([("email", "=", MASKED)]))

    # ------------------------------------------------------------------
    # Show
    # ------------------------------------------------------------------

    def _show(self, record, reason, user=None):
        action = self._ask(record._name, "action_trade_reveal", record.ids, user=user)
        context = action["context"]
        dialog = self._ask(
            action["res_model"], "create", {"reason": reason}, context=context, user=user
        )
        return self._ask(action["res_model"], "action_show", [dialog], user=user)

    def test_show(self):
        for record in (self.mailing_contact, self.blacklisted, self.trace):
            before = self._get_log(self.user_marketer, kind="reveal")
            shown = self._show(record, "She called about it")
            self.assertEqual(shown["params"]["message"], EMAIL)
            row = self._get_log(self.user_marketer, kind="reveal") - before
            self.assertEqual((row.model, row.reason), (record._name, "She called about it"))
            self.assertIn(f"#{record.id}", row.description)
            self.assertNotIn(EMAIL, row.description)

    def test_show_needs_a_reason(self):
        with self.assertRaisesRegex(UserError, "reason"):
            self._show(self.mailing_contact, "x")
        self.assertFalse(self._get_log(self.user_marketer, kind="reveal"))

    def test_show_is_for_marketers(self):
        with self.assertRaises(AccessError):
            self._ask(
                "trade.mailing.reveal",
                "create",
                {"res_model": "mailing.contact", "res_id": 1, "reason": "Because"},
                user=self.user_rep,
            )


@tagged("post_install", "-at_install")
class TestMailingIsSent(AccessCommon, MailCommon):
    def test_marketer_sends_to_whom_they_cannot_read(self):
        contact = self.env["mailing.contact"].create({"name": "Li", "email": EMAIL})
        mailing_list = self.env["mailing.list"].create(
            {"name": "Chefs", "contact_ids": [Command.set(contact.ids)]}
        )
        mailing = self._as(self.user_marketer, self.env["mailing.mailing"]).create(
            {
                "subject": "News",
                "body_html": "<p>Hello</p>",
                "mailing_model_id": self.env["ir.model"]._get_id("mailing.list"),
                "contact_list_ids": [Command.set(mailing_list.ids)],
                "email_from": "us@trade.test",
                "reply_to_mode": "new",
                "reply_to": "us@trade.test",
            }
        )
        with self.mock_mail_gateway():
            mailing.action_send_mail()
        self.assertEqual([mail["email_to"] for mail in self._mails], [[EMAIL]])
        trace = self.env["mailing.trace"].search([("mass_mailing_id", "=", mailing.id)])
        self.assertEqual((trace.email, trace.trace_status), (EMAIL, "sent"))
