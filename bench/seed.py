"""What the data set needs to exist in Odoo: companies, reps, products, and one record of each kind.

The records of each kind are made by Odoo itself and rolled back; their rows fill every column that
the generated ones do not, so that a row looks like one that Odoo wrote.
"""

from datetime import timedelta

from odoo.fields import Command

from . import dataset

REPS = 20
CURRENCIES = ("CNY", "USD")  # of the companies
FOREIGN_CURRENCY = "EUR"


def make_seed(env, size, products):
    """Create what is to stay; return the ids that the loader refers to."""
    env["res.currency"].with_context(active_test=False).search(
        [("name", "in", [*CURRENCIES, FOREIGN_CURRENCY])]
    ).active = True
    companies = _make_companies(env)
    env = env(
        context={**env.context, "allowed_company_ids": companies.ids, "tracking_disable": True}
    )
    return {
        "companies": companies.ids,
        "currencies": companies.currency_id.ids,
        "foreign": env["res.currency"].search([("name", "=", FOREIGN_CURRENCY)]).id,
        "reps": _make_reps(env, companies),
        "products": _make_products(env, products),
        "dozen": env.ref("uom.product_uom_dozen").id,
        "states": env["res.country.state"].search([("country_id.code", "=", "CN")]).ids,
    }


def _make_companies(env):
    currencies = [env["res.currency"].search([("name", "=", name)]) for name in CURRENCIES]
    east = env.company
    east.write(
        {"name": "Trade East", "currency_id": currencies[0].id, "country_id": env.ref("base.cn").id}
    )
    west = env["res.company"].create(
        {"name": "Trade West", "currency_id": currencies[1].id, "country_id": env.ref("base.us").id}
    )
    env["account.chart.template"].try_loading("generic_coa", company=west, install_demo=False)
    west.currency_id = currencies[1]
    if not env["stock.warehouse"].search_count([("company_id", "=", west.id)]):
        env["stock.warehouse"].create({"name": west.name, "code": "WEST", "company_id": west.id})
    companies = east | west
    env.user.company_ids |= companies
    for company, (tz, _hours) in zip(companies, dataset.TIME_ZONES, strict=True):
        company.partner_id.tz = tz
    env["res.currency.rate"].create(
        [
            {
                "name": dataset.FIRST_DAY + timedelta(days=day),
                "company_id": company.id,
                "currency_id": env["res.currency"].search([("name", "=", FOREIGN_CURRENCY)]).id,
                "company_rate": float(dataset.get_rate(index, day)),
            }
            for index, company in enumerate(companies)
            for day in range(0, dataset.DAYS, 30)
        ]
    )
    return companies


def _make_reps(env, companies):
    users = env["res.users"].with_context(no_reset_password=True)
    return users.create(
        [
            {
                "name": f"Rep {number}",
                "login": f"bench.rep{number}",
                "company_id": companies[0].id,
                "company_ids": [Command.set(companies.ids)],
                "group_ids": [
                    Command.set(
                        [
                            env.ref("base.group_user").id,
                            env.ref("sales_team.group_sale_salesman_all_leads").id,
                        ]
                    )
                ],
            }
            for number in range(REPS)
        ]
    ).ids


def _make_products(env, products):
    categories = env["product.category"].create(
        [{"name": f"Category {number}"} for number in range(10)]
    )
    units = [env.ref("uom.product_uom_unit").id, env.ref("uom.product_uom_kgm").id]
    templates = env["product.template"].create(
        [
            {
                "name": f"Product {number:04}",
                "categ_id": categories[number % 10].id,
                "is_storable": True,
                "invoice_policy": "order",
                "list_price": int(products.list_price[number]) / 100,
                "uom_id": units[products.unit[number]],
                "taxes_id": False,
                "supplier_taxes_id": False,
            }
            for number in range(len(products.list_price))
        ]
    )
    variants = templates.product_variant_id
    # A product's cost is kept per company; the second company's currency is worth seven times as much.
    env["product.product"].flush_model()
    company_east, company_west = env.companies.ids
    env.cr.executemany(
        "UPDATE product_product SET standard_price = jsonb_build_object(%s, %s::float8, %s, %s::float8)"
        " WHERE id = %s",
        [
            (str(company_east), int(cost) / 100, str(company_west), int(cost) / 700, variant)
            for variant, cost in zip(variants.ids, products.cost, strict=True)
        ],
    )
    env["product.product"].invalidate_model()
    return variants.ids


def make_patterns(env, seed):
    """Rows of records that Odoo made: ``{table: row}``, or ``{table: [row per company]}``.

    The caller rolls the records back.
    """
    state = env["res.country.state"].browse(seed["states"][0])
    company_partner = env["res.partner"].create(
        {
            "name": "Pattern",
            "is_company": True,
            "customer_rank": 1,
            "email": "pattern@example.com",
            "phone": "+86 10 5555 0100",
            "street": "Street 1",
            "city": "City",
            "zip": "100000",
            "state_id": state.id,
            "country_id": state.country_id.id,
            "lang": "en_US",
        }
    )
    person = env["res.partner"].create({"name": "Pattern", "customer_rank": 1, "lang": "en_US"})
    contact = env["res.partner"].create({"name": "Pattern", "parent_id": company_partner.id})
    patterns = {
        "company": read_row(env, company_partner),
        "person": read_row(env, person),
        "contact": read_row(env, contact),
    }
    for company_id in seed["companies"]:
        for name, row in _make_documents(env, seed, company_id, company_partner).items():
            patterns.setdefault(name, []).append(row)
    return patterns


def _make_documents(env, seed, company_id, partner):
    env = env(context={**env.context, "allowed_company_ids": [company_id]})
    company = env["res.company"].browse(company_id)
    product = env["product.product"].browse(seed["products"][0])
    order = env["sale.order"].create(
        {
            "partner_id": partner.id,
            "company_id": company_id,
            "user_id": seed["reps"][0],
            "currency_id": company.currency_id.id,
            "order_line": [
                Command.create({"product_id": product.id, "product_uom_qty": 1, "price_unit": 100}),
                Command.create({"display_type": "line_section", "name": "Section"}),
            ],
        }
    )
    draft = read_row(env, order)
    order.action_confirm()
    line = order.order_line[0]
    line.qty_delivered = 1
    invoice = order._create_invoices()
    invoice.action_post()
    refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
    refund.action_post()
    return {
        "draft": draft,
        "order": read_row(env, order),
        "line": read_row(env, line),
        "section": read_row(env, order.order_line[1]),
        **{
            f"{name}{suffix}": read_row(env, record)
            for name, move in (("invoice", invoice), ("refund", refund))
            for suffix, record in (
                ("", move),
                ("_product", move.line_ids.filtered(lambda item: item.display_type == "product")),
                ("_term", move.line_ids.filtered(lambda item: item.display_type == "payment_term")),
            )
        },
    }


def read_row(env, record):
    """The row of ``record``, without what is empty."""
    record.ensure_one()
    env.flush_all()
    env.cr.execute(f'SELECT * FROM "{record._table}" WHERE id = %s', [record.id])  # noqa: S608
    return {name: value for name, value in env.cr.dictfetchone().items() if value is not None}
