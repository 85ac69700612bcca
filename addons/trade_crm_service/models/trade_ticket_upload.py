from odoo import api, models

from ..analytics import uploads


class TradeTicketUpload(models.AbstractModel):
    """Files that customers send with a form."""

    _name = "trade.ticket.upload"
    _description = "Files of Customers"

    @api.model
    def _read(self, files):
        """Read and check files.

        :param files: list of werkzeug's ``FileStorage``
        :return: (list of (name, content), what is wrong in the visitor's language or None)
        """
        files = [one for one in files if one.filename]
        if len(files) > uploads.MAX_FILES:
            return [], self.env._(
                "Please send no more than %(count)s files.", count=uploads.MAX_FILES
            )
        read = []
        for one in files:
            # One byte more tells whether there is more; the rest is not read at all.
            content = one.stream.read(uploads.MAX_BYTES + 1)
            if wrong := self._find_fault(one.filename, content):
                return [], wrong
            read.append((one.filename, content))
        return read, None

    @api.model
    def _find_fault(self, name, content):
        if len(content) > uploads.MAX_BYTES:
            return self.env._(
                "%(name)s is too large: a file may have %(limit)s MB.",
                name=name,
                limit=uploads.MAX_MEGABYTES,
            )
        if not uploads.is_accepted(name, content):
            return self.env._(
                "%(name)s is of a type that we do not take. Please send a photo, a film, a PDF or an"
                " Office document.",
                name=name,
            )
        return None

    @api.model
    def _attach(self, ticket_sudo, files):
        ticket_sudo.env["ir.attachment"].create(
            [
                {
                    "name": name,
                    "raw": content,
                    "res_model": ticket_sudo._name,
                    "res_id": ticket_sudo.id,
                }
                for name, content in files
            ]
        )
