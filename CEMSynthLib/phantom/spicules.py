"""Spicules: thin 3-D strands that leave a mass on all sides, thin out and end in the surrounding tissue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
STEP_MM = 0.3


@dataclass(frozen=True)
class Spicules:
    """Many small pieces of strands.

    Parameters
    ----------
    places_mm
        (n, 3): from the lesion's center.
    volume_mm3
        (n,).
    width_mm
        Standard deviation of a strand across.
    """

    places_mm: FloatArray
    volume_mm3: FloatArray
    width_mm: float

    @property
    def reach_mm(self) -> float:
        """How far they reach from the center."""
        return float(np.sqrt((self.places_mm**2).sum(axis=1).max()))


def _directions(rng: np.random.Generator, count: int) -> FloatArray:
    """Directions spread over the sphere, none too near to another (a turned, shaken spiral)."""
    z = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi)
    ring = np.sqrt(1 - z**2)
    places = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z]) + rng.normal(0, 0.22, (count, 3))
    return np.asarray(places / np.linalg.norm(places, axis=1, keepdims=True))


def draw_spicules(rng: np.random.Generator, core_mm: float, length_mm: float, count: int) -> Spicules:
    """Draw spicules.

    Parameters
    ----------
    core_mm
        Radius of the body that they leave.
    length_mm
        Mean length outside the body; single ones from half to twice of it.
    count
        How many.
    """
    places, volumes = [], []
    for way in _directions(rng, count):
        length = length_mm * float(np.clip(rng.lognormal(0, 0.4), 0.5, 2.0))
        t = np.arange(0, 1, STEP_MM / (length + 0.5 * core_mm))
        aside = np.cross(way, rng.standard_normal(3))
        aside /= np.linalg.norm(aside)
        bend = rng.normal(0, 0.12) * length
        axis = (0.5 * core_mm + t * (length + 0.5 * core_mm))[:, None] * way + (bend * t**2)[:, None] * aside
        # Strands side by side at the base, drawn together at the tip.
        base = rng.uniform(0.5, 1.0)
        for _ in range(3):
            shift = rng.normal(0, 0.7 * base, 3)
            wander = np.cumsum(rng.normal(0, 0.05, (t.size, 3)), axis=0)
            places.append(axis + (1 - t)[:, None] ** 1.3 * shift + wander)
            volumes.append(np.pi * (0.85 * base * (1 - 0.7 * t)) ** 2 * STEP_MM)
    return Spicules(np.concatenate(places), np.concatenate(volumes), 0.2)
