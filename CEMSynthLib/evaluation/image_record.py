"""Image record: everything that a cohort evaluation keeps of one image, as a small JSON file."""

from dataclasses import dataclass

from CEMSynthLib.evaluation.heldout import ImageFigures
from CEMSynthLib.evaluation.json_record import parse_json_record, record_text
from CEMSynthLib.evaluation.observer import Observation
from CEMSynthLib.evaluation.truth import LesionTruth, ViewTruth

VERSION = 1


@dataclass(frozen=True)
class Contrast:
    """One figure of one lesion on one image: value, SD of the resampled figures, 95% interval; or why there is none."""

    formula: str
    image: str
    value: float | None = None
    uncertainty: float | None = None
    interval_95: tuple[float, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class LesionRecord:
    """A lesion region with its background; ``truth`` for simulated ones."""

    name: str
    background: str
    pixels: int | None
    area_mm2: float | None
    contrasts: tuple[Contrast, ...]
    truth: LesionTruth | None = None

    def value(self, formula: str, image: str) -> float | None:
        """A figure; ``None`` where there is none."""
        return next((c.value for c in self.contrasts if (c.formula, c.image) == (formula, image)), None)


@dataclass(frozen=True)
class HaloRecord:
    """Halo of one image (see `CEMSynthLib.measurement.halo.HaloResult`), with P(d) at 60 depths for plotting."""

    verdict: str
    reason: str
    unit: str
    threshold: float
    step: float | None
    interval_95: tuple[float, float] | None
    rim_excess: float | None
    trough_depth: float | None
    rim_depth: float | None
    noise: float | None
    profile_depth: tuple[float, ...] = ()
    profile: tuple[float, ...] = ()


@dataclass(frozen=True)
class ImageRecord:
    """One image.

    Parameters
    ----------
    source
        Low-energy file, relative to the cohort.
    patient_id, laterality, view
        Whose and which.
    hashes
        SHA-256 of the pixels by image (low energy, clinical, synthetic where it came as a file).
    window_width
        Of the recombined VOI window.
    figures
        Similarity and change from LE.
    lesions, halo_clinical, halo_synthetic
        Contrast and halo.
    halo_retained, halo_retained_reason
        step_synthetic / step_clinical, or why there is none.
    truth
        Of a simulated view.
    warnings
        Sentences.
    observed
        By the model observer, where the view is simulated: clinical and synthetic image.
    """

    source: str
    patient_id: str
    laterality: str
    view: str
    hashes: dict[str, str]
    window_width: float
    figures: ImageFigures
    lesions: tuple[LesionRecord, ...]
    halo_clinical: HaloRecord | None
    halo_synthetic: HaloRecord | None
    halo_retained: float | None
    halo_retained_reason: str
    truth: ViewTruth | None
    warnings: tuple[str, ...]
    observed: tuple[Observation, ...] = ()

    def to_json(self) -> str:
        """The text of its file."""
        return record_text(self, VERSION)


def parse_record(text: str, name: str) -> ImageRecord:
    """Read what `ImageRecord.to_json` wrote.

    Raises
    ------
    EvaluationError
        The file is damaged or of another version.
    """
    return parse_json_record(ImageRecord, VERSION, text, name)
