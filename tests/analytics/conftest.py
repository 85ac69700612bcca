"""Loads each addon's ``analytics`` folder as a package of its own, without Odoo.

``addons/trade_crm/analytics`` is ``trade_crm_analytics`` here. Run with ``pytest -p no:odoo``.
"""

import importlib.util
import sys
from pathlib import Path

ADDONS = Path(__file__).parents[2] / "addons"


def _load(folder):
    name = f"{folder.parent.name}_analytics"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


for _init in sorted(ADDONS.glob("*/analytics/__init__.py")):
    _load(_init.parent)
