"""Pectoral muscle in oblique views: the line of steady contrast in the upper corner of the chest wall, then its curve.

Steps: (1) all straight lines from the upper border to the chest wall are compared by the contrast across them, held
against the roughness beside them and bounded, so that bright gland does not win, and by the muscle being smoother than
what lies before it; (2) near the best line the path of the highest gradient (dynamic programming), moved outward to
where the gradient has fallen by half, since the muscle thins toward its edge; (3) a parabola through that path, in
which rough surroundings (gland) count little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.study.model import FloatImage, Mask, Side, ViewPosition
from CEMSynthLib.study.resampling import plain_resize, resample, resample_mask

FloatArray = NDArray[np.float64]

#: Views in which the muscle lies along the upper part of the chest wall.
OBLIQUE_VIEWS = (ViewPosition.MLO, ViewPosition.LMO, ViewPosition.ML, ViewPosition.LM)
# Height of the breast on the grid that is searched, pixels; all lengths in pixels below are on this grid.
_WORKING_HEIGHT = 320
# Smoothing before contrasts are taken (about 1.5 mm of a breast of 24 cm).
_SIGMA = 2.0
# Where a line may start at the upper border (part of the breast's greatest width) and end at the chest wall (part of
# its height; beyond 1 the muscle leaves the image below).
_TOP = (0.06, 0.8)
_END = (0.45, 1.4)
_LINES = 44
_SAMPLES = 72
# The skin line and what lies this close to it takes no part.
_SKIN_MARGIN = 5
# Width of the bands whose means are compared across a line.
_BAND = 6.0
# Contrast in units of the roughness beside the line, bounded; each point of a line costs so much, so that only lines of
# steady contrast gain by their length.
_BOUNDS = (-0.5, 2.0)
_PENALTY = 0.2
# Least roughness, as part of the grey-level range.
_LEAST_ROUGHNESS = 0.005
# Part of a line that has to lie inside.
_LEAST_SHARE = 0.25
# Least score of a line; below it no muscle is seen.
_LEAST_SCORE = 0.10
# How far the curve may leave the line, and what a sideways step of its path costs, in typical gradients.
_REACH = 16
_STEP_COST = 0.5
# Roughness beside the path weighs by its fourth power; slope and bend of the parabola are drawn to 0 a little.
_ROUGHNESS_POWER = 4
_RIDGE = (0.0, 0.01, 0.03)


@dataclass(frozen=True)
class _Line:
    """From (0, ``top``) to (``end``, 0)."""

    top: float
    end: float


def pectoral_mask(pixels: FloatImage, mask: Mask, chest_wall: Side, view: ViewPosition | None) -> Mask | None:
    """Find the pectoral muscle in a low-energy image.

    Parameters
    ----------
    pixels
        Shape (rows, columns), brighter = more attenuation, head at the upper border.
    mask
        Breast mask, same shape.
    chest_wall
        The border that the chest wall lies at.
    view
        Only oblique and lateral views (MLO, LMO, ML, LM) show the muscle along the upper chest wall.

    Returns
    -------
    ndarray of bool, shape (rows, columns), or None
        Part of ``mask``; ``None`` in other views and where no muscle is seen.

    Raises
    ------
    ValueError
        ``mask`` has another shape than ``pixels``.

    References
    ----------
    Straight lines first: Karssemeijer N (1998), Phys Med Biol 43:365. Then a curve: Kwok SM et al. (2004), IEEE Trans
    Med Imaging 23:1129. The scores are this project's.
    """
    if pixels.shape != mask.shape:
        raise ValueError(f"the mask has shape {mask.shape}, the image {pixels.shape}")
    if view not in OBLIQUE_VIEWS or not mask.any():
        return None
    turn = slice(None) if chest_wall is Side.LEFT else slice(None, None, -1)
    breast = mask[:, turn]
    rows, columns = np.flatnonzero(breast.any(axis=1)), np.flatnonzero(breast.any(axis=0))
    window = (slice(int(rows[0]), int(rows[-1]) + 1), slice(0, int(columns[-1]) + 1))
    image, inside = pixels[:, turn][window], breast[window]
    factor = max(1.0, image.shape[0] / _WORKING_HEIGHT)
    shape = (round(image.shape[0] / factor), round(image.shape[1] / factor))
    if min(shape) < 4 * _REACH:
        return None
    to_small = plain_resize(image.shape, shape)
    edge = _edge(resample(image, to_small, shape), resample_mask(inside, to_small, shape))
    if edge is None:
        return None
    found = np.zeros(breast.shape, dtype=bool)
    row, column = (np.array(to_small.scale) * edge + np.array(to_small.shift)).T
    # The edge runs from the upper border downward, one column for each row.
    reach = np.interp(np.arange(image.shape[0]), row, column, right=-1.0)
    found[window] = np.arange(image.shape[1])[None, :] <= reach[:, None]
    muscle: Mask = (found & breast)[:, turn]
    return muscle if muscle.any() else None


def _edge(image: FloatImage, mask: Mask) -> FloatArray | None:
    """Points (row, column) of the muscle's edge on the working grid, rows rising, or ``None``."""
    padded = np.pad(mask, 1, mode="edge")
    core = (ndimage.distance_transform_edt(padded)[1:-1, 1:-1] > _SKIN_MARGIN).astype(np.float64)
    if not core.any():
        return None
    smooth = _smoothed(image, mask, _SIGMA)
    line = _best_line(smooth, _smoothed(image, mask, 0.5), core)
    return None if line is None else _curve(smooth, core, line)


def _smoothed(image: FloatImage, mask: Mask, sigma: float) -> FloatArray:
    """Gaussian inside the mask only (normalized convolution), so that the skin does not leak in.

    Grey levels become 0 at the 2nd and 1 at the 98th percentile of the breast.
    """
    low, high = np.percentile(image[mask], [2, 98])
    values = np.clip((image - low) / max(float(high - low), 1e-6), 0.0, 1.0) * mask
    weight = ndimage.gaussian_filter(mask.astype(np.float64), sigma, mode="nearest")
    return np.asarray(ndimage.gaussian_filter(values, sigma, mode="nearest") / np.maximum(weight, 1e-3))


def _best_line(image: FloatArray, fine: FloatArray, core: FloatArray) -> _Line | None:
    height, width = image.shape
    tops = np.linspace(_TOP[0] * width, _TOP[1] * width, _LINES)
    ends = np.linspace(_END[0] * height, _END[1] * height, _LINES)
    top, end, t = np.meshgrid(tops, ends, np.linspace(0.04, 0.96, _SAMPLES), indexing="ij")
    row, column = t * end, (1 - t) * top
    length = np.hypot(top, end)
    outward = (top / length, end / length)

    def band(of: FloatArray, near: float, far: float) -> FloatArray:
        offsets = np.linspace(near, far, 3)
        return np.asarray(sum(_at(of, row + o * outward[0], column + o * outward[1]) for o in offsets) / 3)

    inner, outer, beyond = band(image, -_BAND, -1.0), band(image, 1.0, _BAND), band(image, _BAND + 1.0, 2 * _BAND)
    # Inside the muscle, which thickens steadily, the contrast goes on farther out: that is no edge.
    kink = (inner - outer) - np.maximum(outer - beyond, 0.0)
    roughness = _roughness(image)
    beside = (band(roughness, -_BAND, -1.0) ** 2 + band(roughness, 1.0, _BAND) ** 2) / 2
    grain = np.log(np.sqrt(ndimage.gaussian_filter((fine - ndimage.gaussian_filter(fine, 2.5)) ** 2, 4.0)) + 1e-4)
    rougher = band(grain, 1.0, 2 * _BAND) - band(grain, -2 * _BAND, -1.0)
    gain = np.clip(kink / np.sqrt(beside + _LEAST_ROUGHNESS**2), *_BOUNDS) + np.clip(rougher, -1.0, 1.0) - _PENALTY
    valid = (_at(core, row + 2 * outward[0], column + 2 * outward[1]) > 0.5) & (row <= height - 1)
    score = np.where(valid, gain, 0.0).mean(axis=2) * length[..., 0] / height
    score[valid.mean(axis=2) <= _LEAST_SHARE] = -np.inf
    i, j = np.unravel_index(int(np.argmax(score)), score.shape)
    return _Line(float(tops[i]), float(ends[j])) if score[i, j] >= _LEAST_SCORE else None


def _roughness(image: FloatArray) -> FloatArray:
    """Standard deviation in a Gaussian neighborhood of 5 pixels."""
    mean = ndimage.gaussian_filter(image, 5.0)
    return np.asarray(np.sqrt(np.maximum(ndimage.gaussian_filter(image**2, 5.0) - mean**2, 0.0)))


def _curve(image: FloatArray, core: FloatArray, line: _Line) -> FloatArray:
    """Points of the edge: a parabola about the line through the path of the highest gradient beside it."""
    length = float(np.hypot(line.top, line.end))
    normal = np.array([line.top, line.end]) / length
    t = np.linspace(0.0, 1.0, round(length / 2))
    base = np.column_stack([t * line.end, (1 - t) * line.top])
    offset = np.arange(-_REACH, _REACH + 1, dtype=np.float64)
    points = base[:, None, :] + offset[None, :, None] * normal
    slope = -np.gradient(_at(image, points[..., 0], points[..., 1]), axis=1)
    slope = np.where(_at(core, points[..., 0], points[..., 1]) > 0.5, slope, 0.0)
    typical = max(float(np.percentile(slope, 90)), 1e-9)
    gain = np.clip(slope / typical, -1.0, 1.5) - 0.5 * (offset / _REACH) ** 2
    path = _path(gain)
    edge = np.array([_half_slope(row, at) for row, at in zip(slope, path, strict=True)]) - _REACH
    rough = _at(_roughness(image), points[..., 0], points[..., 1]).mean(axis=1)
    weight = np.maximum(gain[np.arange(len(path)), path], 0.0)
    weight /= 1.0 + (rough / max(float(np.percentile(rough, 25)), 1e-9)) ** _ROUGHNESS_POWER
    terms = np.column_stack([np.ones_like(t), t - 0.5, (t - 0.5) ** 2])
    normal_matrix = (terms * weight[:, None]).T @ terms + np.diag(_RIDGE) * float(weight.sum()) + 1e-9 * np.eye(3)
    fit = np.linalg.solve(normal_matrix, (terms * weight[:, None]).T @ edge)
    curve = base + (terms @ fit)[:, None] * normal
    return np.asarray(curve[np.argsort(curve[:, 0], kind="stable")])


def _path(gain: FloatArray) -> NDArray[np.int64]:
    """The path of the highest sum of gains from the first to the last row; a sideways step costs ``_STEP_COST``."""
    rows, columns = gain.shape
    total, back = gain[0].copy(), np.zeros((rows, columns), dtype=np.int64)
    for row in range(1, rows):
        moved = np.stack([np.r_[-np.inf, total[:-1]] - _STEP_COST, total, np.r_[total[1:], -np.inf] - _STEP_COST])
        back[row] = np.argmax(moved, axis=0) - 1
        total = moved.max(axis=0) + gain[row]
    path = np.empty(rows, dtype=np.int64)
    path[-1] = int(np.argmax(total))
    for row in range(rows - 1, 0, -1):
        path[row - 1] = path[row] + back[row, path[row]]
    return path


def _half_slope(slope: FloatArray, at: int) -> float:
    """Where, outward from ``at``, the slope has fallen to half; at most 5 pixels away."""
    half = 0.5 * float(slope[at])
    if half > 0:
        for i in range(at, min(at + 5, slope.size - 1)):
            if slope[i + 1] < half:
                return i + (float(slope[i]) - half) / float(slope[i] - slope[i + 1])
    return float(at)


def _at(image: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    return np.asarray(ndimage.map_coordinates(image, [row, column], order=1, mode="nearest"))
