from odoo import api, models


class IrUiMenu(models.Model):
    """Menus of credit are there once a company checks credit."""

    _inherit = "ir.ui.menu"

    @api.model
    def _load_menus_blacklist(self):
        hidden = super()._load_menus_blacklist()
        if any(self.env.user.sudo().company_ids.mapped("trade_credit_control")):
            return hidden
        names = (
            "menu_sales_credit",
            "menu_sales_credit_requests",
            "menu_sales_promises",
            "menu_sales_reminders",
            "menu_insight_receivables",
        )
        menus = [self.env.ref(f"trade_crm.{name}", raise_if_not_found=False) for name in names]
        return [*hidden, *(menu.id for menu in menus if menu)]
