import pytest

from tools.common import SetupError
from tools.testing import parse_failures, sum_up

FINISHED = "2026-01-05 10:00:00,000 7 ERROR db odoo.tests.result: 1 failed, 1 error(s) of 90 tests when loading"


def test_failures_of_a_finished_run():
    log = "\n".join(
        [
            "ERROR db odoo.addons.sale.tests.test_a: FAIL: TestA.test_one",
            "ERROR db odoo.addons.sale.tests.test_a: ERROR: TestA.test_two",
            "ERROR db odoo.addons.sale.tests.test_b: FAIL: Subtest TestB.test_three (number=1)",
            "INFO db odoo.addons.sale.tests.test_b: Starting TestB.test_four ...",
            FINISHED,
        ]
    )
    assert parse_failures(log) == {"TestA.test_one", "TestA.test_two", "TestB.test_three"}


@pytest.mark.parametrize(
    "log", ["", "CRITICAL db odoo: Failed to load", FINISHED.replace("of 90", "of 0")]
)
def test_a_run_that_did_not_happen_is_no_success(log):
    with pytest.raises(SetupError):
        parse_failures(log)


@pytest.mark.parametrize(
    ("codes", "expression", "expected"),
    [
        ([0, 0], "", 0),
        ([0, 1], "", 1),
        ([5, 0], "", 5),
        ([0, 5], "", 5),
        ([0, 5], "name", 0),
        ([5, 0], "name", 0),
        ([5, 5], "name", 5),
        ([5, 1], "name", 5),
    ],
)
def test_exit_code_of_two_runs(monkeypatch, codes, expression, expected):
    monkeypatch.setenv("K", expression)
    assert sum_up(codes) == expected
