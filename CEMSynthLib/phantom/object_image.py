"""Test object: a block with iodine inserts, steps of thickness and of glandularity, imaged by the same physics.

For what a physicist asks of a CEM system: is the recombined image linear in iodine, what do thickness and gland leave
in it, what is its noise made of, and how does contrast stand against it on a flat and on a structured background.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.detector import check_spacing
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.imaging import expose
from CEMSynthLib.phantom.physics import REFERENCE_GLANDULARITY, SKIN_CM, ExposurePair, Tissue
from CEMSynthLib.phantom.presentation import RAW_MAXIMUM, present_low_energy, present_recombined, raw_values
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.recombination import fat_attenuation, recombine
from CEMSynthLib.phantom.technique import Technique, exposure_pair
from CEMSynthLib.phantom.texture import power_law_field

FloatImage = NDArray[np.float32]

# Millimeters, (y, x); the block begins at the chest wall (x = 0), with air at its other sides.
FIELD_MM, BLOCK_MM, AIR_MM = (240.0, 172.0), (200.0, 152.0), 20.0
IODINE_MG_CM2 = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
THINNER_CM = (0.0, 0.25, 0.5, 1.0, 1.5)
GLANDULARITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
INSERT_RADIUS_MM, BACKGROUND_RADIUS_MM, STEP_HALF_MM = 6.0, 4.0, 10.0
FLAT_ROW_MM, STRUCTURED_ROW_MM, THICKNESS_ROW_MM, GLAND_ROW_MM = 44.0, 82.0, 122.0, 150.0
BAND_MM = (64.0, 108.0)  # rows of the structured background
UNIFORM_MM, UNIFORM_HALF_MM = (192.0, 76.0), (18.0, 60.0)


@dataclass(frozen=True)
class ObjectRegion:
    """A named part of the test object.

    Parameters
    ----------
    name
        Unique, e.g. ``"iodine 0.5 flat"``.
    kind
        ``"iodine"``, ``"background"`` (of the insert of the same number), ``"thickness"``, ``"glandularity"`` or
        ``"uniform"``.
    center_mm, half_mm
        (y, x) from the corner of the field; half the height and width of a rectangle, or the radius of a disc twice.
    disc
        Else a rectangle.
    iodine, thickness_cm, glandularity
        Truth: mg/cm2, cm, volume fraction without skin (the mean on structured background).
    structured
        Whether it lies on the structured background.
    """

    name: str
    kind: str
    center_mm: tuple[float, float]
    half_mm: tuple[float, float]
    disc: bool
    iodine: float
    thickness_cm: float
    glandularity: float
    structured: bool = False

    def mask(self, shape: tuple[int, int], spacing_mm: float, margin_mm: float = 0.0) -> NDArray[np.bool_]:
        """Pixels whose center lies in it, at least ``margin_mm`` from its border."""
        y, x = ((np.arange(n) + 0.5) * spacing_mm - c for n, c in zip(shape, self.center_mm, strict=True))
        high, wide = (half - margin_mm for half in self.half_mm)
        if self.disc:
            return np.asarray(y[:, None] ** 2 + x[None, :] ** 2 < high**2)
        return np.asarray((np.abs(y) < high)[:, None] & (np.abs(x) < wide)[None, :])


@dataclass(frozen=True, eq=False)
class TestObject:
    """The images of the test object and what they show, chest wall at the left border, arrays of one shape.

    Parameters
    ----------
    pair, thickness_cm, spacing_mm
        How it was imaged; thickness of the block.
    low_energy, recombined
        uint16, For Presentation, 12 bits; the windows are those of `CEMSynthLib.phantom.presentation`.
    low_energy_raw, high_energy_raw
        uint16, For Processing, 14 bits.
    equivalents
        The recombined image in mg/cm2 iodine equivalents, float32; NaN in air.
    iodine, thickness, glandularity
        Truth: mg/cm2, cm, volume fraction; float32, 0 in air.
    mask
        Where the block is.
    regions
        Inserts with their backgrounds, steps and the uniform area.
    """

    __test__ = False  # pytest takes classes of this name for tests

    pair: ExposurePair
    thickness_cm: float
    spacing_mm: float
    low_energy: NDArray[np.uint16]
    recombined: NDArray[np.uint16]
    low_energy_raw: NDArray[np.uint16]
    high_energy_raw: NDArray[np.uint16]
    equivalents: FloatImage
    iodine: FloatImage
    thickness: FloatImage
    glandularity: FloatImage
    mask: NDArray[np.bool_]
    regions: tuple[ObjectRegion, ...]

    def region(self, name: str) -> ObjectRegion:
        """The region of that name (`KeyError` where there is none)."""
        return {region.name: region for region in self.regions}[name]


def _regions(thickness_cm: float) -> tuple[ObjectRegion, ...]:
    plain = ObjectRegion("", "", (0, 0), (0, 0), True, 0.0, thickness_cm, REFERENCE_GLANDULARITY)
    found = []
    for structured, row in ((False, FLAT_ROW_MM), (True, STRUCTURED_ROW_MM)):
        ground = "structured" if structured else "flat"
        for index, iodine in enumerate(IODINE_MG_CM2):
            x = 16.0 + 20.0 * index
            base = replace(plain, structured=structured)
            found.append(
                replace(
                    base,
                    name=f"iodine {iodine:g} {ground}",
                    kind="iodine",
                    center_mm=(row, x),
                    half_mm=(INSERT_RADIUS_MM,) * 2,
                    iodine=iodine,
                )
            )
            found.append(
                replace(
                    base,
                    name=f"background {iodine:g} {ground}",
                    kind="background",
                    center_mm=(row + 14.0, x),
                    half_mm=(BACKGROUND_RADIUS_MM,) * 2,
                )
            )
    for index, thinner in enumerate(THINNER_CM):
        found.append(
            replace(
                plain,
                name=f"thickness {thickness_cm - thinner:g} cm",
                kind="thickness",
                center_mm=(THICKNESS_ROW_MM, 20.0 + 28.0 * index),
                half_mm=(STEP_HALF_MM,) * 2,
                disc=False,
                thickness_cm=thickness_cm - thinner,
            )
        )
    for index, gland in enumerate(GLANDULARITIES):
        found.append(
            replace(
                plain,
                name=f"glandularity {100 * gland:g}%",
                kind="glandularity",
                center_mm=(GLAND_ROW_MM, 20.0 + 28.0 * index),
                half_mm=(STEP_HALF_MM,) * 2,
                disc=False,
                glandularity=gland,
            )
        )
    found.append(
        replace(plain, name="uniform", kind="uniform", center_mm=UNIFORM_MM, half_mm=UNIFORM_HALF_MM, disc=False)
    )
    return tuple(found)


def simulate_test_object(
    pair_name: str, thickness_cm: float, spacing_mm: float, seed: int, *, technique: Technique | None = None
) -> TestObject:
    """Image the test object.

    Scatter is corrected perfectly and the machine takes the whole block for as thick as it is, so that what is seen
    comes from the physics alone; another ``technique`` adds its errors.

    Parameters
    ----------
    pair_name
        Of the exposures, one of `CEMSynthLib.phantom.physics.PAIRS`.
    thickness_cm
        Of the block, 2 to 10.
    spacing_mm
        Pixel spacing, 0.05 to 2 mm.
    seed
        Of noise and structured background, at least 0.
    technique
        Its scatter error, noise factor, motion and shift are used, its pair is not.

    Returns
    -------
    TestObject

    Raises
    ------
    PhantomError
        The pair is not known, or thickness, spacing or seed is impossible.
    """
    if not 2 <= thickness_cm <= 10:
        raise PhantomError(f"a test object of {thickness_cm:g} cm cannot be imaged: choose 2 to 10 cm")
    check_spacing(spacing_mm)
    if seed < 0:
        raise PhantomError(f"the seed must not be negative (got {seed})")
    pair = exposure_pair(pair_name)
    technique = replace(technique or Technique(pair, 0.0, 0.0, 1.0), pair=pair)
    shape = (round(FIELD_MM[0] / spacing_mm), round(FIELD_MM[1] / spacing_mm))
    y, x = ((np.arange(n) + 0.5) * spacing_mm for n in shape)
    mask = ((y > AIR_MM) & (y < AIR_MM + BLOCK_MM[0]))[:, None] & (x < BLOCK_MM[1])[None, :]
    gland = np.full(shape, REFERENCE_GLANDULARITY, dtype=np.float32)
    field = power_law_field(generator(seed, 0, Stream.TEXTURE), shape, spacing_mm, 3.0, 20.0)
    band = (y > BAND_MM[0]) & (y < BAND_MM[1])
    gland[band] = np.clip(REFERENCE_GLANDULARITY + 0.15 * field[band], 0, 1)
    thickness = np.where(mask, np.float32(thickness_cm), np.float32(0))
    iodine = np.zeros(shape, dtype=np.float32)
    regions = _regions(thickness_cm)
    for region in regions:
        inside = region.mask(shape, spacing_mm)
        if region.kind == "iodine":
            iodine[inside] = region.iodine
        elif region.kind == "thickness":
            thickness[inside] = region.thickness_cm
        elif region.kind == "glandularity":
            gland[inside] = region.glandularity
    gland *= mask
    skin = np.where(mask, np.float32(SKIN_CM), np.float32(0))
    inner = thickness - skin
    tissue = Tissue(adipose=inner * (1 - gland), glandular=inner * gland, skin=skin, iodine=iodine)
    exposures = expose(
        technique,
        tissue,
        thickness,
        thickness_cm,
        spacing_mm,
        generator(seed, 0, Stream.NOISE),
        generator(seed, 0, Stream.MOTION),
    )
    assumed = np.full(shape, thickness_cm, dtype=np.float32)
    equivalents = recombine(pair, exposures, assumed, thickness_cm, technique.scatter_left)
    uniform = regions[-1].mask(shape, spacing_mm)
    return TestObject(
        pair=pair,
        thickness_cm=thickness_cm,
        spacing_mm=spacing_mm,
        low_energy=present_low_energy(exposures.low, fat_attenuation(pair, assumed), mask, spacing_mm),
        recombined=present_recombined(equivalents, mask, uniform),
        low_energy_raw=np.where(mask, raw_values(exposures.low), np.uint16(RAW_MAXIMUM)),
        high_energy_raw=np.where(mask, raw_values(exposures.high), np.uint16(RAW_MAXIMUM)),
        equivalents=np.where(mask, equivalents, np.float32(np.nan)),
        iodine=iodine,
        thickness=thickness,
        glandularity=gland,
        mask=mask,
        regions=regions,
    )
