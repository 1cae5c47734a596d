"""Breast mask: what stands out from the air, in one piece, joined to the chest wall, without markers.

Steps: (1) the level and noise of the air from the darker side border; (2) a low threshold near that level, so that dark
fat inside the breast stays in; (3) the largest region, holes filled; (4) openings that cut off nipple marker balls;
(5) the outline on the full grid. Chest-wall side = the side border with the longest contact.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.model import FloatImage, Mask, Side
from CEMSynthLib.study.morphology import opened

# Longest side of the grid the mask is found on; the outline is then refined on the full grid.
_WORKING_SIZE = 512
# Threshold: this part of the way from the air to the tissue level. 4% keeps all fat of the real pairs (8-bit, air 0).
_AIR_FRACTION = 0.04
# ... but at least so many standard deviations of the air.
_AIR_DEVIATIONS = 5.0
# Radii of the two openings, as part of the height of the breast or in mm. The small one cuts off what hangs on a neck,
# and leaves a nipple of 1 cm; what only the large one takes is dropped if it is brighter than all tissue (marker balls
# of the real recombined images: 255 against a 99th percentile of 90-150).
_SMALL_OPENING = (0.025, 3.5)
_LARGE_OPENING = (0.06, 9.0)
_MARKER_BRIGHTNESS = 1.4
# A pixel spacing outside this range (mm) is an error of the header: sizes then go by the breast's height.
_PLAUSIBLE_SPACING = (0.01, 5.0)
# Width of the strip along a side border in which contact is counted, as part of the columns.
_STRIP_FRACTION = 0.02


@dataclass(frozen=True)
class BreastMask:
    """The breast in one image.

    Parameters
    ----------
    mask
        Boolean, shape (rows, columns): one 4-connected region without holes that touches the chest-wall border.
    chest_wall
        The side border at which the chest wall lies.
    """

    mask: Mask
    chest_wall: Side


def breast_mask(pixels: FloatImage, spacing_mm: tuple[float, float] | None = None) -> BreastMask:
    """Find the breast in an LE, recombined or synthetic image of any bit depth.

    Parameters
    ----------
    pixels
        Shape (rows, columns), brighter = more attenuation or more iodine; air is the darker part, constant or noisy.
    spacing_mm
        (between rows, between columns); sets the size of what counts as a marker. ``None``: by the breast's height.

    Returns
    -------
    BreastMask
        On the grid of ``pixels``.

    Raises
    ------
    BreastNotFoundError
        Nothing stands out from the air (a blank image), or what does touches no side border.
    ValueError
        ``pixels`` is not two-dimensional.
    """
    if pixels.ndim != 2:
        raise ValueError(f"an image of rows and columns is needed, not shape {pixels.shape}")
    image = np.asarray(pixels, dtype=np.float32)
    finite = np.isfinite(image)
    if not finite.any():
        raise BreastNotFoundError("The image holds no numbers, so no breast can be found in it.")
    image = np.where(finite, image, image[finite].min())
    factor = max(1, round(max(image.shape) / _WORKING_SIZE))
    small = ndimage.median_filter(_block_mean(image, factor), size=3, mode="nearest")
    found = small > _threshold(small)
    side = _chest_wall(found)
    found = _largest(_filled(found, side))
    spacing = None
    if spacing_mm is not None and all(_PLAUSIBLE_SPACING[0] <= s <= _PLAUSIBLE_SPACING[1] for s in spacing_mm):
        spacing = (spacing_mm[0] * factor, spacing_mm[1] * factor)
    found = _filled(_largest(_without_markers(small, found, spacing)), side)
    if factor > 1:
        found = _refined(image, found, factor)
    side = _chest_wall(found)
    mask = _largest(_filled(found, side))
    if not mask[:, 0 if side is Side.LEFT else -1].any():
        raise BreastNotFoundError("What stands out from the air touches neither side border, so no breast was found.")
    return BreastMask(mask=mask, chest_wall=side)


def skin_edge(mask: Mask, chest_wall: Side) -> Mask:
    """Mark the pixels of the outline that are skin.

    Parameters
    ----------
    mask
        Breast mask, shape (rows, columns).
    chest_wall
        The border at which the chest wall lies.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        Pixels of the mask with a 4-neighbor outside the mask and inside the image, which lie neither on an image border
        nor in the strip along the chest-wall border (2% of the columns), where collimator and abdominal fold end.
    """
    inside = np.asarray(mask, dtype=bool)
    eroded = ndimage.binary_erosion(inside, border_value=1)
    edge: Mask = inside & ~eroded
    edge[[0, -1], :] = False
    edge[:, [0, -1]] = False
    strip = _strip(inside.shape[1])
    if chest_wall is Side.LEFT:
        edge[:, :strip] = False
    else:
        edge[:, -strip:] = False
    return edge


def _strip(columns: int) -> int:
    return max(1, round(columns * _STRIP_FRACTION))


def _block_mean(image: FloatImage, factor: int) -> FloatImage:
    if factor == 1:
        return image
    pad = [(0, -size % factor) for size in image.shape]
    padded = np.pad(image, pad, mode="edge")
    rows, columns = (size // factor for size in padded.shape)
    return np.asarray(padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3)), dtype=np.float32)


def _threshold(image: FloatImage) -> float:
    """Level between air and breast: air + max(noise, 4% of the way to the median of the tissue)."""
    strip = _strip(image.shape[1])
    sides = (image[:, :strip].ravel(), image[:, -strip:].ravel())
    air_side = min(sides, key=lambda values: (float(np.median(values)), float(values.mean())))
    # In a tight crop more than half of the darker border may be breast; a quarter of the image is air even then.
    air = min(float(np.median(air_side)), float(np.percentile(image, 25)))
    below = air - air_side[air_side < air]
    noise = 1.4826 * float(np.median(below)) if below.size else 0.0
    above = image[image > air + _AIR_DEVIATIONS * noise]
    if above.size < 0.01 * image.size:
        raise BreastNotFoundError("Nothing in the image stands out from the air, so no breast can be found in it.")
    tissue = float(np.median(above))
    return air + max(_AIR_DEVIATIONS * noise, _AIR_FRACTION * (tissue - air))


def _chest_wall(mask: Mask) -> Side:
    """The side border with the longest contact; where equal, the half of the image that holds more of the mask."""
    strip = _strip(mask.shape[1])
    half = mask.shape[1] // 2
    left = (int(mask[:, :strip].sum()), int(mask[:, :half].sum()))
    right = (int(mask[:, -strip:].sum()), int(mask[:, -half:].sum()))
    return Side.LEFT if left >= right else Side.RIGHT


def _largest(mask: Mask) -> Mask:
    labels, _ = ndimage.label(mask)
    if labels.max() == 0:
        raise BreastNotFoundError("Nothing in the image stands out from the air, so no breast can be found in it.")
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _filled(mask: Mask, side: Side) -> Mask:
    """Fill holes, also those open only to the chest-wall border between the first and last row of contact.

    Black columns along the border (collimator, a gap left by cropping) up to the strip's width belong to the breast
    where the column behind them does: two of the eight real images have them.
    """
    turned = mask if side is Side.LEFT else mask[:, ::-1]
    strip = _strip(mask.shape[1])
    joined = turned.copy()
    joined[:, :strip] |= turned[:, strip : strip + 1]
    touching = np.flatnonzero(joined[:, 0])
    padded = np.pad(joined, ((0, 0), (1, 0)))
    if touching.size:
        padded[touching[0] : touching[-1] + 1, 0] = True
    filled = ndimage.binary_fill_holes(padded)[:, 1:]
    return np.asarray(filled if side is Side.LEFT else filled[:, ::-1], dtype=bool)


def _without_markers(image: FloatImage, mask: Mask, spacing_mm: tuple[float, float] | None) -> Mask:
    """Cut off what hangs on a thin neck, and protrusions brighter than all tissue."""
    body = _opened(mask, _SMALL_OPENING, spacing_mm)
    core = _opened(body, _LARGE_OPENING, spacing_mm)
    air, tissue = float(image[~mask].mean()) if not mask.all() else float(image.min()), image[core]
    bright = air + _MARKER_BRIGHTNESS * (float(np.percentile(tissue, 99)) - air)
    protrusions, number = ndimage.label(body & ~core)
    markers = [i for i in range(1, number + 1) if np.percentile(image[protrusions == i], 80) > bright]
    return np.asarray(body & ~np.isin(protrusions, markers))


def _opened(mask: Mask, size: tuple[float, float], spacing_mm: tuple[float, float] | None) -> Mask:
    """Open by a disk whose radius is a part of the breast's height, or in mm where the spacing is known."""
    if spacing_mm is None:
        return opened(mask, size[0] * int(mask.any(axis=1).sum()), (1.0, 1.0))
    return opened(mask, size[1], spacing_mm)


def _refined(image: FloatImage, coarse: Mask, factor: int) -> Mask:
    """Bring the outline to the full grid: within two coarse pixels of it the full-resolution image decides."""
    rows, columns = image.shape
    inner = ndimage.binary_erosion(coarse, iterations=2, border_value=1)
    outer = ndimage.binary_dilation(coarse, iterations=1)
    smooth = ndimage.uniform_filter(image, size=3, mode="nearest")
    fine = smooth > _threshold(smooth)
    return np.asarray((fine & _enlarged(outer, factor, rows, columns)) | _enlarged(inner, factor, rows, columns))


def _enlarged(mask: Mask, factor: int, rows: int, columns: int) -> Mask:
    return np.asarray(np.repeat(np.repeat(mask, factor, axis=0), factor, axis=1)[:rows, :columns])
