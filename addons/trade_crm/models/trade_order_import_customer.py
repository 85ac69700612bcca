from odoo import api, fields, models


class TradeOrderImportCustomer(models.Model):
    """A customer as a file names it, and the customer that it is.

    A person may decide who it is. That decision is kept when the file is checked again.
    """

    _name = "trade.order.import.customer"
    _description = "Customer of a Purchase Import"
    _rec_name = "value"
    _order = "state, value"
    _check_company_auto = True
    _log_access = False

    import_id = fields.Many2one(
        "trade.order.import", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="import_id.company_id")
    key = fields.Char(required=True, readonly=True, help="Rows of the file refer to it by this.")
    kind = fields.Selection(
        [
            ("id", "Database ID"),
            ("xmlid", "External ID"),
            ("ref", "Reference"),
            ("vat", "Tax number"),
            ("email", "Email"),
            ("phone", "Phone"),
            ("name", "Name"),
        ],
        "Looked up by",
        required=True,
        readonly=True,
    )
    value = fields.Char("In the file", required=True, readonly=True)
    name = fields.Char("Name in the file", readonly=True)
    ref = fields.Char("Reference", readonly=True)
    vat = fields.Char("Tax number", readonly=True)
    email = fields.Char(readonly=True)
    phone = fields.Char(readonly=True)
    partner_id = fields.Many2one(
        "res.partner", "Customer", index="btree_not_null", ondelete="set null", check_company=True
    )
    candidates = fields.Char("What was found", readonly=True)
    state = fields.Selection(
        [
            ("ambiguous", "Several found"),
            ("missing", "Not found"),
            ("refused", "Could not be created"),
            ("found", "Found"),
            ("chosen", "Chosen by hand"),
            ("created", "Created"),
        ],
        required=True,
        default="missing",
        readonly=True,
    )
    is_needed = fields.Boolean(readonly=True, help="A good purchase waits for this customer.")

    _key_unique = models.Constraint("UNIQUE (import_id, key)", "A file names a customer once.")

    @api.model
    def _get_created_values(self):
        """Values of the customer that is created for each of these.

        :return: list of dicts
        """
        return [
            {
                "name": customer.name or customer.value,
                "ref": customer.ref,
                "vat": customer.vat,
                "email": customer.email,
                "phone": customer.phone,
                "customer_rank": 1,
            }
            for customer in self
        ]

    def write(self, vals):
        if "partner_id" in vals and "state" not in vals:
            self.import_id._check_editable()
            self.import_id._reset_check()
            vals = {**vals, "state": "chosen" if vals["partner_id"] else "missing"}
        return super().write(vals)
