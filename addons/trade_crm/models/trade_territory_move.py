from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .res_partner_territory import SOURCES


class TradeTerritoryMove(models.Model):
    """A customer that went from one territory to another: who moved it, why, what it took along."""

    _name = "trade.territory.move"
    _inherit = ["trade.territory.path.mixin"]
    _description = "Territory Move"
    _order = "moved_at desc, id desc"
    _rec_name = "partner_id"
    _log_access = False

    moved_at = fields.Datetime("Date", required=True, readonly=True, index=True)
    user_id = fields.Many2one("res.users", "By", readonly=True, ondelete="set null")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, readonly=True, index=True, ondelete="cascade"
    )
    from_territory_id = fields.Many2one(
        "trade.territory", "From", readonly=True, index=True, ondelete="cascade"
    )
    territory_id = fields.Many2one(
        "trade.territory", "To", readonly=True, index=True, ondelete="cascade"
    )
    source = fields.Selection(SOURCES, "Cause", readonly=True)
    reason = fields.Char(readonly=True)
    taken = fields.Json("Taken along (raw)", readonly=True)
    taken_text = fields.Char("Taken along", compute="_compute_taken_text")

    @api.depends("taken")
    @api.depends_context("lang")
    def _compute_taken_text(self):
        labels = {key: label for key, label, *_rest in self._get_documents()}
        for move in self:
            move.taken_text = ", ".join(
                f"{labels.get(key, key)}: {count}" for key, count in (move.taken or {}).items()
            )

    @api.model
    def _check_may_move(self):
        """Which territory something is in is decided by managers.

        :raise AccessError: when the user is none
        """
        if not self.env.su and not self.env.user.has_group("trade_crm.group_manager"):
            raise AccessError(
                self.env._("Only sales managers move customers and documents between territories.")
            )

    # ------------------------------------------------------------------
    # What goes along
    # ------------------------------------------------------------------

    @api.model
    def _get_documents(self):
        """Kinds of documents that a customer can take along; other addons add theirs.

        :return: list of (key, label, model, domain, whether it is chosen by default)
        """
        confirmed = Domain("state", "=", "sale")
        to_do = Domain("delivery_status", "in", ("pending", "started", "partial")) | Domain(
            "invoice_status", "=", "to invoice"
        )
        undelivered = confirmed & to_do
        return [
            (
                "leads",
                self.env._("Open leads"),
                "crm.lead",
                Domain("won_status", "=", "pending"),
                True,
            ),
            (
                "quotations",
                self.env._("Quotations"),
                "sale.order",
                Domain("state", "in", ("draft", "sent")),
                True,
            ),
            (
                "orders",
                self.env._("Orders to deliver or invoice"),
                "sale.order",
                undelivered,
                True,
            ),
            (
                "pickings",
                self.env._("Open deliveries"),
                "stock.picking",
                Domain("state", "not in", ("done", "cancel")),
                True,
            ),
            (
                "invoices",
                self.env._("Unpaid invoices"),
                "account.move",
                Domain("move_type", "in", ("out_invoice", "out_refund"))
                & (
                    Domain("state", "=", "draft")
                    | Domain("payment_state", "in", ("not_paid", "partial", "in_payment"))
                ),
                True,
            ),
            (
                "past_orders",
                self.env._("All past orders"),
                "sale.order",
                confirmed,
                False,
            ),
        ]

    # ------------------------------------------------------------------
    # Move
    # ------------------------------------------------------------------

    @api.model
    def _move(self, changes, keys, reason=None):
        """Move customers with their contacts, take documents along, and log it.

        It is one statement per table, however many customers there are; who moves one of them at
        the same moment makes the other try again.

        :param changes: ``SQL`` with the columns id (commercial partner), from_id, territory_id,
            rule_id and source; rows that change nothing are left out
        :param keys: what goes along, see :meth:`_get_documents`
        :return: dict with the number of customers and of documents per key
        """
        self.env.flush_all()
        self.env["trade.customer.profile"]._create_temporary_table(
            SQL("trade_territory_change"),
            SQL(
                "SELECT * FROM (%s) change WHERE territory_id IS DISTINCT FROM from_id",
                changes,
            ),
        )
        self.env.cr.execute(
            """
            UPDATE res_partner partner
               SET territory_id = change.territory_id,
                   territory_rule_id = change.rule_id,
                   territory_source = change.source
              FROM trade_territory_change change
             WHERE partner.commercial_partner_id = change.id
               AND partner.partner_share IS NOT FALSE
            """
        )
        taken = {
            key: self._take_along(model, domain)
            for key, _label, model, domain, _default in self._get_documents()
            if key in keys
        }
        customers = self._log_changes(reason, taken)
        self.env.invalidate_all(flush=False)
        return {"customers": customers} | {key: len(ids) for key, ids in taken.items()}

    @api.model
    def _take_along(self, model, domain):
        """Give the documents of the customers that change their new territory.

        What is elsewhere, because a branch made it, stays there.

        :return: list of the customers' ids, one per document
        """
        documents = self.env[model].sudo().with_context(active_test=False)
        partner = documents._territory_partner_field
        query = documents._search(domain)
        return [
            customer
            for [customer] in self.env.execute_query(
                SQL(
                    """
                    UPDATE %(table)s document
                       SET territory_id = change.territory_id
                      FROM trade_territory_change change
                      JOIN res_partner contact ON contact.commercial_partner_id = change.id
                     WHERE document.%(partner)s = contact.id
                       AND (document.territory_id IS NULL OR document.territory_id = change.from_id)
                       AND document.id IN %(open)s
                 RETURNING change.id
                    """,
                    table=SQL.identifier(documents._table),
                    partner=SQL.identifier(partner),
                    open=query.subselect(),
                )
            )
        ]

    @api.model
    def _log_changes(self, reason, taken):
        """One row per customer that left a territory, with what it took along."""
        counts = [
            SQL("(%s::int, %s)", customer, key) for key, ids in taken.items() for customer in ids
        ]
        documents = (
            SQL("VALUES %s", SQL(", ").join(counts)) if counts else SQL("SELECT NULL::int, ''")
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO trade_territory_move (
                    moved_at, user_id, partner_id, from_territory_id, territory_id, source, reason, taken
                )
                SELECT %(now)s, %(user)s, change.id, change.from_id, change.territory_id,
                       change.source, %(reason)s, taken.counts
                  FROM trade_territory_change change
                  LEFT JOIN (
                        SELECT customer, jsonb_object_agg(key, count) AS counts
                          FROM (
                                SELECT customer, key, count(*)
                                  FROM (%(documents)s) document (customer, key)
                                 GROUP BY customer, key
                               ) kind
                         GROUP BY customer
                       ) taken ON taken.customer = change.id
                 WHERE change.from_id IS NOT NULL
                """,
                now=self.env.cr.now(),
                user=self.env.uid,
                reason=reason or None,
                documents=documents,
            )
        )
        [[customers]] = self.env.execute_query(SQL("SELECT count(*) FROM trade_territory_change"))
        return customers

    @api.model
    def _describe_counts(self, counts):
        """What :meth:`_move` did, for the person who asked for it."""
        text = self.env._("Customers moved: %s", counts["customers"])
        documents = [
            f"{label}: {counts[key]}"
            for key, label, *_rest in self._get_documents()
            if counts.get(key)
        ]
        if documents:
            text = self.env._(
                "%(text)s. Along with them – %(documents)s",
                text=text,
                documents="; ".join(documents),
            )
        return text

    @api.model
    def _log(self, origins, source):
        """Note customers whose territory was written by hand.

        :param origins: ``{customer: territory before}``
        """
        rows = [
            SQL(
                "(%s, %s, %s, %s, %s, %s)",
                self.env.cr.now(),
                self.env.uid,
                customer.id,
                origin.id,
                customer.territory_id.id or None,
                source or None,
            )
            for customer, origin in origins.items()
            if origin and origin != customer.territory_id
        ]
        if rows:
            self.env.cr.execute(
                SQL(
                    "INSERT INTO trade_territory_move"
                    " (moved_at, user_id, partner_id, from_territory_id, territory_id, source)"
                    " VALUES %s",
                    SQL(", ").join(rows),
                )
            )
            self.invalidate_model(flush=False)
