import textwrap

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import html_to_inner_content

KINDS = [
    ("call", "Call"),
    ("mail", "E-mail"),
    ("text", "Text message"),
    ("chat", "Chat message"),
    ("meeting", "Meeting"),
    ("visit", "Visit"),
    ("complaint", "Complaint"),
    ("task", "Other task done"),
    ("note", "Internal note"),
]
PREVIEW_LENGTH = 190


class TradeLeadTrail(models.Model):
    """What was said and done with a customer, over the customer and all of its leads.

    It is read from where Odoo keeps it, messages and meetings; who may not read the lead or the
    customer that a row is of does not find the row. Ids of messages are their own, so that a row is
    looked up by the index of messages; those of meetings are negative.
    """

    _name = "trade.lead.trail"
    _description = "Trail of Contacts"
    _inherit = ["trade.territory.path.mixin"]
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "subject"

    _territory_path = "lead_id"

    date = fields.Datetime(readonly=True)
    kind = fields.Selection(KINDS, readonly=True)
    author_id = fields.Many2one("res.partner", "By", readonly=True)
    lead_id = fields.Many2one("crm.lead", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    event_id = fields.Many2one("calendar.event", "Meeting", readonly=True)
    subject = fields.Char(readonly=True)
    body = fields.Html("Contents", readonly=True)
    preview = fields.Char(compute="_compute_preview")

    @property
    def _table_query(self):
        return SQL(
            "%s UNION ALL %s UNION ALL %s UNION ALL %s",
            self._get_message_sql(
                SQL("lead.id"),
                SQL("partner.commercial_partner_id"),
                SQL(
                    "JOIN crm_lead lead ON lead.id = message.res_id"
                    " LEFT JOIN res_partner partner ON partner.id = lead.partner_id"
                ),
                "crm.lead",
            ),
            self._get_message_sql(
                SQL("NULL::int"),
                SQL("partner.commercial_partner_id"),
                SQL("JOIN res_partner partner ON partner.id = message.res_id"),
                "res.partner",
            ),
            self._get_lead_event_sql(),
            self._get_customer_event_sql(),
        )

    @api.model
    def _get_message_sql(self, lead, customer, joins, model):
        return SQL(
            """
            SELECT message.id AS id,
                   message.date AS date,
                   CASE WHEN activity.trade_contact_kind IS NOT NULL
                        THEN activity.trade_contact_kind
                        WHEN message.mail_activity_type_id IS NOT NULL THEN 'task'
                        WHEN message.message_type = 'sms' THEN 'text'
                        WHEN message.message_type = 'comment'
                             AND (subtype.id IS NULL OR subtype.internal) THEN 'note'
                        ELSE 'mail' END AS kind,
                   message.author_id AS author_id,
                   %(lead)s AS lead_id,
                   %(customer)s AS partner_id,
                   NULL::int AS event_id,
                   message.subject AS subject,
                   message.body AS body
              FROM mail_message message
              %(joins)s
              LEFT JOIN mail_activity_type activity ON activity.id = message.mail_activity_type_id
              LEFT JOIN mail_message_subtype subtype ON subtype.id = message.subtype_id
             WHERE message.model = %(model)s
               AND (message.message_type IN ('comment', 'email', 'email_outgoing', 'sms')
                    OR message.mail_activity_type_id IS NOT NULL)
            """,
            lead=lead,
            customer=customer,
            joins=joins,
            model=model,
        )

    @api.model
    def _get_lead_event_sql(self):
        return SQL(
            """
            SELECT -2 * event.id, event.start, 'meeting', organizer.partner_id, lead.id,
                   partner.commercial_partner_id, event.id, event.name, event.description
              FROM calendar_event event
              JOIN crm_lead lead ON lead.id = event.opportunity_id
              LEFT JOIN res_partner partner ON partner.id = lead.partner_id
              LEFT JOIN res_users organizer ON organizer.id = event.user_id
              LEFT JOIN res_users_settings settings ON settings.user_id = event.user_id
             WHERE %s
            """,
            self._get_open_event_sql(),
        )

    @api.model
    def _get_customer_event_sql(self):
        """Meetings with people of a customer that are about no lead; each once per customer."""
        return SQL(
            """
            SELECT min(-2 * attendee.id - 1), event.start, 'meeting', organizer.partner_id, NULL::int,
                   partner.commercial_partner_id, event.id, event.name, event.description
              FROM calendar_attendee attendee
              JOIN calendar_event event ON event.id = attendee.event_id
              JOIN res_partner partner ON partner.id = attendee.partner_id
              LEFT JOIN res_users organizer ON organizer.id = event.user_id
              LEFT JOIN res_users_settings settings ON settings.user_id = event.user_id
             WHERE event.opportunity_id IS NULL
               AND partner.partner_share
               AND %s
             GROUP BY event.id, organizer.partner_id, partner.commercial_partner_id
            """,
            self._get_open_event_sql(),
        )

    @api.model
    def _get_open_event_sql(self):
        """A private meeting is nobody's business."""
        return SQL(
            "event.active AND COALESCE(event.privacy, settings.calendar_default_privacy, 'public')"
            " <> 'private'"
        )

    @api.depends("subject", "body")
    def _compute_preview(self):
        for row in self:
            text = html_to_inner_content(row.body or "")
            row.preview = textwrap.shorten(text, PREVIEW_LENGTH) or row.subject

    # ------------------------------------------------------------------
    # Access: that of the lead, or else of the customer
    # ------------------------------------------------------------------

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.path.mixin``."""
        by_lead, by_partner = (
            self._get_path_domain(self._fields[name], territory_ids, operation)
            for name in ("lead_id", "partner_id")
        )
        of_lead = Domain("lead_id", "!=", False)
        return (of_lead & by_lead) | (~of_lead & by_partner)

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        if not (self.env.su or bypass_access):
            # Joined row by row: the lists of all leads and customers of a user are long.
            leads, partners = map(self._get_readable_domain, ("crm.lead", "res.partner"))
            domain = Domain(domain) & (
                Domain("lead_id", "any!", leads & Domain("id", "!=", False))
                | Domain("lead_id", "=", False) & Domain("partner_id", "any!", partners)
            )
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    @api.model
    def _get_readable_domain(self, model):
        """Which records of ``model`` the user may read, archived ones included."""
        self.env[model].browse().check_access("read")
        domain = Domain(self.env["ir.rule"]._compute_domain(model, "read"))
        return domain & Domain("active", "in", (True, False))

    def _check_access(self, operation):
        if result := super()._check_access(operation):
            return result
        rows_sudo = self.sudo()
        leads = rows_sudo.lead_id.sudo(False)._filtered_access("read")
        partners = rows_sudo.partner_id.sudo(False)._filtered_access("read")
        forbidden = rows_sudo.filtered(
            lambda row: (
                row.lead_id.id not in leads.ids
                if row.lead_id
                else row.partner_id.id not in partners.ids
            )
        ).sudo(False)
        if forbidden and not self.env.su:
            return forbidden, lambda: self.env["ir.rule"]._make_access_error(operation, forbidden)
        return None

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    @api.model
    def _get_trail_action(self, domain, record):
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_lead_trail_action")
        name = self.env._("Trail: %(name)s", name=record.display_name)
        return action | {"domain": domain, "name": name, "display_name": name}

    def action_open(self):
        """Open what the row is about."""
        self.ensure_one()
        record = self.event_id or self.lead_id or self.partner_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_view_trail(self):
        """Open what was said and done with the customer, over all of its leads."""
        self.ensure_one()
        customer = self.commercial_partner_id
        return self.env["trade.lead.trail"]._get_trail_action(
            [("partner_id", "=", customer.id)], customer
        )
