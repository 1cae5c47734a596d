"""The background region of a lesion: a disc of free tissue at the same distance to the skin, for CNR."""

from collections.abc import Sequence

import numpy as np

from CEMSynthLib.phantom.outline import Outline

#: Tissue between the disc and the skin, mm.
SKIN_MARGIN_MM = 6.0


def background_disc(
    center_mm: tuple[float, float],
    radius_mm: float,
    reach_mm: float,
    outline: Outline,
    taken: Sequence[tuple[float, float, float]],
) -> tuple[float, float] | None:
    """Center of the free disc near a lesion whose distance to the skin is most like the lesion's own.

    Parameters
    ----------
    center_mm
        (y, x) of the lesion.
    radius_mm
        Of the disc.
    reach_mm
        Of the lesion: the disc lies outside.
    outline
        Of the view.
    taken
        (y, x, radius) of everything that the disc must not meet, the lesion itself included.

    Returns
    -------
    tuple of float, or None
        (y, x) in mm; ``None`` where the breast has no room for it.
    """
    spacing = outline.spacing_mm
    rows, columns = (axis.ravel() for axis in outline.coordinates())
    others = np.array(taken, dtype=np.float64).reshape(-1, 3)

    def skin(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        row = np.clip(np.round((y - rows[0]) / spacing).astype(int), 0, rows.size - 1)
        column = np.clip(np.round((x - columns[0]) / spacing).astype(int), 0, columns.size - 1)
        return np.asarray(outline.skin_distance_mm[row, column])

    own = float(skin(np.array(center_mm[0]), np.array(center_mm[1])))
    distance = reach_mm + radius_mm * np.arange(1.1, 5.3, 0.4)[:, None]
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)[None, :]
    y, x = center_mm[0] + distance * np.sin(angle), center_mm[1] + distance * np.cos(angle)
    free = (y > rows[0] + radius_mm) & (y < rows[-1] - radius_mm) & (x > columns[0] + radius_mm + 2)
    free &= x < columns[-1]
    there = skin(y, x)
    free &= there >= radius_mm + SKIN_MARGIN_MM
    for other_y, other_x, other_radius in others:
        free &= np.hypot(y - other_y, x - other_x) >= radius_mm + other_radius
    if not free.any():
        return None
    # Nearer than 1.6 radii only where there is no other room.
    near = np.clip(reach_mm + 1.6 * radius_mm - distance, 0, None)
    cost = np.where(free, np.abs(there - own) + 0.15 * distance + 2 * near, np.inf)
    best = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return float(y[best]), float(x[best])
