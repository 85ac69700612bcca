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


class MailMessage(models.Model):
    """Odoo itself lets messages be read by who may read the document, or was notified."""

    _name = "mail.message"
    _inherit = ["mail.message", "trade.territory.document.mixin"]

    _territory_document = ("model", "res_id")

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        return Domain.TRUE

    @api.model
    def _get_notified_domain(self, territory_ids):
        """Messages that Odoo shows to a user who is limited to ``territory_ids``."""
        own = self.env.user.partner_id.ids
        return (
            Domain("author_id", "in", own)
            | Domain("partner_ids", "in", own)
            | Domain("notified_partner_ids", "in", own)
            | self._get_document_domain(territory_ids, *self._territory_document)
        )


class MailNotification(models.Model):
    """Tell who was sent what, with their e-mail: those of messages that the user may read."""

    _inherit = "mail.notification"

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        messages = self.env["mail.message"]._get_notified_domain(territory_ids)
        return Domain("res_partner_id", "=", self.env.user.partner_id.id) | Domain(
            "mail_message_id", "any", messages
        )


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
    _name = "calendar.attendee"
    _inherit = ["calendar.attendee", "trade.territory.path.mixin"]

    @api.model
    def _get_territory_domain(self, territory_ids, operation):
        # Colleagues take part in meetings, and change their answers.
        return super()._get_territory_domain(territory_ids, "read")
