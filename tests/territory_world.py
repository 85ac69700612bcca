"""What the matrix of territories looks at: everything that a customer of another branch leaves."""

import base64
import contextlib
import json
import os
import re
import tomllib
from pathlib import Path

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import SQL, mute_logger

from odoo.addons.trade_crm.tests.territory_common import TerritoryCommon

# Stands in every text of the customer and of its documents but the names, which Odoo shows to
# whoever sees a record with a link to it.
SECRET = "hush7391"
PIXEL = base64.b64encode(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
)
# What a person has who also does the paper work, and in small companies everybody.
EXTRA_GROUPS = (
    "base.group_partner_manager",
    "sales_team.group_sale_salesman_all_leads",
    "account.group_account_invoice",
    "account.group_account_readonly",
    "analytic.group_analytic_accounting",
    "stock.group_stock_user",
    "stock.group_production_lot",
    "purchase.group_purchase_user",
    "helpdesk_mgmt.group_helpdesk_user",
    "mass_mailing.group_mass_mailing_user",
)
AMOUNT = 7391.25
# What gives any of it away, however an amount is written.
TRACE = re.compile(r"hush7391|7,?391\.25")
# `make test-matrix` asks everything in every way, `make test` a sample.
FULL = bool(os.environ.get("TRADE_CRM_MATRIX"))
# Who must not see the customer.
STRANGERS = ("clerk", "manager", "rep", "marketer", "agent", "portal")
LISTED = tomllib.loads((Path(__file__).parent / "territory_matrix.toml").read_text("utf-8"))


def get_listed(kind, names="models"):
    """``{model: reason}`` of a section of the list."""
    return {name: entry["reason"] for entry in LISTED[kind] for name in entry[names]}


class TerritoryWorld(TerritoryCommon):
    """A customer of the territory North with everything, and people of East who must not see it.

    ::

        role       who                                        sees the customer
        ---------  -----------------------------------------  -----------------
        rep        user_zhejiang
        clerk      a rep of Zhejiang with Odoo's rights for
                   invoices, stock, purchase, all leads, …
        manager    user_east, manager of the other branch
        marketer   user_marketer_east
        agent      user_agent_east
        portal     portal user of a customer of Zhejiang
        auditor    user_auditor                               as far as rights go
        near       has all these rights and is of North       yes
        whole      has all these rights and all territories   yes
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_shared()
        cls.env.flush_all()
        cls.env.cr.flush()
        before = cls._get_ids()
        cls.figures_before = cls._read_figures()
        cls._build_world()
        # A colleague had the goods of an own order sent to the customer.
        cls.own_order.partner_shipping_id = cls.target_contact
        cls.env.flush_all()
        cls.env.cr.flush()
        cls.env.invalidate_all()
        cls.foreign = {
            name: ids
            for name, all_ids in cls._get_ids().items()
            if (ids := sorted(all_ids - before.get(name, set())))
        }

    @classmethod
    def _read_figures(cls):
        """What a test wants to compare with later."""

    @classmethod
    def _get_ids(cls):
        """``{model: ids of all its records}``"""
        cls.env.cr.execute("SELECT relname FROM pg_class WHERE relkind = 'r'")
        tables = {name for [name] in cls.env.cr.fetchall()}
        found = {}
        for name, model in cls.env.registry.items():
            if model._abstract or model._transient:
                continue
            if model._auto and model._table in tables:
                rows = cls.env.execute_query(SQL("SELECT id FROM %s", SQL.identifier(model._table)))
                found[name] = {row_id for [row_id] in rows}
            elif not model._auto:
                with contextlib.suppress(UserError):  # some are only read with their account
                    found[name] = set(cls.env[name].sudo()._search([]))
        return found

    @classmethod
    def _setup_people(cls):
        def make_user(login, partner=None, groups=(), **values):
            return new_test_user(
                cls.env,
                login=f"world_{login}",
                groups=",".join(groups),
                company_id=cls.company_cn.id,
                company_ids=[Command.set(cls.company_cn.ids)],
                **({"partner_id": partner.id} if partner else {}),
                **values,
            )

        rep = ("trade_crm.group_rep", *EXTRA_GROUPS)
        near = (
            *rep,
            "trade_crm.group_manager",
            "trade_crm.group_marketer",
            "trade_crm.group_agent",
        )
        cls.users = {
            "rep": cls.user_zhejiang,
            "clerk": make_user(
                "clerk", groups=rep, trade_territory_ids=[Command.set(cls.zhejiang.ids)]
            ),
            "manager": cls.user_east,
            "marketer": cls.user_marketer_east,
            "agent": cls.user_agent_east,
            "portal": make_user("portal", cls.wok_contact, ["base.group_portal"]),
            "auditor": cls.user_auditor,
            "near": make_user(
                "near", groups=near, trade_territory_ids=[Command.set(cls.north.ids)]
            ),
            "whole": make_user(
                "whole",
                groups=(*near, "trade_crm.group_all_territories", "trade_crm.group_privacy"),
            ),
        }
        cls.users["clerk"].group_ids |= cls.env.ref("base.group_allow_export")

    @classmethod
    def _setup_shared(cls):
        """What every branch works with."""
        cls.journal_bank = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company_cn.id)], limit=1
        )
        cls.warehouse = cls.env["stock.warehouse"].search(
            [("company_id", "=", cls.company_cn.id)], limit=1
        )
        attribute = cls.env["product.attribute"].create(
            {
                "name": "Engraving",
                "create_variant": "no_variant",
                "value_ids": [Command.create({"name": "Text", "is_custom": True})],
            }
        )
        template = cls.env["product.template"].create(
            {
                "name": "Knife",
                "is_storable": True,
                "list_price": 10,
                "invoice_policy": "order",
                "taxes_id": [Command.clear()],
                "tracking": "lot",
                "attribute_line_ids": [
                    Command.create(
                        {
                            "attribute_id": attribute.id,
                            "value_ids": [Command.set(attribute.value_ids.ids)],
                        }
                    )
                ],
            }
        )
        cls.knife = template.product_variant_id
        cls.engraving = template.attribute_line_ids.product_template_value_ids
        cls.lot = cls.env["stock.lot"].create(
            {"name": "L1", "product_id": cls.knife.id, "company_id": cls.company_cn.id}
        )
        cls.env["stock.quant"]._update_available_quantity(
            cls.knife, cls.warehouse.lot_stock_id, 1000, lot_id=cls.lot
        )
        cls.tag = cls.env["res.partner.category"].create({"name": "Everybody"})
        cls.team = cls.env["crm.team"].create({"name": "All", "company_id": cls.company_cn.id})
        cls.campaign = cls.env["utm.campaign"].create({"name": "Spring"})
        cls.plan = cls.env["account.analytic.plan"].create({"name": "Projects"})
        cls.program = cls.env["loyalty.program"].create(
            {
                "name": "Points",
                "program_type": "loyalty",
                "trigger": "auto",
                "applies_on": "both",
                "company_id": cls.company_cn.id,
            }
        )
        cls.mailing = cls.env["mailing.mailing"].create(
            {"subject": "News", "mailing_model_id": cls.env.ref("base.model_res_partner").id}
        )
        cls.helpdesk_team = cls.env["helpdesk.ticket.team"].create({"name": "Help"})
        cls.provider = cls.env["payment.provider"].create(
            {"name": "Pay", "company_id": cls.company_cn.id, "state": "test"}
        )
        cls.method = cls.env["payment.method"].with_context(active_test=False).search([], limit=1)
        line = Command.create({"domain": "[('partner_latitude', '=', 12.5)]"})
        cls.tag_rule = cls.env["trade.tag.rule"].create(
            {
                "category_id": cls.env["res.partner.category"].create({"name": "By a rule"}).id,
                "company_id": cls.company_cn.id,
                "line_ids": [line],
            }
        )
        cls.segment = cls.env["trade.segment"].create(
            {"name": "Few", "company_id": cls.company_cn.id, "line_ids": [line]}
        )
        cls.competitor = cls.env["trade.competitor"].create({"name": "A competitor"})
        cls.approval_rule = cls.env["trade.approval.rule"].create(
            {
                "name": "Every order of nobody",
                "domain": "[('id', '=', 0)]",
                "step_ids": [Command.create({"kind": "territory"})],
            }
        )
        # Each branch has something of its own in what is shared.
        cls.wok.category_id = cls.tag
        cls.own_lead = cls.env["crm.lead"].create(
            {"name": "Own", "partner_id": cls.wok.id, "team_id": cls.team.id}
        )
        cls.own_order = cls._make_order(cls.wok, 50.0, confirm=False, team_id=cls.team.id)

    # ------------------------------------------------------------------
    # The customer of another branch
    # ------------------------------------------------------------------

    @classmethod
    def _build_world(cls):
        cls._build_customer()
        cls._build_order()
        cls._build_accounting()
        cls._build_lead()
        cls._build_messages()
        cls._build_trade()
        cls._build_marketing()

    @classmethod
    def _build_customer(cls):
        secret = {
            "email": f"{SECRET}@example.com",
            "phone": f"+86 571 {SECRET}",
            "street": f"{SECRET} street",
            "comment": SECRET,
        }
        cls.target = cls._make_customer(
            "Veiled Dragon",
            zip="100055",
            country_id=cls.china.id,
            city=SECRET,
            ref=SECRET,
            vat=SECRET,
            website=f"https://{SECRET}.example.com",
            category_id=[Command.set(cls.tag.ids)],
            image_1920=PIXEL,
            **secret,
        )
        cls.target_contact = cls._make_contact("Ms. Veil", cls.target, **secret)
        cls.target_user = new_test_user(
            cls.env,
            login=f"{SECRET}_portal",
            name="Ms. Veil",
            groups="base.group_portal",
            partner_id=cls.target_contact.id,
            company_id=cls.company_cn.id,
            company_ids=[Command.set(cls.company_cn.ids)],
        )
        cls.env["res.partner.bank"].create(
            {"acc_number": f"DE00{SECRET}", "partner_id": cls.target.id}
        )

    @classmethod
    def _build_order(cls):
        cls.order = cls._make_order(
            cls.target,
            [{"product_id": cls.knife.id, "price_unit": AMOUNT, "name": SECRET}],
            client_order_ref=SECRET,
            note=SECRET,
            team_id=cls.team.id,
            campaign_id=cls.campaign.id,
            source_id=cls.mailing.source_id.id,
            confirm=False,
        )
        cls.env["product.attribute.custom.value"].create(
            {
                "custom_product_template_attribute_value_id": cls.engraving.id,
                "custom_value": SECRET,
                "sale_order_line_id": cls.order.order_line.id,
            }
        )
        cls.order.action_confirm()
        cls.picking = cls.order.picking_ids
        cls.picking.write(
            {"note": SECRET, "carrier_tracking_ref": SECRET}
            if "carrier_tracking_ref" in cls.picking._fields
            else {"note": SECRET}
        )
        cls.picking.move_ids.picked = True
        cls.picking.move_ids.quantity = 1
        cls.picking.button_validate()
        cls.quotation = cls._make_order(
            cls.target, AMOUNT, confirm=False, client_order_ref=SECRET, team_id=cls.team.id
        )

        cls._build_audience()
        cls._build_visit()
        approver = cls.users["near"]
        request = cls.env["trade.approval.request"].create(
            {
                "order_id": cls.quotation.id,
                "name": SECRET,
                "company_id": cls.company_cn.id,
                "user_id": approver.id,
                "reason": SECRET,
                "note": SECRET,
                "amount_total": AMOUNT,
                "currency_id": cls.company_cn.currency_id.id,
                "content": cls.quotation._get_approval_content(),
            }
        )
        cls.env["trade.approval.step"].create(
            {
                "request_id": request.id,
                "rule_id": cls.approval_rule.id,
                "quorum": "any",
                "approver_id": approver.id,
                "state": "open",
                "note": SECRET,
            }
        )

    @classmethod
    def _build_audience(cls):
        """The customer has a tag by a rule, and is in a snapshot of a segment."""
        cls.target.partner_latitude = 12.5
        cls.tag_rule.action_switch_on()
        cls.segment._freeze()

    @classmethod
    def _build_visit(cls):
        """The customer was visited, and something was noted there."""
        visit = cls.env["trade.visit"].create(
            {
                "partner_id": cls.target.id,
                "contact_id": cls.target_contact.id,
                "report": SECRET,
                "next_step": SECRET,
                "state": "done",
                "started_at": "2026-03-05 08:00:00",
                "ended_at": "2026-03-05 08:30:00",
            }
        )
        visit.message_post(body=SECRET)
        cls.env["trade.market.note"].create(
            {
                "visit_id": visit.id,
                "kind": "competitor",
                "competitor_id": cls.competitor.id,
                "competitor_product": SECRET,
                "price": AMOUNT,
                "text": SECRET,
            }
        )
        visit._tell_of_visits()

    @classmethod
    def _build_answer(cls):
        survey = cls.env["trade.survey"].create(
            {"name": "After a ticket", "company_id": cls.company_cn.id, "recovery_type_id": False}
        )
        answer = (
            cls.env["trade.survey.invitation"]
            .sudo()
            .create(survey._prepare_invitation(cls.target, cls.ticket, channel="email"))
        )
        answer.write(
            {"partner_name": SECRET, "nps": "2", "nps_group": "detractor", "comment": SECRET}
        )

    @classmethod
    def _build_accounting(cls):
        cls.invoice = cls._make_invoice(cls.order, ref=SECRET, narration=SECRET)
        cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=cls.invoice.ids
        ).create({"journal_id": cls.journal_bank.id, "communication": SECRET})._create_payments()
        cls.owed = cls._make_move(cls.target, AMOUNT)
        cls.env["account.bank.statement.line"].create(
            {
                "journal_id": cls.journal_bank.id,
                "partner_id": cls.target.id,
                "payment_ref": SECRET,
                "amount": AMOUNT,
                "date": "2026-03-05",
            }
        )
        token = cls.env["payment.token"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": cls.method.id,
                "partner_id": cls.target.id,
                "payment_details": SECRET,
                "provider_ref": SECRET,
            }
        )
        cls.env["payment.transaction"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": cls.method.id,
                "partner_id": cls.target.id,
                "reference": SECRET,
                "amount": AMOUNT,
                "currency_id": cls.company_cn.currency_id.id,
                "token_id": token.id,
                "sale_order_ids": [Command.set(cls.order.ids)],
            }
        )
        project = cls.env["account.analytic.account"].create(
            {"name": SECRET, "plan_id": cls.plan.id, "partner_id": cls.target.id}
        )
        cls.env["account.analytic.line"].create(
            {
                "name": SECRET,
                "partner_id": cls.target.id,
                "amount": AMOUNT,
                "company_id": cls.company_cn.id,
                project.plan_id._column_name(): project.id,
            }
        )

    @classmethod
    def _build_lead(cls):
        cls.lead = cls.env["crm.lead"].create(
            {
                "name": "Veiled Dragon wants more",
                "type": "opportunity",
                "partner_id": cls.target.id,
                "description": SECRET,
                "expected_revenue": AMOUNT,
                "team_id": cls.team.id,
                "campaign_id": cls.campaign.id,
                "source_id": cls.mailing.source_id.id,
                "company_id": cls.company_cn.id,
            }
        )
        cls.env["calendar.event"].create(
            {
                "name": SECRET,
                "start": "2026-04-02 01:00:00",
                "stop": "2026-04-02 02:00:00",
                "description": SECRET,
                "location": SECRET,
                "user_id": cls.users["near"].id,
                "partner_ids": [
                    Command.set((cls.target_contact | cls.users["near"].partner_id).ids)
                ],
                "opportunity_id": cls.lead.id,
            }
        )
        pooled = cls.env["crm.lead"].create(
            {
                "name": SECRET,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "expected_revenue": AMOUNT,
            }
        )
        pooled._put_in_pool("release", note=SECRET)
        cls.env["trade.lead.request"].create(
            {
                "name": SECRET,
                "reason": SECRET,
                "user_id": cls.users["near"].id,
                "lead_id": cls.lead.id,
                "territory_id": cls.lead.territory_id.id,
                "company_id": cls.company_cn.id,
            }
        )
        cls.ticket = cls.env["helpdesk.ticket"].create(
            {
                "name": SECRET,
                "description": SECRET,
                "partner_id": cls.target.id,
                "team_id": cls.helpdesk_team.id,
                "trade_order_id": cls.order.id,
                "trade_picking_id": cls.picking.id,
                "trade_solution": SECRET,
            }
        )
        # Its clock stands still from now on.
        cls.ticket.stage_id = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_awaiting")
        cls._build_answer()

    @classmethod
    def _build_messages(cls):
        """A message with a file, a note of a call, a meeting to come and followers."""
        documents = (
            cls.target, cls.order, cls.picking, cls.invoice, cls.lead, cls.ticket,
        )  # fmt: skip
        cls.attachments = cls.env["ir.attachment"]
        for document in documents:
            document.message_subscribe((cls.target_contact | cls.users["near"].partner_id).ids)
            document.message_post(
                body=SECRET,
                subject=SECRET,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=cls.target_contact.ids,
            )
            cls.attachments |= cls.env["ir.attachment"].create(
                {
                    "name": f"{SECRET}.txt",
                    "raw": SECRET,
                    "res_model": document._name,
                    "res_id": document.id,
                }
            )
            document.activity_schedule(
                "mail.mail_activity_data_call",
                summary=SECRET,
                note=SECRET,
                user_id=cls.users["near"].id,
            )
        cls.lead.activity_schedule(
            "mail.mail_activity_data_call", summary=SECRET, user_id=cls.users["near"].id
        ).action_feedback(SECRET)
        cls.env["mail.scheduled.message"].create(
            {
                "model": "sale.order",
                "res_id": cls.order.id,
                "author_id": cls.env.user.partner_id.id,
                "body": SECRET,
                "subject": SECRET,
                "scheduled_date": "2027-01-01",
            }
        )

    @classmethod
    def _build_trade(cls):
        history = cls._make_history(cls.target, AMOUNT, external_id=SECRET)
        cls.env["trade.order.history.line"].create(
            {"history_id": history.id, "product_name": SECRET, "quantity": 1, "amount": AMOUNT}
        )
        cls.env.cr.flush()
        cls.env["trade.tier.history"].create(
            {
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "changed_at": fields.Datetime.now(),
            }
        )
        cls.env["trade.sales.fact"].create(
            {
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "day": "2026-03-01",
                "product_id": cls.knife.id,
            }
        )
        cls.target.territory_id = cls.shanghai
        cls.target.territory_id = cls.north
        cls.env["trade.sales.target"].create(
            {
                "territory_id": cls.north.id,
                "company_id": cls.company_cn.id,
                "month": "2026-03-01",
                "amount": AMOUNT,
            }
        )
        cls._build_credit()
        cls.env["trade.privacy.request"].create({"partner_id": cls.target_contact.id})
        file = cls.env["trade.order.import"].create(
            {
                "company_id": cls.company_cn.id,
                "file": base64.b64encode(SECRET.encode()),
                "filename": f"{SECRET}.csv",
                "source": SECRET,
            }
        )
        cls.env["trade.order.import.column"].create(
            {"import_id": file.id, "position": 1, "header": SECRET, "sample": SECRET}
        )
        cls.env["trade.order.import.customer"].create(
            {
                "import_id": file.id,
                "key": SECRET,
                "kind": "name",
                "value": SECRET,
                "name": SECRET,
                "partner_id": cls.target.id,
            }
        )
        cls.env["trade.order.import.row"].create(
            {"import_id": file.id, "number": 1, "order_key": SECRET}
        )
        cls.env.cr.execute(
            "INSERT INTO trade_access_log (happened_at, user_id, company_id, kind, model, partner_id,"
            " record_count, reason, description)"
            " VALUES (now(), %(user)s, %(company)s, 'open', 'res.partner', %(partner)s, 1, %(text)s, %(text)s)",
            {
                "user": cls.users["near"].id,
                "company": cls.company_cn.id,
                "partner": cls.target.id,
                "text": SECRET,
            },
        )
        cls.env.cr.execute(
            "INSERT INTO trade_lead_score_line (lead_id, rule_id, points, details)"
            " VALUES (%s, %s, 7391, %s)",
            [
                cls.lead.id,
                cls.env.ref("trade_crm.trade_lead_score_rule_custom").id,
                json.dumps({"word": SECRET}),
            ],
        )
        cls.env["trade.profile.dirty"].create(
            {"partner_id": cls.target.id, "company_id": cls.company_cn.id, "cause": "order"}
        )
        cls.env["trade.fact.dirty"].create(
            {"partner_id": cls.target.id, "company_id": cls.company_cn.id}
        )

    @classmethod
    def _build_credit(cls):
        account = cls.env["trade.credit.account"].create(
            {
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "limit_kind": "amount",
                "limit_amount": AMOUNT,
            }
        )
        cls.env["trade.credit.temporary"].create(
            {
                "account_id": account.id,
                "amount": AMOUNT,
                "date_to": "2027-01-01",
                "reason": SECRET,
            }
        )
        cls.env["trade.credit.request"].create(
            {
                "order_id": cls.quotation.id,
                "partner_id": cls.target.id,
                "account_id": account.id,
                "amount": AMOUNT,
                "user_id": cls.users["near"].id,
                "reason": SECRET,
                "situation": SECRET,
                "decision": SECRET,
            }
        )

        cls.env["trade.credit.promise"].create(
            {
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "amount": AMOUNT,
                "date_promised": "2027-01-01",
                "note": SECRET,
            }
        )
        cls.env["trade.reminder"].create(
            {
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "level_id": cls.env["trade.reminder.level"].search([], limit=1).id,
                "day": "2026-03-01",
                "overdue_since": "2026-02-01",
                "amount": AMOUNT,
            }
        )

    @classmethod
    def _build_campaign(cls, card):
        """The customer was drawn for a campaign, and got a coupon."""
        campaign = cls.env["utm.campaign"].create(
            {
                "title": "Harvest",
                "trade_is_campaign": True,
                "trade_company_id": cls.company_cn.id,
                "trade_variant_ids": [Command.create({"name": "A"})],
            }
        )
        cls.env["trade.campaign.member"].create(
            {
                "campaign_id": campaign.id,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "variant_id": campaign.trade_variant_ids.id,
                "coupon_id": card.id,
                "coupon_state": "given",
            }
        )

    @classmethod
    def _build_marketing(cls):
        card = cls.env["loyalty.card"].create(
            {
                "program_id": cls.program.id,
                "partner_id": cls.target.id,
                "points": 7391,
                "code": SECRET,
            }
        )
        cls.env["loyalty.history"].create(
            {
                "card_id": card.id,
                "description": SECRET,
                "order_model": "sale.order",
                "order_id": cls.order.id,
                "used": 1,
                "issued": 2,
            }
        )
        cls._build_campaign(card)
        cls.env["sale.order.coupon.points"].create(
            {"order_id": cls.order.id, "coupon_id": card.id, "points": 7391}
        )
        trace = cls.env["mailing.trace"].create(
            {
                "model": "res.partner",
                "res_id": cls.target.id,
                "email": f"{SECRET}@example.com",
                "mass_mailing_id": cls.mailing.id,
                "trace_type": "mail",
                "trace_status": "sent",
                "sent_datetime": "2026-03-20 00:00:00",
            }
        )
        cls.env["sms.tracker"].create({"sms_uuid": SECRET, "mailing_trace_id": trace.id})
        cls.env["trade.consent"].create(
            {
                "partner_id": cls.target.id,
                "channel": "mail",
                "purpose": "offer",
                "source": "paper",
                "proof": SECRET,
            }
        )
        cls.env["trade.message"].create(
            {
                "campaign_id": cls.campaign.id,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "channel": "call",
                "purpose": "offer",
                "body": SECRET,
                "state": "failed",
                "reason": "rejected",
                "reason_detail": SECRET,
                "planned_at": "2026-03-20 00:00:00",
                "due_at": "2026-03-20 00:00:00",
            }
        )
        cls.env["snailmail.letter"].create(
            {
                "model": "account.move",
                "res_id": cls.invoice.id,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "report_template": cls.env.ref("account.account_invoices").id,
            }
        )
        cls._build_campaign_result()

    @classmethod
    def _build_campaign_result(cls):
        """The order was due to a campaign."""
        campaign = cls.env["utm.campaign"].create(
            {
                "title": "Winter",
                "trade_is_campaign": True,
                "trade_company_id": cls.company_cn.id,
                "trade_variant_ids": [Command.create({"name": "A"})],
            }
        )
        member = cls.env["trade.campaign.member"].create(
            {
                "campaign_id": campaign.id,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "variant_id": campaign.trade_variant_ids.id,
                "due_count": 1,
                "due_revenue": AMOUNT,
            }
        )
        cls.env["trade.campaign.dirty"].create(
            {"partner_id": cls.target.id, "company_id": cls.company_cn.id}
        )
        cls.env["trade.campaign.order"].create(
            {
                "order_id": cls.order.id,
                "campaign_id": campaign.id,
                "member_id": member.id,
                "partner_id": cls.target.id,
                "company_id": cls.company_cn.id,
                "date_order": cls.order.date_order,
                "method": "click",
                "touched_at": cls.order.date_order,
                "revenue": AMOUNT,
                "margin": AMOUNT,
            }
        )

    # ------------------------------------------------------------------
    # Questions
    # ------------------------------------------------------------------

    @contextlib.contextmanager
    def _undone(self):
        """What happens within leaves nothing, and starts with nothing in memory."""
        self.env.flush_all()
        self.env.invalidate_all()
        with contextlib.closing(self.env.cr.savepoint(flush=False)):
            yield
        self.env.transaction.clear()

    def _ask(self, way, *arguments):
        """What comes back; a refusal is nothing."""
        with self._undone(), mute_logger("odoo.addons.base.models.ir_rule", "odoo.models"):
            try:
                return way(*arguments)
            except UserError:
                return None
