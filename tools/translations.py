"""Export of the terms of the addons."""

from .common import ADDONS, ROOT

EXPORT = """
from odoo.tools.translate import trans_export
for addon in {addons!r}:
    for name, lang in ((addon + ".pot", None), ("zh_CN.po", "zh_CN")):
        with open("{root}/addons/%s/i18n/%s" % (addon, name), "wb") as target:
            trans_export(lang, [addon], target, "po", env)
"""


def export(databases):
    """Write the template and zh_CN of each addon; terms without a translation stay empty."""
    for addon in ADDONS:
        (ROOT / "addons" / addon / "i18n").mkdir(exist_ok=True)
    with databases.scratch(databases.ensure_suite()) as database:
        databases.shell(database, EXPORT.format(addons=ADDONS, root=ROOT))
    return 0
