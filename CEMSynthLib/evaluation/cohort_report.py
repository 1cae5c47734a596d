"""Cohort report: one self-contained HTML file that defends its figures before a reviewer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup, escape

from CEMSynthLib.evaluation.cohort import Check, CohortResult
from CEMSynthLib.evaluation.cohort_figures import change_plots, halo_plots, lesion_plots
from CEMSynthLib.evaluation.estimate import Estimate
from CEMSynthLib.evaluation.html_pages import html_environment
from CEMSynthLib.evaluation.reading_lines import READING_NAMES, observer_lines
from CEMSynthLib.evaluation.report import FORMULA_NAMES, interval, number
from CEMSynthLib.evaluation.study_table import SOURCE


@dataclass(frozen=True)
class CohortReportContent:
    """What the report shows.

    Parameters
    ----------
    result
        The figures.
    title, cohort
        What was evaluated; the cohort in a sentence.
    facts
        Model, weights, device and the like, by name.
    leakage, checklist
        Lines of the two tables.
    left_out
        Sentences on images that could not be evaluated.
    pre_contrast
        The same cohort with low energy before injection, where it was evaluated too.
    created
        When.
    versions
        Program or library to version.
    """

    result: CohortResult
    title: str
    cohort: str
    facts: Mapping[str, str]
    leakage: tuple[Check, ...]
    checklist: tuple[Check, ...]
    left_out: tuple[str, ...] = ()
    pre_contrast: CohortResult | None = None
    created: datetime = field(default_factory=datetime.now)
    versions: Mapping[str, str] = field(default_factory=dict)


def percent(value: float | None) -> str:
    """Write a part as a percentage with one decimal."""
    return "–" if value is None else f"{100 * value:.1f}%"


def estimate_text(estimate: Estimate | str, in_percent: bool = False) -> str:
    """Write an estimate: value, SD, interval, counts; or why there is none."""
    if isinstance(estimate, str):
        return estimate
    if estimate.value is None:
        return f"– ({estimate.reason})"
    show = percent if in_percent else number
    text = show(estimate.value)
    if estimate.sd is not None and not in_percent:
        text += f" ± {number(estimate.sd)}"
    if estimate.interval_95:
        low, high = estimate.interval_95
        text += f" [{show(low)} to {show(high)}]"
    elif estimate.reason:
        text += f" ({estimate.reason})"
    if not estimate.patients:
        return f"{text}; n = {estimate.count}"
    return f"{text}; n = {estimate.count}, {estimate.patients} patient{'s' if estimate.patients != 1 else ''}"


def estimate_html(estimate: Estimate | str, in_percent: bool = False) -> Markup:
    """The same for a cell of the report: number, interval and counts each unbroken, so that cells stay narrow."""
    if isinstance(estimate, str):
        return escape(estimate)
    if estimate.value is None:
        return Markup('<span class="why">– ({})</span>').format(estimate.reason)
    show = percent if in_percent else number
    sd = f" ± {number(estimate.sd)}" if estimate.sd is not None and not in_percent else ""
    small = []
    if estimate.interval_95:
        small.append("[{} to {}]".format(*map(show, estimate.interval_95)))
    elif estimate.reason:
        small.append(f"({estimate.reason})")
    many = "s" if estimate.patients != 1 else ""
    small.append(f"n = {estimate.count}" + (f", {estimate.patients} patient{many}" if estimate.patients else ""))
    parts = Markup(" ").join(Markup('<small class="part">{}</small>').format(text) for text in small)
    return Markup('<span class="n">{}</span> {}').format(show(estimate.value) + sd, parts)


def render_cohort_report(content: CohortReportContent) -> str:
    """Render the report.

    Returns
    -------
    str
        A complete HTML document that loads nothing; all texts are escaped.
    """
    environment = html_environment()
    environment.filters.update(number=number, interval=interval, estimate=estimate_html)
    result = content.result
    return environment.get_template("cohort.html").render(
        content=content,
        result=result,
        source=SOURCE,
        reading_names=READING_NAMES,
        observers=observer_lines(result.readings),
        formulas={formula.value: names for formula, names in FORMULA_NAMES.items()},
        plots={
            "MAE": change_plots(result, "MAE"),
            "SSIM": change_plots(result, "SSIM"),
            "lesions": lesion_plots(result),
            "halo": halo_plots(result),
        },
    )
