import logging
from functools import partial

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, format_datetime

_logger = logging.getLogger(__name__)

KINDS = [
    ("open", "Opened"),
    ("list", "Listed"),
    ("export", "Exported"),
    ("reveal", "Revealed"),
]
MONTHS_PARAMETER = "trade_crm.access_log_months"
DEFAULT_MONTHS = 24
# The web client reads a form again whenever it is saved or a button is pressed: that is one opening.
REPEATED_WITHIN_MINUTES = 5
DESCRIPTION_LENGTH = 1000
GC_LIMIT = 100_000


class TradeAccessLog(models.Model):
    """Who opened, listed, exported or revealed customer data. Rows are only ever added.

    An export is one row with its reason, fields and number of records and, below it, one row per
    customer concerned, so that it is found by customer whatever was exported.

    Rows are written by :meth:`_log` only, in SQL and after the transaction that they tell of is
    committed: a read may run on a read-only replica, and neither a row of a request that failed
    nor two rows of one that was retried must be left.
    """

    _name = "trade.access.log"
    _description = "Access to Customer Data"
    _log_access = False
    _order = "happened_at desc, id desc"

    happened_at = fields.Datetime("Date", required=True, readonly=True, index=True)
    # Deleting a user must not wipe out what they did: Odoo then offers to archive them.
    user_id = fields.Many2one("res.users", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="set null")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    model = fields.Char("Technical model", required=True, readonly=True)
    model_label = fields.Char("Records", compute="_compute_model_label")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, ondelete="set null")
    record_count = fields.Integer("Number of records", readonly=True)
    reason = fields.Char(readonly=True)
    description = fields.Char(
        "Details", readonly=True, help="Fields of an export, filter of a list"
    )
    parent_id = fields.Many2one(
        "trade.access.log",
        "Export",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Set on the rows that name the customers of an export.",
    )
    child_ids = fields.One2many("trade.access.log", "parent_id", "Customers", readonly=True)

    _partner_idx = models.Index("(partner_id, happened_at)")
    _user_idx = models.Index("(user_id, happened_at)")

    @api.depends("user_id", "happened_at")
    @api.depends_context("lang", "tz")
    def _compute_display_name(self):
        for access in self:
            moment = format_datetime(self.env, access.happened_at)
            access.display_name = f"{access.user_id.name}, {moment}"

    @api.depends("model")
    @api.depends_context("lang")
    def _compute_model_label(self):
        for access in self:
            access.model_label = (
                self.env["ir.model"]._get(access.model).name if access.model else False
            )

    # ------------------------------------------------------------------
    # Append-only, for the superuser as well
    # ------------------------------------------------------------------

    # pylint: disable=method-required-super

    def _refuse(self):
        raise AccessError(
            self.env._(
                "The access log is written by Odoo alone. Nobody can add, change or delete rows."
            )
        )

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse()

    def write(self, vals):
        self._refuse()

    def unlink(self):
        self._refuse()

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    @api.model
    def _log_reveal(self, partner, field_names, reason):
        """Note that the user was shown values of ``partner`` that are masked otherwise.

        Call it as the user, before or after the values are read; the row is written once the
        transaction is committed.

        :param partner: the ``res.partner`` whose values are revealed
        :param field_names: names of the fields that are revealed
        :param reason: why, in the user's words
        """
        partner.ensure_one()
        self._log(
            "reveal",
            partner._name,
            partner_id=partner.id,
            reason=reason,
            description=", ".join(field_names),
        )

    @api.model
    def _log(
        self,
        kind,
        model,
        *,
        record_count=1,
        partner_id=None,
        customer_ids=(),
        reason=None,
        description=None,
    ):
        """Have one access of the user written after the commit.

        :param kind: one of ``KINDS``
        :param model: technical name of what was read
        :param record_count: how many records of it
        :param partner_id: the customer, where there is but one
        :param customer_ids: customers who get a row of their own below this one
        :param reason: why, as the user put it
        :param description: which fields or which filter
        """
        values = {
            "happened_at": fields.Datetime.now(),
            "user_id": self.env.uid,
            "company_id": self.env.company.id,
            "kind": kind,
            "model": model,
            "partner_id": partner_id,
            "record_count": record_count,
            "reason": reason or None,
            "description": description and description[:DESCRIPTION_LENGTH],
            "customer_ids": list(customer_ids),
        }
        self.env.cr.postcommit.add(partial(self._write_after_commit, self.env.registry, values))

    @staticmethod
    def _write_after_commit(registry, values):
        """Write one access on a cursor of its own.

        What the user asked for is committed: a failure here is for the administrator to see.
        """
        try:
            with registry.cursor() as cr:
                cr.execute(TradeAccessLog._get_insert_sql(values))
        except Exception:
            _logger.exception("An access to customer data could not be logged: %s", values)

    @staticmethod
    def _get_insert_sql(values):
        """One statement for the access and its customers; who was deleted meanwhile is left out."""
        return SQL(
            "WITH access AS ("
            " INSERT INTO trade_access_log (happened_at, user_id, company_id, kind, model,"
            " partner_id, record_count, reason, description)"
            " SELECT %(happened_at)s, %(user_id)s, %(company_id)s, %(kind)s, %(model)s,"
            " (SELECT id FROM res_partner WHERE id = %(partner_id)s), %(record_count)s,"
            " %(reason)s, %(description)s WHERE %(condition)s"
            " RETURNING id, happened_at, user_id, company_id, kind, model, reason)"
            " INSERT INTO trade_access_log (parent_id, happened_at, user_id, company_id, kind,"
            " model, reason, partner_id)"
            " SELECT access.*, customer.id FROM access"
            " CROSS JOIN unnest(%(customer_ids)s::int[]) AS customer (id)"
            " WHERE EXISTS (SELECT FROM res_partner WHERE id = customer.id)",
            **values,
            condition=TradeAccessLog._get_condition_sql(values),
        )

    @staticmethod
    def _get_condition_sql(values):
        """An opening counts once within ``REPEATED_WITHIN_MINUTES``."""
        if values["kind"] != "open":
            return SQL("TRUE")
        return SQL(
            "NOT EXISTS (SELECT FROM trade_access_log WHERE kind = 'open' AND user_id = %s"
            " AND partner_id = %s AND happened_at > %s)",
            values["user_id"],
            values["partner_id"],
            values["happened_at"] - relativedelta(minutes=REPEATED_WITHIN_MINUTES),
        )

    @api.autovacuum
    def _gc_access_log(self):
        """Delete what is older than the months set in Settings; 0 keeps everything."""
        parameters = self.env["ir.config_parameter"].sudo()
        months = int(parameters.get_param(MONTHS_PARAMETER, DEFAULT_MONTHS))
        if months <= 0:
            return 0, 0
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_access_log WHERE id IN (SELECT id FROM trade_access_log"
                " WHERE happened_at < %s ORDER BY happened_at LIMIT %s)",
                fields.Datetime.now() - relativedelta(months=months),
                GC_LIMIT,
            )
        )
        deleted = self.env.cr.rowcount
        return deleted, int(deleted == GC_LIMIT)

    def action_view_partner(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }
