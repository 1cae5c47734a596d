"""Observed view: what the model observer's filters gave on one view, with its truth, as a small JSON file."""

from dataclasses import dataclass

from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.json_record import parse_json_record, record_text
from CEMSynthLib.evaluation.observer import Observation
from CEMSynthLib.evaluation.truth import ViewTruth

VERSION = 1


@dataclass(frozen=True)
class ObservedView:
    """One view; fields as in `ImageRecord`, ``observed`` holds the clinical and the synthetic image."""

    source: str
    patient_id: str
    laterality: str
    hashes: dict[str, str]
    truth: ViewTruth
    observed: tuple[Observation, ...]

    def to_json(self) -> str:
        """The text of its file."""
        return record_text(self, VERSION)


def view_of(record: ImageRecord) -> ObservedView | None:
    """The observed view of a measured image; ``None`` where it is not simulated or was not observed."""
    if record.truth is None or len(record.observed) < 2:
        return None
    return ObservedView(
        record.source, record.patient_id, record.laterality, record.hashes, record.truth, record.observed
    )


def parse_view(text: str, name: str) -> ObservedView:
    """Read what `ObservedView.to_json` wrote.

    Raises
    ------
    EvaluationError
        The file is damaged or of another version.
    """
    return parse_json_record(ObservedView, VERSION, text, name)
