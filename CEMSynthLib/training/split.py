"""Split: which patients train and which validate, by patient and never by image."""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.training.errors import SplitError


@dataclass(frozen=True)
class Split:
    """Patient identifiers on both sides, each sorted.

    Raises
    ------
    SplitError
        A side is empty or a patient is on both (compared without case and surrounding spaces, since exports of one
        patient differ in these).
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]

    def __post_init__(self) -> None:
        both = {_same(p) for p in self.training} & {_same(p) for p in self.validation}
        if both:
            raise SplitError(
                f"{len(both)} patient(s) are on both the training and the validation side; "
                "figures from such a split say nothing, so split by patient."
            )
        if not self.training or not self.validation:
            side = "training" if not self.training else "validation"
            raise SplitError(f"No patient is left on the {side} side; at least two patients are needed.")


def split_patients(patient_ids: Iterable[str], validation_fraction: float, seed: int) -> Split:
    """Draw validation patients by a hash of seed and identifier.

    The draw of one patient does not depend on the others, so that a patient keeps its side when more are added (as
    long as the other side is not empty: then the nearest patient is moved over).

    Parameters
    ----------
    patient_ids
        May repeat.
    validation_fraction
        Between 0 and 1, the part expected on the validation side.
    seed
        Another seed is another split.

    Raises
    ------
    SplitError
        Fewer than two patients.
    ValueError
        ``validation_fraction`` is not between 0 and 1.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction is {validation_fraction}, not between 0 and 1")
    patients = set(patient_ids)
    draws = sorted((_draw(key, seed), key) for key in {_same(patient) for patient in patients})
    count = sum(draw < validation_fraction for draw, _ in draws)
    count = min(max(count, 1), len(draws) - 1)
    held_out = {key for _, key in draws[: max(count, 0)]}
    return explicit_split(patients, [p for p in patients if _same(p) in held_out])


def explicit_split(
    patient_ids: Iterable[str], validation: Sequence[str], training: Sequence[str] | None = None
) -> Split:
    """Split by lists.

    Parameters
    ----------
    patient_ids
        All patients that have images.
    validation
        The patients to validate on.
    training
        The patients to train on; ``None``: all the others.

    Raises
    ------
    SplitError
        A listed patient has no images, a patient is on both sides, or a side is empty.
    """
    known = set(patient_ids)
    chosen = set(training) if training is not None else known - set(validation)
    unknown = (set(validation) | chosen) - known
    if unknown:
        raise SplitError(f"{len(unknown)} patient(s) of the split have no image pair in the training folder.")
    return Split(training=tuple(sorted(chosen)), validation=tuple(sorted(set(validation))))


def same_patients(patient_ids: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    """Those of ``patient_ids`` that are listed (compared without case and surrounding spaces)."""
    keys = {_same(patient) for patient in listed}
    return tuple(patient for patient in patient_ids if _same(patient) in keys)


def require_apart(training: Iterable[tuple[str, str | None]], validation: Iterable[tuple[str, str | None]]) -> None:
    """Refuse a patient or a study that is on both sides.

    Parameters
    ----------
    training, validation
        Patient identifier and Study Instance UID (``None`` where there is none) of each image.

    Raises
    ------
    SplitError
        One is on both; a study may be because its files carry two patient identifiers.
    """
    here, there = list(training), list(validation)
    patients = {_same(p) for p, _ in here} & {_same(p) for p, _ in there}
    if patients:
        raise SplitError(f"{len(patients)} patient(s) are on both the training and the validation side.")
    studies = {uid for _, uid in here if uid} & {uid for _, uid in there if uid}
    if studies:
        raise SplitError(
            f"{len(studies)} study or studies are on both the training and the validation side, under different "
            "patient identifiers; give their files one identifier, or name both identifiers on one side with --split."
        )


def read_split(path: Path) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Read who trains and who validates from a table, such as the ``cohort.csv`` of a simulated cohort.

    Parameters
    ----------
    path
        CSV with the columns ``patient_id`` and ``split`` (``train``, ``validation``; any other word, such as ``test``:
        the patient is left out).

    Returns
    -------
    tuple of str, tuple of str or None
        Patients to train on and to validate on; ``None`` where the table names no validation patient.

    Raises
    ------
    SplitError
        The file cannot be read, lacks a column, or gives a patient two sides.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SplitError(f"The split {path} cannot be read as a CSV table.") from error
    if not rows or not {"patient_id", "split"} <= set(rows[0]):
        raise SplitError(f"The split {path.name} needs the columns patient_id and split.")
    sides: dict[str, tuple[str, str]] = {}
    for row in rows:
        patient, side = str(row["patient_id"] or "").strip(), str(row["split"] or "").strip().casefold()
        if sides.setdefault(_same(patient), (patient, side))[1] != side:
            raise SplitError(f"The split {path.name} gives a patient two sides.")
    training = tuple(patient for patient, side in sides.values() if side == "train")
    validation = tuple(patient for patient, side in sides.values() if side == "validation")
    return training, validation or None


def _same(patient: str) -> str:
    return patient.strip().casefold()


def _draw(patient: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
