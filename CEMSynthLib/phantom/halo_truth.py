"""The true halo: the step from the dark band to the bright rim in a noise-free artifact map.

The bands are those of the design notes (definitions, section 2), found on P(d), the median at each distance to the
skin: the trough is the minimum behind the skin line and within 25% of the largest distance, the rim is the first
local maximum behind it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

STEP_MM = 0.5
SMOOTH_MM = 0.5
#: As parts of the largest distance: where the skin line ends, the trough lies, and the rim at the latest.
SKIN_LINE, TROUGH, RIM = 0.04, 0.25, 0.40
#: A maximum ends where P has fallen behind it by this part of the rise from the trough, and counts if it reaches half
#: of the highest rise.
FALL, COUNTS = 0.1, 0.5
#: Left out along the chest wall, as part of the height of the breast.
CHEST_WALL = 0.05
FEWEST_PIXELS = 5


def halo_profile(
    artifact: NDArray[np.floating], skin_distance_mm: NDArray[np.floating], used: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P(d): distances in mm, and the median of the map at each (gaps filled, a little smoothed)."""
    depth = np.floor(skin_distance_mm[used] / STEP_MM).astype(np.int64)
    values = artifact[used].astype(np.float64)
    order = np.lexsort((values, depth))
    sizes = np.bincount(depth)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    known = np.flatnonzero(sizes >= FEWEST_PIXELS)
    medians = values[order][starts[known] + sizes[known] // 2]
    index = np.arange(known[-1] + 1 if known.size else 0)
    filled = np.interp(index, known, medians) if known.size else np.zeros(0)
    return (index + 0.5) * STEP_MM, np.asarray(ndimage.gaussian_filter1d(filled, SMOOTH_MM / STEP_MM, mode="nearest"))


def halo_step(
    artifact: NDArray[np.floating],
    skin_distance_mm: NDArray[np.floating],
    mask: NDArray[np.bool_],
    excluded: NDArray[np.bool_] | None,
    spacing_mm: float,
) -> float:
    """Rim minus trough of the artifact, mg/cm2 equivalents.

    Parameters
    ----------
    artifact
        See `CEMSynthLib.phantom.recombination.artifact_map`; chest wall at the left border.
    skin_distance_mm
        Distance to the skin, same shape.
    mask, excluded
        Breast, and what is left out of it (pectoral muscle).
    spacing_mm
        Pixel spacing.

    Returns
    -------
    float
        At least 0; 0 where P does not rise behind the trough.
    """
    used = mask.copy()
    used[:, : round(CHEST_WALL * int(mask.any(axis=1).sum()))] = False
    if excluded is not None:
        used &= ~excluded
    # The map is smooth: pixels closer than `STEP_MM` to each other tell nothing new.
    some = slice(None, None, max(1, int(STEP_MM / spacing_mm)))
    _, profile = halo_profile(artifact[some, some], skin_distance_mm[some, some], used[some, some])
    if profile.size < 10:
        return 0.0
    skin_until, trough_until, rim_until = (round(part * (profile.size - 1)) for part in (SKIN_LINE, TROUGH, RIM))
    skin = int(np.argmax(profile[: skin_until + 1]))
    trough = skin + int(np.argmin(profile[skin : trough_until + 1]))
    counts = COUNTS * float(profile[trough : rim_until + 1].max() - profile[trough])
    highest = 0.0
    for value in profile[trough : rim_until + 1] - profile[trough]:
        if value > highest:
            highest = float(value)
        elif highest >= counts and highest - value > FALL * highest:
            break
    return highest
