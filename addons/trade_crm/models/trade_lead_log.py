from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

KINDS = [
    ("assign", "Assigned"),
    ("wait", "Waits for assignment"),
    ("hand_over", "Handed over"),
    ("claim", "Claimed"),
    ("release", "Given back"),
    ("overdue", "Reminded"),
    ("escalate", "Escalated"),
    ("warn", "Warned"),
    ("recycle", "Recycled"),
    ("request", "Asked for"),
    ("grant", "Granted"),
    ("refuse", "Refused"),
]


class TradeLeadLog(models.Model):
    """What was decided about a lead or a customer, by whom and why. Rows are only ever added.

    ``cause`` and ``details`` say why in a form that is put into words for each reader, by
    :meth:`_get_reason`; a person's own words are in ``note``.
    """

    _name = "trade.lead.log"
    _description = "Lead Decision"
    _log_access = False
    _order = "happened_at desc, id desc"
    _rec_name = "lead_id"

    happened_at = fields.Datetime("Date", required=True, readonly=True, index=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    # What was decided stays on record when the lead is deleted; nobody who is limited reads it then.
    lead_id = fields.Many2one("crm.lead", readonly=True, index=True, ondelete="set null")
    partner_id = fields.Many2one(
        "res.partner", "Customer", readonly=True, index="btree_not_null", ondelete="set null"
    )
    user_id = fields.Many2one(
        "res.users", "By", readonly=True, ondelete="set null", help="Empty: by Odoo."
    )
    owner_id = fields.Many2one("res.users", "Salesperson", readonly=True, ondelete="set null")
    from_owner_id = fields.Many2one(
        "res.users", "Salesperson before", readonly=True, ondelete="set null"
    )
    cause = fields.Char("Cause (raw)", readonly=True)
    details = fields.Json("Details (raw)", readonly=True)
    note = fields.Char(readonly=True)
    reason = fields.Char(compute="_compute_reason")

    _owner_idx = models.Index("(owner_id, kind, happened_at)")

    @api.depends("cause", "details", "note")
    @api.depends_context("lang")
    def _compute_reason(self):
        for log in self:
            told = log._get_reason(log.cause, log.details or {}) if log.cause else ""
            log.reason = ": ".join(part for part in (told, log.note) if part)

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.mixin``: seen with the lead, or with the customer without one."""
        leads = self.env["crm.lead"]._get_territory_domain(territory_ids, operation)
        partners = self.env["res.partner"]._get_territory_domain(territory_ids, operation)
        return Domain("lead_id", "any", leads) | (
            Domain("lead_id", "=", False) & Domain("partner_id", "any", partners)
        )

    @api.model
    def _get_reason(self, cause, details):
        """A cause in the words of the user's language; who adds a cause extends this.

        :param cause: code of the cause
        :param details: dict of what goes into the sentence
        """
        return cause

    # ------------------------------------------------------------------
    # Append-only
    # ------------------------------------------------------------------

    # pylint: disable=method-required-super

    def write(self, vals):
        self._refuse()

    def unlink(self):
        self._refuse()

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._refuse()
        return super().create(vals_list)

    def _refuse(self):
        raise AccessError(self.env._("What was decided about leads is written down by Odoo alone."))

    @api.model
    def _log(self, leads, kind, cause=None, details=None, note=None, by_user=True, **values):
        """Note one decision about each of ``leads``.

        :param kind: one of ``KINDS``
        :param cause: code that :meth:`_get_reason` puts into words
        :param details: dict for that sentence; or dict of them per lead id
        :param note: a person's own words
        :param by_user: whether the user decided, and not Odoo
        :param values: further values of the rows
        """
        per_lead = details if details and all(isinstance(key, int) for key in details) else {}
        return self.sudo().create(
            [
                {
                    "happened_at": fields.Datetime.now(),
                    "kind": kind,
                    "lead_id": lead.id,
                    "partner_id": lead.partner_id.commercial_partner_id.id,
                    "user_id": self.env.uid if by_user else False,
                    "owner_id": lead.user_id.id,
                    "cause": cause,
                    "details": per_lead.get(lead.id) if per_lead else details,
                    "note": note,
                    **values,
                }
                for lead in leads.sudo()
            ]
        )
