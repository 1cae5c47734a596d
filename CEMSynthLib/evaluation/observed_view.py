"""Observed view: what the model observer's filters gave on one view, with its truth, as a small JSON file."""

import json
from dataclasses import asdict, dataclass

from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.image_record import ImageRecord, typed
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
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1, allow_nan=False) + "\n"


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
    try:
        content = json.loads(text)
        if content.pop("version") != VERSION:
            raise EvaluationError(f"{name} was written by another version; evaluate into a new folder.")
        made = typed(ObservedView, content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.") from error
    if not isinstance(made, ObservedView):
        raise EvaluationError(f"{name} is damaged; delete it, and the same command makes it again.")
    return made
