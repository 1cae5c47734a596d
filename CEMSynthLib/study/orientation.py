"""Orientation: laterality, view and chest-wall side, from the header and checked against the pixels."""

from pydicom.dataset import Dataset

from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import CEMImage, Laterality, Side, ViewPosition

# View codes of PS3.16 CID 4014, SNOMED CT and the older SRT values.
_VIEW_CODES = {
    "399162004": ViewPosition.CC, "R-10242": ViewPosition.CC,
    "399368009": ViewPosition.MLO, "R-10226": ViewPosition.MLO,
    "399260004": ViewPosition.ML, "R-10224": ViewPosition.ML,
    "399352003": ViewPosition.LM, "R-10228": ViewPosition.LM,
    "399099002": ViewPosition.LMO, "R-10230": ViewPosition.LMO,
    "399192008": ViewPosition.XCCL, "R-1024A": ViewPosition.XCCL,
    "399101009": ViewPosition.XCCM, "R-1024B": ViewPosition.XCCM,
}  # fmt: skip


def laterality_of(dataset: Dataset) -> Laterality | None:
    """Image Laterality (0020,0062), else Frame Laterality (0020,9072), else Laterality (0020,0060)."""
    frame = None
    groups = dataset.get("SharedFunctionalGroupsSequence")
    if groups and groups[0].get("FrameAnatomySequence"):
        frame = groups[0].FrameAnatomySequence[0].get("FrameLaterality")
    for value in (dataset.get("ImageLaterality"), frame, dataset.get("Laterality")):
        text = str(value or "").strip().upper()
        if text in ("L", "R"):
            return Laterality(text)
    return None


def view_of(dataset: Dataset) -> tuple[ViewPosition | None, str]:
    """View and its modifiers.

    Returns
    -------
    view
        From View Code Sequence (0054,0220), else View Position (0018,5101); ``None`` where neither names a known view.
    modifiers
        Meanings of View Modifier Code Sequence (0054,0222), e.g. ``"magnification"``, joined by commas; may be empty.
    """
    view = None
    modifiers: list[str] = []
    for item in dataset.get("ViewCodeSequence") or []:
        view = view or _VIEW_CODES.get(str(item.get("CodeValue", "")).strip())
        for modifier in item.get("ViewModifierCodeSequence") or []:
            meaning = str(modifier.get("CodeMeaning", "") or modifier.get("CodeValue", "")).strip().lower()
            if meaning:
                modifiers.append(meaning)
    if view is None:
        text = str(dataset.get("ViewPosition", "") or "").strip().upper()
        view = next((v for v in ViewPosition if v.value == text), None)
    return view, ", ".join(sorted(modifiers))


def chest_wall_of(dataset: Dataset) -> Side | None:
    """Chest-wall side that the header gives.

    Patient Orientation (0020,0020) describes the image as it is stored, after any Field of View Horizontal Flip
    (0018,7034) (PS3.3 C.7.6.1.1.1, C.8.11.3): where columns run toward anterior (A...), the chest wall lies at the left
    border; where they run toward posterior (P...), at the right one. The flip says how the detector was read and alone
    gives no side, so it is kept as an attribute and the side is checked against the pixels.
    """
    orientation = dataset.get("PatientOrientation")
    if orientation is None or isinstance(orientation, str) or len(orientation) < 1:
        return None
    first = str(orientation[0]).strip().upper()[:1]
    return {"A": Side.LEFT, "P": Side.RIGHT}.get(first)


def checked_chest_wall(image: CEMImage) -> tuple[Side, str]:
    """Find the chest-wall side in the pixels and compare it with the header's.

    Returns
    -------
    side
        What the pixels show (they are what is measured).
    warning
        A sentence where the header says otherwise, else empty.

    Raises
    ------
    UnreadableImageError, BreastNotFoundError
        The pixels cannot be read, or show no breast.
    """
    side = breast_mask(image.pixels(), image.grid.spacing_mm).chest_wall
    if image.chest_wall is None or image.chest_wall is side:
        return side, ""
    flip = image.attributes.get("FieldOfViewHorizontalFlip")
    note = f" (Field of View Horizontal Flip is {flip})" if flip else ""
    return side, (
        f"The header of {image.path.name} puts the chest wall at the {image.chest_wall.value}{note}, "
        f"the pixels show it at the {side.value}; the pixels are used."
    )
