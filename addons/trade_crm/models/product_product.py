from odoo import models
from odoo.tools import SQL


class ProductProduct(models.Model):
    _inherit = "product.product"

    def unlink(self):
        """What was sold of the products stays sold, without a product."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT partner_id, company_id FROM trade_sales_fact"
                " WHERE product_id = ANY(%s)",
                self.ids,
            )
        )
        result = super().unlink()
        queue = self.env["trade.customer.profile"].sudo()
        for partner, company in rows:
            queue._queue([partner], [company], "order")
        return result
