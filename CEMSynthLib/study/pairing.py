"""Pairing: the images of one study to acquisitions, one per compression; repeats stay separate.

Images of one laterality and view belong to one compression if one was made from the other (Source Image Sequence), or
they share the Frame of Reference UID, or were acquired within 10 s. Where such a group holds a kind twice (one frame
of reference for the whole study), it is split by time. Raw images (FOR PROCESSING) stand by themselves where the same
view has a low-energy image FOR PRESENTATION.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.model import Acquisition, ImageKind, Laterality, ViewPosition

# LE and HE of one compression are about 1 s apart; the recombined image has the time of one of them.
_SAME_TIME_SECONDS = 10.0
_PAIRED = (ImageKind.LOW_ENERGY, ImageKind.HIGH_ENERGY, ImageKind.RECOMBINED)
_VIEWS = list(ViewPosition)
_SIDES = [Laterality.RIGHT, Laterality.LEFT]

Group = list[FoundImage]


@dataclass(frozen=True)
class Paired:
    """An acquisition, the found images that it is made of, and one sentence that tells what ties them together."""

    acquisition: Acquisition
    images: tuple[FoundImage, ...]
    tie: str


def acquisitions_of(images: Iterable[FoundImage]) -> tuple[Acquisition, ...]:
    """The acquisitions of `paired`."""
    return tuple(pair.acquisition for pair in paired(images))


def paired(images: Iterable[FoundImage]) -> tuple[Paired, ...]:
    """Group the images of one study.

    Parameters
    ----------
    images
        Low energy, high energy and recombined images of one patient and study; synthetic ones are left out.

    Returns
    -------
    tuple of Paired
        Right before left, CC before MLO, then by time, raw images last. Each image is in exactly one acquisition.
        Warnings say what is missing and on what weak ground a pair stands.
    """
    by_view: dict[tuple[Laterality | None, ViewPosition | None, str], Group] = defaultdict(list)
    for found in images:
        if found.image.kind in _PAIRED:
            by_view[found.laterality, found.view, found.modifiers].append(found)
    pairs = []
    for key in sorted(by_view, key=_view_order):
        for pool in _pools(by_view[key]):
            groups, notes = _groups(sorted(pool, key=_time_order))
            for group in sorted(groups, key=lambda g: _time_order(g[0])):
                acquisition = _acquisition(group, notes.get(id(group), ()))
                pairs.append(Paired(acquisition, tuple(group), _tie(group)))
    return tuple(pairs)


def _pools(images: Group) -> list[Group]:
    """All images of a view, or those for presentation and the raw ones by themselves."""
    shown = [f for f in images if not f.raw]
    if any(f.image.kind is ImageKind.LOW_ENERGY for f in shown) and len(shown) < len(images):
        return [shown, [f for f in images if f.raw]]
    return [images]


def _tie(group: Group) -> str:
    """What ties the images of a group to its first."""
    first, rest = group[0], group[1:]
    if not rest:
        return ""
    if all(f.image.path == first.image.path for f in rest):
        return "They are frames of one file."
    if all(_made_from(first, f) or any(_made_from(f, g) for g in rest) for f in rest):
        return "One was made from the other (Source Image Sequence)."
    if all(_same_frame(first, f) for f in rest):
        return "They share the Frame of Reference UID."
    if all(_linked(first, f) for f in rest):
        return f"They were acquired within {_SAME_TIME_SECONDS:g} s."
    return "They show the same side and view, and nothing contradicts."


def _view_order(key: tuple[Laterality | None, ViewPosition | None, str]) -> tuple[int, int, str]:
    side, view, modifiers = key
    return (_VIEWS.index(view) if view else len(_VIEWS), _SIDES.index(side) if side else 2, modifiers)


def _time_order(found: FoundImage) -> tuple[float, int, str]:
    return (found.seconds if found.seconds is not None else float("inf"), found.instance_number, str(found.image.path))


def _groups(images: Group) -> tuple[list[Group], dict[int, tuple[str, ...]]]:
    """Compressions of one view, and notes by the identity of a group."""
    groups = _clusters(images, _linked)
    groups = [part for group in groups for part in _split(group)]
    notes: dict[int, tuple[str, ...]] = {}
    lonely = [g for g in groups if len(_kinds(g)) == len(g) and not _complete(g)]
    with_low = [g for g in lonely if ImageKind.LOW_ENERGY in _kinds(g)]
    without = [g for g in lonely if ImageKind.LOW_ENERGY not in _kinds(g)]
    known = images[0].laterality is not None and images[0].view is not None
    if (
        known
        and with_low
        and len(with_low) == len(without)
        and not any(_contradict(a, b) for a in with_low for b in without)
    ):
        for low, other in zip(with_low, without, strict=True):
            if _kinds(low) & _kinds(other):
                continue
            groups = [g for g in groups if g is not low and g is not other]
            joined = low + other
            groups.append(joined)
            if any(i.study_uid is not None for i in joined):
                notes[id(joined)] = (
                    "The images are paired by view alone: neither frame of reference nor time ties them.",
                )
            elif len(with_low) > 1:
                notes[id(joined)] = (
                    "Several images of this view exist; they are paired in the order of their file names.",
                )
    return groups, notes


def _clusters(images: Group, linked: Callable[[FoundImage, FoundImage], bool]) -> list[Group]:
    """Connected groups under ``linked``."""
    groups: list[Group] = []
    for image in images:
        touching = [g for g in groups if any(linked(image, other) for other in g)]
        merged = [image]
        for group in touching:
            merged = group + merged
        groups = [g for g in groups if not any(g is t for t in touching)]
        groups.append(merged)
    return groups


def _linked(a: FoundImage, b: FoundImage) -> bool:
    return a.image.path == b.image.path or _same_frame(a, b) or _made_from(a, b) or _same_time(a, b)


def _same_frame(a: FoundImage, b: FoundImage) -> bool:
    return bool(a.frame_of_reference) and a.frame_of_reference == b.frame_of_reference


def _made_from(a: FoundImage, b: FoundImage) -> bool:
    return (b.image.sop_instance_uid or "-") in a.sources or (a.image.sop_instance_uid or "-") in b.sources


def _same_time(a: FoundImage, b: FoundImage) -> bool:
    return a.seconds is not None and b.seconds is not None and abs(a.seconds - b.seconds) <= _SAME_TIME_SECONDS


def _contradict(a: Group, b: Group) -> bool:
    """True where both tell a frame of reference or both tell a time (they differ, else they were one group)."""
    return any((i.frame_of_reference and j.frame_of_reference) or (i.seconds is not None and j.seconds is not None)
               for i in a for j in b)  # fmt: skip


def _split(group: Group) -> list[Group]:
    """Split a group that holds a kind twice: by source, then by time, then one by one in order."""
    if len(_kinds(group)) == len(group):
        return [group]
    anchors = [f for f in group if f.image.kind is ImageKind.LOW_ENERGY] or [
        f for f in group if f.image.kind is group[0].image.kind
    ]
    parts: list[Group] = [[anchor] for anchor in anchors]
    rest = [f for f in group if not any(f is a for a in anchors)]
    left: Group = []
    # What tells more goes first, so that an image with a source is not displaced by one with a time.
    for found in sorted(rest, key=lambda f: not any(_made_from(f, a) for a in anchors)):
        free = [p for p in parts if found.image.kind not in _kinds(p)]
        if free:
            min(free, key=lambda p, f=found: _distance(f, p[0])).append(found)  # type: ignore[misc]
        else:
            left.append(found)
    return parts + (_split(left) if left else [])


def _distance(found: FoundImage, anchor: FoundImage) -> tuple[float, float]:
    apart = abs(found.seconds - anchor.seconds) if found.seconds is not None and anchor.seconds is not None else 0.0
    return (0.0 if _made_from(found, anchor) else 1.0, apart)


def _kinds(group: Sequence[FoundImage]) -> set[ImageKind]:
    return {f.image.kind for f in group}


def _complete(group: Group) -> bool:
    return {ImageKind.LOW_ENERGY, ImageKind.RECOMBINED} <= _kinds(group)


def _acquisition(group: Group, notes: tuple[str, ...]) -> Acquisition:
    kinds = {f.image.kind: f for f in group}
    first = group[0]
    low, high, recombined = (kinds[k].image if k in kinds else None for k in _PAIRED)
    warnings = [note for f in group for note in f.warnings] + list(notes)
    if low is None:
        warnings.append("There is no low-energy image, so no synthetic image can be made.")
    if recombined is None:
        warnings.append("There is no recombined image, so nothing can be compared with it.")
    if first.laterality is None:
        warnings.append("The laterality is not known.")
    if first.view is None:
        warnings.append("The view is not known.")
    if first.modifiers:
        warnings.append(f"This is a special view: {first.modifiers}.")
    acquisition = Acquisition(first.laterality, first.view, low, high, recombined)
    reference = acquisition.images[0]
    if reference.grid.spacing_mm is None:
        warnings.append("The pixel spacing is missing: lengths and areas are given in pixels.")
    for image in acquisition.images[1:]:
        if image.grid.shape != reference.grid.shape:
            warnings.append(
                f"{image.path.name} has another matrix than {reference.path.name}, so it is registered to it."
            )
        elif image.grid.spacing_mm != reference.grid.spacing_mm:
            warnings.append(f"{image.path.name} has another pixel spacing than {reference.path.name}.")
    if low is not None and recombined is not None and low.sop_instance_uid is None:
        warnings.append(
            "The two images may be framed differently, so the recombined image is registered to the low-energy one."
        )
    return replace(acquisition, warnings=tuple(dict.fromkeys(warnings)))
