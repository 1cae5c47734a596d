"""An acquisition report as rows of a table, every number with the name of its formula and its unit."""

from collections.abc import Iterator

from CEMSynthLib.evaluation.content import AcquisitionReport, CNRReport
from CEMSynthLib.export.cnr_rows import RowMaker, contrast_row, statistics_rows
from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.cnr import CNRFormula, CNRResult
from CEMSynthLib.measurement.halo import HaloResult
from CEMSynthLib.study.model import Acquisition


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
    row = RowMaker(
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


def _contrast_rows(entry: CNRReport, row: RowMaker) -> Iterator[MeasurementRow]:
    images = (("low_energy", entry.low_energy), ("recombined", entry.clinical), ("synthetic", entry.synthetic))
    for image, result in images:
        place = f"{entry.lesion} / {entry.background}"
        if isinstance(result, CNRResult):
            yield contrast_row(row, image, place, entry.formula, result.value, result.interval_95, result.lesion.pixels)
            if entry.formula is CNRFormula.CONTRAST:
                for name, statistics in ((entry.lesion, result.lesion), (entry.background, result.background)):
                    yield from statistics_rows(row, image, name, statistics)
        elif result is not None:
            yield contrast_row(row, image, place, entry.formula, None, note=result)


def _halo_rows(image: str, halo: HaloResult, row: RowMaker) -> Iterator[MeasurementRow]:
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
