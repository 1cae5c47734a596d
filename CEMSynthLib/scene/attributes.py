"""Attributes: what a volume node says about itself, under names that begin with ``CEMSynth.``."""

from typing import TYPE_CHECKING

from CEMSynthLib.study.model import ImageKind, VOIWindow

if TYPE_CHECKING:
    from slicer import vtkMRMLNode

#: Value of `ImageKind`.
KIND = "CEMSynth.kind"
#: What the images of one acquisition share; see `CEMSynthLib.scene.acquisitions.acquisition_key`.
ACQUISITION = "CEMSynth.acquisition"
#: ``"R CC"``.
NAME = "CEMSynth.acquisitionName"
STUDY_UID = "CEMSynth.studyInstanceUID"
SOP_INSTANCE_UID = "CEMSynth.sopInstanceUID"
#: Name of an image file, which ties regions to it; empty for DICOM.
SOURCE_FILE = "CEMSynth.sourceFile"
#: SOP Instance UID of the low-energy image that a synthetic image was made from.
SOURCE_SOP_INSTANCE_UID = "CEMSynth.sourceSOPInstanceUID"
#: ``"low high"``: what the image's own VOI window shows as black and as white, in pixel values of the node.
WINDOW = "CEMSynth.window"
#: VOI LUT Function of that window: only the curve of ``SIGMOID`` matters.
WINDOW_FUNCTION = "CEMSynth.windowFunction"
#: ``"modality"`` (DICOM, after rescale) or ``"file"`` (gray levels of an image file, without a unit).
UNITS = "CEMSynth.units"
#: ``"yes"`` or ``"no"``: without it one scene unit is one pixel.
SPACING_KNOWN = "CEMSynth.spacingKnown"
#: ``"left"``, ``"right"`` or empty.
CHEST_WALL = "CEMSynth.chestWall"
#: How the image was brought to the grid of the low-energy image; empty where it lies on it by nature.
REGISTRATION = "CEMSynth.registration"
#: ``"top bottom left right"``: rows and columns (first, one past the last) that an image which was brought to another
#: grid covers of it; empty where it covers all.
REACH = "CEMSynth.reach"
#: What a node is for the halo of its acquisition; see `CEMSynthLib.scene.halo.nodes`.
HALO = "CEMSynth.halo"
#: Width of a band laid by hand across the skin edge, scene units.
BAND_WIDTH = "CEMSynth.bandWidth"
#: Hash of the file's path, size and time: tells an image that was replaced from one that is in the scene already.
FINGERPRINT = "CEMSynth.fingerprint"
#: ``"yes"`` where a simulator made the image.
SIMULATED = "CEMSynth.simulated"

#: The generator that made a synthetic image: name, version and SHA-256 of its weights.
MODEL_NAME = "CEMSynth.modelName"
MODEL_VERSION = "CEMSynth.modelVersion"
MODEL_SHA256 = "CEMSynth.modelSHA256"
#: ``"inside"``, ``"outside"`` or ``"not known"``: whether the source is like the images the generator was trained on.
TRAINING_RANGE = "CEMSynth.trainingRange"
#: JSON of all that is known of how it was made (`CEMSynthLib.scene.synthetic_volume.SyntheticRecord`).
SYNTHESIS = "CEMSynth.synthesis"
#: ``"yes"`` where another synthetic image of the same acquisition is shown in place of this one.
SUPERSEDED = "CEMSynth.superseded"

#: Key of the acquisition of which a volume is the difference of synthetic and clinical image.
DIFFERENCE_OF = "CEMSynth.differenceOf"
#: Values of `KIND` of volumes with synthetic pixels.
SYNTHETIC_KIND = ImageKind.SYNTHETIC.value
DIFFERENCE_KIND = "difference"
#: The other VOI windows of the image's header: lines of ``low high name``, in pixel values of the node.
OTHER_WINDOWS = "CEMSynth.otherWindows"
#: kVp, compressed thickness in mm, minutes from the start of the injection to the exposure; empty where not known.
KVP = "CEMSynth.kVp"
THICKNESS = "CEMSynth.thicknessMm"
MINUTES = "CEMSynth.minutesSinceInjection"

#: What a node is for the reader study: ``"image"`` or ``"marks"``; such nodes leave the scene with their case.
READING = "CEMSynth.reading"

MODALITY_UNITS = "modality"
FILE_UNITS = "file"


def kind_of(node: "vtkMRMLNode | None") -> ImageKind | None:
    """Which image of an acquisition a node shows; ``None`` for other nodes (also for kinds of a later version)."""
    value = node.GetAttribute(KIND) if node is not None else None
    return next((kind for kind in ImageKind if kind.value == value), None)


def acquisition_of(node: "vtkMRMLNode | None") -> str:
    """Key of the acquisition that a volume belongs to; empty for other nodes."""
    if node is None:
        return ""
    return str(node.GetAttribute(ACQUISITION) or node.GetAttribute(DIFFERENCE_OF) or "")


def window_text(window: VOIWindow) -> str:
    """The value of `WINDOW`."""
    return f"{window.low!r} {window.high!r}"


def window_of(node: "vtkMRMLNode") -> tuple[float, float] | None:
    """Low and high of the image's own VOI window, ``None`` where the node has none."""
    parts = (node.GetAttribute(WINDOW) or "").split()
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        return None
    return (low, high) if high > low else None
