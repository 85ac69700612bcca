from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

# More of them are no picture that anybody reads.
MOST_COMPARED = 8


class TradeSegment(models.Model):
    """A saved audience: customers chosen by conditions, as they are at any moment.

    Everybody reads the members that their territories let them see. Who needs them as they are today
    freezes them, see ``trade.segment.snapshot``.
    """

    _name = "trade.segment"
    _description = "Customer Segment"
    _inherit = ["trade.audience.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True, tracking=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True, tracking=True)
    color = fields.Integer()
    description = fields.Text(translate=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        help="Its figures are those that the conditions compare.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        required=True,
        default=lambda self: self.env.user,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    is_shared = fields.Boolean(
        "Shared",
        default=True,
        tracking=True,
        help="Everybody uses it, and sees the members of their territories. Else its owner alone.",
    )
    line_ids = fields.One2many("trade.audience.line", "segment_id", copy=True)
    snapshot_count = fields.Integer(compute="_compute_snapshot_count")
    member_count = fields.Integer(
        "Members", compute="_compute_member_count", help="Those that you may see, at this moment."
    )
    used_by = fields.Char("Used by", compute="_compute_used_by")

    @api.depends("line_ids", "match", "company_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_member_count(self):
        for segment in self:
            try:
                segment.member_count = segment._origin._count_members() if segment._origin else 0
            except AccessError:
                # A shared one may look at what the user may not read: it has nobody for them.
                segment.member_count = 0

    def _compute_snapshot_count(self):
        counts = dict(
            self.env["trade.segment.snapshot"]._read_group(
                [("segment_id", "in", self.ids)], ["segment_id"], ["__count"]
            )
        )
        for segment in self:
            segment.snapshot_count = counts.get(segment._origin, 0)

    @api.depends_context("lang")
    def _compute_used_by(self):
        lines_sudo = (
            self.env["trade.audience.line"].sudo().search([("other_segment_id", "in", self.ids)])
        )
        by_segment = lines_sudo.grouped("other_segment_id")
        for segment in self:
            lines = by_segment.get(segment._origin.sudo(), lines_sudo.browse())
            users = [*lines.segment_id.mapped("name"), *lines.tag_rule_id.mapped("display_name")]
            segment.used_by = ", ".join(users)

    def copy_data(self, default=None):
        return [
            {**values, "name": self.env._("%s (copy)", segment.name), "user_id": self.env.uid}
            for segment, values in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for segment in self:
            if segment.used_by:
                raise UserError(
                    self.env._(
                        "“%(segment)s” is a condition of %(users)s. Take it out there first, or archive it.",
                        segment=segment.name,
                        users=segment.used_by,
                    )
                )

    def _get_used_segments(self):
        """These segments and all that their conditions lead to, whoever may see them."""
        found, new = self.sudo(), self.sudo()
        while new:
            new = new.line_ids.other_segment_id - found
            found |= new
        return found

    # ------------------------------------------------------------------
    # Members
    # ------------------------------------------------------------------

    def action_view_members(self):
        """Open the customers that are in all of these segments."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm.res_partner_action_customers"
        )
        name = " + ".join(self.mapped("name"))
        domain = [("trade_segment_ids", "in", segment.ids) for segment in self]
        return {**action, "name": name, "display_name": name, "context": {}, "domain": domain}

    # ------------------------------------------------------------------
    # Snapshot
    # ------------------------------------------------------------------

    def action_freeze(self):
        """Keep who is a member today, and show it."""
        self.ensure_one()
        snapshot = self._freeze()
        return {
            "type": "ir.actions.act_window",
            "res_model": "trade.segment.snapshot",
            "res_id": snapshot.id,
            "view_mode": "form",
        }

    def _freeze(self, name=None):
        """Write down who is a member now, of those that the user may see.

        :param name: what it is for
        :return: ``trade.segment.snapshot``
        :raise UserError: when nobody is
        """
        self.ensure_one()
        self.check_access("read")
        query = self._get_members_query()
        snapshot_sudo = (
            self.env["trade.segment.snapshot"]
            .sudo()
            .create(
                {
                    "name": name or self.name,
                    "segment_id": self.id,
                    "company_id": self.company_id.id,
                    "user_id": self.env.uid,
                    "conditions": self.summary,
                }
            )
        )
        snapshot_sudo.flush_recordset()
        self.env["trade.segment.snapshot.member"].flush_model()
        self.env.cr.execute(
            SQL(
                "INSERT INTO trade_segment_snapshot_member (snapshot_id, partner_id)"
                " SELECT %s, member.id FROM (%s) member",
                snapshot_sudo.id,
                query.select(),
            )
        )
        snapshot_sudo.member_total = self.env.cr.rowcount
        if not snapshot_sudo.member_total:
            raise UserError(
                self.env._(
                    "Nobody is in “%s” that you may see: there is nothing to keep.", self.name
                )
            )
        self.env["trade.segment.snapshot.member"].invalidate_model()
        return snapshot_sudo.with_env(self.env)

    def action_view_snapshots(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Snapshots of %s", self.name),
            "res_model": "trade.segment.snapshot",
            "view_mode": "list,form",
            "domain": [("segment_id", "=", self.id)],
        }

    # ------------------------------------------------------------------
    # Overlap
    # ------------------------------------------------------------------

    def action_compare(self):
        """Show how many customers these segments have in common."""
        if not 2 <= len(self) <= MOST_COMPARED:
            raise UserError(self.env._("Choose 2 to %s segments to compare.", MOST_COMPARED))
        if len(self.company_id) > 1:
            raise UserError(
                self.env._("Compare segments of one company: their figures are of different ones.")
            )
        return {
            "type": "ir.actions.client",
            "tag": "trade_crm.segment_overlap",
            "name": self.env._("Overlap of segments"),
            "params": {"segment_ids": self.ids},
        }

    @api.model
    @api.readonly
    def get_overlap(self, segment_ids):
        """How many of the members that the user may see are in two segments at once.

        :param segment_ids: list of ids
        :return: dict with ``segments``, a list of {id, name, count}, and ``counts``, a list of lists in
            the same order: members of the row's segment that are in the column's as well
        """
        segments = self.search([("id", "in", segment_ids)], limit=MOST_COMPARED)
        parts = [
            SQL(
                "SELECT %s AS place, member.id FROM (%s) member",
                place,
                segment._get_members_query().select(),
            )
            for place, segment in enumerate(segments)
        ]
        counts = [[0] * len(segments) for _segment in segments]
        if parts:
            rows = self.env.execute_query(
                SQL(
                    "WITH member AS MATERIALIZED (%s) SELECT one.place, other.place, count(*)"
                    " FROM member one JOIN member other USING (id) GROUP BY 1, 2",
                    SQL(" UNION ALL ").join(parts),
                )
            )
            for one, other, count in rows:
                counts[one][other] = count
        return {
            "segments": [
                {"id": segment.id, "name": segment.name, "count": counts[place][place]}
                for place, segment in enumerate(segments)
            ],
            "counts": counts,
        }


class TradeSegmentSnapshot(models.Model):
    """Who was in a segment at a moment. It does not change any more."""

    _name = "trade.segment.snapshot"
    _description = "Snapshot of a Segment"
    _order = "create_date desc, id desc"

    name = fields.Char(required=True)
    segment_id = fields.Many2one("trade.segment", readonly=True, index=True, ondelete="set null")
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    user_id = fields.Many2one("res.users", "By", required=True, readonly=True, ondelete="restrict")
    conditions = fields.Text("Conditions at that time", readonly=True)
    member_total = fields.Integer("Members at that time", readonly=True)
    member_count = fields.Integer(
        "Members that you may see", compute="_compute_member_count", help="Deleted ones are gone."
    )

    @api.depends_context("uid")
    def _compute_member_count(self):
        counts = dict(
            self.env["trade.segment.snapshot.member"]._read_group(
                [("snapshot_id", "in", self.ids)], ["snapshot_id"], ["__count"]
            )
        )
        for snapshot in self:
            snapshot.member_count = counts.get(snapshot._origin, 0)

    def action_view_members(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm.res_partner_action_customers"
        )
        return {
            **action,
            "name": self.name,
            "display_name": self.name,
            "context": {},
            "domain": [("trade_snapshot_ids", "in", self.ids)],
        }


class TradeSegmentSnapshotMember(models.Model):
    _name = "trade.segment.snapshot.member"
    _description = "Member of a Snapshot"
    _inherit = ["trade.territory.path.mixin"]
    _log_access = False
    _rec_name = "partner_id"

    snapshot_id = fields.Many2one(
        "trade.segment.snapshot", required=True, readonly=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )

    _member_unique = models.UniqueIndex("(snapshot_id, partner_id)")
