from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, table_exists

CHUNK_SIZE = 20_000
LOOKED_UP = 1_000
QUEUE = "trade_crm.score"


class CrmLead(models.Model):
    _inherit = "crm.lead"

    trade_score = fields.Integer(
        "Score",
        default=0,
        readonly=True,
        index=True,
        copy=False,
        aggregator="avg",
        help="Points of the rules that the lead fits. Odoo's probability is another matter.",
    )
    trade_score_line_ids = fields.One2many("trade.lead.score.line", "lead_id", "Points")

    def _auto_init(self):
        # A column with a default is there at once; the ORM would write to every lead.
        cr = self.env.cr
        if table_exists(cr, "crm_lead") and not column_exists(cr, "crm_lead", "trade_score"):
            cr.execute("ALTER TABLE crm_lead ADD COLUMN trade_score int4 DEFAULT 0")
        return super()._auto_init()

    # ------------------------------------------------------------------
    # What makes a score outdated
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        leads = super().create(vals_list)
        leads._queue_score(new=True)
        return leads

    def write(self, vals):
        result = super().write(vals)
        self._queue_score()
        return result

    def _message_post_after_hook(self, message, msg_vals):
        self._queue_score()
        return super()._message_post_after_hook(message, msg_vals)

    def web_read(self, specification):
        # What a form shows after it is saved; reading alone finds nothing in the queue.
        if "trade_score" in specification or "trade_score_line_ids" in specification:
            self._score_queued()
        return super().web_read(specification)

    def _queue_score(self, new=False):
        """Have these leads scored before this transaction is committed.

        :param new: whether open leads of the same people are then asked more than once
        """
        data = self.env.cr.precommit.data
        if QUEUE not in data:
            data[QUEUE] = {}
            self.env.cr.precommit.add(self.browse()._score_queued)
        for lead_id in self.ids:
            data[QUEUE][lead_id] = new or data[QUEUE].get(lead_id, False)

    @api.model
    def _score_queued(self):
        queued = self.env.cr.precommit.data.pop(QUEUE, None)
        if queued:
            leads = self.sudo().browse(queued)
            leads |= leads.browse(lead for lead, new in queued.items() if new)._find_siblings()
            leads._score_now()

    def _find_siblings(self):
        """Other leads of the same customers, mail addresses and phones."""
        keys = self._read_inquiry_keys(Domain("id", "in", self.ids))
        return self.browse(self._read_inquiries(keys.values()))

    @api.model
    def _read_inquiry_keys(self, domain):
        """By what other inquiries of the same person are found.

        :return: dict of the id of a lead to a list of (name of the key, value)
        """
        self.flush_model()
        query = self._search(domain)
        return self._read_keys(query.from_clause, query.where_clause or SQL("TRUE"))

    @api.model
    def _read_inquiries(self, wanted, since=None):
        """Leads with a key that is wanted, whoever may see them.

        :param wanted: iterable of lists of keys, see :meth:`_read_inquiry_keys`
        :return: dict as of :meth:`_read_inquiry_keys`
        """
        values = defaultdict(set)
        for keys in wanted:
            for name, value in keys:
                values[name].add(value)
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        wanted_values = {
            "email_normalized": list(values["email"]),
            "phone_sanitized": list(values["phone"]),
            "partner_id": self._get_contact_ids(values["customer"]),
        }
        many = sum(map(len, wanted_values.values())) > LOOKED_UP
        # Few are looked up by index. Of many, each lead is looked up in a hash: with so many look-ups
        # PostgreSQL misjudges an index whose leads have just been written.
        conditions = [
            SQL(
                "crm_lead.%s IN (SELECT unnest(%s::%s[]))"
                if many
                else "crm_lead.%s = ANY(%s::%s[])",
                SQL.identifier(name),
                wanted_list,
                SQL.identifier("int4" if name == "partner_id" else "text"),
            )
            for name, wanted_list in wanted_values.items()
        ]
        where = SQL("(%s)", SQL(" OR ").join(conditions))
        if since:
            where = SQL("%s AND create_date > %s", where, since)
        return self._read_keys(SQL("crm_lead"), where)

    @api.model
    def _get_contact_ids(self, customer_ids):
        """Ids of the customers and of all of their contacts."""
        rows = self.env.execute_query(
            SQL("SELECT id FROM res_partner WHERE commercial_partner_id = ANY(%s)", [*customer_ids])
        )
        return [partner for [partner] in rows]

    @api.model
    def _read_keys(self, from_clause, where):
        rows = self.env.execute_query(
            SQL(
                "SELECT crm_lead.id, crm_lead.email_normalized, crm_lead.phone_sanitized,"
                " (SELECT commercial_partner_id FROM res_partner"
                " WHERE res_partner.id = crm_lead.partner_id) FROM %s WHERE %s",
                from_clause,
                where,
            )
        )
        return {
            lead: [
                (name, value)
                for name, value in (("email", email), ("phone", phone), ("customer", customer))
                if value
            ]
            for lead, email, phone, customer in rows
        }

    # ------------------------------------------------------------------
    # Scoring
    # ------------------------------------------------------------------

    @api.model
    def _get_scored_domain(self):
        """Open leads; what was won or lost keeps the score that it had."""
        return Domain("active", "=", True) & Domain("won_status", "!=", "won")

    @api.model
    def _get_inquiry_sql(self):
        """``SQL`` of what a lead asks for, in lower case and without tags."""
        self.flush_model(["name", "description"])
        self.env["mail.message"].flush_model(["body", "message_type", "model", "res_id"])
        return SQL(
            """
            lower(crm_lead.name || ' ' || regexp_replace(
                COALESCE(crm_lead.description, '') || ' ' || COALESCE((
                    SELECT string_agg(mail.body, ' ' ORDER BY mail.id) FROM mail_message mail
                     WHERE mail.model = 'crm.lead' AND mail.res_id = crm_lead.id
                       AND mail.message_type = 'email'), ''),
                '<[^>]*>', ' ', 'g'))
            """
        )

    def _score_now(self, now=None):
        """Score those of these leads that are open."""
        leads = self.sudo()
        ids = list(leads._search(Domain("id", "in", self.ids) & self._get_scored_domain()))
        rules = self.env["trade.lead.score.rule"].sudo().with_context(active_test=False)
        rules.search(Domain.TRUE)._score(ids, now)
        scores = dict.fromkeys(ids, 0)
        scores.update(
            self.env.execute_query(
                SQL(
                    "SELECT lead_id, sum(points)::int FROM trade_lead_score_line"
                    " WHERE lead_id = ANY(%s) GROUP BY lead_id",
                    ids,
                )
            )
        )
        # Nothing is written to a lead that keeps its score: its users would run into it.
        self.env.execute_query(
            SQL(
                "UPDATE crm_lead SET trade_score = scored.score"
                " FROM unnest(%s::int[], %s::int[]) AS scored (id, score)"
                " WHERE crm_lead.id = scored.id AND trade_score IS DISTINCT FROM scored.score",
                list(scores),
                list(scores.values()),
            )
        )
        self.invalidate_model(["trade_score", "trade_score_line_ids"], flush=False)

    @api.model
    def _cron_score(self, now=None, chunk_size=CHUNK_SIZE):
        """Score every open lead: time passes, customers change tier, rules change."""
        now = now or fields.Datetime.now()
        [[last_id]] = self.env.execute_query(SQL("SELECT COALESCE(max(id), 0) FROM crm_lead"))
        for first_id in range(0, last_id + 1, chunk_size):
            chunk = Domain("id", ">=", first_id) & Domain("id", "<", first_id + chunk_size)
            self.browse(self._search(chunk & self._get_scored_domain()))._score_now(now)
            self.env["ir.cron"]._commit_progress(1, remaining=(last_id - first_id) // chunk_size)
