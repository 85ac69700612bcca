"""Export of the terms of the addons."""

from .common import ADDONS, ROOT

# What is translated in code is read from the file that is about to be written.
EXPORT = """
import io
from odoo.tools.translate import trans_export
for addon in {addons!r}:
    for name, lang in ((addon + ".pot", None), ("zh_CN.po", "zh_CN")):
        exported = io.BytesIO()
        trans_export(lang, [addon], exported, "po", env)
        with open("{root}/addons/%s/i18n/%s" % (addon, name), "wb") as target:
            target.write(exported.getvalue())
"""


def export(databases):
    """Write the template and zh_CN of each addon; terms without a translation stay empty."""
    for addon in ADDONS:
        (ROOT / "addons" / addon / "i18n").mkdir(exist_ok=True)
    with databases.scratch(databases.ensure_suite()) as database:
        databases.shell(database, EXPORT.format(addons=ADDONS, root=ROOT))
    return 0
