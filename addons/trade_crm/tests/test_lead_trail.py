import json
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.bus.tests.common import WebsocketCase

from .territory_common import TerritoryCommon


class TrailCommon(TerritoryCommon):
    """The trail of Golden Wok East: a lead of user_zhejiang with messages, and the customer's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lead = cls._make_lead("Dumpling dream", cls.wok_contact, cls.user_zhejiang)
        cls.far_lead = cls._make_lead("Hutong hope", cls.hutong, cls.user_beijing)

    @classmethod
    def _make_lead(cls, name, partner, user):
        return cls.env["crm.lead"].create(
            {
                "name": name,
                "type": "opportunity",
                "partner_id": partner.id,
                "user_id": user.id,
                "company_id": cls.company_cn.id,
            }
        )

    @classmethod
    def _post(cls, record, user, body="Hello", **kwargs):
        values = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        return cls._as(user, record).message_post(body=body, **{**values, **kwargs})


@tagged("post_install", "-at_install")
class TestLeadTrail(TrailCommon):
    def _read(self, user, domain=None):
        rows = self._as(user, self.env["trade.lead.trail"])
        return rows.search(domain or [("partner_id", "=", self.wok.id)])

    def _do(self, record, user, type_xmlid):
        record = self._as(user, record)
        record.activity_schedule(type_xmlid, user_id=user.id).action_feedback("Said so")

    def test_one_list_over_customer_and_leads(self):
        user = self.user_zhejiang
        second = self._make_lead("Second", self.wok, user)
        acts = [
            lambda: self._do(self.lead, user, "mail.mail_activity_data_call"),
            lambda: self._post(self.lead, user, "By mail"),
            lambda: self._do(second, user, "trade_crm.mail_activity_type_visit"),
            lambda: self._post(self.wok, user, "To the company"),
            lambda: self._post(
                self.wok_contact,
                user,
                "From Ms. Wu",
                message_type="email",
                author_id=self.wok_contact.id,
            ),
            lambda: self._post(second, user, "For colleagues", subtype_xmlid="mail.mt_note"),
            lambda: self._do(second, user, "mail.mail_activity_data_todo"),
            lambda: self._post(self.far_lead, self.user_beijing, "Elsewhere"),
        ]
        for number, act in enumerate(acts):
            self.clock.move_to(f"2026-04-0{number + 1} 04:00:00")
            act()
        self.env.flush_all()
        rows = self._read(user)
        self.assertEqual(
            rows.mapped("kind"), ["task", "note", "mail", "mail", "visit", "mail", "call"]
        )
        self.assertEqual(rows.mapped("lead_id.name"), ["Second", "Dumpling dream"])
        self.assertEqual(rows.partner_id, self.wok)
        self.assertEqual(rows[2].preview, "From Ms. Wu")
        self.assertIn("Said so", rows[-1].preview)
        self.assertEqual(rows[3].author_id, user.partner_id)
        groups = rows._read_group([("id", "in", rows.ids)], ["kind"], ["__count"])
        self.assertEqual(dict(groups), {"task": 1, "note": 1, "mail": 3, "visit": 1, "call": 1})

    def test_meetings(self):
        events = self._as(self.user_zhejiang, self.env["calendar.event"])

        def meet(name, **values):
            return events.create(
                {
                    "name": name,
                    "start": "2026-04-03 10:00:00",
                    "stop": "2026-04-03 11:00:00",
                    **values,
                }
            )

        meet("Of the lead", opportunity_id=self.lead.id)
        meet("Of the customer", partner_ids=[Command.set((self.wok | self.wok_contact).ids)])
        meet("Private", opportunity_id=self.lead.id, privacy="private")
        meet("Elsewhere")
        self.env.flush_all()
        rows = self._read(self.user_zhejiang)
        self.assertEqual(sorted(rows.mapped("subject")), ["Of the customer", "Of the lead"])
        self.assertEqual(set(rows.mapped("kind")), {"meeting"})
        for row in rows:
            self.assertEqual(row.action_open()["res_model"], "calendar.event")
        again = rows.browse(rows.ids)
        again.invalidate_recordset()
        self.assertEqual(again.mapped("subject"), rows.mapped("subject"))

    def test_other_territories_see_nothing(self):
        self._post(self.lead, self.user_zhejiang)
        self._post(self.wok, self.user_zhejiang)
        self.env.flush_all()
        rows = self._read(self.user_zhejiang)
        self.assertEqual(len(rows), 2)
        self.assertEqual(self._read(self.user_east), rows)
        self.assertFalse(self._read(self.user_beijing))
        self.assertFalse(self._read(self.user_shanghai))
        for user in (self.user_beijing, self.user_north):
            for row in rows:
                foreign = self._as(user, row)
                foreign.invalidate_recordset()
                with self.assertRaises(AccessError):
                    foreign.read(["body"])

    def test_leads_of_colleagues_are_as_odoo_shows_them(self):
        """A salesperson who sees own leads only finds no message of another's lead."""
        colleague = new_test_user(
            self.env,
            login="trail_colleague",
            groups="trade_crm.group_rep",
            company_id=self.company_cn.id,
            company_ids=[Command.set(self.company_cn.ids)],
            trade_territory_ids=[Command.set(self.zhejiang.ids)],
        )
        self._post(self.lead, self.user_zhejiang)
        self._post(self.wok, self.user_zhejiang, "Shared")
        self.env.flush_all()
        readable = self._as(colleague, self.lead).has_access("read")
        rows = self._read(colleague)
        self.assertEqual(len(rows), 2 if readable else 1)
        mine = self._read(self.user_zhejiang, [("lead_id", "=", self.lead.id)])
        foreign = self._as(colleague, mine)
        self.assertEqual(foreign.has_access("read"), readable)

    def test_roles(self):
        self._post(self.lead, self.user_zhejiang)
        self.env.flush_all()
        self.assertTrue(self._read(self.user_auditor))
        self._post(self.wok, self.user_zhejiang, "Called")
        self.env.flush_all()
        for user in (self.user_marketer_east, self.user_agent_east):
            self.assertEqual(self._read(user).lead_id.ids, [], "they read no leads")
            self.assertIn("Called", "".join(self._read(user).mapped("body")))

    def test_buttons(self):
        self._post(self.lead, self.user_zhejiang)
        self.env.flush_all()
        for record in (self.lead, self.wok, self.wok_contact):
            action = self._as(self.user_zhejiang, record).action_view_trail()
            self.assertEqual(self._read(self.user_zhejiang, action["domain"]).lead_id, self.lead)
        unknown = self._make_lead("Nobody yet", self.env["res.partner"], self.user_zhejiang)
        self._post(unknown, self.user_zhejiang)
        self.env.flush_all()
        action = self._as(self.user_zhejiang, unknown).action_view_trail()
        self.assertEqual(self._read(self.user_zhejiang, action["domain"]).lead_id, unknown)

    def test_one_customer_is_read_by_indexes(self):
        """No scan of messages: whoever reads the trail has a database with millions."""
        self.cr.execute("SET LOCAL enable_seqscan = off")
        rows = self._as(self.user_zhejiang, self.env["trade.lead.trail"])
        for domain in ([("partner_id", "=", self.wok.id)], [("lead_id", "=", self.lead.id)]):
            query = rows._search(domain, order=rows._order, limit=80)
            plan = self.env.execute_query(SQL("EXPLAIN (COSTS OFF) %s", query.select()))
            text = "\n".join(line for [line] in plan)
            self.assertNotIn("Seq Scan on mail_message", text)
            self.assertRegex(text, r"res_id = |mail_message_.*res_id")

    def test_who_is_told(self):
        sent = []
        with patch.object(
            self.registry["bus.bus"], "_sendone", lambda _bus, *args: sent.append(args)
        ):
            self._post(self.lead, self.user_zhejiang)
        told = [args for args in sent if args[1] == "trade_crm.trail/changed"]
        [(channel, _type, payload)] = told
        self.assertEqual(channel, (self.lead.sudo(), "trade_trail"))
        self.assertEqual(payload, {"model": "crm.lead", "id": self.lead.id})


@tagged("post_install", "-at_install")
class TestLeadTrailSharing(TrailCommon, WebsocketCase):
    def _listen(self, user, *channels):
        session = self.authenticate(user.login, user.login)
        socket = self.websocket_connect(cookie=f"session_id={session.sid};")
        self.subscribe(socket, list(channels), self.env["bus.bus"]._bus_last_id())
        return socket

    def _hear(self, socket):
        socket.settimeout(3)
        try:
            return [
                notice["message"]["payload"]
                for notice in json.loads(socket.recv())
                if notice["message"]["type"] == "trade_crm.trail/changed"
            ]
        except TimeoutError:
            return []
        except Exception as error:
            if "timed out" in str(error).lower():
                return []
            raise

    def test_colleague_hears_and_stranger_does_not(self):
        channel = f"trade_crm.trail:crm.lead:{self.lead.id}"
        told = [{"model": "crm.lead", "id": self.lead.id}]
        # One after the other: logging in ends the session of whoever was logged in before.
        for user, expected in ((self.user_east, told), (self.user_beijing, [])):
            socket = self._listen(user, channel)
            self._post(self.lead, self.user_zhejiang)
            self.trigger_notification_dispatching([(self.lead, "trade_trail")])
            self.assertEqual(self._hear(socket), expected, user.login)

    def test_channels_that_a_user_gets(self):
        lead_channel = f"trade_crm.trail:crm.lead:{self.lead.id}"
        asked = [
            lead_channel,
            f"trade_crm.trail:res.partner:{self.wok.id}",
            "trade_crm.trail:res.users:1",
            "trade_crm.trail:crm.lead:999999999",
        ]

        def get(user):
            return (
                self.env["ir.websocket"]
                .with_user(user)
                ._get_trail_channels(
                    [one for one in asked if self.env["ir.websocket"]._get_trail_match(one)]
                )
            )

        wanted = [(self.lead, "trade_trail"), (self.wok, "trade_trail")]
        self.assertEqual(get(self.user_zhejiang), wanted)
        self.assertEqual(get(self.user_east), wanted)
        self.assertEqual(get(self.user_beijing), [])
        self.assertEqual(get(self.user_rep_us), [])
        self.assertEqual(get(self.env.ref("base.public_user")), [])
