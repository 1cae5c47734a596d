"""Nipple: where the skin sticks out before its smooth course, near the point farthest from the chest wall.

The smooth course is the breast mask opened by a disk wider than a nipple. What sticks out of it counts by its height
and by its nearness to the expected point: the farthest one along the normal of the chest wall, in oblique views of the
pectoral muscle's edge (posterior nipple line). Where nothing sticks out, the nipple is not in profile and the expected
point is all that is known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.study.model import Mask, Side
from CEMSynthLib.study.morphology import opened

#: Radius of the opening: mm, or part of the breast's height where the spacing is unknown (nipples are 9 to 14 mm wide).
OPENING_MM, OPENING_SHARE = 12.0, 0.06
#: From this height on something sticks out: mm, or part of the breast's height.
LEAST_HEIGHT_MM, LEAST_HEIGHT_SHARE = 1.2, 0.006
#: Radius of what counts as nipple and areola in front of it, for measurements that leave it out.
NIPPLE_RADIUS_MM, NIPPLE_RADIUS_SHARE = 10.0, 0.05
# Standard deviation of the nipple's distance to the expected point along the outline, as part of the breast's height.
_SCATTER = 0.16
# Rows whose front lies this close to the farthest one (part of the reach) share the expected point.
_FARTHEST = 0.01


@dataclass(frozen=True)
class NipplePosition:
    """Where the nipple is.

    Parameters
    ----------
    row, column
        Its base on the smooth course of the skin, pixels.
    in_profile
        True where it sticks out of the outline; otherwise the position is the point farthest from the chest wall.
    """

    row: float
    column: float
    in_profile: bool


def nipple_position(
    mask: Mask,
    chest_wall: Side,
    spacing_mm: tuple[float, float] | None = None,
    pectoral: Mask | None = None,
) -> NipplePosition | None:
    """Find the nipple from the outline of the breast.

    Parameters
    ----------
    mask
        Breast mask, shape (rows, columns), in one piece.
    chest_wall
        The border that the chest wall lies at.
    spacing_mm
        (between rows, between columns); ``None``: sizes go by the breast's height.
    pectoral
        The pectoral muscle in oblique views.

    Returns
    -------
    NipplePosition or None
        ``None`` where the mask is empty.
    """
    turn = slice(None) if chest_wall is Side.LEFT else slice(None, None, -1)
    breast = mask[:, turn]
    rows = np.flatnonzero(breast.any(axis=1))
    if rows.size == 0:
        return None
    sampling, height = spacing_mm or (1.0, 1.0), float(rows.size)
    if spacing_mm is None:
        radius, least = OPENING_SHARE * height, LEAST_HEIGHT_SHARE * height
    else:
        height *= sampling[0]
        radius, least = OPENING_MM, LEAST_HEIGHT_MM
    front = _front(opened(breast, radius, sampling))
    y, x = np.arange(len(front)) * sampling[0], front * sampling[1]
    tilt = _tilt(pectoral[:, turn] if pectoral is not None else None, sampling)
    reach = np.where(front >= 0, np.cos(tilt) * x + np.sin(tilt) * y, -np.inf)
    farthest = np.flatnonzero(reach >= reach.max() - _FARTHEST * height)
    expected = round(float(farthest.mean()))
    excess = np.where(front >= 0, (_front(breast) - front) * sampling[1], 0.0)
    along = np.hypot(y - y[expected], x - x[expected])
    score = excess * np.exp(-0.5 * (along / (_SCATTER * height)) ** 2)
    peak = int(np.argmax(score))
    in_profile = bool(excess[peak] >= least)
    row = expected
    if in_profile:
        labels, _ = ndimage.label(excess > 0.5 * excess[peak])
        here = np.flatnonzero(labels == labels[peak])
        row = round(float(np.average(here, weights=excess[here])))
    column = float(front[row])
    return NipplePosition(float(row), column if chest_wall is Side.LEFT else mask.shape[1] - 1 - column, in_profile)


def nipple_region(position: NipplePosition, mask: Mask, spacing_mm: tuple[float, float] | None = None) -> Mask:
    """Mark nipple and areola: what lies within 10 mm of the position (5% of the breast's height where mm are unknown).

    Parameters
    ----------
    position
        From `nipple_position`.
    mask
        Breast mask, shape (rows, columns).
    spacing_mm
        (between rows, between columns) or ``None``.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    sampling = spacing_mm or (1.0, 1.0)
    radius = NIPPLE_RADIUS_MM if spacing_mm else NIPPLE_RADIUS_SHARE * np.count_nonzero(mask.any(axis=1))
    row, column = np.arange(mask.shape[0])[:, None], np.arange(mask.shape[1])[None, :]
    distance = np.hypot((row - position.row) * sampling[0], (column - position.column) * sampling[1])
    return np.asarray(distance <= radius)


def _front(mask: Mask) -> NDArray[np.int64]:
    """The foremost column of each row; -1 where the row is empty."""
    last = mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)
    return np.where(mask.any(axis=1), last, -1)


def _tilt(pectoral: Mask | None, sampling: tuple[float, float]) -> float:
    """Angle between the muscle's edge and the chest-wall border, radians; 0 without a muscle."""
    if pectoral is None or not pectoral.any():
        return 0.0
    widths = pectoral.sum(axis=1)
    rows = np.flatnonzero(widths)
    if rows.size < 2:
        return 0.0
    slope = np.polyfit(rows * sampling[0], widths[rows] * sampling[1], 1)[0]
    return float(np.arctan(max(0.0, -slope)))
