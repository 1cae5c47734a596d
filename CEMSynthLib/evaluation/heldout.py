"""Held-out figures: a model on unseen patients, with the null baselines and the reference ceiling beside it."""

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.evaluation.baselines import Baseline, NullBaselines
from CEMSynthLib.evaluation.comparison import (
    MINIMUM_PATIENTS,
    Agreement,
    Correlation,
    PairedComparison,
    Verdict,
    agreement,
    beats,
    clustered_correlation,
)
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.measurement.similarity import Similarity, compare_images
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FloatImage, Mask, Side, VOIWindow

MODEL = "model"
CLINICAL = "clinical"
CEILING = "reference ceiling (paired regression)"
PLACES = ("breast mask", "whole frame")


@dataclass(frozen=True, eq=False)
class HeldOutImage:
    """One acquisition of an unseen patient, all images on one grid, shape (rows, columns), modality units.

    ``window`` maps clinical, synthetic and ceiling to [0, 1]; ``low_energy_window`` maps LE. ``ceiling`` is the
    image of a plain paired regression (U-Net, L1), where there is one. ``model_window`` maps the units that the
    baselines were learned in, where they are others than the clinical image's.
    """

    patient_id: str
    low_energy: FloatImage
    clinical: FloatImage
    synthetic: FloatImage
    mask: Mask
    chest_wall: Side
    window: VOIWindow
    low_energy_window: VOIWindow
    ceiling: FloatImage | None = None
    model_window: VOIWindow | None = None


@dataclass(frozen=True)
class ComparedFigures:
    """The similarity of one image to its clinical one: whose (`MODEL`, a baseline's name, `CEILING`), and where."""

    compared: str
    place: str
    figures: Similarity


@dataclass(frozen=True)
class ChangeFigures:
    """MAE and SSIM between LE and one image in the breast mask, each mapped to [0, 1] by its own window."""

    compared: str
    mae: float
    ssim: float


@dataclass(frozen=True)
class ImageFigures:
    """All held-out figures of one image; among ``changes`` is that of `CLINICAL`."""

    patient_id: str
    rows: tuple[ComparedFigures, ...]
    changes: tuple[ChangeFigures, ...]


@dataclass(frozen=True)
class SummaryRow:
    """Mean and standard deviation (ddof = 1) over images; ``psnr_db`` leaves out identical images."""

    compared: str
    place: str
    images: int
    mae: tuple[float, float]
    rmse: tuple[float, float]
    psnr_db: tuple[float, float] | None
    ssim: tuple[float, float]


@dataclass(frozen=True)
class BaselineComparison:
    """The model against one baseline, inside the breast mask."""

    baseline: str
    mae: PairedComparison
    ssim: PairedComparison

    @property
    def beaten(self) -> bool:
        """Whether the model is better in MAE and in SSIM."""
        return self.mae.verdict is Verdict.BETTER and self.ssim.verdict is Verdict.BETTER


@dataclass(frozen=True)
class ChangeFromLE:
    """Figure(LE, clinical) against figure(LE, compared) over images, in the breast mask, ``figure`` MAE or SSIM."""

    compared: str
    figure: str
    correlation: Correlation
    agreement: Agreement


@dataclass(frozen=True)
class HeldOutResult:
    """Everything that was computed; ``verdict`` is the sentence to print above the tables."""

    rows: tuple[ImageFigures, ...]
    summary: tuple[SummaryRow, ...]
    comparisons: tuple[BaselineComparison, ...]
    change_from_le: tuple[ChangeFromLE, ...]
    patients: int
    images: int
    beats_all: bool
    verdict: str
    ceiling: BaselineComparison | None = None


def evaluate_held_out(
    images: Iterable[HeldOutImage],
    baselines: NullBaselines,
    training_patients: Collection[str],
    *,
    total: int = 0,
    seed: int = 0,
    progress: Progress = silent,
) -> HeldOutResult:
    """Compare a model with the null baselines and the ceiling on unseen patients.

    Parameters
    ----------
    images
        May be a generator; each is looked at once. All or none have a ceiling.
    baselines
        Learned from the training patients.
    training_patients
        Patient IDs that the model or the baselines saw.
    total
        How many images there are, for ``progress``.
    seed
        Of the bootstrap.
    progress
        Told after each image.

    Returns
    -------
    HeldOutResult

    Raises
    ------
    EvaluationError
        There is no image, or one of a training patient (the split leaks).
    """
    found: list[ImageFigures] = []
    for index, image in enumerate(images):
        if image.patient_id in training_patients:
            raise EvaluationError(
                f"Patient {image.patient_id} was used in training and cannot be a test patient; split by patient."
            )
        found.append(image_figures(image, baselines))
        progress(index + 1, max(total, index + 1), "held-out figures")
    return summarize(found, seed=seed)


def image_figures(image: HeldOutImage, baselines: NullBaselines | None) -> ImageFigures:
    """Compare one synthetic image, the null baselines and the ceiling with the clinical image.

    Parameters
    ----------
    image
        The images.
    baselines
        ``None`` where nothing is known of training images: then LE itself and all black are the only baselines.

    Returns
    -------
    ImageFigures
        The same whatever else is evaluated: the noise of a baseline is drawn from the pixels of LE.
    """
    shown = _shown(image, baselines)
    clinical = image.window.apply(image.clinical)
    rows = tuple(
        ComparedFigures(name, place, compare_images(values, clinical, mask))
        for name, values in shown.items()
        for place, mask in zip(PLACES, (image.mask, None), strict=True)
    )
    low_energy = image.low_energy_window.apply(image.low_energy) * image.mask
    changes = []
    for name, values in {CLINICAL: clinical, **shown}.items():
        figures = compare_images(low_energy, values * image.mask, image.mask)
        changes.append(ChangeFigures(name, figures.mae, figures.ssim))
    return ImageFigures(image.patient_id, rows, tuple(changes))


def summarize(found: Sequence[ImageFigures], *, seed: int = 0) -> HeldOutResult:
    """Tables, comparisons and the verdict over images.

    Parameters
    ----------
    found
        The figures of each image.
    seed
        Of the bootstrap.

    Raises
    ------
    EvaluationError
        There is no image, or they were compared with different baselines.
    """
    if not found:
        raise EvaluationError("There is no held-out image, so nothing can be said about the model.")
    patients = [image.patient_id for image in found]
    names = [change.compared for change in found[0].changes if change.compared != CLINICAL]
    if any([c.compared for c in image.changes if c.compared != CLINICAL] != names for image in found):
        raise EvaluationError("Not all images were compared with the same baselines; evaluate the cohort anew.")
    rows = [row for image in found for row in image.rows]
    known = [baseline.value for baseline in Baseline if baseline.value in names]
    comparisons = tuple(_against(name, rows, patients, seed) for name in known)
    return HeldOutResult(
        rows=tuple(found),
        summary=tuple(_summary([r for r in rows if (r.compared, r.place) == (n, p)]) for p in PLACES for n in names),
        comparisons=comparisons,
        change_from_le=tuple(_change(n, f, found, patients, seed) for f in ("MAE", "SSIM") for n in names)
        if len(patients) > 1
        else (),
        patients=len(set(patients)),
        images=len(patients),
        beats_all=len(known) == len(Baseline) and all(c.beaten for c in comparisons),
        verdict=_verdict(comparisons, len(set(patients)), len(patients)),
        ceiling=_against(CEILING, rows, patients, seed) if CEILING in names else None,
    )


def _shown(image: HeldOutImage, baselines: NullBaselines | None) -> dict[str, NDArray[np.float64]]:
    """Model, baselines and ceiling, each mapped to [0, 1]."""
    shown = {MODEL: image.window.apply(image.synthetic)}
    low, le_window = image.low_energy, image.low_energy_window
    if baselines is None:
        shown[Baseline.LOW_ENERGY.value] = le_window.apply(low)
        shown[Baseline.BLACK.value] = np.zeros(low.shape)
    else:
        seed = zlib.crc32(np.ascontiguousarray(low, dtype="<f4").tobytes())
        window = image.model_window or image.window
        made = baselines.images(low, le_window, image.mask, image.chest_wall, window, seed)
        shown.update({baseline.value: values for baseline, values in made.items()})
    if image.ceiling is not None:
        shown[CEILING] = image.window.apply(image.ceiling)
    return shown


def _summary(rows: Sequence[ComparedFigures]) -> SummaryRow:
    def spread(values: Sequence[float]) -> tuple[float, float]:
        return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    psnr = [r.figures.psnr_db for r in rows if r.figures.psnr_db is not None]
    return SummaryRow(
        rows[0].compared,
        rows[0].place,
        len(rows),
        spread([r.figures.mae for r in rows]),
        spread([r.figures.rmse for r in rows]),
        spread(psnr) if psnr else None,
        spread([r.figures.ssim for r in rows]),
    )


def _against(baseline: str, rows: Sequence[ComparedFigures], patients: Sequence[str], seed: int) -> BaselineComparison:
    model, other = (
        [r.figures for r in rows if r.compared == name and r.place == PLACES[0]] for name in (MODEL, baseline)
    )
    return BaselineComparison(
        baseline,
        beats([f.mae for f in model], [f.mae for f in other], patients, higher_is_better=False, seed=seed),
        beats([f.ssim for f in model], [f.ssim for f in other], patients, higher_is_better=True, seed=seed),
    )


def _change(name: str, figure: str, found: Sequence[ImageFigures], patients: Sequence[str], seed: int) -> ChangeFromLE:
    clinical, other = (changes_of(found, compared, figure) for compared in (CLINICAL, name))
    correlation = clustered_correlation(clinical, other, patients, seed=seed)
    return ChangeFromLE(name, figure, correlation, agreement(clinical, other))


def changes_of(found: Sequence[ImageFigures], compared: str, figure: str) -> list[float]:
    """Change from LE of each image, ``figure`` MAE or SSIM."""
    return [getattr(c, figure.lower()) for image in found for c in image.changes if c.compared == compared]


def _verdict(comparisons: Sequence[BaselineComparison], patients: int, images: int) -> str:
    basis = f"{images} images of {patients} unseen patients, masked MAE and masked SSIM, paired 95% intervals"
    if patients < MINIMUM_PATIENTS:
        return f"Nothing is shown: {patients} unseen patients are fewer than the {MINIMUM_PATIENTS} needed ({basis})."
    lost = [c.baseline for c in comparisons if not c.beaten]
    if len(comparisons) < len(Baseline):
        basis += f"; {len(Baseline) - len(comparisons)} null baselines could not be made, so nothing is shown by this"
    if not lost:
        return f"The model beats all {len(comparisons)} null baselines ({basis})."
    return f"The model does not beat: {'; '.join(lost)} ({basis})."
