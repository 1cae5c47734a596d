"""A found image: one file that was read, with what is needed to put it into its study and acquisition."""

from dataclasses import dataclass

from CEMSynthLib.study.model import CEMImage, Laterality, ViewPosition


@dataclass(frozen=True)
class FoundImage:
    """One readable image and where it belongs.

    Parameters
    ----------
    image
        The image.
    patient_id
        Patient ID (0010,0020) or the number in the file name; empty where missing.
    study_uid
        Study Instance UID, ``None`` for image files.
    laterality, view, modifiers
        Which view it shows; ``modifiers`` is e.g. ``"magnification"`` or empty.
    frame_of_reference
        Frame of Reference UID; empty where missing.
    seconds
        Time of acquisition in seconds (of the day, or since year 1 where the date is known); ``None`` where missing.
    instance_number
        Orders images that nothing else orders.
    sources
        SOP Instance UIDs of Source Image Sequence (0008,2112): what the image was made from.
    warnings
        Sentences for the user.
    raw
        True for an image FOR PROCESSING (0008,0068): detector values.
    explanations
        Sentences that tell which rule decided what.
    """

    image: CEMImage
    patient_id: str
    study_uid: str | None
    laterality: Laterality | None
    view: ViewPosition | None
    modifiers: str = ""
    frame_of_reference: str = ""
    seconds: float | None = None
    instance_number: int = 0
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    raw: bool = False
    explanations: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnclassifiedImage:
    """A mammogram of a known study, of which the header does not say what it shows."""

    patient_id: str
    study_uid: str | None
    reason: str
    explanations: tuple[str, ...] = ()
