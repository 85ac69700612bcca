from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .trade_message import CHANNELS

# What each channel needs to have something to say.
CONTENT = {"mail": "mailing_id", "sms": "mailing_id", "provider": "body", "call": "body"}


class TradeCampaignVariant(models.Model):
    """What a part of the audience gets; with several the campaign is an experiment."""

    _name = "trade.campaign.variant"
    _description = "Variant of a Campaign"
    _order = "campaign_id, sequence, id"

    campaign_id = fields.Many2one("utm.campaign", required=True, index=True, ondelete="cascade")
    name = fields.Char(required=True, default="A")
    sequence = fields.Integer(default=10)
    weight = fields.Integer(
        "Share", required=True, default=1, help="2 gets twice as many customers as 1."
    )
    channel = fields.Selection(CHANNELS, required=True, default="mail")
    mailing_id = fields.Many2one(
        "mailing.mailing",
        "Content",
        index="btree_not_null",
        ondelete="restrict",
        help="The e-mail or SMS. Its own recipients do not count: the campaign says who gets it.",
    )
    body = fields.Text("Text", help="What the provider sends, or what is said on the phone.")
    send_at = fields.Datetime("Not before", help="Empty: when the campaign starts.")
    program_id = fields.Many2one(
        "loyalty.program",
        "Coupon",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('program_type', '=', 'coupons'), ('company_id', 'in', [False, company_id])]",
        help="Every customer of the variant gets a coupon of this program with a code of its own.",
    )
    coupon_value = fields.Monetary(
        "Cost of a coupon", help="What a coupon costs when it is used. Counts against the budget."
    )
    company_id = fields.Many2one(related="campaign_id.trade_company_id")
    currency_id = fields.Many2one(related="campaign_id.trade_currency_id")
    trade_state = fields.Selection(related="campaign_id.trade_state")
    member_count = fields.Integer("Customers", compute="_compute_member_count")

    _name_unique = models.UniqueIndex(
        "(campaign_id, name)", "Two variants of a campaign have the same name."
    )
    _weight_positive = models.Constraint(
        "CHECK (weight > 0)", "The share of a variant is 1 or more."
    )
    _coupon_value_positive = models.Constraint(
        "CHECK (coupon_value >= 0)", "A coupon cannot cost less than nothing."
    )

    @api.depends_context("uid")
    def _compute_member_count(self):
        counts = dict(
            self.env["trade.campaign.member"]._read_group(
                [("variant_id", "in", self.ids)], ["variant_id"], ["__count"]
            )
        )
        for variant in self:
            variant.member_count = counts.get(variant._origin, 0)

    @api.constrains("program_id", "campaign_id")
    def _check_program(self):
        for variant in self.filtered("program_id"):
            program_sudo = variant.program_id.sudo()
            if program_sudo.program_type != "coupons":
                raise ValidationError(
                    self.env._(
                        "“%s” is no program with coupons: choose one of the type Coupons.",
                        program_sudo.name,
                    )
                )
            if program_sudo.company_id not in (
                variant.company_id,
                program_sudo.company_id.browse(),
            ):
                raise ValidationError(
                    self.env._(
                        "“%(program)s” is of another company than the campaign “%(campaign)s”.",
                        program=program_sudo.name,
                        campaign=variant.campaign_id.title,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        campaigns = self.env["utm.campaign"].browse(
            [vals["campaign_id"] for vals in vals_list if vals.get("campaign_id")]
        )
        campaigns._begin_plan_change()
        return super().create(vals_list)

    def write(self, vals):
        if vals.keys() - {"sequence"}:
            target = self.env["utm.campaign"].browse(vals.get("campaign_id") or [])
            (self.campaign_id | target)._begin_plan_change()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_planned(self):
        self.campaign_id._begin_plan_change()

    def _get_gap(self):
        """What is missing before the variant can be sent, as a sentence, or None."""
        self.ensure_one()
        names = {"variant": self.name, "campaign": self.campaign_id.title}
        needed = CONTENT.get(self.channel)
        if needed == "mailing_id" and self.mailing_id.sudo().mailing_type != self.channel:
            return self.env._(
                "Variant %(variant)s: choose an e-mail or SMS as its content.", **names
            )
        if needed == "body" and not (self.body or "").strip():
            return self.env._("Variant %(variant)s: write the text that customers get.", **names)
        if self.channel == "coupon" and not self.program_id:
            return self.env._("Variant %(variant)s: choose the coupon.", **names)
        if self.program_id and not self.program_id.sudo().active:
            return self.env._("Variant %(variant)s: its coupon is archived.", **names)
        if self.program_id and not self.coupon_value:
            return self.env._("Variant %(variant)s: say what a coupon costs.", **names)
        return None

    def action_view_members(self):
        """Open the customers of the variant."""
        self.ensure_one()
        if not self.id:
            raise UserError(self.env._("Save the campaign first."))
        return self.campaign_id._get_member_action([("variant_id", "=", self.id)], self.name)
