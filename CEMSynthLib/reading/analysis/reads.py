"""Reads: the answers of all readers with the key beside them, one row a reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CEMSynthLib.reading.errors import AnswerError
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.order import reading_list
from CEMSynthLib.reading.places import LesionPlaces
from CEMSynthLib.reading.protocol import READERS_FOLDER, Protocol, read_protocol
from CEMSynthLib.reading.storage import answers_path, read_answers


@dataclass(frozen=True)
class Read:
    """One reading.

    Parameters
    ----------
    reader, case, patient_id, arm
        Whose, of what, with which images (name of the arm).
    repeat
        Read a second time with the same images.
    positive, true_bpe
        Truth; ``None`` and empty where not known.
    answers, seconds, revisions
        What counts in the end, how long it was on the screen, how often it was changed.
    places, views
        Where the lesions lie, by view (empty where not known); how many views the case has.
    """

    reader: str
    case: str
    patient_id: str
    arm: str
    repeat: bool
    positive: bool | None
    true_bpe: str
    answers: Mapping[str, Any]
    seconds: float
    revisions: int
    places: Mapping[str, LesionPlaces] = field(default_factory=dict)
    views: int = 1

    @property
    def lesion(self) -> bool | None:
        """Whether the reader saw a lesion."""
        return self.answers["lesion"] == "yes" if "lesion" in self.answers else None

    @property
    def correct(self) -> bool | None:
        """Whether the reader was right about a lesion; ``None`` where the truth is not known."""
        return None if self.positive is None or self.lesion is None else self.lesion == self.positive

    @property
    def marks(self) -> list[tuple[str, float, float]]:
        """View, row and column of each mark; none where no lesion was seen."""
        given = self.answers.get("marks", []) if self.lesion else []
        return [(str(mark["view"]), float(mark["row"]), float(mark["column"])) for mark in given]

    @property
    def score(self) -> int | None:
        """How sure the reader is of a lesion: confidence 1 to 5, negative where none was seen."""
        if self.lesion is None or "confidence" not in self.answers:
            return None
        return int(self.answers["confidence"]) * (1 if self.lesion else -1)


@dataclass(frozen=True)
class StudyReads:
    """Everything that was read; ``warnings`` tell what is missing or damaged."""

    protocol: Protocol
    reads: tuple[Read, ...]
    warnings: tuple[str, ...] = ()

    def of(self, arm: str, reader: str | None = None, repeat: bool = False) -> list[Read]:
        """The readings with one arm, of one reader or all."""
        return [r for r in self.reads if r.arm == arm and r.repeat is repeat and reader in (None, r.reader)]

    @property
    def readers(self) -> tuple[str, ...]:
        """Those who have read anything."""
        present = {r.reader for r in self.reads}
        return tuple(reader for reader in self.protocol.readers if reader in present)


def load_study(folder: Path) -> StudyReads:
    """Read protocol, key and answers.

    Raises
    ------
    ProtocolError, AnswerError
        A file is damaged, or nobody has read anything.
    """
    protocol = read_protocol(folder)
    key = read_key(folder, protocol)
    reads: list[Read] = []
    warnings: list[str] = []
    for reader in protocol.readers:
        stored = read_answers(answers_path(folder / READERS_FOLDER, reader), protocol.sha256, reader)
        items = reading_list(protocol, key.seed, reader)
        for item in items:
            if (answer := stored.latest.get(item.code)) is not None:
                case = key.cases[item.case]
                reads.append(
                    Read(
                        reader,
                        item.case,
                        case.patient_id,
                        item.arm.name,
                        item.repeat,
                        case.positive,
                        case.bpe,
                        answer.answers,
                        answer.seconds,
                        answer.revision,
                        case.places,
                        max(1, len(case.views)),
                    )
                )
        missing = len(items) - sum(item.code in stored.latest for item in items)
        if missing:
            warnings.append(
                f"{reader} has not read {missing} of {len(items)} readings; rates count what was read, differences "
                "only cases that were read with both image types."
            )
        if stored.damaged:
            lines = ", ".join(map(str, stored.damaged))
            warnings.append(f"In {reader}.jsonl these lines are torn or altered and count for nothing: {lines}.")
    if not reads:
        raise AnswerError(f"Nobody has read anything in {folder}, so there is nothing to analyze.")
    return StudyReads(protocol, tuple(reads), tuple(warnings))


def paired(first: Sequence[Read], second: Sequence[Read]) -> list[tuple[Read, Read]]:
    """Readings of one case by one reader, in both lists."""
    others = {(r.reader, r.case): r for r in second}
    return [(r, others[r.reader, r.case]) for r in first if (r.reader, r.case) in others]
