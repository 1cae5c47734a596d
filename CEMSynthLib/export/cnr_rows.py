"""CNR rows: statistics and contrast figures of regions as rows of a table, the same in command line and module."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.cnr import CNRFormula, RegionStatistics

UNITS = {
    CNRFormula.SD_BACKGROUND: "1",
    CNRFormula.SD_POOLED: "1",
    CNRFormula.RELATIVE_SIGNAL_PERCENT: "%",
    CNRFormula.CONTRAST: "image units",
}
QUANTITIES = {
    CNRFormula.SD_BACKGROUND: "CNR",
    CNRFormula.SD_POOLED: "CNR",
    CNRFormula.RELATIVE_SIGNAL_PERCENT: "relative signal",
    CNRFormula.CONTRAST: "contrast",
}


@dataclass(frozen=True)
class RowMaker:
    """Makes rows of one acquisition."""

    patient_id: str
    laterality: str
    view: str

    def __call__(
        self,
        image: str,
        place: str,
        quantity: str,
        formula: str,
        value: float | None,
        unit: str,
        *,
        interval: tuple[float, float] | None = None,
        pixels: int | None = None,
        note: str = "",
    ) -> MeasurementRow:
        """One row; see `MeasurementRow`."""
        low, high = interval or (None, None)
        return MeasurementRow(
            self.patient_id, self.laterality, self.view, image, place, quantity, formula, value, unit, low, high,
            pixels, note,
        )  # fmt: skip


class Figure(Protocol):
    """One contrast figure, or why there is none."""

    @property
    def formula(self) -> CNRFormula:
        """Which formula."""

    @property
    def value(self) -> float | None:
        """The figure."""

    @property
    def interval_95(self) -> tuple[float, float] | None:
        """Its 95% interval."""

    @property
    def problem(self) -> str:
        """Why there is none."""


class MeasuredRegion(Protocol):
    """One region on one image, as `CEMSynthLib.scene.regions.rows.RegionRow` says it."""

    @property
    def name(self) -> str:
        """Of the region."""

    @property
    def statistics(self) -> RegionStatistics | None:
        """Of its pixels."""

    @property
    def background(self) -> str:
        """Name of the background that the figures use."""

    @property
    def figures(self) -> Sequence[Figure]:
        """Of a lesion."""

    @property
    def problem(self) -> str:
        """Why something is missing."""


def region_rows(row: RowMaker, regions: Iterable[tuple[str, MeasuredRegion]]) -> list[MeasurementRow]:
    """The rows of a table of regions.

    Parameters
    ----------
    row
        Of the acquisition.
    regions
        Each with the name of its image: ``low_energy``, ``recombined``, ``synthetic``.
    """
    return [made for image, region in regions for made in _region(row, image, region)]


def contrast_row(
    row: RowMaker,
    image: str,
    place: str,
    formula: CNRFormula,
    value: float | None,
    interval: tuple[float, float] | None = None,
    pixels: int | None = None,
    note: str = "",
) -> MeasurementRow:
    """One contrast figure."""
    return row(
        image, place, QUANTITIES[formula], formula.value, value, UNITS[formula], interval=interval, pixels=pixels,
        note=note,
    )  # fmt: skip


def statistics_rows(row: RowMaker, image: str, name: str, statistics: RegionStatistics) -> Iterator[MeasurementRow]:
    """Mean, SD and area of a region."""
    pixels, area = statistics.pixels, statistics.area_mm2
    yield row(image, name, "mean", "mean", statistics.mean, "image units", pixels=pixels)
    yield row(image, name, "SD", "sd_ddof_1", statistics.sd, "image units", pixels=pixels)
    note = "" if area is not None else "pixel spacing is unknown"
    yield row(image, name, "area", "pixels_times_spacing", area, "mm2", pixels=pixels, note=note)


def _region(row: RowMaker, image: str, region: MeasuredRegion) -> Iterator[MeasurementRow]:
    if region.statistics is None:
        yield row(image, region.name, "mean", "mean", None, "image units", note=region.problem)
        return
    yield from statistics_rows(row, image, region.name, region.statistics)
    place = f"{region.name} / {region.background}"
    for figure in region.figures:
        yield contrast_row(
            row, image, place, figure.formula, figure.value, figure.interval_95,
            region.statistics.pixels if figure.value is not None else None, figure.problem,
        )  # fmt: skip
    if not region.figures and region.problem:
        yield contrast_row(row, image, place, CNRFormula.SD_BACKGROUND, None, note=region.problem)
