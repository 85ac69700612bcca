"""Load the demo company of ``generator`` into a database without business data."""

import base64
import importlib
import importlib.util
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytz

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from . import names
from .audiences import load_audiences
from .catalogue import CATEGORIES, PRODUCTS
from .credit import load_credit
from .generator import World, generate
from .leads import load_inquiries, load_rules
from .visits import load_visits

LOADED = "trade_crm.demo_company"
TZ = "Asia/Shanghai"
# The last days are live orders in Odoo; what was before comes from the old system.
LIVE_DAYS = 14
SOURCE = "old system"
# Login: (name, language, role, groups). The password is the login.
USERS = {
    "manager": (
        "Zhao Min",
        "en_US",
        "sales manager",
        [
            "trade_crm.group_manager",
            "account.group_account_invoice",
            "stock.group_stock_manager",
            "purchase.group_purchase_manager",
        ],
    ),
    **{
        login: (name, lang, f"sales representative, {city}", ["trade_crm.group_rep"])
        for (login, name, lang), city in zip(names.REPS, names.CITIES, strict=True)
    },
    "branch": (
        "Shen Lan",
        "en_US",
        "sales manager of the coast",
        ["trade_crm.group_manager"],
    ),
    "marketer": ("He Fang", "en_US", "marketer", ["trade_crm.group_marketer"]),
    "agent": ("Guo Na", "en_US", "service agent", ["trade_crm.group_agent"]),
    "auditor": ("Luo Jing", "en_US", "auditor", ["trade_crm.group_auditor"]),
}


@dataclass
class Demo:
    """What the steps share; ``advance`` tells the progress within a step, from 0 to 1."""

    env: object
    today: object
    world: World
    random: random.Random
    advance: object = None
    users: dict = field(default_factory=dict)
    reps: list = field(default_factory=list)
    territories: dict = field(default_factory=dict)
    partners: list = field(default_factory=list)
    products: list = field(default_factory=list)

    def to_utc(self, day, hour):
        """``hour`` o'clock of ``day`` where the company is."""
        moment = datetime(day.year, day.month, day.day, hour, self.random.randrange(60))
        return pytz.timezone(TZ).localize(moment).astimezone(pytz.utc).replace(tzinfo=None)


def load(env, progress=None, seed=20, restaurants=500, shops=200):
    """Make the company of ``env`` a regional food wholesaler with two years behind it.

    Does nothing when it was loaded before. Does not commit.

    :param progress: called with what is done, the total and a label
    :return: dict ``{login: (password, role)}``
    :raise UserError: when the database has business data of its own
    """
    logins = {"admin": ("admin", "administrator")}
    logins |= {login: (login, role) for login, (_name, _lang, role, _groups) in USERS.items()}
    packages = _get_packages(env)
    for package in packages:
        logins |= package.LOGINS
    if env["ir.config_parameter"].sudo().get_param(LOADED):
        return logins
    _check_empty(env)
    # A clerk who loads data follows nothing and is told nothing.
    env = env(context={**env.context, "tracking_disable": True, "mail_notrack": True})
    today = datetime.now(pytz.timezone(TZ)).date()
    demo = Demo(env, today, generate(today, seed, restaurants, shops), random.Random(seed))
    # The last step works on what all of them have made, and some on what comes of it.
    steps = [*STEPS[:-1], *(step for package in packages for step in package.STEPS), STEPS[-1]]
    steps += (step for package in packages for step in getattr(package, "LAST_STEPS", ()))
    total, done = sum(weight for *_step, weight in steps), 0
    for label, step, weight in steps:

        def advance(share, label=label, done=done, weight=weight):
            if progress:
                progress(round(100 * (done + share * weight) / total), 100, label)

        demo.advance = advance
        advance(0)
        step(demo)
        done += weight
    if progress:
        progress(100, 100, "done")
    env["ir.config_parameter"].sudo().set_param(LOADED, f"{today} {seed}")
    env.flush_all()
    return logins


def _get_packages(env):
    """The packages ``demo_company`` of the installed addons that build on ours."""
    names = [name for name in sorted(env.registry._init_modules) if name.startswith("trade_crm_")]
    names = [f"odoo.addons.{name}.demo_company" for name in names]
    return [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]


def _check_empty(env):
    for model in ("sale.order", "account.move", "trade.order.history"):
        if env[model].sudo().search_count([], limit=1):
            raise UserError(
                env._("This database has orders of its own: load the demo company into a new one.")
            )


def _load_company(demo):
    env = demo.env
    cny = env.ref("base.CNY")
    cny.active = True
    # The chart of accounts that is there will do.
    company = env.company.with_context(chart_template_load=True)
    company.write(
        {
            "name": "江南鲜食 Jiangnan Fresh Foods",
            "currency_id": cny.id,
            "country_id": env.ref("base.cn").id,
            "city": "杭州市",
            "street": "钱江路 88 号",
            "zip": "310000",
            "phone": "0571-01234567",
            "email": "office@example.com",
            "trade_tz": TZ,
        }
    )
    taxes = env.company.account_sale_tax_id | env.company.account_purchase_tax_id
    taxes.write({"amount": 13, "name": "13%", "invoice_label": "VAT 13%"})
    env["stock.warehouse"].search([("company_id", "=", company.id)]).write({"name": "杭州中心仓"})
    # Invented customers get no text messages.
    company.stock_text_confirmation = False
    env["product.pricelist"].search([]).write({"currency_id": cny.id})


def _load_users(demo):
    env = demo.env
    installed = dict(env["res.lang"].get_installed())
    # The welcome of a chat bot would cover the screen of a phone.
    quiet = {"odoobot_state": "disabled"} if "odoobot_state" in env["res.users"]._fields else {}
    users = (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            [
                {
                    "name": name,
                    "login": login,
                    "password": login,
                    "email": f"{login}@example.com",
                    "lang": lang if lang in installed else "en_US",
                    "tz": TZ,
                    "group_ids": [Command.link(env.ref(group).id) for group in groups],
                    **quiet,
                }
                for login, (name, lang, _role, groups) in USERS.items()
            ]
        )
    )
    demo.users = dict(zip(USERS, users, strict=True))
    demo.reps = [demo.users[login] for login, *_rest in names.REPS]
    env.ref("base.user_admin").tz = TZ
    team = env["crm.team"].search([], limit=1)
    team.member_ids = [Command.link(user.id) for user in demo.reps]


def _load_territories(demo):
    """A branch inland and one on the coast; each rep has the city that the customers are in."""
    env = demo.env
    zhejiang = _create_translated(env["trade.territory"], "name", ("Zhejiang", "浙江"))
    zhejiang.manager_ids = demo.users["manager"]
    inland, coast = (
        _create_translated(env["trade.territory"], "name", name, parent_id=zhejiang.id)
        for name in (("Inland", "浙北"), ("Coast", "沿海"))
    )
    coast.manager_ids = demo.users["branch"]
    for city, rep in zip(names.CITIES, demo.reps, strict=True):
        branch = coast if city in names.COAST else inland
        name = city.removesuffix("市")
        demo.territories[city] = env["trade.territory"].create(
            {
                "name": name,
                "parent_id": branch.id,
                "member_ids": [Command.link(rep.id)],
                "rule_ids": [Command.create({"city": name})],
            }
        )
    # Who looks after everybody sorts what no rule places, too.
    env["trade.territory"]._get_fallback().manager_ids = demo.users["manager"]


def _load_customers(demo):
    env = demo.env
    kinds = {
        kind: _create_translated(env["res.partner.category"], "name", names_, color=color)
        for kind, names_, color in (
            ("restaurant", ("Restaurant", "餐厅"), 2),
            ("shop", ("Shop", "商店"), 4),
        )
    }
    types = {
        "restaurant": env.ref("trade_crm.trade_customer_type_consumer"),
        "shop": env.ref("trade_crm.trade_customer_type_store"),
    }
    media = [
        env.ref(f"trade_crm.utm_medium_{name}")
        for name in ("exhibition", "referral", "advertising", "live_stream")
    ]
    chinese = "zh_CN" in dict(env["res.lang"].get_installed())
    china = env.ref("base.cn")
    state = env["res.country.state"].search(
        [("country_id", "=", china.id), ("code", "=", "ZJ")], limit=1
    )
    partners = env["res.partner"].create(
        [
            {
                "name": customer.name,
                "ref": customer.code,
                "company_id": env.company.id,
                "is_company": True,
                "customer_rank": 1,
                "category_id": [Command.link(kinds[customer.kind].id)],
                "trade_customer_type_id": types[customer.kind].id,
                "trade_acquisition_medium_id": demo.random.choices(media, [3, 5, 2, 1])[0].id,
                "street": customer.street,
                "city": customer.city,
                "state_id": state.id,
                "zip": names.CITIES[customer.city][0],
                "country_id": china.id,
                "phone": customer.phone,
                "email": customer.email,
                "user_id": demo.reps[customer.rep].id,
                "lang": "en_US" if customer.name.isascii() or not chinese else "zh_CN",
                "tz": TZ,
                "child_ids": [Command.create({"name": customer.contact, "type": "contact"})],
            }
            for customer in demo.world.customers
        ]
    )
    demo.partners = list(partners)
    # One of them has branches in the city next to its own.
    home, next_door, *_others = demo.territories.values()
    chain = partners.filtered(lambda partner: partner.territory_id == home)[:1]
    chain.shared_territory_ids = next_door
    _move_customers(demo, partners.filtered(lambda partner: partner.territory_id == home) - chain)


def _move_customers(demo, partners):
    """Some customers move: one was handed over, others have a new address that rules go by."""
    _home, next_door, *_others = demo.territories.values()
    handed_over, *relocated = partners[:4]
    demo.env["trade.territory.assign"].with_user(demo.users["manager"]).create(
        {
            "partner_ids": [Command.set(handed_over.ids)],
            "territory_id": next_door.id,
            "user_id": demo.reps[1].id,
            "reason": "Buys for its new branch in Ningbo",
        }
    ).action_move()
    city = list(names.CITIES)[1]
    for partner in relocated:
        partner.write({"city": city, "zip": names.CITIES[city][0]})


def _load_products(demo):
    env = demo.env
    chinese = "zh_CN" in dict(env["res.lang"].get_installed())
    categories = {
        name: _create_translated(env["product.category"], "name", (name, name_zh))
        for name, (name_zh, *_rest) in CATEGORIES.items()
    }
    vendors = env["res.partner"].create(
        [
            {
                "name": name,
                "is_company": True,
                "supplier_rank": 1,
                "country_id": env.ref("base.cn").id,
            }
            for name in names.VENDORS
        ]
    )
    templates = env["product.template"].create(
        [
            {
                "name": product.name,
                "default_code": product.code,
                "categ_id": categories[product.category].id,
                "type": "consu",
                "is_storable": True,
                "list_price": product.price,
                "standard_price": product.cost,
                "invoice_policy": "delivery",
                "seller_ids": [
                    Command.create(
                        {
                            "partner_id": vendors[list(CATEGORIES).index(product.category)].id,
                            "price": product.cost,
                            "min_qty": 20,
                            "delay": demo.random.randint(2, 12),
                        }
                    )
                ],
            }
            for product in PRODUCTS
        ]
    )
    if chinese:
        for template, product in zip(templates, PRODUCTS, strict=True):
            template.with_context(lang="zh_CN").name = product.name_zh
    demo.products = list(templates.product_variant_id)
    location = env["stock.warehouse"].search([("company_id", "=", env.company.id)]).lot_stock_id
    quants = (
        env["stock.quant"]
        .with_context(inventory_mode=True)
        .create(
            [
                {
                    "product_id": product.id,
                    "location_id": location.id,
                    "inventory_quantity": demo.random.randint(20, 80) * 100,
                }
                for product in demo.products
            ]
        )
    )
    quants.action_apply_inventory()


def _create_translated(model, name, texts, **values):
    """A record with its English and its Chinese name."""
    record = model.create({name: texts[0], **values})
    if "zh_CN" in dict(model.env["res.lang"].get_installed()):
        record.with_context(lang="zh_CN")[name] = texts[1]
    return record


def _load_history(demo):
    """Each month's file of the old system, and the tiers as they were at its end."""
    lines = demo.world.lines.merge(
        demo.world.purchases, left_on="purchase", right_index=True, validate="many_to_one"
    )
    live_from = demo.today - timedelta(days=LIVE_DAYS)
    lines = lines[lines["date"] < live_from]
    net = (lines["price"] * (1 - lines["discount"] / 100)).round(2)
    cost = lines["product"].map(lambda index: PRODUCTS[index].cost)
    lines = lines.assign(
        margin=((net - cost) * lines["quantity"]).round(2),
        reference=lines["customer"].map(lambda index: demo.world.customers[index].code),
        product=lines["product"].map(lambda index: PRODUCTS[index].code),
    )
    columns = {
        "code": "Order number",
        "reference": "Customer code",
        "date": "Date",
        "product": "Product code",
        "quantity": "Quantity",
        "price": "Unit price",
        "discount": "Discount %",
        "margin": "Margin",
    }
    profiles = demo.env["trade.customer.profile"]
    months = lines["date"].map(lambda day: day.replace(day=1))
    for number, (month, rows) in enumerate(lines.groupby(months, sort=True)):
        demo.advance(number / months.nunique())
        content = rows[list(columns)].rename(columns=columns).to_csv(index=False)
        import_file(
            demo.env,
            content,
            f"purchases-{month:%Y-%m}.csv",
            source=SOURCE,
            user=demo.users["manager"],
        )
        end = fields.Date.end_of(month, "month") + timedelta(days=1)
        profiles.with_context(trade_today=min(end, live_from))._rebuild_companies(cause="history")


def import_file(env, content, filename, user, **values):
    """Import a file of purchases as ``user`` does, without a commit.

    :return: the ``trade.order.import``
    :raise UserError: when the file is refused
    """
    imported = (
        env["trade.order.import"]
        .with_user(user)
        .create({"file": base64.b64encode(content.encode()), "filename": filename, **values})
    )
    imported.action_read()
    for action in (imported.action_check, imported.action_import):
        action()
        while imported._process_chunk():
            pass
    if imported.state != "done" or imported.bad_count:
        raise UserError(imported.error_message or f"{filename}: {imported.bad_count} bad rows")
    return imported


def _load_orders(demo):
    """Live orders: the recent ones wait for delivery, older ones are delivered and invoiced."""
    live_from = demo.today - timedelta(days=LIVE_DAYS)
    purchases = demo.world.purchases
    purchases = purchases[purchases["date"] >= live_from]
    lines = demo.world.lines[demo.world.lines["purchase"].isin(purchases.index)]
    by_purchase = dict(list(lines.groupby("purchase")))
    orders = _create_orders(
        demo,
        [
            (
                row.customer,
                by_purchase[row.Index].itertuples(),
                demo.to_utc(row.date, demo.random.randint(7, 17)),
            )
            for row in purchases.itertuples()
        ],
    )
    demo.advance(0.3)
    days = {order: order.date_order for order in orders}
    orders.action_confirm()
    for order, day in days.items():
        order.date_order = day
    demo.advance(0.5)
    cancelled = orders[:: max(1, len(orders) // 8)]
    cancelled._action_cancel()
    orders -= cancelled
    shipped = orders.filtered(
        lambda order: order.date_order.date() < demo.today - timedelta(days=3)
    )
    _deliver(demo, shipped)
    demo.advance(0.7)
    _invoice(
        demo,
        shipped.filtered(lambda order: order.date_order.date() < demo.today - timedelta(days=6)),
    )


def _create_orders(demo, wanted):
    """Quotations of ``(customer, lines, moment)``."""
    return demo.env["sale.order"].create(
        [
            {
                "partner_id": demo.partners[customer].id,
                "user_id": demo.reps[demo.world.customers[customer].rep].id,
                "date_order": moment,
                "order_line": [
                    Command.create(
                        {
                            "product_id": demo.products[line.product].id,
                            "product_uom_qty": line.quantity,
                            "price_unit": line.price,
                            "discount": line.discount,
                        }
                    )
                    for line in lines
                ],
            }
            for customer, lines, moment in wanted
        ]
    )


def _deliver(demo, orders):
    pickings = orders.picking_ids.filtered(lambda picking: picking.state == "assigned")
    pickings.move_ids.picked = True
    pickings._action_done()
    for picking in pickings:
        picking.date_done = picking.sale_id.date_order + timedelta(days=demo.random.randint(1, 3))


def _invoice(demo, orders):
    env = demo.env
    invoices = orders.filtered(lambda order: order.invoice_status == "to invoice")._create_invoices(
        grouped=True
    )
    for invoice in invoices:
        invoice.invoice_date = invoice.line_ids.sale_line_ids.order_id[
            :1
        ].date_order.date() + timedelta(days=3)
    invoices.action_post()
    returned = invoices[:: max(1, len(invoices) // 6)]
    reversal = (
        env["account.move.reversal"]
        .with_context(active_model="account.move", active_ids=returned.ids)
        .create(
            {
                "journal_id": returned.journal_id.id,
                "date": demo.today - timedelta(days=1),
                "reason": "Damaged in transit",
            }
        )
    )
    refunds = env["account.move"].browse(reversal.refund_moves()["domain"][0][2])
    for refund in refunds:
        # One product of the delivery came back.
        kept = refund.invoice_line_ids[:1]
        (refund.invoice_line_ids - kept).unlink()
    refunds.action_post()


def _load_quotations(demo):
    chosen = demo.random.sample(range(len(demo.partners)), k=min(25, len(demo.partners)))
    lines = list(demo.world.lines.sample(n=4 * len(chosen), random_state=1).itertuples())
    quotations = _create_orders(
        demo,
        [
            (
                customer,
                lines[4 * number : 4 * number + 4],
                demo.to_utc(demo.today - timedelta(days=number % 12 + 1), 10),
            )
            for number, customer in enumerate(chosen)
        ],
    )
    quotations[::2].write({"state": "sent"})
    _load_approvals(demo, quotations[1::2])


def _load_approvals(demo, drafts):
    """A rule, and two orders that it is about: one waits, one is not asked for yet."""
    env = demo.env
    managers = [
        demo.users[login].id
        for login, (_name, _lang, _role, groups) in USERS.items()
        if "trade_crm.group_manager" in groups
    ]
    env["trade.approval.rule"].create(
        {
            "name": "Discount over 20 %",
            "discount_over": 20,
            "step_ids": [Command.create({"kind": "users", "user_ids": [Command.set(managers)]})],
        }
    )
    for order, discount in zip(drafts, (25, 30), strict=False):
        order.order_line.discount = discount
    for order in drafts[:1]:
        order.with_user(order.user_id)._ask_approval("They take a whole pallet.")


LEADS = (
    "Second branch opens in spring",
    "Asks for cooking oil every week",
    "Hotel group looks for one supplier",
    "School canteen, tender for a year",
    "Met at the food fair: frozen dumplings",
    "Wants mooncakes for the staff",
    "Compares our rice with a competitor's",
    "New minimart, first stock",
    "Asks for payment after 30 days",
    "Tea in small packs for a hotel",
)


def _load_leads(demo):
    env = demo.env
    stages = env["crm.stage"].search([("is_won", "=", False)])
    leads = env["crm.lead"].create(
        [
            {
                "name": f"{LEADS[number % len(LEADS)]} ({demo.world.customers[customer].city})",
                "type": "opportunity",
                "partner_id": demo.partners[customer].id,
                "user_id": demo.reps[demo.world.customers[customer].rep].id,
                "stage_id": stages[number % len(stages)].id,
                "expected_revenue": demo.random.randint(4, 120) * 1000,
                "date_deadline": demo.today + timedelta(days=demo.random.randint(3, 60)),
            }
            for number, customer in enumerate(
                demo.random.sample(range(len(demo.partners)), k=min(60, len(demo.partners)))
            )
        ]
    )
    for lead in leads[::2]:
        lead.activity_schedule(
            "mail.mail_activity_data_call",
            demo.today + timedelta(days=demo.random.randint(-3, 7)),
            user_id=lead.user_id.id,
        )


def _prepare_policy(demo):
    """Good terms for core customers, and a change of the rules that waits for a decision."""
    policy = demo.env["trade.tier.policy"].search([("company_id", "=", demo.env.company.id)])
    core = policy.tier_ids.filtered("min_revenue").sorted("min_revenue")[-1]
    core.write(
        {
            "payment_term_id": demo.env.ref("account.account_payment_term_30days").id,
            "picking_priority": "1",
        }
    )
    manager = demo.users["manager"]
    draft = demo.env["trade.tier.policy.draft"].with_user(manager).create({"policy_id": policy.id})
    draft.line_ids.filtered(lambda line: line.tier_id == core).min_revenue = 300000


LOADED_MODELS = (
    "account.move",
    "account.move.line",
    "product.product",
    "res.partner",
    "sale.order",
    "sale.order.line",
    "trade.order.history",
    "trade.order.history.line",
)


def _finish(demo):
    """The tiers of today; nothing waits in the queue, and who sells is limited to territories."""
    env = demo.env
    env["ir.config_parameter"].set_param("trade_crm.territory_scope", "True")
    env["trade.territory"]._forget_access()
    env.flush_all()
    env.cr.precommit.run()
    # Where the tables were seen empty before, the database would plan for a handful of rows.
    for model in LOADED_MODELS:
        env.cr.execute(SQL("ANALYZE %s", SQL.identifier(env[model]._table)))
    profiles = env["trade.customer.profile"]
    profiles._rebuild_companies(cause="order")
    env["trade.profile.dirty"]._clear()
    env["trade.sales.fact"]._rebuild_all()
    load_audiences(demo)


# What is loaded, in order: label, function of a :class:`Demo`, share of the time. An addon that
# adds to the demo company has a package `demo_company` with `STEPS` and `LOGINS` of its own, and
# `LAST_STEPS` for what needs the tiers of today.
STEPS = [
    ("company", _load_company, 1),
    ("users", _load_users, 2),
    ("territories", _load_territories, 1),
    ("customers", _load_customers, 8),
    ("products", _load_products, 8),
    ("purchases before Odoo", _load_history, 44),
    ("orders of the last two weeks", _load_orders, 22),
    ("quotations", _load_quotations, 2),
    ("leads", _load_leads, 2),
    ("inquiries", load_inquiries, 5),
    ("rules for leads", load_rules, 1),
    ("visits", load_visits, 2),
    ("tier policy", _prepare_policy, 1),
    ("credit", load_credit, 1),
    ("tiers of today", _finish, 2),
]
