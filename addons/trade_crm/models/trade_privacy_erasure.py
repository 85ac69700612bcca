"""What is done when a person asks to be forgotten."""

from datetime import date

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

# Nobody is told, nothing is tracked, no meeting is sent around.
QUIET = {
    "tracking_disable": True,
    "mail_notrack": True,
    "mail_create_nolog": True,
    "no_reset_password": True,
    "dont_notify": True,
}


class TradePrivacyRequest(models.Model):
    _inherit = "trade.privacy.request"

    keep_suppressed = fields.Boolean(
        "Keep on the lists of who must not be written to",
        help="The bare address stays on the blacklist, so that a list imported later does not bring "
        "the person back. Who is on it already stays in any case: it proves the objection.",
    )
    retention_until = fields.Date(
        "Kept until",
        readonly=True,
        help="Until then the name and address stay with the invoices; everything else is gone.",
    )

    # ------------------------------------------------------------------
    # May it be done
    # ------------------------------------------------------------------

    def _check_erasable(self, person):
        """Refuse what must not be erased, with what to do about it."""
        self._check_person(person)
        self._check_not_ours(person.partners)
        orders = self._find(
            "sale.order",
            person.get_partner_domain("partner_id", "partner_invoice_id", "partner_shipping_id")
            & Domain("state", "=", "sale")
            & (
                Domain("invoice_status", "=", "to invoice")
                | Domain("delivery_status", "in", ["pending", "started", "partial"])
            ),
        )
        if orders:
            raise UserError(
                self.env._(
                    "There are open orders: %(names)s. Deliver and invoice them, or cancel them; "
                    "then erase the person.",
                    names=self._name_some(orders),
                )
            )
        moves = self._find(
            "account.move",
            person.get_partner_domain("partner_id", "partner_shipping_id")
            & Domain("move_type", "!=", "entry")
            & (
                Domain("state", "=", "draft")
                | (Domain("state", "=", "posted") & Domain("amount_residual", "!=", 0))
            ),
        )
        if moves:
            raise UserError(
                self.env._(
                    "There are invoices that are not settled: %(names)s. Have them paid, credited "
                    "or, if they are drafts, deleted; then erase the person.",
                    names=self._name_some(moves),
                )
            )

    def _check_not_ours(self, partners_sudo):
        users_sudo = self._find("res.users", Domain("partner_id", "in", partners_sudo.ids))
        if users_sudo.filtered(lambda user: not user.share):
            raise UserError(
                self.env._(
                    "This person is, or was, a user of yours. What is kept of employees is not "
                    "erased from here: ask whoever is in charge of personnel."
                )
            )
        if self._find("res.company", Domain("partner_id", "in", partners_sudo.ids)):
            raise UserError(self.env._("This is one of your own companies, which are not erased."))

    @api.model
    def _find(self, model, domain):
        return self.env[model].sudo().with_context(active_test=False).search(domain)

    @api.model
    def _name_some(self, records):
        names = [name or self.env._("Draft") for name in records[:5].mapped("name")]
        return ", ".join(names) + (" …" if len(records) > 5 else "")

    # ------------------------------------------------------------------
    # How long invoices need the person
    # ------------------------------------------------------------------

    @api.model
    def _get_retention_end(self, person):
        """Last day on which a posted entry with the person has to be kept.

        To the end of the calendar year in which the period ends, which is the latest of the laws.

        :return: date, or None without entries
        """
        ids = person.partners.ids
        if not ids:
            return None
        self.env["account.move"].flush_model()
        self.env["account.move.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company_id, max(date) FROM (
                    SELECT company_id, date FROM account_move_line
                     WHERE partner_id = ANY(%(ids)s) AND parent_state = 'posted'
                    UNION ALL
                    SELECT company_id, date FROM account_move
                     WHERE (partner_id = ANY(%(ids)s) OR partner_shipping_id = ANY(%(ids)s))
                       AND state = 'posted'
                ) entry GROUP BY company_id
                """,
                ids=ids,
            )
        )
        companies_sudo = self.env["res.company"].sudo()
        ends = [
            date(last.year + companies_sudo.browse(company_id).trade_retention_years, 12, 31)
            for company_id, last in rows
        ]
        return max(ends, default=None)

    def _get_restriction(self, person):
        """The day until which the person is kept with the invoices, False if not at all."""
        end = self._get_retention_end(person)
        return end if end and end >= fields.Date.context_today(self) else False

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def _prepare_erasure(self):
        """
        :return: tuple of the person, the last day of a restriction or False, and a list of the
            steps with their records as superuser
        """
        self.ensure_one()
        person = self._get_person()
        restricted = self._get_restriction(person)
        steps = [
            (step, self._find(step.model, step.domain))
            for step in self._get_erasure_steps(person, restricted)
            if step.model in self.env
        ]
        return person, restricted, [(step, records) for step, records in steps if records]

    def action_erase(self):
        """Show what will be done, and ask."""
        self.ensure_one()
        self._check_verified()
        self._check_erasable(self._get_person())
        return {
            "name": self.env._("Erase a person"),
            "type": "ir.actions.act_window",
            "res_model": "trade.privacy.erase",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id},
        }

    # ------------------------------------------------------------------
    # Do it
    # ------------------------------------------------------------------

    def _erase(self):
        """Erase the person, all or nothing.

        Free text elsewhere that has the e-mail or phone is left to a job: it reads every table.
        """
        self.ensure_one()
        self._check_verified()
        self._take()
        person, restricted, steps = self._prepare_erasure()
        self._check_erasable(person)
        self._suppress(person)
        log_values = self._prepare_privacy_log()
        for step, records_sudo in steps:
            # What is deleted takes other records along.
            records_sudo = records_sudo.exists().with_context(**QUIET, active_test=True)
            if step.run:
                getattr(self.with_context(**QUIET), step.run)(records_sudo, person)
            elif step.action == "delete":
                records_sudo.unlink()
        self._close_erasure(person, restricted, steps, log_values)

    def _close_erasure(self, person, restricted, steps, log_values):
        told = "\n".join(
            f"{step.label}: {len(records)} ({self._get_action_label(step.action)})"
            for step, records in steps
        )
        log = self.env["privacy.log"].sudo().create({**log_values, "execution_details": told})
        self._forget_lookups()
        self._add_outcome(told)
        self._finish(
            "restricted" if restricted else "done",
            retention_until=restricted,
            log_id=log.id,
            person_name=False,
            email=False,
            phone=False,
        )
        self._request_sweep(person)

    @api.model
    def _get_action_label(self, action):
        return {
            "delete": self.env._("Deleted"),
            "anonymise": self.env._("Made anonymous"),
            "keep": self.env._("Kept"),
        }[action]

    def _prepare_privacy_log(self):
        partner_sudo = self.partner_id.sudo()
        return {
            "anonymized_name": partner_sudo.name or self.person_name or "-",
            "anonymized_email": partner_sudo.email or self.email or "-",
            "additional_note": self.name,
        }

    def _forget_lookups(self):
        """What was found, with its names, is kept for a day by Odoo."""
        wizards_sudo = self.env["privacy.lookup.wizard"].sudo()
        wizards_sudo = wizards_sudo.search([("trade_request_id", "=", self.id)])
        wizards_sudo.line_ids.unlink()
        wizards_sudo.unlink()

    def _suppress(self, person):
        if not self.keep_suppressed:
            return
        for email in person.emails:
            self.env["mail.blacklist"].sudo()._add(email)
        for phone in person.phones:
            if phone.startswith("+"):
                self.env["phone.blacklist"].sudo()._add([phone])

    @api.model
    def _get_anonymous_name(self, record):
        return self.env._("Erased person #%(number)s", number=record.id)

    @api.model
    def _get_gone(self):
        return Markup("<p>[%s]</p>") % self.env._("erased")

    @api.model
    def _set(self, records, **values):
        """Write columns without what Odoo does about a change; NULL empties."""
        if not records:
            return
        records.flush_recordset()
        names = [name for name in values if name in records._fields and records._fields[name].store]
        assignments = [SQL("%s = %s", SQL.identifier(name), values[name]) for name in names]
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id = ANY(%s)",
                SQL.identifier(records._table),
                SQL(", ").join(assignments),
                records.ids,
            )
        )
        records.invalidate_recordset()

    # ------------------------------------------------------------------
    # Retention
    # ------------------------------------------------------------------

    @api.model
    def _cron_retention(self, today=None):
        """Open the requests again whose period has ended, for an officer to erase the rest."""
        today = today or fields.Date.context_today(self)
        requests = self.search([("state", "=", "restricted"), ("retention_until", "<", today)])
        requests.write({"state": "verified", "done_on": False})
        for request in requests:
            request.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=request.user_id.id or self.env.uid,
                summary=self.env._("Invoices need the person no longer: erase the rest"),
            )
