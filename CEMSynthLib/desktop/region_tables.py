"""Region tables: the list of regions, and the numbers that follow a drag."""

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind
from CEMSynthLib.scene.regions.measure import background_of
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.regions.rows import RegionRow
from CEMSynthLib.scene.regions.table import CNR_FORMULAS, cells
from CEMSynthLib.study.model import ImageKind


def roleLabel(role: RegionRole) -> str:
    """The word for a role."""
    return str(_("lesion") if role is RegionRole.LESION else _("background"))


def kindLabel(kind: RegionKind) -> str:
    """The word for how a region is drawn."""
    labels: dict[RegionKind, str] = {
        RegionKind.RECTANGLE: _("rectangle"),
        RegionKind.ELLIPSE: _("ellipse"),
        RegionKind.CURVE: _("freehand"),
        RegionKind.RING: _("ring"),
        RegionKind.SEGMENT: _("segment"),
    }
    return labels[kind]


def formulaLabel(formula: CNRFormula) -> str:
    """What a formula divides by, in the words of the list of formulas."""
    labels: dict[CNRFormula, str] = {
        CNRFormula.SD_BACKGROUND: _("CNR: contrast / SD of background"),
        CNRFormula.SD_POOLED: _("CNR: contrast / pooled SD"),
        CNRFormula.RELATIVE_SIGNAL_PERCENT: _("Relative signal in %"),
        CNRFormula.CONTRAST: _("Contrast"),
    }
    return labels[formula]


def fillFormulas(comboBox: Any) -> None:
    """Offer the figures that the first column of numbers can show."""
    for formula in CNR_FORMULAS:
        comboBox.addItem(formulaLabel(formula), formula.value)


def fillRegionTable(table: Any, regions: RegionSet, selectedKey: str) -> None:
    """Show one line per region of the acquisition that is shown.

    Parameters
    ----------
    table
        A QTableWidget. Its selection signal is not emitted.
    regions
        The regions of the scene.
    selectedKey
        Key of the line to select, if it is there.
    """
    labels = [_("Name"), _("Role"), _("Shape"), _("Background"), _("Locked")]
    there = regions.regions()
    lines = [_regionTexts(region, there) for region in there]
    keys = [region.key for region in there]
    wasBlocked = table.blockSignals(True)
    _fill(table, labels, lines, keys)
    if selectedKey in keys:
        if selectedRegionKey(table) != selectedKey:
            table.selectRow(keys.index(selectedKey))
    else:
        table.clearSelection()
    table.blockSignals(wasBlocked)


def selectedRegionKey(table: Any) -> str:
    """Key of the selected line; empty where none is selected."""
    items = table.selectedItems()
    return str(items[0].data(qt.Qt.UserRole)) if items else ""


def fillMeasurementTable(table: Any, rows: Sequence[RegionRow], formula: CNRFormula) -> None:
    """Show the numbers; only cells whose text has changed are touched, so that a drag stays smooth."""
    lines = [rowTexts(row, formula) for row in rows]
    # The note is far to the right: who points at a number that is not there reads it.
    _fill(table, columnLabels(formula), lines, [row.key for row in rows], [line[-1] for line in lines])


def columnLabels(formula: CNRFormula) -> list[str]:
    """Titles of the columns; the first figure is named by its formula."""
    return [
        _("Region"), _("Image"), formula.value, f"{formula.value} +-", _("Contrast"), _("Contrast +-"), _("Mean"),
        _("SD"), _("Pixels"), _("Area (mm2)"), _("Background"), _("Note"),
    ]  # fmt: skip


def rowTexts(row: RegionRow, formula: CNRFormula) -> list[str]:
    """The texts of one line of the numbers."""
    labels: dict[ImageKind, str] = {
        ImageKind.LOW_ENERGY: _("LE"),
        ImageKind.RECOMBINED: _("clinical"),
        ImageKind.SYNTHETIC: _("SYNTHETIC"),
    }
    texts = cells(row, formula)
    texts[1] = labels[row.image]
    return texts


def fillFound(comboBox: Any, segmentations: Sequence[Any], markups: Sequence[Any]) -> None:
    """Offer what can become a region.

    Parameters
    ----------
    comboBox
        The data of an item are the ID of a node and, in a second line, of a segment.
    segmentations
        Segmentation nodes: each of their segments is offered.
    markups
        Markups nodes that are no region yet.
    """
    there = [(node.GetName(), f"{node.GetID()}\n") for node in markups]
    there += [
        (
            f"{node.GetName()} / {node.GetSegmentation().GetNthSegment(i).GetName()}",
            f"{node.GetID()}\n{node.GetSegmentation().GetNthSegmentID(i)}",
        )
        for node in segmentations
        for i in range(node.GetSegmentation().GetNumberOfSegments())
    ]
    if [(comboBox.itemText(i), comboBox.itemData(i)) for i in range(comboBox.count)] == there:
        return
    chosen = comboBox.currentData
    comboBox.clear()
    for text, data in there:
        comboBox.addItem(text, data)
    if comboBox.findData(chosen) >= 0:
        comboBox.setCurrentIndex(comboBox.findData(chosen))


def tableText(rows: Sequence[RegionRow], formula: CNRFormula) -> str:
    """The table for a spreadsheet: columns by tabulators, lines by line ends."""
    lines = [columnLabels(formula), *(rowTexts(row, formula) for row in rows)]
    return "".join("\t".join(text.replace("\t", " ") for text in line) + "\n" for line in lines)


def _regionTexts(region: RegionInfo, there: Sequence[RegionInfo]) -> list[str]:
    background = ""
    if region.role is RegionRole.LESION:
        found, why = background_of(region, there)
        background = (
            (f"{found.name}" if region.background else _("{name} (by rule)").format(name=found.name))
            if (found is not None)
            else why
        )
    locked = str(_("yes")) if region.locked else ""
    return [region.name, roleLabel(region.role), kindLabel(region.kind), background, locked]


def _fill(
    table: Any, labels: list[str], lines: Sequence[Sequence[str]], keys: Sequence[str], notes: Sequence[str] = ()
) -> None:
    grown = table.rowCount != len(lines) or table.columnCount != len(labels)
    if grown:
        table.setColumnCount(len(labels))
        table.setRowCount(len(lines))
    table.setHorizontalHeaderLabels(labels)
    for row, (texts, key) in enumerate(zip(lines, keys, strict=True)):
        for column, text in enumerate(texts):
            item = table.item(row, column)
            if item is None:
                item = qt.QTableWidgetItem(text)
                table.setItem(row, column, item)
            elif item.text() != text:
                item.setText(text)
            item.setToolTip(text or (notes[row] if notes else ""))
            item.setData(qt.Qt.UserRole, key)
    if grown:
        table.resizeColumnsToContents()
        table.horizontalHeader().setStretchLastSection(True)
