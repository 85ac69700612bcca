from odoo import api, models

from .trade_profile_dirty import RETRIED_ERRORS

CHUNK_SIZE = 20000
MAX_TRIES = 5


class TradeQueueMixin(models.AbstractModel):
    """A job that works off a table of customers that wait, chunk by chunk.

    What inherits it writes :meth:`_lock_queue`, :meth:`_take_rows`, :meth:`_work_off` and
    :meth:`_leave_out`.
    """

    _name = "trade.queue.mixin"
    _description = "Works Off a Queue"

    @api.model
    def _process_queue(self, chunk_size=CHUNK_SIZE):
        """Work off what waits, one transaction per chunk.

        A chunk that another transaction's commit spoiled is tried again. One that fails for a
        reason of its own, or too often, is halved until the customer at fault is left out.

        :return: number of rows of the queue that were processed
        """
        size, tries, done = chunk_size, 0, 0
        while True:
            rows, error = self._process_chunk(size)
            processed = 0
            if error is None:
                processed, tries, size = len(rows), 0, min(chunk_size, size * 2)
            elif isinstance(error, RETRIED_ERRORS) and tries < MAX_TRIES:
                tries += 1
            elif not rows:
                raise error
            else:
                if len(rows) == 1:
                    self._leave_out(rows, error)
                tries, size = 0, max(1, len(rows) // 2)
            done += processed
            time_left = self.env["ir.cron"]._commit_progress(processed)
            if not time_left or not (rows or error):
                return done

    @api.model
    def _process_chunk(self, size):
        """Work off up to ``size`` rows of the queue, in this transaction.

        :return: tuple of the rows and of what went wrong, if anything; then nothing has changed
        """
        rows = []
        try:
            with self.env.cr.savepoint(flush=False):
                if self._lock_queue():
                    rows = self._take_rows(size)
                    self._work_off(rows)
        except Exception as error:  # pylint: disable=broad-except
            return rows, error
        return rows, None

    @api.model
    def _lock_queue(self):
        """:return: whether the queue may be worked off now; else it is left to the next run"""
        raise NotImplementedError

    @api.model
    def _take_rows(self, size):
        """Take up to ``size`` rows out of the queue: tuples that begin with their id."""
        raise NotImplementedError

    @api.model
    def _work_off(self, rows):
        raise NotImplementedError

    @api.model
    def _leave_out(self, rows, error):
        """Keep the one row that fails from holding up the others, and say so."""
        raise NotImplementedError
