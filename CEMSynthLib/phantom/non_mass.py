"""Non-mass enhancement in 3-D: clumps of uptake in a focus, along a duct, in a segment or in a region."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.lesion_plan import Distribution, LesionPlan, Pattern

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Clumps:
    """A cloud of Gaussian clumps.

    Parameters
    ----------
    places_mm
        (n, 3): from the lesion's center.
    sigma_mm
        (n,): standard deviation of each.
    amount
        (n,): integral of each over the detector, so that the mean over the cloud in CC, weighted with itself, is 1.
    """

    places_mm: FloatArray
    sigma_mm: FloatArray
    amount: FloatArray

    @property
    def reach_mm(self) -> float:
        """How far the cloud reaches from the center."""
        return float((np.linalg.norm(self.places_mm, axis=1) + 3 * self.sigma_mm).max())


def _axes(center_mm: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Rows: away from the nipple, and two directions across."""
    away = center_mm / np.linalg.norm(center_mm)
    aside = np.cross(away, rng.standard_normal(3))
    aside /= np.linalg.norm(aside)
    return np.stack([away, aside, np.cross(away, aside)])


def _ball(rng: np.random.Generator, count: int) -> FloatArray:
    ways = rng.standard_normal((count, 3))
    return np.asarray(ways / np.linalg.norm(ways, axis=1, keepdims=True) * rng.random((count, 1)) ** (1 / 3))


def _duct_tree(rng: np.random.Generator, count: int, half_mm: float, width: float) -> FloatArray:
    """Places along ducts that fan out away from the nipple, within a cone of ``width`` half lengths at its base."""
    ducts = max(3, count // 7)
    slope = _ball(rng, ducts)[:, 1:] * width
    start = rng.uniform(0.0, 0.45, ducts)
    start[0] = 0.0
    which = rng.integers(0, ducts, count)
    t = start[which] + (1 - start[which]) * rng.random(count)
    phase = rng.uniform(0, 2 * np.pi, (ducts, 2))
    winding = 0.06 * np.sin(7 * t[:, None] + phase[which])
    across = (0.06 + t[:, None] * slope[which]) * 1.0 + winding
    return np.asarray(half_mm * np.column_stack([2 * t - 1, across]) + rng.normal(0, 0.4, (count, 3)))


def _places(rng: np.random.Generator, plan: LesionPlan, count: int) -> FloatArray:
    half = 0.9 * plan.radius_mm
    if plan.distribution is Distribution.LINEAR:
        t = rng.uniform(-1, 1, count)
        phase = rng.uniform(0, 2 * np.pi, 2)
        winding = 0.10 * half * np.sin(2.5 * t[:, None] + phase)
        return np.column_stack([half * t, winding]) + rng.normal(0, 0.7, (count, 3))
    if plan.distribution is Distribution.SEGMENTAL:
        return _duct_tree(rng, count, half, 0.75)
    stretch = np.array([1.0, rng.uniform(0.6, 0.95), rng.uniform(0.55, 0.9)])
    # Uneven: half of the clumps lie around a few of the others.
    places = _ball(rng, count)
    near = rng.integers(0, max(2, count // 6), count)
    gathered = rng.random(count) < 0.5
    places[gathered] = places[near[gathered]] + rng.normal(0, 0.16, (int(gathered.sum()), 3))
    return np.asarray(half * stretch * places)


def draw_clumps(rng: np.random.Generator, plan: LesionPlan) -> Clumps:
    """Draw the cloud of one non-mass enhancement; the same in both views."""
    size = plan.radius_mm
    linear = plan.distribution is Distribution.LINEAR
    if plan.pattern is Pattern.CLUMPED:
        count, sigma, spread = int(np.clip((1.6 if linear else 2.6) * size, 10, 60)), (0.8, 1.5), 0.35
    elif plan.pattern is Pattern.HETEROGENEOUS:
        count, sigma, spread = int(np.clip((1.5 if linear else 3.0) * size, 12, 60)), (0.9, 2.8), 0.6
    else:
        count, sigma, spread = int(np.clip((3.0 if linear else 5.0) * size, 25, 110)), (1.4, 2.6), 0.15
    sigmas = rng.uniform(*sigma, count)
    if linear:
        sigmas = np.minimum(sigmas, 1.3)
    center = np.array(plan.center_mm)
    places = _places(rng, plan, count) @ _axes(center, rng)
    # Each clump brings iodine in proportion to its volume and a concentration of its own.
    amount = sigmas**3 * rng.lognormal(0, spread, count)
    seen = places @ Compression(0.0, (0.0, 0.0)).axes[:2].T
    apart = ((seen[:, None] - seen[None]) ** 2).sum(axis=2)
    both = sigmas[:, None] ** 2 + sigmas[None] ** 2
    squared = (amount[:, None] * amount[None] * np.exp(-apart / (2 * both)) / (2 * np.pi * both)).sum()
    return Clumps(places, sigmas, amount * (amount.sum() / squared))
