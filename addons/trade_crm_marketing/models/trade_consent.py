from itertools import product

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .trade_message import COLUMNS, KINDS, PURPOSES

CHANNELS = [
    ("mail", "E-mail"),
    ("sms", "SMS"),
    ("provider", "Message provider"),
    ("call", "Call"),
]
DECISIONS = [("granted", "Agreed"), ("withdrawn", "Withdrawn")]
SOURCES = [
    ("paper", "On paper"),
    ("phone", "By phone"),
    ("visit", "On a visit"),
    ("event", "At an event"),
    ("message", "In a message"),
    ("web", "On a website"),
    ("import", "From a former system"),
    ("page", "On the page of preferences"),
    ("request", "By a request about personal data"),
    ("merge", "By a merge of customers"),
]
# Nobody types these.
OWN_SOURCES = {"page", "request", "merge"}


class TradeConsent(models.Model):
    """What a customer decided, and when: nothing here is ever changed, the last decision counts.

    Consent is of one channel and one purpose. Without a decision the rule of the company holds, see
    ``trade.consent.rule``.
    """

    _name = "trade.consent"
    _inherit = ["trade.territory.path.mixin"]
    _description = "Consent"
    _order = "decided_at desc, id desc"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: towards all of our companies, for an objection.",
    )
    channel = fields.Selection(CHANNELS, required=True)
    purpose = fields.Selection(PURPOSES, required=True)
    decision = fields.Selection(DECISIONS, required=True, default="granted")
    decided_at = fields.Datetime("Decided on", required=True, default=fields.Datetime.now)
    source = fields.Selection(SOURCES, required=True)
    proof = fields.Text(
        required=True,
        help="What shows it: words that were used, number of the form, who was there.",
    )
    user_id = fields.Many2one(
        "res.users", "Recorded by", readonly=True, default=lambda self: self.env.uid
    )

    _last = models.Index("(partner_id, channel, purpose, decided_at DESC, id DESC)")

    @api.constrains("decided_at")
    def _check_decided_at(self):
        # Clocks of phones differ.
        latest = fields.Datetime.add(fields.Datetime.now(), minutes=5)
        if any(consent.decided_at > latest for consent in self):
            raise ValidationError(self.env._("A decision cannot be of the future."))

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.su:
            return super().create(vals_list)
        consents = super().create([{**vals, "user_id": self.env.uid} for vals in vals_list])
        # Of what was made: a client may also send defaults.
        if any(consent.source in OWN_SOURCES for consent in consents):
            raise AccessError(self.env._("Choose how you came to know of it."))
        if any(consent.decision == "granted" and not consent.company_id for consent in consents):
            raise AccessError(
                self.env._("Say which company the customer agreed to. Only an objection is to all.")
            )
        return consents

    def write(self, vals):
        if not self.env.su:
            raise AccessError(
                self.env._("What was decided stays. Record the new decision beside it, please.")
            )
        return super().write(vals)

    @api.model
    def _withdraw_all(self, partners, source, proof, channels=tuple(KINDS)):
        """Record that customers want nothing by ``channels`` any more, from none of our companies."""
        self.create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": False,
                    "channel": channel,
                    "purpose": purpose,
                    "decision": "withdrawn",
                    "source": source,
                    "proof": proof,
                }
                for partner in partners
                for channel in channels
                for purpose, _label in PURPOSES
            ]
        )

    # ------------------------------------------------------------------
    # State
    # ------------------------------------------------------------------

    @api.model
    def _get_decisions(self, facts, channel, company):
        """What was decided about customers.

        A customer is bound by the own decision, or else by that of the company they belong to. An objection
        of that company, or of any record with the same address, holds as well unless the own decision is
        later: who said stop gets nothing by way of another record.

        :param facts: see :meth:`TradeContactGuard._read_facts`
        :return: ``{(partner id, purpose): "granted" or "withdrawn"}``
        """
        kind = KINDS[channel]
        addresses = {address for fact in facts.values() for address in fact["addresses"][kind]}
        partners = facts.keys() | {fact["family"] for fact in facts.values()}
        last = self._get_last_words(partners, channel, company)
        objections = self._get_objections(addresses, channel, company)
        decisions = {}
        for (number, fact), (purpose, _label) in product(facts.items(), PURPOSES):
            family = last.get((fact["family"], purpose))
            words = [last.get((number, purpose)) or family]
            words += [objections.get((address, purpose)) for address in fact["addresses"][kind]]
            if family and family[1] == "withdrawn":
                words.append(family)
            # Of two at the same moment the objection is the greater.
            if word := max(filter(None, words), default=None):
                decisions[number, purpose] = word[1]
        return decisions

    @api.model
    def _get_last_words(self, partner_ids, channel, company):
        """:return: ``{(partner id, purpose): (moment, decision)}``"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner_id, purpose) partner_id, purpose, decided_at, decision
                  FROM trade_consent
                 WHERE partner_id = ANY(%s) AND channel = %s
                   AND (company_id IS NULL OR company_id = %s)
                 ORDER BY partner_id, purpose, decided_at DESC, id DESC
                """,
                list(partner_ids),
                channel,
                company.id,
            )
        )
        return {(partner, purpose): word for partner, purpose, *word in rows}

    @api.model
    def _get_objections(self, addresses, channel, company):
        """The last objection of those who have an address and did not agree again, archived ones as well.

        :return: ``{(address, purpose): (moment, "withdrawn")}``
        """
        self.flush_model()
        self.env["res.partner"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT address, purpose, max(decided_at), 'withdrawn'
                  FROM (SELECT DISTINCT ON (partner.id, consent.purpose)
                               partner.%(column)s AS address, consent.purpose,
                               consent.decided_at, consent.decision
                          FROM res_partner partner
                          JOIN trade_consent consent ON consent.partner_id = partner.id
                         WHERE partner.%(column)s = ANY(%(addresses)s)
                           AND consent.channel = %(channel)s
                           AND (consent.company_id IS NULL OR consent.company_id = %(company)s)
                         ORDER BY partner.id, consent.purpose,
                                  consent.decided_at DESC, consent.id DESC) last
                 WHERE decision = 'withdrawn'
                 GROUP BY address, purpose
                """,
                column=SQL.identifier(COLUMNS[KINDS[channel]]),
                addresses=list(addresses),
                channel=channel,
                company=company.id,
            )
        )
        return {(address, purpose): word for address, purpose, *word in rows}

    @api.model
    def _get_all_decisions(self, partner_ids):
        """Every last decision of some partners.

        :return: ``{(partner id, channel, purpose, company id or None): decision}``
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner_id, channel, purpose, company_id)
                       partner_id, channel, purpose, company_id, decision, decided_at, id
                  FROM trade_consent
                 WHERE partner_id = ANY(%s)
                 ORDER BY partner_id, channel, purpose, company_id, decided_at DESC, id DESC
                """,
                list(partner_ids),
            )
        )
        last = {}
        for partner, channel, purpose, company, decision, moment, number in rows:
            last[partner, channel, purpose, company] = (moment, number, decision)
        # What was said to all of us holds for each of us, unless something else was said later.
        return {
            key: max(entry, last.get((*key[:3], None), entry))[2] for key, entry in last.items()
        }

    @api.model
    def _get_own_decisions(self, partner, company):
        """:return: ``{(channel, purpose): decision}`` of what one partner told ``company``, or all of us"""
        decisions = self._get_all_decisions(partner.ids)
        own = {}
        for channel, (purpose, _label) in product(KINDS, PURPOSES):
            key = (partner.id, channel, purpose)
            own[channel, purpose] = decisions.get((*key, company.id), decisions.get((*key, None)))
        return own

    @api.model
    def _get_grid(self, partner, company):
        """What the guard would let through to one partner, decided or by rule, apart from blacklists.

        :return: ``{(channel, purpose): bool}``
        """
        guard = self.env["trade.contact.guard"]
        facts = guard._read_facts(partner.ids)
        refusals = {
            channel: guard._get_consent_refusals(facts, channel, company) for channel in KINDS
        }
        return {
            (channel, purpose): (partner.id, purpose) not in refusals[channel]
            for purpose, _label in PURPOSES
            for channel in KINDS
        }


class TradeConsentRule(models.Model):
    """What holds for customers who have not decided."""

    _name = "trade.consent.rule"
    _description = "Rule of Consent"
    _order = "company_id, purpose, channel"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    purpose = fields.Selection(PURPOSES, required=True, readonly=True)
    mode = fields.Selection(
        [("opt_in", "Only who agreed"), ("opt_out", "All who did not object")],
        "Is sent to",
        required=True,
    )

    _once = models.Constraint(
        "UNIQUE (company_id, channel, purpose)", "There is one rule for each channel and purpose."
    )

    @api.model
    def _get_default_mode(self, channel, purpose):
        """Advertising needs consent in most countries; a greeting to one's customer does not."""
        return "opt_out" if purpose == "care" else "opt_in"

    @api.model
    def _get_modes(self, company):
        """``{(channel, purpose): mode}`` of a company, also where nobody has set one."""
        rules = self.sudo().search(Domain("company_id", "=", company.id))
        given = {(rule.channel, rule.purpose): rule.mode for rule in rules}
        return {
            (channel, purpose): given.get(
                (channel, purpose), self._get_default_mode(channel, purpose)
            )
            for purpose, _label in PURPOSES
            for channel, _label in CHANNELS
        }

    @api.model
    def _ensure(self, company):
        """Give ``company`` the rules that it has not yet, so that a person can change them."""
        rules = [
            (company.id, channel, purpose, mode)
            for (channel, purpose), mode in self._get_modes(company).items()
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_consent_rule (company_id, channel, purpose, mode)"
                " SELECT * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[])"
                " ON CONFLICT DO NOTHING",
                *map(list, zip(*rules, strict=True)),
            )
        )
        self.invalidate_model()
