from markupsafe import Markup
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL, escape_psql

KINDS = [
    ("price", "Our price on the shelf"),
    ("competitor", "Price of a competitor"),
    ("shelf", "Space on the shelf"),
    ("wish", "Wish for a new product"),
    ("other", "Other"),
]
STATES = [
    ("new", "To answer"),
    ("taken", "Taken up"),
    ("declined", "Declined"),
]
# What a phone may send of a note.
NOTE_FIELDS = (
    "kind",
    "product_id",
    "competitor_id",
    "competitor_product",
    "price",
    "facings",
    "facings_total",
    "text",
)
PRICED_KINDS = ("price", "competitor")
# What is worked out, and what becomes of a note; nobody types it.
CLOSED_FIELDS = {
    "answer",
    "answered_at",
    "answered_by_id",
    "gap",
    "manager_id",
    "own_price",
    "shelf_share",
    "state",
    "told_at",
    "user_id",
}
# Averages are of the notes with a figure: {field: field that is not 0 where there is one}.
FIGURES = {
    "price": "price",
    "own_price": "own_price",
    "gap": "own_price",
    "facings": "facings_total",
    "facings_total": "facings_total",
    "shelf_share": "facings_total",
}
DIGEST_NOTES = 5


class TradeCompetitor(models.Model):
    _name = "trade.competitor"
    _description = "Competitor"
    _order = "name"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)

    _name_unique = models.UniqueIndex(
        "(lower(name))", "There is a competitor of this name already."
    )


class TradeMarketNote(models.Model):
    """What somebody saw or heard on site, for whoever answers for the product."""

    _name = "trade.market.note"
    _description = "Market Note"
    _inherit = ["trade.territory.mixin"]
    _order = "day desc, id desc"
    _rec_name = "kind"

    _territory_user_fields = ("user_id", "manager_id")
    _territory_optional = True

    kind = fields.Selection(KINDS, required=True, default="other")
    visit_id = fields.Many2one("trade.visit", index="btree_not_null", ondelete="cascade")
    partner_id = fields.Many2one(
        "res.partner",
        "Customer",
        compute="_compute_of_visit",
        store=True,
        precompute=True,
        readonly=False,
        index="btree_not_null",
        ondelete="cascade",
    )
    user_id = fields.Many2one(
        "res.users",
        "Noted by",
        compute="_compute_of_visit",
        store=True,
        precompute=True,
        required=True,
        index=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    day = fields.Date(required=True, default=fields.Date.context_today)
    product_id = fields.Many2one(
        "product.product", "Our product", index="btree_not_null", domain="[('sale_ok', '=', True)]"
    )
    categ_id = fields.Many2one(
        "product.category",
        "Product category",
        compute="_compute_categ_id",
        store=True,
        precompute=True,
        readonly=False,
        index="btree_not_null",
    )
    manager_id = fields.Many2one(
        "res.users",
        "Product manager",
        compute="_compute_manager_id",
        store=True,
        precompute=True,
        index="btree_not_null",
        help="Of the product category or one above it, or else the one in Settings.",
    )
    competitor_id = fields.Many2one("trade.competitor", index="btree_not_null")
    competitor_product = fields.Char("Product of the competitor")
    price = fields.Monetary("Price seen", aggregator="avg")
    own_price = fields.Monetary(
        "Our list price",
        compute="_compute_own_price",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Of the day when the price was seen.",
    )
    gap = fields.Float(
        "Difference to ours (%)",
        compute="_compute_gap",
        store=True,
        precompute=True,
        digits=(16, 1),
        aggregator="avg",
        help="By how much the price seen is above our list price.",
    )
    facings = fields.Integer("Our places on the shelf", aggregator="avg")
    facings_total = fields.Integer("All places on the shelf", aggregator="avg")
    shelf_share = fields.Float(
        "Share of the shelf (%)",
        compute="_compute_shelf_share",
        store=True,
        digits=(16, 1),
        aggregator="avg",
    )
    text = fields.Text("What was seen or said")
    state = fields.Selection(STATES, required=True, readonly=True, copy=False, default="new")
    answer = fields.Char(readonly=True, copy=False)
    answered_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    answered_at = fields.Datetime(readonly=True, copy=False)
    told_at = fields.Datetime(readonly=True, copy=False)

    _price_positive = models.Constraint("CHECK (price >= 0)", "A price is not below 0.")
    _untold_index = models.Index("(manager_id) WHERE told_at IS NULL AND state = 'new'")

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_closed([name for name, value in vals.items() if value])
        return super().create(vals_list)

    def write(self, vals):
        self._check_closed(vals)
        return super().write(vals)

    @api.model
    def _check_closed(self, names):
        if not self.env.su and not CLOSED_FIELDS.isdisjoint(names):
            raise UserError(
                self.env._("Who noted it, prices of ours and the answer are not typed into a note.")
            )

    def _read_group_select(self, aggregate_spec, query):
        # Odoo keeps 0 where there is no figure, and a wish is no price of 0.
        name, _colon, function = aggregate_spec.partition(":")
        if function == "avg" and name in FIGURES:
            return SQL(
                "AVG(%s) FILTER (WHERE %s <> 0)",
                *(self._field_to_sql(self._table, one, query) for one in (name, FIGURES[name])),
            )
        return super()._read_group_select(aggregate_spec, query)

    @api.depends("visit_id")
    def _compute_of_visit(self):
        for note in self:
            note.partner_id = note.visit_id.partner_id or note.partner_id
            note.user_id = note.visit_id.user_id or note.user_id or self.env.user

    @api.depends("product_id")
    def _compute_categ_id(self):
        for note in self:
            note.categ_id = note.product_id.categ_id or note.categ_id

    @api.depends("categ_id", "company_id")
    def _compute_manager_id(self):
        for note in self:
            note.manager_id = note.categ_id._get_trade_manager(note.company_id)

    @api.model
    def _find_managers(self, domain):
        """Look again for whose the notes are that nobody has answered."""
        open_notes = self.sudo().search(Domain("state", "=", "new") & Domain(domain))
        self.env.add_to_compute(self._fields["manager_id"], open_notes)

    # Only when it is made, or is of another product: later list prices tell nothing of that day.
    @api.depends("product_id", "kind")
    def _compute_own_price(self):
        for note in self:
            product = note.product_id.with_company(note.company_id)
            wanted = product and note.kind in PRICED_KINDS
            note.own_price = wanted and product.currency_id._convert(
                product.lst_price,
                note.company_id.currency_id,
                note.company_id,
                note.day or fields.Date.context_today(note),
            )

    @api.depends("price", "own_price")
    def _compute_gap(self):
        for note in self:
            known = note.price and note.own_price
            note.gap = known and (note.price / note.own_price - 1) * 100

    @api.depends("facings", "facings_total")
    def _compute_shelf_share(self):
        for note in self:
            note.shelf_share = note.facings_total and note.facings / note.facings_total * 100

    @api.constrains(
        "kind", "product_id", "competitor_id", "price", "facings", "facings_total", "text"
    )
    def _check_complete(self):
        for place, note in enumerate(self, 1):
            if missing := note._get_missing():
                kind = dict(self._fields["kind"]._description_selection(self.env))[note.kind]
                raise ValidationError(
                    self.env._(
                        "Market note %(place)s (%(kind)s): %(missing)s",
                        place=place,
                        kind=kind,
                        missing=missing,
                    )
                )

    def _get_missing(self):
        """What is wrong with a note, or False."""
        self.ensure_one()
        if self.kind in ("price", "shelf") and not self.product_id:
            return self.env._("choose our product.")
        if self.kind == "competitor" and not self.competitor_id:
            return self.env._("choose the competitor.")
        if self.kind in PRICED_KINDS and not self.price:
            return self.env._("enter the price.")
        if self.kind == "shelf" and not 0 <= self.facings <= self.facings_total > 0:
            return self.env._("our places are at most as many as all places on the shelf.")
        if self.kind in ("wish", "other") and not (self.text or "").strip():
            return self.env._("write what was seen or said.")
        return False

    @api.model
    def _create_of_visit(self, visit, values_list):
        """Make the notes that a phone sent.

        :param values_list: list of dicts with :data:`NOTE_FIELDS`, and ``competitor`` with the name of
            one that is not known yet
        """
        vals_list = []
        for values in values_list:
            vals = {name: values[name] or False for name in NOTE_FIELDS if name in values}
            if not vals.get("competitor_id") and values.get("competitor"):
                vals["competitor_id"] = self._find_competitor(values["competitor"]).id
            vals |= {"visit_id": visit.id, "day": visit.day, "company_id": visit.company_id.id}
            vals_list.append(vals)
        return self.create(vals_list)

    @api.model
    def _find_competitor(self, name):
        competitors = self.env["trade.competitor"]
        name = str(name).strip()
        if not name:
            return competitors
        known = Domain("name", "=ilike", escape_psql(name))
        found = competitors.with_context(active_test=False).search(known, limit=1)
        if found:
            return found
        try:
            with self.env.cr.savepoint():
                return competitors.create({"name": name})
        except UniqueViolation as error:
            # Another phone names the same new one; Odoo tries again and finds it.
            raise ConcurrencyError(self.env._("This is being saved already.")) from error

    @api.depends("kind", "product_id", "competitor_id", "partner_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for note in self:
            # Names of what the note shows; who reads it need not read the records.
            note_sudo = note.sudo()
            subject = note_sudo.product_id or note_sudo.competitor_id or note_sudo.partner_id
            note.display_name = " · ".join(
                filter(None, [kinds.get(note.kind), subject.display_name])
            )

    # ------------------------------------------------------------------
    # Answer
    # ------------------------------------------------------------------

    def action_take(self):
        """Open the dialog for an answer: something is done about it."""
        return self._open_answer("taken")

    def action_decline(self):
        """Open the dialog for an answer: nothing is done about it."""
        return self._open_answer("declined")

    def _open_answer(self, state):
        self._check_may_answer()
        return {
            "type": "ir.actions.act_window",
            "name": dict(self._fields["state"]._description_selection(self.env))[state],
            "res_model": "trade.market.note.answer",
            "view_mode": "form",
            "target": "new",
            "context": {"default_note_ids": [Command.set(self.ids)], "default_state": state},
        }

    def _check_may_answer(self):
        """:raise UserError: when one of them is answered, or not for the user to answer"""
        self.check_access("read")
        if any(note.state != "new" for note in self):
            raise UserError(self.env._("One of these notes is answered already."))
        user = self.env.user
        if self.env.su or user.has_groups("trade_crm.group_manager,trade_crm.group_marketer"):
            return
        if any(note.manager_id != user for note in self):
            raise UserError(
                self.env._(
                    "Notes are answered by the product manager, marketers and sales managers."
                )
            )

    def _answer(self, state, text):
        """Answer, and tell who noted it."""
        self._check_may_answer()
        self.sudo().write(
            {
                "state": state,
                "answer": text,
                "answered_by_id": self.env.uid,
                "answered_at": fields.Datetime.now(),
            }
        )
        for user_sudo, notes in self.sudo().grouped("user_id").items():
            if user_sudo != self.env.user:
                notes._tell(user_sudo, notes.with_context(lang=user_sudo.lang)._get_answer_text())

    def _get_answer_text(self):
        state = dict(self._fields["state"]._description_selection(self.env))[self[0].state]
        lines = [Markup("<li>%s</li>") % note._get_headline() for note in self]
        return Markup("<p>%s: %s</p><ul>%s</ul>") % (
            state,
            self[0].answer or "",
            Markup().join(lines),
        )

    def _get_headline(self):
        """One line about a note."""
        self.ensure_one()
        kind = dict(self._fields["kind"]._description_selection(self.env))[self.kind]
        seen = self.price and self.currency_id.format(self.price)
        share = self.kind == "shelf" and f"{self.facings}/{self.facings_total}"
        parts = (
            kind,
            self.competitor_id.name,
            self.competitor_product,
            seen,
            share,
            self.partner_id.sudo().name,
            self.text,
        )
        return " · ".join(part for part in parts if part)

    def _tell(self, user_sudo, body):
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=user_sudo.partner_id.ids,
            subject=self.with_context(lang=user_sudo.lang).env._("Market notes"),
            body=body,
            model=False,
            res_id=False,
        )

    # ------------------------------------------------------------------
    # Digest
    # ------------------------------------------------------------------

    @api.model
    def _cron_tell_managers(self):
        """Once a day every product manager gets what is new, by product; each note once."""
        untold = Domain("state", "=", "new") & Domain("told_at", "=", False)
        for manager, notes in self._read_group(
            untold & Domain("manager_id", "!=", False), ["manager_id"], ["id:recordset"]
        ):
            # Told and marked are one transaction: a crash tells once more, and never not at all.
            if manager.active:
                notes.told_at = fields.Datetime.now()
                notes._tell(manager, notes.with_context(lang=manager.lang)._get_digest())
            self.env["ir.cron"]._commit_progress(len(notes))

    def _get_digest(self):
        """``Markup`` of a list of notes grouped by product, or by category without one."""
        parts = []
        for group, notes in self.grouped(lambda note: note.product_id or note.categ_id).items():
            name = group.display_name if group else self.env._("Other products")
            lines = [Markup("<li>%s</li>") % note._get_headline() for note in notes[:DIGEST_NOTES]]
            if more := len(notes) - DIGEST_NOTES:
                if more > 0:
                    lines.append(Markup("<li>%s</li>") % self.env._("and %s more", more))
            parts.append(
                Markup("<p><b>%s</b> (%s)</p><ul>%s</ul>")
                % (name, len(notes), Markup().join(lines))
            )
        return Markup().join(parts)


class ProductCategory(models.Model):
    _inherit = "product.category"

    trade_manager_id = fields.Many2one(
        "res.users",
        "Product manager",
        domain="[('share', '=', False)]",
        help="Gets the market notes on products of this category and those below it.",
    )

    def write(self, vals):
        result = super().write(vals)
        if not {"trade_manager_id", "parent_id"}.isdisjoint(vals):
            self.env["trade.market.note"]._find_managers([("categ_id", "child_of", self.ids)])
        return result

    def _get_trade_manager(self, company):
        """Who answers for products of the category: its own manager, that of the nearest one above
        it, or that of the company."""
        category = self.sudo()
        while category:
            if category.trade_manager_id.active:
                return category.trade_manager_id
            category = category.parent_id
        manager = company.sudo().trade_market_manager_id
        return manager if manager.active else manager.browse()


class ResCompany(models.Model):
    _inherit = "res.company"

    trade_market_manager_id = fields.Many2one(
        "res.users",
        "Market notes go to",
        domain="[('share', '=', False)]",
        help="Whoever answers for products whose category has no product manager.",
    )

    def write(self, vals):
        result = super().write(vals)
        if "trade_market_manager_id" in vals:
            self.env["trade.market.note"]._find_managers([("company_id", "in", self.ids)])
        return result


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    trade_market_manager_id = fields.Many2one(
        related="company_id.trade_market_manager_id", readonly=False
    )
