"""Design: from a cohort and its synthetic images to a protocol and its key."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.reading.case_images import relative
from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.form import Form
from CEMSynthLib.reading.key import CaseKey, Key, ViewFiles
from CEMSynthLib.reading.places import LesionPlaces
from CEMSynthLib.reading.protocol import Arm, Protocol
from CEMSynthLib.reading.truth_table import BreastTruth
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, StudyFolder
from CEMSynthLib.study.synthetic import synthetic_of


@dataclass(frozen=True)
class StudyDesign:
    """What a reader study is asked to be; see `Protocol`. ``seed`` draws case codes and order."""

    title: str
    arms: tuple[Arm, ...]
    readers: tuple[str, ...]
    form: Form
    seed: int
    repeats: int = 0
    washout_days: float = 28.0


@dataclass(frozen=True)
class DesignedStudy:
    """Protocol, key, and sentences about what was left out."""

    protocol: Protocol
    key: Key
    warnings: tuple[str, ...]


def design_study(
    design: StudyDesign,
    found: StudyFolder,
    synthetic: StudyFolder | None,
    truths: Mapping[tuple[str, str], BreastTruth],
    folders: tuple[str, str],
    places: Mapping[Path, LesionPlaces] | None = None,
) -> DesignedStudy:
    """Make a protocol and its key.

    Parameters
    ----------
    design
        Arms, readers, questions.
    found
        The cohort.
    synthetic
        Synthetic images of it, where an arm shows them.
    truths
        By patient and laterality; may be empty.
    folders
        How the key names the folders of cohort and synthetic images.
    places
        Of lesions, by file of the low-energy image, where known.

    Returns
    -------
    DesignedStudy
        A case is one breast. A view without one of the images that the arms show is left out, so that all arms show
        the same views.

    Raises
    ------
    ProtocolError
        No breast has all the images, or readers, arms or repeats are impossible.
    """
    needed = {kind for arm in design.arms for kind in arm.images}
    candidates = [i for s in (synthetic.studies if synthetic else found.studies) for i in s.synthetic]
    root = synthetic.root if synthetic else found.root
    breasts: dict[tuple[str, str], list[ViewFiles]] = defaultdict(list)
    lesions: dict[tuple[str, str], dict[str, LesionPlaces]] = defaultdict(dict)
    warnings: list[str] = []
    for study in found.studies:
        for acquisition in study.acquisitions:
            images = _images(acquisition, candidates)
            lacking = sorted(kind.value.replace("_", " ") for kind in needed - set(images))
            if lacking or acquisition.laterality is None:
                what = " and ".join([f"no {word} image" for word in lacking] or ["no laterality"])
                warnings.append(f"Patient {study.patient_id}, {acquisition.name}: left out, since it has {what}.")
                continue
            views = breasts[study.patient_id, acquisition.laterality.value]
            name = acquisition.view.value if acquisition.view else "view"
            same = sum(view.name.split()[0] == name for view in views)
            roots = {kind: root if kind is ImageKind.SYNTHETIC else found.root for kind in needed}
            files = {k: relative(images[k].path, roots[k]) for k in ImageKind if k in needed}
            views.append(ViewFiles(f"{name} {same + 1}" if same else name, files))
            low = acquisition.low_energy
            if places and low is not None and low.path in places:
                lesions[study.patient_id, acquisition.laterality.value][views[-1].name] = places[low.path]
    if not breasts:
        raise ProtocolError(
            f"No breast in {found.root} has all the images that are to be read; the first reason: "
            f"{warnings[0] if warnings else 'it holds no acquisition.'}"
        )
    unknown = [breast for breast in breasts if truths.get(breast, BreastTruth(None)).positive is None]
    if unknown:
        warnings.append(f"For {len(unknown)} of {len(breasts)} breasts it is not known whether they hold a lesion.")
    # Codes follow no order that a reader could know.
    drawn = sorted(breasts, key=lambda b: hashlib.sha256(f"{design.seed}\ncase\n{b[0]}\n{b[1]}".encode()).hexdigest())
    cases = {
        f"C{number:03d}": CaseKey(*b, tuple(breasts[b]), t.positive, t.bpe, lesions[b] if t.positive else {})
        for number, b in enumerate(drawn, start=1)
        for t in [truths.get(b, BreastTruth(None))]
    }
    protocol = Protocol(
        design.title, tuple(cases), design.arms, design.readers, design.form, design.repeats, design.washout_days
    )
    uses_synthetic = ImageKind.SYNTHETIC in needed
    key = Key(protocol.sha256, design.seed, folders[0], folders[1] if uses_synthetic else "", cases)
    return DesignedStudy(protocol, key, tuple(warnings))


def _images(acquisition: Acquisition, candidates: Sequence[CEMImage]) -> dict[ImageKind, CEMImage]:
    images = {image.kind: image for image in acquisition.images}
    made = synthetic_of(acquisition, candidates)
    return images | ({ImageKind.SYNTHETIC: made} if made else {})
