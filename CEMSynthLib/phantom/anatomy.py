"""The compressed breast from inside: path lengths of each tissue and the iodine, seen from the source.

First version: each view is drawn on its own in the projection, with parallel rays. Fibroglandular tissue is a stack
of projected layers, each a network of thin walls around fat lobules that converges on the nipple, over 1/f^beta noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom import texture
from CEMSynthLib.phantom.outline import Outline, thickness_maps
from CEMSynthLib.phantom.patient import Patient

FloatArray = NDArray[np.float64]

LAYERS = 6
TILE = 512


@dataclass(frozen=True)
class Anatomy:
    """Path lengths in cm and iodine in mg/cm2, arrays of one shape.

    ``skin``, ``adipose``, ``glandular``, ``muscle``: cm. ``iodine_bpe`` and ``iodine_vessels``: mg/cm2, without
    lesions.
    """

    outline: Outline
    thickness: FloatArray
    skin: FloatArray
    adipose: FloatArray
    glandular: FloatArray
    muscle: FloatArray
    iodine_bpe: FloatArray
    iodine_vessels: FloatArray


def _smooth_step(value: FloatArray) -> FloatArray:
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def pectoral_muscle(outline: Outline, rng: np.random.Generator, flat_cm: float) -> FloatArray:
    """Muscle thickness in cm: a wedge in the upper corner of MLO that thins out toward its convex edge."""
    y, x = outline.coordinates()
    width = rng.uniform(18, 48)
    length = outline.nipple_mm[0] * rng.uniform(0.75, 1.0)
    edge = width * np.clip(1 - y / length, 0, None) ** rng.uniform(0.7, 1.0)
    inside_cm = np.clip(edge - x, 0, None) / 10.0
    return np.asarray(flat_cm * rng.uniform(0.15, 0.30) * (1 - np.exp(-inside_cm / 1.2)))


def _polar(outline: Outline) -> tuple[FloatArray, FloatArray]:
    y, x = outline.coordinates()
    ny, nx = outline.nipple_mm
    dy, dx = y - ny, (nx + 12.0) - x
    return np.hypot(dy, dx), np.arctan2(dy, np.maximum(dx, 1e-6))


def _strands(rng: np.random.Generator, outline: Outline, cell_mm: float, sharpness: float) -> FloatArray:
    """One projected layer of walls: round cells of ``cell_mm`` drawn out along the lines toward the nipple."""
    radius, angle = _polar(outline)
    tile = texture.band_tile(rng, TILE, cell=24.0)
    # Smooth (steep spectrum): the walls are to wind, not to fray.
    warp = [texture.power_law_field(rng, outline.shape, outline.spacing_mm, 6.0, 5 * cell_mm) for _ in range(2)]
    scale = 24.0 / cell_mm
    along = radius / rng.uniform(1.2, 2.2) + warp[0] * cell_mm * 0.6
    across = angle * 62.0 * (np.maximum(radius, 4.0) / 62.0) ** 0.62 + warp[1] * cell_mm * 0.5
    field = texture.sample_tile(tile, along * scale, across * scale)
    modulation = _smooth_step(0.5 + 0.5 * texture.power_law_field(rng, outline.shape, outline.spacing_mm, 5.0, 35.0))
    return texture.ridges(field, sharpness) * (0.12 + 0.88 * modulation)


def _gland_envelope(patient: Patient, outline: Outline, rng: np.random.Generator, view: str) -> FloatArray:
    """Where gland lies: a cone behind the nipple, thinning toward chest wall, axilla and subcutaneous fat."""
    y, x = outline.coordinates()
    ny, nx = outline.nipple_mm
    fat_mm = rng.uniform(5, 10) * (1.25 - patient.nodularity * 0.6)
    wander = texture.power_law_field(rng, outline.shape, outline.spacing_mm, 3.4, 50.0)
    under_fat = _smooth_step((outline.skin_distance_mm - fat_mm + 2.5 * wander) / 9.0)
    behind_nipple = np.exp(-((y - ny) ** 2) / (2 * 9.0**2) - ((x - nx) ** 2) / (2 * 12.0**2))
    under_fat = np.maximum(under_fat, 0.9 * behind_nipple)
    center_y = ny + rng.normal(0, 8) - (12 if view == "MLO" else 0)
    center_x = nx * rng.uniform(0.52, 0.66)
    spread_y = 10 * patient.half_height * rng.uniform(0.42, 0.6) * (0.8 + 0.7 * patient.nodularity)
    spread_x = nx * rng.uniform(0.36, 0.5) * (0.85 + 0.5 * patient.nodularity)
    distance = np.hypot((y - center_y) / spread_y, (x - center_x) / spread_x) + 0.16 * wander
    cone = _smooth_step((1.75 - distance) / 1.25)
    return np.asarray(under_fat * (0.05 + 0.95 * cone) * outline.mask)


def _winding(rng: np.random.Generator, steps: int) -> FloatArray:
    """Slope of a vessel along its way: slow and quick turns, the quick ones smaller."""
    slow = ndimage.gaussian_filter1d(rng.standard_normal(steps + 200), 18)[100:-100]
    quick = ndimage.gaussian_filter1d(rng.standard_normal(steps + 200), 5)[100:-100]
    return np.asarray(0.30 * slow / slow.std() + 0.16 * quick / quick.std())


def _vessels(rng: np.random.Generator, outline: Outline) -> FloatArray:
    """Iodine of a few winding vessels, mg/cm2: tubes of 0.5-2 mm, 1.2-2.6 mg per ml of blood."""
    shape, spacing = outline.shape, outline.spacing_mm
    areal = np.zeros(shape)
    ny, nx = outline.nipple_mm
    for _ in range(int(rng.integers(3, 7))):
        steps = int(nx * 0.85)
        side = rng.choice([-1.0, 1.0])
        y0 = ny + side * rng.uniform(15, 75)
        angle = _winding(rng, steps)
        path_x = np.linspace(2, nx * rng.uniform(0.55, 0.95), steps)
        path_y = (
            y0
            + np.cumsum(np.tan(np.clip(angle, -1, 1)))
            + (ny - y0) * np.linspace(0, 1, steps) ** 2 * rng.uniform(0.2, 0.8)
        )
        diameter = rng.uniform(0.8, 2.0) * np.linspace(1, 0.55, steps)
        iodine = rng.uniform(1.2, 2.6)
        fine = np.linspace(0, steps - 1, steps * 4)
        rows = np.round(np.interp(fine, np.arange(steps), path_y) / spacing - 0.5).astype(int)
        columns = np.round(np.interp(fine, np.arange(steps), path_x) / spacing - 0.5).astype(int)
        inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        line = np.ones(shape, dtype=bool)
        line[rows[inside], columns[inside]] = False
        distance, nearest = ndimage.distance_transform_edt(line, return_indices=True)
        widths = np.full(shape, float(diameter.mean()))
        widths[rows[inside], columns[inside]] = np.interp(fine, np.arange(steps), diameter)[inside]
        half = widths[nearest[0], nearest[1]] / 2
        chord_mm = 2 * np.sqrt(np.clip(half**2 - (distance * spacing) ** 2, 0, None))
        areal = np.maximum(areal, iodine * chord_mm / 10)
    areal = ndimage.gaussian_filter(areal, 0.3 / spacing)
    return np.asarray(areal * _smooth_step((outline.skin_distance_mm - 4) / 6) * outline.mask)


def breast_anatomy(patient: Patient, view: str, outline: Outline, rng: np.random.Generator) -> Anatomy:
    """Draw the inside of one view."""
    outer, inner = thickness_maps(patient, view, outline)
    spacing, shape = outline.spacing_mm, outline.shape
    envelope = _gland_envelope(patient, outline, rng, view)
    beta = patient.beta_mlo if view == "MLO" else patient.beta_cc
    cells_mm = rng.uniform(2.6, 3.8) * (1.15 - 0.3 * patient.nodularity)
    strands = np.zeros(shape)
    for layer in range(LAYERS):
        size = 1.42**layer
        strands += size**0.55 * _strands(rng, outline, cells_mm * size, rng.uniform(2.2, 3.6))
    strands /= strands[outline.mask].mean()
    clouds = texture.power_law_field(rng, shape, spacing, beta + 1.2, 40.0)
    lumps = texture.power_law_field(rng, shape, spacing, beta, 10.0)
    share = envelope * (0.72 * strands * (1 + 0.5 * clouds).clip(0.1) + 0.28 * (1 + 0.7 * clouds + 0.3 * lumps).clip(0))
    # Cooper's ligaments and small strands run through the fat everywhere.
    through_fat = _smooth_step((outline.skin_distance_mm - 1.5) / 4) * outline.mask
    ligaments = (_strands(rng, outline, 11.0, 8.0) + 0.7 * _strands(rng, outline, 4.5, 4.0)) * through_fat
    grain = (1 + 0.5 * texture.power_law_field(rng, shape, spacing, beta - 0.3, 8.0)).clip(0) * through_fat
    share = share / max(float(share[outline.mask].mean()), 1e-6)
    # Column averages cannot exceed 1; bend large shares instead of cutting them, then meet the drawn glandularity.
    target = patient.glandularity
    for _ in range(6):
        bent = 0.92 * (1 - np.exp(-share * target / 0.92))
        share *= patient.glandularity / max(
            float(np.average(bent[outline.mask], weights=inner[outline.mask] + 1e-9)), 1e-6
        )
    share = np.clip(bent + 0.045 * ligaments + 0.03 * grain, 0, 1)
    muscle = np.zeros(shape)
    if view == "MLO":
        muscle = np.minimum(pectoral_muscle(outline, rng, patient.thickness_mlo), inner) * outline.mask
        share = share * _smooth_step(1 - muscle / 1.5)
    glandular = share * (inner - muscle)
    nipple = np.exp(-(((outline.coordinates()[0] - outline.nipple_mm[0]) / 5.5) ** 4)) * _smooth_step(
        (outline.coordinates()[1] - outline.nipple_mm[1] + 6) / 8
    )
    glandular = glandular + nipple * (inner - muscle - glandular)
    mottled = (1 + 0.6 * texture.power_law_field(rng, shape, spacing, 3.2, 20.0)).clip(0.1)
    return Anatomy(
        outline=outline,
        thickness=outer,
        skin=np.where(outline.mask, outer - inner, 0.0),
        adipose=np.clip(inner - glandular - muscle, 0, None),
        glandular=glandular,
        muscle=muscle,
        iodine_bpe=glandular * patient.bpe_iodine * mottled,
        iodine_vessels=_vessels(rng, outline),
    )
