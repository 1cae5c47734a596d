"""Orientation: laterality, view and chest-wall side, from the header and checked against the pixels."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from CEMSynthLib.study.header import items, text, texts
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import CEMImage, Laterality, Side, ViewPosition
from CEMSynthLib.study.view_labels import MODIFIER_CODES, SPECIMEN_CODES, VIEW_CODES, label_in, read_label

# Image Type value 3 of stereotactic and tomosynthesis-guided biopsies (PS3.3 tables C.8-74a and C.8.21.6-1a).
_BIOPSY = ("STEREO", "PREFIRE", "POSTFIRE", "POSTBIOPSY", "POSTMARKER", "TOMO_SCOUT", "SCOUT")


@dataclass(frozen=True)
class View:
    """Which view an image shows.

    Parameters
    ----------
    laterality, position
        ``None`` where nothing tells.
    modifiers
        Words of PS3.16 CID 4015 such as ``"magnification"``, joined by commas; may be empty.
    laterality_source, position_source
        The attribute that told; empty where none did.
    warnings
        Sentences for the user: attributes contradict each other or only free text told.
    """

    laterality: Laterality | None
    position: ViewPosition | None
    modifiers: str
    laterality_source: str
    position_source: str
    warnings: tuple[str, ...] = ()


def view_told(dataset: Dataset, name: str) -> View:
    """Read laterality, view and modifiers.

    Parameters
    ----------
    dataset
        A header.
    name
        File name for warnings.
    """
    lateralities = _lateralities(dataset)
    position, position_source, modifiers = _position(dataset)
    warnings = []
    side, side_source = (lateralities[0][1], lateralities[0][0]) if lateralities else (None, "")
    others = [where for where, other in lateralities if other is not side]
    if side is not None and others:
        warnings.append(
            f"The laterality of {name} is in doubt: {side_source} says {side.value}, {' and '.join(others)} the other "
            f"side; {side.value} is used."
        )
    if side_source == "Series Description":
        warnings.append(f"The laterality of {name} is known from its Series Description only.")
    if position_source == "Series Description":
        warnings.append(f"The view of {name} is known from its Series Description only.")
    return View(side, position, ", ".join(modifiers), side_source, position_source, tuple(warnings))


def laterality_of(dataset: Dataset) -> Laterality | None:
    """Image Laterality (0020,0062), else Frame Laterality (0020,9072), else Laterality (0020,0060), else labels."""
    found = _lateralities(dataset)
    return found[0][1] if found else None


def view_of(dataset: Dataset) -> tuple[ViewPosition | None, str]:
    """View and its modifiers.

    Returns
    -------
    view
        From View Code Sequence (0054,0220), else View Position (0018,5101), else a label in Series Description;
        ``None`` where none names a known view.
    modifiers
        From View Modifier Code Sequence (0054,0222), View Position and Image Type (biopsy), joined by commas.
    """
    view, _, modifiers = _position(dataset)
    return view, ", ".join(modifiers)


def is_specimen(dataset: Dataset) -> bool:
    """True for the X-ray of a tissue specimen (PS3.16 CID 4014)."""
    return any(text(item, "CodeValue") in SPECIMEN_CODES for item in items(dataset, "ViewCodeSequence"))


def _lateralities(dataset: Dataset) -> list[tuple[str, Laterality]]:
    frame = ""
    for group in items(dataset, "SharedFunctionalGroupsSequence")[:1]:
        frame = next((text(item, "FrameLaterality") for item in items(group, "FrameAnatomySequence")), "")
    description = label_in(text(dataset, "SeriesDescription"))[0]
    label = read_label(text(dataset, "ViewPosition"))[0]
    told = (
        ("Image Laterality", text(dataset, "ImageLaterality")),
        ("Frame Laterality", text(dataset, "FrameLaterality") or frame),
        ("Laterality", text(dataset, "Laterality")),
        ("View Position", label.value if label else ""),
        ("Series Description", description.value if description else ""),
    )
    return [(where, Laterality(value.upper())) for where, value in told if value.upper() in ("L", "R")]


def _position(dataset: Dataset) -> tuple[ViewPosition | None, str, list[str]]:
    """View, the attribute that told, modifiers in alphabetical order."""
    view, source = None, ""
    modifiers: set[str] = set()
    for item in items(dataset, "ViewCodeSequence"):
        if view is None and text(item, "CodeValue") in VIEW_CODES:
            view, source = VIEW_CODES[text(item, "CodeValue")], "View Code Sequence"
        modifiers |= _modifiers(item)
    modifiers |= _modifiers(dataset)  # some put it beside View Code Sequence, not into it
    _, label_view, label_modifiers = read_label(text(dataset, "ViewPosition"))
    modifiers |= set(label_modifiers)
    if view is None and label_view is not None:
        view, source = label_view, "View Position"
    if view is None:
        view = label_in(text(dataset, "SeriesDescription"))[1]
        source = "Series Description" if view else ""
    third = texts(dataset, "ImageType")[2:3]
    if third and third[0].upper().startswith(_BIOPSY):
        modifiers.add("biopsy " + third[0].replace("_", " ").lower())
    return view, source, sorted(modifiers)


def _modifiers(dataset: Dataset) -> set[str]:
    found = set()
    for item in items(dataset, "ViewModifierCodeSequence"):
        value = text(item, "CodeValue")
        found.add(MODIFIER_CODES.get(value) or (text(item, "CodeMeaning") or value).lower())
    return found - {""}


def chest_wall_of(dataset: Dataset) -> Side | None:
    """Chest-wall side that the header gives.

    Patient Orientation (0020,0020) describes the image as it is stored, after any Field of View Horizontal Flip
    (0018,7034) (PS3.3 C.7.6.1.1.1, C.8.11.3): where columns run toward anterior (A...), the chest wall lies at the left
    border; where they run toward posterior (P...), at the right one. The flip says how the detector was read and alone
    gives no side, so it is kept as an attribute and the side is checked against the pixels.
    """
    orientation = texts(dataset, "PatientOrientation")
    if len(orientation) != 2:
        return None
    return {"A": Side.LEFT, "P": Side.RIGHT}.get(orientation[0].upper()[:1])


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
