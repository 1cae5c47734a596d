"""Ring: a background region around a lesion, the band between two outlines at a distance from its convex hull."""

import math

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, Shape

#: Control points of each of the two outlines.
RING_POINTS = 48
_DIRECTIONS = 360


def ring_around(shape: Shape, gap: float, width: float) -> ClosedCurve:
    """The band around a lesion that its background is measured in.

    Parameters
    ----------
    shape
        The lesion.
    gap
        Distance of the band from the lesion's convex hull, scene units, 0 or more.
    width
        Width of the band, scene units, above 0.

    Returns
    -------
    ClosedCurve
        One closed line: around the hull at ``gap + width``, across, back around it at ``gap``, and across again where
        it came from. By the even-odd rule its inside is the band, so that a ring is drawn, saved and read like every
        other closed curve. Slicer's spline rounds the four corners where the line turns.

    Raises
    ------
    RegionError
        ``gap`` is below 0 or ``width`` is not above 0.
    """
    if not (math.isfinite(gap) and math.isfinite(width) and gap >= 0 and width > 0):
        raise RegionError("A ring needs a distance of 0 or more and a width above 0; change them.")
    # Imported here: it takes a tenth of a second, and the module opens without a ring.
    from scipy.spatial import ConvexHull

    corners = _corners(shape)
    # Imported here: it takes a tenth of a second, and only rings need it.

    hull = corners[ConvexHull(corners).vertices]
    inner, outer = _outline(hull, gap), _outline(hull, gap + width)
    # Points across the band as far apart as those along it: a spline swings beside a gap that is wider than the rest.
    piece = np.hypot(*(outer[1] - outer[0]))
    pieces = max(2, round(float(np.hypot(*(inner[0] - outer[0])) / max(piece, 1e-9))))
    part = np.arange(1, pieces)[:, None] / pieces
    across = outer[0] + part * (inner[0] - outer[0])
    line = np.concatenate([outer, outer[:1], across, inner[:1], inner[:0:-1], inner[:1], across[::-1]])
    return ClosedCurve(tuple((x, y) for x, y in line.tolist()))


def _corners(shape: Shape) -> NDArray[np.float64]:
    if isinstance(shape, Ellipse):
        shape = shape.curve()
    if isinstance(shape, ClosedCurve):
        shape = shape.polygon()
    if isinstance(shape, Polygon):
        return np.asarray(shape.points, dtype=np.float64)
    return _rectangle_corners(shape)


def _rectangle_corners(shape: Rectangle) -> NDArray[np.float64]:
    turn = math.radians(shape.angle_degrees)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(shape.size) / 2
    return np.asarray(half @ matrix + np.array(shape.center))


def _outline(hull: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """Points at equal steps along the line around a convex polygon at a distance, shape (RING_POINTS, 2)."""
    angle = 2 * math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # In each direction the farthest corner, moved outward.
    line = hull[np.argmax(hull @ direction.T, axis=0)] + distance * direction
    closed = np.concatenate([line, line[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    place = length[-1] * np.arange(RING_POINTS) / RING_POINTS
    return np.stack([np.interp(place, length, closed[:, axis]) for axis in (0, 1)], axis=1)
