from odoo import api, models, tools
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import config

# Models of modules that Odoo installs by itself beside ours: their field with what decides.
BRIDGES = {
    "sale.order.coupon.points": "order_id",
    "snailmail.letter": "partner_id",
}


class IrRule(models.Model):
    """The rule of territories, for every model that has one.

    In code and not as records, so that a model is scoped by what it inherits and by nothing that
    somebody could forget, archive or make out of date.
    """

    _inherit = "ir.rule"

    @api.model
    @tools.conditional(
        "xml" not in config["dev_mode"],
        tools.ormcache(
            "self.env.uid",
            "self.env.su",
            "model_name",
            "mode",
            "tuple(self._compute_domain_context_values())",
            "self.env.su or self.env['trade.territory']._get_access_version()",
        ),
    )
    def _compute_domain(self, model_name, mode="read"):
        domain = super()._compute_domain(model_name, mode)
        scope = self._get_territory_scope(model_name, mode)
        return domain if scope.is_true() else (domain & scope).optimize(self.env[model_name])

    @api.model
    def _get_territory_scope(self, model_name, mode):
        """What the user may see of a model because of the territories."""
        if self.env.su:
            return Domain.TRUE
        territory_ids = self.env.user._get_territory_ids()
        if territory_ids is None:
            return Domain.TRUE
        model = self.env[model_name]
        if hasattr(model, "_get_territory_domain"):
            return model._get_territory_domain(territory_ids, mode)
        if path := BRIDGES.get(model_name):
            mixin = self.env["trade.territory.path.mixin"]
            return mixin._get_path_domain(model._fields[path], territory_ids, mode)
        # A dialog holds what its user works on; Odoo lets every colleague read most of them.
        return Domain("create_uid", "=", self.env.uid) if model._transient else Domain.TRUE

    def _make_access_error(self, operation, records):
        domain = self._get_territory_scope(records._name, operation)
        sudo_records = records.sudo().with_context(active_test=False)
        if domain.is_true() or sudo_records.filtered_domain(domain) == sudo_records:
            return super()._make_access_error(operation, records)
        records.invalidate_recordset()
        return AccessError(
            self.env._(
                "This belongs to another territory (%(model)s), and you are limited to yours. Ask "
                "your manager: a sales manager can move the customer or add you to its territory.",
                model=self.env["ir.model"]._get(records._name).name or records._name,
            )
        )
