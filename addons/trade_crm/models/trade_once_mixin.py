from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

SHORTEST_TOKEN, LONGEST_TOKEN = 8, 64


class TradeOnceMixin(models.AbstractModel):
    """Made by a telephone, which sends it again when it cannot know whether it arrived.

    The telephone gives each thing a token of its own; of what comes with the same token, from the
    same user, one record is made.
    """

    _name = "trade.once.mixin"
    _description = "Made Once, However Often It Is Sent"

    trade_token = fields.Char(
        readonly=True,
        copy=False,
        help="Given by the telephone that sent it, so that sending it again makes no second one.",
    )

    _trade_token_unique = models.UniqueIndex(
        "(trade_token) WHERE trade_token IS NOT NULL",
        "This has been sent already.",
    )

    @api.model
    def _get_token_key(self, token):
        """What a token of the user is kept as: nobody finds what another one sent.

        :raise UserError: when it cannot be a token
        """
        if not (isinstance(token, str) and SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN):
            raise UserError(
                self.env._("This cannot be told from what was sent before: begin it again.")
            )
        return f"{self.env.uid}:{token}"

    @api.model
    def _find_sent(self, token):
        """What the user sent with ``token``, as superuser: it may be out of reach by now."""
        return self.sudo().search([("trade_token", "=", self._get_token_key(token))])

    @api.model
    def _create_once(self, vals, token):
        """Make the record, which :meth:`_find_sent` did not find.

        :raise ConcurrencyError: when it is being made right now; Odoo tries again and finds it
        """
        try:
            with self.env.cr.savepoint():
                record = self.create(vals)
                record.sudo().trade_token = self._get_token_key(token)
                record.flush_recordset(["trade_token"])
        except UniqueViolation as error:
            raise ConcurrencyError(self.env._("This has been sent already.")) from error
        return record
