from odoo import fields
from odoo.tools import SQL

from .territory_common import TerritoryCommon


class PipelineCommon(TerritoryCommon):
    """A pipeline of its own: every lead is one of ``campaign``.

    ::

        stage     position
        --------  ------------------------------
        Inquiry   0  (the stages that Odoo brings are far behind)
        Sample    1
        Offer     2
        Closed    won
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.campaign = cls.env["utm.campaign"].create({"name": "Spring Fair"})
        cls.fair, cls.web = cls.env["utm.source"].create([{"name": "Fair"}, {"name": "Web"}])
        cls.env["crm.stage"].search([]).sequence = 900
        cls.inquiry, cls.sample, cls.offer, cls.closed = cls.env["crm.stage"].create(
            [
                {"name": "Inquiry", "sequence": -40},
                {"name": "Sample", "sequence": -30},
                {"name": "Offer", "sequence": -20},
                {"name": "Closed", "sequence": -10, "is_won": True},
            ]
        )
        cls.too_dear, cls.no_need = cls.env["crm.lost.reason"].create(
            [{"name": "Too dear"}, {"name": "No need"}]
        )
        cls.env.flush_all()

    @classmethod
    def _make_leads(cls, count=1, **values):
        """Leads that are created now."""
        leads = cls.env["crm.lead"].create(
            [
                {
                    "name": f"Lead {number}",
                    "type": "opportunity",
                    "company_id": cls.company_cn.id,
                    "campaign_id": cls.campaign.id,
                    "stage_id": cls.inquiry.id,
                    "user_id": False,
                    "team_id": False,
                    "expected_revenue": 100.0,
                    **values,
                }
                for number in range(count)
            ]
        )
        cls._date_back(leads, fields.Datetime.now())
        return leads

    @classmethod
    def _date_back(cls, leads, moment):
        """The cursor of a test keeps the time at which it was opened."""
        leads.flush_recordset()
        cls.env.cr.execute(
            SQL("UPDATE crm_lead SET create_date = %s WHERE id = ANY(%s)", moment, leads.ids)
        )
        leads.invalidate_recordset(["create_date"])

    def _get_stays(self, lead):
        lead.env.invalidate_all()
        return [
            (stay.stage_id, str(stay.entered_at)[:10], stay.left_at and str(stay.left_at)[:10])
            for stay in lead.trade_stay_ids.sorted("number")
        ]

    def _at(self, day):
        self.clock.move_to(f"{day} 04:00:00")

    def _lose(self, lead, reason=None):
        lead.action_set_lost(lost_reason_id=reason.id if reason else False)

    def _get_funnel(self, user=None, **filters):
        pipeline = self._as(user or self.user_auditor, self.env["trade.pipeline"])
        return pipeline.get_funnel(**{"campaign": self.campaign.id, **filters})

    def _open(self, part, *args, user=None, **filters):
        """The leads that a number of the funnel opens."""
        pipeline = self._as(user or self.user_auditor, self.env["trade.pipeline"])
        action = pipeline.action_view_leads(part, *args, campaign=self.campaign.id, **filters)
        leads = pipeline.env["crm.lead"].with_context(**action["context"])
        return leads.search(action["domain"]).with_env(self.env)

    def _get_step(self, funnel, stage):
        return next(step for step in funnel["steps"] if step["stage_id"] == stage.id)
