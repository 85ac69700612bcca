import json
import logging
import re
from ast import literal_eval
from collections import defaultdict
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
            rule.match_count = len(rule._find_matches(leads, leads._get_scored_domain()))

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

    # Statements with a single scan of the leads and no join of them with themselves: PostgreSQL has
    # no statistics of leads that this very transaction imported, and would take hours.

    def _find_matches(self, leads, domain, now=None):
        """The leads that the rule fits.

        :param leads: ``crm.lead`` as whoever sees the result
        :param domain: ``Domain`` of the leads in question
        :param now: moment before which the days of inquiries are counted
        :return: dict of the id of a lead to what the rule found in it, a dict
        """
        self.ensure_one()
        # On the form the record may be a new one that is not complete yet.
        company = self.company_id._origin or self.company_id
        if company:
            domain &= Domain("company_id", "=", company.id)
        find = getattr(self, f"_find_{self.kind or 'none'}")
        return find(leads, domain, now or fields.Datetime.now())

    @api.model
    def _find_none(self, leads, domain, now):
        return {}

    def _find_domain(self, leads, domain, now):
        if not self._has_readable_domain():
            _logger.warning("The condition of lead score rule %s cannot be read", self.id)
            return {}
        query = leads._search(domain & Domain(literal_eval(self.domain or "[]")))
        return {lead: {} for lead in query}

    def _find_words(self, leads, domain, now):
        pattern = self._get_pattern()
        if not pattern:
            return {}
        query = leads._search(domain)
        word = SQL("substring(%s from %s)", leads._get_inquiry_sql(), pattern)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, word FROM (%s) inquiry WHERE word IS NOT NULL",
                query.select(SQL.identifier(leads._table, "id"), SQL("%s AS word", word)),
            )
        )
        return {lead: {"word": word} for lead, word in rows}

    def _find_repeat(self, leads, domain, now):
        """All inquiries of the same customer, mail address or phone count, lost ones as well."""
        wanted = leads._read_inquiry_keys(domain)
        inquiries = defaultdict(set)
        since = now - timedelta(days=self.within_days)
        for lead, keys in leads._read_inquiries(wanted.values(), since).items():
            for key in keys:
                inquiries[key].add(lead)
        found = {}
        for lead, keys in wanted.items():
            count = len(set().union(*(inquiries[key] for key in keys)))
            if count >= self.min_count:
                found[lead] = {"count": count, "days": self.within_days}
        return found

    def _find_size(self, leads, domain, now):
        query = leads._search(domain & Domain("expected_revenue", ">=", self.min_revenue))
        rows = self.env.execute_query(
            query.select(
                SQL.identifier(leads._table, "id"),
                SQL.identifier(leads._table, "expected_revenue"),
            )
        )
        return {lead: {"amount": float(amount)} for lead, amount in rows}

    def _find_tier(self, leads, domain, now):
        """The tier in the lead's company, or its salesperson's; in any one for leads of neither."""
        tiers = self.tier_ids._origin or self.tier_ids
        leads.flush_model(["partner_id", "company_id", "user_id"])
        self.env["trade.customer.profile"].flush_model(["tier_id"])
        query = leads._search(domain & Domain("partner_id", "!=", False))
        lead = query.table
        rows = self.env.execute_query(
            SQL(
                """
                SELECT lead.id, profile.tier_id
                  FROM (%s) lead
                  JOIN res_partner partner ON partner.id = lead.partner_id
                  JOIN trade_customer_profile profile
                    ON profile.partner_id = partner.commercial_partner_id
                  LEFT JOIN res_users seller ON seller.id = lead.user_id
                 WHERE profile.tier_id = ANY(%s)
                   AND profile.company_id
                       = COALESCE(lead.company_id, seller.company_id, profile.company_id)
                 ORDER BY lead.id, profile.company_id DESC
                """,
                query.select(
                    *(
                        SQL.identifier(lead, name)
                        for name in ("id", "partner_id", "company_id", "user_id")
                    )
                ),
                tiers.ids,
            )
        )
        return {lead: {"tier_id": tier} for lead, tier in rows}

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

    def _score(self, lead_ids, now=None):
        """Bring the points that these rules give to leads up to date.

        :param lead_ids: ids of open leads
        """
        leads = self.env["crm.lead"].sudo()
        lines = self.env["trade.lead.score.line"]
        domain = Domain("id", "in", lead_ids)
        known = lines._read_points(lead_ids)
        for rule in self.sudo():
            found = rule._find_matches(leads, domain, now) if rule.active else {}
            lines._replace(rule, known[rule.id], found)
        lines.invalidate_model()


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

    @api.model
    def _read_points(self, lead_ids):
        """``{id of a rule: {id of a lead: (points, details)}}``"""
        known = defaultdict(dict)
        for rule, lead, points, details in self.env.execute_query(
            SQL(
                "SELECT rule_id, lead_id, points, details FROM trade_lead_score_line"
                " WHERE lead_id = ANY(%s)",
                lead_ids,
            )
        ):
            known[rule][lead] = (points, details)
        return known

    @api.model
    def _replace(self, rule, known, found):
        """Have the lines of ``rule`` be those of ``found``; write what differs only.

        :param known: dict of the id of a lead to (points, details) so far
        :param found: dict of the id of a lead to its details
        """
        gone = [lead for lead in known if lead not in found]
        if gone:
            self.env.execute_query(
                SQL(
                    "DELETE FROM trade_lead_score_line WHERE rule_id = %s AND lead_id = ANY(%s)",
                    rule.id,
                    gone,
                )
            )
        changed = [
            lead for lead, details in found.items() if known.get(lead) != (rule.points, details)
        ]
        if changed:
            self.env.execute_query(
                SQL(
                    "INSERT INTO trade_lead_score_line (lead_id, rule_id, points, details)"
                    " SELECT lead_id, %s, %s, details::jsonb"
                    " FROM unnest(%s::int[], %s::text[]) AS changed (lead_id, details)"
                    " ON CONFLICT (lead_id, rule_id) DO UPDATE"
                    " SET points = EXCLUDED.points, details = EXCLUDED.details",
                    rule.id,
                    rule.points,
                    changed,
                    [json.dumps(found[lead]) for lead in changed],
                )
            )

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
