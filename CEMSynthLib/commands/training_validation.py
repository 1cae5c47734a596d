"""Validation while training: the measurements of a held-out evaluation beside its null baselines, and lesion contrast.

On the working grid, so that an epoch is not held up; the figures of a finished model come from ``cemsynth evaluate``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.evaluation.baselines import NullBaselines, TrainingImage
from CEMSynthLib.measurement.similarity import Similarity, compare_images
from CEMSynthLib.study.model import FloatImage, Side, VOIWindow
from CEMSynthLib.training.data import Pair
from CEMSynthLib.training.validation import Verdict

#: Part of the clinical lesion contrast that must be kept.
WANTED_CONTRAST = 0.7
# A lesion enhances where its clinical contrast is at least this part of the window (0.25 mg/cm2 on 320 units), and is
# seen on LE where its contrast there is at least the SD of its surroundings.
_ENHANCES = 0.03
_SEEN = 1.0
_NETWORK = VOIWindow.from_range(-1.0, 1.0)


@dataclass(frozen=True)
class LesionContrast:
    """Contrast of one lesion to its ring: clinical and synthetic in recombined units, LE in SD of the ring."""

    clinical: float
    synthetic: float
    low_energy: float
    window: float

    @property
    def enhances(self) -> bool:
        """Whether the clinical image shows it bright."""
        return self.clinical >= _ENHANCES * self.window

    @property
    def seen(self) -> bool:
        """Whether the low-energy image shows it."""
        return abs(self.low_energy) >= _SEEN


class MeasurementJudge:
    """Masked MAE and SSIM beside the null baselines, and the lesion contrast that is retained.

    Parameters
    ----------
    training
        Pairs that the null baselines are learned from.
    contrast_counts
        Whether lesion contrast chooses among weights: where training has no term for it, it would choose noise.
    """

    def __init__(self, training: Sequence[Pair], contrast_counts: bool = True) -> None:
        self._contrast_counts = contrast_counts
        self._baselines = NullBaselines.learn(_training_images(training))
        self._known: tuple[Sequence[Pair], Mapping[str, tuple[float, float]]] | None = None

    @property
    def selection(self) -> str:
        """The rule."""
        contrast = (
            f"then the smallest lack of lesion contrast below {WANTED_CONTRAST:.0%} of the clinical one (enhancing "
            "lesions seen on LE, where lesions are known); "
        )
        return (
            "Among the validated epochs, newest and averaged weights: the fewest null baselines not beaten (mean "
            "masked MAE and SSIM, validation patients, working grid); "
            f"{contrast if self._contrast_counts else ''}then the lowest masked MAE."
        )

    def __call__(self, pairs: Sequence[Pair], synthetic: Sequence[FloatImage]) -> Verdict:
        """Measure the images of all validation pairs."""
        if self._known is None or self._known[0] is not pairs:
            self._known = (pairs, self._null_figures(pairs))
        nulls = self._known[1]
        mae, ssim = _means(_similarity(pair, image) for pair, image in zip(pairs, synthetic, strict=True))
        beaten = sum(mae < null_mae and ssim > null_ssim for null_mae, null_ssim in nulls.values())
        figures = {"mae": mae, "ssim": ssim, "baselines_beaten": float(beaten)}
        figures |= {
            "best_null_mae": min(m for m, _ in nulls.values()),
            "best_null_ssim": max(s for _, s in nulls.values()),
        }
        lesions = [one for pair, image in zip(pairs, synthetic, strict=True) for one in lesion_contrasts(pair, image)]
        retained = contrast_retained(lesions)
        if retained is not None:
            figures["contrast_retained"] = retained
        others = [one.synthetic / one.window for one in lesions if one.seen and not one.enhances]
        if others:
            figures["false_contrast_window"] = float(np.mean(others))
        lack = 0.0 if retained is None or not self._contrast_counts else max(0.0, WANTED_CONTRAST - retained)
        return Verdict(figures, (float(len(nulls) - beaten), lack, mae))

    def _null_figures(self, pairs: Sequence[Pair]) -> Mapping[str, tuple[float, float]]:
        found: dict[str, list[Similarity]] = {}
        for pair in pairs:
            clinical = pair.window.apply(pair.recombined)
            mask = np.asarray(pair.mask)
            made = self._baselines.images(np.asarray(pair.low_energy), _NETWORK, mask, Side.LEFT, pair.window)
            for name, image in made.items():
                found.setdefault(name.value, []).append(
                    compare_images(_framed(image, pair), _framed(clinical, pair), mask)
                )
        return {name: _means(iter(values)) for name, values in found.items()}


def lesion_contrasts(pair: Pair, synthetic: FloatImage) -> Iterator[LesionContrast]:
    """The lesions of a pair that have at least 4 pixels and a ring of 4."""
    regions = np.asarray(pair.regions)
    for number in np.unique(regions[regions % 2 == 1]):
        lesion, ring = regions == number, regions == number + 1
        if lesion.sum() < 4 or ring.sum() < 4:
            continue
        low = float(pair.low_energy[lesion].mean() - pair.low_energy[ring].mean())
        spread = float(np.std(pair.low_energy[ring], ddof=1))
        yield LesionContrast(
            clinical=float(pair.recombined[lesion].mean() - pair.recombined[ring].mean()),
            synthetic=float(synthetic[lesion].mean() - synthetic[ring].mean()),
            low_energy=low / spread if spread > 0 else 0.0,
            window=pair.window.width,
        )


def contrast_retained(lesions: Sequence[LesionContrast]) -> float | None:
    """Sum of the synthetic over the sum of the clinical contrasts of enhancing lesions seen on LE; None without any."""
    chosen = [one for one in lesions if one.enhances and one.seen]
    if not chosen:
        return None
    return sum(one.synthetic for one in chosen) / sum(one.clinical for one in chosen)


def _training_images(training: Sequence[Pair]) -> Iterator[TrainingImage]:
    for pair in training:
        recombined = np.where(pair.mask, pair.recombined, pair.air).astype(np.float32)
        yield TrainingImage(np.asarray(pair.low_energy), _NETWORK, recombined, np.asarray(pair.mask), Side.LEFT)


def _similarity(pair: Pair, image: FloatImage) -> Similarity:
    return compare_images(
        _framed(pair.window.apply(image), pair),
        _framed(pair.window.apply(pair.recombined), pair),
        np.asarray(pair.mask),
    )


def _framed(image: NDArray[np.floating], pair: Pair) -> NDArray[np.float64]:
    """Black outside the breast, as images are shown: SSIM looks 5 pixels over the edge."""
    return np.where(pair.mask, image, 0.0)


def _means(found: Iterator[Similarity]) -> tuple[float, float]:
    mae, ssim = np.mean([(one.mae, one.ssim) for one in found], axis=0)
    return float(mae), float(ssim)
