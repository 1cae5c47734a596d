"""Table: the rows of the regions as texts, as a Slicer table node, and as a bar chart of one figure for each image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.regions.rows import ContrastFigure, RegionRow
from CEMSynthLib.scene.table_node import fill_table
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScene, vtkMRMLTableNode

#: Attribute of the nodes made here; the value says which.
REGION_TABLE = "CEMSynth.regionTable"
COLUMNS = ("Region", "Image", "CNR", "+-", "Contrast", "+-", "Mean", "SD", "Pixels", "Area (mm2)", "Background", "Note")
#: While an uncertainty is still to be computed.
PENDING = "..."
IMAGE_LABELS = {
    ImageKind.LOW_ENERGY: "LE",
    ImageKind.RECOMBINED: "clinical",
    ImageKind.SYNTHETIC: "SYNTHETIC",
}
#: As the bars of the slice views.
_COLORS = {
    ImageKind.LOW_ENERGY: (0.55, 0.55, 0.55),
    ImageKind.RECOMBINED: (0.30, 0.61, 0.91),
    ImageKind.SYNTHETIC: (0.91, 0.64, 0.24),
}
#: The figures that the column CNR can show.
CNR_FORMULAS = (CNRFormula.SD_BACKGROUND, CNRFormula.SD_POOLED, CNRFormula.RELATIVE_SIGNAL_PERCENT)


def cells(row: RegionRow, formula: CNRFormula) -> list[str]:
    """The texts of one line, one for each of `COLUMNS`; empty where there is no number, and the note says why.

    Parameters
    ----------
    row
        The line.
    formula
        Which figure the column CNR shows.
    """
    statistics = row.statistics
    numbers = ["", "", "", ""]
    if statistics is not None:
        area = "" if statistics.area_mm2 is None else f"{statistics.area_mm2:.2f}"
        numbers = [f"{statistics.mean:.2f}", f"{statistics.sd:.2f}", str(statistics.pixels), area]
    figures = row.figure(formula), row.figure(CNRFormula.CONTRAST)
    note = row.problem or next((f.problem for f in figures if f is not None and f.problem), "")
    texts = [text for figure in figures for text in _figure(figure, row.pending)]
    return [row.name, IMAGE_LABELS[row.image], *texts, *numbers, row.background, note]


def write_table(
    scene: "vtkMRMLScene", key: str, name: str, rows: Sequence[RegionRow], formula: CNRFormula
) -> "vtkMRMLTableNode":
    """Put the rows of an acquisition into its table node, which is made if need be.

    Parameters
    ----------
    scene
        The scene.
    key, name
        Of the acquisition.
    rows
        The rows.
    formula
        Which figure the column CNR shows; it is named in the column's title.
    """
    # A table node needs titles that differ.
    titles = [formula.value, f"{formula.value} +-", "Contrast", "Contrast +-"]
    titles = [*COLUMNS[:2], *titles, *COLUMNS[6:]]
    node = _node(scene, "vtkMRMLTableNode", key, "table", f"{name} regions")
    lines = [cells(row, formula) for row in rows]
    fill_table(node, {title: [line[index] for line in lines] for index, title in enumerate(titles)})
    return node


def write_chart(
    scene: "vtkMRMLScene", key: str, name: str, rows: Sequence[RegionRow], formula: CNRFormula
) -> "vtkMRMLPlotChartNode":
    """Put one figure of all lesions into a bar chart with one series for each image.

    Lesions without the figure on one of the images are left out: a missing bar would be read as zero.

    Parameters
    ----------
    scene
        The scene.
    key, name
        Of the acquisition.
    rows
        The rows.
    formula
        Which figure.
    """
    images = list(dict.fromkeys(row.image for row in rows))
    values: dict[str, dict[ImageKind, float]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        figure = row.figure(formula) if row.role is RegionRole.LESION else None
        if figure is not None and figure.value is not None:
            values.setdefault(row.key, {})[row.image] = figure.value
            labels[row.key] = row.name
    whole = [lesion for lesion, found in values.items() if len(found) == len(images)]
    table = _node(scene, "vtkMRMLTableNode", key, "chart table", f"{name} {formula.value}")
    numbers = {IMAGE_LABELS[image]: np.array([values[lesion][image] for lesion in whole]) for image in images}
    fill_table(table, {"Lesion": [labels[lesion] for lesion in whole], **numbers})
    chart = _node(scene, "vtkMRMLPlotChartNode", key, "chart", f"{name} regions")
    # Before the chart is touched: with each new series Slicer's plot views may bring a chart in line with their boxes.
    made = []
    for image in images:
        series = _node(scene, "vtkMRMLPlotSeriesNode", key, f"series {image.value}", f"{name} {IMAGE_LABELS[image]}")
        series.SetName(IMAGE_LABELS[image])
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(series.PlotTypeBar)
        series.SetLabelColumnName("Lesion")
        series.SetYColumnName(IMAGE_LABELS[image])
        series.SetColor(*_COLORS[image])
        made.append(series)
    before = chart.StartModify()
    chart.RemoveAllPlotSeriesNodeIDs()
    for series in made if whole else []:
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(f"{name}: {formula.value}")
    chart.SetXAxisTitle("Lesion")
    chart.SetYAxisTitle(formula.value)
    chart.SetLegendVisibility(True)
    chart.EndModify(before)
    return chart


def _figure(figure: ContrastFigure | None, pending: bool) -> tuple[str, str]:
    if figure is None or figure.value is None:
        return "", ""
    spread = PENDING if pending else "" if figure.uncertainty is None else f"{figure.uncertainty:.3g}"
    return f"{figure.value:.4g}", spread


def _node(scene: "vtkMRMLScene", kind: str, key: str, what: str, name: str) -> Any:
    """The node of an acquisition for a purpose, found again in a scene that was loaded."""
    for i in range(scene.GetNumberOfNodesByClass(kind)):
        node = scene.GetNthNodeByClass(i, kind)
        if node.GetAttribute(REGION_TABLE) == what and node.GetAttribute(names.ACQUISITION) == key:
            return node
    import slicer

    node = getattr(slicer, kind)()
    node.SetName(name)
    node.SetAttribute(REGION_TABLE, what)
    node.SetAttribute(names.ACQUISITION, key)
    return scene.AddNode(node)
