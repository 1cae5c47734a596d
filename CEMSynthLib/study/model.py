"""The data model that every part speaks: `CEMStudy`, `Acquisition`, `CEMImage`, `PixelGrid`, `VOIWindow`.

All types are frozen. Images are lazy: headers are read first, pixels when `CEMImage.pixels` is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Mask = NDArray[np.bool_]


class ImageKind(Enum):
    """What an image of an acquisition shows (words of PS3.3 C.8.11.7.1.4 and of the field)."""

    LOW_ENERGY = "low_energy"
    HIGH_ENERGY = "high_energy"
    RECOMBINED = "recombined"
    SYNTHETIC = "synthetic"


class Laterality(Enum):
    """Image Laterality (0020,0062)."""

    LEFT = "L"
    RIGHT = "R"


class ViewPosition(Enum):
    """View Position (0018,5101), the codes of PS3.16 CID 4014 that occur in CEM."""

    CC = "CC"
    MLO = "MLO"
    ML = "ML"
    LM = "LM"
    LMO = "LMO"
    XCCL = "XCCL"
    XCCM = "XCCM"
    FB = "FB"
    SIO = "SIO"
    ISO = "ISO"


class Side(Enum):
    """An image border, seen as displayed (columns run left to right)."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def opposite(self) -> "Side":
        """The other border."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


@dataclass(frozen=True)
class PixelGrid:
    """The grid that the pixels of one image lie on.

    Parameters
    ----------
    rows, columns
        Matrix size.
    spacing_mm
        Distance of pixel centers in mm, (between rows, between columns), in the detector plane;
        ``None`` where the source has none. No millimeter is ever invented.
    """

    rows: int
    columns: int
    spacing_mm: tuple[float, float] | None

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        return (self.rows, self.columns)


@dataclass(frozen=True)
class VOIWindow:
    """A value-of-interest window (PS3.3 C.11.2.1.2), in modality units.

    Parameters
    ----------
    center, width
        Window Center (0028,1050) and Window Width (0028,1051); width is above 0.
    function
        VOI LUT Function (0028,1056): ``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID``.
    """

    center: float
    width: float
    function: str = "LINEAR"

    @property
    def low(self) -> float:
        """The value that a linear window shows as black (SIGMOID: the window's nominal lower edge)."""
        return self.center - 0.5 - (self.width - 1) / 2 if self.function == "LINEAR" else self.center - self.width / 2

    @property
    def high(self) -> float:
        """The value that a linear window shows as white (SIGMOID: the window's nominal upper edge)."""
        return self.center - 0.5 + (self.width - 1) / 2 if self.function == "LINEAR" else self.center + self.width / 2

    @classmethod
    def from_range(cls, low: float, high: float) -> "VOIWindow":
        """The LINEAR_EXACT window that shows ``low`` as black and ``high`` as white."""
        return cls(center=(low + high) / 2, width=high - low, function="LINEAR_EXACT")

    def apply(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map modality units to [0, 1] by the formulas of PS3.3 C.11.2.1.2 (0 black, 1 white)."""
        values = np.asarray(pixels, dtype=np.float64)
        if self.function == "SIGMOID":
            # Imported here: it takes a tenth of a second, and everything imports this file.
            from scipy.special import expit

            return np.asarray(expit(4.0 * (values - self.center) / self.width))
        if self.high <= self.low:
            return np.asarray(values > self.low, dtype=np.float64)
        return np.asarray(np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0))


@dataclass(frozen=True)
class CEMImage:
    """One image of an acquisition.

    Parameters
    ----------
    path
        The file, absolute.
    kind
        Low energy, high energy, recombined or synthetic.
    grid
        Matrix and spacing.
    window
        The image's own VOI window in modality units, after polarity is normalized.
    chest_wall
        The border that the chest wall lies at, from the header and checked against the pixels where there
        is a header, from the pixels otherwise; ``None`` while not known.
    bits_stored
        Bit depth of the source.
    inverted
        True where the source's polarity was turned (``p -> max - p``) so that brighter means more attenuation
        or more iodine.
    sop_instance_uid
        ``None`` for image files.
    attributes
        DICOM keyword -> value of what is worth keeping (KVP, BodyPartThickness, ...); never a patient name.
    load
        Reads the pixels; used through `pixels`.
    """

    path: Path
    kind: ImageKind
    grid: PixelGrid
    window: VOIWindow
    chest_wall: Side | None
    bits_stored: int
    inverted: bool = False
    sop_instance_uid: str | None = None
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    load: Callable[[], FloatImage] | None = field(default=None, repr=False, compare=False)

    def pixels(self) -> FloatImage:
        """Read the image.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            Modality units (after rescale), brighter = more attenuation (LE) or more iodine (recombined).

        Raises
        ------
        CEMSynthLib.study.errors.UnreadableImageError
            The pixel data are truncated, compressed in a way for which no decoder is installed, or damaged.
        """
        if self.load is None:
            raise TypeError(f"{self.path.name} was described without a way to read its pixels")
        return self.load()


@dataclass(frozen=True)
class Acquisition:
    """One compression of one breast: one LE, perhaps one HE, one recombined image, on one pixel grid.

    ``warnings`` are sentences for the user (no recombined image, no low-energy image, missing spacing,
    images of the pair framed differently, ...).
    """

    laterality: Laterality | None
    view: ViewPosition | None
    low_energy: CEMImage | None = None
    high_energy: CEMImage | None = None
    recombined: CEMImage | None = None
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``"R CC"``, ``"L MLO"``; ``"?"`` stands for what is not known."""
        side = self.laterality.value if self.laterality else "?"
        return f"{side} {self.view.value if self.view else '?'}"

    @property
    def images(self) -> tuple[CEMImage, ...]:
        """The images that are there, in the order LE, HE, recombined."""
        return tuple(i for i in (self.low_energy, self.high_energy, self.recombined) if i is not None)


@dataclass(frozen=True)
class FileReason:
    """A file that was not used, and why (one sentence)."""

    path: Path
    reason: str


@dataclass(frozen=True)
class CEMStudy:
    """One study of one patient. ``study_uid`` is ``None`` for image folders.

    ``synthetic`` are synthetic iodine images that were found beside the acquisitions; they are never paired. Their
    attributes tell what they were made from: ``SourceSOPInstanceUID`` (DICOM) or ``SourceFile`` (image file), and
    ``Laterality`` and ``ViewPosition``.
    """

    patient_id: str
    study_uid: str | None
    acquisitions: tuple[Acquisition, ...]
    unclassified: tuple[FileReason, ...] = ()
    synthetic: tuple[CEMImage, ...] = ()


@dataclass(frozen=True)
class StudyFolder:
    """What `CEMSynthLib.study.reader.read_folder` found under ``root``.

    ``explanations`` tell for each file that was used, one sentence at a time, which rule decided what.
    """

    root: Path
    studies: tuple[CEMStudy, ...]
    skipped: tuple[FileReason, ...]
    explanations: tuple[FileReason, ...] = ()
