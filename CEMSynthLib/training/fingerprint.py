"""Fingerprint: a short text by which an image is known again after it was resaved, resampled, windowed or cropped.

What tells one breast from another is where its gland lies; outline, thickness and muscle are much the same in all. So
the gray values inside the breast are ranked (no window or bit depth changes ranks), what varies slowly is taken off,
contrast is made even, and the rest is kept on a small grid over the breast's bounding box, chest wall on the left
(mirroring changes nothing), at 15 levels. Two are compared by their correlation, the best over the shifts and scales
that crops of up to a tenth make. Perceptual hashes for photographs (ImageHash: signs of the lowest 64 DCT terms of the
whole frame) see the outline above all, and a crop turns their bits. It is a picture of 20 x 14 cells: who has the image
finds it again, nobody learns from it whose it is.
"""

import base64
import binascii
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import FloatImage, Mask, Side

Floats = NDArray[np.float32]

#: Cells of a fingerprint.
ROWS, COLUMNS = 20, 14
#: At and above this correlation two images are near-duplicates. Benchmarks/fingerprints.py on 61 simulated patients at
#: 0.4 mm and four real images: the same image in 12 ways 0.91 or more, other images 0.75 or less (29,646 pairs).
ALIKE = 0.83
# Cells of the working grid per cell of the fingerprint, along each axis.
_FINE = 4
# In cells of the fingerprint: blur before sampling, blur that is taken off, reach of the even contrast, and what is
# left out along the skin.
_SMOOTH, _SLOW, _EVEN, _SKIN = 0.6, 1.3, 2.0, 1.5
_LEVELS_PER_SD = 3.0
# Parts of the breast's height (both ends) and depth (chest wall) that a crop may have taken.
_CUTS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)
# With fewer common cells than this part of the grid, two images are not compared.
_LEAST = 0.3


def image_fingerprint(pixels: FloatImage, spacing_mm: tuple[float, float] | None) -> str:
    """The fingerprint of a low-energy image in which the breast is not known yet (see `fingerprint`).

    Raises
    ------
    CEMSynthLib.study.errors.BreastNotFoundError
        The image shows no breast.
    """
    found = breast_mask(pixels, spacing_mm)
    return fingerprint(pixels, found.mask, found.chest_wall is Side.RIGHT)


def fingerprint(pixels: FloatImage, mask: Mask, flipped: bool) -> str:
    """The fingerprint of a low-energy image.

    Parameters
    ----------
    pixels
        Shape (rows, columns), any unit that grows with attenuation.
    mask
        The breast, not empty.
    flipped
        True where the chest wall lies at the right border.

    Returns
    -------
    str
        Base64 of 4 bits for each of ``ROWS * COLUMNS`` cells, row by row: 0 outside, 8 is the mean.
    """
    if flipped:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    values, inside = _reduced(pixels[box], mask[box])
    ranks = np.zeros(values.shape, dtype=np.float32)
    ranks[inside] = np.argsort(np.argsort(values[inside], kind="stable"), kind="stable") / max(1, inside.sum() - 1)
    band = _blurred(ranks, inside, _SMOOTH) - _blurred(ranks, inside, _SLOW)
    even = band / np.sqrt(_blurred(band**2, inside, _EVEN) + 1e-6)
    # The chest wall is no skin.
    depth = ndimage.distance_transform_edt(np.pad(inside, ((1, 1), (0, 1))))[1:-1, :-1]
    cells = even.reshape(ROWS, _FINE, COLUMNS, _FINE).mean(axis=(1, 3))
    known = (depth > _SKIN * _FINE).reshape(ROWS, _FINE, COLUMNS, _FINE).mean(axis=(1, 3)) >= 0.5
    levels = np.zeros(cells.shape, dtype=np.uint8)
    if known.sum() > 1 and np.ptp(values[inside]) > 0:
        normal = (cells - cells[known].mean()) / max(float(cells[known].std()), 1e-6)
        levels[known] = (np.clip(np.rint(normal * _LEVELS_PER_SD), -7, 7) + 8)[known]
    pairs = levels.reshape(-1, 2)
    return base64.b64encode((pairs[:, 0] << 4 | pairs[:, 1]).tobytes()).decode("ascii")


def is_fingerprint(text: str) -> bool:
    """Whether a text is what `fingerprint` gives."""
    try:
        return len(base64.b64decode(text, validate=True)) == ROWS * COLUMNS // 2
    except (ValueError, binascii.Error):
        return False


def likeness(tested: Sequence[str], known: Sequence[str]) -> Floats:
    """Correlation of each tested fingerprint with each known one, the best over crops.

    Returns
    -------
    ndarray of float32, shape (tested, known)
        1 for the same image, about 0.3 for other breasts; 0 where too little is common to tell.
    """
    best = np.zeros((len(tested), len(known)), dtype=np.float32)
    if not best.size:
        return best
    patterns, weights = _unpacked(known)
    for row, text in enumerate(tested):
        moved, inside = _moved(*_unpacked([text]))
        common = inside @ weights.T
        count = np.maximum(common, 1)
        sum_moved, sum_known = moved @ weights.T, inside @ patterns.T
        covariance = moved @ patterns.T - sum_moved * sum_known / count
        spread_moved = moved**2 @ weights.T - sum_moved**2 / count
        spread_known = inside @ (patterns**2).T - sum_known**2 / count
        spread = np.sqrt(np.maximum(spread_moved * spread_known, 1e-6))
        best[row] = np.where(common >= _LEAST * ROWS * COLUMNS, covariance / spread, 0).max(axis=0)
    return best


def _reduced(pixels: FloatImage, mask: Mask) -> tuple[Floats, Mask]:
    """Mean over the breast's pixels in each cell of the working grid, and which cells are breast."""
    sums = [_cell_sums(np.asarray(layer, dtype=np.float64)) for layer in (np.where(mask, pixels, 0), mask)]
    inside = sums[1] > 0.5 * sums[1].max()
    values = np.where(inside, sums[0] / np.maximum(sums[1], 1e-6), 0)
    return values.astype(np.float32), inside


def _cell_sums(layer: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over equal cells, whose edges may cut pixels."""
    for axis, cells in enumerate((ROWS * _FINE, COLUMNS * _FINE)):
        size = layer.shape[axis]
        total = np.concatenate([np.zeros_like(layer.take([0], axis)), layer.cumsum(axis)], axis)
        edges = np.linspace(0, size, cells + 1)
        whole = np.minimum(edges.astype(int), size - 1)
        part = np.expand_dims(edges - whole, 1 - axis)
        at = total.take(whole, axis) + part * layer.take(whole, axis)
        layer = np.diff(at, axis=axis)
    return layer


def _blurred(values: Floats, inside: Mask, cells: float) -> Floats:
    """Gaussian mean over the breast alone."""
    sigma = cells * _FINE
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, mode="constant")
    blurred = ndimage.gaussian_filter(np.where(inside, values, 0), sigma, mode="constant")
    return np.where(inside, blurred / np.maximum(weight, 1e-6), 0).astype(np.float32)


def _unpacked(texts: Sequence[str]) -> tuple[Floats, Floats]:
    """Patterns (0 outside) and where they are known, one row each."""
    packed = np.array([np.frombuffer(base64.b64decode(text), dtype=np.uint8) for text in texts])
    levels = np.stack([packed >> 4, packed & 15], axis=-1).reshape(len(texts), -1)
    known = levels > 0
    return np.where(known, levels.astype(np.float32) - 8, 0).astype(np.float32), known.astype(np.float32)


def _moved(pattern: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """One fingerprint as it would be if its image were cropped, or were a crop; one row for each way."""
    picture, cells = pattern.reshape(ROWS, COLUMNS), weight.reshape(ROWS, COLUMNS)
    patterns, weights = [], []
    for along, across in product(_stretches(ROWS, _CUTS), _stretches(COLUMNS, (0.0,))):
        share = along @ cells @ across.T
        known = share > 0.7
        patterns.append(np.where(known, along @ picture @ across.T / np.maximum(share, 1e-6), 0).ravel())
        weights.append(known.ravel())
    return np.array(patterns, dtype=np.float32), np.array(weights, dtype=np.float32)


@cache
def _stretches(cells: int, last_cuts: tuple[float, ...]) -> tuple[Floats, ...]:
    """Matrices (new cell, old cell) that interpolate linearly along an axis, for each crop and its inverse."""
    at = (np.arange(cells) + 0.5) / cells
    made = []
    for first, last in product(_CUTS, last_cuts):
        scale = 1 - first - last
        for start, stretch in {(first, scale), (-first / scale, 1 / scale)}:
            source = (start + stretch * at) * cells - 0.5
            matrix = np.maximum(0, 1 - np.abs(source[:, None] - np.arange(cells)))
            # The outer half of an outermost cell has that cell's value.
            matrix[(source > -0.5) & (source < 0), 0] = 1
            matrix[(source < cells - 0.5) & (source > cells - 1), -1] = 1
            made.append(matrix.astype(np.float32))
    return tuple(made)
