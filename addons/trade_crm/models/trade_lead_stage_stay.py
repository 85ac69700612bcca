from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..analytics.stage_history import Move, rebuild_stays
from .trade_profile_dirty import RETRIED_ERRORS

CHUNK_SIZE = 5000
MAX_TRIES = 5


class TradeLeadStageStay(models.Model):
    """A stay of a lead in a stage, from entering it to leaving it or to being lost.

    A lead that is not lost has one stay that lasts; one that is restored begins a new stay, so that
    the time during which it was lost counts nowhere. Rows are written in the transaction that moves
    the lead. For leads of before the addon they are worked out in the background from Odoo's notes.
    """

    _name = "trade.lead.stage.stay"
    _description = "Stay of a Lead in a Stage"
    _inherit = ["trade.territory.path.mixin"]
    _log_access = False
    _order = "lead_id desc, number"
    _rec_name = "lead_id"

    _territory_path = "lead_id"

    lead_id = fields.Many2one("crm.lead", required=True, readonly=True, ondelete="cascade")
    number = fields.Integer(required=True, readonly=True, help="1 for the first stay of a lead.")
    stage_id = fields.Many2one(
        "crm.stage",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty when the stage has been deleted.",
    )
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, ondelete="set null", help="At the beginning."
    )
    entered_at = fields.Datetime("From", required=True, readonly=True)
    left_at = fields.Datetime("Until", readonly=True, help="Empty as long as it lasts.")
    is_lost = fields.Boolean(
        "Lost", readonly=True, help="The stay ended because the lead was lost."
    )
    days = fields.Float(compute="_compute_days", digits=(16, 1), help="Up to now, if it lasts.")

    _number_unique = models.UniqueIndex("(lead_id, number)", "A lead makes one stay at a time.")
    _open_unique = models.UniqueIndex(
        "(lead_id) WHERE left_at IS NULL", "A lead is in one stage at a time."
    )

    @api.depends("entered_at", "left_at")
    def _compute_days(self):
        now = fields.Datetime.now()
        for stay in self:
            lasted = (stay.left_at or now) - (stay.entered_at or now)
            stay.days = lasted.total_seconds() / 86400

    # pylint: disable=method-required-super

    def write(self, vals):
        self._refuse()

    def unlink(self):
        self._refuse()

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse()

    def _refuse(self):
        raise AccessError(self.env._("The time in a stage is written down by Odoo alone."))

    # ------------------------------------------------------------------
    # Follow
    # ------------------------------------------------------------------

    @api.model
    def _get_position(self, leads):
        """``{lead id: (stage id, whether it is lost, when it was closed)}``"""
        return {
            lead.id: (lead.stage_id.id, lead.won_status == "lost", lead.date_closed)
            for lead in leads.sudo()
        }

    @api.model
    def _follow(self, leads, before=None):
        """Note that ``leads`` have just come to where they are.

        :param before: where they were, see :meth:`_get_position`; None for new leads
        """
        if not leads:
            return
        now = fields.Datetime.now()
        leads_sudo = leads.sudo()
        # What is written to the lead comes first: two transactions that move it meet there.
        leads_sudo.flush_recordset(["stage_id", "active", "probability", "won_status"])
        if before:
            self._close(leads_sudo, before, now)
        # Whoever is lost at once was in the stage for no time.
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_lead_stage_stay AS stay
                       (lead_id, number, stage_id, user_id, entered_at, left_at, is_lost)
                SELECT entry.lead_id, 1 + COALESCE(last.number, 0), entry.stage_id, entry.user_id,
                       %(now)s, CASE WHEN entry.is_lost THEN %(now)s END, entry.is_lost
                  FROM unnest(%(leads)s, %(stages)s::int[], %(users)s::int[], %(lost)s::bool[])
                       AS entry (lead_id, stage_id, user_id, is_lost)
                  LEFT JOIN LATERAL (
                       SELECT max(number) AS number
                         FROM trade_lead_stage_stay WHERE lead_id = entry.lead_id
                  ) last ON TRUE
                 WHERE NOT entry.is_lost OR last.number IS NULL
                """,
                now=now,
                leads=leads_sudo.ids,
                stages=[lead.stage_id.id or None for lead in leads_sudo],
                users=[lead.user_id.id or None for lead in leads_sudo],
                lost=[lead.won_status == "lost" for lead in leads_sudo],
            )
        )
        self.invalidate_model(flush=False)
        leads.invalidate_recordset(["trade_stay_ids"], flush=False)

    @api.model
    def _close(self, leads_sudo, before, now):
        """End the stays that ``leads_sudo`` have left."""
        self._fill_missing(leads_sudo, before)
        lost_ids = [lead.id for lead in leads_sudo if lead.won_status == "lost"]
        self.env.cr.execute(
            SQL(
                "UPDATE trade_lead_stage_stay SET left_at = GREATEST(entered_at, %s),"
                " is_lost = lead_id = ANY(%s) WHERE lead_id = ANY(%s) AND left_at IS NULL",
                now,
                lost_ids,
                leads_sudo.ids,
            )
        )

    @api.model
    def _fill_missing(self, leads_sudo, before):
        """A lead of before the addon that moves earlier than the job comes to it."""
        known = self.env.execute_query(
            SQL(
                "SELECT lead_id FROM trade_lead_stage_stay WHERE lead_id = ANY(%s) AND number = 1",
                leads_sudo.ids,
            )
        )
        missing = leads_sudo - leads_sudo.browse(lead_id for [lead_id] in known)
        if missing:
            self._fill(
                [
                    (
                        lead.id,
                        lead.create_date,
                        stage_id,
                        None,
                        lost and (closed or lead.create_date),
                    )
                    for lead in missing
                    for stage_id, lost, closed in [before[lead.id]]
                ]
            )

    # ------------------------------------------------------------------
    # Fill
    # ------------------------------------------------------------------

    @api.model
    def _get_progress(self):
        """Share of the leads whose history has been worked out, from 0 to 1."""
        [[done, total]] = self.env.execute_query(
            SQL(
                "SELECT (SELECT count(*) FROM trade_lead_stage_stay WHERE number = 1),"
                " (SELECT count(*) FROM crm_lead)"
            )
        )
        return min(1.0, done / total) if total else 1.0

    @api.model
    def _cron_fill(self, chunk_size=CHUNK_SIZE):
        """Work out what is missing, one transaction per chunk, and put right what has drifted."""
        tries = 0
        while True:
            done, error = self._fill_chunk(chunk_size)
            tries = tries + 1 if error else 0
            if error and tries >= MAX_TRIES:
                raise error
            if not done and not error:
                break
            if not self.env["ir.cron"]._commit_progress(done, remaining=1):
                return
        self._repair()
        self.env["ir.cron"]._commit_progress(1, remaining=0)

    @api.model
    def _fill_chunk(self, chunk_size):
        """Deal with some leads that have no history yet.

        :return: number of them, and what went wrong, if anything; then nothing has changed
        """
        try:
            with self.env.cr.savepoint(flush=False):
                rows = self.env.execute_query(
                    SQL(
                        """
                        SELECT lead.id, lead.create_date, lead.stage_id,
                               lead.date_last_stage_update,
                               CASE WHEN lead.won_status = 'lost' THEN
                                    COALESCE(lead.date_closed, lead.write_date, lead.create_date)
                               END
                          FROM crm_lead lead
                         WHERE NOT EXISTS (
                               SELECT FROM trade_lead_stage_stay stay WHERE stay.lead_id = lead.id
                         )
                         ORDER BY lead.id
                         LIMIT %s
                           FOR UPDATE SKIP LOCKED
                        """,
                        chunk_size,
                    )
                )
                self._fill(rows)
        except RETRIED_ERRORS as error:
            return 0, error
        return len(rows), None

    @api.model
    def _fill(self, rows):
        """Work out the history of leads that have none.

        :param rows: list of (lead, created at, stage, in this stage since, lost at)
        """
        if not rows:
            return
        moves = self._read_moves([row[0] for row in rows])
        stays = [
            (lead_id, number, stay.stage, stay.entered_at, stay.left_at, bool(lost_at) and not rest)
            for lead_id, created_at, stage_id, updated_at, lost_at in rows
            for found in [
                rebuild_stays(
                    created_at, moves[lead_id], stage_id or None, updated_at, lost_at or None
                )
            ]
            for number, stay in enumerate(found, start=1)
            for rest in [len(found) - number]
        ]
        lead_ids, numbers, stages, entered, left, lost = map(list, zip(*stays, strict=True))
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_lead_stage_stay
                       (lead_id, number, stage_id, user_id, entered_at, left_at, is_lost)
                SELECT stay.lead_id, stay.number, stage.id,
                       CASE WHEN stay.left_at IS NULL THEN lead.user_id END,
                       stay.entered_at, stay.left_at, stay.is_lost
                  FROM unnest(%s, %s, %s::int[], %s::timestamp[], %s::timestamp[], %s::bool[])
                       AS stay (lead_id, number, stage_id, entered_at, left_at, is_lost)
                  JOIN crm_lead lead ON lead.id = stay.lead_id
                  LEFT JOIN crm_stage stage ON stage.id = stay.stage_id
                """,
                lead_ids,
                numbers,
                stages,
                entered,
                left,
                lost,
            ),
            log_exceptions=False,
        )
        self.invalidate_model(flush=False)

    @api.model
    def _read_moves(self, lead_ids):
        """Odoo's notes of the changes of the stage, ``{lead id: [Move]}``."""
        field = self.env["ir.model.fields"]._get("crm.lead", "stage_id")
        self.env["mail.tracking.value"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT message.res_id, value.create_date, NULLIF(value.old_value_integer, 0),"
                " NULLIF(value.new_value_integer, 0)"
                " FROM mail_message message"
                " JOIN mail_tracking_value value ON value.mail_message_id = message.id"
                " WHERE message.model = 'crm.lead' AND message.res_id = ANY(%s)"
                " AND value.field_id = %s ORDER BY value.create_date, value.id",
                lead_ids,
                field.id,
            )
        )
        moves = defaultdict(list)
        for lead_id, *move in rows:
            moves[lead_id].append(Move(*move))
        return moves

    @api.model
    def _repair(self):
        """Follow leads that something has moved beside the ORM."""
        drifted = self.env.execute_query(
            SQL(
                """
                SELECT lead.id, stay.stage_id
                  FROM crm_lead lead
                  LEFT JOIN trade_lead_stage_stay stay
                         ON stay.lead_id = lead.id AND stay.left_at IS NULL
                 WHERE CASE WHEN stay.id IS NULL THEN lead.won_status != 'lost'
                            ELSE lead.won_status = 'lost'
                                 OR stay.stage_id IS DISTINCT FROM lead.stage_id
                       END
                """
            )
        )
        leads = self.env["crm.lead"].browse(lead_id for lead_id, _stage_id in drifted)
        self._follow(leads, {lead_id: (stage_id, False, None) for lead_id, stage_id in drifted})
