"""Tables: the acquisitions that were found, and the files that were not used."""

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.scene.study import AcquisitionRow
from CEMSynthLib.study.model import FileReason, ImageKind


def kindLabel(kind: ImageKind) -> str:
    """The word that readers know an image by."""
    labels: dict[ImageKind, str] = {
        ImageKind.LOW_ENERGY: _("LE"),
        ImageKind.HIGH_ENERGY: _("HE"),
        ImageKind.RECOMBINED: _("clinical"),
        ImageKind.SYNTHETIC: _("SYNTHETIC"),
    }
    return labels[kind]


def fillAcquisitionTable(table: Any, rows: Sequence[AcquisitionRow]) -> None:
    """Show one line per acquisition.

    Parameters
    ----------
    table
        A QTableWidget. Its selection signal is not emitted.
    rows
        The acquisitions.
    """
    labels = [_("Patient"), _("View"), _("Images"), _("Matrix"), _("Spacing (mm)"), _("Warnings")]
    wasBlocked = table.blockSignals(True)
    _prepare(table, labels, len(rows))
    for index, row in enumerate(rows):
        spacing = "-" if row.spacing_mm is None else " x ".join(f"{value:g}" for value in row.spacing_mm)
        texts = [
            row.patient_id,
            row.name,
            ", ".join(kindLabel(kind) for kind in row.kinds),
            f"{row.shape[0]} x {row.shape[1]}",
            spacing,
            " ".join(row.warnings),
        ]
        for column, text in enumerate(texts):
            item = _item(text, "\n".join(row.warnings) if column == len(texts) - 1 else text)
            item.setData(qt.Qt.UserRole, row.key)
            table.setItem(index, column, item)
    _fitColumns(table)
    table.blockSignals(wasBlocked)


def selectAcquisition(table: Any, key: str) -> None:
    """Select the line of an acquisition, none where it is not there; the selection signal is not emitted."""
    if selectedAcquisitionKey(table) == key:
        return
    wasBlocked = table.blockSignals(True)
    table.clearSelection()
    for index in range(table.rowCount):
        if table.item(index, 0).data(qt.Qt.UserRole) == key:
            table.selectRow(index)
    table.blockSignals(wasBlocked)


def selectedAcquisitionKey(table: Any) -> str:
    """Key of the selected line; empty where none is selected."""
    items = table.selectedItems()
    return str(items[0].data(qt.Qt.UserRole)) if items else ""


def fillReasonTable(table: Any, reasons: Sequence[FileReason], label: str) -> None:
    """Show one line per file and sentence.

    Parameters
    ----------
    table
        A QTableWidget.
    reasons
        The files, and why they were not used or how they were read.
    label
        Head of the column of sentences.
    """
    _prepare(table, [_("File"), label], len(reasons))
    for index, entry in enumerate(reasons):
        table.setItem(index, 0, _item(entry.path.name, str(entry.path)))
        table.setItem(index, 1, _item(entry.reason, entry.reason))
    _fitColumns(table)


def _prepare(table: Any, labels: list[str], count: int) -> None:
    table.setRowCount(0)
    table.setColumnCount(len(labels))
    table.setHorizontalHeaderLabels(labels)
    table.setRowCount(count)


def _item(text: str, toolTip: str) -> Any:
    item = qt.QTableWidgetItem(text)
    item.setToolTip(toolTip)
    return item


def _fitColumns(table: Any) -> None:
    table.resizeColumnsToContents()
    table.horizontalHeader().setStretchLastSection(True)
