"""Lesions: where they lie in a view, the iodine they hold and the tissue they replace."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.anatomy import Anatomy
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.lesion_plan import LesionPlan
from CEMSynthLib.phantom.outline import Outline

FloatArray = NDArray[np.float64]
OUTLINE_POINTS = 32


@dataclass(frozen=True)
class Lesion:
    """A lesion in one view.

    Parameters
    ----------
    plan
        What it is.
    center_mm
        (y, x) on the detector, chest wall at the left.
    outline_mm
        Array (points, 2) of (y, x): where the lesion ends.
    background_center_mm, background_radius_mm
        A disc in lesion-free tissue at the same distance to the skin, for CNR; the center is ``None`` where the
        breast has no room for one.
    iodine
        Mean areal density in the outline, mg/cm2.
    """

    plan: LesionPlan
    center_mm: tuple[float, float]
    outline_mm: FloatArray
    background_center_mm: tuple[float, float] | None
    background_radius_mm: float
    iodine: float


def _radius(plan: LesionPlan, angle: FloatArray, rng: np.random.Generator) -> FloatArray:
    radius = np.full_like(angle, plan.radius_mm)
    for k in range(2, 6):
        radius *= 1 + rng.normal(0, 0.10 / np.sqrt(k)) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    return radius


def _spicules(plan: LesionPlan, angle: FloatArray, distance: FloatArray, rng: np.random.Generator) -> FloatArray:
    pattern = np.zeros_like(angle)
    for k in (9, 13, 17, 23):
        pattern += np.cos(k * angle + rng.uniform(0, 2 * np.pi) + 0.05 * distance)
    rays = np.clip(pattern / 2.2, 0, 1) ** 2
    return np.asarray(plan.spiculation * 0.15 * rays * np.exp(-distance / (0.9 * plan.radius_mm)) * (distance > 0))


def place(plan: LesionPlan, outline: Outline, compression: Compression) -> tuple[float, float] | None:
    """(y, x) in mm, or ``None`` where the breast is too small for the lesion at its place."""
    y, x = (float(c) for c in compression.project(np.array([plan.center_mm]))[0])
    row, column = int(y / outline.spacing_mm), int(x / outline.spacing_mm)
    if not (0 <= row < outline.shape[0] and 0 <= column < outline.shape[1]):
        return None
    return (y, x) if outline.skin_distance_mm[row, column] > plan.radius_mm + 6 else None


def _background(
    center: tuple[float, float], radius: float, outline: Outline, taken: list[tuple[float, float, float]]
) -> tuple[float, float] | None:
    """Center of the free disc nearest to the lesion whose distance to the skin is most like the lesion's own."""
    spacing = outline.spacing_mm
    own = outline.skin_distance_mm[int(center[0] / spacing), int(center[1] / spacing)]
    best, best_cost = None, np.inf
    for distance in np.arange(2.8, 6.4, 0.4) * radius:
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
            y, x = center[0] + distance * np.sin(angle), center[1] + distance * np.cos(angle)
            row, column = int(y / spacing), int(x / spacing)
            if not (0 <= row < outline.shape[0] and radius + 2 < x < outline.shape[1] * spacing):
                continue
            there = outline.skin_distance_mm[row, min(column, outline.shape[1] - 1)]
            if there < radius + 6 or any(np.hypot(y - t[0], x - t[1]) < radius + 1.6 * t[2] for t in taken):
                continue
            cost = abs(there - own) + 0.15 * distance
            if cost < best_cost:
                best, best_cost = (float(y), float(x)), cost
    return best


def add_lesions(
    anatomy: Anatomy, compression: Compression, plans: tuple[LesionPlan, ...], rng: np.random.Generator
) -> tuple[Anatomy, FloatArray, tuple[Lesion, ...]]:
    """Put lesions into a view.

    Returns
    -------
    anatomy
        With fat turned to gland where a lesion is dense.
    iodine
        Of the lesions, mg/cm2.
    lesions
        Those that found a place.
    """
    outline = anatomy.outline
    y, x = outline.coordinates()
    iodine, glandular = np.zeros(outline.shape), anatomy.glandular.copy()
    inner = anatomy.glandular + anatomy.adipose
    placed: list[tuple[LesionPlan, tuple[float, float], FloatArray]] = []
    for plan in plans:
        center = place(plan, outline, compression)
        if center is None or any(
            np.hypot(center[0] - c[0], center[1] - c[1]) < 2.5 * (plan.radius_mm + p.radius_mm) for p, c, _ in placed
        ):
            continue
        seed = int(rng.integers(2**32))
        angle, distance = np.arctan2(y - center[0], x - center[1]), np.hypot(y - center[0], x - center[1])
        edge = distance - _radius(plan, angle, np.random.default_rng(seed))
        # Projected chord of a round body, 1 at the center; its border is a little soft.
        body = np.sqrt(np.clip(1 - np.clip((edge + plan.radius_mm) / plan.radius_mm, 0, 1) ** 2, 0, 1))
        tissue = np.clip(body + _spicules(plan, angle, np.clip(edge, 0, None), np.random.default_rng(seed + 1)), 0, 1)
        depth_cm = np.minimum(2 * plan.radius_mm / 10, inner)
        glandular += np.clip(plan.density * tissue * depth_cm, 0, inner - glandular)
        uptake = body
        if plan.rim:
            uptake = (
                body * (0.35 + 0.65 * np.exp(-(((edge + 0.25 * plan.radius_mm) / (0.28 * plan.radius_mm)) ** 2))) * 1.3
            )
        iodine += plan.iodine * ndimage.gaussian_filter(uptake, 0.4 / outline.spacing_mm)
        around = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
        reach = _radius(plan, around, np.random.default_rng(seed))
        placed.append(
            (plan, center, np.column_stack([center[0] + reach * np.sin(around), center[1] + reach * np.cos(around)]))
        )
    lesions = []
    taken = [(c[0], c[1], p.radius_mm) for p, c, _ in placed]
    for plan, center, points in placed:
        radius = float(max(plan.radius_mm, 4.0))
        background = _background(center, radius, outline, taken)
        inside = np.hypot(y - center[0], x - center[1]) < plan.radius_mm
        lesions.append(Lesion(plan, center, points, background, radius, float(iodine[inside].mean())))
    changed = replace(anatomy, glandular=glandular, adipose=np.clip(inner - glandular, 0, None))
    return changed, iodine, tuple(lesions)
