"""Halo tables: the numbers of the halo in words and units, and the profiles as table, series and chart nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.table_node import fill_table

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScene, vtkMRMLTableNode

    from CEMSynthLib.measurement.band import BandResult
    from CEMSynthLib.measurement.halo import HaloResult
    from CEMSynthLib.scene.halo.measurement import HaloMeasurement

#: Measured images: name of the column and of the series, color of its curve (as the bars of the slice views).
CLINICAL, SYNTHETIC = "clinical", "SYNTHETIC"
SERIES_COLORS = {CLINICAL: (0.30, 0.61, 0.91), SYNTHETIC: (0.91, 0.64, 0.24)}
#: Of the distance lines, skin inward; color-blind readers tell them apart (Okabe and Ito 2008).
LINE_COLORS = ((0.90, 0.62, 0.00), (0.34, 0.71, 0.91), (0.00, 0.62, 0.45))
_TABLE, _SERIES, _CHART = "vtkMRMLTableNode", "vtkMRMLPlotSeriesNode", "vtkMRMLPlotChartNode"
_DEPTH = "depth"


@dataclass(frozen=True)
class HaloRow:
    """One line of the table.

    Parameters
    ----------
    measure
        What is told: ``"step"``, ``"verdict"`` ... (words of `CEMSynthLib.measurement.halo`).
    unit
        Empty where it has none.
    clinical, synthetic
        Number or words; a number that there is none of says why.
    """

    measure: str
    unit: str
    clinical: str
    synthetic: str


def halo_rows(measured: "HaloMeasurement", units: str) -> list[HaloRow]:
    """The numbers of definitions section 2.

    Parameters
    ----------
    measured
        The measurement.
    units
        Of the image, in words: ``"pixel values"`` or ``"gray levels"``.
    """
    results = (measured.clinical, measured.synthetic)
    depth = next((r.depth_unit for r in results if r is not None), "")

    def row(measure: str, unit: str, value: Any) -> HaloRow:
        clinical, synthetic = ("no such image" if r is None else value(r) for r in results)
        return HaloRow(measure, unit, clinical, synthetic)

    rows = [
        row("verdict", "", lambda r: r.verdict.value),
        row("reason", "", lambda r: r.reason),
        row("step", units, lambda r: _number(r, r.step)),
        row("mean step over sectors, 95% interval", units, lambda r: _sectors(r)),
        row("threshold", units, lambda r: f"{r.threshold:.4g}"),
        row("rim excess", units, lambda r: _number(r, r.rim_excess)),
        row("trough depth", depth, lambda r: _number(r, r.trough_depth)),
        row("rim depth", depth, lambda r: _number(r, r.rim_depth)),
        row("band width", depth, lambda r: _number(r, r.band_width)),
        row("noise", units, lambda r: _number(r, r.noise)),
    ]
    kept = measured.retained
    if kept is not None:
        difference = "-" if kept.difference is None else f"{kept.difference:.4g}"
        rows.append(HaloRow("halo retained", "", "1", kept.reason or f"{kept.ratio:.3f}"))
        rows.append(HaloRow("difference of steps", units, "0", difference))
    return rows


def write_numbers(scene: "vtkMRMLScene", measured: "HaloMeasurement", units: str) -> "vtkMRMLTableNode":
    """The numbers as a table node."""
    key, name = measured.input.key, measured.input.name
    node = roles.ensure_node(scene, key, roles.NUMBERS, _TABLE, f"{name} halo")
    rows = halo_rows(measured, units)
    columns = {
        "measure": [row.measure for row in rows],
        "unit": [row.unit for row in rows],
        CLINICAL: [row.clinical for row in rows],
        SYNTHETIC: [row.synthetic for row in rows],
    }
    fill_table(node, columns)
    return node


def read_numbers(node: "vtkMRMLTableNode") -> list[HaloRow]:
    """The lines of a table node, also of one from a saved scene."""
    count = node.GetNumberOfColumns()
    if count != 4:
        return []
    return [HaloRow(*(node.GetCellText(i, j) for j in range(4))) for i in range(node.GetNumberOfRows())]


def write_profiles(
    scene: "vtkMRMLScene",
    key: str,
    name: str,
    results: "Mapping[str, HaloResult | BandResult | None]",
    units: tuple[str, str],
    line: bool = False,
) -> "vtkMRMLPlotChartNode | None":
    """P(d) of clinical and synthetic image as table and chart, trough and rim marked.

    Parameters
    ----------
    scene
        The scene.
    key, name
        Of the acquisition.
    results
        By `CLINICAL` and `SYNTHETIC`.
    units
        Of depth and image.
    line
        Along a line laid by hand.

    Returns
    -------
    vtkMRMLPlotChartNode or None
        ``None`` where nothing was measured; older nodes are removed then.
    """
    of = roles.OF_LINE if line else ""
    there = {which: r for which, r in results.items() if r is not None and r.profile is not None}
    if not there:
        remove_profiles(scene, key, line)
        return None
    longest = max((r.profile.depth for r in there.values() if r.profile is not None), key=len)
    columns: dict[str, NDArray[np.float64]] = {_DEPTH: longest}
    for which, result in there.items():
        if result.profile is not None:
            values = result.profile.smoothed
            columns[which] = np.pad(values, (0, len(longest) - len(values)), constant_values=values[-1])
    what = "line profile" if line else "halo profile"
    table = roles.ensure_node(scene, key, f"{of}{roles.PROFILE}", _TABLE, f"{name} {what}")
    fill_table(table, columns)
    chart = roles.ensure_node(scene, key, f"{of}{roles.CHART}", _CHART, f"{name} {what}")
    # Before the chart is touched: with each new series Slicer's plot views may bring a chart in line with their boxes.
    curves = [_curve(scene, key, of, which, table) for which in SERIES_COLORS if which in there]
    marks = [_marks(scene, key, of, name, which, result) for which, result in there.items()]
    was = chart.StartModify()
    chart.RemoveAllPlotSeriesNodeIDs()
    for series in (*curves, *marks):
        if series is not None:
            chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(f"{name}: {'along the line' if line else 'halo'}")
    chart.SetXAxisTitle(f"Depth behind the skin edge ({units[0]})")
    chart.SetYAxisTitle(f"Median ({units[1]})")
    chart.SetLegendVisibility(True)
    chart.EndModify(was)
    return chart


def remove_profiles(scene: "vtkMRMLScene", key: str, line: bool = False) -> None:
    """Remove what `write_profiles` wrote."""
    of = roles.OF_LINE if line else ""
    for role, kind in ((roles.CHART, _CHART), (roles.SERIES, _SERIES), (roles.PROFILE, _TABLE), (roles.MARKS, _TABLE)):
        roles.remove_nodes(scene, key, f"{of}{role}", kind)


def _number(result: "HaloResult", value: float | None) -> str:
    if value is not None:
        return f"{value:.4g}"
    return "not measurable" if result.step is None else "no band"


def _sectors(result: "HaloResult") -> str:
    if result.interval_95 is None or result.sector_mean is None:
        return "not measurable"
    return f"{result.sector_mean:.3g} ({result.interval_95[0]:.3g} to {result.interval_95[1]:.3g})"


def _curve(scene: "vtkMRMLScene", key: str, of: str, which: str, table: "vtkMRMLTableNode") -> Any:
    series = roles.ensure_node(scene, key, f"{of}{roles.SERIES} {which}", _SERIES, which)
    _plot(series, table, _DEPTH, which)
    series.SetLineStyle(series.LineStyleSolid)
    series.SetMarkerStyle(series.MarkerStyleNone)
    series.SetLineWidth(2.0)
    series.SetColor(*SERIES_COLORS[which])
    return series


def _marks(scene: "vtkMRMLScene", key: str, of: str, name: str, which: str, result: "HaloResult | BandResult") -> Any:
    """Trough and rim as two points; ``None`` where there is no band."""
    profile, depths = result.profile, (result.trough_depth, result.rim_depth)
    if profile is None or depths[0] is None or depths[1] is None:
        roles.remove_nodes(scene, key, f"{of}{roles.SERIES} {which} marks", _SERIES)
        return None
    there = np.asarray(depths, dtype=np.float64)
    table = roles.ensure_node(scene, key, f"{of}{roles.MARKS} {which}", _TABLE, f"{name} trough and rim {which}")
    fill_table(table, {"depth": there, "value": np.interp(there, profile.depth, profile.smoothed)})
    label = f"{which} trough, rim"
    series = roles.ensure_node(scene, key, f"{of}{roles.SERIES} {which} marks", _SERIES, label)
    _plot(series, table, "depth", "value")
    series.SetLineStyle(series.LineStyleNone)
    series.SetMarkerStyle(series.MarkerStyleDiamond if which == CLINICAL else series.MarkerStyleCircle)
    series.SetMarkerSize(11)
    series.SetColor(*SERIES_COLORS[which])
    return series


def _plot(series: Any, table: "vtkMRMLTableNode", x: str, y: str) -> None:
    series.SetPlotType(series.PlotTypeScatter)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(x)
    series.SetYColumnName(y)
