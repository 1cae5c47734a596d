"""Info: what a region of a scene is, in plain values, and the node attributes that keep it."""

from dataclasses import dataclass
from enum import Enum

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle

#: Value of `RegionKind`: marks a node as a region.
KIND = "CEMSynth.region"
#: What tells a region from all others of its scene; lesions name their background by it.
KEY = "CEMSynth.regionKey"
#: Value of `RegionRole`.
ROLE = "CEMSynth.regionRole"
#: Key of the background that the user chose for a lesion; empty: by rule.
BACKGROUND = "CEMSynth.regionBackground"
#: Of a ring: the lesion's key, distance from it and width in scene units.
RING_LESION = "CEMSynth.ringLesion"
RING_GAP = "CEMSynth.ringGap"
RING_WIDTH = "CEMSynth.ringWidth"
#: Of the curve that draws an ellipse: the key of its region.
OUTLINE_OF = "CEMSynth.regionOutlineOf"
#: Of a segmentation node: its segments that are regions, as JSON.
SEGMENTS = "CEMSynth.segmentRegions"

Color = tuple[float, float, float]

#: Bright on gray, told apart by color-blind readers too (blue and orange).
COLORS: dict[RegionRole, Color] = {
    RegionRole.LESION: (1.0, 0.55, 0.1),
    RegionRole.BACKGROUND: (0.25, 0.65, 1.0),
}


class RegionKind(Enum):
    """How a region is drawn."""

    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    CURVE = "curve"
    RING = "ring"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Ring:
    """What a ring follows: the lesion's key, the distance from it and its width in scene units."""

    lesion: str
    gap: float
    width: float


@dataclass(frozen=True)
class RegionInfo:
    """One region of a scene.

    Parameters
    ----------
    key
        Tells it from all others.
    name
        As the table says.
    role
        Lesion or background.
    kind
        How it is drawn.
    acquisition
        Key of the acquisition it belongs to.
    shape
        In scene units; ``None`` for a segment, and while the region is not drawn yet.
    color
        Red, green, blue, each 0 to 1.
    locked
        Whether dragging it is switched off.
    background
        Of a lesion: key of the background that was chosen for it; empty: by rule.
    ring
        Of a ring.
    segment
        Of a segment: the ID of its segmentation node and its own ID.
    problem
        Why a region that is drawn has no shape: a sentence; empty if all is well.
    """

    key: str
    name: str
    role: RegionRole
    kind: RegionKind
    acquisition: str
    shape: Rectangle | Ellipse | Polygon | ClosedCurve | None = None
    color: Color = COLORS[RegionRole.LESION]
    locked: bool = False
    background: str = ""
    ring: Ring | None = None
    segment: tuple[str, str] | None = None
    problem: str = ""
