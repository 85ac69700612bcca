from odoo import fields, models
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

    def _compute_trade_coupon_count(self):
        counts = dict(
            self.env["trade.campaign.member"]._read_group(
                [("campaign_id", "in", self.ids), ("coupon_id", "!=", False)],
                ["campaign_id"],
                ["__count"],
            )
        )
        for campaign in self:
            campaign.trade_coupon_count = counts.get(campaign._origin, 0)

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
        given = 0
        for _turn in range(MOST_TURNS):
            turn = self._hand_out_turn()
            given += turn
            if not turn:
                break
        self._explain_coupons()
        self.env["trade.campaign.member"].invalidate_model()
        self.env["loyalty.card"].invalidate_model()
        self.env["loyalty.history"].invalidate_model()
        return given

    def _hand_out_turn(self):
        """Give a coupon to the first of every group of customers that has none, as far as the money goes."""
        self.env.cr.execute(
            SQL(
                """
                WITH %(known)s, spent AS (
                    SELECT COALESCE(sum(variant.coupon_value), 0) AS amount
                      FROM trade_campaign_member member
                      JOIN trade_campaign_variant variant ON variant.id = member.variant_id
                     WHERE member.campaign_id = %(campaign)s AND member.coupon_state = 'given'
                ), waiting AS (
                    SELECT member_id, root_id, phone, given,
                           row_number() OVER (PARTITION BY root_id ORDER BY member_id) AS of_root,
                           row_number() OVER (
                               PARTITION BY COALESCE(phone, member_id::text) ORDER BY member_id
                           ) AS of_phone
                      FROM known
                     WHERE NOT given
                       AND NOT EXISTS (SELECT FROM known other WHERE other.given AND other.root_id = known.root_id)
                       AND NOT EXISTS (SELECT FROM known other WHERE other.given AND other.phone = known.phone)
                ), chosen AS (
                    SELECT member.id, member.partner_id, variant.program_id,
                           sum(variant.coupon_value) OVER (ORDER BY member.id) AS amount,
                           '044' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16) AS code
                      FROM waiting
                      JOIN trade_campaign_member member ON member.id = waiting.member_id
                      JOIN trade_campaign_variant variant ON variant.id = member.variant_id
                     WHERE waiting.of_root = 1 AND waiting.of_phone = 1
                ), card AS (
                    INSERT INTO loyalty_card (program_id, company_id, partner_id, points, code,
                                              expiration_date, active,
                                              create_uid, write_uid, create_date, write_date)
                    SELECT chosen.program_id, program.company_id, chosen.partner_id, 1, chosen.code,
                           %(until)s, TRUE, %(uid)s, %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                      FROM chosen
                      JOIN loyalty_program program ON program.id = chosen.program_id
                     WHERE chosen.amount <= %(budget)s - (SELECT amount FROM spent)
                    RETURNING id, code
                ), history AS (
                    INSERT INTO loyalty_history (card_id, issued, used, description,
                                                 create_uid, write_uid, create_date, write_date)
                    SELECT card.id, 1, 0, %(title)s,
                           %(uid)s, %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                      FROM card
                )
                UPDATE trade_campaign_member member
                   SET coupon_id = card.id, coupon_state = 'given'
                  FROM chosen
                  JOIN card USING (code)
                 WHERE member.id = chosen.id
                """,
                known=self._get_known_sql(),
                campaign=self.id,
                until=self._get_coupon_end(),
                uid=self.env.uid,
                budget=self.sudo().trade_coupon_budget,
                title=self.title,
            )
        )
        return self.env.cr.rowcount

    def _get_known_sql(self):
        """Members whose variant has a coupon, with what they may have in common with another.

        :return: ``SQL`` of common tables; of each member in ``known`` member_id, root_id (head office), phone, given
        """
        return SQL(
            """
            RECURSIVE above AS (
                SELECT member.id AS member_id, customer.id AS partner_id, customer.parent_id
                  FROM trade_campaign_member member
                  JOIN trade_campaign_variant variant ON variant.id = member.variant_id
                  JOIN res_partner customer ON customer.id = member.partner_id
                 WHERE member.campaign_id = %(campaign)s AND variant.program_id IS NOT NULL
                 UNION
                SELECT above.member_id, parent.id, parent.parent_id
                  FROM above
                  JOIN res_partner parent ON parent.id = above.parent_id
            ), known AS MATERIALIZED (
                SELECT member.id AS member_id,
                       above.partner_id AS root_id,
                       NULLIF(ltrim(regexp_replace(
                           COALESCE(customer.phone_sanitized, customer.phone, ''), '[^0-9]', '', 'g'), '0'), ''
                       ) AS phone,
                       member.coupon_state IS NOT DISTINCT FROM 'given' AS given
                  FROM above
                  JOIN trade_campaign_member member ON member.id = above.member_id
                  JOIN res_partner customer ON customer.id = member.partner_id
                 WHERE above.parent_id IS NULL
            )""",
            campaign=self.id,
        )

    def _explain_coupons(self):
        """Say of everybody without a coupon why: another one of them has it, or the money is used up."""
        self.env.cr.execute(
            SQL(
                """
                WITH %(known)s
                UPDATE trade_campaign_member member
                   SET coupon_state = CASE
                           WHEN EXISTS (SELECT FROM known other WHERE other.given AND other.root_id = known.root_id)
                             OR EXISTS (SELECT FROM known other WHERE other.given AND other.phone = known.phone)
                           THEN 'same' ELSE 'budget' END
                  FROM known
                 WHERE member.id = known.member_id AND NOT known.given
                """,
                known=self._get_known_sql(),
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
