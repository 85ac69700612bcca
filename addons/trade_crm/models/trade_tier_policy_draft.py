import hashlib
import json
import logging

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL, format_datetime, plaintext2html

from .trade_tier_policy import METHODS

_logger = logging.getLogger(__name__)

OPEN_STATES = ("draft", "scheduled")


class TradeTierPolicyDraft(models.Model):
    """A change of a tier policy: prepared, previewed, applied, and then kept as its record.

    ``base`` is the policy as it was when the change was begun. It tells whether somebody else has
    changed the policy meanwhile and, once the change is applied, what it did.
    """

    _name = "trade.tier.policy.draft"
    _description = "Change of a Tier Policy"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    policy_id = fields.Many2one(
        "trade.tier.policy", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="policy_id.company_id", store=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        [
            ("draft", "Being prepared"),
            ("scheduled", "Scheduled"),
            ("applied", "Applied"),
            ("cancelled", "Discarded"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    method = fields.Selection(METHODS, required=True)
    window_months = fields.Integer("Window (months)", required=True)
    effective_date = fields.Date(
        "Effective from",
        copy=False,
        tracking=True,
        help="The first day of the new rules. Without a day they hold as soon as they are applied.",
    )
    line_ids = fields.One2many(
        "trade.tier.policy.draft.line", "draft_id", string="Tiers", copy=True
    )
    base = fields.Json(readonly=True)
    previous_id = fields.Many2one(
        _name,
        "Previous change",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The last change that was applied when this one was begun.",
    )
    is_outdated = fields.Boolean(compute="_compute_is_outdated")
    version = fields.Char(
        compute="_compute_version",
        help="Another one as soon as anybody changes what would be applied.",
    )
    changes = fields.Text(compute="_compute_changes")
    applied_by = fields.Many2one("res.users", readonly=True, copy=False)
    applied_on = fields.Datetime(readonly=True, copy=False)

    _window_positive = models.Constraint(
        "CHECK (window_months BETWEEN 1 AND 120)",
        "The window of a tier policy is between 1 and 120 months.",
    )

    @api.depends("policy_id.name", "effective_date", "applied_on", "create_date")
    def _compute_display_name(self):
        for draft in self:
            moment = draft.applied_on or draft.create_date
            draft.display_name = self.env._(
                "%(policy)s, change of %(moment)s",
                policy=draft.policy_id.name,
                moment=format_datetime(self.env, moment, dt_format="short") if moment else "",
            )

    @api.depends("base", "state", "policy_id")
    def _compute_is_outdated(self):
        for draft in self:
            draft.is_outdated = (
                draft.state in OPEN_STATES and draft.base != draft.policy_id._get_definition()
            )

    @api.depends(
        "base",
        "method",
        "window_months",
        "line_ids.name",
        "line_ids.color",
        "line_ids.sequence",
        "line_ids.condition",
    )
    def _compute_version(self):
        for draft in self:
            content = json.dumps([draft.base, draft._get_definition()], sort_keys=True)
            draft.version = hashlib.sha256(content.encode()).hexdigest()[:16]

    @api.depends("base", "method", "window_months", "line_ids.name", "line_ids.condition")
    @api.depends_context("lang")
    def _compute_changes(self):
        for draft in self:
            draft.changes = "\n".join(draft._describe_changes())

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        policies = self.env["trade.tier.policy"].browse(vals["policy_id"] for vals in vals_list)
        policies.check_access("write")
        drafts = super().create(
            [
                {**policy._prepare_draft_values(), **vals, **self._prepare_base_values(policy)}
                for policy, vals in zip(policies, vals_list, strict=True)
            ]
        )
        untouched = drafts.browse(
            draft.id
            for draft, vals in zip(drafts, vals_list, strict=True)
            if "line_ids" not in vals
        )
        untouched.line_ids._copy_names_from_tiers()
        return drafts

    @api.model
    def _prepare_base_values(self, policy):
        """What a change of ``policy`` starts from."""
        return {
            "base": policy._get_definition(),
            "previous_id": self._get_last_applied(policy).id,
        }

    @api.model
    def _get_last_applied(self, policy):
        domain = [("policy_id", "=", policy.id), ("state", "=", "applied")]
        return self.search(domain, order="applied_on desc, id desc", limit=1)

    def write(self, vals):
        if {"policy_id", "method", "window_months", "effective_date", "line_ids"} & vals.keys():
            self._check_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        if any(draft.state == "applied" for draft in self):
            raise UserError(
                self.env._("An applied change is the record of what was decided: it stays.")
            )

    def _check_open(self):
        if any(draft.state not in OPEN_STATES for draft in self):
            raise UserError(
                self.env._(
                    "This change was applied or discarded already: edit the policy again instead."
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_load_segments(self):
        """Replace the tiers by the standard segments; the tier of who never bought stays."""
        self.ensure_one()
        self._check_open()
        never_bought = self.line_ids.filtered("never_bought")[:1]
        (self.line_ids - never_bought).unlink()
        never_bought.sequence = 0
        self.line_ids = [
            Command.create({**values, "sequence": 10 * number})
            for number, values in enumerate(self._get_default_segments("en_US"), start=1)
            if not (never_bought and values.get("never_bought"))
        ]
        lines = self.line_ids.sorted("sequence") - never_bought
        for lang, _name in self.env["res.lang"].get_installed():
            names = [
                values["name"]
                for values in self._get_default_segments(lang)
                if not (never_bought and values.get("never_bought"))
            ]
            for line, name in zip(lines, names, strict=True):
                line.with_context(lang=lang).name = name

    @api.model
    def _get_default_segments(self, lang):
        return self.env["trade.tier.policy"].with_context(lang=lang)._get_default_segments()

    def action_schedule(self):
        """Apply the change when its day has come."""
        self._check_open()
        for draft in self:
            today = draft._get_today()
            if not draft.effective_date or draft.effective_date <= today:
                raise UserError(self.env._("Set a day after today, or apply the change now."))
            draft._check_version()
            draft._check_base()
            draft._check_lines()
            draft.write({"state": "scheduled", "applied_by": self.env.uid})

    def action_unschedule(self):
        self.filtered(lambda draft: draft.state == "scheduled").write(
            {"state": "draft", "applied_by": False}
        )

    def action_cancel(self):
        self._check_open()
        self.write({"state": "cancelled"})

    def action_rebase(self):
        """Go on with this change although the policy has been changed since it was begun."""
        self._check_open()
        for draft in self:
            draft.write(self._prepare_base_values(draft.policy_id))

    def action_apply(self):
        """Make the policy what the draft says, now."""
        for draft in self:
            draft.policy_id.check_access("write")
            draft.applied_by = self.env.user
            draft._apply()

    @api.model
    def _cron_apply(self):
        """Apply the changes whose day has come. One that cannot be goes back to who wants it."""
        for draft in self.search([("state", "=", "scheduled")], order="effective_date, id"):
            if draft.effective_date > draft._get_today():
                continue
            try:
                with self.env.cr.savepoint():
                    draft._apply()
            except (errors.SerializationFailure, errors.LockNotAvailable):
                _logger.info("%s is tried again by the next run", draft)
            except UserError as error:
                draft._return_to_draft(error)
            self.env["ir.cron"]._commit_progress(1)

    def _return_to_draft(self, error):
        self.invalidate_recordset()
        user = self.applied_by
        self.write({"state": "draft", "applied_by": False})
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            user_id=user.id,
            summary=self.env._("The change of the tier policy could not be applied"),
            note=str(error),
        )

    # ------------------------------------------------------------------
    # Apply
    # ------------------------------------------------------------------

    def _get_today(self):
        return self.env["trade.customer.profile"]._get_today(self.company_id.trade_tz)

    def _apply(self):
        self.ensure_one()
        self._lock_policy()
        self._check_open()
        self._check_version()
        self._check_base()
        self._check_lines()
        changes = self.changes
        # Before the policy changes, because what is stored still is by its window.
        if self.method == "quantiles":
            self.policy_id._store_cuts(*self._compute_cuts(), window_months=self.window_months)
        today = self._get_today()
        self._write_policy(today)
        self.write(
            {"state": "applied", "applied_on": fields.Datetime.now(), "effective_date": today}
        )
        self._post_changes(changes)

    def _write_policy(self, today):
        policy = self.policy_id
        removed = policy.tier_ids - self.line_ids.tier_id
        rules = {
            "method": self.method,
            "window_months": self.window_months,
            "effective_date": today,
        }
        tiers = {
            "tier_ids": [
                *(Command.delete(tier.id) for tier in removed),
                *(line._prepare_tier_command() for line in self.line_ids),
            ],
        }
        # At no moment may a tier ask for scores that nobody computes.
        for values in (rules, tiers) if self.method == "quantiles" else (tiers, rules):
            policy.write(values)
        applied = removed.search([("policy_id", "=", policy.id)])
        for line, tier in zip(self.line_ids, applied, strict=True):
            line.tier_id = tier
        self.line_ids._copy_names_to_tiers()

    def _post_changes(self, changes):
        """Tell the followers of the policy; ``changes`` are sentences, one a line."""
        text = self.env._(
            "Changed by %(user)s:\n%(changes)s", user=self.applied_by.name, changes=changes
        )
        self.policy_id.message_post(
            body=plaintext2html(text), author_id=self.applied_by.partner_id.id
        )

    def _lock_policy(self):
        """Let one transaction at a time apply a change to the policy.

        A second one that has begun meanwhile fails, is run again by Odoo and then sees what the
        first one did.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE trade_tier_policy SET write_date = write_date WHERE id = %s",
                self.policy_id.id,
            )
        )
        self.env.invalidate_all()

    def _check_version(self):
        """Refuse what is not what the person who applies it has on the screen."""
        seen = self.env.context.get("trade_draft_version")
        for draft in self:
            if seen and seen != draft.version:
                raise UserError(
                    self.env._(
                        "%(user)s has edited this change meanwhile: reload it and look at who moves.",
                        user=draft.write_uid.name,
                    )
                )

    def _check_base(self):
        for draft in self.filtered("is_outdated"):
            last = self._get_last_applied(draft.policy_id)
            if last != draft.previous_id:
                raise UserError(
                    self.env._(
                        "%(user)s changed the policy on %(moment)s, after this change was begun. "
                        "Discard this one and edit the policy again, or choose “Keep my change” to "
                        "apply it on top.",
                        user=last.applied_by.name,
                        moment=format_datetime(self.env, last.applied_on),
                    )
                )
            raise UserError(
                self.env._(
                    "The policy was changed after this change was begun. Discard this one and edit "
                    "the policy again, or choose “Keep my change” to apply it on top."
                )
            )

    def _check_lines(self):
        for draft in self:
            if not draft.line_ids:
                raise ValidationError(self.env._("A policy needs at least one tier: add one."))
            for line in draft.line_ids.filtered("uses_scores"):
                if draft.method != "quantiles":
                    raise ValidationError(
                        self.env._(
                            "The tier %(tier)s asks for scores, which only the method Quantiles "
                            "computes: choose that method or remove the scores.",
                            tier=line.name,
                        )
                    )

    def _compute_cuts(self):
        return self.env["trade.customer.profile"].sudo()._compute_cuts(self._get_snapshot())

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def _get_snapshot(self):
        """The policy as the draft has it; a tier that is new has the negative id of its line."""
        self.ensure_one()
        return self.policy_id._get_snapshot()._replace(
            window_months=self.window_months,
            rules=tuple((line._get_key(), line._get_rule()) for line in self.line_ids),
        )

    @api.readonly
    def get_preview(self):
        """How many customers and how much revenue would move from which tier to which.

        :return: see ``trade.tier._prepare_matrix()``
        """
        self.ensure_one()
        self.check_access("read")
        cells = self.env.execute_query(
            SQL(
                """
                WITH %s
                SELECT COALESCE(old_tier_id, 0), COALESCE(tier_id, 0), count(*), sum(window_revenue)
                  FROM standing
                 GROUP BY 1, 2
                """,
                self._get_standing_sql(),
            )
        )
        tiers = self.env["trade.tier"]
        targets = [
            {"key": line._get_key(), "name": line.name, "color": line.color}
            for line in self.line_ids
        ]
        return tiers._prepare_matrix(cells, self.policy_id.tier_ids, targets, self.currency_id)

    def action_view_move(self, origin, target, names):
        """Open the customers of a cell of the preview; None stands for every tier."""
        self.ensure_one()
        return self.env["res.partner"]._get_tier_move_action(
            "draft", self.id, origin, target, names
        )

    def _get_move_query(self, origin, target):
        """The customers in a cell of the preview: ``SQL`` in parentheses."""
        self.ensure_one()
        self.check_access("read")
        return SQL(
            "(WITH %s, move AS (SELECT partner_id, old_tier_id, tier_id AS new_tier_id FROM standing)"
            " SELECT partner_id FROM move WHERE %s)",
            self._get_standing_sql(),
            self.env["trade.tier"]._get_move_condition(origin, target),
        )

    def _get_standing_sql(self):
        profiles = self.env["trade.customer.profile"]
        profiles.flush_model()
        return profiles._get_standing_sql(self._get_snapshot(), self.method)

    # ------------------------------------------------------------------
    # What changes
    # ------------------------------------------------------------------

    def _get_definition(self):
        """The policy as the draft has it, in the shape of ``trade.tier.policy._get_definition()``."""
        return {
            "method": self.method,
            "window_months": self.window_months,
            "tiers": self.line_ids._get_definitions(),
        }

    def _describe_changes(self):
        """Sentences on what the draft changes, or changed, in ``base``."""
        self.ensure_one()
        before, after = self.base or {}, self._get_definition()
        methods = dict(self._fields["method"]._description_selection(self.env))
        if before.get("method") != after["method"]:
            yield self.env._(
                "Method: %(before)s → %(after)s",
                before=methods.get(before.get("method"), ""),
                after=methods[after["method"]],
            )
        if before.get("window_months") != after["window_months"]:
            yield self.env._(
                "Window: %(before)s → %(after)s months",
                before=before.get("window_months"),
                after=after["window_months"],
            )
        yield from self._describe_tier_changes(before.get("tiers", []), after["tiers"])

    def _describe_tier_changes(self, before, after):
        old = {tier["id"]: tier for tier in before}
        new = {tier["id"]: tier for tier in after if tier["id"] in old}
        for tier in before:
            if tier["id"] not in new:
                yield self.env._("%(tier)s: removed", tier=self._get_tier_name(tier))
        for tier in after:
            name, was = self._get_tier_name(tier), old.get(tier["id"])
            if not was:
                yield self.env._("%(tier)s: new, %(rule)s", tier=name, rule=self._describe(tier))
                continue
            if self._get_tier_name(was) != name:
                yield self.env._(
                    "%(before)s: called %(after)s", before=self._get_tier_name(was), after=name
                )
            if was["rule"] != tier["rule"]:
                yield self.env._(
                    "%(tier)s: %(before)s → %(after)s",
                    tier=name,
                    before=self._describe(was, self.base),
                    after=self._describe(tier),
                )
        if [key for key in old if key in new] != list(new):
            yield self.env._(
                "Sequence: %(tiers)s", tiers=", ".join(self._get_tier_name(tier) for tier in after)
            )

    def _get_tier_name(self, tier):
        return tier["names"].get(self.env.lang) or tier["names"].get("en_US", "")

    def _describe(self, tier, definition=None):
        window = (definition or {"window_months": self.window_months})["window_months"]
        return self.env["trade.tier"]._describe_rule(
            {**tier["rule"], "window_months": window}, self.currency_id
        )


class TradeTierPolicyDraftLine(models.Model):
    _name = "trade.tier.policy.draft.line"
    _description = "Tier of a Changed Policy"
    _inherit = ["trade.tier.rule"]
    _order = "draft_id, sequence, id"

    draft_id = fields.Many2one(
        "trade.tier.policy.draft", required=True, readonly=True, index=True, ondelete="cascade"
    )
    tier_id = fields.Many2one(
        "trade.tier", readonly=True, ondelete="set null", help="Empty: the tier is new."
    )
    sequence = fields.Integer(default=1000)
    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    company_id = fields.Many2one(related="draft_id.company_id", store=True)
    currency_id = fields.Many2one(related="draft_id.currency_id")
    window_months = fields.Integer(related="draft_id.window_months")

    _tier_unique = models.UniqueIndex(
        "(draft_id, tier_id) WHERE tier_id IS NOT NULL", "A tier is in a policy once."
    )

    @api.constrains("tier_id", "draft_id")
    def _check_tier_id(self):
        for line in self:
            if line.tier_id and line.tier_id.policy_id != line.draft_id.policy_id:
                raise ValidationError(
                    self.env._("The tier %(tier)s is of another policy.", tier=line.tier_id.name)
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.draft_id._check_open()
        return lines

    def write(self, vals):
        if vals.keys() - {"tier_id"}:
            self.draft_id._check_open()
        return super().write(vals)

    def unlink(self):
        self.draft_id._check_open()
        return super().unlink()

    def _get_key(self):
        """What stands for the tier in a preview: its id, or the negative one of a line that is new."""
        self.ensure_one()
        return self.tier_id.id or -self.id

    def _get_tier_id(self):
        return self.tier_id.id or 0

    def _prepare_tier_command(self):
        """The command that brings the line into ``tier_ids`` of the policy."""
        self.ensure_one()
        number = self.draft_id.line_ids.ids.index(self.id)
        values = {
            "name": self.name,
            "color": self.color,
            "sequence": 10 * (number + 1),
            "active": True,
            **{name: self[name] for name in self._get_rule_fields()},
        }
        return Command.update(self.tier_id.id, values) if self.tier_id else Command.create(values)

    def _copy_names_from_tiers(self):
        """Take over the names of the tiers in every language."""
        self._copy_names(
            SQL(
                "UPDATE trade_tier_policy_draft_line line SET name = tier.name FROM trade_tier tier"
                " WHERE tier.id = line.tier_id AND line.id = ANY(%s)",
                self.ids,
            )
        )

    def _copy_names_to_tiers(self):
        """Give the tiers the names of the lines in every language."""
        self._copy_names(
            SQL(
                "UPDATE trade_tier tier SET name = line.name FROM trade_tier_policy_draft_line line"
                " WHERE tier.id = line.tier_id AND line.id = ANY(%s)",
                self.ids,
            )
        )

    def _copy_names(self, statement):
        self.env.flush_all()
        self.env.cr.execute(statement)
        self.invalidate_model(["name"])
        self.tier_id.invalidate_model(["name"])
