"""Halo (breast-in-breast artifact): the step from the dark band behind the skin up to the bright rim.

From the skin inward: a thin bright skin line, a dark band (trough), a step up to a bright rim, an interior that may
fall again. P(d) is the median of the image at depth d behind the skin edge, smoothed. No accepted clinical number
exists; this project reports step = P(rim) - P(trough) and rim excess = P(rim) - interior, interior being the median of
P at 40-80% of the maximal depth.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import MeasurementError, PixelValueError
from CEMSynthLib.measurement.noise import image_noise
from CEMSynthLib.measurement.profile import DepthProfile, FloatArray, find_band, group_medians, make_profile
from CEMSynthLib.measurement.skin_depth import SECTORS, STRIPES, SkinDepth, skin_depth

#: Parts of the maximal depth: the skin line lies within the first, the trough within the second; the rim lies outside
#: the interior, which is the third.
SKIN_LINE_FRACTION = 0.04
TROUGH_FRACTION = 0.25
INTERIOR_FRACTIONS = (0.40, 0.80)
#: The step that counts as a halo, as part of the VOI window width (0.2 mg iodine per cm2 on a window of 380 units).
THRESHOLD_FRACTION = 0.02
#: A profile shorter than this many pixels is not measured.
MINIMUM_DEPTHS = 40
#: Fewer sectors than this give no interval.
MINIMUM_SECTORS = 4
#: Where the breast reaches the front border of the image over more than this part of its height, it is cropped.
CROPPED_FRACTION = 0.25
RESAMPLES = 2000


class HaloVerdict(Enum):
    """Present, absent, uncertain or not measurable."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    NOT_MEASURABLE = "not measurable"


@dataclass(frozen=True)
class HaloSector:
    """The halo in one angular sector of the breast.

    Parameters
    ----------
    angles_degrees
        (from, to), seen from the point on the chest wall at mid-height: -90 up, 0 straight to the front, 90 down.
    pixels
        Pixels that took part.
    step
        P(rim) - P(trough) of this sector; ``None`` where too little of it is seen. Trough and rim are found in every
        other stripe of 3.75 degrees, the step is measured there in the stripes between, and the other way round; the
        mean of both is reported. So the band may lie deeper in one sector than in the next, and noise, which always
        has a minimum and a maximum, makes no step on average (unless it is correlated over a stripe's width).
    """

    angles_degrees: tuple[float, float]
    pixels: int
    step: float | None


@dataclass(frozen=True, eq=False)
class HaloResult:
    """The halo of one image. All numbers are ``None`` where the verdict is *not measurable*.

    Parameters
    ----------
    verdict, reason
        The verdict and, in a sentence, what it rests on.
    depth_unit
        ``"mm"``, or ``"pixels"`` (along the row) where the spacing is unknown.
    step, interval_95
        P(rim) - P(trough) of the whole breast, image units, and the 95% bootstrap interval of the mean step over
        sectors (see `HaloSector`), from which the verdict comes. As a maximum minus a minimum the step itself is never
        below 0, and on pure noise of standard deviation 20 (breast of 250 pixels' radius) it is 2 on average.
    threshold
        2% of the window width, image units: what the interval is held against.
    rim_excess
        P(rim) - interior, image units; ``None`` where there is no rim.
    trough_depth, rim_depth, band_width
        In ``depth_unit``; ``None`` where there is no band.
    rim_is_maximum
        False where P stays level behind the step, so that there is a dark band but no bright rim.
    noise, step_to_noise
        1.4826 MAD of the high-pass residual, image units; the ratio is ``None`` where the noise is 0.
    step_mg_per_cm2
        ``None`` where the image is not calibrated.
    sectors
        Twelve, from top to bottom; empty where not measurable.
    profile
        P(d) for plotting.
    formula
        The name that exported numbers carry.
    """

    verdict: HaloVerdict
    reason: str
    depth_unit: str
    threshold: float
    step: float | None = None
    interval_95: tuple[float, float] | None = None
    rim_excess: float | None = None
    interior: float | None = None
    trough_depth: float | None = None
    rim_depth: float | None = None
    band_width: float | None = None
    rim_is_maximum: bool = False
    noise: float | None = None
    step_to_noise: float | None = None
    step_mg_per_cm2: float | None = None
    sectors: tuple[HaloSector, ...] = ()
    profile: DepthProfile | None = None
    formula: str = "halo_rim_minus_trough"

    @property
    def sector_mean(self) -> float | None:
        """Mean step of the sectors that are seen, image units: what ``interval_95`` is the interval of."""
        steps = [sector.step for sector in self.sectors if sector.step is not None]
        return float(np.mean(steps)) if steps else None


def measure_halo(
    image: NDArray[np.floating],
    breast: NDArray[np.bool_],
    skin: NDArray[np.bool_],
    chest_wall: str,
    spacing_mm: tuple[float, float] | None,
    window_width: float,
    *,
    excluded: NDArray[np.bool_] | None = None,
    units_per_mg: float | None = None,
    implant: bool = False,
    seed: int = 0,
) -> HaloResult:
    """Measure the halo of a recombined or synthetic image.

    Parameters
    ----------
    image
        Modality units, brighter = more iodine, shape (rows, columns).
    breast, skin
        Breast mask and the part of its outline that is skin, same shape.
    chest_wall
        ``"left"`` or ``"right"``.
    spacing_mm
        (row, column) spacing in mm, or ``None``: then d runs along the row, in pixels, only where the skin leans less
        than 45 degrees.
    window_width
        Width of the VOI window, image units, above 0; clinical and synthetic image share one.
    excluded
        Pixels to leave out (pectoral muscle, nipple, markers). In any case 5% of the breast's height is left out at
        the ends of the skin edge, along the chest wall and along image borders.
    units_per_mg
        Image units for 1 mg iodine per cm2, where calibrated.
    implant
        True where the header says so (0028,1300): not measurable.
    seed
        Of the bootstrap.

    Returns
    -------
    HaloResult

    Raises
    ------
    MeasurementError
        Masks of another size, a side other than left or right, a window width or calibration not above 0.
    PixelValueError
        Pixels of the breast that are not numbers.
    """
    _check(image, (breast, skin, excluded), chest_wall, window_width, units_per_mg)
    threshold = THRESHOLD_FRACTION * window_width
    unit = "mm" if spacing_mm else "pixels"

    def not_measurable(reason: str) -> HaloResult:
        return HaloResult(HaloVerdict.NOT_MEASURABLE, reason, unit, threshold)

    if implant:
        return not_measurable("the breast has an implant")
    if not breast.any() or not skin.any():
        return not_measurable("no skin edge is seen")
    front = breast[:, -1] if chest_wall == "left" else breast[:, 0]
    if front.sum() > CROPPED_FRACTION * breast.any(axis=1).sum():
        return not_measurable("the breast is cropped: its front lies outside the image")
    depth = skin_depth(breast, skin, chest_wall, spacing_mm, excluded)
    pixel = min(spacing_mm) if spacing_mm else 1.0
    whole, halves = _profiles(image, depth, pixel)
    if whole is None or len(whole.depth) < MINIMUM_DEPTHS:
        return not_measurable("too little of the breast lies behind a skin edge that is seen")
    found = find_band(whole, *_limits(len(whole.depth)))
    steps = [_sector_step(halves[2 * i], halves[2 * i + 1], len(whole.depth)) for i in range(SECTORS)]
    known = np.asarray([step for step in steps if step is not None])
    if len(known) < MINIMUM_SECTORS:
        return not_measurable(f"the skin edge is seen in {len(known)} of {SECTORS} sectors only")
    interval = _interval(known, seed)
    verdict, reason = _verdict(interval, threshold, window_width)
    size = len(whole.depth)
    inner = whole.smoothed[round(INTERIOR_FRACTIONS[0] * size) : round(INTERIOR_FRACTIONS[1] * size)]
    interior = float(np.median(inner))
    noise = image_noise(image, depth.used)
    width = 180.0 / SECTORS
    pixels = np.bincount(depth.stripe[depth.used] // STRIPES, minlength=SECTORS)
    return HaloResult(
        verdict=verdict,
        reason=reason,
        depth_unit=unit,
        threshold=threshold,
        step=found.step,
        interval_95=interval,
        rim_excess=None if found.rim is None else float(whole.smoothed[found.rim]) - interior,
        interior=interior,
        trough_depth=None if found.rim is None else float(whole.depth[found.trough]),
        rim_depth=None if found.rim is None else float(whole.depth[found.rim]),
        band_width=found.width,
        rim_is_maximum=found.rim_is_maximum,
        noise=noise,
        step_to_noise=found.step / noise if noise > 0 else None,
        step_mg_per_cm2=found.step / units_per_mg if units_per_mg else None,
        sectors=tuple(
            HaloSector((-90.0 + width * i, -90.0 + width * (i + 1)), int(pixels[i]), steps[i]) for i in range(SECTORS)
        ),
        profile=whole,
    )


def _check(
    image: NDArray[np.floating],
    masks: tuple[NDArray[np.bool_] | None, ...],
    chest_wall: str,
    window_width: float,
    units_per_mg: float | None,
) -> None:
    if any(mask is not None and mask.shape != image.shape for mask in masks):
        raise MeasurementError("A mask has another size than the image; make it for this image.")
    if chest_wall not in ("left", "right"):
        raise MeasurementError(f'The chest wall lies at the left or the right border, not "{chest_wall}".')
    if not (np.isfinite(window_width) and window_width > 0):
        raise MeasurementError(f"The window width is {window_width}; it must be above 0.")
    if units_per_mg is not None and not (np.isfinite(units_per_mg) and units_per_mg > 0):
        raise MeasurementError(f"The calibration is {units_per_mg} units per mg/cm2; it must be above 0.")
    if masks[0] is not None and not np.isfinite(image[masks[0]]).all():
        raise PixelValueError("The breast holds pixels that are not numbers; check the image.")


def _profiles(
    image: NDArray[np.floating], depth: SkinDepth, pixel: float
) -> tuple[DepthProfile | None, list[DepthProfile | None]]:
    """P(d) of the whole breast, and of the two halves (even and odd stripes) of each sector, on the same depths."""
    values = image[depth.used]
    rising = np.argsort(values)
    values = values[rising]
    bins = np.rint(depth.depth[depth.used][rising] / pixel).astype(np.int64)
    stripes = depth.stripe[depth.used][rising].astype(np.int64)
    groups = 2 * SECTORS
    count = int(bins.max(initial=0)) + 1
    medians, sizes = group_medians(values, bins, count)
    enough = np.flatnonzero(np.isfinite(medians))
    if enough.size < 2:
        return None, [None] * groups
    size = int(enough[-1]) + 1
    whole = make_profile(pixel, medians[:size], sizes[:size])
    medians, sizes = group_medians(values, (stripes // STRIPES * 2 + stripes % 2) * count + bins, groups * count)
    medians, sizes = medians.reshape(groups, count)[:, :size], sizes.reshape(groups, count)[:, :size]
    halves = [
        make_profile(pixel, medians[i], sizes[i]) if np.isfinite(medians[i]).sum() >= MINIMUM_DEPTHS else None
        for i in range(groups)
    ]
    return whole, halves


def _limits(size: int) -> tuple[int, int, int]:
    skin, trough, rim = (
        round(part * (size - 1)) for part in (SKIN_LINE_FRACTION, TROUGH_FRACTION, INTERIOR_FRACTIONS[0])
    )
    return skin, trough, rim


def _sector_step(even: DepthProfile | None, odd: DepthProfile | None, size: int) -> float | None:
    """Mean of two steps, each at the depths that the other half of the sector gave; ``None`` where not seen."""
    if even is None or odd is None:
        return None
    steps = []
    for finder, measured in ((even, odd), (odd, even)):
        seen = int(np.flatnonzero(np.isfinite(finder.median) & np.isfinite(measured.median))[-1])
        found = find_band(finder, *(min(limit, seen) for limit in _limits(size)))
        steps.append(
            0.0 if found.rim is None else float(measured.smoothed[found.rim] - measured.smoothed[found.trough])
        )
    return float(np.mean(steps))


def _interval(steps: FloatArray, seed: int) -> tuple[float, float]:
    """2.5th and 97.5th percentile of the mean of resampled sectors."""
    generator = np.random.default_rng(seed)
    means = steps[generator.integers(len(steps), size=(RESAMPLES, len(steps)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _verdict(interval: tuple[float, float], threshold: float, window_width: float) -> tuple[HaloVerdict, str]:
    span = f"{interval[0]:.3g} to {interval[1]:.3g}"
    limit = f"2% of the window width ({threshold:.3g} of {window_width:.4g})"
    if interval[0] > threshold:
        return HaloVerdict.PRESENT, f"the 95% interval of the mean step over sectors, {span}, lies above {limit}"
    if interval[1] < threshold:
        return HaloVerdict.ABSENT, f"the 95% interval of the mean step over sectors, {span}, lies below {limit}"
    return HaloVerdict.UNCERTAIN, f"the 95% interval of the mean step over sectors, {span}, holds {limit}"
