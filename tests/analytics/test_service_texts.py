import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["similar", "uploads"])
def test_doctests(name):
    module = importlib.import_module(f"trade_crm_service_analytics.{name}")
    assert doctest.testmod(module).failed == 0
