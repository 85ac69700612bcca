import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

RELATION = SQL("res_partner_res_partner_category_rel")


class TradeTagRule(models.Model):
    """Gives a tag of Odoo's to the customers that fit conditions, and takes it from those who do not.

    A tag that a person gave is never taken, and one that a person took is not given again until the
    customer has left the rule in between. Nothing happens before the rule is switched on.
    """

    _name = "trade.tag.rule"
    _description = "Rule for a Tag"
    _inherit = ["trade.audience.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "sequence, id"
    _rec_name = "category_id"

    category_id = fields.Many2one(
        "res.partner.category", "Tag", required=True, index=True, ondelete="restrict", tracking=True
    )
    color = fields.Integer(related="category_id.color")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    is_on = fields.Boolean(
        "Switched on",
        tracking=True,
        copy=False,
        help="Once switched on, tags come and go every night.",
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        help="Its figures are those that the conditions compare; empty for those of any company.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        required=True,
        default=lambda self: self.env.user,
        ondelete="restrict",
        help="Is told when the rule fails.",
    )
    line_ids = fields.One2many("trade.audience.line", "tag_rule_id", copy=True)
    member_ids = fields.One2many("trade.tag.member", "rule_id")
    member_count = fields.Integer(
        "Customers with the tag by this rule", compute="_compute_member_count"
    )
    fitting_count = fields.Integer("Fit now", compute="_compute_preview")
    coming_count = fields.Integer("Would get the tag", compute="_compute_preview")
    going_count = fields.Integer("Would lose the tag", compute="_compute_preview")
    applied_at = fields.Datetime("Last run", readonly=True, copy=False)
    error = fields.Char("Why it failed", readonly=True, copy=False)

    @api.depends_context("uid")
    def _compute_member_count(self):
        counts = dict(
            self.env["trade.tag.member"]._read_group(
                [("rule_id", "in", self.ids)], ["rule_id"], ["__count"]
            )
        )
        for rule in self:
            rule.member_count = counts.get(rule._origin, 0)

    @api.depends("line_ids", "match", "company_id", "category_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_preview(self):
        for rule in self:
            saved = rule._origin if rule._origin.line_ids else None
            counts = saved._count_preview() if saved else (0, 0, 0)
            rule.fitting_count, rule.coming_count, rule.going_count = counts

    # ------------------------------------------------------------------
    # Members
    # ------------------------------------------------------------------

    def _get_companies(self):
        """Of the user; all of them for the job."""
        return self.company_id or self.env["res.company"].search(Domain.TRUE, order="id")

    def _get_member_sql(self):
        """``SQL`` of who fits, and of the first company in which: rows (id, company_id)."""
        parts = []
        for company in self._get_companies():
            rule = self.with_company(company)
            query = rule._get_members_query()
            member = SQL.identifier(query.table, "id")
            parts.append(query.select(SQL("%s AS id", member), SQL("%s AS company_id", company.id)))
        if len(parts) == 1:
            return parts[0]
        return SQL(
            "SELECT id, min(company_id) AS company_id FROM (%s) fitting GROUP BY id",
            SQL(" UNION ALL ").join(SQL("(%s)", part) for part in parts),
        )

    def _count_preview(self):
        """(who fits, who would get the tag, who would lose it), of those that the user may see."""
        self.ensure_one()
        visible = self.env["res.partner"]._search(Domain.TRUE)
        [row] = self.env.execute_query(
            SQL(
                """
                WITH fitting AS MATERIALIZED (%(fitting)s),
                     had AS MATERIALIZED (
                        SELECT partner_id FROM trade_tag_member
                         WHERE rule_id = %(rule)s AND partner_id IN %(visible)s)
                SELECT (SELECT count(*) FROM fitting),
                       (SELECT count(*) FROM fitting
                         WHERE NOT EXISTS (SELECT FROM had WHERE partner_id = fitting.id)
                           AND NOT EXISTS (
                               SELECT FROM %(relation)s WHERE partner_id = fitting.id
                                  AND category_id = %(category)s)),
                       (SELECT count(*) FROM had
                         WHERE NOT EXISTS (SELECT FROM fitting WHERE id = had.partner_id))
                """,
                fitting=self._get_member_sql(),
                rule=self.id,
                visible=visible.subselect(),
                relation=RELATION,
                category=self.category_id.id,
            )
        )
        return row

    # ------------------------------------------------------------------
    # Buttons
    # ------------------------------------------------------------------

    def action_switch_on(self):
        """Give the tag from now on, and now for the first time."""
        for rule in self:
            if not rule.line_ids:
                raise UserError(
                    self.env._(
                        "“%s” has no condition yet: it would give the tag to nobody.",
                        rule.category_id.display_name,
                    )
                )
        self.is_on = True
        return self.action_apply()

    def action_switch_off(self):
        """Give the tag to nobody any more, and take it from who has it by the rule."""
        self.check_access("write")
        self.is_on = False
        self.sudo()._lock_or_tell()._take_all()

    def action_apply(self):
        """Run the rule now.

        :raise UserError: when it fails or runs already
        """
        self.check_access("write")
        for rule in self.sudo()._lock_or_tell():
            if not rule.is_on:
                raise UserError(self.env._("Switch the rule on first."))
            rule._apply()
        return True

    def action_view_members(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.category_id.display_name,
            "res_model": "trade.tag.member",
            "view_mode": "list",
            "domain": [("rule_id", "=", self.id)],
        }

    def action_view_fitting(self):
        """Open the customers that fit now, whether they have the tag already or not."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "trade_crm.res_partner_action_customers"
        )
        domain = [("trade_tag_rule_ids", "in", self.ids)]
        name = self.env._("Fit “%s”", self.category_id.display_name)
        return {**action, "name": name, "display_name": name, "context": {}, "domain": domain}

    # ------------------------------------------------------------------
    # Run
    # ------------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if vals.get("active") is False:
            self.filtered("is_on").action_switch_off()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_with_tags(self):
        self.sudo()._lock_or_tell()._take_all()

    def _lock_or_tell(self):
        """:raise UserError: when a rule runs at this moment"""
        locked = self.try_lock_for_update()
        if locked != self:
            raise UserError(
                self.env._(
                    "“%s” is being applied at this moment. Try again when that is through.",
                    (self - locked)[:1].category_id.display_name,
                )
            )
        return self

    @api.model
    def _cron_apply(self):
        """Run every rule, those of a tag in one transaction; one that fails leaves the others running."""
        rules = self.search([("is_on", "=", True)])
        self.env["ir.cron"]._commit_progress(remaining=len(rules))
        for group in rules.grouped("category_id").values():
            # What runs already is left to whoever runs it.
            group.try_lock_for_update()._apply_or_report()
            self.env["ir.cron"]._commit_progress(len(group))

    def _apply_or_report(self):
        """Apply rules of one tag. Who leaves one of them and fits another keeps the tag meanwhile."""
        came, went = [], []
        start = fields.Datetime.now()
        for rule in self:
            try:
                with self.env.cr.savepoint():
                    changes = rule._update_members(went)
            except Exception as error:
                _logger.exception("The rule for the tag %s failed", rule.id)
                self.env.invalidate_all(flush=False)
                rule._report(error)
            else:
                came += changes[0]
                went += changes[1]
        if self:
            self._change_tag(came, went, start)

    def _report(self, error):
        """Tell who is responsible, once until it works again."""
        text = str(error).strip().splitlines()[0][:500] if str(error).strip() else repr(error)
        known = self.error
        self.error = text
        if not known:
            speaking = self.with_context(lang=self.user_id.lang)
            speaking.activity_schedule(
                "mail.mail_activity_data_warning",
                user_id=self.user_id.id,
                summary=speaking.env._("The rule for this tag fails"),
                note=text,
            )

    def _apply(self):
        """Bring the members up to date, and then the tag of those who came and went."""
        self.ensure_one()
        start = fields.Datetime.now()
        self._change_tag(*self._update_members(), start)

    def _update_members(self, left=()):
        """Bring the members up to date, and leave the tag to :meth:`_change_tag`.

        :param left: ids of customers who have left another rule of the tag in this run, and whose tag
            is not a person's therefore
        :return: ids of the customers who come, and of those who go and had the tag by rules
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            SQL("CREATE TEMP TABLE trade_tag_fitting ON COMMIT DROP AS %s", self._get_member_sql())
        )
        self.env.cr.execute(SQL("ANALYZE trade_tag_fitting"))
        came, went = self._add_members(left), self._drop_members()
        self.env.cr.execute(SQL("DROP TABLE trade_tag_fitting"))
        self.write({"applied_at": fields.Datetime.now(), "error": False})
        self.activity_unlink(["mail.mail_activity_data_warning"])
        return came, went

    def _change_tag(self, came, went, start):
        """Give the tag of these rules to who came, and take it from who went.

        :param start: when the run began
        """
        self[:1]._give_tag(came, start)
        self[:1]._take_tag(went)
        self.env["trade.tag.member"].invalidate_model(flush=False)
        self.env["res.partner"].invalidate_model(["category_id"], flush=False)

    def _add_members(self, left):
        """:return: ids of the customers that fit and did not before"""
        self.env.cr.execute(
            SQL(
                "CREATE TEMP TABLE trade_tag_coming ON COMMIT DROP AS SELECT * FROM trade_tag_fitting fitting"
                " WHERE NOT EXISTS (SELECT FROM trade_tag_member known"
                " WHERE known.rule_id = %s AND known.partner_id = fitting.id)",
                self.id,
            )
        )
        came = []
        for company in self._get_companies():
            came += self._add_members_of(company, left)
        self.env.cr.execute(SQL("DROP TABLE trade_tag_coming"))
        return came

    def _add_members_of(self, company, left):
        """Write down who comes because of the figures of ``company``, with the values that tell why."""
        partners = self.env["res.partner"].with_company(company)
        query = partners._search(
            Domain(
                "id",
                "in",
                SQL("(SELECT id FROM trade_tag_coming WHERE company_id = %s)", company.id),
            )
        )
        told = Domain.AND(line._get_told_domain() for line in self.line_ids)
        values = partners._get_values_sql(partners._get_told_fields(told), query)
        coming = query.select(
            SQL("%s AS id", SQL.identifier(query.table, "id")), SQL("%s AS details", values)
        )
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO trade_tag_member
                       (rule_id, category_id, partner_id, company_id, since, details, by_hand)
                SELECT %(rule)s, %(category)s, coming.id, %(company)s, %(now)s, coming.details,
                       EXISTS (SELECT FROM %(relation)s given
                                WHERE given.partner_id = coming.id AND given.category_id = %(category)s)
                       AND NOT coming.id = ANY(%(left)s)
                       AND NOT EXISTS (SELECT FROM trade_tag_member other
                                WHERE other.partner_id = coming.id AND NOT other.by_hand
                                  AND other.category_id = %(category)s)
                  FROM (%(coming)s) coming
                ON CONFLICT (rule_id, partner_id) DO NOTHING
                RETURNING partner_id
                """,
                rule=self.id,
                category=self.category_id.id,
                company=company.id,
                now=fields.Datetime.now(),
                relation=RELATION,
                coming=coming,
                left=list(left),
            )
        )
        return [partner for [partner] in rows]

    def _drop_members(self):
        """Archived customers stay what they were.

        :return: ids of the customers that do not fit any more and did not have the tag by hand
        """
        rows = self.env.execute_query(
            SQL(
                """
                DELETE FROM trade_tag_member member
                 USING res_partner partner
                 WHERE member.rule_id = %s AND partner.id = member.partner_id AND partner.active
                   AND NOT EXISTS (SELECT FROM trade_tag_fitting WHERE id = member.partner_id)
                RETURNING member.partner_id, member.by_hand
                """,
                self.id,
            )
        )
        return [partner for partner, by_hand in rows if not by_hand]

    def _take_all(self):
        """Take the tag from everybody who has it by these rules alone."""
        for rule in self:
            rows = self.env.execute_query(
                SQL(
                    "DELETE FROM trade_tag_member WHERE rule_id = %s RETURNING partner_id, by_hand",
                    rule.id,
                )
            )
            rule._take_tag([partner for partner, by_hand in rows if not by_hand])
        self.env["trade.tag.member"].invalidate_model(flush=False)
        self.env["res.partner"].invalidate_model(["category_id"], flush=False)

    def _give_tag(self, partner_ids, start):
        """But not to who fitted a rule of the tag before, and had it taken off by a person."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO %(relation)s (partner_id, category_id)
                SELECT partner_id, %(category)s
                  FROM unnest(%(partners)s::int[]) came (partner_id)
                 WHERE NOT EXISTS (SELECT FROM trade_tag_member known
                                    WHERE known.partner_id = came.partner_id
                                      AND known.category_id = %(category)s
                                      AND known.since < %(start)s)
                ON CONFLICT DO NOTHING
                """,
                relation=RELATION,
                category=self.category_id.id,
                partners=partner_ids,
                start=start,
            )
        )

    def _take_tag(self, partner_ids):
        """Unless another rule gives it as well."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM %(relation)s given
                 WHERE given.category_id = %(category)s AND given.partner_id = ANY(%(partners)s)
                   AND NOT EXISTS (SELECT FROM trade_tag_member other
                                    WHERE other.partner_id = given.partner_id
                                      AND other.category_id = %(category)s)
                """,
                relation=RELATION,
                category=self.category_id.id,
                partners=partner_ids,
            )
        )


class TradeTagMember(models.Model):
    """A customer who fits a rule, since when and why. Written by the rules in SQL."""

    _name = "trade.tag.member"
    _description = "Tag by a Rule"
    _inherit = ["trade.territory.path.mixin"]
    _order = "since desc, id desc"
    _log_access = False
    _rec_name = "category_id"

    rule_id = fields.Many2one("trade.tag.rule", required=True, readonly=True, ondelete="cascade")
    category_id = fields.Many2one(
        "res.partner.category", "Tag", required=True, readonly=True, index=True, ondelete="cascade"
    )
    color = fields.Integer(related="category_id.color")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    since = fields.Datetime(required=True, readonly=True)
    details = fields.Json("Values at that time", readonly=True)
    by_hand = fields.Boolean(
        "Given by a person", readonly=True, help="Had the tag before: it stays when the rule ends."
    )
    is_kept_off = fields.Boolean(
        "Taken off by a person", compute="_compute_is_kept_off", help="Not given again meanwhile."
    )
    reason = fields.Char("Because", compute="_compute_reason")

    _member_unique = models.UniqueIndex("(rule_id, partner_id)")

    @api.model
    def _read_tags(self, partner_ids):
        """Tags of customers in the database, as far as rules give them: set of (customer, tag)."""
        self.env["res.partner"].flush_model(["category_id"])
        return set(
            self.env.execute_query(
                SQL(
                    "SELECT partner_id, category_id FROM %s given WHERE partner_id = ANY(%s)"
                    " AND EXISTS (SELECT FROM trade_tag_member member"
                    " WHERE member.partner_id = given.partner_id"
                    " AND member.category_id = given.category_id)",
                    RELATION,
                    list(partner_ids),
                )
            )
        )

    @api.model
    def _note_given(self, pairs):
        """A person has given tags that rules had given: from now on they are the person's.

        :param pairs: set of (id of a customer, id of a tag)
        """
        if not pairs:
            return
        partners, tags = zip(*pairs, strict=True)
        self.env.cr.execute(
            SQL(
                "UPDATE trade_tag_member member SET by_hand = TRUE"
                " FROM unnest(%s::int[], %s::int[]) given (partner_id, category_id)"
                " WHERE member.partner_id = given.partner_id"
                " AND member.category_id = given.category_id AND NOT member.by_hand",
                list(partners),
                list(tags),
            )
        )
        self.invalidate_model(["by_hand"], flush=False)

    @api.depends("partner_id.category_id")
    def _compute_is_kept_off(self):
        for member in self:
            member.is_kept_off = member.category_id not in member.partner_id.category_id

    @api.depends("details", "rule_id.line_ids")
    @api.depends_context("lang")
    def _compute_reason(self):
        for member in self:
            # Who reads the customer may know why it has a tag; the rules are the managers'.
            lines_sudo = member.rule_id.sudo().line_ids.filtered(
                lambda line: line.mode == "include"
            )
            texts = [line._describe_with(member.details or {}) for line in lines_sudo]
            member.reason = "; ".join(filter(None, texts))


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        """Who gets a tag back that somebody had taken off has it from a person."""
        if "category_id" not in vals:
            return super().write(vals)
        members_sudo = self.env["trade.tag.member"].sudo()
        before = members_sudo._read_tags(self.ids)
        result = super().write(vals)
        members_sudo._note_given(members_sudo._read_tags(self.ids) - before)
        return result
