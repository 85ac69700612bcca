from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .trade_message import PURPOSES

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
        help="Empty: towards all of our companies.",
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
        if not self.env.su:
            for vals in vals_list:
                if vals.get("source") in OWN_SOURCES:
                    raise AccessError(self.env._("Choose how you came to know of it."))
                vals["user_id"] = self.env.uid
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            raise AccessError(
                self.env._("What was decided stays. Record the new decision beside it, please.")
            )
        return super().write(vals)

    @api.model
    def _withdraw_all(self, partners, source, proof):
        """Record that customers want nothing at all any more, from none of our companies."""
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
                for channel, _label in CHANNELS
                for purpose, _label in PURPOSES
            ]
        )

    # ------------------------------------------------------------------
    # State
    # ------------------------------------------------------------------

    @api.model
    def _get_decisions(self, partner_ids, channel, purpose, company):
        """The last decision of each partner.

        :return: ``{partner id: "granted" or "withdrawn"}``
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner_id) partner_id, decision
                  FROM trade_consent
                 WHERE partner_id = ANY(%s) AND channel = %s AND purpose = %s
                   AND (company_id IS NULL OR company_id = %s)
                 ORDER BY partner_id, decided_at DESC, id DESC
                """,
                list(partner_ids),
                channel,
                purpose,
                company.id,
            )
        )
        return dict(rows)

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
    def _get_grid(self, partner, company):
        """What holds for one partner, decided or by rule.

        :return: ``{(channel, purpose): bool}``
        """
        decisions = self._get_all_decisions(partner.ids)
        rules = self.env["trade.consent.rule"]._get_modes(company)
        grid = {}
        for (channel, purpose), mode in rules.items():
            key = (partner.id, channel, purpose)
            decision = decisions.get((*key, company.id), decisions.get((*key, None)))
            grid[channel, purpose] = decision == "granted" if decision else mode == "opt_out"
        return grid


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
