"""Explanation: the sentences by which `cemsynth list --explain` tells why an image was read as it was."""

from collections.abc import Sequence

from CEMSynthLib.study.classification import Classification
from CEMSynthLib.study.model import CEMImage, ImageKind
from CEMSynthLib.study.orientation import View
from CEMSynthLib.study.vendor_rules import vendor_note
from CEMSynthLib.study.window import NamedWindow

KIND_WORDS = {
    ImageKind.LOW_ENERGY: "the low-energy image",
    ImageKind.HIGH_ENERGY: "the high-energy image",
    ImageKind.RECOMBINED: "the recombined image",
    ImageKind.SYNTHETIC: "a synthetic image",
}


def kind_sentences(classification: Classification, told: str, manufacturer: str) -> list[str]:
    """Why the image is of its kind: the rule with its source, and what is known of the vendor.

    Parameters
    ----------
    classification
        The decision.
    told
        The text that the rule looked at, e.g. the values of Image Type.
    manufacturer
        (0008,0070).
    """
    rule = classification.rule
    if classification.kind is None:
        sentences = [classification.reason] if rule is None else [f"{classification.reason} Rule: {rule.name}."]
    elif rule is None:
        sentences = [f"It is {KIND_WORDS[classification.kind]}, by {classification.reason}."]
    else:
        sentences = [
            f'It is {KIND_WORDS[classification.kind]} by the rule "{rule.name}" '
            f'({rule.attribute.value} "{told}"; {rule.source}).'
        ]
    note = vendor_note(manufacturer)
    return [*sentences, note] if note else sentences


def reading_sentences(
    image: CEMImage,
    view: View,
    spacing_source: str,
    window_source: str,
    windows: Sequence[NamedWindow],
    polarity_source: str,
    orientation: str,
) -> list[str]:
    """Where laterality, view, spacing, window, polarity and chest wall come from.

    Parameters
    ----------
    image, view
        What was read.
    spacing_source, window_source, polarity_source
        The attributes that told.
    windows
        All windows of the header; the first is used.
    orientation
        Patient Orientation as text.
    """
    side = f"{view.laterality.value} by {view.laterality_source}" if view.laterality else "not known"
    position = f"{view.position.value} by {view.position_source}" if view.position else "not known"
    spacing = image.grid.spacing_mm
    window = image.window
    sentences = [
        f"Laterality {side}; view {position}{f'; {view.modifiers}' if view.modifiers else ''}.",
        "No pixel spacing."
        if spacing is None
        else f"Pixel spacing {spacing[0]:g} x {spacing[1]:g} mm by {spacing_source}.",
        f"Window {window.center:g}/{window.width:g} {window.function} by {window_source}"
        f"{f', the first of {len(windows)}' if len(windows) > 1 else ''}.",
        f"Polarity {'turned' if image.inverted else 'kept'} by {polarity_source}.",
    ]
    if image.chest_wall is None:
        sentences.append("Chest wall: the header does not tell, the pixels do.")
    else:
        sentences.append(f"Chest wall at the {image.chest_wall.value} by Patient Orientation {orientation}.")
    return sentences
