from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

SOURCES = [
    ("rule", "By a rule"),
    ("manual", "By hand"),
    ("creator", "Of who created it"),
    ("fallback", "No rule fits"),
]
# What tells a customer from a vendor, a colleague or a company of ours.
CUSTOMER_FIELDS = {"partner_share", "customer_rank", "supplier_rank", "commercial_partner_id"}


class ResPartner(models.Model):
    """Whose customer a customer is.

    The commercial partner decides, its contacts follow. Vendors, colleagues and our own companies
    have no territory, and everybody may read them.
    """

    _name = "res.partner"
    _inherit = ["res.partner", "trade.territory.mixin"]

    # Without groups: Odoo hands commercial fields on to contacts as whoever edits them.
    territory_id = fields.Many2one(compute=None, precompute=False)
    shared_territory_ids = fields.Many2many(
        "trade.territory",
        "trade_territory_shared_rel",
        "partner_id",
        "territory_id",
        string="Shared with",
        copy=False,
        help="Other territories that work with this customer, such as a chain with branches.",
    )
    territory_source = fields.Selection(SOURCES, "Why this territory", readonly=True, copy=False)
    territory_rule_id = fields.Many2one(
        "trade.territory.rule", readonly=True, copy=False, index="btree_not_null"
    )
    territory_reason = fields.Char(compute="_compute_territory_reason")

    # The rule reads the customers of a user as well, whom Odoo finds by reading all partners.
    _territory_user_idx = models.Index("(user_id) WHERE user_id IS NOT NULL")

    @api.depends("territory_id", "territory_source", "territory_rule_id")
    @api.depends_context("lang")
    def _compute_territory_reason(self):
        labels = dict(self._fields["territory_source"]._description_selection(self.env))
        for partner in self:
            rule = partner.territory_rule_id.sudo()
            partner.territory_reason = (
                self.env._("Rule: %s", rule.condition)
                if rule
                else labels.get(partner.territory_source)
            )

    def _commercial_fields(self):
        return [
            *super()._commercial_fields(),
            "territory_id",
            "shared_territory_ids",
            "territory_source",
            "territory_rule_id",
        ]

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        chosen = [bool(vals.get("territory_id")) for vals in vals_list]
        partners = super().create(self._prepare_territories(vals_list))
        by_hand = partners.browse(
            partner.id
            for partner, given in zip(partners, chosen, strict=True)
            if given and not partner.territory_source
        )
        by_hand.sudo().territory_source = "manual"
        (partners - by_hand)._assign_territories()
        return partners

    @api.model
    def _prepare_territories(self, vals_list):
        """Values that the rule of territories accepts before anything is known of the customer.

        A contact is where its customer is. What somebody creates who is limited to territories is
        in the first of them, or, without one, is of the creator.
        """
        if self.env.su or self.env.user._get_territory_ids() is None:
            return vals_list
        return [self._prepare_territory(dict(vals)) for vals in vals_list]

    @api.model
    def _prepare_territory(self, vals):
        own = self.env.user._get_territory_ids()
        parent = self.browse(vals.get("parent_id"))
        parent.check_access("read")
        customer = parent.sudo().commercial_partner_id
        if customer.territory_id:
            vals["territory_id"] = customer.territory_id.id
            vals["shared_territory_ids"] = [fields.Command.set(customer.shared_territory_ids.ids)]
            vals["territory_source"] = customer.territory_source
            if self.env.user == customer.user_id:
                vals.setdefault("user_id", self.env.uid)
        elif own and not vals.get("territory_id"):
            vals |= {"territory_id": own[0], "territory_source": "creator"}
        elif not own:
            vals["user_id"] = self.env.uid
        return vals

    def write(self, vals):
        if not vals.keys() & {"territory_id", "shared_territory_ids"}:
            return super().write(vals)
        self.env["trade.territory.move"]._check_may_move()
        # By hand, or by Odoo for contacts of a customer whose territory was set by hand.
        by_hand = "territory_id" in vals and not self.env.context.get("trade_territory_moved")
        customers = self.filtered(lambda partner: partner.commercial_partner_id == partner)
        origins = {customer: customer.territory_id for customer in customers}
        if by_hand and "territory_source" not in vals:
            vals = {**vals, "territory_source": "manual", "territory_rule_id": False}
        result = super().write(vals)
        customers._align_contacts()
        if by_hand:
            self.env["trade.territory.move"]._log(origins, vals["territory_source"])
        return result

    def _align_contacts(self):
        """Have every contact of these customers where they are; Odoo leaves out archived ones."""
        partners = self.sudo().with_context(active_test=False, trade_territory_moved=True)
        contacts = partners.search(
            Domain("commercial_partner_id", "in", self.ids)
            & Domain("id", "not in", self.ids)
            & Domain("partner_share", "=", True)
        )
        for customer, group in contacts.grouped("commercial_partner_id").items():
            group.write(
                {
                    "territory_id": customer.territory_id.id,
                    "territory_source": customer.territory_source,
                    "territory_rule_id": customer.territory_rule_id.id,
                    "shared_territory_ids": [fields.Command.set(customer.shared_territory_ids.ids)],
                }
            )

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        changed = [
            partner_id
            for partner_id, vals in zip(self._ids, vals_list, strict=True)
            if not CUSTOMER_FIELDS.isdisjoint(vals)
        ]
        if changed:
            self.browse(changed)._queue_territories()
        employed = [
            partner_id
            for partner_id, vals in zip(self._ids, vals_list, strict=True)
            if "commercial_partner_id" in vals
        ]
        if employed:
            self.browse(employed)._touch_customers()
        return result

    # ------------------------------------------------------------------
    # Rule
    # ------------------------------------------------------------------

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Customers of the territories and of the user; for reading, also who is no customer."""
        domain = super()._get_territory_domain(territory_ids, operation)
        reads = operation == "read"
        if reads:
            domain |= Domain("territory_id", "=", False)
        return domain | self._get_exception_domain(territory_ids, colleagues=reads)

    @api.model
    def _get_exception_domain(self, territory_ids, colleagues):
        """The few customers shared with the territories, and colleagues.

        As an array of ids, which PostgreSQL reads first and then looks up like the territory;
        a subquery within an OR would be tried on every partner.

        :param colleagues: whether users of ours belong to it
        """
        territory_ids = list(territory_ids)

        def to_sql(model, alias, query):
            ids = SQL(
                "SELECT partner_id FROM trade_territory_shared_rel WHERE territory_id = ANY(%s)",
                territory_ids,
            )
            if colleagues:
                ids = SQL("%s UNION ALL SELECT partner_id FROM res_users WHERE NOT share", ids)
            return SQL("%s = ANY(ARRAY(%s))", SQL.identifier(alias, "id"), ids)

        def predicate(partner):
            if colleagues and not partner.partner_share:
                return True
            return not set(partner.shared_territory_ids.ids).isdisjoint(territory_ids)

        return Domain.custom(to_sql=to_sql, predicate=predicate)

    # ------------------------------------------------------------------
    # Assign
    # ------------------------------------------------------------------

    @api.model
    def _get_customer_level_domain(self):
        """Partners that stand for a customer, and no contacts of one."""
        return Domain("is_company", "=", True) | Domain("parent_id", "=", False)

    @api.model
    def _get_customer_condition(self, alias):
        """Whether a row of ``res_partner`` has a territory, if it is a commercial partner."""
        return SQL(
            "(%(p)s.partner_share IS NOT FALSE"
            " AND NOT (COALESCE(%(p)s.supplier_rank, 0) > 0 AND COALESCE(%(p)s.customer_rank, 0) = 0)"
            " AND NOT EXISTS (SELECT FROM res_company own WHERE own.partner_id = %(p)s.id))",
            p=SQL.identifier(alias),
        )

    def _assign_territories(self):
        """Place those of ``self`` that are customers and have no place yet, with their contacts.

        Where the rules lead out of reach of who created a customer, it stays where it is until
        somebody applies the rules.
        """
        self.flush_recordset(CUSTOMER_FIELDS | {"territory_id", "territory_source"})
        partners = self.sudo().with_context(active_test=False)
        query = partners._search(
            Domain("id", "in", self.ids)
            & (Domain("territory_id", "=", False) | Domain("territory_source", "=", "creator"))
        )
        reach = None if self.env.su else self.env.user._get_territory_ids()
        self.env.cr.execute(
            SQL(
                """
                UPDATE res_partner partner
                   SET territory_id = placed.territory_id,
                       territory_rule_id = placed.rule_id,
                       territory_source = placed.source
                  FROM (%s) placed
                 WHERE partner.commercial_partner_id = placed.id
                   AND partner.partner_share IS NOT FALSE
                   AND (placed.from_id IS NULL OR (placed.source = 'rule' AND %s))
                """,
                self.env["trade.territory.rule"]._get_placing_sql(query),
                SQL("TRUE") if reach is None else SQL("placed.territory_id = ANY(%s)", list(reach)),
            )
        )
        if self.env.cr.rowcount:
            self._invalidate_territories()

    @api.model
    def _fill_territories(self, first_id, last_id):
        """See ``trade.territory.mixin``: contacts come with their commercial partner."""
        partners = self.sudo().with_context(active_test=False)
        query = partners._search(
            Domain("id", ">=", first_id)
            & Domain("id", "<=", last_id)
            & Domain("territory_id", "=", False)
        )
        return SQL(
            """
            UPDATE res_partner partner
               SET territory_id = placed.territory_id,
                   territory_rule_id = placed.rule_id,
                   territory_source = placed.source
              FROM (%s) placed
             WHERE partner.commercial_partner_id = placed.id
               AND partner.partner_share IS NOT FALSE
            """,
            self.env["trade.territory.rule"]._get_placing_sql(query),
        )

    def _release_territories(self):
        """Take their territory from those of ``self`` that turn out to be no customers."""
        self.flush_recordset(CUSTOMER_FIELDS | {"territory_id"})
        self.env.cr.execute(
            SQL(
                "UPDATE res_partner SET territory_id = NULL, territory_rule_id = NULL,"
                " territory_source = NULL"
                " WHERE id = ANY(%s) AND territory_id IS NOT NULL AND territory_source <> 'manual'"
                " AND NOT %s",
                self.ids,
                self._get_customer_condition("res_partner"),
            )
        )
        if self.env.cr.rowcount:
            self._invalidate_territories()

    def _invalidate_territories(self):
        self.env["res.partner"].invalidate_model(
            ["territory_id", "territory_rule_id", "territory_source"], flush=False
        )

    def _queue_territories(self):
        """Look again at the end of the transaction who is a customer, and who is not."""
        precommit = self.env.cr.precommit
        if "trade_crm.territory" not in precommit.data:
            precommit.data["trade_crm.territory"] = set()
            precommit.add(self.sudo().browse()._flush_territories)
        precommit.data["trade_crm.territory"].update(self.ids)

    def _flush_territories(self):
        partners = self.browse(self.env.cr.precommit.data.pop("trade_crm.territory"))
        partners.flush_recordset(CUSTOMER_FIELDS | {"territory_id"})
        # Every invoice raises the rank of its customer, which mostly says nothing new.
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM res_partner WHERE id = ANY(%s) AND commercial_partner_id = id"
                " AND (territory_id IS NULL) = %s",
                partners.ids,
                self._get_customer_condition("res_partner"),
            )
        )
        if rows:
            partners = self.browse(partner for [partner] in rows)
            partners._release_territories()
            partners._assign_territories()

    def _touch_customers(self):
        """Let nobody move the customers of these new contacts at the same moment.

        A move does not see a contact that has not been committed, and would leave it behind.
        Whoever of the two comes second has to try again.
        """
        self.env.cr.execute(
            SQL(
                """
                UPDATE res_partner customer
                   SET territory_id = customer.territory_id
                  FROM res_partner contact
                 WHERE contact.id = ANY(%s)
                   AND customer.id = contact.commercial_partner_id
                   AND customer.id <> contact.id
                """,
                self.ids,
            )
        )

    def _get_document_territory(self, optional=False):
        """The territory of a new document of this customer.

        Where several territories share the customer, a document is in that of who makes it.

        :param optional: whether a document of nobody in particular has none
        """
        customer = self.commercial_partner_id
        territory = customer.territory_id
        if not territory:
            if optional:
                return territory
            territory = territory._get_fallback()
        ids = self.env.user._get_territory_ids()
        if ids is None or territory.id in ids:
            return territory
        shared = customer.shared_territory_ids.filtered(lambda shared: shared.id in ids)
        if shared:
            return shared[0]
        return territory if customer.territory_id else self.env.user._get_own_territory(territory)
