"""The ring around a lesion: its area, its distance, and that a spline keeps it."""

import math

import numpy as np
import pytest

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask
from CEMSynthLib.measurement.ring import ring_around
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, bounds

GRID, SPACING = (600, 600), (0.1, 0.1)


def mask(shape) -> np.ndarray:
    return region_mask(Region("background", RegionRole.BACKGROUND, shape), GRID, SPACING)


def test_ring_around_a_disc_is_the_annulus() -> None:
    ring = mask(ring_around(Ellipse((30, 30), (5, 5)), 2, 4))
    y, x = np.mgrid[:600, :600] * 0.1
    distance = np.hypot(x - 30, y - 30)
    annulus = (distance > 7) & (distance < 11)
    assert np.count_nonzero(ring != annulus) < 0.01 * np.count_nonzero(annulus)
    assert np.count_nonzero(ring) * 0.01 == pytest.approx(math.pi * (11**2 - 7**2), rel=0.005)


@pytest.mark.parametrize(
    "lesion",
    [
        Rectangle((30, 30), (8, 5), 30.0),
        Polygon(((25, 25), (35, 25), (35, 35), (30, 27), (25, 35))),
        ClosedCurve(((25, 25), (35, 25), (38, 32), (30, 36))),
    ],
)
def test_ring_never_touches_the_lesion_nor_leaves_its_distance(lesion) -> None:
    ring, inside = mask(ring_around(lesion, 2, 4)), mask(lesion)
    rows, columns = np.nonzero(ring)
    rows_inside, columns_inside = np.nonzero(inside)
    nearest = [
        np.hypot(rows_inside - r, columns_inside - c).min() * 0.1
        for r, c in zip(rows[::97], columns[::97], strict=True)
    ]
    assert min(nearest) > 1.8
    assert not (ring & inside).any()
    x_low, y_low, x_high, y_high = bounds(lesion)
    assert rows.min() * 0.1 > y_low - 6.3
    assert rows.max() * 0.1 < y_high + 6.3
    assert columns.min() * 0.1 > x_low - 6.3
    assert columns.max() * 0.1 < x_high + 6.3


def test_nonsense_is_refused() -> None:
    for gap, width in ((-1, 2), (1, 0), (math.nan, 1)):
        with pytest.raises(RegionError, match="ring needs"):
            ring_around(Ellipse((30, 30), (5, 5)), gap, width)
