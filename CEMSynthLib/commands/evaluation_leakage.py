"""Leakage: whether a test image or patient was among those a model was trained on, by the hashes in its card."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.cohort import Check
from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.model import CEMImage
from CEMSynthLib.training.fingerprint import ALIKE, image_fingerprint, is_fingerprint, likeness
from CEMSynthLib.training.hashes import patient_hash, pixel_sha256, read_or_make_key

if TYPE_CHECKING:
    from CEMSynthLib.generator.card import ModelCard

_SIMULATED_ID = re.compile(r"SIM-(\d+)-\d+")


class LeakageError(CEMSynthError):
    """A test patient was used in training."""


@dataclass(frozen=True)
class HashedImage:
    """SHA-256 of the pixels of one acquisition's images, whose it is, file and fingerprint of the low-energy image."""

    patient_id: str
    low_energy: str
    recombined: str
    source: str = ""
    fingerprint: str = ""


def hash_of(image: CEMImage) -> str:
    """SHA-256 of an image's pixels, as training counts them."""
    return pixel_sha256(image.pixels())


def fingerprint_of(image: CEMImage) -> str:
    """Fingerprint of a low-energy image, as training makes it; empty where no breast is found."""
    try:
        return image_fingerprint(image.pixels(), image.grid.spacing_mm)
    except BreastNotFoundError:
        return ""


def check_leakage(images: Sequence[HashedImage], card: "ModelCard | None", key_file: Path | None = None) -> list[Check]:
    """Compare a test set with what a model card tells of the training set.

    Parameters
    ----------
    images
        Of the test set.
    card
        Of the model (or the ceiling); ``None`` where the synthetic images came from elsewhere.
    key_file
        The key under which the card's patient hashes were made.

    Returns
    -------
    list of Check

    Raises
    ------
    LeakageError
        A test image or patient was used in training.
    """
    checks = [_duplicates(images), _near_each_other(images)]
    if card is None:
        why = "the synthetic images came from elsewhere, and nothing is known of what their model was trained on"
        return [Check("training images, patients and studies", why, None), *checks]
    training = card.training
    seeds = set(training.seeds)
    simulated = [(i.patient_id, m) for i in images if (m := _SIMULATED_ID.fullmatch(i.patient_id))]
    for patient, match in simulated:
        if int(match[1]) in seeds:
            raise LeakageError(
                f"Patient {patient} was used in training and cannot be a test patient; split by patient."
            )
    if simulated:
        of = f"{len({p for p, _ in simulated})} simulated test patients are of seeds other than {sorted(seeds)}"
        checks.append(Check(f"{card.name}: seeds of simulated patients and studies", of, True))
    known = set(training.image_sha256)
    for image in images:
        if known & {image.low_energy, image.recombined}:
            raise LeakageError(
                f"An image of patient {image.patient_id} was used in training (its pixels' SHA-256 is in the model "
                f"card of {card.name}), so the patient cannot be a test patient; split by patient."
            )
    what = f"{card.name}: training images (SHA-256 of pixels)"
    if known:
        outcome = f"none of {2 * len(images)} test images is among the {len(known)} of the model card"
        checks.append(Check(what, outcome, True))
    else:
        checks.append(Check(what, "the model card holds no hashes of its training images", None))
    checks.append(_patients(images, card, key_file))
    checks.append(_near_training(images, card))
    return checks


def _near_training(images: Sequence[HashedImage], card: "ModelCard") -> Check:
    what = f"{card.name}: near-duplicates of training images (fingerprints of LE)"
    known = [text for text in card.training.image_fingerprints if is_fingerprint(text)]
    if not known:
        return Check(what, "the model card holds no fingerprints of its training images", None)
    tested = [image for image in images if image.fingerprint]
    alike = likeness([image.fingerprint for image in tested], known)
    found = [(image.source, float(a)) for image, a in zip(tested, alike.max(axis=1), strict=True) if a >= ALIKE]
    if not found:
        most = f"; the likest pair correlates {alike.max():.2f}, below {ALIKE:g}" if tested else ""
        return Check(
            what, f"none of {len(tested)} images is like one of the {len(known)} of the model card{most}", True
        )
    listed = ", ".join(f"{source} ({a:.2f})" for source, a in found)
    return Check(
        what,
        f"{len(found)} of {len(tested)} images look like a training image, resaved, cropped or mirrored (correlation "
        f"{ALIKE:g} or more): {listed}. Look at them; if they are the same breasts, split by patient.",
        False,
    )


def _near_each_other(images: Sequence[HashedImage]) -> Check:
    what = "near-duplicate images under two patients of the test set (fingerprints of LE)"
    tested = [image for image in images if image.fingerprint]
    alike = likeness(*[[image.fingerprint for image in tested]] * 2)
    pairs = [
        f"{one.source} and {other.source} ({alike[i, j]:.2f})"
        for i, one in enumerate(tested)
        for j, other in enumerate(tested[:i])
        if one.patient_id != other.patient_id and max(alike[i, j], alike[j, i]) >= ALIKE
    ]
    if pairs:
        return Check(what, f"{len(pairs)} pairs: {', '.join(pairs)}. Intervals may be too narrow.", False)
    return Check(what, f"none among {len(tested)} images", True)


def _patients(images: Sequence[HashedImage], card: "ModelCard", key_file: Path | None) -> Check:
    what, hashes = f"{card.name}: training patients (keyed hashes)", set(card.training.patient_hashes)
    if not hashes:
        return Check(what, "the model card holds no patient hashes", None)
    if key_file is None:
        return Check(what, "not checked: give the key of the training with --patient-key", None)
    if not key_file.is_file():
        raise LeakageError(f"There is no patient key {key_file}; give the one that the training wrote.")
    key = read_or_make_key(key_file)
    patients = {image.patient_id for image in images}
    for patient in sorted(patients):
        if patient_hash(patient, key) in hashes:
            raise LeakageError(
                f"Patient {patient} was used in training and cannot be a test patient; split by patient."
            )
    return Check(what, f"none of {len(patients)} test patients is among the {len(hashes)} of the model card", True)


def _duplicates(images: Sequence[HashedImage]) -> Check:
    patients = defaultdict(set)
    for image in images:
        patients[image.low_energy].add(image.patient_id)
        patients[image.recombined].add(image.patient_id)
    twice = sum(len(of) > 1 for of in patients.values())
    what = "identical images under two patients of the test set"
    if twice:
        return Check(what, f"{twice} images occur under more than one patient: intervals are too narrow", False)
    return Check(what, f"none among {len(patients)} images", True)
