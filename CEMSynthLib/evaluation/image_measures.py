"""Image measures: one acquisition of a cohort and its synthetic image, in every way the cohort report needs."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from CEMSynthLib.evaluation.acquisition import AcquisitionImages, contrasts_of, halo_of, read_images
from CEMSynthLib.evaluation.baselines import NullBaselines
from CEMSynthLib.evaluation.content import CNRReport, ReportImage
from CEMSynthLib.evaluation.drawn import DrawnRegion, placed_regions
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.heldout import HeldOutImage, image_figures
from CEMSynthLib.evaluation.image_record import Contrast, HaloRecord, ImageRecord, LesionRecord
from CEMSynthLib.evaluation.observed_view import ObservedView
from CEMSynthLib.evaluation.observer import Observation, observe
from CEMSynthLib.evaluation.truth import LesionTruth, ViewTruth
from CEMSynthLib.measurement.cnr import CNRResult
from CEMSynthLib.measurement.halo import HaloResult
from CEMSynthLib.measurement.halo_retained import halo_retained
from CEMSynthLib.measurement.regions import Region
from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Acquisition, CEMImage, FloatImage, Mask

LOW_ENERGY, CLINICAL, SYNTHETIC = "LE", "clinical", "synthetic"
#: A synthetic image whose breast shares less than this with that of its LE (intersection over union) is another breast.
SAME_BREAST = 0.8
#: A synthetic image that correlates so with the low-energy or recombined image is that image, resaved.
SAME_IMAGE = 0.995
_NUMBER = re.compile(r"lesion[_ ]*(\d+)", re.IGNORECASE)
_PROFILE_POINTS = 60


def measure_image(
    acquisition: Acquisition,
    synthetic: CEMImage,
    *,
    source: str,
    patient_id: str,
    hashes: Mapping[str, str],
    baselines: NullBaselines | None,
    ceiling: FloatImage | None = None,
    regions: Sequence[Region] = (),
    drawn: Sequence[DrawnRegion] = (),
    truth: ViewTruth | None = None,
) -> ImageRecord:
    """Measure one image.

    Parameters
    ----------
    acquisition
        With low-energy and recombined image.
    synthetic
        On the grid of the low-energy image.
    source, patient_id, hashes
        Kept in the record.
    baselines, ceiling
        To compare with; the ceiling in the units of the synthetic image.
    regions, drawn
        Of this acquisition, see `CEMSynthLib.evaluation.acquisition.measure_acquisition`.
    truth
        What the simulator knows of this view.

    Returns
    -------
    ImageRecord

    Raises
    ------
    EvaluationError
        There is no clinical image on the grid, or the "synthetic" image is the low-energy or the recombined one.
    CEMSynthLib.errors.CEMSynthError
        Pixels cannot be read, or no breast is found.
    """
    images, warnings = read_images(acquisition, synthetic)
    if images.clinical is None or images.synthetic is None:
        raise EvaluationError(f"{source} has no recombined image to compare with. {images.pair.note}".strip())
    for name, other in (("low-energy", images.low_energy), ("recombined", images.clinical)):
        if np.array_equal(images.synthetic.pixels, other.pixels):
            raise EvaluationError(
                f"The synthetic image of {source} is its {name} image, so nothing was synthesized; check the folder."
            )
        r = _correlation(images.synthetic, other, images.measured)
        if r >= SAME_IMAGE:
            raise EvaluationError(
                f"The synthetic image of {source} is its {name} image in another gray scale (they correlate by {r:.4f} "
                "inside the breast), so nothing was synthesized; check the folder."
            )
    warnings += _same_breast(images)
    figures = image_figures(
        HeldOutImage(
            patient_id=patient_id,
            low_energy=images.low_energy.pixels,
            clinical=images.clinical.pixels,
            synthetic=images.synthetic.pixels,
            mask=images.measured,
            chest_wall=images.breast.chest_wall,
            window=images.clinical.window,
            low_energy_window=images.low_energy.window,
            ceiling=ceiling,
            model_window=images.model_window,
        ),
        baselines,
    )
    halo_clinical, halo_synthetic = halo_of(images.clinical, images), halo_of(images.synthetic, images)
    retained = halo_retained(halo_synthetic, halo_clinical) if halo_clinical and halo_synthetic else None
    placed, lost = placed_regions(drawn, images.pair, images.spacing_mm)
    all_regions = [*regions, *placed]
    _, cnr, problems = contrasts_of(images, all_regions) if all_regions else ((), (), [])
    return ImageRecord(
        source=source,
        patient_id=patient_id,
        laterality=acquisition.laterality.value if acquisition.laterality else "?",
        view=acquisition.view.value if acquisition.view else "?",
        hashes=dict(hashes),
        window_width=images.clinical.window.high - images.clinical.window.low,
        figures=figures,
        lesions=_lesions(cnr, truth),
        halo_clinical=_halo_record(halo_clinical),
        halo_synthetic=_halo_record(halo_synthetic),
        halo_retained=retained.ratio if retained else None,
        halo_retained_reason=(retained.reason or "") if retained else "the halo was not measured",
        truth=truth,
        warnings=(*acquisition.warnings, *warnings, *lost, *problems),
        observed=_observed(images) if truth else (),
    )


def observe_image(
    acquisition: Acquisition,
    synthetic: CEMImage,
    *,
    source: str,
    patient_id: str,
    hashes: Mapping[str, str],
    truth: ViewTruth,
) -> ObservedView:
    """Apply the model observer's filters alone (see `measure_image`).

    Raises
    ------
    EvaluationError
        There is no clinical image on the grid, no spacing, or nothing of the breast can be searched.
    """
    images, _ = read_images(acquisition, synthetic)
    observed = _observed(images)
    if len(observed) < 2:
        raise EvaluationError(f"{source} cannot be read by the model observer. {images.pair.note}".strip())
    side = acquisition.laterality.value if acquisition.laterality else "?"
    return ObservedView(source, patient_id, side, dict(hashes), truth, observed)


def _observed(images: AcquisitionImages) -> tuple[Observation, ...]:
    if images.clinical is None or images.synthetic is None or images.spacing_mm is None:
        return ()
    width = images.clinical.window.high - images.clinical.window.low
    made = (
        observe(name, image.pixels, images.measured, images.excluded, images.spacing_mm, width)
        for name, image in ((CLINICAL, images.clinical), (SYNTHETIC, images.synthetic))
    )
    return tuple(one for one in made if one is not None)


def _correlation(one: ReportImage, other: ReportImage, mask: Mask) -> float:
    """Pearson r of two images in their windows, inside the mask; 0 where one does not vary."""
    values = [image.window.apply(image.pixels)[mask] for image in (one, other)]
    if any(v.size < 2 or np.ptp(v) == 0 for v in values):
        return 0.0
    return float(np.corrcoef(values[0], values[1])[0, 1])


def _same_breast(images: AcquisitionImages) -> list[str]:
    """Sentences about a synthetic image that is flat or shows another breast (a swapped pair)."""
    if images.synthetic is None:
        return []
    pixels = images.synthetic.pixels
    if np.ptp(pixels) == 0:
        return ["The synthetic image is flat: all its pixels have one value."]
    try:
        found = breast_mask(pixels, images.spacing_mm).mask
    except BreastNotFoundError:
        return ["The synthetic image shows no breast."]
    mask = images.breast.mask
    shared = float((found & mask).sum() / max(1, (found | mask).sum()))
    if shared >= SAME_BREAST:
        return []
    return [
        f"The synthetic image shows another outline than its low-energy image (they share {shared:.0%}); it may belong "
        "to another breast."
    ]


def _lesions(cnr: Sequence[CNRReport], truth: ViewTruth | None) -> tuple[LesionRecord, ...]:
    records = []
    for name in dict.fromkeys(report.lesion for report in cnr):
        reports = [report for report in cnr if report.lesion == name]
        result = next((r for c in reports for r in (c.clinical, c.low_energy) if isinstance(r, CNRResult)), None)
        records.append(
            LesionRecord(
                name=name,
                background=reports[0].background,
                pixels=result.lesion.pixels if result else None,
                area_mm2=result.lesion.area_mm2 if result else None,
                contrasts=tuple(
                    _contrast(report.formula.value, image, cell)
                    for report in reports
                    for image, cell in (
                        (LOW_ENERGY, report.low_energy),
                        (CLINICAL, report.clinical),
                        (SYNTHETIC, report.synthetic),
                    )
                ),
                truth=lesion_truth(name, truth) if truth else None,
            )
        )
    return tuple(records)


def lesion_truth(name: str, truth: ViewTruth) -> LesionTruth | None:
    """What the simulator knows of the lesion of a region of this name (``..._lesion_2``); ``None``: nothing."""
    match = _NUMBER.search(name)
    return next((lesion for lesion in truth.lesions if match and lesion.number == int(match[1])), None)


def _contrast(formula: str, image: str, cell: CNRResult | str | None) -> Contrast:
    if isinstance(cell, CNRResult):
        return Contrast(formula, image, cell.value, cell.uncertainty, cell.interval_95)
    return Contrast(formula, image, reason=cell or "there is no such image")


def _halo_record(halo: HaloResult | None) -> HaloRecord | None:
    if halo is None:
        return None
    depth: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    if halo.profile is not None:
        at = np.linspace(0, len(halo.profile.depth) - 1, _PROFILE_POINTS).round().astype(int)
        depth = tuple(float(d) for d in halo.profile.depth[at])
        values = tuple(float(v) for v in np.round(halo.profile.smoothed[at], 3))
    return HaloRecord(
        verdict=halo.verdict.value,
        reason=halo.reason,
        unit=halo.depth_unit,
        threshold=halo.threshold,
        step=halo.step,
        interval_95=halo.interval_95,
        rim_excess=halo.rim_excess,
        trough_depth=halo.trough_depth,
        rim_depth=halo.rim_depth,
        noise=halo.noise,
        profile_depth=depth,
        profile=values,
    )
