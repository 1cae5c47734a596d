"""Who takes part in a cohort: which breasts are imaged, which of them are positive, who is for training.

The preset ``study`` has the design of Zormpas-Petridis et al., Eur Radiol Exp 2026: 100 training patients (195 breasts,
102 positive) and 40 test patients (63 breasts, 37 positive). Positive: at least one malignant lesion that enhances.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.random_source import Stream, generator

#: Share of the patients of a cohort without preset that are for testing.
TEST_SHARE = 0.2
BREASTS = ("R", "L")


@dataclass(frozen=True)
class PatientDesign:
    """What a cohort wants of one patient.

    Parameters
    ----------
    split
        ``"train"`` or ``"test"``.
    breasts
        Imaged breasts, in the order of `BREASTS`.
    positive
        By laterality: True, False, or None where it is left to chance.
    """

    split: str
    breasts: tuple[str, ...]
    positive: Mapping[str, bool | None]


@dataclass(frozen=True)
class Part:
    """One part of a preset, patients in a row; at least one and at most two breasts each."""

    split: str
    patients: int
    breasts: int
    positive: int


PRESETS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {"study": (Part("train", 100, 195, 102), Part("test", 40, 63, 37))}
)


def preset_size(preset: str) -> int:
    """Number of patients of a preset.

    Raises
    ------
    PhantomError
        It is not known.
    """
    return sum(part.patients for part in _parts(preset))


def design_patient(preset: str | None, seed: int, number: int) -> PatientDesign:
    """What the cohort wants of a patient; depends on nothing but the arguments.

    Parameters
    ----------
    preset
        A name from `PRESETS`; ``None``: both breasts, lesions left to chance, a fifth of the patients for testing.
    seed, number
        Of the patient; the numbers of a preset begin at 1.

    Raises
    ------
    PhantomError
        The preset is not known or has no such patient.
    """
    if preset is None:
        test = generator(seed, number, Stream.COHORT).random() < TEST_SHARE
        return PatientDesign("test" if test else "train", BREASTS, dict.fromkeys(BREASTS))
    layout = _layout(preset, seed)
    if not 1 <= number <= len(layout):
        raise PhantomError(
            f"the preset '{preset}' has the patients 1 to {len(layout)}, so there is no patient {number}"
        )
    return layout[number - 1]


def _parts(preset: str) -> tuple[Part, ...]:
    if preset not in PRESETS:
        raise PhantomError(f"the preset '{preset}' is not known; known: {', '.join(PRESETS)}")
    return PRESETS[preset]


@cache
def _layout(preset: str, seed: int) -> tuple[PatientDesign, ...]:
    return tuple(
        patient for index, part in enumerate(_parts(preset), start=1) for patient in _part_layout(part, seed, index)
    )


def _part_layout(part: Part, seed: int, index: int) -> list[PatientDesign]:
    """Few cancers are bilateral: everybody gets one positive breast first, as far as there are positive breasts."""
    rng = generator(seed, 0, Stream.COHORT, index)
    both = set(rng.permutation(part.patients)[: part.breasts - part.patients].tolist())
    affected = set(rng.permutation(part.patients)[: part.positive].tolist())
    bilateral = set(rng.permutation(sorted(both))[: max(0, part.positive - part.patients)].tolist())
    designs = []
    for patient in range(part.patients):
        first = str(rng.choice(BREASTS))
        breasts = BREASTS if patient in both else (first,)
        positive = {
            side: side in breasts and patient in affected and (side == first or patient in bilateral)
            for side in BREASTS
        }
        designs.append(PatientDesign(part.split, breasts, positive))
    return designs
