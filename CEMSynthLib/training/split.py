"""Split: which patients train and which validate, by patient and never by image."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


def _same(patient: str) -> str:
    return patient.strip().casefold()


def _draw(patient: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}:{patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
