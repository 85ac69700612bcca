"""What salespeople of the demo company did on the road."""

from datetime import timedelta

from odoo.fields import Command

DAYS = 60
VISITS_OF_A_REP = 18
COMPETITORS = ("龙腾食品", "Harbour Foods", "江南粮油")
TALKS = (
    ("care", "老板说最近生意不错，周末客人多。", "下周送新品试吃"),
    ("order", "下单前想看看新的火锅底料。", "寄火锅底料样品"),
    ("shelf", "Our noodles stand in the second row; the owner wants a display.", "Bring a display"),
    ("product", "Tried the new tea and liked it; the price has to come down a little.", False),
    ("payment", "上月的货款已安排，周五付款。", False),
    (
        "complaint",
        "Two cartons arrived wet. Driver noted it; a credit note was promised.",
        "Ask the warehouse",
    ),
)
WISHES = ("希望有小包装的调和油", "Gluten-free noodles", "想要低钠酱油")


def load_visits(demo):
    """Two months of visits with what was noted on them, and the plan of today and tomorrow."""
    env = demo.env
    competitors = env["trade.competitor"].create([{"name": name} for name in COMPETITORS])
    env.company.trade_market_manager_id = demo.users["marketer"]
    for rep in demo.reps:
        customers = [partner for partner in demo.partners if partner.user_id == rep]
        for number, customer in enumerate(demo.random.sample(customers, VISITS_OF_A_REP)):
            _visit(demo, rep, customer, number, competitors)
        for number, customer in enumerate(demo.random.sample(customers, 4)):
            env["trade.visit"].create(
                {
                    "partner_id": customer.id,
                    "user_id": rep.id,
                    "day": demo.today + timedelta(days=number // 3),
                    "sequence": number,
                    "purpose": demo.random.choice(TALKS)[0],
                }
            )


def _visit(demo, rep, customer, number, competitors):
    rng = demo.random
    purpose, report, step = rng.choice(TALKS)
    day = demo.today - timedelta(days=1 + number * DAYS // VISITS_OF_A_REP)
    begin = demo.to_utc(day, rng.randrange(9, 17))
    visit = demo.env["trade.visit"].create(
        {
            "partner_id": customer.id,
            "user_id": rep.id,
            "day": day,
            "purpose": purpose,
            "state": "done",
            "started_at": begin,
            "ended_at": begin + timedelta(minutes=rng.randrange(10, 55)),
            "location_state": rng.choices(["located", "denied"], [9, 1])[0],
            "latitude": 30.2 + rng.random() / 5,
            "longitude": 120.1 + rng.random() / 5,
            "accuracy": rng.randrange(5, 40),
            "report": report,
            "next_step": step,
            "market_note_ids": [
                Command.create(vals) for vals in _prepare_notes(demo, purpose, competitors)
            ],
        }
    )
    visit._tell_of_visits()


def _prepare_notes(demo, purpose, competitors):
    rng = demo.random
    if purpose not in ("shelf", "product"):
        return []
    product = rng.choice(demo.products)
    price = round(product.lst_price * rng.uniform(0.85, 1.15), 1)
    notes = [
        {
            "kind": "competitor",
            "product_id": product.id,
            "competitor_id": rng.choice(competitors).id,
            "price": price,
        },
        {"kind": "wish", "text": rng.choice(WISHES), "categ_id": product.categ_id.id},
    ]
    if purpose == "shelf":
        total = rng.randrange(8, 30)
        notes.append(
            {
                "kind": "shelf",
                "product_id": rng.choice(demo.products).id,
                "facings": rng.randrange(1, total // 2),
                "facings_total": total,
            }
        )
    return notes
