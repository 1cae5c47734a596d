"""Content: what a report shows, in frozen types that hold numbers and images but no layout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from CEMSynthLib.measurement.cnr import CNRFormula, CNRResult
from CEMSynthLib.measurement.halo import HaloResult
from CEMSynthLib.measurement.halo_retained import HaloRetained
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.similarity import Similarity
from CEMSynthLib.study.model import FloatImage, Mask, VOIWindow


@dataclass(frozen=True)
class ModelReport:
    """The model that made the synthetic images.

    Parameters
    ----------
    name, version, sha256, license
        As in the model card.
    held_out
        One or two sentences on how it did on patients it had not seen; empty where nothing is known.
    intended_use, training_data
        One or two plain sentences each.
    simulated_only
        Whether it was trained on simulated images only; every section with a synthetic image of a real breast
        then says so.
    """

    name: str
    version: str
    sha256: str
    intended_use: str
    training_data: str
    simulated_only: bool
    license: str = ""
    held_out: str = ""


@dataclass(frozen=True)
class ReportImage:
    """An image and the window it is shown with, both in modality units; shape (rows, columns)."""

    pixels: FloatImage
    window: VOIWindow


@dataclass(frozen=True)
class RegionReport:
    """A region to outline; ``mask`` has the shape of the acquisition's images."""

    name: str
    role: RegionRole
    mask: Mask


@dataclass(frozen=True)
class CNRReport:
    """One lesion, one formula, on each image: a result, a sentence that says why there is none, or ``None``."""

    lesion: str
    background: str
    formula: CNRFormula
    low_energy: CNRResult | str | None
    clinical: CNRResult | str | None
    synthetic: CNRResult | str | None


@dataclass(frozen=True)
class SimilarityReport:
    """One image compared with the clinical iodine image.

    Parameters
    ----------
    compared
        ``Synthetic iodine``, or the name of a baseline or ceiling.
    place
        ``breast mask`` or ``whole frame``.
    figures
        The similarity.
    baseline
        Whether this row is there only to compare with.
    """

    compared: str
    place: str
    figures: Similarity
    baseline: bool = False


@dataclass(frozen=True)
class AcquisitionReport:
    """One acquisition of the report; what is not there is ``None`` or empty.

    Parameters
    ----------
    name
        ``R CC``.
    low_energy, clinical, synthetic
        The images on one grid. Clinical and synthetic share a window.
    spacing_mm
        (row, column), or ``None``: no scale bar, no millimeters.
    regions, cnr
        Regions and what was measured in them.
    halo_clinical, halo_synthetic, halo_retained
        Halo of the two, and how much of it the synthetic image kept.
    similarity, similarity_window
        Rows, and the window that mapped the images to [0, 1].
    warnings
        Sentences.
    """

    name: str
    low_energy: ReportImage
    clinical: ReportImage | None
    synthetic: ReportImage | None
    spacing_mm: tuple[float, float] | None
    regions: tuple[RegionReport, ...] = ()
    cnr: tuple[CNRReport, ...] = ()
    halo_clinical: HaloResult | None = None
    halo_synthetic: HaloResult | None = None
    halo_retained: HaloRetained | None = None
    similarity: tuple[SimilarityReport, ...] = ()
    similarity_window: VOIWindow | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportContent:
    """Everything a report shows.

    Parameters
    ----------
    patient_id
        Never a name.
    study
        How to find the study again: its UID, or the name of the folder.
    simulated_patient
        Whether the breasts are simulated.
    model
        What made the synthetic images; ``None`` where there are none.
    acquisitions
        In the order shown.
    created
        When the report was made.
    warnings, limits
        Sentences about the whole report; ``limits`` are added to those that always hold.
    versions
        Program or library -> version.
    units
        Name of the units of the iodine images.
    """

    patient_id: str
    study: str
    simulated_patient: bool
    model: ModelReport | None
    acquisitions: tuple[AcquisitionReport, ...]
    created: datetime
    warnings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    units: str = "recombined units"
