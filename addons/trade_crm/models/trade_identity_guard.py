from contextvars import ContextVar

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..analytics.identity import STRONG_KINDS
from .trade_collision import REFUSED, Probe

# They are told of doubles, but not stopped; so is who gives others these rights.
ABOVE_GUARD = ("trade_crm.group_manager", "base.group_erp_manager")
TOLD = 20  # records of a batch that a message names


# Whether ``load`` is trying a batch: nothing that a client could set.
by_row = ContextVar("by_row", default=False)


class BatchRefused(Exception):
    """Makes ``load`` try row by row, so that each bad row gets its own message."""


class TradeIdentityMixin(models.AbstractModel):
    """Refuses to make a second record of what somebody else has."""

    _inherit = "trade.identity.mixin"

    # A change of these makes another record of it: all of its keys are compared, and not new ones only.
    # So does an owner, a customer, or being active again; to lose them does not.
    _guard_whole_fields = {"company_id"}
    # Who does not have a record changes none of these: it would be a way to take it.
    _guard_taking_fields = {"user_id", "active", "company_id"}

    @api.model
    def _is_above_guard(self):
        return self.env.su or any(self.env.user.has_group(group) for group in ABOVE_GUARD)

    def _get_guard_company(self):
        """Whose settings apply; what is of no company is guarded if one of the user's companies is."""
        company = self.sudo().company_id
        if company or self.env.company.trade_lead_guard or self.env.su:
            return company or self.env.company
        guarded = self.env.user.sudo().company_ids.filtered("trade_lead_guard")
        return guarded[:1] or self.env.company

    def _filter_guarded(self):
        """Those of ``self`` whose company compares."""
        return self.filtered(lambda record: record._get_guard_company().trade_lead_guard)

    @api.model
    def load(self, fields, data):
        # See BatchRefused.
        token = by_row.set(True)
        try:
            result = super().load(fields, data)
        finally:
            by_row.reset(token)
        if not self._is_above_guard():
            result["messages"] = self._drop_repeated(result["messages"])
        return result

    @api.model
    def _drop_repeated(self, messages):
        """Odoo puts what stopped a batch before the messages of its rows, as if of the first row."""
        if messages and messages[0]["message"] in [told["message"] for told in messages[1:]]:
            return messages[1:]
        return messages

    # ------------------------------------------------------------------
    # Comparison
    # ------------------------------------------------------------------

    def _get_guard_lookups(self):
        """``{record id: set of (match, kind, value)}`` of what identifies it beyond doubt."""
        return {
            record_id: {(kind, kind, value) for kind, value in keys if kind in STRONG_KINDS}
            for record_id, keys in self._get_identity_keys().items()
        }

    def _get_guard_probe(self, lookups):
        """The :class:`Probe` of one record."""
        raise NotImplementedError

    def _get_guard_link(self):
        """The customer of another record that this one is about, or None."""
        return

    def _find_collisions(self, before=None):
        """What the records of ``self`` meet.

        :param before: what was looked up before a change, which is not compared again
        :return: ``{record: list of Hit}``, what matters most first
        """
        collisions = self.env["trade.collision"]
        lookups, found = self._get_guard_lookups(), {}
        for company, records in self.grouped(lambda record: record._get_guard_company()).items():
            new = {
                record: lookups[record.id] - (before or {}).get(record.id, set())
                for record in records
            }
            probes = {record: record._get_guard_probe(new[record]) for record in records}
            found |= collisions._find(probes, company)
            links = {
                record: {(record._get_guard_link(), None): "customer"}
                for record in records
                if before is None and record._get_guard_link()
            }
            for record, hits in collisions._judge(probes, links, company).items():
                known = {(hit.partner_id, hit.lead_id) for hit in found.get(record, ())}
                extra = [hit for hit in hits if (hit.partner_id, None) not in known]
                found[record] = sorted(
                    extra + found.get(record, []), key=lambda hit: hit.status not in REFUSED
                )
        return found

    def _guard(self, before=None):
        """Compare ``self``, refuse what is somebody else's, or tell who is above that.

        :return: ``{record: list of Hit}``
        """
        guarded = self._filter_guarded()
        checks = self.env["trade.collision.check"]
        if guarded and checks._is_over_limit("refused"):
            # What is free is refused as well now, or whoever tries names could go on.
            raise UserError(checks._get_limit_sentence())
        found = guarded._find_collisions(before) if guarded else {}
        refused = {record: hits[0] for record, hits in found.items() if hits[0].status in REFUSED}
        if refused and not self._is_above_guard():
            self._refuse_collisions(refused)
        if refused and not self.env.su:
            self._note_collisions(refused)
        return found

    def _note_collisions(self, found):
        collisions = self.env["trade.collision"]
        records = self.browse([record.id for record in found])
        records._message_log_batch(
            {
                record.id: collisions._tell(collisions._get_details(hit))
                for record, hit in found.items()
            }
        )

    # ------------------------------------------------------------------
    # Refusal
    # ------------------------------------------------------------------

    def _refuse_collisions(self, refused):
        """:param refused: ``{record: Hit}``"""
        if len(self) > 1 and by_row.get():
            raise BatchRefused
        checks = self.env["trade.collision.check"]
        over_limit = checks._is_over_limit()
        for hit in refused.values():
            checks._log_refusal({hit.match}, hit.status)
        if over_limit:
            raise UserError(checks._get_limit_sentence())
        raise UserError(self._get_refusal(refused))

    def _get_refusal(self, refused):
        collisions = self.env["trade.collision"]
        places = {record_id: place for place, record_id in enumerate(self._ids, 1)}
        lines = []
        for record, hit in list(refused.items())[:TOLD]:
            words = {
                "place": places[record.id],
                "name": record.display_name,
                "why": collisions._tell(collisions._get_details(hit)),
            }
            lines.append(
                self.env._("%(place)s. “%(name)s”: %(why)s", **words)
                if len(self) > 1
                else self.env._("“%(name)s”: %(why)s", **words)
            )
        if len(refused) > TOLD:
            lines.append(self.env._("… and %(count)s more.", count=len(refused) - TOLD))
        if len(self) > 1:
            lines.insert(0, self.env._("Nothing was saved:"))
        first = next(iter(refused.values()))
        return "\n".join([*lines, collisions._get_way_out(first.status)])

    def _is_compared_whole(self, vals):
        gained = any(vals.get(name) for name in ("user_id", "active", "partner_id"))
        return gained or not self._guard_whole_fields.isdisjoint(vals)

    def _check_take_over(self, vals):
        """Nobody takes, or gives away, what is a colleague's: they ask for it.

        :param vals: values that are about to be written
        """
        takes = not self._guard_taking_fields.isdisjoint(vals) and not self._is_above_guard()
        guarded = self._filter_guarded() if takes else ()
        collisions = self.env["trade.collision"]
        for company, records in (
            guarded.grouped(lambda record: record._get_guard_company()).items() if guarded else ()
        ):
            pairs = {record: record._get_guard_pair() for record in records}
            # Giving a record to whom it is of already changes nothing.
            probes = {
                record: Probe(owners=(self.env.uid, *filter(None, [vals.get("user_id")])))
                for record in records
            }
            links = {record: {pair: "customer"} for record, pair in pairs.items() if any(pair)}
            for record, hits in collisions._judge(probes, links, company).items():
                if hits[0].status == "taken":
                    raise UserError(record._get_take_over_refusal(hits[0]))

    def _get_guard_pair(self):
        """(customer id or None, lead id or None) of the record itself."""
        raise NotImplementedError

    def _get_take_over_refusal(self, hit):
        details = self.env["trade.collision"]._get_details(hit)
        return self.env._(
            "“%(name)s” is of %(owner)s. %(way_out)s",
            name=self.display_name,
            owner=details["owner"],
            way_out=self.env["trade.collision"]._get_way_out("taken"),
        )

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def _get_typed_values(self):
        """What the form of a new record says: values for ``trade.collision._ask``."""
        raise NotImplementedError

    def _get_collision_warning(self):
        """What whoever fills in a form should know before it is saved, or False."""
        if self._origin:
            return False
        return self.env["trade.collision"]._warn(
            self._get_typed_values(), self._get_guard_company()
        )

    def _get_protected_until(self):
        """``{record id: date}`` of those of ``self`` that are protected for their salesperson."""
        collisions = self.env["trade.collision"]
        today = fields.Date.context_today(self)
        pairs = {record: record._get_guard_pair() for record in self._filter_guarded()}
        targets = collisions._read_targets({pair for pair in pairs.values() if any(pair)})
        dates = {}
        for record, pair in pairs.items():
            days = record._get_guard_company().trade_protection_days
            target = targets.get(pair)
            if days and target and target.owner_id and not target.lost_at and not target.pooled:
                until = fields.Date.add(target.last_at.date(), days=days)
                if until >= today:
                    dates[record.id] = until
        return dates
