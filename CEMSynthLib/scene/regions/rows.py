"""Rows: what the table of regions says, one line for each region and image."""

from dataclasses import dataclass

from CEMSynthLib.measurement.cnr import CNRFormula, RegionStatistics
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.study.model import ImageKind


@dataclass(frozen=True)
class ContrastFigure:
    """One contrast figure of a lesion.

    Parameters
    ----------
    formula
        Which formula.
    value
        ``None`` where there is none, and ``problem`` says why.
    uncertainty, interval_95
        Of the bootstrap; ``None`` until it is computed.
    problem
        A sentence.
    """

    formula: CNRFormula
    value: float | None
    uncertainty: float | None = None
    interval_95: tuple[float, float] | None = None
    problem: str = ""


@dataclass(frozen=True)
class RegionRow:
    """One region on one image.

    Parameters
    ----------
    key, name, role
        Of the region.
    image
        Which image of the acquisition.
    statistics
        ``None`` where it cannot be measured, and ``problem`` says why.
    background_key, background
        Of a lesion: key and name of the background that its figures use; empty where it has none.
    background_statistics
        Of that background on the same image.
    figures
        Of a lesion, in the order of `CNRFormula`; empty where a region cannot be measured.
    problem
        A sentence about the region or its background; empty if all is well.
    pending
        True until the uncertainties are computed.
    """

    key: str
    name: str
    role: RegionRole
    image: ImageKind
    statistics: RegionStatistics | None
    background_key: str = ""
    background: str = ""
    background_statistics: RegionStatistics | None = None
    figures: tuple[ContrastFigure, ...] = ()
    problem: str = ""
    pending: bool = False

    def figure(self, formula: CNRFormula) -> ContrastFigure | None:
        """The figure of one formula; ``None`` where there is none."""
        return next((figure for figure in self.figures if figure.formula is formula), None)
