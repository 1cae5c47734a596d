"""Report: one self-contained HTML file about one study, for a breast radiologist to read."""

import math
from dataclasses import dataclass

from CEMSynthLib.evaluation.content import AcquisitionReport, CNRReport, ReportContent
from CEMSynthLib.evaluation.figures import breast_part, halo_plot, picture, short_names
from CEMSynthLib.evaluation.html_pages import html_environment
from CEMSynthLib.measurement.cnr import CNRFormula, CNRResult

_DASH = "–"

FORMULA_NAMES = {
    CNRFormula.SD_BACKGROUND: ("CNR", "sd_background", ""),
    CNRFormula.SD_POOLED: ("CNR, pooled SD", "sd_pooled", ""),
    CNRFormula.RELATIVE_SIGNAL_PERCENT: ("Relative signal", "relative_signal_percent", "%"),
    CNRFormula.CONTRAST: ("Contrast", "contrast", "image units"),
}


@dataclass(frozen=True)
class _Picture:
    """One place in the row of pictures; without an image ``uri`` is empty and ``note`` says so."""

    title: str
    note: str
    uri: str
    synthetic: bool


@dataclass(frozen=True)
class _Section:
    acquisition: AcquisitionReport
    anchor: str
    pictures: tuple[_Picture, ...]
    plot: str | None
    names: dict[str, str]


def number(value: float | None, digits: int = 3) -> str:
    """Write a number for people: three significant digits, a true minus sign, a dash where there is none.

    Parameters
    ----------
    value
        The number.
    digits
        Significant digits; whole digits are never cut.

    Returns
    -------
    str
        ``number(-0.01234)`` is ``"−0.0123"``, ``number(2104.6)`` is ``"2105"``.
    """
    if value is None or not math.isfinite(value):
        return _DASH
    decimals = digits if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 6)}f}" if value else "0"
    return text.replace("-", "−") if float(text) else "0"


def interval(low_high: tuple[float, float] | None) -> str:
    """Write an interval as ``low to high``, empty where there is none."""
    return f"{number(low_high[0])} to {number(low_high[1])}" if low_high else ""


def render_report(report: ReportContent) -> str:
    """Render a report.

    Parameters
    ----------
    report
        What it shows.

    Returns
    -------
    str
        A complete HTML document. It loads nothing: pictures and plots are inside. All texts are escaped.
    """
    environment = html_environment()
    environment.filters.update(number=number, interval=interval)
    environment.tests["result"] = lambda cell: isinstance(cell, CNRResult)
    sections = [_section(a, i, report.units) for i, a in enumerate(report.acquisitions)]
    return environment.get_template("report.html").render(
        report=report,
        sections=sections,
        formulas=FORMULA_NAMES,
        first_cnr=_first_cnr,
        used_formulas=[f for f in CNRFormula if any(c.formula is f for a in report.acquisitions for c in a.cnr)],
    )


def _section(acquisition: AcquisitionReport, index: int, units: str) -> _Section:
    shown = (
        ("Low energy (LE)", acquisition.low_energy, False),
        ("Clinical iodine image", acquisition.clinical, False),
        ("Synthetic iodine image", acquisition.synthetic, True),
    )
    pictures = []
    part, regions = breast_part(acquisition.low_energy, acquisition.regions), acquisition.regions
    for title, image, synthetic in shown:
        if image is None:
            pictures.append(_Picture(title, "not available for this view", "", synthetic))
            continue
        note = f"shown from {number(image.window.low)} (black) to {number(image.window.high)} (white)"
        uri = picture(image, spacing_mm=acquisition.spacing_mm, regions=regions, synthetic=synthetic, part=part)
        pictures.append(_Picture(title, note, uri, synthetic))
    plot = halo_plot(acquisition.halo_clinical, acquisition.halo_synthetic, units)
    return _Section(acquisition, f"acquisition-{index + 1}", tuple(pictures), plot, short_names(regions))


def _first_cnr(acquisition: AcquisitionReport) -> CNRReport | None:
    """The figure that the overview shows: the default formula of the first lesion."""
    return next((c for c in acquisition.cnr if c.formula is CNRFormula.SD_BACKGROUND), None)
