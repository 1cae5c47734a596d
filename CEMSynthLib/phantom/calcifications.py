"""Calcifications in 3-D: grouped fine ones, scattered round ones, coarse ones, and those of vessels.

Mean diameter on mammograms: 0.19 mm in benign, 0.21 to 0.32 mm in malignant groups ("Computerized image analysis of
clustered microcalcifications on mammography: morphometric comparison between mammography and pathology"); a group is
five or more within 1 cm (BI-RADS). The mineral is porous: `MINERAL` of the volume counts as hydroxyapatite (chosen).
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
MINERAL = 0.4


class Calcification(StrEnum):
    """Morphology, as far as it is drawn (words of BI-RADS)."""

    FINE_PLEOMORPHIC = "fine pleomorphic, grouped"
    PUNCTATE = "punctate, grouped"
    ROUND = "round, scattered"
    COARSE = "coarse"
    VASCULAR = "vascular"


def draw_calcifications(
    rng: np.random.Generator, kind: Calcification, extent_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Draw calcifications around a place.

    Parameters
    ----------
    extent_mm
        Radius of a group; half the length of a vessel; ignored for a coarse one.

    Returns
    -------
    places
        (n, 3) in mm from the middle.
    radii
        (n,) in mm: each calcification is one ball or several that touch.
    """
    if kind is Calcification.COARSE:
        # Popcorn: balls that overlap.
        size = rng.uniform(0.7, 1.6)
        count = int(rng.integers(6, 14))
        return rng.normal(0, 0.55 * size, (count, 3)), rng.uniform(0.25, 0.6, count) * size
    if kind is Calcification.VASCULAR:
        return _vascular(rng, extent_mm)
    if kind is Calcification.ROUND:
        count = int(rng.integers(2, 8))
        return rng.normal(0, 0.5 * extent_mm, (count, 3)), rng.uniform(0.2, 0.5, count)
    count = int(rng.integers(6, 31))
    places = rng.normal(0, 0.45, (count, 3)) * extent_mm * np.array([1.0, 0.7, 0.7])
    if kind is Calcification.PUNCTATE:
        return places, 0.5 * np.clip(rng.lognormal(np.log(0.19), 0.25, count), 0.1, 0.5)
    # Pleomorphic: sizes differ, and most are short rods of two to four grains.
    radii = 0.5 * np.clip(rng.lognormal(np.log(0.22), 0.40, count), 0.1, 0.6)
    grains = rng.integers(1, 5, count)
    which = np.repeat(np.arange(count), grains)
    order = np.concatenate([np.arange(g) for g in grains])
    ways = rng.standard_normal((count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    jitter = rng.normal(0, 0.25, (which.size, 3))
    grain = 0.8 * radii[which] * rng.uniform(0.7, 1.1, which.size)
    return places[which] + (1.3 * order[:, None] * ways[which] + jitter) * radii[which][:, None], grain


def _vascular(rng: np.random.Generator, half_mm: float) -> tuple[FloatArray, FloatArray]:
    """Two parallel broken lines along a winding vessel of 1.5 to 2.5 mm."""
    t = np.arange(-half_mm, half_mm, 0.35)
    phase = rng.uniform(0, 2 * np.pi, 2)
    axis = np.column_stack([t, 2.0 * np.sin(t / 7 + phase[0]), 1.5 * np.sin(t / 9 + phase[1])])
    wall = rng.uniform(0.75, 1.25)
    kept, places = rng.uniform(0.3, 0.7), []
    for side in (-1.0, 1.0):
        # Calcified in stretches of about 3 mm.
        present = np.convolve(rng.standard_normal(t.size + 8), np.ones(9) / 3, mode="valid") > 1.0 - 2 * kept
        places.append((axis + np.array([0.0, side * wall, 0.3 * side * wall]))[present])
    beads = np.concatenate(places)
    return beads + rng.normal(0, 0.1, beads.shape), rng.uniform(0.10, 0.24, len(beads))
