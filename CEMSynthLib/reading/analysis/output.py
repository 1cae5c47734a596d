"""Output: ``results.csv`` with every number, ``summary.json``, and ``report.html`` for people."""

import csv
import io
import json
import platform
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from jinja2 import PackageLoader

from CEMSynthLib import __version__
from CEMSynthLib.evaluation.html_pages import html_environment
from CEMSynthLib.reading.analysis.agreement import BPE_SECTION, READER_SECTION
from CEMSynthLib.reading.analysis.analyze import Analysis
from CEMSynthLib.reading.analysis.detection import SECTION as DETECTION_SECTION
from CEMSynthLib.reading.analysis.figure import rates_figure
from CEMSynthLib.reading.analysis.impressions import ARTIFACT_SECTION, IMPRESSION_SECTION
from CEMSynthLib.reading.analysis.localization import SECTION as LOCALIZATION_SECTION
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow
from CEMSynthLib.reading.analysis.tables import image_types, table

_BRIEF = ("accuracy", "sensitivity", "specificity", "ROC AUC", "localized sensitivity", "false marks per image")
_BRIEF_BPE = ("BPE a-b against c-d, accuracy", "BPE a-b against c-d, majority baseline")
_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def write_analysis(folder: Path, analysis: Analysis) -> None:
    """Write the three files into a folder.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    (folder / "results.csv").write_text(results_csv(analysis), encoding="utf-8", newline="\n")
    text = json.dumps(summary(analysis), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    (folder / "report.html").write_text(report(analysis, datetime.now()), encoding="utf-8", newline="\n")


def results_csv(analysis: Analysis) -> str:
    """One row a number: its formula, interval and how it was made, how many readings and patients it rests on."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(_values(analysis.rows[0])), lineterminator="\n")
    writer.writeheader()
    for row in analysis.rows:
        values = _values(row)
        writer.writerow({k: "" if v is None else f"{v:.8g}" if isinstance(v, float) else v for k, v in values.items()})
    return text.getvalue()


def summary(analysis: Analysis) -> dict[str, object]:
    """Everything as JSON values."""
    protocol = analysis.study.protocol
    return {
        "format": "cemsynth-reading-analysis",
        "version": 1,
        "protocol_sha256": protocol.sha256,
        "reference": analysis.reference,
        "readers": list(analysis.study.readers),
        "cases": len(protocol.cases),
        "mark_radius": {"mm": analysis.radius.mm, "pixels_where_spacing_is_unknown": analysis.radius.pixels},
        "warnings": list(analysis.warnings),
        "versions": _versions(),
        "results": [_values(row) for row in analysis.rows],
    }


def summary_lines(analysis: Analysis) -> Iterator[str]:
    """A few lines for a terminal."""
    for warning in analysis.warnings:
        yield f"Note: {warning}"
    for line in _brief(analysis):
        cells = line.estimate
        low_high = f" [{cells.interval_95[0]:.3f}, {cells.interval_95[1]:.3f}]" if cells.interval_95 else ""
        number = f"{cells.value:.3f}{low_high}" if cells.value is not None else f"- ({cells.reason})"
        yield f"{line.quantity:42} {image_types(line.image_types):42} {number}"


def report(analysis: Analysis, created: datetime) -> str:
    """One self-contained HTML file; all texts are escaped."""
    environment = html_environment(PackageLoader("CEMSynthLib.reading.analysis"))
    of: dict[str, list[ResultRow]] = {}
    for row in analysis.rows:
        of.setdefault(row.section, []).append(row)
    study = analysis.study
    return environment.get_template("readers.html").render(
        protocol=study.protocol,
        read=len(study.reads),
        readers=study.readers,
        patients=len({r.patient_id for r in study.reads}),
        arms=[image_types(arm.name) for arm in study.protocol.arms],
        reference=image_types(analysis.reference) if analysis.reference else None,
        warnings=analysis.warnings,
        brief=table(_brief(analysis)),
        figure=rates_figure(analysis),
        detection=table(of[DETECTION_SECTION]),
        localization=table(of[LOCALIZATION_SECTION]),
        radius=analysis.radius.words,
        bpe=table(of.get(BPE_SECTION, [])),
        agreement=table(of[READER_SECTION]),
        artifacts=table(of[ARTIFACT_SECTION], pooled=True),
        impressions=table(of[IMPRESSION_SECTION]),
        created=created,
        versions=_versions(),
    )


def _brief(analysis: Analysis) -> list[ResultRow]:
    """The figures of all readers that the overview shows: the rows of the study that this project follows."""
    pooled = [row for row in analysis.rows if row.reader == ALL_READERS]
    wanted = {*_BRIEF, *(f"{name}, difference" for name in _BRIEF)}
    return [
        *(row for row in pooled if row.section in (DETECTION_SECTION, LOCALIZATION_SECTION) and row.quantity in wanted),
        *(row for row in pooled if row.quantity in _BRIEF_BPE and not row.image_types.endswith("truth")),
    ]


def _values(row: ResultRow) -> dict[str, str | float | int | None]:
    e = row.estimate
    return {
        "section": row.section,
        "quantity": row.quantity,
        "reader": row.reader,
        "image_types": row.image_types,
        "formula": e.formula,
        "value": e.value,
        "unit": row.unit,
        "low_95": e.interval_95[0] if e.interval_95 else None,
        "high_95": e.interval_95[1] if e.interval_95 else None,
        "interval": e.method,
        "count": e.count,
        "patients": e.patients,
        "note": e.reason,
    }


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"cemsynth": __version__, "Python": platform.python_version(), **libraries}
