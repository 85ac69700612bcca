"""Who may be contacted now: asked before anything goes out, whoever sends it."""

from collections import defaultdict
from datetime import datetime, time, timedelta
from functools import lru_cache
from itertools import product

import pytz

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize_all

from .trade_message import KINDS, LIVE_STATES, PURPOSES

# Nobody is reached through these.
SILENT_CHANNELS = {"coupon"}
UTC = pytz.utc


def get_zones(tz, country_code):
    """Names of the time zones in which a customer may be.

    Odoo gives a new contact the time zone of who created it, so it counts only where it fits the
    country. A country with several zones is awake when all of it is.

    >>> get_zones("Asia/Shanghai", "DE")
    ('Europe/Berlin', 'Europe/Busingen')
    >>> get_zones("America/New_York", "US")
    ('America/New_York',)
    """
    zones = tuple(pytz.country_timezones.get(country_code or "", ()))
    if tz and (not zones or tz in zones):
        return (tz,)
    # Urumqi has a zone of its own on paper; China lives by one clock.
    return zones[:1] if country_code == "CN" else zones


def is_quiet(hour, start, end):
    """Whether ``hour`` is in the quiet hours, which may go on past midnight.

    >>> [is_quiet(hour, 21, 9) for hour in (8.99, 9, 20.99, 21)]
    [True, False, False, True]
    >>> is_quiet(13, 12, 14), is_quiet(3, 8, 8)
    (True, False)
    """
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def get_waking(moment, zone, start, end):
    """When the quiet hours around ``moment`` end, in naive UTC; ``moment`` itself if it is not quiet."""
    zone = pytz.timezone(zone)
    local = UTC.localize(moment).astimezone(zone)
    if not is_quiet(local.hour + local.minute / 60 + local.second / 3600, start, end):
        return moment
    day = local.date()
    minutes = round(end * 60)
    if local.hour * 60 + local.minute >= minutes:
        day += timedelta(days=1)
    clock = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return zone.normalize(zone.localize(clock)).astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def get_awake(moment, zones, start, end):
    """The first moment, from ``moment`` on, that is not quiet in any of ``zones``.

    Where that never happens, as in a country around half of the earth, the last zone to wake decides.
    """
    for _turn in range(3):
        later = max((get_waking(moment, zone, start, end) for zone in zones), default=moment)
        if later == moment:
            break
        moment = later
    return moment


class TradeContactGuard(models.AbstractModel):
    """One answer for campaigns, journeys, care and people: may we contact this customer?"""

    _name = "trade.contact.guard"
    _description = "Contact Guard"

    @api.model
    def _get_refusals(self, partner_ids, channel, purpose, at, company=None, capped=True):
        """Which of some partners must not be contacted.

        The number of queries does not depend on how many there are.

        :param partner_ids: ids of partners, at most some thousand
        :param channel: see ``trade.message``
        :param purpose: see ``trade.message``
        :param at: naive UTC datetime for which it is asked
        :param company: who contacts them, by default that of the environment
        :param capped: whether the limit of messages counts
        :return: ``{partner id: (reason, from when it would be allowed or None)}`` of those refused
        """
        company = (company or self.env.company).sudo()
        facts = self._read_facts(partner_ids)
        refusals = {number: ("archived", None) for number in partner_ids if number not in facts}
        for number, fact in facts.items():
            if reason := self._get_address_refusal(fact, channel):
                refusals[number] = (reason, None)
        if channel in SILENT_CHANNELS:
            return refusals
        left = {number: fact for number, fact in facts.items() if number not in refusals}
        refused = self._get_consent_refusals(left, channel, company)
        refusals |= {
            number: (reason, None) for (number, of), reason in refused.items() if of == purpose
        }
        left = {number: fact for number, fact in left.items() if number not in refusals}
        waits = self._get_cap_waits(left, at, company) if capped else {}
        for number, fact in left.items():
            if waiting := self._get_wait(fact, waits.get(number), at, company):
                refusals[number] = waiting
        return refusals

    # ------------------------------------------------------------------
    # Address
    # ------------------------------------------------------------------

    @api.model
    def _read_facts(self, partner_ids):
        """``{partner id: what there is to know of it}``

        ``addresses`` are those that a message goes to, by kind; ``mail_listed`` and ``phone_listed`` those of
        them that are on the blacklist. Odoo writes to each address of a field with several.
        """
        for name in ("res.partner", "mail.blacklist", "phone.blacklist", "mailing.subscription"):
            self.env[name].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT partner.id, partner.active, partner.tz, country.code AS country,
                       COALESCE(partner.commercial_partner_id, partner.id) AS family,
                       COALESCE(partner.email, '') AS email,
                       COALESCE(partner.email_normalized, '') AS mail,
                       COALESCE(partner.phone, '') <> '' AS has_phone,
                       COALESCE(partner.phone_sanitized, '') AS phone,
                       ARRAY(SELECT listed.number FROM phone_blacklist listed
                              WHERE listed.number = partner.phone_sanitized AND listed.active)
                           AS phone_listed,
                       (SELECT bool_and(COALESCE(subscription.opt_out, FALSE))
                          FROM mailing_contact contact
                          JOIN mailing_subscription subscription
                            ON subscription.contact_id = contact.id
                         WHERE contact.email_normalized = partner.email_normalized) AS left_lists
                  FROM res_partner partner
                  LEFT JOIN res_country country ON country.id = partner.country_id
                 WHERE partner.id = ANY(%s)
                """,
                list(partner_ids),
            )
        )
        for row in rows:
            mails = email_normalize_all(row["email"])
            phones = [row["phone"]] if row["phone"] else []
            row |= {"has_mail": bool(row["email"]), "addresses": {"mail": mails, "phone": phones}}
        listed = self._get_listed_mails(rows)
        for row in rows:
            row["mail_listed"] = [mail for mail in row["addresses"]["mail"] if mail in listed]
        return {row["id"]: row for row in rows}

    @api.model
    def _get_listed_mails(self, facts):
        mails = [mail for fact in facts for mail in fact["addresses"]["mail"]]
        rows = self.env.execute_query(
            SQL("SELECT email FROM mail_blacklist WHERE active AND email = ANY(%s)", mails)
        )
        return {mail for [mail] in rows}

    @api.model
    def _get_address_refusal(self, fact, channel):
        """The reason why ``channel`` does not lead to a customer, or None."""
        if not fact["active"]:
            return "archived"
        kind = KINDS.get(channel)
        if not kind:
            return None
        if not fact[f"has_{kind}"]:
            return "no_address"
        if not fact[kind]:
            return "bad_address"
        return "blacklisted" if fact[f"{kind}_listed"] else None

    # ------------------------------------------------------------------
    # Consent
    # ------------------------------------------------------------------

    @api.model
    def _get_consent_refusals(self, facts, channel, company):
        """What customers objected to, or did not agree to where they have to.

        :return: ``{(partner id, purpose): reason}``
        """
        decisions = self.env["trade.consent"]._get_decisions(facts, channel, company)
        modes = self.env["trade.consent.rule"]._get_modes(company)
        refusals = {}
        for (number, fact), (purpose, _label) in product(facts.items(), PURPOSES):
            decision = decisions.get((number, purpose))
            if decision == "withdrawn" or not decision and channel == "mail" and fact["left_lists"]:
                refusals[number, purpose] = "opted_out"
            elif not decision and modes[channel, purpose] == "opt_in":
                refusals[number, purpose] = "no_consent"
        return refusals

    # ------------------------------------------------------------------
    # Pressure
    # ------------------------------------------------------------------

    @api.model
    def _get_wait(self, fact, cap_until, at, company):
        """``(reason, from when)`` of what makes a customer wait longest, or None."""
        zones = get_zones(fact["tz"], fact["country"]) or (company.trade_tz or "UTC",)
        start, end = company.trade_quiet_from, company.trade_quiet_to
        if cap_until:
            return "cap", get_awake(cap_until, zones, start, end)
        awake = get_awake(at, zones, start, end)
        return ("quiet", awake) if awake > at else None

    @api.model
    def _get_cap_waits(self, facts, at, company):
        """``{partner id: when another message is allowed}`` of customers who got enough."""
        caps = company._get_trade_caps()
        if not caps or not facts:
            return {}
        since = at - timedelta(days=max(days for days, _limit in caps))
        contacts = self._read_contacts({fact["family"] for fact in facts.values()}, since)
        waits = {}
        for family, moments in contacts.items():
            until = [self._get_cap_wait(moments, days, limit, at) for days, limit in caps]
            if until := max(filter(None, until), default=None):
                waits[family] = until
        return {
            number: waits[fact["family"]]
            for number, fact in facts.items()
            if fact["family"] in waits
        }

    @api.model
    def _get_cap_wait(self, moments, days, limit, at):
        """When ``limit`` messages in ``days`` leave room again, or None.

        :param moments: ascending datetimes of contacts
        """
        window = timedelta(days=days)
        recent = [moment for moment in moments if moment > at - window]
        return recent[-limit] + window if len(recent) >= limit else None

    @api.model
    def _read_contacts(self, families, since):
        """When customers and their contacts were written to, by whatever of ours or of Odoo's.

        :return: ``{commercial partner id: ascending datetimes}``
        """
        self.env["trade.message"].flush_model()
        self.env["mailing.trace"].flush_model()
        rows = self.env.execute_query(
            SQL("SELECT family, moment FROM (%s) contact ORDER BY moment",
                self._get_contacts_sql(families, since))
        )  # fmt: skip
        contacts = defaultdict(list)
        for family, moment in rows:
            contacts[family].append(moment)
        return contacts

    @api.model
    def _get_contacts_sql(self, families, since):
        """One row (family, moment) per contact since then; addons add theirs by UNION ALL.

        What went to the same address by way of another record counts. Mailings that Odoo sends without a
        campaign of ours count as well: to the customer, or to the address, be it on a list.
        """
        return SQL(
            """
            WITH member AS (
                SELECT id, commercial_partner_id AS family, email_normalized AS mail,
                       phone_sanitized AS phone
                  FROM res_partner WHERE commercial_partner_id = ANY(%(families)s)
            ), reached AS (
                SELECT family, id AS partner_id, NULL AS kind FROM member
                 UNION ALL
                SELECT member.family, twin.id, 'mail'
                  FROM member JOIN res_partner twin ON twin.email_normalized = member.mail
                 UNION ALL
                SELECT member.family, twin.id, 'phone'
                  FROM member JOIN res_partner twin ON twin.phone_sanitized = member.phone
            )
            SELECT family, moment FROM (
                SELECT DISTINCT reached.family, message.id,
                       COALESCE(message.sent_at, message.claimed_at) AS moment
                  FROM reached
                  JOIN trade_message message ON message.partner_id = reached.partner_id
                 WHERE message.state IN %(live)s
                   AND message.channel <> 'coupon'
                   AND (reached.kind IS NULL
                        OR reached.kind = CASE message.channel WHEN 'mail' THEN 'mail'
                                                               ELSE 'phone' END)
                   AND COALESCE(message.sent_at, message.claimed_at) > %(since)s
            ) ours
            UNION ALL
            SELECT family, sent_datetime FROM (
                SELECT member.family, trace.id, trace.sent_datetime,
                       trace.mass_mailing_id, trace.model, trace.res_id
                  FROM member
                  JOIN mailing_trace trace ON trace.model = 'res.partner' AND trace.res_id = member.id
                 WHERE trace.sent_datetime > %(since)s
                 UNION
                SELECT member.family, trace.id, trace.sent_datetime,
                       trace.mass_mailing_id, trace.model, trace.res_id
                  FROM member
                  JOIN mailing_trace trace ON trace.email = member.mail
                 WHERE trace.sent_datetime > %(since)s
            ) trace
             WHERE NOT (trace.model = 'res.partner' AND EXISTS (
                    SELECT FROM trade_message message
                     WHERE message.partner_id = trace.res_id
                       AND message.mailing_id = trace.mass_mailing_id))
            """,
            families=list(families),
            live=LIVE_STATES,
            since=fields.Datetime.to_string(since),
        )


class MailingTrace(models.Model):
    _inherit = "mailing.trace"

    # Otherwise the guard would read all that was ever sent.
    _trade_of_record = models.Index("(res_id, model)")
    _trade_of_address = models.Index("(email) WHERE email IS NOT NULL")
