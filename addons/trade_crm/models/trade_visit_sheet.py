import base64
import binascii
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, LockError, UserError
from odoo.fields import Domain
from odoo.tools.mimetypes import guess_mimetype

# Clocks of telephones are not exact, and a visit may wait for a connection.
CLOCK_TOLERANCE = timedelta(minutes=10)
LONGEST_WAIT = timedelta(days=30)
MOST_PHOTOS = 12
MOST_NOTES = 50
MOST_PLANNED = 50
LARGEST_PHOTO = 5 * 1024 * 1024
PHOTO_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
TEXT_FIELDS = ("contact_id", "purpose", "report", "next_step", "next_day")
PRODUCTS = 12
COMPETITORS = 30


class TradeVisit(models.Model):
    """What the telephone asks for and sends.

    It keeps what was typed until it has got through, and sends it again when it cannot know. So
    everything here may come twice, late, and after something newer from another window.
    """

    _inherit = "trade.visit"

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    @api.readonly
    def get_sheet(self, visit_id=None, partner_id=None):
        """What is known before a visit, to be filled in on site.

        :param visit_id: a visit that is planned or going on, or
        :param partner_id: the customer, for a visit that nobody has planned
        :return: dict of plain values
        :raise AccessError: when the user may not read the customer
        """
        visit = self.browse(visit_id or ())
        visit.check_access("read")
        customer = self.env["res.partner"]._get_readable_customer(
            visit.partner_id.id if visit else partner_id
        )
        return {
            "visit": bool(visit)
            and {
                "id": visit.id,
                "state": visit.state,
                "token": visit._get_own_token(),
                "started_at": fields.Datetime.to_string(visit.started_at),
                "next_day": fields.Date.to_string(visit.next_day) or "",
                **{name: visit[name] or "" for name in ("purpose", "report", "next_step")},
                "contact_id": visit.contact_id.id,
            },
            "customer": self._describe_customer(customer),
            "last": self._describe_last(customer),
            "products": self._get_usual_products(customer),
            "competitors": self._get_competitors(),
            "purposes": self._fields["purpose"]._description_selection(self.env),
            "kinds": self.env["trade.market.note"]._fields["kind"]._description_selection(self.env),
            "currency": self.env.company.currency_id.symbol,
            "may_order": self.env["sale.order"].has_access("create"),
        }

    def _get_own_token(self):
        """That of a visit which the user has begun, so that another phone can go on with it."""
        owner, _separator, token = (self.sudo().trade_token or "").partition(":")
        return owner == str(self.env.uid) and token

    @api.model
    @api.readonly
    def get_plan(self):
        """The user's visits of today, and those that have begun and not ended.

        :return: list of dicts of plain values
        """
        today = fields.Date.context_today(self)
        visits = self.search(
            Domain("user_id", "=", self.env.uid)
            & (
                Domain("state", "=", "ongoing")
                | Domain("state", "=", "planned") & Domain("day", "=", today)
            ),
            order="day, sequence, id",
            limit=MOST_PLANNED,
        )
        return [
            {
                "id": visit.id,
                "state": visit.state,
                "state_label": visit._get_label("state"),
                "purpose": visit._get_label("purpose"),
                "customer": visit.partner_id.name,
                "address": visit.partner_id._get_short_address(),
            }
            for visit in visits
        ]

    def _get_label(self, name):
        return dict(self._fields[name]._description_selection(self.env))[self[name]]

    @api.model
    def _describe_customer(self, customer):
        people = self.env["res.partner"].search(
            [("parent_id", "=", customer.id), ("type", "=", "contact")], limit=MOST_NOTES
        )
        return {
            "id": customer.id,
            "name": customer.name,
            "is_archived": not customer.active,
            "address": customer._get_short_address(),
            "phone": customer.phone or "",
            "place": any((customer.partner_latitude, customer.partner_longitude))
            and [customer.partner_latitude, customer.partner_longitude],
            "contacts": [[person.id, person.name] for person in people],
        }

    @api.model
    def _describe_last(self, customer):
        last = self._get_last_visit(customer)
        return bool(last) and {
            "day": fields.Date.to_string(last.day),
            "by": last.user_id.sudo().name,
            "report": last.report or "",
            "next_step": last.next_step or "",
        }

    @api.model
    def _get_usual_products(self, customer):
        """``[[id, name]]`` of what the customer buys most often."""
        usual = list(self.env["trade.quick.order"]._read_usual(customer))[:PRODUCTS]
        products = self.env["product.product"].search([("id", "in", usual)])
        products = products.sorted(lambda product: usual.index(product.id))
        return [[product.id, product.display_name] for product in products]

    @api.model
    def _get_competitors(self):
        found = self.env["trade.competitor"].search([], limit=COMPETITORS)
        return [[competitor.id, competitor.name] for competitor in found]

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    @api.model
    def record(self, token, values):
        """Save what was typed on site; as often as it comes, it is one visit.

        :param token: of the telephone, see ``trade.once.mixin``
        :param values: dict with ``visit_id`` or ``partner_id``; ``started_at`` and, when it is over,
            ``ended_at`` (UTC); ``location_state``, ``latitude``, ``longitude``, ``accuracy``;
            :data:`TEXT_FIELDS`; ``notes``, list of dicts as ``trade.market.note`` has fields
        :return: dict with ``id`` and ``state``
        :raise UserError: says what is wrong; nothing is saved
        """
        visit = self._find_sent(token)
        if not visit:
            visit = self._begin(token, values)
        visit = visit.sudo(False)
        self._lock_visit(visit)
        if visit.state == "ongoing":
            visit._fill_in(values)
        return {"id": visit.id, "state": visit.state}

    @api.model
    def _begin(self, token, values):
        """The visit of a new token: a planned one, or one that nobody has planned."""
        started_at = self._get_phone_time(values.get("started_at"))
        visit_id = values.get("visit_id")
        if visit_id:
            visit = self.browse(visit_id)
            visit.check_access("write")
            self._lock_visit(visit)
            if visit.state != "planned":
                raise UserError(
                    self.env._(
                        "This visit is %s already, by another window or phone.",
                        visit._get_label("state"),
                    )
                )
        else:
            customer = self.env["res.partner"]._get_readable_customer(values.get("partner_id"))
            visit = self._create_once({"partner_id": customer.id}, token)
        visit.sudo().write(
            {
                "state": "ongoing",
                "started_at": started_at,
                "day": fields.Datetime.context_timestamp(visit, started_at).date(),
                "trade_token": self._get_token_key(token),
                "received_at": fields.Datetime.now(),
                **self._get_place(values),
            }
        )
        return visit

    @api.model
    def _lock_visit(self, visit):
        try:
            visit.lock_for_update(allow_referencing=True)
        except LockError as error:
            raise ConcurrencyError(self.env._("This is being saved already.")) from error
        visit.invalidate_recordset(["state"])

    def _fill_in(self, values):
        self.ensure_one()
        notes = values.get("notes") or []
        if len(notes) > MOST_NOTES:
            raise UserError(self.env._("A visit has %s market notes at most.", MOST_NOTES))
        self.write({name: values[name] or False for name in TEXT_FIELDS if name in values})
        if not values.get("ended_at"):
            return
        self.env["trade.market.note"]._create_of_visit(self, notes)
        self.sudo().write(
            {
                "state": "done",
                "ended_at": max(self._get_phone_time(values["ended_at"]), self.started_at),
                "received_at": fields.Datetime.now(),
            }
        )
        self._tell_of_visits()

    @api.model
    def _get_phone_time(self, text):
        """A moment as a telephone told it.

        :raise UserError: when it cannot be: unreadable, to come, or too long ago
        """
        now = fields.Datetime.now()
        try:
            moment = fields.Datetime.to_datetime(text)
        except (TypeError, ValueError):
            moment = None
        if not moment or not now - LONGEST_WAIT <= moment <= now + CLOCK_TOLERANCE:
            raise UserError(
                self.env._("The phone's date and time cannot be right: set them and send again.")
            )
        return min(moment, now)

    @api.model
    def _get_place(self, values):
        state = values.get("location_state")
        if state not in dict(self._fields["location_state"].selection):
            state = "unavailable"
        if state != "located":
            return {"location_state": state}
        try:
            latitude, longitude, accuracy = (
                float(values[name]) for name in ("latitude", "longitude", "accuracy")
            )
        except (KeyError, TypeError, ValueError):
            return {"location_state": "unavailable"}
        if not (abs(latitude) <= 90 and abs(longitude) <= 180 and accuracy >= 0):
            return {"location_state": "unavailable"}
        return {
            "location_state": "located",
            "latitude": latitude,
            "longitude": longitude,
            "accuracy": accuracy,
        }

    @api.model
    def add_photo(self, token, name, data):
        """Attach a photo to the visit that was sent with ``token``; the same one only once.

        :param data: base64 of a JPEG, PNG or WebP of :data:`LARGEST_PHOTO` bytes at most
        :return: id of the attachment
        :raise UserError: says what is wrong with it
        """
        visit = self._find_sent(token).sudo(False)
        if not visit:
            raise UserError(self.env._("The visit of this photo has not arrived."))
        visit.check_access("write")
        content = self._decode_photo(data)
        self._lock_visit(visit)
        attachments = self.env["ir.attachment"]
        known = visit.photo_ids.filtered(
            lambda photo: photo.checksum == attachments._compute_checksum(content)
        )
        if known:
            return known[0].id
        if len(visit.photo_ids) >= MOST_PHOTOS:
            raise UserError(self.env._("A visit has %s photos at most.", MOST_PHOTOS))
        ending = PHOTO_ENDINGS[guess_mimetype(content)]
        photo = attachments.create(
            {
                "name": f"{str(name or 'photo')[:60].rsplit('.', 1)[0]}.{ending}",
                "raw": content,
                "res_model": self._name,
                "res_id": visit.id,
            }
        )
        visit.photo_ids = [fields.Command.link(photo.id)]
        return photo.id

    @api.model
    def _decode_photo(self, data):
        try:
            content = base64.b64decode(data or "", validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise UserError(self.env._("This is no picture.")) from error
        if len(content) > LARGEST_PHOTO:
            raise UserError(
                self.env._(
                    "A photo has at most %s MB: take it again, smaller.", LARGEST_PHOTO >> 20
                )
            )
        if not content or guess_mimetype(content) not in PHOTO_ENDINGS:
            raise UserError(
                self.env._("Only JPEG, PNG and WebP pictures can be photos of a visit.")
            )
        return content
