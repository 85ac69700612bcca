from odoo import SUPERUSER_ID, api

STEPS = {
    "quality": "goods",
    "delivery": "delivery",
    "packaging": "delivery",
    "price": "payment",
    "speed": "service",
    "solution": "service",
    "contact": "service",
}


def migrate(cr, version):
    """The causes that came with the addon belong to a step; what a person has said stays."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, step in STEPS.items():
        cause = env.ref(f"trade_crm_service.trade_survey_cause_{name}", raise_if_not_found=False)
        if cause and not cause.step:
            cause.step = step
