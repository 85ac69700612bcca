"""Models of Odoo that name a document, or several customers, instead of belonging to one."""

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class TradeTerritoryDocumentMixin(models.AbstractModel):
    """Makes a model scoped as the document is that two of its columns name: model and id.

    What is about no document, or about one that is in no territory, is seen by everybody.
    """

    _name = "trade.territory.document.mixin"
    _description = "Is About a Document in a Territory"

    # Fields with the document.
    _territory_document = ("res_model", "res_id")

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """See ``trade.territory.mixin``."""
        return self._get_document_domain(territory_ids, *self._territory_document)

    @api.model
    def _get_document_domain(self, territory_ids, model_field, id_field):
        """Whether a limited user may see the document that the two fields name.

        As a CASE of subqueries by primary key: nothing is read but the documents of the rows at
        hand.
        """
        domains = {
            name: self.env[name]._get_territory_domain(territory_ids, "read")
            for name in self._get_document_models()
        }

        # Kept in a cache beyond this environment: nothing here may hold on to `self`.
        def to_sql(model, alias, query):
            cases = []
            for name, domain in domains.items():
                documents = model.env[name].sudo().with_context(active_test=False)
                found = documents._search(domain)
                found.add_where(
                    "%s = %s",
                    [
                        SQL.identifier(documents._table, "id"),
                        SQL.identifier(alias, id_field),
                    ],
                )
                cases.append(SQL("WHEN %s THEN EXISTS (%s)", name, found.select(SQL("1"))))
            return SQL(
                "(COALESCE(%(id)s, 0) = 0 OR CASE %(model)s %(cases)s ELSE TRUE END)",
                id=SQL.identifier(alias, id_field),
                model=SQL.identifier(alias, model_field),
                cases=SQL(" ").join(cases),
            )

        def predicate(record):
            name, document_id = record[model_field], record[id_field]
            if not document_id or name not in domains:
                return True
            document = record.env[name].sudo().browse(document_id).exists()
            return bool(document.filtered_domain(domains[name]))

        return Domain.custom(to_sql=to_sql, predicate=predicate)

    @api.model
    def _get_document_models(self):
        """Names of the models in a territory that messages and meetings are about."""
        threads = self.env.registry["mail.thread"]
        return [
            name
            for name, model in sorted(self.env.registry.items())
            if issubclass(model, threads)
            # A meeting about a meeting would ask for itself.
            and name != self._name
            and hasattr(model, "_get_territory_domain")
            and model._auto
            and not model._abstract
        ]


# ----------------------------------------------------------------------
# Messages
# ----------------------------------------------------------------------


class MailFollowers(models.Model):
    """Tell who follows what, with their e-mail: of one's own customers and documents only."""

    _name = "mail.followers"
    _inherit = ["mail.followers", "trade.territory.document.mixin"]

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        partners = self.env["res.partner"]._get_territory_domain(territory_ids, "read")
        document = super()._get_territory_domain(territory_ids, operation)
        return Domain("partner_id", "=", self.env.user.partner_id.id) | (
            Domain("partner_id", "any", partners) & document
        )


class MailNotification(models.Model):
    """Tell who was sent what, with their e-mail: those of messages that the user may read."""

    _inherit = "mail.notification"

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """As Odoo does with messages: who wrote, got, or may read what they are about."""
        own = self.env.user.partner_id.ids
        mixin = self.env["trade.territory.document.mixin"]
        messages = (
            Domain("author_id", "in", own)
            | Domain("partner_ids", "in", own)
            | Domain("notified_partner_ids", "in", own)
            | mixin._get_document_domain(territory_ids, "model", "res_id")
        )
        return Domain("res_partner_id", "in", own) | Domain("mail_message_id", "any", messages)


class MailScheduledMessage(models.Model):
    """Odoo looks at the document in searches, but lets everybody read what has an id."""

    _name = "mail.scheduled.message"
    _inherit = ["mail.scheduled.message", "trade.territory.document.mixin"]

    _territory_document = ("model", "res_id")

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        own = Domain("create_uid", "=", self.env.uid)
        return own | super()._get_territory_domain(territory_ids, operation)


# ----------------------------------------------------------------------
# Meetings
# ----------------------------------------------------------------------


class CalendarEvent(models.Model):
    """Odoo shows every meeting to every colleague: here those with customers of others are not."""

    _name = "calendar.event"
    _inherit = ["calendar.event", "trade.territory.document.mixin"]

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Own meetings, and those with nobody and about nothing of another territory."""
        partners = self.env["res.partner"]._get_territory_domain(territory_ids, "read")
        leads = self.env["crm.lead"]._get_territory_domain(territory_ids, "read")
        own = Domain("user_id", "=", self.env.uid) | Domain(
            "partner_ids", "in", self.env.user.partner_id.ids
        )
        lead = Domain("opportunity_id", "=", False) | Domain("opportunity_id", "any", leads)
        nobody_else = Domain("partner_ids", "not any", ~partners)
        return own | (lead & nobody_else & super()._get_territory_domain(territory_ids, operation))


class CalendarAttendee(models.Model):
    _inherit = "calendar.attendee"

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        """Who takes part in a meeting that the user sees, unless it is a customer of others."""
        partners = self.env["res.partner"]._get_territory_domain(territory_ids, "read")
        events = self.env["calendar.event"]._get_territory_domain(territory_ids, "read")
        return Domain("partner_id", "any", partners) & Domain("event_id", "any", events)
