import logging
import re
from ast import literal_eval
from datetime import timedelta

from markupsafe import escape

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, formatLang

_logger = logging.getLogger(__name__)

SEPARATORS = re.compile(r"[,;，、；\n]+")
KINDS = [
    ("domain", "Condition on the lead"),
    ("words", "Words in the inquiry"),
    ("repeat", "Repeated inquiry"),
    ("size", "Expected revenue"),
    ("tier", "Tier of the customer"),
]
# What decides which leads a rule matches, and with how much.
RULE_FIELDS = {
    "active",
    "company_id",
    "domain",
    "kind",
    "min_count",
    "min_revenue",
    "points",
    "tier_ids",
    "within_days",
    "words",
}


class TradeLeadScoreRule(models.Model):
    """Points for leads that fulfil a condition; those of all rules add up to the score."""

    _name = "trade.lead.score.rule"
    _description = "Lead Score Rule"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=100)
    points = fields.Integer(
        default=10, required=True, help="Less than 0 for what makes a lead less worth the effort."
    )
    kind = fields.Selection(KINDS, "When", required=True, default="words")
    company_id = fields.Many2one("res.company", help="Empty: leads of all companies.")
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    domain = fields.Char("Condition")
    words = fields.Text(
        help="One or more, with commas or lines between them. They are looked for in the name, the "
        "notes and the mails of the customer, in upper or lower case; Latin ones as whole words."
    )
    min_count = fields.Integer("Inquiries", default=2)
    within_days = fields.Integer("Within days", default=30)
    min_revenue = fields.Monetary("At least", help="In the currency of the lead's company.")
    tier_ids = fields.Many2many("trade.tier", string="Tiers")
    match_count = fields.Integer("Open leads that it fits", compute="_compute_match_count")

    _check_numbers = models.Constraint(
        "CHECK (kind != 'repeat' OR (min_count >= 2 AND within_days >= 1))",
        "A repeated inquiry is at least the second one, within one day or more.",
    )

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for rule in self:
            rule.currency_id = (rule.company_id or self.env.company).currency_id

    @api.depends(lambda self: tuple(sorted(RULE_FIELDS - {"active", "points"})))
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_match_count(self):
        """What the rule would fit as it is on the screen, of the leads that the user sees."""
        leads = self.env["crm.lead"]
        for rule in self:
            matched = rule._get_match_sql(leads, leads._get_scored_domain())
            if matched is None:
                rule.match_count = 0
                continue
            [[rule.match_count]] = self.env.execute_query(
                SQL("SELECT count(*) FROM (%s) matched", matched)
            )

    @api.constrains("kind", "domain", "words", "tier_ids")
    def _check_condition(self):
        for rule in self:
            if rule.kind == "domain" and not rule._has_readable_domain():
                raise ValidationError(
                    self.env._("%(rule)s: the condition cannot be read.", rule=rule.name)
                )
            if rule.kind == "words" and not rule._get_words():
                raise ValidationError(
                    self.env._("%(rule)s: fill in a word to look for.", rule=rule.name)
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self._request_scores()
        return rules

    def write(self, vals):
        result = super().write(vals)
        if not RULE_FIELDS.isdisjoint(vals):
            self._request_scores()
        return result

    def unlink(self):
        result = super().unlink()
        self._request_scores()
        return result

    @api.model
    def _request_scores(self):
        """Have every open lead scored in the background."""
        cron_sudo = self.sudo().env.ref("trade_crm.ir_cron_score_leads", raise_if_not_found=False)
        if cron_sudo:  # Not yet while the addon is being installed.
            cron_sudo._trigger()

    def action_view_leads(self):
        """Open the leads that have points by this rule."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("crm.crm_lead_opportunities")
        lines = [("rule_id", "=", self.id)]
        return action | {"domain": [("trade_score_line_ids", "any", lines)], "context": {}}

    # ------------------------------------------------------------------
    # Matching
    # ------------------------------------------------------------------

    def _get_match_sql(self, leads, domain, now=None):
        """The leads that the rule fits.

        :param leads: ``crm.lead`` as whoever sees the result
        :param domain: ``Domain`` of the leads in question
        :param now: end of the time in which inquiries are counted
        :return: ``SQL`` of a SELECT of lead_id and details (jsonb), or None when it fits none
        """
        self.ensure_one()
        # On the form the record may be a new one that is not complete yet.
        company = self.company_id._origin or self.company_id
        if company:
            domain &= Domain("company_id", "=", company.id)
        return getattr(self, f"_match_{self.kind or 'none'}")(
            leads, domain, now or fields.Datetime.now()
        )

    @api.model
    def _match_none(self, leads, domain, now):
        return None

    def _match_domain(self, leads, domain, now):
        if not self._has_readable_domain():
            _logger.warning("The condition of lead score rule %s cannot be read", self.id)
            return None
        query = leads._search(domain & Domain(literal_eval(self.domain or "[]")))
        return query.select(
            SQL("%s AS lead_id", SQL.identifier(leads._table, "id")),
            SQL("'{}'::jsonb AS details"),
        )

    def _match_words(self, leads, domain, now):
        pattern = self._get_pattern()
        if not pattern:
            return None
        text = leads._get_inquiry_sql()
        query = leads._search(domain)
        return SQL(
            """
            SELECT lead_id, jsonb_build_object('word', word) AS details
              FROM (SELECT lead.id AS lead_id, substring(%s from %s) AS word
                      FROM crm_lead lead WHERE lead.id IN %s) found
             WHERE word IS NOT NULL
            """,
            text,
            pattern,
            query.subselect(),
        )

    def _match_repeat(self, leads, domain, now):
        """All inquiries of the same customer, mail address or phone count, lost ones as well."""
        query = leads._search(domain)
        leads.flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        return SQL(
            """
              WITH wanted AS MATERIALIZED (%(wanted)s),
                   recent AS MATERIALIZED (%(recent)s)
            SELECT lead_id,
                   jsonb_build_object('count', count(*), 'days', %(days)s::int) AS details
              FROM (SELECT wanted.id AS lead_id, recent.id
                      FROM wanted JOIN recent USING (commercial_partner_id)
                     UNION
                    SELECT wanted.id, recent.id
                      FROM wanted JOIN recent USING (email_normalized)
                     UNION
                    SELECT wanted.id, recent.id
                      FROM wanted JOIN recent USING (phone_sanitized)) inquiry
             GROUP BY lead_id
            HAVING count(*) >= %(least)s
            """,
            wanted=self._get_keys_sql(SQL("lead.id IN %s", query.subselect())),
            recent=self._get_keys_sql(
                SQL(
                    "lead.create_date > %s AND lead.create_date <= %s",
                    now - timedelta(days=self.within_days),
                    now,
                )
            ),
            days=self.within_days,
            least=self.min_count,
        )

    @api.model
    def _get_keys_sql(self, condition):
        return SQL(
            "SELECT lead.id, partner.commercial_partner_id, lead.email_normalized,"
            " lead.phone_sanitized FROM crm_lead lead"
            " LEFT JOIN res_partner partner ON partner.id = lead.partner_id WHERE %s",
            condition,
        )

    def _match_size(self, leads, domain, now):
        query = leads._search(domain & Domain("expected_revenue", ">=", self.min_revenue))
        table = leads._table
        return query.select(
            SQL("%s AS lead_id", SQL.identifier(table, "id")),
            SQL(
                "jsonb_build_object('amount', %s) AS details",
                SQL.identifier(table, "expected_revenue"),
            ),
        )

    def _match_tier(self, leads, domain, now):
        """The tier in the lead's company, or its salesperson's; in any one for leads of neither."""
        tiers = self.tier_ids._origin or self.tier_ids
        query = leads._search(domain & Domain("partner_id", "!=", False))
        leads.flush_model(["partner_id", "company_id", "user_id"])
        self.env["trade.customer.profile"].flush_model(["tier_id"])
        return SQL(
            """
            SELECT DISTINCT ON (lead.id) lead.id AS lead_id,
                   jsonb_build_object('tier_id', profile.tier_id) AS details
              FROM crm_lead lead
              JOIN res_partner partner ON partner.id = lead.partner_id
              JOIN trade_customer_profile profile
                ON profile.partner_id = partner.commercial_partner_id
              LEFT JOIN res_users seller ON seller.id = lead.user_id
             WHERE lead.id IN %s
               AND profile.tier_id = ANY(%s)
               AND profile.company_id
                   = COALESCE(lead.company_id, seller.company_id, profile.company_id)
             ORDER BY lead.id, profile.company_id
            """,
            query.subselect(),
            tiers.ids,
        )

    def _has_readable_domain(self):
        try:
            Domain(literal_eval(self.domain or "[]")).validate(self.env["crm.lead"].sudo())
        except Exception:
            return False
        return True

    def _get_words(self):
        return [word.strip().lower() for word in SEPARATORS.split(self.words or "") if word.strip()]

    def _get_pattern(self):
        """Regular expression that finds the first of the words in a text in lower case.

        "OEM" is not in "poem", and "custom" not in "customer"; Chinese has no spaces to go by.
        Notes are HTML, where "R&D" is written as "R&amp;D".
        """
        words = {form for word in self._get_words() for form in (word, str(escape(word)))}
        return "|".join(
            ("(?<![a-z0-9])" if _is_latin(word[0]) else "")
            + re.sub(r"([^\w\s])", r"\\\1", word)
            + ("(?![a-z0-9])" if _is_latin(word[-1]) else "")
            for word in sorted(words, key=lambda word: (-len(word), word))
        )

    # ------------------------------------------------------------------
    # Scoring
    # ------------------------------------------------------------------

    def _score(self, domain, now=None):
        """Bring the points of these rules, and nothing else, of the leads of ``domain`` up to date."""
        leads = self.env["crm.lead"].sudo()
        for rule in self.sudo():
            matched = rule._get_match_sql(leads, domain, now) if rule.active else None
            if matched is None:
                matched = SQL("SELECT NULL::int AS lead_id, NULL::jsonb AS details WHERE FALSE")
            self.env.execute_query(
                SQL(
                    """
                      WITH matched AS MATERIALIZED (%(matched)s),
                           gone AS (
                           DELETE FROM trade_lead_score_line line
                            WHERE line.rule_id = %(rule)s
                              AND line.lead_id IN %(scope)s
                              AND NOT EXISTS (SELECT FROM matched
                                               WHERE matched.lead_id = line.lead_id))
                    INSERT INTO trade_lead_score_line AS line (lead_id, rule_id, points, details)
                    SELECT lead_id, %(rule)s, %(points)s, details FROM matched
                        ON CONFLICT (lead_id, rule_id) DO UPDATE
                       SET points = EXCLUDED.points, details = EXCLUDED.details
                     WHERE (line.points, line.details)
                        IS DISTINCT FROM (EXCLUDED.points, EXCLUDED.details)
                    """,
                    matched=matched,
                    rule=rule.id,
                    points=rule.points,
                    scope=leads._search(domain).subselect(),
                )
            )
        self.env["trade.lead.score.line"].invalidate_model()


def _is_latin(character):
    return character.isascii() and character.isalnum()


class TradeLeadScoreLine(models.Model):
    """Points that a lead has by a rule, and what they are for. Written by the rules in SQL."""

    _name = "trade.lead.score.line"
    _description = "Lead Score"
    _inherit = ["trade.territory.path.mixin"]
    _log_access = False
    _order = "points desc, id"
    _rec_name = "rule_id"

    _territory_path = "lead_id"

    lead_id = fields.Many2one("crm.lead", required=True, readonly=True, ondelete="cascade")
    rule_id = fields.Many2one(
        "trade.lead.score.rule", required=True, readonly=True, index=True, ondelete="cascade"
    )
    points = fields.Integer(readonly=True)
    details = fields.Json("Details (raw)", readonly=True)
    evidence = fields.Char("Because", compute="_compute_evidence")

    _lead_rule_unique = models.UniqueIndex("(lead_id, rule_id)")

    @api.depends("details", "rule_id")
    @api.depends_context("lang")
    def _compute_evidence(self):
        for line in self:
            details = line.details or {}
            kind = next((kind for key, kind in EVIDENCE.items() if key in details), "other")
            line.evidence = getattr(line, f"_explain_{kind}")(details)

    def _explain_word(self, details):
        return self.env._("The inquiry says “%(word)s”", word=details["word"])

    def _explain_repeat(self, details):
        return self.env._(
            "%(count)s inquiries within %(days)s days",
            count=details["count"],
            days=details["days"],
        )

    def _explain_size(self, details):
        return self.env._(
            "Expected revenue of %(amount)s",
            amount=formatLang(
                self.env, details["amount"], currency_obj=self.lead_id.company_currency
            ),
        )

    def _explain_tier(self, details):
        tier_sudo = self.env["trade.tier"].sudo().browse(details["tier_id"]).exists()
        return self.env._("The customer is of the tier %(tier)s", tier=tier_sudo.name or "–")

    def _explain_other(self, details):
        return self.env._("The lead fulfils the condition of the rule")


# What is told about a match, by the key that its details have.
EVIDENCE = {"word": "word", "count": "repeat", "amount": "size", "tier_id": "tier"}
