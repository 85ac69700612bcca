import io
import re
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

ADDONS = Path(__file__).parents[1] / "addons"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|<[^>]*?\bname=|</?\w+")


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    """`make i18n` has been run, and nothing is left in English."""

    def test_template_is_up_to_date(self):
        for addon in self._get_addons():
            with self.subTest(addon=addon):
                exported = io.BytesIO()
                trans_export(None, [addon], exported, "po", self.env)
                terms = {entry.msgid for entry in polib.pofile(exported.getvalue().decode())}
                known = {entry.msgid for entry in self._read(addon, f"{addon}.pot")}
                self.assertFalse(terms ^ known, "Run `make i18n` and translate what is new.")

    def test_chinese_is_complete(self):
        for addon in self._get_addons():
            with self.subTest(addon=addon):
                terms = {entry.msgid for entry in self._read(addon, f"{addon}.pot")}
                entries = self._read(addon, "zh_CN.po")
                self.assertEqual({entry.msgid for entry in entries}, terms)
                self.assertFalse([entry.msgid for entry in entries if not entry.translated()])
                for entry in entries:
                    self.assertEqual(
                        sorted(PLACEHOLDER.findall(entry.msgstr)),
                        sorted(PLACEHOLDER.findall(entry.msgid)),
                        entry.msgid,
                    )

    def test_helpdesk_is_in_chinese(self):
        """The addon below ours comes without Chinese: ours brings it, and loses no term of it."""
        known = {
            entry.msgid
            for entry in polib.pofile(str(ADDONS / "trade_crm_service" / "i18n_extra" / "zh_CN.po"))
            if entry.translated()
        }
        self.assertFalse(self._get_data_terms("helpdesk_mgmt") - known)
        stage = self.env.ref("helpdesk_mgmt.helpdesk_ticket_stage_in_progress")
        self.assertEqual(stage.with_context(lang="zh_CN").name, "处理中")

    def _get_data_terms(self, addon):
        """What is in the database, and not in code: that only the addon itself translates."""
        exported = io.BytesIO()
        trans_export(None, [addon], exported, "po", self.env)
        return {
            entry.msgid
            for entry in polib.pofile(exported.getvalue().decode())
            if not all(place.startswith("code:") for place, _line in entry.occurrences)
        }

    def _get_addons(self):
        addons = sorted(path.parent.name for path in ADDONS.glob("*/__manifest__.py"))
        self.assertIn("trade_crm", addons)
        return addons

    def _read(self, addon, name):
        return polib.pofile(str(ADDONS / addon / "i18n" / name))
