import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trade_crm_analytics.geography import EARTH_RADIUS, get_distance

PLACES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("first", "second", "metres"),
    [
        # One degree of latitude is a 360th of the circumference, wherever it is.
        ((30.0, 120.0), (31.0, 120.0), 2 * math.pi * EARTH_RADIUS / 360),
        # On the equator a degree of longitude is as long; at 60° half of it, nearly.
        ((0.0, 10.0), (0.0, 11.0), 2 * math.pi * EARTH_RADIUS / 360),
        # Across the date line it is short.
        ((0.0, 179.5), (0.0, -179.5), 2 * math.pi * EARTH_RADIUS / 360),
        ((90.0, 0.0), (-90.0, 0.0), math.pi * EARTH_RADIUS),
        ((30.25, 120.15), (30.25, 120.15), 0.0),
    ],
)
def test_known_distances(first, second, metres):
    assert get_distance(first, second) == pytest.approx(metres, rel=1e-9, abs=1e-6)


@given(PLACES, PLACES)
def test_chord_of_the_sphere(first, second):
    """The same angle by the vectors of both places."""

    def vector(place):
        lat, lon = map(math.radians, place)
        return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))

    chord = math.dist(vector(first), vector(second))
    angle = 2 * math.asin(min(1.0, chord / 2))
    assert get_distance(first, second) == pytest.approx(EARTH_RADIUS * angle, rel=1e-6, abs=2e-2)
    assert get_distance(first, second) == pytest.approx(get_distance(second, first))
