"""The table of what each role may do: `docs/roles.md`."""

from .common import ROOT

TARGET = ROOT / "docs" / "roles.md"
WRITE = """
import sys
sys.path.insert(0, {root!r})
from tools.roles import make_page
with open({target!r}, "w", encoding="utf-8") as target:
    target.write(make_page(env))
"""
ROLES = {
    "Sales representative": "trade_crm.group_rep",
    "Sales manager": "trade_crm.group_manager",
    "Marketer": "trade_crm.group_marketer",
    "Service agent": "trade_crm.group_agent",
    "Auditor": "trade_crm.group_auditor",
}
# Records of Odoo that the roles work on; those of Trade CRM and those in a territory come by themselves.
CORE = (
    "calendar.event",
    "crm.lead",
    "crm.team",
    "ir.attachment",
    "mail.activity",
    "mail.message",
    "product.pricelist",
    "product.template",
    "purchase.order",
    "res.partner",
    "res.users",
    "sale.order",
    "sale.order.template",
    "utm.campaign",
)
RIGHTS = {"read": "R", "write": "W", "create": "C", "unlink": "D"}
INTRODUCTION = """\
# What each role may do

Made by `make roles` from the access rights of the addons; a test fails when it is out of date. Give the roles in
*Settings → Users*. A person may have several; rights add up, and so do those of Odoo's own groups (warehouse,
accounting, purchase), which are not in this table.

- **Read**, **W**rite, **C**reate, **D**elete; – is nothing at all.
- *Territories*: whether who is limited to territories sees a part of these records only, see
  [Territories](territory-guide.md). *Own* means only what oneself has made.
- Margin is for sales managers and auditors. Exports may need a group of their own and a reason.
- Sales representatives have Odoo's *User: Own Documents Only*, which territories replace once they are switched
  on; sales managers have *Administrator* of sales.
"""


def write(databases):
    """Write the page from a database with all addons."""
    with databases.scratch(databases.ensure_suite()) as database:
        databases.shell(database, WRITE.format(root=str(ROOT), target=str(TARGET)))
    return 0


def make_page(env):
    """The page, as text, by the rights of groups and not of users of this database."""
    lines = [
        f"| Records | {' | '.join(ROLES)} | Territories |",
        f"|---|{'---|' * (len(ROLES) + 1)}",
    ]
    groups = [env.ref(group) for group in ROLES.values()]
    for title, names in get_models(env).items():
        lines.append(f"| **{title}** |{' |' * (len(ROLES) + 1)}")
        for name in names:
            rights = [get_rights(env, name, group) for group in groups]
            label = env["ir.model"].with_context(lang="en_US")._get(name).name
            lines.append(
                f"| {label} (`{name}`) | {' | '.join(rights)} | {describe_scope(env, name)} |"
            )
    return f"{INTRODUCTION}\n" + "\n".join(lines) + "\n"


def get_models(env):
    """Names of the models in the table, per heading: those that any role may use."""
    ours, odoos = [], []
    for name, model in sorted(env.registry.items()):
        if model._abstract or model._transient:
            continue
        scoped = hasattr(model, "_get_territory_domain")
        if not (name.startswith("trade.") or name in CORE or scoped):
            continue
        if all(get_rights(env, name, env.ref(group)) == "–" for group in ROLES.values()):
            continue
        (ours if name.startswith("trade.") else odoos).append(name)
    return {"Odoo": odoos, "Trade CRM": ours}


def get_rights(env, model, group):
    """Letters of what a user of ``group`` and what it implies may do, by the access rights."""
    access = env["ir.model.access"].sudo()
    rules = access.search([("model_id.model", "=", model)])
    held = group | group.all_implied_ids
    letters = "".join(
        letter
        for operation, letter in RIGHTS.items()
        if any(
            rule[f"perm_{operation}"] and (not rule.group_id or rule.group_id in held)
            for rule in rules
        )
    )
    return letters or "–"


def describe_scope(env, name):
    model = env[name]
    if not hasattr(model, "_get_territory_domain"):
        checked = {"mail.message", "ir.attachment", "mail.activity", "res.users"}
        return "as what it is about" if name in checked else "–"
    hidden = env.registry["trade.territory.hidden.mixin"]
    if isinstance(model, hidden):
        return "own" if "create_uid" in model._fields else "not shown"
    if name in ("trade.territory", "trade.territory.rule"):
        return "changes"
    return "yes"
