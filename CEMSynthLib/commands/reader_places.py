"""Reader places: where the lesions of a cohort lie that readers shall find, as outlines for the key of a study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from skimage.measure import approximate_polygon, find_contours

from CEMSynthLib.commands.measurement import drawn_regions, sort_regions
from CEMSynthLib.commands.simulated_regions import simulated_regions
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.drawn import placed_regions
from CEMSynthLib.evaluation.image_measures import lesion_truth
from CEMSynthLib.evaluation.truth import ViewTruth, find_truth, view_truth
from CEMSynthLib.measurement.markups import TiedRegion
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask
from CEMSynthLib.reading.places import LesionPlaces, Point
from CEMSynthLib.study.breast_pair import read_breast_pair
from CEMSynthLib.study.model import Acquisition, StudyFolder

# Pixels by which an outline may be simplified.
_TOLERANCE = 0.5


def lesion_places(
    found: StudyFolder, regions: Sequence[TiedRegion] = ()
) -> tuple[Mapping[Path, LesionPlaces], list[str]]:
    """Find the places.

    Parameters
    ----------
    found
        The cohort.
    regions
        Lesions among them count; of a simulated cohort, whose regions are found where none are given, only malignant
        lesions that enhance.

    Returns
    -------
    places, warnings
        By file of the low-energy image; sentences on regions that could not be used.
    """
    given = list(regions) or simulated_regions(found)
    if not given:
        return {}, []
    tied, warnings = sort_regions(found, given)
    truth = find_truth(found.root)
    places: dict[Path, LesionPlaces] = {}
    for (i, j), of_view in tied.items():
        study = found.studies[i]
        acquisition = study.acquisitions[j]
        known = view_truth(truth, study.patient_id, acquisition.name) if truth else None
        if (low := acquisition.low_energy) is None:
            continue
        try:
            lesions = [r for r in _regions(of_view, acquisition) if _sought(r, known)]
            outlines = tuple(_outline(r, low.grid.shape, low.grid.spacing_mm) for r in lesions)
        except CEMSynthError as error:
            warnings.append(str(error))
            continue
        if outlines:
            places[low.path] = LesionPlaces(low.grid.spacing_mm, outlines)
    return places, warnings


def _regions(tied: Sequence[TiedRegion], acquisition: Acquisition) -> list[Region]:
    regions = [t.region for t in tied if not t.in_pixels]
    drawn = drawn_regions(tied, acquisition)
    if drawn and acquisition.low_energy is not None:
        placed, _ = placed_regions(drawn, read_breast_pair(acquisition), acquisition.low_energy.grid.spacing_mm)
        regions += placed
    return [region for region in regions if region.role is RegionRole.LESION]


def _sought(region: Region, truth: ViewTruth | None) -> bool:
    if truth is None:
        return True
    lesion = lesion_truth(region.name, truth)
    return lesion is not None and lesion.malignant and lesion.enhances


def _outline(region: Region, shape: tuple[int, int], spacing_mm: tuple[float, float] | None) -> tuple[Point, ...]:
    mask = np.pad(region_mask(region, shape, spacing_mm), 1)
    longest = max(find_contours(mask.astype(float), 0.5), key=len) - 1  # type: ignore[no-untyped-call]
    points = approximate_polygon(longest, _TOLERANCE)[:-1]  # type: ignore[no-untyped-call]
    return tuple((round(float(row), 2), round(float(column), 2)) for row, column in points)
