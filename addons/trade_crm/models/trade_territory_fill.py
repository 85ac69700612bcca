import logging

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.sql import table_exists

from .trade_profile_dirty import RETRIED_ERRORS

_logger = logging.getLogger(__name__)

CHUNK_SIZE = 20000
MAX_TRIES = 5


class TradeTerritoryFill(models.Model):
    """How far the records of before the addon have got their territory, one row per model.

    It runs in the background, because there may be millions; nobody is limited to territories
    before it is through. A chunk may be done twice without harm.
    """

    _name = "trade.territory.fill"
    _description = "Territories to Fill In"
    _log_access = False
    _order = "id"

    model = fields.Char(required=True, readonly=True)
    last_id = fields.Integer("Done up to", readonly=True)
    max_id = fields.Integer("To do up to", readonly=True)

    _model_unique = models.Constraint("UNIQUE (model)", "A model is filled in once.")

    @api.model
    def _request(self, model):
        """Have the rows of ``model`` filled in that have no territory."""
        cr = self.env.cr
        if not table_exists(cr, self._table):
            # We are being installed: the hook that runs last requests every model.
            return
        cr.execute(
            SQL(
                "INSERT INTO trade_territory_fill (model, last_id, max_id)"
                " SELECT %s, 0, COALESCE(max(id), 0) FROM %s"
                " ON CONFLICT (model) DO UPDATE SET last_id = 0, max_id = EXCLUDED.max_id",
                model,
                SQL.identifier(self.env[model]._table),
            )
        )
        cron = self.env.ref("trade_crm.ir_cron_fill_territories", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    @api.model
    def _request_all(self):
        """Customers come first: documents take their territory from them."""
        models_ = self.env["trade.territory.mixin"]._get_scoped_models()
        for model in sorted(models_, key=lambda name: (name != "res.partner", name)):
            self._request(model)

    @api.model
    def _get_progress(self):
        """Share of the rows that have been dealt with, from 0 to 1."""
        [[done, total]] = self.env.execute_query(
            SQL("SELECT sum(LEAST(last_id, max_id)), sum(max_id) FROM trade_territory_fill")
        )
        return done / total if total else 1.0

    @api.model
    def _cron_fill(self, chunk_size=CHUNK_SIZE):
        """Fill in what is missing, one transaction per chunk."""
        tries, failed = 0, None
        while row := self._get_next():
            # Another run may have dealt with the chunk meanwhile: that is no failure.
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
        """The first model that is not through."""
        rows = self.env.execute_query(
            SQL("SELECT id FROM trade_territory_fill WHERE last_id < max_id ORDER BY id LIMIT 1")
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
                # First of all, so that another run waits here and not after all the work.
                self.env.cr.execute(
                    SQL(
                        "UPDATE trade_territory_fill SET last_id = %s WHERE id = %s",
                        last_id,
                        self.id,
                    ),
                    log_exceptions=False,
                )
                # The addon that put the model into a territory may be gone by now.
                model = self.env.get(self.model)
                if hasattr(model, "_fill_territories"):
                    self.env.cr.execute(
                        model._fill_territories(self.last_id + 1, last_id), log_exceptions=False
                    )
        except RETRIED_ERRORS as error:
            self.invalidate_recordset(flush=False)
            return error
        self.env.invalidate_all(flush=False)
        return None
