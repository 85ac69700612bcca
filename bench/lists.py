"""Rows about the lists that a rep opens, as the web client asks a running server for them.

The same user sends the same requests to the same server, with the limit to territories switched on
and off in turn; only the switch differs. Off, Odoo's own rules are left. They show a rep every
customer, and, unless somebody grants more, the orders and opportunities that are the rep's own or
nobody's: ``list_order`` and ``list_lead`` compare with that, because it is what a rep has in Odoo
and about as many records as with territories. ``…_all`` compares with a rep who may see all
documents, which no rule but that of the companies makes slower, and ``…_manager`` does so for the manager
of half of the market. The baseline finds all of Odoo's indexes and those of ours.
"""

from statistics import median
from typing import NamedTuple

from lxml import etree

from odoo.tools import SQL

from . import databases, profile
from .harness import clock, measure_in_turn, row
from .server import Client, serve
from .territory import MANAGER

REP, REP_WITH_ALL_DOCUMENTS = "bench.rep10", "bench.rep1"  # with two territories each
PAGE, COUNT_LIMIT = 80, 10_001  # as in relational_model.js
PARTS = ("page", "groups", "count")
AGGREGATED = ("integer", "float", "monetary")


class List(NamedTuple):
    model: str
    view: str
    domain: list
    group_by: str
    context: dict = {}


CUSTOMERS = List(
    "res.partner",
    "trade_crm.res_partner_view_list_customers",
    [
        *("&", "|", ("is_company", "=", True), ("parent_id", "=", False)),
        *("|", ("customer_rank", ">", 0), ("trade_profile_id", "!=", False)),
    ],
    "territory_id",
    {"res_partner_search_mode": "customer"},
)
CONTACTS = List("res.partner", "base.view_partner_tree", [], "user_id")
LEADS = List(
    "crm.lead",
    "crm.crm_case_tree_view_oppor",
    [("type", "=", "opportunity")],
    "stage_id",
    {"default_type": "opportunity"},
)
ORDERS = List(
    "sale.order",
    "sale.view_order_tree",
    [("state", "not in", ("draft", "sent", "cancel"))],
    "user_id",
)
QUOTATIONS = List("sale.order", "sale.view_quotation_tree_with_onboarding", [], "state")


@row("list_partner")
def list_partner(bench):
    compare(bench, "list_partner", CUSTOMERS, REP)
    compare(bench, "list_partner_contacts", CONTACTS, REP)
    compare(bench, "list_partner_manager", CUSTOMERS, MANAGER, most=None)


@row("list_lead")
def list_lead(bench):
    compare(bench, "list_lead", LEADS, REP)
    compare(bench, "list_lead_all", LEADS, REP_WITH_ALL_DOCUMENTS, most=None)
    compare(bench, "list_lead_manager", LEADS, MANAGER, most=None)


@row("list_order")
def list_order(bench):
    compare(bench, "list_order", ORDERS, REP)
    compare(bench, "list_order_quotations", QUOTATIONS, REP)
    compare(bench, "list_order_all", ORDERS, REP_WITH_ALL_DOCUMENTS, most=None)
    compare(bench, "list_order_manager", ORDERS, MANAGER, most=None)


def compare(bench, title, page, login, most=1.2):
    """First page, grouped page and count of a list, with the limit to territories and without."""
    name = bench.work
    _ensure_profiles(name)
    with serve(name) as url:
        client = Client(url, name, login)
        requests = make_requests(client, name, page)

        def measure(limited):
            _limit(name, limited)
            for request in requests:  # caches have been cleared
                request()
            found[limited] = requests[-1]()
            for part, request in zip(PARTS, requests, strict=True):
                times[part, limited].append(1000 * median(clock(request) for _turn in range(3)))
            return sum(times[part, limited][-1] for part in PARTS)

        found = {}
        times = {(part, limited): [] for part in PARTS for limited in (True, False)}
        try:
            ours, baseline = measure_in_turn(
                lambda: measure(True), lambda: measure(False), repeat=5
            )
        finally:
            _limit(name, False)
    print(f"  {title}: {found[True]:,} records, without our rules {found[False]:,}")
    bench.report(title, ours, baseline, unit="ms", most=most)
    for part in PARTS:
        bench.report(
            f"{title}_{part}", median(times[part, True]), median(times[part, False]), unit="ms"
        )


def _ensure_profiles(name):
    with databases.environment(name) as env:
        [[known]] = env.execute_query(SQL("SELECT count(*) FROM trade_customer_profile"))
    if not known:
        profile.rebuild(name)
        with databases.connect(name) as cursor:
            cursor.execute("VACUUM (ANALYZE) trade_customer_profile")


def _limit(name, limited):
    """Switch the limit to territories; the server learns of it before its next request."""
    with databases.environment(name) as env:
        env["ir.config_parameter"].set_param("trade_crm.territory_scope", limited and "True")
        env.cr.commit()
        env.registry.signal_changes()


# ----------------------------------------------------------------------
# What the web client asks for
# ----------------------------------------------------------------------


def make_requests(client, name, page):
    """Three functions that send a request each, of a list that has been opened."""
    with databases.environment(name) as env:
        view_id = env.ref(page.view).id
    views = client.call(
        page.model, "get_views", context=page.context, views=[(view_id, "list")], options={}
    )
    arch = etree.fromstring(views["views"]["list"]["arch"])
    fields = views["models"][page.model]["fields"]
    nodes = {node.get("name"): node for node in arch.iterchildren("field")}
    specification = {field: _specify(fields[field], node) for field, node in nodes.items()}
    order = arch.get("default_order") or ""

    def call(method, *args, **kwargs):
        return client.call(page.model, method, args, context=page.context, **kwargs)

    return (
        lambda: call(
            "web_search_read",
            domain=page.domain,
            specification=specification,
            offset=0,
            order=order,
            limit=PAGE,
            count_limit=COUNT_LIMIT,
        ),
        lambda: call(
            "web_read_group",
            domain=page.domain,
            groupby=[page.group_by],
            aggregates=_get_aggregates(fields, nodes),
            limit=PAGE,
            offset=0,
            order=order,
            auto_unfold=False,
            opening_info=[],
            unfold_read_specification=specification,
            unfold_read_default_limit=PAGE,
            groupby_read_specification={},
        ),
        lambda: call("search_count", page.domain),
    )


def _specify(field, node):
    """What is read of a field, as getFieldsSpec() has it."""
    hidden = node.get("invisible") in ("1", "True")
    if field["type"] in ("many2one", "reference"):
        return {"fields": {} if hidden else {"display_name": {}}}
    if field["type"] in ("one2many", "many2many") and node.get("widget") == "many2many_tags":
        return {"fields": {"display_name": {}, "color": {}}}
    return {}


def _get_aggregates(fields, nodes):
    """What is added up of a group, as getAggregateSpecifications() has it."""
    shown = {name: fields[name] for name in nodes if fields[name].get("aggregator")}
    aggregates = [
        f"{name}:{field['aggregator']}"
        for name, field in shown.items()
        if field["type"] in AGGREGATED
    ]
    in_currency = [
        aggregate
        for name, field in shown.items()
        if field.get("currency_field")
        for aggregate in (f"{field['currency_field']}:array_agg_distinct", f"{name}:sum_currency")
    ]
    return aggregates + list(dict.fromkeys(in_currency))
