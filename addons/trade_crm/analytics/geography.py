"""How far two places are from each other."""

from math import asin, cos, radians, sin, sqrt

# Mean radius in metres (IUGG). The earth is no sphere: results are right within 0.6 %.
EARTH_RADIUS = 6_371_008.8


def get_distance(first, second):
    """Great-circle distance by the haversine formula.

    :param first: (latitude, longitude) in degrees, and ``second`` likewise
    :return: metres
    """
    (lat_1, lon_1), (lat_2, lon_2) = (map(radians, place) for place in (first, second))
    chord = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin((lon_2 - lon_1) / 2) ** 2
    # Rounding may carry it past 1 between places opposite to each other.
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(chord)))
