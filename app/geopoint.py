"""Where something was recorded, as XLSForm's `geopoint`: the text "latitude longitude altitude accuracy".

Decimal degrees (WGS 84) with seven decimals, then metres; an altitude that is not known is 0. Text, because patches hold no
fractions, and because it is kept as it was measured.
"""

import math
import re
from typing import NamedTuple

_POINT = re.compile(
    r"(-?[0-9]{1,2}(?:\.[0-9]{1,15})?) (-?[0-9]{1,3}(?:\.[0-9]{1,15})?) "
    r"(-?[0-9]{1,5}(?:\.[0-9]{1,6})?) ([0-9]{1,7}(?:\.[0-9]{1,6})?)"
)


class Geopoint(NamedTuple):
    """A geopoint read: coordinates as they were written, to be copied into a map; the accuracy in whole metres, rounded up."""

    latitude: str
    longitude: str
    accuracy_m: int


def write_geopoint(latitude: float, longitude: float, altitude: float | None, accuracy: float | None) -> str:
    """The geopoint of a measured position (degrees, metres). Raises ValueError when it is none."""
    metres = [f"{round(value or 0, 1) + 0.0:.1f}".removesuffix(".0") for value in (altitude, accuracy)]
    written = f"{latitude:.7f} {longitude:.7f} {' '.join(metres)}"
    if read_geopoint(written) is None:
        raise ValueError(written)
    return written


def read_geopoint(written: str) -> Geopoint | None:
    """What a geopoint says; None for text that is none, or a place that is not on the earth."""
    found = _POINT.fullmatch(written)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        return None
    return Geopoint(found[1], found[2], math.ceil(float(found[4])))
