"""Image record: everything that a cohort evaluation keeps of one image, as a small JSON file."""

import json
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.heldout import ImageFigures
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
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, allow_nan=False) + "\n"


def parse_record(text: str, name: str) -> ImageRecord:
    """Read what `ImageRecord.to_json` wrote.

    Raises
    ------
    EvaluationError
        The file is damaged or of another version.
    """
    try:
        content = json.loads(text)
        if content.pop("version") != VERSION:
            raise EvaluationError(f"{name} was written by another version; evaluate into a new folder.")
        made = typed(ImageRecord, content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.") from error
    if not isinstance(made, ImageRecord):
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.")
    return made


def typed(kind: Any, value: Any) -> Any:
    """A JSON value as the annotated type: dataclasses, tuples, optional values and plain ones."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(k for k in typing.get_args(kind) if k is not type(None))
        return None if value is None else typed(inner, value)
    if origin is tuple:
        inner, *rest = typing.get_args(kind)
        kinds = [inner] * len(value) if rest == [...] else [inner, *rest]
        return tuple(typed(k, v) for k, v in zip(kinds, value, strict=True))
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: typed(hints[field.name], value[field.name]) for field in fields(kind)})
    if kind is float and isinstance(value, int):
        return float(value)
    return value
