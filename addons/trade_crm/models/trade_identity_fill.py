import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .trade_profile_dirty import RETRIED_ERRORS

_logger = logging.getLogger(__name__)

CHUNK_SIZE = 2000
MAX_TRIES = 5


class TradeIdentityFill(models.Model):
    """How far the records of before the addon have got their keys, one row per model.

    Nobody can switch the guard on before it is through. A chunk may be done twice without harm.
    """

    _name = "trade.identity.fill"
    _description = "Keys to Fill In"
    _log_access = False
    _order = "id"

    model = fields.Char(required=True, readonly=True)
    last_id = fields.Integer("Done up to", readonly=True)
    max_id = fields.Integer("To do up to", readonly=True)

    _model_unique = models.Constraint("UNIQUE (model)", "A model is filled in once.")

    def init(self):
        # Once, when this model is installed; the daily job then starts by itself.
        for model in ("res.partner", "crm.lead"):
            self._request(model, again=False)

    @api.model
    def _request(self, model, again=True):
        """Have the keys of all records of ``model`` made.

        :param again: whether also if that has happened already
        """
        done = SQL("UPDATE SET last_id = 0, max_id = EXCLUDED.max_id") if again else SQL("NOTHING")
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_identity_fill (model, last_id, max_id)"
                " SELECT %s, 0, COALESCE(max(id), 0) FROM %s ON CONFLICT (model) DO %s",
                model,
                SQL.identifier(self.env[model]._table),
                done,
            )
        )
        cron = self.env.ref("trade_crm.ir_cron_fill_identities", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    @api.model
    def _get_progress(self):
        """Share of the records that have been dealt with, from 0 to 1."""
        [[done, total]] = self.env.execute_query(
            SQL("SELECT sum(LEAST(last_id, max_id)), sum(max_id) FROM trade_identity_fill")
        )
        return done / total if total else 1.0

    @api.model
    def _cron_fill(self, chunk_size=CHUNK_SIZE):
        """Make what is missing, one transaction per chunk."""
        tries, failed = 0, None
        while row := self._get_next():
            position = (row.model, row.last_id)
            tries = tries + 1 if position == failed else 0
            error = row._fill_chunk(chunk_size)
            if error and (not isinstance(error, RETRIED_ERRORS) or tries >= MAX_TRIES):
                raise error
            failed = position if error else None
            if not self.env["ir.cron"]._commit_progress(0 if error else 1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _get_next(self):
        rows = self.env.execute_query(
            SQL("SELECT id FROM trade_identity_fill WHERE last_id < max_id ORDER BY id LIMIT 1")
        )
        return self.browse(row_id for [row_id] in rows)

    def _fill_chunk(self, chunk_size):
        """Deal with the next ids, in this transaction.

        :return: what went wrong, if anything; then nothing has changed
        """
        self.ensure_one()
        last_id = min(self.last_id + chunk_size, self.max_id)
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    SQL(
                        "UPDATE trade_identity_fill SET last_id = %s WHERE id = %s",
                        last_id,
                        self.id,
                    ),
                    log_exceptions=False,
                )
                self._fill_range(self.last_id + 1, last_id)
        except RETRIED_ERRORS as error:
            self.invalidate_recordset(flush=False)
            return error
        self.env.invalidate_all(flush=False)
        return None

    def _fill_range(self, first_id, last_id):
        model = self.env[self.model].sudo().with_context(active_test=False)
        query = model._search([("id", ">=", first_id), ("id", "<=", last_id)])
        # Locked: a change that is committed meanwhile must not be overwritten by what was before.
        model.browse(query.get_result_ids())._replace_identity_keys(lock=True)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_identity_progress = fields.Integer(compute="_compute_trade_identity_progress")

    def _compute_trade_identity_progress(self):
        self.trade_identity_progress = int(100 * self.env["trade.identity.fill"]._get_progress())

    @api.model_create_multi
    def create(self, vals_list):
        # The company has its new values as soon as the settings are created.
        if any(self._switches_guard_on(vals) for vals in vals_list):
            if self.env["trade.identity.fill"]._get_progress() < 1:
                raise UserError(
                    self.env._(
                        "Customers and leads are still being prepared for the comparison. That happens "
                        "in the background; switch the guard on when it is through."
                    )
                )
        return super().create(vals_list)

    @api.model
    def _switches_guard_on(self, vals):
        company = self.env["res.company"].browse(vals.get("company_id")) or self.env.company
        return vals.get("trade_lead_guard") and not company.trade_lead_guard
