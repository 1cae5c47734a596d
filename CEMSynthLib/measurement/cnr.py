"""CNR: how far a lesion stands out of its background, by four named formulas, each with its uncertainty.

With means m and standard deviations s (ddof = 1) of lesion L and background B, in image units:
``sd_background`` (mL - mB) / sB; ``sd_pooled`` (mL - mB) / sqrt((sL^2 + sB^2) / 2);
``relative_signal_percent`` 100 (mL - mB) / mB; ``contrast`` mL - mB.
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import PixelValueError, RegionError
from CEMSynthLib.measurement.regions import require_enough_pixels

#: The number of background blocks aimed at; each is about a fifth of the region across.
BLOCKS = 25
#: How far the lesion region is shifted, and its stand-in where the spacing is unknown.
SHIFT_MM = 1.0
SHIFT_FRACTION_OF_DIAMETER = 0.1


class CNRFormula(Enum):
    """The name that every exported number carries."""

    SD_BACKGROUND = "sd_background"
    SD_POOLED = "sd_pooled"
    RELATIVE_SIGNAL_PERCENT = "relative_signal_percent"
    CONTRAST = "contrast"


@dataclass(frozen=True)
class RegionStatistics:
    """Mean and standard deviation (ddof = 1) in image units, pixel count, area in mm2 (``None``: spacing unknown)."""

    mean: float
    sd: float
    pixels: int
    area_mm2: float | None


#: Statistics of lesion and background in each draw of the bootstrap.
Resamples = tuple[tuple[RegionStatistics, RegionStatistics], ...]


@dataclass(frozen=True)
class CNRResult:
    """One contrast figure of one lesion on one image.

    Parameters
    ----------
    formula
        Which formula gave ``value``.
    value
        The figure; image units for ``contrast``, percent for ``relative_signal_percent``, otherwise without a unit.
    uncertainty
        Standard deviation of the resampled figures, same unit.
    interval_95
        Their 2.5th and 97.5th percentile, same unit.
    lesion, background
        Statistics of the two regions.
    """

    formula: CNRFormula
    value: float
    uncertainty: float
    interval_95: tuple[float, float]
    lesion: RegionStatistics
    background: RegionStatistics


def region_statistics(
    image: NDArray[np.floating],
    mask: NDArray[np.bool_],
    spacing_mm: tuple[float, float] | None = None,
    name: str = "region",
) -> RegionStatistics:
    """Mean, standard deviation (ddof = 1), pixel count and area of a region, in float64.

    Parameters
    ----------
    image
        Modality units, shape (rows, columns).
    mask
        The region, same shape.
    spacing_mm
        (row, column) spacing in mm or ``None``.
    name
        For the error text.

    Raises
    ------
    RegionError
        The shapes differ or there are fewer than 20 pixels.
    PixelValueError
        A pixel of the region is not a number.
    """
    if image.shape != mask.shape:
        raise RegionError(f'The region "{name}" was made for an image of another size; make its mask for this image.')
    pixels = require_enough_pixels(mask, name)
    values = np.asarray(image[mask], dtype=np.float64)
    if not np.isfinite(values).all():
        raise PixelValueError(f'The region "{name}" holds pixels that are not numbers; check the image.')
    area = pixels * spacing_mm[0] * spacing_mm[1] if spacing_mm else None
    return RegionStatistics(float(values.mean()), _sd(values), pixels, area)


def _sd(values: NDArray[np.float64]) -> float:
    """Standard deviation (ddof = 1), exactly 0 where all values are equal (rounding would leave about 1e-17)."""
    return float(values.std(ddof=1)) if values.min() < values.max() else 0.0


def contrast_to_noise(
    image: NDArray[np.floating],
    lesion: NDArray[np.bool_],
    background: NDArray[np.bool_],
    spacing_mm: tuple[float, float] | None = None,
    formula: CNRFormula = CNRFormula.SD_BACKGROUND,
    *,
    resamples: int = 400,
    seed: int = 0,
) -> CNRResult:
    """Compute one contrast figure with its uncertainty.

    Parameters
    ----------
    image
        Modality units, shape (rows, columns), brighter = more iodine (or attenuation).
    lesion, background
        Masks of the same shape, see `CEMSynthLib.measurement.regions.region_mask`.
    spacing_mm
        (row, column) spacing in mm or ``None``.
    formula
        The formula; ``sd_background`` is the project's default.
    resamples, seed
        Of the bootstrap; the same seed gives the same interval.

    Returns
    -------
    CNRResult

    Raises
    ------
    RegionError
        A region has fewer than 20 pixels, or a mask has another shape than the image.
    PixelValueError
        A pixel is not a number, the standard deviation (or, for ``relative_signal_percent``, the background mean)
        that the formula divides by is 0.

    Notes
    -----
    Uncertainty: each resample draws (1) as many square blocks of the background as there are, with replacement (blocks
    keep the correlation of neighboring pixels; about 25 of them), and (2) one of nine positions of the lesion region,
    its own and the eight at 1 mm around it (where the spacing is unknown: a tenth of its equivalent diameter, at least
    one pixel; positions that leave the image are left out). The value itself is computed once, on the regions as drawn.
    """
    return contrast_result(
        formula,
        region_statistics(image, lesion, spacing_mm, "lesion"),
        region_statistics(image, background, spacing_mm, "background"),
        resample_regions(image, lesion, background, spacing_mm, resamples=resamples, seed=seed),
    )


def resample_regions(
    image: NDArray[np.floating],
    lesion: NDArray[np.bool_],
    background: NDArray[np.bool_],
    spacing_mm: tuple[float, float] | None = None,
    *,
    resamples: int = 400,
    seed: int = 0,
) -> Resamples:
    """Draw both regions again and again, see `contrast_to_noise`; all formulas share the draws.

    Parameters
    ----------
    image
        Modality units, shape (rows, columns); a part of the image gives the same numbers if it holds both regions and
        1 mm (or a tenth of the lesion's diameter) around the lesion.
    lesion, background
        Masks of the same shape.
    spacing_mm
        (row, column) spacing in mm or ``None``.
    resamples, seed
        How many draws, and the start of their random numbers.

    Returns
    -------
    Resamples
    """
    generator = np.random.default_rng(seed)
    positions = _shifted(image, lesion, spacing_mm)
    blocks = _blocks(image, background)
    drawn = []
    for _ in range(resamples):
        position = positions[int(generator.integers(len(positions)))]
        pooled = _pooled(blocks[generator.integers(len(blocks), size=len(blocks))])
        if pooled is not None:
            drawn.append((position, pooled))
    return tuple(drawn)


def contrast_result(
    formula: CNRFormula, lesion: RegionStatistics, background: RegionStatistics, resamples: Resamples
) -> CNRResult:
    """One contrast figure from what is known of both regions.

    Parameters
    ----------
    formula
        The formula.
    lesion, background
        Of the regions as drawn.
    resamples
        From `resample_regions`.

    Raises
    ------
    PixelValueError
        What the formula divides by is 0.
    """
    value = contrast_figure(formula, lesion, background)
    # Blocks that happen to be flat would give a CNR without bound: such draws are left out.
    smallest = 1e-3 * abs(_divisor(formula, lesion, background))
    figures = [contrast_figure(formula, *drawn) for drawn in resamples if abs(_divisor(formula, *drawn)) > smallest]
    spread = float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0
    low, high = np.percentile(figures, [2.5, 97.5]) if figures else (value, value)
    return CNRResult(formula, value, spread, (float(low), float(high)), lesion, background)


def _divisor(formula: CNRFormula, lesion: RegionStatistics, background: RegionStatistics) -> float:
    match formula:
        case CNRFormula.SD_BACKGROUND:
            return background.sd
        case CNRFormula.SD_POOLED:
            return math.sqrt((lesion.sd**2 + background.sd**2) / 2)
        case CNRFormula.RELATIVE_SIGNAL_PERCENT:
            return background.mean / 100
        case CNRFormula.CONTRAST:
            return 1.0


def contrast_figure(formula: CNRFormula, lesion: RegionStatistics, background: RegionStatistics) -> float:
    """The figure alone, without its uncertainty.

    Raises
    ------
    PixelValueError
        What the formula divides by is 0.
    """
    divisor = _divisor(formula, lesion, background)
    if divisor == 0:
        what = "has a mean of 0" if formula is CNRFormula.RELATIVE_SIGNAL_PERCENT else "has no noise (SD is 0)"
        raise PixelValueError(
            f"The background region {what}, so {formula.value} is not defined; draw it elsewhere in the breast."
        )
    return (lesion.mean - background.mean) / divisor


def _shifted(
    image: NDArray[np.floating], lesion: NDArray[np.bool_], spacing_mm: tuple[float, float] | None
) -> list[RegionStatistics]:
    """Statistics of the lesion region at its nine positions that stay inside the image."""
    rows, columns = np.nonzero(lesion)
    if spacing_mm:
        step = [max(1, round(SHIFT_MM / spacing)) for spacing in spacing_mm]
        diagonal = [max(1, round(SHIFT_MM / math.sqrt(2) / spacing)) for spacing in spacing_mm]
    else:
        diameter = 2 * math.sqrt(len(rows) / math.pi)
        step = [max(1, round(SHIFT_FRACTION_OF_DIAMETER * diameter))] * 2
        diagonal = [max(1, round(SHIFT_FRACTION_OF_DIAMETER * diameter / math.sqrt(2)))] * 2
    found = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            length = diagonal if down and right else step
            r, c = rows + down * length[0], columns + right * length[1]
            if r.min() >= 0 and c.min() >= 0 and r.max() < image.shape[0] and c.max() < image.shape[1]:
                values = np.asarray(image[r, c], dtype=np.float64)
                if np.isfinite(values).all():
                    found.append(RegionStatistics(float(values.mean()), _sd(values), len(r), None))
    return found


def _blocks(image: NDArray[np.floating], background: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Count, mean and sum of squared deviations of each square block of the background, shape (blocks, 3)."""
    rows, columns = np.nonzero(background)
    values = np.asarray(image[rows, columns], dtype=np.float64)
    side = max(2, round(math.sqrt(len(rows) / BLOCKS)))
    key = (rows - rows.min()) // side * (image.shape[1] + 1) + (columns - columns.min()) // side
    _, block = np.unique(key, return_inverse=True)
    count = np.bincount(block).astype(np.float64)
    mean = np.bincount(block, values) / count
    squares = np.bincount(block, (values - mean[block]) ** 2)
    return np.stack([count, mean, squares], axis=1)


def _pooled(blocks: NDArray[np.float64]) -> RegionStatistics | None:
    """Mean and standard deviation of all pixels of the drawn blocks together."""
    count, mean, squares = blocks.T
    total = float(count.sum())
    if total < 2:
        return None
    average = float((count * mean).sum() / total)
    deviations = float((squares + count * (mean - average) ** 2).sum())
    return RegionStatistics(average, math.sqrt(deviations / (total - 1)), int(total), None)
