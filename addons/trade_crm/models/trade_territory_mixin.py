from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column, table_exists


class TradeTerritoryReportMixin(models.AbstractModel):
    """Has a territory: who is limited to territories sees theirs only.

    The rule is applied by ``ir.rule``, beside the record rules that a model has anyway. A report
    inherits this and selects ``territory_id``; a model with records inherits
    ``trade.territory.mixin``.
    """

    _name = "trade.territory.report.mixin"
    _description = "Has a Territory"

    # Fields with the users who see the record in any territory, as far as the model has them.
    _territory_user_fields = ("user_id", "invoice_user_id")
    # Whether some records are of no customer: they have no territory, and everybody sees them.
    _territory_optional = False

    territory_id = fields.Many2one("trade.territory", readonly=True)

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """What a user who is limited to ``territory_ids`` may do ``operation`` on.

        It is evaluated as superuser, in SQL and on records; nothing in it may depend on a single
        record of another model, because it is kept until members or territories change.

        :param territory_ids: tuple of ids
        :param operation: "read", "write", "create" or "unlink"
        """
        domain = Domain("territory_id", "in", territory_ids)
        if self._territory_optional:
            domain |= Domain("territory_id", "=", False)
        for name in self._territory_user_fields:
            if name in self._fields:
                domain |= Domain(name, "=", self.env.uid)
        return domain


class TradeTerritoryMixin(models.AbstractModel):
    """Makes a model of documents scoped.

    One line does it (``_inherit = ["my.model", "trade.territory.mixin"]``). A new record gets the
    territory of its customer; after that the column changes only by a person, by a move of the
    customer that takes the document along, or when the document gets another customer.
    """

    _name = "trade.territory.mixin"
    _inherit = ["trade.territory.report.mixin"]
    _description = "Belongs to a Territory"

    _territory_partner_field = "partner_id"

    territory_id = fields.Many2one(
        compute="_compute_territory_id",
        store=True,
        precompute=True,
        readonly=False,
        index=True,
        copy=False,
        ondelete="restrict",
        help="Who is limited to territories sees what is in theirs.",
    )

    def _auto_init(self):
        # What exists already is filled in the background: there may be millions of rows.
        cr, table = self.env.cr, self._table
        if table_exists(cr, table) and not column_exists(cr, table, "territory_id"):
            create_column(cr, table, "territory_id", "int4")
            self.env["trade.territory.fill"]._request(self._name)
        return super()._auto_init()

    # Not of the customer's territory: a customer who moves does not rewrite old documents.
    @api.depends(lambda self: [self._territory_partner_field])
    def _compute_territory_id(self):
        for record in self:
            partner_sudo = record[self._territory_partner_field].sudo()
            record.territory_id = partner_sudo._get_document_territory(self._territory_optional)

    def write(self, vals):
        if "territory_id" in vals:
            self.env["trade.territory.move"]._check_may_move()
        return super().write(vals)

    @api.model
    def _get_scoped_models(self):
        """Names of the models with a territory of their own."""
        mixin = self.env.registry["trade.territory.mixin"]
        return [
            name
            for name, model in self.env.registry.items()
            if issubclass(model, mixin) and model._auto and not model._abstract
        ]

    # ------------------------------------------------------------------
    # Fill
    # ------------------------------------------------------------------

    @api.model
    def _fill_territories(self, first_id, last_id):
        """Give the rows of before the addon the territory of their customer.

        :return: SQL of an UPDATE of the rows from ``first_id`` to ``last_id``
        """
        partner = self._fields[self._territory_partner_field]
        fallback = None if self._territory_optional else self.env["trade.territory"]._get_fallback()
        return SQL(
            """
            UPDATE %(table)s document
               SET territory_id = COALESCE(customer.territory_id, %(fallback)s)
              FROM %(table)s old
              LEFT JOIN res_partner customer ON customer.id = old.%(partner)s
             WHERE document.id = old.id
               AND document.territory_id IS NULL
               AND old.id BETWEEN %(first)s AND %(last)s
               AND COALESCE(customer.territory_id, %(fallback)s) IS NOT NULL
            """,
            table=SQL.identifier(self._table),
            partner=SQL.identifier(partner.name),
            fallback=SQL("%s::int", fallback and fallback.id),
            first=first_id,
            last=last_id,
        )


class TradeTerritoryPathMixin(models.AbstractModel):
    """Makes a model scoped as the record is that it belongs to: lines, moves, what is computed.

    A record that belongs to none is seen by everybody.
    """

    _name = "trade.territory.path.mixin"
    _description = "Belongs to Something in a Territory"

    # Field with the record that decides.
    _territory_path = "partner_id"

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.mixin``."""
        return self._get_path_domain(self._fields[self._territory_path], territory_ids, operation)

    @api.model
    def _get_path_domain(self, field, territory_ids, operation):
        parent = self.env[field.comodel_name]._get_territory_domain(territory_ids, operation)
        domain = Domain(field.name, "any", parent)
        return domain if field.required else domain | Domain(field.name, "=", False)
