"""The pictures of `docs/`, from a server with the demo company (`make run`, in another terminal).

Runs with the Python of the addons, which has Playwright; the browser is the system's. ONLY=name,name
takes those only.
"""

import os
import shutil
import sys
import time
import urllib.error
import urllib.request

from playwright.sync_api import sync_playwright

from .common import ROOT

IMAGES = ROOT / "docs" / "images"
ADDRESS = os.environ.get("URL") or f"http://127.0.0.1:{os.environ.get('HTTP_PORT') or 8069}"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
READY = (
    ".o_list_renderer, .o_kanban_renderer, .o_form_view, main.o_content, .o_pivot, .o_graph_view"
)
# Name: (login, size, path below /odoo/, what to click there).
PICTURES = {
    "tiers": ("manager", DESK, "trade-tiers", []),
    "tiers-phone": ("rep", PHONE, "trade-tiers", []),
    "customers": ("rep", DESK, "trade-customers", []),
    "customers-phone": ("rep", PHONE, "trade-customers", []),
    "customer": (
        "rep",
        DESK,
        "trade-customers",
        [".o_data_row:first-child td[name=complete_name]", "a[name=trade_profile]"],
    ),
    "tier-changes": ("manager", DESK, "trade-tier-changes", []),
    "policy": ("manager", DESK, "trade-tier-policies", [".o_data_row:first-child td[name=name]"]),
    "policy-change": (
        "manager",
        DESK,
        "trade-policy-changes",
        [".o_data_row:first-child td[name=policy_id]", ".nav-link[name=preview]"],
    ),
    "presets": (
        "manager",
        DESK,
        "trade-customers",
        [
            "button[data-menu-xmlid='trade_crm.menu_configuration']",
            "a[data-menu-xmlid='trade_crm.menu_configuration_presets']",
            ".modal .o_selection_badge >> nth=0",
        ],
    ),
    "value-matrix": ("manager", DESK, "trade-value-matrix", []),
    "value-matrix-phone": ("rep", PHONE, "trade-value-matrix", []),
    "order-ladder": ("manager", DESK, "trade-order-ladder", []),
    "concentration": ("manager", DESK, "trade-concentration", []),
    "concentration-phone": ("rep", PHONE, "trade-concentration", []),
    "sales": ("manager", DESK, "trade-sales", []),
    "tier-migration": ("manager", DESK, "trade-tier-migration", []),
    "territories": ("manager", DESK, "trade-territories", []),
    "territories-phone": ("manager", PHONE, "trade-territories", []),
    "territory-apply": (
        "admin",
        DESK,
        "trade-territories",
        [".o_control_panel button:has-text('Apply rules')"],
    ),
    "territory-viewers": (
        "manager",
        DESK,
        "trade-customers",
        [
            ".o_data_row:first-child td[name=complete_name]",
            ".nav-link[name=sales_purchases]",
            "button[name=action_trade_viewers]",
        ],
    ),
    "territory-move": (
        "manager",
        DESK,
        "trade-customers",
        [
            ".o_data_row:first-child td[name=complete_name]",
            ".nav-link[name=sales_purchases]",
            "[name=trade_territory] button:has-text('Move')",
        ],
    ),
    "territory-moves": ("manager", DESK, "trade-territory-moves", []),
    "lead-pool": ("rep", DESK, "trade-lead-pool", []),
    "lead-funnel": ("rep", DESK, "trade-sales-funnel", []),
    "lead-quick-phone": ("rep", PHONE, "action-trade_crm.trade_lead_quick_action", []),
    "today": ("manager", DESK, "trade-today", []),
    "today-phone": ("rep", PHONE, "trade-today", []),
    "customer-360": (
        "manager",
        DESK,
        "trade-customers",
        [".o_data_row:first-child button[name=action_open_360]"],
    ),
    "customer-360-phone": (
        "rep",
        PHONE,
        "trade-customers",
        [
            ".o_kanban_record >> nth=0",
            ".o_control_panel button:has(.fa-bolt)",
            "button[name=action_open_360]",
        ],
    ),
    "visits": ("manager", DESK, "trade-visits", [".o_facet_remove >> nth=0"]),
    "visit-phone": ("rep", PHONE, "trade-visit", [".o_trade_customer >> nth=1"]),
    "market-notes": (
        "marketer",
        DESK,
        "trade-market-notes",
        [".o_group_header >> nth=0"],
    ),
    "quick-order-phone": (
        "rep",
        PHONE,
        "trade-quick-order",
        [".o_trade_customer >> nth=1", ".o_trade_usual"],
    ),
    "log": ("rep", DESK, "trade-log", []),
    "segments": ("manager", DESK, "trade-segments", []),
    "tag-rules": ("manager", DESK, "trade-tag-rules", []),
    "receivables": ("manager", DESK, "trade-receivables", []),
    "credit": ("manager", DESK, "trade-credit", []),
    "approvals": ("manager", DESK, "trade-approvals", []),
    "campaigns": ("marketer", DESK, "trade-campaigns", []),
    "campaign-results": (
        "manager",
        DESK,
        "trade-campaigns",
        [".o_kanban_record:has-text('hot pot')", ".nav-link[name=results]"],
    ),
    "campaign-experiment": (
        "manager",
        DESK,
        "trade-campaigns",
        [".o_kanban_record:has-text('hot pot')", ".nav-link[name=experiment]"],
    ),
    "campaign-orders-phone": ("marketer", PHONE, "trade-campaign-orders", []),
    "tickets": ("agent", DESK, "trade-tickets", []),
    "nps": ("manager", DESK, "trade-nps", []),
    "access-log": ("auditor", DESK, "trade-access-log", []),
    "imports": ("manager", DESK, "trade-imports", []),
    "import": ("manager", DESK, "trade-imports", [".o_data_row:first-child td[name=filename]"]),
}


def main():
    try:
        urllib.request.urlopen(f"{ADDRESS}/web/login", timeout=20).close()
    except (urllib.error.URLError, OSError):
        sys.exit(f"Nothing answers at {ADDRESS}: start `make run` in another terminal.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for (login, width), names in group_by_session().items():
            size = DESK if width == DESK["width"] else PHONE
            page = browser.new_context(viewport=size, has_touch=size is PHONE).new_page()
            log_in(page, login)
            for name in names:
                take(page, name)
                print(f"docs/images/{name}.png")
            page.context.close()
        browser.close()


def group_by_session():
    """Names of the pictures per login and width."""
    sessions = {}
    only = [name for name in (os.environ.get("ONLY") or "").split(",") if name]
    for name, (login, size, *_rest) in PICTURES.items():
        if only and name not in only:
            continue
        sessions.setdefault((login, size["width"]), []).append(name)
    return sessions


def log_in(page, login):
    page.goto(f"{ADDRESS}/web/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", login)
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar", timeout=90_000)


def take(page, name):
    _login, _size, path, clicks = PICTURES[name]
    page.goto(f"{ADDRESS}/odoo/{path}")
    page.wait_for_selector(READY, timeout=60_000)
    for selector in clicks:
        page.click(selector)
        page.wait_for_selector(READY)
        time.sleep(1)
    # Animations of charts and lazy pictures come to rest.
    time.sleep(2)
    if page.locator(".o_error_dialog").count():
        sys.exit(f"{path} shows an error to {_login}: {page.inner_text('.o_error_dialog')}")
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
