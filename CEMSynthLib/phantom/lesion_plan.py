"""A lesion as it is planned, in the breast and before any view of it."""

from dataclasses import dataclass

import numpy as np

MAX_LESIONS = 3


@dataclass(frozen=True)
class LesionPlan:
    """A lesion before it is seen.

    Parameters
    ----------
    laterality
        ``"L"`` or ``"R"``.
    center_mm
        (depth, lateral, cranial): place in the breast, mm from the nipple toward the chest wall, outward, upward
        (see `Compression`).
    radius_mm
        Mean radius.
    iodine
        Areal density at the center, mg/cm2; 0 does not enhance.
    density
        Share of the column's tissue that the lesion's center turns to gland (0: not seen on LE but for its iodine).
    rim
        Rim instead of homogeneous uptake.
    spiculation
        0 round, 1 strongly spiculated.
    """

    laterality: str
    center_mm: tuple[float, float, float]
    radius_mm: float
    iodine: float
    density: float
    rim: bool
    spiculation: float


def draw_lesions(rng: np.random.Generator, depth_mm: float, half_height_mm: float) -> tuple[LesionPlan, ...]:
    """Draw the lesions of a patient whose breasts have the given size."""
    count = int(rng.choice([0, 1, 2, MAX_LESIONS], p=[0.25, 0.45, 0.2, 0.1]))
    return tuple(_draw_lesion(rng, depth_mm, half_height_mm) for _ in range(count))


def _draw_lesion(rng: np.random.Generator, depth_mm: float, half_height_mm: float) -> LesionPlan:
    enhances = rng.random() < 0.8
    visible = rng.random() < (0.65 if enhances else 1.0)
    return LesionPlan(
        laterality=str(rng.choice(["L", "R"])),
        center_mm=(
            float(depth_mm * rng.uniform(0.25, 0.7)),
            float(0.4 * half_height_mm * rng.uniform(-1, 1)),
            float(0.4 * half_height_mm * rng.uniform(-1, 1)),
        ),
        radius_mm=float(np.clip(rng.lognormal(np.log(5.5), 0.4), 2.8, 14.0)),
        iodine=float(rng.uniform(0.2, 2.0)) if enhances else 0.0,
        density=float(rng.uniform(0.3, 0.75)) if visible else float(rng.uniform(0.0, 0.08)),
        rim=bool(rng.random() < 0.3),
        spiculation=float(rng.uniform(0, 1) * (rng.random() < 0.6)),
    )
