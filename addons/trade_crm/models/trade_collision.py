from collections import defaultdict, namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..analytics.identity import (
    contact_keys,
    is_close,
    name_lookups,
    normalise_name,
    weak_lookups,
)
from ..analytics.masking import mask_company, mask_name

# From what matters least to what matters most.
STATUSES = [
    ("free", "Free"),
    ("possible", "Perhaps known"),
    ("unowned", "Known, without a salesperson"),
    ("lapsed", "Known, protection is over"),
    ("own", "Yours"),
    ("pool", "In the pool"),
    ("taken", "Taken"),
]
RANKS = {status: rank for rank, (status, _label) in enumerate(STATUSES)}
REFUSED = ("taken", "pool")
# More records than this under one key say nothing any more.
KEY_LIMIT = 500
SIMILAR_LIMIT = 200

# What is asked: look-ups as (match, kind, value); users to whom it may belong; customer and lead
# that are no find.
Probe = namedtuple("Probe", "lookups owners partner_id lead_id", defaults=((), (), 0, 0))
Hit = namedtuple("Hit", "status match owner_id until partner_id lead_id")
# What is known of a customer or lead that was found.
Target = namedtuple("Target", "owner_id last_at pooled lost_at")


class TradeCollision(models.AbstractModel):
    """Finds customers and leads that are about the same company, in all territories.

    It looks as superuser. What it finds goes to a user by :meth:`_describe` alone, which tells no
    more than the user may know.
    """

    _name = "trade.collision"
    _description = "Comparison of Customers and Leads"

    # ------------------------------------------------------------------
    # Question
    # ------------------------------------------------------------------

    @api.model
    def _ask(self, values, company=None, weak=True, now=None):
        """Compare what somebody typed with everything that there is.

        :param values: dict with some of name, is_company, phone, email, vat, country (ISO code)
        :param weak: whether names that sound or look alike are looked for as well
        :return: list of :class:`Hit`, what matters most first
        """
        company = company or self.env.company
        lookups = self._get_lookups(values, company)
        probes = {0: Probe(lookups, (self.env.uid,))} if lookups else {}
        hits = self._find(probes, company, now).get(0, [])
        if weak and values.get("name") and not hits:
            hits = self._find_similar(values["name"], company)
        return hits

    @api.model
    def _get_lookups(self, values, company):
        """Strong look-ups of ``values``: set of (match, kind, value)."""
        codes = {values.get("country")} - {None, False}
        codes = codes or {
            company.country_id.code or False,
            self.env["res.company"].sudo().search([], order="id", limit=1).country_id.code or False,
        }
        keys = name_lookups(values.get("name"), values.get("is_company", True))
        for code in codes:
            keys |= contact_keys(
                values.get("phone"), values.get("email"), values.get("vat"), code or None
            )
        return {(kind, kind, value) for kind, value in keys}

    @api.model
    def _warn(self, values, company):
        """What whoever types ``values`` should know before they are saved, or False.

        :param values: see :meth:`_ask`
        """
        checks = self.env["trade.collision.check"]
        if (
            not company.trade_lead_guard
            or not self._get_lookups(values, company)
            or checks._is_over_limit()
        ):
            return False
        hits = self._ask(values, company)
        # A miss tells something as well.
        if not self.env["trade.identity.mixin"]._is_above_guard():
            kinds = {hits[0].match} if hits else {"name"}
            checks._log("screen", kinds, hits[0].status if hits else "free")
        if not hits:
            return False
        told = self._tell(self._get_details(hits[0]))
        way_out = self._get_way_out(hits[0].status) if hits[0].status in REFUSED else ""
        return f"{told} {way_out}".strip()

    # ------------------------------------------------------------------
    # Search
    # ------------------------------------------------------------------

    @api.model
    def _find(self, probes, company, now=None):
        """What each of ``probes`` meets, by two queries for all of them.

        :param probes: ``{anything: Probe}``
        :return: ``{the same: list of Hit}``, what matters most first
        """
        numbers = list(probes)
        links = defaultdict(dict)
        for number, match, partner_id, lead_id in self._look_up(
            [probes[number] for number in numbers], company
        ):
            probe = probes[numbers[number]]
            if partner_id != probe.partner_id and lead_id != probe.lead_id:
                links[numbers[number]].setdefault((partner_id, lead_id), match)
        return self._judge(probes, links, company, now)

    @api.model
    def _judge(self, probes, links, company, now=None):
        """:param links: ``{number of a probe: {(customer id or None, lead id or None): match}}``"""
        targets = self._read_targets({pair for pairs in links.values() for pair in pairs})
        found = {}
        for number, pairs in links.items():
            hits = [
                self._make_hit(pair, match, targets[pair], probes[number].owners, company, now)
                for pair, match in pairs.items()
                if pair in targets
            ]
            hits = sorted(filter(None, hits), key=lambda hit: -RANKS[hit.status])
            if hits:
                found[number] = hits
        return found

    @api.model
    def _look_up(self, probes, company):
        """:return: list of (place in ``probes``, match, customer id or None, lead id or None)"""
        rows = [(number, *row) for number, probe in enumerate(probes) for row in probe.lookups]
        if not rows:
            return []
        self._flush()
        return self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT probe.number, probe.match, customer.id, lead.id
                  FROM unnest(%(numbers)s::int[], %(matches)s::text[], %(kinds)s::text[],
                              %(values)s::text[]) AS probe (number, match, kind, value)
                 CROSS JOIN LATERAL (
                       SELECT partner_id, lead_id FROM trade_identity_key
                        WHERE kind = probe.kind AND value = probe.value LIMIT %(limit)s
                       ) found
                  %(joins)s
                """,
                **dict(
                    zip(
                        ("numbers", "matches", "kinds", "values"),
                        [list(column) for column in zip(*rows, strict=True)],
                        strict=True,
                    )
                ),
                limit=KEY_LIMIT,
                joins=self._get_joins(company),
            )
        )

    @api.model
    def _get_joins(self, company):
        """From keys ``found`` to the customers and leads that count in ``company``."""
        return SQL(
            """
            LEFT JOIN res_partner contact ON contact.id = found.partner_id
            LEFT JOIN res_partner customer
                   ON customer.id = COALESCE(contact.commercial_partner_id, contact.id)
                  AND customer.active AND %(is_customer)s
                  AND (customer.company_id IS NULL OR customer.company_id = %(company)s)
            LEFT JOIN crm_lead lead
                   ON lead.id = found.lead_id
                  AND (lead.company_id IS NULL OR lead.company_id = %(company)s)
            WHERE (customer.id IS NOT NULL OR lead.id IS NOT NULL)
            """,
            is_customer=self.env["res.partner"]._get_customer_condition("customer"),
            company=company.id,
        )

    @api.model
    def _find_similar(self, name, company):
        """Customers and leads whose name sounds like ``name`` or has one sign that is different."""
        normal = normalise_name(name)
        lookups = weak_lookups(name)
        if not lookups:
            return []
        self._flush()
        matches, kinds, values = (list(column) for column in zip(*lookups, strict=True))
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT probe.match, customer.id, lead.id, named.value
                  FROM unnest(%(matches)s::text[], %(kinds)s::text[], %(values)s::text[])
                       AS probe (match, kind, value)
                 CROSS JOIN LATERAL (
                       SELECT partner_id, lead_id FROM trade_identity_key
                        WHERE kind = probe.kind AND value = probe.value LIMIT %(limit)s
                       ) found
                 CROSS JOIN LATERAL (
                       SELECT value FROM trade_identity_key
                        WHERE partner_id = found.partner_id AND kind = 'name'
                          AND (probe.match <> 'edit' OR abs(length(value) - %(length)s) <= 1)
                        UNION ALL
                       SELECT value FROM trade_identity_key
                        WHERE lead_id = found.lead_id AND kind = 'name'
                          AND (probe.match <> 'edit' OR abs(length(value) - %(length)s) <= 1)
                       ) named
                  %(joins)s
                """,
                matches=matches,
                kinds=kinds,
                values=values,
                length=len(normal),
                limit=SIMILAR_LIMIT,
                joins=self._get_joins(company),
            )
        )
        return [
            Hit("possible", match, None, None, partner_id, lead_id)
            for match, partner_id, lead_id, other in sorted(rows, key=lambda row: row[0] == "edit")
            if match == "pinyin" or is_close(normal, other)
        ]

    @api.model
    def _flush(self):
        self.env["res.partner"].flush_model()
        self.env["crm.lead"].flush_model()

    # ------------------------------------------------------------------
    # Judgement
    # ------------------------------------------------------------------

    @api.model
    def _read_targets(self, pairs):
        """Who has the customers and leads, and since when nothing has happened there.

        :param pairs: set of (customer id or None, lead id or None)
        :return: ``{pair: Target}``
        """
        partner_ids = [partner for partner, _lead in pairs if partner]
        lead_ids = [lead for _partner, lead in pairs if lead]
        targets = {}
        if partner_ids or lead_ids:
            self._flush()
        if partner_ids:
            rows = self.env.execute_query(self._get_customer_sql(partner_ids))
            targets |= {(row[0], None): Target(*row[1:], False, None) for row in rows}
        if lead_ids:
            rows = self.env.execute_query(self._get_lead_sql(lead_ids))
            targets |= {(None, row[0]): Target(*row[1:]) for row in rows}
        return targets

    @api.model
    def _get_customer_sql(self, partner_ids):
        """An owner who has left, or is no user of ours, is none."""
        return SQL(
            """
            SELECT customer.id, owner.id,
                   GREATEST(customer.create_date, customer.trade_owned_since, purchase.last_at,
                            trail.last_at)
              FROM res_partner customer
              LEFT JOIN res_users owner
                     ON owner.id = customer.user_id AND owner.active AND owner.share IS NOT TRUE
              LEFT JOIN LATERAL (
                   SELECT max(last_order_date)::timestamp AS last_at FROM trade_customer_profile
                    WHERE partner_id = customer.id
                   ) purchase ON TRUE
              LEFT JOIN LATERAL (
                   SELECT max(GREATEST(lead.date_open, %(contact)s)) AS last_at
                     FROM res_partner contact JOIN crm_lead lead ON lead.partner_id = contact.id
                    WHERE contact.commercial_partner_id = customer.id
                      AND lead.user_id = customer.user_id
                   ) trail ON TRUE
             WHERE customer.id = ANY(%(ids)s)
            """,
            contact=self._get_column("trade_last_contact_at"),
            ids=partner_ids,
        )

    @api.model
    def _get_lead_sql(self, lead_ids):
        return SQL(
            """
            SELECT lead.id, owner.id,
                   GREATEST(lead.create_date, lead.date_open, %(contact)s),
                   lead.active AND %(pooled)s IS NOT NULL,
                   CASE WHEN NOT lead.active OR lead.won_status = 'lost'
                        THEN COALESCE(lead.date_closed, lead.write_date) END
              FROM crm_lead lead
              LEFT JOIN res_users owner
                     ON owner.id = lead.user_id AND owner.active AND owner.share IS NOT TRUE
             WHERE lead.id = ANY(%(ids)s)
            """,
            contact=self._get_column("trade_last_contact_at"),
            pooled=self._get_column("trade_pooled_at"),
            ids=lead_ids,
        )

    @api.model
    def _get_column(self, name):
        stored = name in self.env["crm.lead"]._fields
        return SQL.identifier("lead", name) if stored else SQL("NULL::timestamp")

    @api.model
    def _make_hit(self, pair, match, target, owners, company, now=None):
        """:return: a :class:`Hit`, or None for a lead that was lost too long ago to matter"""
        now = now or fields.Datetime.now()
        days = company.trade_protection_days
        until = target.last_at + timedelta(days=days) if days else None
        if target.lost_at:
            if days and target.lost_at + timedelta(days=days) <= now:
                return None
            return Hit("lapsed", match, target.owner_id, None, *pair)
        if target.pooled:
            return Hit("pool", match, None, None, *pair)
        if not target.owner_id:
            return Hit("unowned", match, None, None, *pair)
        if target.owner_id in owners:
            return Hit("own", match, target.owner_id, until, *pair)
        protected = not days or now < until
        return Hit(
            "taken" if protected else "lapsed",
            match,
            target.owner_id,
            until if protected else None,
            *pair,
        )

    # ------------------------------------------------------------------
    # Answer
    # ------------------------------------------------------------------

    @api.model
    def _describe(self, hit):
        """What the user may know of ``hit``.

        Names are masked, and there is no id, unless the user may read the record anyway.

        :return: dict of status, match, is_lead, owner, name, until, and res_model and res_id or
            None
        """
        record = self._get_record(hit)
        record_sudo = record.sudo()
        readable = bool(record._filtered_access("read"))
        owner = self.env["res.users"].sudo().browse(hit.owner_id or []).name or ""
        name = record_sudo.partner_name if hit.lead_id else record_sudo.name
        return {
            "status": hit.status,
            "match": hit.match,
            "is_lead": bool(hit.lead_id),
            "owner": owner if readable else mask_name(owner),
            "name": (name if readable else mask_company(name)) or "",
            "until": fields.Date.to_string(hit.until) if hit.until else None,
            "res_model": record._name if readable else None,
            "res_id": record.id if readable else None,
        }

    @api.model
    def _get_record(self, hit):
        """The lead or customer of ``hit``, with the rights of the user."""
        if hit.lead_id:
            return self.env["crm.lead"].browse(hit.lead_id)
        return self.env["res.partner"].browse(hit.partner_id)

    @api.model
    def _get_details(self, hit):
        """What is kept of ``hit`` where others read it: nothing but masked values."""
        owner = self.env["res.users"].sudo().browse(hit.owner_id or []).name
        return {
            "status": hit.status,
            "match": hit.match,
            "is_lead": bool(hit.lead_id),
            "owner": mask_name(owner),
            "until": fields.Date.to_string(hit.until) if hit.until else None,
        }

    @api.model
    def _get_match_label(self, match):
        return {
            "name": self.env._("company name"),
            "phone": self.env._("phone number"),
            "email": self.env._("e-mail address"),
            "vat": self.env._("tax number"),
            "customer": self.env._("customer"),
            "pinyin": self.env._("pronunciation of the name"),
            "edit": self.env._("spelling of the name"),
        }.get(match, match)

    @api.model
    def _tell(self, details):
        """``details``, see :meth:`_get_details`, in a sentence."""
        words = {
            "match": self._get_match_label(details["match"]),
            "what": self.env._("lead") if details["is_lead"] else self.env._("customer"),
            "owner": details["owner"] or "–",
            "date": format_date(self.env, details["until"]) if details.get("until") else "",
        }
        match details["status"]:
            case "taken" if details.get("until"):
                return self.env._(
                    "Same %(match)s as a %(what)s of %(owner)s, protected until %(date)s.", **words
                )
            case "taken":
                return self.env._("Same %(match)s as a %(what)s of %(owner)s, protected.", **words)
            case "pool":
                return self.env._("Same %(match)s as a lead in the pool, free to claim.", **words)
            case "own":
                return self.env._("Same %(match)s as a %(what)s of yours.", **words)
            case "lapsed":
                return self.env._(
                    "Same %(match)s as a %(what)s of %(owner)s, no longer protected.", **words
                )
            case "unowned":
                return self.env._("Same %(match)s as a %(what)s that has no salesperson.", **words)
            case "possible":
                return self.env._("A %(what)s with a similar %(match)s exists.", **words)
        return self.env._("Nobody has it.")

    @api.model
    def _get_way_out(self, status):
        """What somebody can do who was refused."""
        if status == "pool":
            return self.env._("Claim it: Leads / Check a customer.")
        return self.env._("Press “Ask for it” under Leads / Check a customer.")
