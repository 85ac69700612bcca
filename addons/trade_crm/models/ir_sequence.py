import re

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

# Followed by the id of the type: no type can be given the numbers of another one.
ORDER_TYPE_CODE = "trade.order.type."
# Part of a prefix that stands for a number, such as the year.
DYNAMIC = re.compile(r"%\(\w+\)s|\d+")


def get_stem(prefix):
    """What two prefixes have to differ in, so that no number can follow from both.

    Digits do not count, nor does what becomes digits.

    >>> get_stem("W%(year)s/") == get_stem("W2026/"), get_stem("W1") == get_stem("W")
    (True, True)
    >>> get_stem("W/") == get_stem("R/")
    False
    """
    return DYNAMIC.sub("0", prefix or "").rstrip("0")


class IrSequence(models.Model):
    _inherit = "ir.sequence"

    @api.constrains("code", "prefix", "company_id", "active")
    def _check_order_numbers(self):
        """No number of one order type, or of Odoo's, can come from another one's sequence."""
        ours = Domain("code", "=like", f"{ORDER_TYPE_CODE}%")
        if not any(
            sequence.code == "sale.order" or (sequence.code or "").startswith(ORDER_TYPE_CODE)
            for sequence in self
        ):
            return
        stems = {}
        others = self.sudo().search(ours | Domain("code", "=", "sale.order"), order="id")
        # Odoo's own number may be the same in several companies: that is not ours to refuse.
        for sequence in others:
            key = "sale.order" if sequence.code == "sale.order" else sequence.id
            other = stems.setdefault(get_stem(sequence.prefix), (key, sequence))
            if other[0] != key:
                raise ValidationError(
                    self.env._(
                        "Orders of “%(name)s” and of “%(other)s” could get the same number: let their "
                        "prefixes differ in more than digits.",
                        name=sequence.name,
                        other=other[1].name,
                    )
                )
