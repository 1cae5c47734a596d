"""Distance lines: where the breast lies 5, 10 and 15 mm behind its skin edge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from CEMSynthLib.measurement.skin_depth import skin_depth
from CEMSynthLib.scene.halo.contours import contour_lines, runs
from CEMSynthLib.study.mask import BreastMask
from CEMSynthLib.study.model import Mask

FloatArray = NDArray[np.float64]

#: Distances of the lines, mm.
DISTANCES_MM = (5.0, 10.0, 15.0)
#: The same where the spacing is unknown: parts of the breast's height, rounded to ten pixels (5 mm of 15 cm is 1/30).
DISTANCES_FRACTION = (1 / 30, 2 / 30, 3 / 30)
# Distances are computed on a grid of about this many rows and interpolated between: at 0.1 mm off by 0.01 mm.
_GRID = 1000


@dataclass(frozen=True, eq=False)
class DepthLine:
    """One line of equal distance to the skin.

    Parameters
    ----------
    distance
        mm, or pixels along the row where the spacing is unknown.
    unit
        ``"mm"`` or ``"pixels"``.
    pieces
        (row, column) in pixels of each connected piece, each of shape (n, 2).
    """

    distance: float
    unit: str
    pieces: tuple[FloatArray, ...]


def depth_lines(breast: BreastMask, skin: Mask, spacing_mm: tuple[float, float] | None) -> tuple[DepthLine, ...]:
    """Lines of equal distance, by the same distances that the halo is measured with.

    Parameters
    ----------
    breast
        The breast.
    skin
        The part of its outline that is skin.
    spacing_mm
        (row, column) spacing in mm, or ``None``: distances along the row, where the skin leans little.

    Returns
    -------
    tuple of DepthLine
        Empty where no skin is seen.
    """
    if not skin.any():
        return ()
    if spacing_mm is None:
        return _along_rows(breast, skin)
    return tuple(
        DepthLine(distance, "mm", tuple(pieces))
        for distance, pieces in zip(DISTANCES_MM, _contours(breast, skin, spacing_mm, DISTANCES_MM), strict=True)
    )


def _along_rows(breast: BreastMask, skin: Mask) -> tuple[DepthLine, ...]:
    depth = skin_depth(breast.mask, skin, breast.chest_wall.value, None)
    height = int(breast.mask.any(axis=1).sum())
    rows = np.flatnonzero(depth.used.any(axis=1))
    lines = []
    for distance in dict.fromkeys(max(10.0, 10.0 * round(part * height / 10)) for part in DISTANCES_FRACTION):
        hit = np.abs(np.where(depth.used[rows], depth.depth[rows], np.inf) - distance) < 0.5
        there = rows[hit.any(axis=1)]
        columns = hit[hit.any(axis=1)].argmax(axis=1)
        path = np.stack([there, columns], axis=1).astype(np.float64)
        breaks = np.flatnonzero(np.diff(there) > 1) + 1
        lines.append(DepthLine(distance, "pixels", tuple(p for p in np.split(path, breaks) if len(p) > 1)))
    return tuple(lines)


def _contours(
    breast: BreastMask, skin: Mask, spacing: tuple[float, float], distances: tuple[float, ...]
) -> list[list[FloatArray]]:
    """Contours of the Euclidean distance to the skin, inside the breast, for each distance."""
    far = 1.5 * max(distances)
    stride = max(1, round(max(breast.mask.shape) / _GRID))
    near = binary_dilation(breast.mask[::stride, ::stride], iterations=2)
    places = np.argwhere(near) * stride
    tree = cKDTree(np.argwhere(skin) * spacing)
    field = np.full(near.shape, far)
    field[near] = np.minimum(tree.query(places * spacing, distance_upper_bound=far)[0], far)
    return [[p for line in contour_lines(field, d) for p in _inside(line * stride, breast.mask)] for d in distances]


def _inside(line: FloatArray, mask: Mask) -> list[FloatArray]:
    """The stretches of a line that lie in the breast: distances grow on both sides of the skin."""
    rows, columns = np.clip(np.rint(line).astype(int).T, 0, np.asarray(mask.shape)[:, None] - 1)
    return [line[run] for run in runs(mask[rows, columns]) if run.size > 1]
