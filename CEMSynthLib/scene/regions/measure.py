"""Measure: regions on all images of an acquisition, fast while one is dragged, with uncertainties when it rests.

Only what has changed is computed again: a region on an image is known by its shape and by the version of the pixels.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from CEMSynthLib.measurement.cnr import (
    SHIFT_FRACTION_OF_DIAMETER,
    SHIFT_MM,
    CNRFormula,
    Resamples,
    contrast_figure,
    contrast_result,
    region_statistics,
    resample_regions,
)
from CEMSynthLib.measurement.cnr import RegionStatistics as Statistics
from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.regions import Region, RegionPatch, RegionRole, pair_regions, region_patch
from CEMSynthLib.measurement.shapes import Ellipse, Rectangle, bounds
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind
from CEMSynthLib.scene.regions.pixels import ImagePixels
from CEMSynthLib.scene.regions.rows import ContrastFigure, RegionRow

NOT_DRAWN = "This region is not drawn yet: click, or press and drag, in a slice view."
#: A region of more pixels is not measured while it is dragged: three images of a million take about 50 ms.
LARGE_PIXELS = 400_000
LATER = "So large a region is measured when the mouse is released."
NO_BACKGROUND = "There is no background region; draw one, or make a ring around the lesion."

#: Finds the pixels of a segment; raises MeasurementError.
SegmentPatch = Callable[[RegionInfo, ImagePixels], tuple[RegionPatch, int]]
_Known = tuple[Any, Any]


class RegionMeasurer:
    """Measures and remembers.

    Parameters
    ----------
    segment_patch
        Gives the pixels of a segment on an image, and a number that is another one after the segment has changed.
    """

    def __init__(self, segment_patch: SegmentPatch) -> None:
        self._segment_patch = segment_patch
        self._hurry = False
        self._patches: dict[tuple[str, Any], _Known] = {}
        self._statistics: dict[tuple[str, Any], _Known] = {}
        self._figures: dict[tuple[str, str, Any], _Known] = {}

    def rows(
        self, regions: Sequence[RegionInfo], images: Sequence[ImagePixels], hurry: bool = False
    ) -> list[RegionRow]:
        """Measure all regions on all images; uncertainties only where they are known already.

        Parameters
        ----------
        regions
            Of one acquisition.
        images
            Its images.
        hurry
            The user is dragging a region: large ones that have changed are measured later.
        """
        self._hurry = hurry
        self._forget({region.key for region in regions})
        backgrounds = {r.key: background_of(r, regions) for r in regions if r.role is RegionRole.LESION}
        return [self._row(region, image, backgrounds) for region in regions for image in images]

    def add_uncertainty(self, regions: Sequence[RegionInfo], images: Sequence[ImagePixels]) -> bool:
        """Compute the uncertainties of one lesion on one image that has none yet.

        Returns
        -------
        bool
            False if there was nothing left to do.
        """
        self._hurry = False
        for lesion in (region for region in regions if region.role is RegionRole.LESION):
            background, _ = background_of(lesion, regions)
            if background is None:
                continue
            for image in images:
                if self._known_figures(lesion, background, image) is not None:
                    continue
                try:
                    patches = self._patch(lesion, image), self._patch(background, image)
                    drawn = _resample(image, *patches)
                except MeasurementError:
                    continue
                statistics = self._measure(lesion, image)[0], self._measure(background, image)[0]
                if statistics[0] is None or statistics[1] is None:
                    continue
                figures = tuple(_figure(formula, statistics[0], statistics[1], drawn) for formula in CNRFormula)
                content = (_content(lesion), _content(background), image.version, *(p[1] for p in patches))
                self._figures[lesion.key, background.key, image.kind] = (content, figures)
                return True
        return False

    def _row(
        self,
        region: RegionInfo,
        image: ImagePixels,
        backgrounds: Mapping[str, tuple[RegionInfo | None, str]],
    ) -> RegionRow:
        statistics, problem = self._measure(region, image)
        if region.role is RegionRole.BACKGROUND:
            return RegionRow(region.key, region.name, region.role, image.kind, statistics, problem=problem)
        background, why = backgrounds[region.key]
        if background is None:
            return RegionRow(region.key, region.name, region.role, image.kind, statistics, problem=problem or why)
        behind, why = self._measure(background, image)
        figures: tuple[ContrastFigure, ...] = ()
        pending = False
        if statistics is not None and behind is not None:
            known = self._known_figures(region, background, image)
            pending = known is None
            figures = known or tuple(_figure(formula, statistics, behind, None) for formula in CNRFormula)
        return RegionRow(
            region.key, region.name, region.role, image.kind, statistics, background.key, background.name, behind,
            figures, problem or why, pending=pending,
        )  # fmt: skip

    def _measure(self, region: RegionInfo, image: ImagePixels) -> tuple[Statistics | None, str]:
        try:
            patch, version = self._patch(region, image)
        except MeasurementError as error:
            return None, str(error)
        content = (_content(region), region.name, image.version, version)
        known = self._statistics.get((region.key, image.kind))
        if known is None or known[0] != content:
            found: tuple[Statistics | None, str]
            try:
                values = image.part(patch.place)
                found = (region_statistics(values, patch.mask, image.spacing_mm, region.name), "")
            except MeasurementError as error:
                found = (None, str(error))
            known = self._statistics[region.key, image.kind] = (content, found)
        result: tuple[Statistics | None, str] = known[1]
        return result

    def _patch(self, region: RegionInfo, image: ImagePixels) -> tuple[RegionPatch, int]:
        """The pixels of a region; images on the same grid share them."""
        if region.kind is RegionKind.SEGMENT:
            return self._segment_patch(region, image)
        if region.shape is None:
            raise MeasurementError(region.problem or NOT_DRAWN)
        grid = (image.values.shape, image.spacing_mm)
        content = (_content(region), region.name)
        known = self._patches.get((region.key, grid))
        if known is None or known[0] != content:
            shown = as_region(region)
            rows, columns = image.values.shape
            if self._hurry and _box_pixels(shown, image.spacing_mm) > LARGE_PIXELS:
                raise MeasurementError(LATER)
            known = self._patches[region.key, grid] = (content, region_patch(shown, (rows, columns), image.spacing_mm))
        patch: RegionPatch = known[1]
        return patch, 0

    def _known_figures(
        self, lesion: RegionInfo, background: RegionInfo, image: ImagePixels
    ) -> tuple[ContrastFigure, ...] | None:
        """Figures with their uncertainty, if they were computed for these regions as they are."""
        known = self._figures.get((lesion.key, background.key, image.kind))
        if known is None:
            return None
        try:
            versions = [self._patch(region, image)[1] for region in (lesion, background)]
        except MeasurementError:
            return None
        content = (_content(lesion), _content(background), image.version, *versions)
        figures: tuple[ContrastFigure, ...] = known[1]
        return figures if known[0] == content else None

    def _forget(self, keys: set[str]) -> None:
        """Let go of regions that are gone."""
        self._patches = {key: value for key, value in self._patches.items() if key[0] in keys}
        self._statistics = {key: value for key, value in self._statistics.items() if key[0] in keys}
        self._figures = {key: value for key, value in self._figures.items() if key[0] in keys}


def as_region(region: RegionInfo) -> Region:
    """The region as measurement knows it: an ellipse is the curve that Slicer draws for it.

    Raises
    ------
    MeasurementError
        It is not drawn yet.
    """
    if region.shape is None:
        raise MeasurementError(NOT_DRAWN)
    shape = region.shape.curve() if isinstance(region.shape, Ellipse) else region.shape
    return Region(region.name, region.role, shape)


def background_of(lesion: RegionInfo, regions: Sequence[RegionInfo]) -> tuple[RegionInfo | None, str]:
    """The background that a lesion's figures use: the chosen one, else its ring, else by the rule of `pair_regions`.

    Parameters
    ----------
    lesion
        A lesion.
    regions
        All regions of its acquisition.

    Returns
    -------
    RegionInfo or None, and a sentence that says why there is none
    """
    backgrounds = [region for region in regions if region.role is RegionRole.BACKGROUND]
    if not backgrounds:
        return None, NO_BACKGROUND
    for region in backgrounds:
        if region.key == lesion.background:
            return region, ""
    for region in backgrounds:
        if region.ring is not None and region.ring.lesion == lesion.key:
            return region, ""
    # Rings of other lesions serve those; without them, the rule of the command line decides, by name.
    free = [region for region in backgrounds if region.ring is None] or backgrounds
    if len(free) == 1:
        return free[0], ""
    try:
        stand_ins = [_named(region) for region in free]
        ((_, chosen),) = pair_regions([_named(lesion), *stand_ins])
    except MeasurementError:
        return None, f'"{lesion.name}" has {len(free)} background regions to choose from; choose one for it.'
    return free[next(i for i, region in enumerate(stand_ins) if region is chosen)], ""


def _named(region: RegionInfo) -> Region:
    # Only name and role are looked at.
    return Region(region.name, region.role, Rectangle((0.0, 0.0), (1.0, 1.0)))


def _box_pixels(region: Region, spacing_mm: tuple[float, float] | None) -> float:
    """How many pixels the upright box around a region has."""
    left, top, right, bottom = bounds(region.shape)
    row, column = spacing_mm or (1.0, 1.0)
    return (right - left) * (bottom - top) / (row * column)


def _content(region: RegionInfo) -> Any:
    return region.shape, region.segment


def _figure(formula: CNRFormula, lesion: Statistics, background: Statistics, drawn: Resamples | None) -> ContrastFigure:
    try:
        if drawn is None:
            return ContrastFigure(formula, contrast_figure(formula, lesion, background))
        result = contrast_result(formula, lesion, background, drawn)
    except MeasurementError as error:
        return ContrastFigure(formula, None, problem=str(error))
    return ContrastFigure(formula, result.value, result.uncertainty, result.interval_95)


def _resample(image: ImagePixels, lesion: tuple[RegionPatch, int], background: tuple[RegionPatch, int]) -> Resamples:
    """The draws of the whole image, from the part of it that they can reach."""
    patches = (lesion[0], background[0])
    diameter = 2 * math.sqrt(float(np.count_nonzero(patches[0].mask)) / math.pi)
    reach = SHIFT_MM / min(image.spacing_mm) if image.spacing_mm else SHIFT_FRACTION_OF_DIAMETER * diameter
    margin = math.ceil(reach) + 2
    low = [max(0, min(_start(p, axis) for p in patches) - margin) for axis in (0, 1)]
    high = [min(image.values.shape[axis], max(_stop(p, axis) for p in patches) + margin) for axis in (0, 1)]
    masks = []
    for patch in patches:
        mask = np.zeros((high[0] - low[0], high[1] - low[1]), dtype=bool)
        mask[patch.rows[0] - low[0] : patch.rows[1] - low[0], patch.columns[0] - low[1] : patch.columns[1] - low[1]] = (
            patch.mask
        )
        masks.append(mask)
    part = image.part((slice(low[0], high[0]), slice(low[1], high[1])))
    return resample_regions(part, masks[0], masks[1], image.spacing_mm)


def _start(patch: RegionPatch, axis: int) -> int:
    return (patch.rows, patch.columns)[axis][0]


def _stop(patch: RegionPatch, axis: int) -> int:
    return (patch.rows, patch.columns)[axis][1]
