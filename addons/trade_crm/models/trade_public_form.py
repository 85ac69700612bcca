import secrets
from datetime import timedelta

from odoo import fields, models
from odoo.tools.misc import hash_sign, verify_hash_signed


class TradePublicForm(models.AbstractModel):
    """Has a web form for anonymous visitors, which is signed and counted; see ``trade.lead.inquiry``."""

    _name = "trade.public.form"
    _description = "Has a Public Web Form"

    # What signatures are for, and how the form is called among the counted ones.
    _form_scope = None
    _form_key = None

    def _sign_form(self, seconds_ago=0):
        """What a form is sent with: nobody can make up one, and each is accepted once."""
        moment = fields.Datetime.now() - timedelta(seconds=seconds_ago)
        values = [self.id, secrets.token_urlsafe(12), moment.timestamp()]
        return hash_sign(self.env, self._form_scope, values)

    def _read_signature(self, signature):
        """``(nonce, seconds since the form was shown)``, or nothing if it is not of this form."""
        try:
            values = verify_hash_signed(self.env, self._form_scope, signature or "")
        except (ValueError, UnicodeError):
            return None
        if not values or values[0] != self.id:
            return None
        return values[1], fields.Datetime.now().timestamp() - values[2]

    def _get_form_limit(self):
        """How many are accepted an hour; 0 sets no limit."""
        return 0
