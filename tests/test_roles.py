from pathlib import Path

from odoo.tests import TransactionCase, tagged

from tools.roles import make_page

PAGE = Path(__file__).parents[1] / "docs" / "roles.md"


@tagged("post_install", "-at_install")
class TestRoles(TransactionCase):
    def test_page_is_up_to_date(self):
        self.assertEqual(
            make_page(self.env),
            PAGE.read_text(encoding="utf-8"),
            "The access rights have changed: run `make roles` and read the difference.",
        )
