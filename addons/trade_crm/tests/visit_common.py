import base64
import io
from datetime import timedelta

from PIL import Image

from odoo import fields

from .access_common import AccessCommon
from .territory_common import TerritoryCommon

TOKEN = "a-visit-of-mine"


def make_photo(color="red", kind="JPEG"):
    """Base64 of a small picture."""
    content = io.BytesIO()
    Image.new("RGB", (4, 3), color).save(content, kind)
    return base64.b64encode(content.getvalue()).decode()


class VisitCommon(TerritoryCommon, AccessCommon):
    """``wok`` of Zhejiang, in Hangzhou, is visited by its salesperson."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rep = cls.user_zhejiang
        cls.wok.write(
            {"user_id": cls.rep.id, "partner_latitude": 30.25, "partner_longitude": 120.15}
        )
        cls.product_service.sale_ok = True
        cls.env.flush_all()

    def _visits(self, user=None):
        return self._as(user or self.rep, self.env["trade.visit"])

    def _ago(self, **delta):
        return fields.Datetime.to_string(fields.Datetime.now() - timedelta(**delta))

    def _values(self, **values):
        return {
            "partner_id": self.wok.id,
            "started_at": self._ago(minutes=30),
            "location_state": "located",
            "latitude": 30.251,
            "longitude": 120.15,
            "accuracy": 12.0,
            "purpose": "shelf",
            "report": "They want more tea.\nAnd a discount.",
            **values,
        }

    def _record(self, user=None, token=TOKEN, **values):
        result = self._visits(user).record(token, self._values(**values))
        return self.env["trade.visit"].browse(result["id"])

    def _finish(self, user=None, token=TOKEN, **values):
        return self._record(user, token, ended_at=self._ago(minutes=5), **values)

    def _plan(self, customer=None, user=None, **values):
        return self._visits(user).create({"partner_id": (customer or self.wok).id, **values})
