"""Halo tables: the numbers of the halo and of the line by hand in the panel, in the user's language."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.scene.halo.tables import CLINICAL, LINE_COLORS, SYNTHETIC, HaloRow

if TYPE_CHECKING:
    from CEMSynthLib.measurement.band import BandResult
    from CEMSynthLib.scene.halo.lines import DepthLine


def measureLabels() -> dict[str, str]:
    """What each line of the table tells."""
    return {
        "step": _("Step: rim minus trough"),
        "mean step over sectors, 95% interval": _("Mean step over sectors (95% interval)"),
        "threshold": _("Threshold: 2% of the window width"),
        "rim excess": _("Rim excess: rim minus interior"),
        "trough depth": _("Depth of the trough"),
        "rim depth": _("Depth of the rim"),
        "band width": _("Width of the dark band"),
        "noise": _("Noise"),
        "halo retained": _("Halo retained: step / clinical step"),
        "difference of steps": _("Step minus clinical step"),
    }


def wordLabels() -> dict[str, str]:
    """Words that stand in place of a number, and units."""
    return {
        "present": _("present"),
        "absent": _("absent"),
        "uncertain": _("uncertain"),
        "not measurable": _("not measurable"),
        "no band": _("no band"),
        "no such image": _("no such image"),
        "pixel values": _("pixel values"),
        "gray levels": _("gray levels"),
        "mm": _("mm"),
        "pixels": _("pixels"),
    }


def fillHaloTable(table: Any, rows: Sequence[HaloRow]) -> None:
    """One line for each number."""
    labels, words = measureLabels(), wordLabels()
    shown = [row for row in rows if row.measure in labels]
    lines = [
        [
            _withUnit(labels[row.measure], words.get(row.unit, row.unit)),
            *(words.get(text, text) for text in (row.clinical, row.synthetic)),
        ]
        for row in shown
    ]
    _fill(table, [_("Measure"), _("clinical"), _("SYNTHETIC")], lines)


def fillLineTable(table: Any, results: "Mapping[str, BandResult | None]", depthUnit: str) -> None:
    """Step and depths along the line."""
    there = [results.get(which) for which in (CLINICAL, SYNTHETIC)]
    lines = [
        [_("Step: rim minus trough"), *(_number(None if r is None else r.step) for r in there)],
        [
            _withUnit(_("Depth of the trough"), depthUnit),
            *(_number(None if r is None else r.trough_depth) for r in there),
        ],
        [_withUnit(_("Depth of the rim"), depthUnit), *(_number(None if r is None else r.rim_depth) for r in there)],
        [
            _withUnit(_("Width of the dark band"), depthUnit),
            *(_number(None if r is None else r.band_width) for r in there),
        ],
    ]
    _fill(table, [_("Along the line"), _("clinical"), _("SYNTHETIC")], lines if results else [])


def verdictText(rows: Sequence[HaloRow]) -> str:
    """Both verdicts with their reason."""
    there = {row.measure: row for row in rows}
    if "verdict" not in there or "reason" not in there:
        return ""
    verdict, reason, words = there["verdict"], there["reason"], wordLabels()
    clinical = _("Clinical: {verdict}, since {reason}.").format(
        verdict=words.get(verdict.clinical, verdict.clinical), reason=reason.clinical
    )
    synthetic = _("SYNTHETIC: {verdict}, since {reason}.").format(
        verdict=words.get(verdict.synthetic, verdict.synthetic), reason=reason.synthetic
    )
    sentences = [(clinical, verdict.clinical), (synthetic, verdict.synthetic)]
    return " ".join(str(sentence) for sentence, word in sentences if word != "no such image")


def lineColorsText(lines: "Sequence[DepthLine]") -> str:
    """Which color is which distance, as rich text."""
    words = wordLabels()
    parts = []
    for line, color in zip(lines, LINE_COLORS, strict=False):
        red, green, blue = (round(255 * part) for part in color)
        swatch = f'<span style="color:#{red:02x}{green:02x}{blue:02x}">&#9632;</span>'
        parts.append(f"{swatch} {line.distance:g} {words.get(line.unit, line.unit)}")
    return str(_("Behind the skin: {distances}")).format(distances=" &nbsp; ".join(parts)) if parts else ""


def _number(value: float | None) -> str:
    return str(_("no band")) if value is None else f"{value:.4g}"


def _withUnit(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label


def _fill(table: Any, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    table.setColumnCount(len(headers))
    table.setHorizontalHeaderLabels(list(headers))
    table.setRowCount(len(lines))
    for i, line in enumerate(lines):
        for j, text in enumerate(line):
            item = qt.QTableWidgetItem(str(text))
            item.setToolTip(str(text))
            table.setItem(i, j, item)
    table.resizeColumnsToContents()
