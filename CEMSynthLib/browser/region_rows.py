"""Region rows: regions and their numbers as the page shows them: a card for each region, a line for each image."""

from collections.abc import Sequence
from typing import Any

from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene.regions.info import Color, RegionInfo, RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.regions.rows import RegionRow
from CEMSynthLib.scene.regions.table import IMAGE_LABELS

FORMULAS = {
    CNRFormula.SD_BACKGROUND: ("CNR", "CNR (SD of background)"),
    CNRFormula.SD_POOLED: ("CNR", "CNR (pooled SD)"),
    CNRFormula.RELATIVE_SIGNAL_PERCENT: ("signal in %", "Relative signal in %"),
    CNRFormula.CONTRAST: ("contrast", "Contrast (difference)"),
}
KINDS = {
    RegionKind.RECTANGLE: "mdi-rectangle-outline",
    RegionKind.ELLIPSE: "mdi-ellipse-outline",
    RegionKind.CURVE: "mdi-lasso",
    RegionKind.RING: "mdi-circle-double",
    RegionKind.SEGMENT: "mdi-puzzle-outline",
}
#: Where there is no number.
NONE = "\N{EN DASH}"


def region_cards(regions: RegionSet) -> list[dict[str, Any]]:
    """What the list says of each region of the acquisition that is shown: lesions first, each in the order drawn.

    Parameters
    ----------
    regions
        The regions of the scene.
    """
    placing = regions.placing
    there = sorted(regions.regions(), key=lambda region: region.role is not RegionRole.LESION)
    return [_card(regions, region) for region in there if region.key != placing]


def region_numbers(rows: Sequence[RegionRow], formula: CNRFormula) -> dict[str, dict[str, Any]]:
    """The numbers of each region by its key: lines, pixels with area, and a sentence where something is missing.

    Parameters
    ----------
    rows
        From `RegionSet.rows`.
    formula
        Which figure the last column shows.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        there = found.setdefault(row.key, {"size": "", "note": "", "lines": []})
        there["lines"].append(_line(row, formula))
        figure = row.figure(formula)
        there["note"] = there["note"] or row.problem or (figure.problem if figure is not None else "")
        if row.statistics is not None and not there["size"]:
            area = row.statistics.area_mm2
            pixels = f"{row.statistics.pixels:,} pixels"
            there["size"] = pixels if area is None else f"{area:.1f} mm\N{SUPERSCRIPT TWO}, {pixels}"
    return found


def hex_color(color: Color) -> str:
    """A color as the page writes it: ``#ff8c1a``."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)


def color_of(text: str) -> Color | None:
    """The color that a text of `hex_color` says; ``None`` if it says none."""
    digits = text.removeprefix("#")
    try:
        value = int(digits, 16)
    except ValueError:
        return None
    return ((value >> 16) / 255, (value >> 8 & 255) / 255, (value & 255) / 255) if len(digits) == 6 else None


def _card(regions: RegionSet, region: RegionInfo) -> dict[str, Any]:
    background = ""
    if region.role is RegionRole.LESION:
        found, _ = regions.background(region.key)
        background = "" if found is None else f"against {found.name}"
    return {
        "key": region.key,
        "name": region.name,
        "role": region.role.value,
        "icon": KINDS[region.kind],
        "color": hex_color(region.color),
        "locked": region.locked,
        "draggable": region.kind not in (RegionKind.RING, RegionKind.SEGMENT),
        "background": background,
        "chosen": region.background,
    }


def _line(row: RegionRow, formula: CNRFormula) -> dict[str, str]:
    line = {"image": IMAGE_LABELS[row.image], "mean": NONE, "sd": NONE, "figure": "", "spread": ""}
    if row.statistics is not None:
        line |= {"mean": f"{row.statistics.mean:.1f}", "sd": _short(row.statistics.sd)}
    if row.role is RegionRole.LESION:
        figure = row.figure(formula)
        line["figure"] = NONE if figure is None or figure.value is None else _short(figure.value)
        if row.pending:
            line["spread"] = "\N{HORIZONTAL ELLIPSIS}"
        elif figure is not None and figure.uncertainty is not None:
            line["spread"] = _short(figure.uncertainty)
    return line


def _short(value: float) -> str:
    """Two decimals where they fit into the column, else one."""
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1f}"
