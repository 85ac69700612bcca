from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# Each turn gives a coupon to somebody or is the last one; real groups need two or three.
MOST_TURNS = 50


class LoyaltyCard(models.Model):
    _inherit = "loyalty.card"

    trade_member_ids = fields.One2many(
        "trade.campaign.member", "coupon_id", "Handed out by", groups="trade_crm.group_user"
    )


class UtmCampaign(models.Model):
    """Coupons of a campaign: a code for each customer, once, and never more than the budget."""

    _inherit = "utm.campaign"

    trade_coupon_count = fields.Integer("Coupons", compute="_compute_trade_coupon_count")
    trade_coupon_waiting = fields.Boolean(
        "Waits for money for coupons", compute="_compute_trade_coupon_waiting"
    )

    @api.depends_context("uid")
    def _compute_trade_coupon_count(self):
        members = self.env["trade.campaign.member"]
        counts = {}
        if members.has_access("read"):
            domain = [("campaign_id", "in", self.ids), ("coupon_id", "!=", False)]
            counts = dict(members._read_group(domain, ["campaign_id"], ["__count"]))
        for campaign in self:
            campaign.trade_coupon_count = counts.get(campaign._origin, 0)

    def _compute_trade_coupon_waiting(self):
        """Whether members have no coupon because the money was used up."""
        waiting = (
            self.env["trade.campaign.member"]
            .sudo()
            ._read_group(
                [("campaign_id", "in", self.ids), ("coupon_state", "=", "budget")], ["campaign_id"]
            )
        )
        found = {campaign.id for [campaign] in waiting}
        for campaign in self:
            campaign.trade_coupon_waiting = campaign._origin.id in found

    def action_trade_hand_out(self):
        """Give coupons to those whom the budget did not reach, and tell them.

        :raise UserError: when it does not reach anybody now
        """
        self.ensure_one()
        self.check_access("write")
        self._move(("running",), {})
        if not self._hand_out_coupons():
            raise UserError(
                self.env._(
                    "Nobody more can have a coupon of “%s”: a manager has to raise what is set aside for coupons.",
                    self.title,
                )
            )
        self._enqueue_messages()

    def _hand_out_coupons(self):
        """Give the members that have none yet the coupon of their variant.

        A branch and its head office, and customers with one phone number, count as one. The budget
        holds however many do this at once: all write the campaign first, so that the second starts
        again and sees what the first has given.

        :return: number of coupons
        """
        self.ensure_one()
        if not self.sudo().trade_variant_ids.program_id:
            return 0
        self._lock_campaigns()
        self.env.flush_all()
        self._prepare_coupon_lines()
        for _turn in range(MOST_TURNS):
            if not self._choose_coupon_lines():
                break
        given = self._make_coupons()
        self._explain_coupons()
        for name in ("trade.campaign.member", "loyalty.card", "loyalty.history"):
            self.env[name].invalidate_model()
        return given

    def _prepare_coupon_lines(self):
        """Write the members whose variant has a coupon into a table of this transaction.

        ::

            member_id, partner_id, program_id, cost
            root_id      the head office of the customer, or the customer
            phone        digits of its number
            given        whether it has a coupon, from before or from now
            card_id      the card that it gets now
        """
        self.env["trade.customer.profile"]._create_temporary_table(
            SQL("trade_coupon_line"),
            SQL(
                """
                WITH RECURSIVE line AS MATERIALIZED (
                    SELECT member.id AS member_id, member.partner_id, variant.program_id,
                           variant.coupon_value AS cost,
                           member.coupon_state IS NOT DISTINCT FROM 'given' AS given
                      FROM trade_campaign_member member
                      JOIN trade_campaign_variant variant ON variant.id = member.variant_id
                     WHERE member.campaign_id = %s AND variant.program_id IS NOT NULL
                ), above AS (
                    SELECT customer.id, customer.id AS root_id, customer.parent_id
                      FROM res_partner customer
                     WHERE customer.parent_id IS NOT NULL
                       AND customer.id IN (SELECT partner_id FROM line)
                     UNION
                    SELECT above.id, parent.id, parent.parent_id
                      FROM above
                      JOIN res_partner parent ON parent.id = above.parent_id
                )
                SELECT line.*, COALESCE(above.root_id, line.partner_id) AS root_id,
                       NULLIF(ltrim(regexp_replace(
                           COALESCE(customer.phone_sanitized, customer.phone, ''), '[^0-9]', '', 'g'), '0'), ''
                       ) AS phone,
                       NULL::int AS card_id
                  FROM line
                  JOIN res_partner customer ON customer.id = line.partner_id
                  LEFT JOIN above ON above.id = line.partner_id AND above.parent_id IS NULL
                """,
                self.id,
            ),
        )

    def _choose_coupon_lines(self):
        """Choose the first of every group of customers that has no coupon, as far as the money goes.

        One that is the first of its business but not of its phone number has to wait: the next turn
        looks whether somebody else of the business can have it.

        :return: how many
        """
        self.env.cr.execute(
            SQL(
                """
                WITH waiting AS (
                    SELECT member_id, cost,
                           row_number() OVER (PARTITION BY root_id ORDER BY member_id) AS of_root,
                           row_number() OVER (
                               PARTITION BY COALESCE(phone, '-' || member_id) ORDER BY member_id
                           ) AS of_phone
                      FROM trade_coupon_line line
                     WHERE NOT given
                       AND NOT EXISTS (SELECT FROM trade_coupon_line other
                                        WHERE other.given AND other.root_id = line.root_id)
                       AND NOT EXISTS (SELECT FROM trade_coupon_line other
                                        WHERE other.given AND other.phone = line.phone)
                ), chosen AS (
                    SELECT member_id, sum(cost) OVER (ORDER BY member_id) AS amount
                      FROM waiting
                     WHERE of_root = 1 AND of_phone = 1
                )
                UPDATE trade_coupon_line line
                   SET given = TRUE, card_id = nextval('loyalty_card_id_seq')
                  FROM chosen
                 WHERE line.member_id = chosen.member_id
                   AND chosen.amount <= %s
                           - (SELECT COALESCE(sum(cost), 0) FROM trade_coupon_line WHERE given)
                """,
                self.sudo().trade_coupon_budget,
            )
        )
        return self.env.cr.rowcount

    def _make_coupons(self):
        """Make the cards of the lines that were chosen.

        :return: how many
        """
        by = {"uid": self.env.uid, "now": fields.Datetime.now()}
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_card (id, program_id, company_id, partner_id, points, code,
                                          expiration_date, active,
                                          create_uid, write_uid, create_date, write_date)
                SELECT line.card_id, line.program_id, program.company_id, line.partner_id, 1,
                       '044' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16),
                       %(until)s::date, TRUE, %(uid)s, %(uid)s, %(now)s, %(now)s
                  FROM trade_coupon_line line
                  JOIN loyalty_program program ON program.id = line.program_id
                 WHERE line.card_id IS NOT NULL
                """,
                until=self._get_coupon_end(),
                **by,
            )
        )
        given = self.env.cr.rowcount
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO loyalty_history (card_id, issued, used, description,
                                             create_uid, write_uid, create_date, write_date)
                SELECT card_id, 1, 0, %(title)s, %(uid)s, %(uid)s, %(now)s, %(now)s
                  FROM trade_coupon_line
                 WHERE card_id IS NOT NULL
                """,
                title=self.title,
                **by,
            )
        )
        return given

    def _explain_coupons(self):
        """Say of everybody without a coupon why: another one of them has it, or the money is used up."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE trade_campaign_member member
                   SET coupon_id = COALESCE(line.card_id, member.coupon_id),
                       coupon_state = CASE
                           WHEN line.given THEN 'given'
                           WHEN EXISTS (SELECT FROM trade_coupon_line other
                                         WHERE other.given AND other.root_id = line.root_id)
                             OR EXISTS (SELECT FROM trade_coupon_line other
                                         WHERE other.given AND other.phone = line.phone)
                           THEN 'same' ELSE 'budget' END
                  FROM trade_coupon_line line
                 WHERE member.id = line.member_id
                   AND (line.card_id IS NOT NULL OR NOT line.given)
                """
            )
        )

    def _get_coupon_end(self):
        """The last day of the coupons, on the calendar of the company; ``None`` without an end."""
        if not self.trade_end:
            return None
        company_sudo = self.sudo().trade_company_id
        local = fields.Datetime.context_timestamp(
            self.with_context(tz=company_sudo.trade_tz), self.trade_end
        )
        return local.date()

    def action_trade_view_coupons(self):
        """Open the coupons that were handed out."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("loyalty.loyalty_card_action")
        domain = [("trade_member_ids.campaign_id", "=", self.id)]
        return {**action, "domain": domain, "context": {"create": False}}
