"""An acquisition report as rows of a table, every number with the name of its formula and its unit."""

from collections.abc import Iterator
from dataclasses import dataclass

from CEMSynthLib.evaluation.content import AcquisitionReport, CNRReport
from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.cnr import CNRFormula, CNRResult
from CEMSynthLib.measurement.halo import HaloResult
from CEMSynthLib.study.model import Acquisition

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
class _Rows:
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
        low, high = interval or (None, None)
        return MeasurementRow(
            self.patient_id,
            self.laterality,
            self.view,
            image,
            place,
            quantity,
            formula,
            value,
            unit,
            low,
            high,
            pixels,
            note,
        )


def measurement_rows(patient_id: str, acquisition: Acquisition, report: AcquisitionReport) -> list[MeasurementRow]:
    """List every number of a report.

    Parameters
    ----------
    patient_id
        Patient ID, never a name.
    acquisition
        Laterality and view of the rows.
    report
        What was measured.
    """
    row = _Rows(
        patient_id,
        acquisition.laterality.value if acquisition.laterality else "",
        acquisition.view.value if acquisition.view else "",
    )
    rows: list[MeasurementRow] = []
    for entry in report.cnr:
        rows += _contrast_rows(entry, row)
    for image, halo in (("recombined", report.halo_clinical), ("synthetic", report.halo_synthetic)):
        if halo is not None:
            rows += _halo_rows(image, halo, row)
    if report.halo_retained is not None:
        kept = report.halo_retained
        rows.append(
            row(
                "synthetic vs recombined",
                "breast mask",
                "halo retained",
                kept.formula,
                kept.ratio,
                "1",
                note=kept.reason or "",
            )
        )
    for similar in report.similarity:
        figures = similar.figures
        image = f"{similar.compared} vs recombined"
        for quantity, value, unit in (
            ("MAE", figures.mae, "window width"),
            ("RMSE", figures.rmse, "window width"),
            ("PSNR", figures.psnr_db, "dB"),
            ("SSIM", figures.ssim, "1"),
        ):
            note = (figures.psnr_reason or "") if value is None else ""
            rows.append(
                row(image, similar.place, quantity, quantity.lower(), value, unit, pixels=figures.pixels, note=note)
            )
    return rows


def _contrast_rows(entry: CNRReport, row: _Rows) -> Iterator[MeasurementRow]:
    images = (("low_energy", entry.low_energy), ("recombined", entry.clinical), ("synthetic", entry.synthetic))
    for image, result in images:
        place = f"{entry.lesion} / {entry.background}"
        quantity, unit, formula = QUANTITIES[entry.formula], UNITS[entry.formula], entry.formula.value
        if isinstance(result, CNRResult):
            yield row(
                image,
                place,
                quantity,
                formula,
                result.value,
                unit,
                interval=result.interval_95,
                pixels=result.lesion.pixels,
            )
            if entry.formula is CNRFormula.CONTRAST:
                for name, statistics in ((entry.lesion, result.lesion), (entry.background, result.background)):
                    yield row(image, name, "mean", "mean", statistics.mean, "image units", pixels=statistics.pixels)
                    yield row(image, name, "SD", "sd_ddof_1", statistics.sd, "image units", pixels=statistics.pixels)
                    area = statistics.area_mm2
                    yield row(
                        image, name, "area", "pixels_times_spacing", area, "mm2",
                        pixels=statistics.pixels, note="" if area is not None else "pixel spacing is unknown",
                    )  # fmt: skip
        elif result is not None:
            yield row(image, place, quantity, formula, None, unit, note=result)


def _halo_rows(image: str, halo: HaloResult, row: _Rows) -> Iterator[MeasurementRow]:
    verdict = f"{halo.verdict.value}: {halo.reason}"
    place = "breast mask"
    yield row(
        image, place, "halo step", halo.formula, halo.step, "image units", interval=halo.interval_95, note=verdict
    )
    for quantity, formula, value, unit in (
        ("halo rim excess", "halo_rim_minus_interior", halo.rim_excess, "image units"),
        ("halo trough depth", "halo_trough_depth", halo.trough_depth, halo.depth_unit),
        ("halo rim depth", "halo_rim_depth", halo.rim_depth, halo.depth_unit),
        ("halo band width", "halo_band_width", halo.band_width, halo.depth_unit),
        ("halo step / noise", "halo_step_over_mad_noise", halo.step_to_noise, "1"),
    ):
        note = "" if value is not None else f"no value: halo {halo.verdict.value}"
        yield row(image, place, quantity, formula, value, unit, note=note)
    for sector in halo.sectors:
        start, end = sector.angles_degrees
        note = "" if sector.step is not None else "too little of this sector is seen"
        where = f"sector {start:.0f} to {end:.0f} degrees"
        yield row(image, where, "halo step", halo.formula, sector.step, "image units", pixels=sector.pixels, note=note)
