from functools import partial

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .trade_collision import STATUSES

DAILY_LIMIT = 200
KEPT_MONTHS = 24
MODES = [
    ("dialog", "Asked"),
    ("screen", "While typing"),
    ("refused", "Refused"),
]


class TradeCollisionCheck(models.Model):
    """Who asked whether somebody has a customer, and what kind of answer came back.

    What was asked is not kept. Somebody who finds out about colleagues' customers by trying
    names and numbers is stopped after ``DAILY_LIMIT`` of them.
    """

    _name = "trade.collision.check"
    _description = "Check for Doubles"
    _log_access = False
    _order = "happened_at desc, id desc"
    _rec_name = "user_id"

    happened_at = fields.Datetime("Date", required=True, readonly=True)
    user_id = fields.Many2one("res.users", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="set null")
    mode = fields.Selection(MODES, required=True, readonly=True)
    kinds = fields.Char("Compared", readonly=True)
    outcome = fields.Selection(STATUSES, required=True, readonly=True)

    _user_idx = models.Index("(user_id, happened_at)")

    # pylint: disable=method-required-super

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse()

    def write(self, vals):
        self._refuse()

    def unlink(self):
        self._refuse()

    def _refuse(self):
        raise AccessError(self.env._("Checks are written down by Odoo alone."))

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    @api.model
    def _get_values(self, mode, kinds, outcome):
        return {
            "happened_at": fields.Datetime.now(),
            "user_id": self.env.uid,
            "company_id": self.env.company.id,
            "mode": mode,
            "kinds": ", ".join(sorted(kinds)),
            "outcome": outcome,
        }

    @api.model
    def _log(self, mode, kinds, outcome):
        """Note one check of the user, in this transaction."""
        if not self.env.cr.readonly:
            self.env.cr.execute(self._get_insert_sql(self._get_values(mode, kinds, outcome)))

    @api.model
    def _log_refusal(self, kinds, outcome):
        """Note that the user was refused, which is about to roll this transaction back."""
        values = self._get_values("refused", kinds, outcome)
        write = partial(self._write_apart, self.env.registry, values)
        # An import catches the error and commits in the end; a request does not.
        self.env.cr.postrollback.add(write)
        self.env.cr.postcommit.add(write)

    @staticmethod
    def _write_apart(registry, values):
        with registry.cursor() as cr:
            cr.execute(TradeCollisionCheck._get_insert_sql(values))

    @staticmethod
    def _get_insert_sql(values):
        return SQL(
            "INSERT INTO trade_collision_check (happened_at, user_id, company_id, mode, kinds, outcome)"
            " VALUES (%(happened_at)s, %(user_id)s, %(company_id)s, %(mode)s, %(kinds)s, %(outcome)s)",
            **values,
        )

    # ------------------------------------------------------------------
    # Limit
    # ------------------------------------------------------------------

    @api.model
    def _is_over_limit(self, mode=None):
        """Whether the user has asked too often within a day; those who lead others may.

        :param mode: count these only
        """
        if self.env["res.partner"]._is_above_guard():
            return False
        [[count]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM trade_collision_check"
                " WHERE user_id = %s AND happened_at > %s AND %s",
                self.env.uid,
                fields.Datetime.now() - relativedelta(days=1),
                SQL("mode = %s", mode) if mode else SQL("TRUE"),
            )
        )
        return count >= DAILY_LIMIT

    @api.model
    def _check_limit(self):
        if self._is_over_limit():
            raise UserError(self._get_limit_sentence())

    @api.model
    def _get_limit_sentence(self):
        return self.env._(
            "You have compared %(count)s customers within a day. Go on tomorrow, or ask your manager.",
            count=DAILY_LIMIT,
        )

    @api.autovacuum
    def _gc_checks(self):
        self.env.cr.execute(
            SQL(
                "DELETE FROM trade_collision_check WHERE happened_at < %s",
                fields.Datetime.now() - relativedelta(months=KEPT_MONTHS),
            )
        )
