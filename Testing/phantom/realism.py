"""How real the simulator looks, in numbers: the same statistics of simulated and real pairs as 8-bit 512 x 256 images.

Both are compared as their viewer shows them: mapped to 8 bits by the VOI window, cropped to the breast, resized to
512 x 256 (so the noise spectrum and the MTF mean nothing here). Nothing of the real images is written anywhere by
this file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.transform import resize

from CEMSynthLib.measurement.halo import HaloVerdict, measure_halo
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.presentation import LOW_ENERGY_WINDOW, RECOMBINED_WINDOW
from CEMSynthLib.phantom.view import simulate_view
from CEMSynthLib.study.breast_pair import read_breast_pair
from CEMSynthLib.study.mask import breast_mask, skin_edge
from CEMSynthLib.study.model import Side, VOIWindow
from CEMSynthLib.study.reader import read_folder

REAL = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"
SIZE = (512, 256)
TILE, STEP = 128, 32
# Cycles per pixel of the 512 x 256 image between which the spectrum is taken to be a power law.
BAND = (0.02, 0.2)
# The range of the real pairs may be widened so many times about its middle.
WIDENED = 1.5
UNITS = {
    "LE texture exponent beta": "",
    "LE median": "gray levels",
    "LE spread (84th - 16th percentile)": "gray levels",
    "LE histogram distance (Wasserstein-1)": "gray levels",
    "recombined median": "gray levels",
    "recombined spread (84th - 16th percentile)": "gray levels",
    "recombined histogram distance (Wasserstein-1)": "gray levels",
    "halo step": "gray levels",
    "halo step / median": "",
    "halo trough depth": "pixels",
    "halo rim depth": "pixels",
    "LE/recombined correlation": "",
}


@dataclass(frozen=True, eq=False)
class Shown:
    """A pair as a viewer shows it: uint8 (512, 256), chest wall at the left, with the breast found in each image.

    ``aligned`` is the recombined image on the grid of the LE, ``common`` the breast in both.
    """

    name: str
    low: np.ndarray
    recombined: np.ndarray
    low_mask: np.ndarray
    recombined_mask: np.ndarray
    aligned: np.ndarray
    common: np.ndarray


@dataclass(frozen=True)
class Row:
    """One statistic: the real range, the range allowed, and where the simulated views lie."""

    name: str
    unit: str
    real: tuple[float, float]
    allowed: tuple[float, float]
    quartiles: tuple[float, float, float]
    views: int
    passed: bool

    def __str__(self) -> str:
        low, median, high = self.quartiles
        return (
            f"{'pass' if self.passed else 'FAIL'}  {self.name}: "
            f"real {self.real[0]:.3g} to {self.real[1]:.3g}, allowed {self.allowed[0]:.3g} to {self.allowed[1]:.3g}, "
            f"simulated {median:.3g} (quartiles {low:.3g} to {high:.3g}, {self.views} views) {self.unit}"
        )


def _masks(low: np.ndarray, recombined: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return breast_mask(low.astype(np.float32)).mask, breast_mask(recombined.astype(np.float32)).mask


def real_pairs() -> list[Shown]:
    """The four public pairs beside the checkout (CDD-CESM), empty where they are not there."""
    if not REAL.is_dir():
        return []
    shown = []
    for study in read_folder(REAL).studies:
        for acquisition in study.acquisitions:
            pair = read_breast_pair(acquisition)
            low, recombined = pair.low_energy, acquisition.recombined.pixels()
            masks = _masks(low, recombined)
            aligned = pair.recombined
            shown.append(
                Shown(f"{study.patient_id} {acquisition.name}", low, recombined, *masks, aligned, pair.measured)
            )
    return shown


def _display(pixels: np.ndarray, window: tuple[float, float], part: tuple[slice, slice]) -> np.ndarray:
    """To 8 bits and to `SIZE`, linearly and without smoothing: the noise of the real recombined images is white up to
    the highest frequency, which it would not be had they been smoothed.
    """
    gray = resize(255 * VOIWindow(*window).apply(pixels[part]), SIZE, order=1, anti_aliasing=False)
    return np.rint(gray).astype(np.uint8)


def simulated_pairs(seed: int, numbers: Sequence[int], spacing_mm: float) -> list[Shown]:
    """One view of each patient, so that views do not share a patient: CC and MLO, left and right by turns."""
    shown = []
    for number in numbers:
        side, position = "LR"[number // 2 % 2], ("CC", "MLO")[number % 2]
        view = simulate_view(draw_patient(seed, number), side, position, spacing_mm)
        rows, columns = np.flatnonzero(view.mask.any(axis=1)), np.flatnonzero(view.mask.any(axis=0))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        order = slice(None, None, -1) if side == "R" else slice(None)
        low = _display(view.low_energy, LOW_ENERGY_WINDOW, part)[:, order]
        recombined = _display(view.recombined, RECOMBINED_WINDOW, part)[:, order]
        masks = _masks(low, recombined)
        name = f"SIM-{seed}-{number:04d} {side} {position}"
        shown.append(Shown(name, low, recombined, *masks, recombined, masks[0] & masks[1]))
    return shown


def texture_exponent(image: np.ndarray, mask: np.ndarray) -> float:
    """Beta of the mean power spectrum of overlapping tiles that lie in the breast; NaN where none fits."""
    window = np.outer(np.hanning(TILE), np.hanning(TILE))
    power, count = np.zeros((TILE, TILE)), 0
    for row in range(0, image.shape[0] - TILE + 1, STEP):
        for column in range(0, image.shape[1] - TILE + 1, STEP):
            part = np.s_[row : row + TILE, column : column + TILE]
            if mask[part].mean() < 0.99:
                continue
            tile = image[part].astype(np.float64)
            power += np.abs(np.fft.fft2((tile - tile.mean()) * window)) ** 2
            count += 1
    if not count:
        return float("nan")
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.fftfreq(TILE)[None, :])
    ring = np.rint(frequency * TILE).astype(int)
    means = np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())
    rings = np.arange(len(means)) / TILE
    used = (rings > BAND[0]) & (rings < BAND[1])
    return float(-np.polyfit(np.log(rings[used]), np.log(means[used]), 1)[0])


def histogram(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Share of the breast's pixels at each of 256 gray levels."""
    counts = np.bincount(image[mask].astype(int), minlength=256)[:256]
    return np.asarray(counts / counts.sum())


def histogram_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Wasserstein-1 distance of two histograms, gray levels."""
    return float(np.abs(np.cumsum(one - other)).sum())


def statistics(pair: Shown) -> dict[str, float]:
    """Every statistic of one pair but the histogram distances; those of the halo only where it is graded present."""
    found = {"LE texture exponent beta": texture_exponent(pair.low, pair.low_mask)}
    for name, image, mask in (
        ("LE", pair.low, pair.low_mask),
        ("recombined", pair.recombined, pair.recombined_mask),
    ):
        low, middle, high = np.percentile(image[mask], [16, 50, 84])
        found[f"{name} median"] = float(middle)
        found[f"{name} spread (84th - 16th percentile)"] = float(high - low)
    halo = measure_halo(
        pair.recombined.astype(np.float32), pair.recombined_mask, skin_edge(pair.recombined_mask, Side.LEFT), "left",
        None, 255.0,
    )  # fmt: skip
    if halo.verdict is HaloVerdict.PRESENT and halo.step is not None:
        found["halo step"] = halo.step
        found["halo step / median"] = halo.step / found["recombined median"]
        if halo.trough_depth is not None and halo.rim_depth is not None:
            found["halo trough depth"], found["halo rim depth"] = halo.trough_depth, halo.rim_depth
    common = pair.common
    found["LE/recombined correlation"] = float(np.corrcoef(pair.low[common], pair.aligned[common])[0, 1])
    return found


def _histograms(pairs: Sequence[Shown], kind: str) -> list[np.ndarray]:
    if kind == "LE":
        return [histogram(pair.low, pair.low_mask) for pair in pairs]
    return [histogram(pair.recombined, pair.recombined_mask) for pair in pairs]


def compare(real: Sequence[Shown], simulated: Sequence[Shown]) -> list[Row]:
    """Hold the simulated views against the real pairs, statistic by statistic.

    A statistic passes where the median of the simulated views lies in the range of the real pairs, widened 1.5 times
    about its middle. The public pairs were picked for a plain halo, so their halo is held against those simulated views
    whose halo is graded present. Histogram distances are taken to the pooled real pairs, and between each real pair and
    the pool of the others; there only the upper end counts.
    """
    values = [[statistics(pair) for pair in pairs] for pairs in (real, simulated)]
    columns = {name: tuple([v[name] for v in side if name in v] for side in values) for name in values[0][0]}
    for kind in ("LE", "recombined"):
        own, others = _histograms(real, kind), _histograms(simulated, kind)
        pool = np.mean(own, axis=0)
        left_out = [histogram_distance(h, np.mean([o for o in own if o is not h], axis=0)) for h in own]
        columns[f"{kind} histogram distance (Wasserstein-1)"] = (
            left_out,
            [histogram_distance(h, pool) for h in others],
        )
    rows = []
    for name, unit in UNITS.items():
        told, made = (np.array(c) for c in columns[name])
        if not made.size:
            made = np.array([np.nan])
        low, high = float(told.min()), float(told.max())
        margin = (WIDENED - 1) / 2 * (high - low)
        allowed = (0.0 if "distance" in name else low - margin, high + margin)
        quartiles = tuple(float(q) for q in np.percentile(made, [25, 50, 75]))
        passed = bool(allowed[0] <= quartiles[1] <= allowed[1])
        rows.append(Row(name, unit, (low, high), allowed, quartiles, int(np.isfinite(made).sum()), passed))
    return rows
