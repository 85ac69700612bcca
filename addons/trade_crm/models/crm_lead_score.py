from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, table_exists

CHUNK_SIZE = 20_000
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
        """Other open leads of the same customers, mail addresses and phones."""
        if not self:
            return self
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                  WITH lead AS MATERIALIZED (
                       SELECT lead.email_normalized, lead.phone_sanitized,
                              partner.commercial_partner_id
                         FROM crm_lead lead
                         LEFT JOIN res_partner partner ON partner.id = lead.partner_id
                        WHERE lead.id = ANY(%s))
                SELECT other.id FROM lead
                  JOIN res_partner contact USING (commercial_partner_id)
                  JOIN crm_lead other ON other.partner_id = contact.id AND other.active
                 UNION
                SELECT other.id FROM lead JOIN crm_lead other USING (email_normalized)
                 WHERE other.active
                 UNION
                SELECT other.id FROM lead JOIN crm_lead other USING (phone_sanitized)
                 WHERE other.active
                """,
                self.ids,
            )
        )
        return self.browse(lead for [lead] in rows)

    # ------------------------------------------------------------------
    # Scoring
    # ------------------------------------------------------------------

    @api.model
    def _get_scored_domain(self):
        """Open leads; what was won or lost keeps the score that it had."""
        return Domain("active", "=", True) & Domain("won_status", "!=", "won")

    @api.model
    def _get_inquiry_sql(self):
        """``SQL`` of what a lead of the alias ``lead`` asks for, in lower case and without tags."""
        self.flush_model(["name", "description"])
        self.env["mail.message"].flush_model(["body", "message_type", "model", "res_id"])
        return SQL(
            """
            lower(lead.name || ' ' || regexp_replace(
                COALESCE(lead.description, '') || ' ' || COALESCE((
                    SELECT string_agg(mail.body, ' ' ORDER BY mail.id) FROM mail_message mail
                     WHERE mail.model = 'crm.lead' AND mail.res_id = lead.id
                       AND mail.message_type = 'email'), ''),
                '<[^>]*>', ' ', 'g'))
            """
        )

    def _score_now(self, now=None):
        """Score those of these leads that are open, in a statement per rule."""
        domain = Domain("id", "in", self.ids) & self._get_scored_domain()
        self._score_domain(domain, now)

    @api.model
    def _score_domain(self, domain, now=None):
        rules = self.env["trade.lead.score.rule"].sudo().with_context(active_test=False)
        rules.search([])._score(domain, now)
        leads = self.sudo()
        self.env.execute_query(
            SQL(
                """
                UPDATE crm_lead lead
                   SET trade_score = total.score
                  FROM (SELECT scored.id, COALESCE(sum(line.points), 0) AS score
                          FROM crm_lead scored
                          LEFT JOIN trade_lead_score_line line ON line.lead_id = scored.id
                         WHERE scored.id IN %s
                         GROUP BY scored.id) total
                 WHERE total.id = lead.id
                   AND lead.trade_score IS DISTINCT FROM total.score
                """,
                leads._search(domain).subselect(),
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
            self._score_domain(chunk & self._get_scored_domain(), now)
            self.env["ir.cron"]._commit_progress(1, remaining=(last_id - first_id) // chunk_size)
