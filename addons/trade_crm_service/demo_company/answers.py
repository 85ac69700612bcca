"""What customers of the demo company answered: late deliveries cost points, people win them."""

from datetime import timedelta

from odoo import fields
from odoo.fields import Command

from ..analytics.satisfaction import classify

RELATIONSHIP, DAYS, RESPONSE = 160, 300, 0.55
CAUSES = ("quality", "delivery", "packaging", "price", "speed", "solution", "contact")
# By what is answered about: weights of the causes, in their order, and of the scores 0 to 10.
MOODS = {
    "delay": ((1, 8, 1, 1, 2, 1, 1), (3, 1, 2, 3, 3, 4, 4, 3, 3, 2, 1)),
    "quality": ((8, 1, 3, 1, 1, 2, 1), (1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 3)),
    None: ((3, 2, 1, 3, 3, 3, 5), (0, 0, 0, 1, 1, 2, 3, 6, 9, 12, 10)),
}
COMMENTS = {
    "low": ("送货太晚，影响营业", "Two cartons were crushed", "没人回电话"),
    "high": ("客服很快解决了问题", "Always friendly and fast", ""),
}
SUGGESTIONS = ("Smaller packages", "Delivery before 10 a.m.")


def load_answers(demo):
    env = demo.env
    after_ticket = env.ref("trade_crm_service.trade_survey_ticket")
    schedule = env.ref("trade_crm_service.trade_survey_relationship")
    (after_ticket | schedule).company_id = env.company
    after_ticket.active = True
    tickets = env["helpdesk.ticket"].search([("trade_ended_at", "!=", False)])
    rows = [
        _prepare_answer(demo, after_ticket, ticket.partner_id, ticket.trade_ended_at, ticket)
        for ticket in tickets
    ]
    now = fields.Datetime.now()
    rows += [
        _prepare_answer(
            demo,
            schedule,
            demo.random.choice(demo.partners),
            now - timedelta(days=demo.random.uniform(1, DAYS)),
        )
        for _number in range(RELATIONSHIP)
    ]
    env["trade.survey.invitation"].sudo().create(rows)
    _load_suggestions(demo)


def _load_suggestions(demo):
    env = demo.env
    suggestions = env["trade.suggestion"].create(
        [
            {"name": name, "company_id": env.company.id, "user_id": demo.users["service"].id}
            for name in SUGGESTIONS
        ]
    )
    env["helpdesk.ticket"].create(
        [
            {
                "name": suggestion.name,
                "description": suggestion.name,
                "partner_id": partner.id,
                "company_id": env.company.id,
                "trade_type_id": env.ref("trade_crm_service.trade_ticket_type_suggestion").id,
                "trade_suggestion_id": suggestion.id,
                "user_id": False,
            }
            for suggestion in suggestions
            for partner in demo.random.sample(list(demo.partners), 3)
        ]
    )


def _prepare_answer(demo, survey, partner, moment, ticket=None):
    values = survey.sudo()._prepare_invitation(partner, ticket, channel="qr")
    values |= {"channel": "email", "sent_at": moment, "expires_at": moment + timedelta(days=14)}
    if demo.random.random() > RESPONSE:
        return values
    kind = ticket and ticket.trade_type_id.get_external_id().get(ticket.trade_type_id.id, "")
    mood = kind and kind.removeprefix("trade_crm_service.trade_ticket_type_")
    causes, scores = MOODS.get(mood, MOODS[None])
    score = demo.random.choices(range(11), scores)[0]
    cause = demo.random.choices(CAUSES, causes)[0]
    comments = COMMENTS["high" if score >= 7 else "low"]
    answered = moment + timedelta(hours=demo.random.uniform(1, 30))
    return values | {
        "nps": str(score),
        "nps_group": classify(score),
        "csat": str(max(1, min(5, round(score / 2)))),
        "cause_ids": [
            Command.set(demo.env.ref(f"trade_crm_service.trade_survey_cause_{cause}").ids)
        ],
        "comment": demo.random.choice(comments) or False,
        "answered_at": min(answered, fields.Datetime.now()),
        "details_at": min(answered, fields.Datetime.now()),
    }
