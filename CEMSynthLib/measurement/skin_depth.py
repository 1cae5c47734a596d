"""Depth: how far each pixel of the breast lies behind the skin, and to which part of the skin it belongs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

#: What is left out at the ends of the skin edge, along the chest wall and along image borders, as part of the height
#: of the breast (5 to 10 mm): fold, pectoral muscle's root and collimator lie there.
MARGIN_FRACTION = 0.05
#: Where only distances along the row are trusted: rows whose skin leans more than this (columns per row) are left out.
MAXIMAL_LEAN = 1.0
#: The angular sectors, each 15 degrees as seen from the point on the chest wall at mid-height.
SECTORS = 12
#: Each sector is cut into stripes of 3.75 degrees; even and odd ones make two halves that share no pixel.
STRIPES = 4


@dataclass(frozen=True, eq=False)
class SkinDepth:
    """Depth and stripe of every pixel that takes part.

    Parameters
    ----------
    used
        Boolean, shape (rows, columns): breast without margins and excluded pixels.
    depth
        Distance to the skin edge, float, shape (rows, columns); mm, or pixels along the row.
    stripe
        0 (top) ... 47 (bottom), shape (rows, columns): the angular stripe of the skin point that the depth is measured
        from; its sector is ``stripe // 4``.
    unit
        ``"mm"`` or ``"pixels"``.
    """

    used: NDArray[np.bool_]
    depth: NDArray[np.float64]
    stripe: NDArray[np.int16]
    unit: str


def skin_depth(
    breast: NDArray[np.bool_],
    skin: NDArray[np.bool_],
    chest_wall: str,
    spacing_mm: tuple[float, float] | None,
    excluded: NDArray[np.bool_] | None = None,
) -> SkinDepth:
    """Measure depth by a Euclidean distance transform to the skin edge only, or along rows where spacing is unknown.

    Parameters
    ----------
    breast, skin
        Breast mask and the part of its outline that is skin, shape (rows, columns).
    chest_wall
        The border at which the chest wall lies, ``"left"`` or ``"right"``.
    spacing_mm
        (row, column) spacing in mm; ``None``: pixels may be distorted, so only distances along the row are taken.
    excluded
        Pixels to leave out (pectoral muscle, nipple, markers), same shape.

    Returns
    -------
    SkinDepth
        ``used`` is all false where no skin is left.
    """
    spacing = spacing_mm or (1.0, 1.0)
    turned = chest_wall == "right"
    mask, edge = (breast[:, ::-1], skin[:, ::-1]) if turned else (breast, skin)
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0 or not edge.any():
        empty = np.zeros(mask.shape, dtype=bool)
        return SkinDepth(empty, np.zeros(mask.shape), np.zeros(mask.shape, np.int16), "mm" if spacing_mm else "pixels")
    height = (rows[-1] - rows[0] + 1) * spacing[0]
    margin = MARGIN_FRACTION * height
    ends = _near_contact(mask, edge, spacing, margin)
    depth, source = _euclidean(edge, spacing) if spacing_mm else _along_rows(mask, edge, round(margin))
    y, x = (source[0] - (rows[0] + rows[-1]) / 2) * spacing[0], source[1] * spacing[1]
    angle = np.degrees(np.arctan2(y, np.maximum(x, 1e-9)))
    count = SECTORS * STRIPES
    stripe = np.clip(np.floor((angle + 90.0) / 180.0 * count), 0, count - 1).astype(np.int16)
    used = mask & np.isfinite(depth) & ~ends[source[0], source[1]]
    used[:, : int(np.ceil(margin / spacing[1]))] = False
    border = int(np.ceil(margin / spacing[0]))
    if mask[0].any():
        used[:border] = False
    if mask[-1].any():
        used[-border:] = False
    if turned:
        used, depth, stripe = used[:, ::-1], depth[:, ::-1], stripe[:, ::-1]
    if excluded is not None:
        used = used & ~excluded
    return SkinDepth(used, depth, stripe, "mm" if spacing_mm else "pixels")


def _near_contact(
    mask: NDArray[np.bool_], edge: NDArray[np.bool_], spacing: tuple[float, float], margin: float
) -> NDArray[np.bool_]:
    """Skin points within the margin of where the breast meets the chest-wall, upper or lower border of the image."""
    contact = np.zeros(mask.shape, dtype=bool)
    contact[:, 0], contact[0], contact[-1] = mask[:, 0], mask[0], mask[-1]
    near = np.zeros(mask.shape, dtype=bool)
    if contact.any():
        points = np.argwhere(edge)
        distance, _ = cKDTree(np.argwhere(contact) * spacing).query(points * spacing)
        near[tuple(points[distance < margin].T)] = True
    return near


def _euclidean(edge: NDArray[np.bool_], spacing: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance to the nearest skin point, and that point's (row, column)."""
    depth, source = distance_transform_edt(~edge, sampling=spacing, return_indices=True)
    return np.asarray(depth, dtype=np.float64), np.asarray(source, dtype=np.int64)


def _along_rows(
    mask: NDArray[np.bool_], edge: NDArray[np.bool_], margin: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance along the row to the foremost skin point, where the skin leans little; infinite in other rows."""
    count = mask.shape[1]
    front = count - 1 - np.argmax(mask[:, ::-1], axis=1)
    rows = np.flatnonzero(mask.any(axis=1))
    good = np.zeros(mask.shape[0], dtype=bool)
    good[rows] = edge[rows, front[rows]]
    good[: rows[0] + margin] = False
    good[rows[-1] + 1 - margin :] = False
    reach = max(1, margin // 2)
    above = np.clip(np.arange(mask.shape[0]) - reach, rows[0], rows[-1])
    below = np.clip(np.arange(mask.shape[0]) + reach, rows[0], rows[-1])
    lean = np.abs(front[below] - front[above]) / np.maximum(below - above, 1)
    good &= lean <= MAXIMAL_LEAN
    depth = (front[:, None] - np.arange(count)[None, :]).astype(np.float64)
    depth[~good] = np.inf
    depth[depth < 0] = np.inf
    source = np.empty((2, *mask.shape), dtype=np.int64)
    source[0], source[1] = np.arange(mask.shape[0])[:, None], front[:, None]
    return depth, source
