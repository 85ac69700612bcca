from odoo import api, models

from .client_call import get_client_call

# Which of the methods below serves a client's call. "json" is a page of /json/1.
SERVED_BY = {
    "read": {"read"},
    "search_read": {"search_read"},
    "web_read": {
        "json",
        "web_name_search",
        "web_read",
        "web_read_group",
        "web_save",
        "web_save_multi",
    },
    "web_search_read": {"json", "web_search_read"},
}
# These return lists, however few records there are.
LIST_METHODS = {"search_read", "web_name_search", "web_read_group", "web_search_read"}
# What Odoo shows of any linked record is not worth a row.
NAME_FIELDS = {"id", "display_name"}
# Only the outermost read of a call is logged: reading a form reads its contacts by the same methods.
SEEN_KEY = "trade_crm.access_log_seen"


class ResPartner(models.Model):
    _inherit = "res.partner"

    def read(self, fields=None, load="_classic_read"):
        method = self._take_client_read("read")
        values = super().read(fields, load)
        self._log_client_read(method, values, fields)
        return values

    @api.model
    def search_read(
        self, domain=None, fields=None, offset=0, limit=None, order=None, **read_kwargs
    ):
        method = self._take_client_read("search_read")
        values = super().search_read(domain, fields, offset, limit, order, **read_kwargs)
        self._log_client_read(method, values, fields, domain)
        return values

    def web_read(self, specification):
        method = self._take_client_read("web_read")
        values = super().web_read(specification)
        self._log_client_read(method, values, specification or NAME_FIELDS)
        return values

    @api.model
    def web_search_read(
        self, domain, specification, offset=0, limit=None, order=None, count_limit=None
    ):
        method = self._take_client_read("web_search_read")
        values = super().web_search_read(domain, specification, offset, limit, order, count_limit)
        self._log_client_read(method, values["records"], specification or NAME_FIELDS, domain)
        return values

    @api.model
    def _take_client_read(self, served_by):
        """The method that a client has called, when ``served_by`` is the first to answer it.

        The mark is kept with the hooks of the transaction, which a retry begins anew.
        """
        if self.env.su:
            return None
        model, method = get_client_call() or (None, None)
        seen = self.env.cr.postcommit.data
        if model != self._name or method not in SERVED_BY[served_by] or SEEN_KEY in seen:
            return None
        seen[SEEN_KEY] = True
        return method

    @api.model
    def _log_client_read(self, method, values, field_names, domain=None):
        """Note what a client has read: an opening of one customer, or one row for a list.

        :param method: see :meth:`_take_client_read`, None when there is nothing to note
        :param values: list of dicts, what the client gets
        :param field_names: fields read, empty for all
        :param domain: filter of a list
        """
        if not method or not values or not self.env.user._is_internal():
            return
        if field_names and NAME_FIELDS.issuperset(field_names):
            return
        is_list = method in LIST_METHODS or len(values) > 1
        self.env["trade.access.log"]._log(
            "list" if is_list else "open",
            self._name,
            record_count=len(values),
            partner_id=values[0]["id"] if len(values) == 1 else None,
            description=str(list(domain)) if domain else None,
        )

    # ------------------------------------------------------------------
    # Exports
    # ------------------------------------------------------------------

    @api.model
    def _get_export_partner_field(self):
        return "id"

    def _get_vcard_file(self):
        """A vCard is an export by another name; its download asks for no reason."""
        if self.env.su:
            return super()._get_vcard_file()
        reason = self._check_customer_export()
        content = super()._get_vcard_file()
        self._log_customer_export({"id"}, ["vCard"], reason)
        return content

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def action_view_trade_access_log(self):
        """Who has opened, exported or revealed this customer and its contacts."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id("trade_crm.trade_access_log_action")
        return action | {
            "domain": [("partner_id", "child_of", self.commercial_partner_id.id)],
            "context": {},
        }
