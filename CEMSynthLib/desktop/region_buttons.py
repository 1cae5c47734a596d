"""Region buttons: which of them can be pressed, and what is missing for the others."""

from typing import Any

from slicer.i18n import tr as _

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet


def updateButtons(ui: Any, regions: RegionSet, selectedKey: str, drawing: bool) -> None:
    """Enable the buttons of the section, or say in their tooltip what is missing.

    Parameters
    ----------
    ui
        The child widgets by name.
    regions
        The regions of the scene.
    selectedKey
        Key of the region that is selected in the list; empty if none.
    drawing
        Whether a line is to be drawn by hand.
    """
    there = regions.regions()
    selected = next((region for region in there if region.key == selectedKey), None)
    lesion = selected is not None and selected.role is RegionRole.LESION and selected.shape is not None
    nothing = "" if regions.acquisition else _("Show an acquisition first (section Study).")
    unselected = "" if selected is not None else _("Select a region in the list first.")
    anything = bool(there)
    for button, missing, toolTip in (
        (ui.rectangleButton, nothing, _("Draw a rectangle with two clicks.")),
        (ui.ellipseButton, nothing, _("Draw an ellipse with two clicks on the corners of its box.")),
        (ui.freehandButton, nothing, _("Draw a line: press the left button, drag, release.")),
        (
            ui.ringButton,
            "" if lesion else _("Select a lesion in the list first; a segment has no line to follow."),
            _("Make a background ring that follows the selected lesion."),
        ),
        (
            ui.segmentButton,
            nothing
            or ("" if ui.segmentComboBox.count else _("Nothing was painted in Segment Editor or drawn in Markups.")),
            _("Use this segment, or this ROI or closed curve of the module Markups, as a region."),
        ),
        (ui.deleteRegionButton, unselected, _("Delete the selected region; Undo brings it back.")),
        (ui.undoRegionButton, "" if regions.can_undo else _("There is nothing to undo."), _("Undo.")),
        (ui.redoRegionButton, "" if regions.can_redo else _("There is nothing to redo."), _("Redo.")),
        (
            ui.copyTableButton,
            "" if anything else _("Draw a region first."),
            _("Copy the table for a spreadsheet."),
        ),
        (
            ui.saveTableButton,
            "" if anything else _("Draw a region first."),
            _("Save the numbers as CSV, with the columns of cemsynth measure."),
        ),
        (
            ui.importRegionsButton,
            nothing,
            _("Draw the regions of a folder of markups files; its regions.json says on which images."),
        ),
        (
            ui.saveRegionsButton,
            "" if regions.all_regions() else _("Draw a region first."),
            _("Save the regions of all acquisitions for cemsynth measure --regions; nothing is overwritten."),
        ),
    ):
        button.enabled = not missing
        button.toolTip = missing or toolTip
    placed = next((r.kind for r in regions.all_regions() if r.key == regions.placing), None)
    ui.rectangleButton.checked = placed is RegionKind.RECTANGLE
    ui.ellipseButton.checked = placed is RegionKind.ELLIPSE
    ui.freehandButton.checked = drawing
    ui.regionsVisibleCheckBox.checked = regions.visible
    ui.regionsNamedCheckBox.checked = regions.named
