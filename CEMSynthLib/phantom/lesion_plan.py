"""A lesion as it is planned, in the breast and before any view of it, in the words of the lexicon.

Words: ACR BI-RADS supplement for contrast-enhanced mammography, 2022.
"""

from dataclasses import dataclass
from enum import StrEnum

#: A density below this does not show on LE.
SEEN_DENSITY = 0.1


class LesionKind(StrEnum):
    """What is drawn."""

    MASS = "mass"
    NON_MASS = "non-mass enhancement"
    CYST = "cyst"
    SCAR = "scar"


class MassShape(StrEnum):
    """Shape of a mass."""

    ROUND = "round"
    OVAL = "oval"
    IRREGULAR = "irregular"


class Margin(StrEnum):
    """Margin of a mass; all but the first are "not circumscribed"."""

    CIRCUMSCRIBED = "circumscribed"
    IRREGULAR = "irregular"
    SPICULATED = "spiculated"


class Pattern(StrEnum):
    """Internal enhancement pattern; rim of masses, clumped of non-mass enhancement."""

    HOMOGENEOUS = "homogeneous"
    HETEROGENEOUS = "heterogeneous"
    RIM = "rim"
    CLUMPED = "clumped"


class Distribution(StrEnum):
    """Distribution of non-mass enhancement."""

    FOCAL = "focal"
    LINEAR = "linear"
    SEGMENTAL = "segmental"
    REGIONAL = "regional"


class Conspicuity(StrEnum):
    """Lesion conspicuity: how strongly it enhances beside what surrounds it."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


@dataclass(frozen=True)
class LesionPlan:
    """A lesion before it is seen.

    Parameters
    ----------
    laterality
        ``"L"`` or ``"R"``.
    center_mm
        (depth, lateral, cranial): place in the breast, mm from the nipple toward the chest wall, outward, upward
        (see `Compression`).
    radius_mm
        Mean radius of a mass, a cyst or a scar; half the length of non-mass enhancement.
    iodine
        Areal density in mg/cm2; 0 does not enhance. Of a mass: at the center of a ball of its radius with homogeneous
        uptake. Of non-mass enhancement: mean over it in CC, weighted with itself.
    density
        Share of the fat that the lesion's volume turns to gland: 0 (not seen on LE) to 1.
    kind, malignant
        What it is.
    shape, margin, lobulated
        Of masses, cysts and scars, else ``None``; ``lobulated``: with two or three lobes.
    pattern, conspicuity
        ``None`` where it does not enhance.
    distribution
        Of non-mass enhancement, else ``None``.
    """

    laterality: str
    center_mm: tuple[float, float, float]
    radius_mm: float
    iodine: float
    density: float
    kind: LesionKind = LesionKind.MASS
    malignant: bool = False
    shape: MassShape | None = MassShape.ROUND
    margin: Margin | None = Margin.CIRCUMSCRIBED
    lobulated: bool = False
    pattern: Pattern | None = None
    distribution: Distribution | None = None
    conspicuity: Conspicuity | None = None

    @property
    def enhances(self) -> bool:
        """Whether it holds iodine."""
        return self.iodine > 0

    @property
    def seen_on_low_energy(self) -> bool:
        """Whether its tissue differs from what surrounds it."""
        return self.density >= SEEN_DENSITY
