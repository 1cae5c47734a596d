"""One acquisition measured: halo, similarity and CNR of low-energy, clinical and synthetic image on one grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CEMSynthLib.evaluation.baselines import NullBaselines
from CEMSynthLib.evaluation.content import (
    AcquisitionReport,
    CNRReport,
    RegionReport,
    ReportImage,
    SimilarityReport,
)
from CEMSynthLib.evaluation.drawn import DrawnRegion, placed_regions
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.measurement.cnr import CNRFormula, CNRResult, contrast_to_noise
from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.halo import HaloResult, measure_halo
from CEMSynthLib.measurement.halo_retained import halo_retained
from CEMSynthLib.measurement.regions import Region, pair_regions, region_mask
from CEMSynthLib.measurement.similarity import compare_images
from CEMSynthLib.study.breast_pair import BreastPair, read_breast_pair
from CEMSynthLib.study.mask import BreastMask, skin_edge
from CEMSynthLib.study.model import Acquisition, CEMImage, FloatImage, Mask, ViewPosition, VOIWindow
from CEMSynthLib.study.nipple import nipple_position, nipple_region
from CEMSynthLib.study.pectoral import pectoral_mask

PLACES = ("breast mask", "whole frame")
#: Attribute of a synthetic image whose gray levels are said to be those of the recombined image.
UNITS, RECOMBINED_UNITS = "GrayLevels", "recombined units"


@dataclass(frozen=True, eq=False)
class AcquisitionImages:
    """The images of an acquisition on the low-energy grid, clinical and synthetic in the same units.

    ``measured`` is the breast as far as the clinical image reaches; ``excluded`` is what the halo is not measured in
    (beyond that reach, pectoral muscle, nipple); ``model_window`` maps the model's own units.
    """

    low_energy: ReportImage
    clinical: ReportImage | None
    synthetic: ReportImage | None
    breast: BreastMask
    measured: Mask
    excluded: Mask
    pair: BreastPair
    spacing_mm: tuple[float, float] | None
    model_window: VOIWindow | None


def measure_acquisition(
    acquisition: Acquisition,
    synthetic: CEMImage | None,
    regions: Sequence[Region] = (),
    baselines: NullBaselines | None = None,
    drawn: Sequence[DrawnRegion] = (),
) -> AcquisitionReport:
    """Measure everything that can be measured, and say in a sentence what cannot.

    Parameters
    ----------
    acquisition
        With a low-energy image; its recombined image may be missing.
    synthetic
        The synthetic image made from that low-energy image, on the same grid.
    regions
        Lesion and background regions of this acquisition, in scene units of the low-energy image.
    baselines
        What the null baselines know of the model's training images; without it the similarity table has no baselines
        but low energy itself.
    drawn
        Regions in pixels of one of the image files (annotations).

    Returns
    -------
    AcquisitionReport

    Raises
    ------
    EvaluationError
        There is no low-energy image, or the synthetic image lies on another grid.
    CEMSynthLib.errors.CEMSynthError
        Pixels cannot be read, or no breast is found.
    """
    images, warnings = read_images(acquisition, synthetic)
    halo_clinical = halo_of(images.clinical, images)
    halo_synthetic = halo_of(images.synthetic, images)
    retained = halo_retained(halo_synthetic, halo_clinical) if halo_clinical and halo_synthetic else None
    placed, lost = placed_regions(drawn, images.pair, images.spacing_mm)
    shown, cnr, problems = contrasts_of(images, [*regions, *placed])
    return AcquisitionReport(
        name=acquisition.name,
        low_energy=images.low_energy,
        clinical=images.clinical,
        synthetic=images.synthetic,
        spacing_mm=images.spacing_mm,
        regions=shown,
        cnr=cnr,
        halo_clinical=halo_clinical,
        halo_synthetic=halo_synthetic,
        halo_retained=retained,
        similarity=_similarity(images, baselines),
        similarity_window=images.clinical.window if images.clinical else None,
        warnings=(*acquisition.warnings, *warnings, *lost, *problems),
    )


def read_images(acquisition: Acquisition, synthetic: CEMImage | None) -> tuple[AcquisitionImages, list[str]]:
    """Read the images of an acquisition and bring them to one grid and the clinical image's units.

    Returns
    -------
    images, warnings

    Raises
    ------
    EvaluationError
        There is no low-energy image, the synthetic image lies on another grid or has integer pixels.
    CEMSynthLib.errors.CEMSynthError
        Pixels cannot be read, or no breast is found.
    """
    low = acquisition.low_energy
    if low is None:
        raise EvaluationError(f"The acquisition {acquisition.name} has no low-energy image, so nothing is compared.")
    warnings = []
    pair = read_breast_pair(acquisition)
    if pair.note and acquisition.recombined is not None:
        warnings.append(pair.note)
    clinical = None
    if acquisition.recombined is not None and pair.recombined is not None:
        clinical = ReportImage(pair.recombined, acquisition.recombined.window)
    made, model_window = None, None
    if synthetic is not None:
        if synthetic.grid.shape != low.grid.shape:
            raise EvaluationError(
                f"The synthetic image {synthetic.path.name} has {synthetic.grid.rows} x {synthetic.grid.columns} "
                f"pixels, its low-energy image {low.grid.rows} x {low.grid.columns}; make it again from this study."
            )
        values = synthetic.pixels()
        if not np.issubdtype(values.dtype, np.floating):
            raise EvaluationError(
                f"The synthetic image {synthetic.path.name} has pixels of type {values.dtype}, whose differences wrap "
                "around; give it as float in modality units."
            )
        made = ReportImage(values, synthetic.window)
        model_window = synthetic.window
        if clinical is not None and not _same_units(acquisition, synthetic):
            made = ReportImage(_in_units_of(clinical.window, made), clinical.window)
            whose = "synthetic" if _in_units(acquisition) else "clinical"
            warnings.append(
                f"The gray levels of this {whose} image have no known unit: the synthetic image was brought to the "
                "clinical one by laying its VOI window on the clinical one, so differences in level mean little."
            )
        elif clinical is not None:
            made, model_window = ReportImage(made.pixels, clinical.window), clinical.window
    images = AcquisitionImages(
        low_energy=ReportImage(pair.low_energy, low.window),
        clinical=clinical,
        synthetic=made,
        breast=pair.breast,
        measured=pair.measured,
        excluded=_excluded(pair, acquisition.view, low.grid.spacing_mm),
        pair=pair,
        spacing_mm=low.grid.spacing_mm,
        model_window=model_window,
    )
    return images, warnings


def _excluded(pair: BreastPair, view: ViewPosition | None, spacing_mm: tuple[float, float] | None) -> Mask:
    """Pixels of the breast in which no halo is measured: no recombined image, pectoral muscle, nipple."""
    breast = pair.breast
    excluded: Mask = breast.mask & ~pair.measured
    muscle = pectoral_mask(pair.low_energy, breast.mask, breast.chest_wall, view)
    if muscle is not None:
        excluded = excluded | muscle
    nipple = nipple_position(breast.mask, breast.chest_wall, spacing_mm, muscle)
    if nipple is not None and nipple.in_profile:
        excluded = excluded | (breast.mask & nipple_region(nipple, breast.mask, spacing_mm))
    return excluded


def _same_units(acquisition: Acquisition, synthetic: CEMImage) -> bool:
    if synthetic.attributes.get(UNITS) == RECOMBINED_UNITS:
        return True
    return _in_units(acquisition) and synthetic.sop_instance_uid is not None


def _in_units(acquisition: Acquisition) -> bool:
    """Whether the clinical image comes from DICOM, which has modality units."""
    return acquisition.recombined is not None and acquisition.recombined.sop_instance_uid is not None


def _in_units_of(window: VOIWindow, image: ReportImage) -> FloatImage:
    scale = (window.high - window.low) / (image.window.high - image.window.low)
    return np.asarray(window.low + scale * (image.pixels - image.window.low), dtype=np.float32)


def halo_of(image: ReportImage | None, images: AcquisitionImages) -> HaloResult | None:
    """Halo of one of the images, with masks and window width that all of them share; None where it is missing."""
    if image is None:
        return None
    reference = images.clinical or image
    wall = images.breast.chest_wall
    return measure_halo(
        image.pixels,
        images.breast.mask,
        skin_edge(images.breast.mask, wall),
        wall.value,
        images.spacing_mm,
        reference.window.high - reference.window.low,
        excluded=images.excluded,
    )


def _similarity(images: AcquisitionImages, baselines: NullBaselines | None) -> tuple[SimilarityReport, ...]:
    if images.clinical is None or images.synthetic is None or images.model_window is None:
        return ()
    window = images.clinical.window
    clinical = window.apply(images.clinical.pixels)
    compared = {"Synthetic iodine": window.apply(images.synthetic.pixels)}
    low, breast = images.low_energy, images.breast
    if baselines is None:
        compared["LE itself"] = low.window.apply(low.pixels)
    else:
        made = baselines.images(low.pixels, low.window, breast.mask, breast.chest_wall, images.model_window)
        compared |= {baseline.value: values for baseline, values in made.items()}
    rows = []
    for place, mask in zip(PLACES, (images.measured, None), strict=True):
        for name, values in compared.items():
            figures = compare_images(values, clinical, mask)
            rows.append(SimilarityReport(name, place, figures, baseline=name != "Synthetic iodine"))
    return tuple(rows)


def contrasts_of(
    images: AcquisitionImages, regions: Sequence[Region]
) -> tuple[tuple[RegionReport, ...], tuple[CNRReport, ...], list[str]]:
    """Outlines, contrast figures (each lesion by every formula on every image) and sentences on what is left out."""
    problems: list[str] = []
    masks: dict[Region, Mask] = {}
    for region in regions:
        try:
            shape = (images.breast.mask.shape[0], images.breast.mask.shape[1])
            masks[region] = region_mask(region, shape, images.spacing_mm)
        except MeasurementError as error:
            problems.append(str(error))
    if not masks:
        return (), (), problems
    shown = tuple(RegionReport(region.name, region.role, mask) for region, mask in masks.items())
    try:
        pairs = pair_regions(list(masks))
    except MeasurementError as error:
        return shown, (), [*problems, str(error)]
    cnr = tuple(
        CNRReport(
            lesion=lesion.name,
            background=background.name,
            formula=formula,
            low_energy=_contrast(images.low_energy, masks[lesion], masks[background], images, formula),
            clinical=_contrast(images.clinical, masks[lesion], masks[background], images, formula),
            synthetic=_contrast(images.synthetic, masks[lesion], masks[background], images, formula),
        )
        for lesion, background in pairs
        for formula in CNRFormula
    )
    return shown, cnr, problems


def _contrast(
    image: ReportImage | None, lesion: Mask, background: Mask, images: AcquisitionImages, formula: CNRFormula
) -> CNRResult | str | None:
    if image is None:
        return None
    try:
        return contrast_to_noise(image.pixels, lesion, background, images.spacing_mm, formula)
    except MeasurementError as error:
        return str(error)
