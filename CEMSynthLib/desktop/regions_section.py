"""Regions section: draw lesion and background regions once, see their numbers on all images of the acquisition."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.chart_view import ChartView
from CEMSynthLib.desktop.dialogs import fileToSave
from CEMSynthLib.desktop.region_buttons import updateButtons
from CEMSynthLib.desktop.region_drawing import FreehandViews
from CEMSynthLib.desktop.region_editor import RegionEditor
from CEMSynthLib.desktop.region_files import importRegions, saveRegions, saveTable
from CEMSynthLib.desktop.region_tables import (
    fillFormulas,
    fillFound,
    fillMeasurementTable,
    fillRegionTable,
    formulaLabel,
    selectedRegionKey,
    tableText,
)
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Points
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.regions.info import COLORS, RegionKind
from CEMSynthLib.scene.regions.nodes import adoptable
from CEMSynthLib.scene.regions.region_set import RING_MM, RING_PIXELS, RegionSet
from CEMSynthLib.scene.regions.segments import segmentations_in
from CEMSynthLib.scene.regions.table import write_chart, write_table

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

#: Moves of the mouse within this time are answered once.
COALESCE_MS = 50
#: Uncertainties are computed when nothing has changed for so long, one at a time.
REST_MS = 250
NEXT_MS = 10
FOLDER_SETTING = "CEMSynth/RegionsFolder"


class RegionsSection(Section):
    """Connects the widgets of RegionsSection.ui with the `RegionSet` of the scene, ``logic.regions``."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._published: list[Any] = []
        self._freehand = FreehandViews(self.onFreehandDrawn)
        self._changedTimer = self._timer(COALESCE_MS, self.onChangedTimeout)
        self._restTimer = self._timer(REST_MS, self.onRestTimeout)
        self._editor = RegionEditor(ui, self.regions, self._change)
        self._chart = ChartView(ui.regionPlotFrame, "CEMSynthRegionPlot")
        self.regions.changed = self.onRegionsChanged
        ui.regionRoleComboBox.addItem(_("Lesion"), RegionRole.LESION.value)
        ui.regionRoleComboBox.addItem(_("Background"), RegionRole.BACKGROUND.value)
        fillFormulas(ui.cnrFormulaComboBox)
        ui.regionPlotComboBox.addItem(_("No plot"), "")
        for formula in CNRFormula:
            ui.regionPlotComboBox.addItem(formulaLabel(formula), formula.value)
        for button, slot in (
            (ui.rectangleButton, self.onRectangleClicked),
            (ui.ellipseButton, self.onEllipseClicked),
            (ui.freehandButton, self.onFreehandClicked),
            (ui.ringButton, self.onRingClicked),
            (ui.segmentButton, self.onSegmentClicked),
            (ui.deleteRegionButton, self.onDeleteClicked),
            (ui.undoRegionButton, self.onUndoClicked),
            (ui.redoRegionButton, self.onRedoClicked),
            (ui.regionsVisibleCheckBox, self.onVisibleClicked),
            (ui.regionsNamedCheckBox, self.onNamedClicked),
            (ui.copyTableButton, self.onCopyClicked),
            (ui.saveTableButton, self.onSaveTableClicked),
            (ui.importRegionsButton, self.onImportClicked),
            (ui.saveRegionsButton, self.onSaveRegionsClicked),
        ):
            button.connect("clicked()", slot)
        ui.regionTable.itemSelectionChanged.connect(self.onRegionSelected)
        ui.regionRoleComboBox.connect("activated(int)", self.onRoleActivated)
        ui.cnrFormulaComboBox.connect("activated(int)", self.onFormulaActivated)
        ui.regionPlotComboBox.connect("activated(int)", self.onPlotActivated)

    @property
    def regions(self) -> RegionSet:
        """The regions of the scene."""
        regions: RegionSet = self.logic.regions
        return regions

    @property
    def formula(self) -> CNRFormula:
        """The figure of the first column of numbers."""
        return CNRFormula(self.ui.cnrFormulaComboBox.currentData)

    # What happens to the module

    def exit(self) -> None:
        """Give the mouse back."""
        self._stopDrawing()

    def onParameterNodeModified(self) -> None:
        """The scene says which figure is shown."""
        if self.parameterNode is None:
            return
        index = self.ui.cnrFormulaComboBox.findData(self.parameterNode.cnrFormula)
        if index >= 0 and index != self.ui.cnrFormulaComboBox.currentIndex:
            self.ui.cnrFormulaComboBox.setCurrentIndex(index)
            self.refresh()

    def onShown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Measure on the images of another acquisition."""
        self._stopDrawing()
        self._published = []
        known = volumes is not None and all(
            node.GetAttribute(names.SPACING_KNOWN) == "yes" for node in volumes.nodes if node is not None
        )
        for box, millimeters, pixels in zip(
            (self.ui.ringGapSpinBox, self.ui.ringWidthSpinBox), RING_MM, RING_PIXELS, strict=True
        ):
            suffix = _(" mm") if known else _(" pixels")
            if box.suffix != suffix:
                box.suffix = suffix
                box.value = millimeters if known else pixels
        self.regions.show(volumes)

    def onSceneClosed(self) -> None:
        """Forget nodes."""
        self._stopDrawing()
        self._changedTimer.stop()
        self._restTimer.stop()
        self._published = []
        self._chart.forget()

    def cleanup(self) -> None:
        """Let go of timers, views and call-backs."""
        self._stopDrawing()
        self._changedTimer.stop()
        self._restTimer.stop()
        self.regions.changed = None

    def refresh(self) -> None:
        """Show tables and buttons as the regions are now."""
        fillFound(self.ui.segmentComboBox, segmentations_in(slicer.mrmlScene), adoptable(slicer.mrmlScene))
        fillRegionTable(self.ui.regionTable, self.regions, self.regions.selected)
        self._editor.show(self.regions.selected)
        updateButtons(self.ui, self.regions, self.regions.selected, self._freehand.active)
        self._showNumbers()

    # Following

    def onRegionsChanged(self) -> None:
        """A region, an image or the scene changed; it comes for each move of the mouse."""
        # Not restarted: a drag that never rests would never be followed.
        if not self._changedTimer.isActive():
            self._changedTimer.start()

    def onChangedTimeout(self) -> None:
        """Follow what happened in the last 50 ms."""
        self.regions.recompute()
        if self.regions.dragging:
            self._showNumbers()
        else:
            self.refresh()
        self._restTimer.setInterval(REST_MS)
        self._restTimer.start()

    def onRestTimeout(self) -> None:
        """Compute one uncertainty; between two of them the window answers."""
        if self.regions.dragging or self.regions.placing:
            return
        if self.regions.add_uncertainty():
            self._showNumbers()
            self._restTimer.setInterval(NEXT_MS)
            self._restTimer.start()
        else:
            self._publish()

    # Drawing

    def onRoleActivated(self, index: int) -> None:
        """Another role was chosen; what is being drawn begins again with it."""
        for button, draw in (
            (self.ui.rectangleButton, self.onRectangleClicked),
            (self.ui.ellipseButton, self.onEllipseClicked),
            (self.ui.freehandButton, self.onFreehandClicked),
        ):
            if button.checked:
                draw()
                break

    def onRectangleClicked(self) -> None:
        """Place a rectangle, or give up."""
        self._place(RegionKind.RECTANGLE, self.ui.rectangleButton)

    def onEllipseClicked(self) -> None:
        """Place an ellipse, or give up."""
        self._place(RegionKind.ELLIPSE, self.ui.ellipseButton)

    def onFreehandClicked(self) -> None:
        """Draw a line by hand, or give up."""
        wanted = self.ui.freehandButton.checked
        self._stopDrawing()
        if wanted:
            if self._freehand.start(self.regions.acquisition, COLORS[self._role()]):
                self.say(_("Press the left button in a slice view, draw around the region, and release it."))
            else:
                self.say(_("No slice view shows this acquisition; press Show in the section Compare."))
        updateButtons(self.ui, self.regions, self.regions.selected, self._freehand.active)

    def onFreehandDrawn(self, points: Points) -> None:
        """A line was drawn."""
        self._freehand.stop()
        self._change(lambda: self.regions.add_curve(self._role(), points))

    def onRingClicked(self) -> None:
        """Make a ring around the selected lesion."""
        gap, width = self.ui.ringGapSpinBox.value, self.ui.ringWidthSpinBox.value
        self._change(lambda: self.regions.add_ring(self.regions.selected, gap, width))

    def onSegmentClicked(self) -> None:
        """Make the chosen segment or markup a region."""
        nodeID, _separator, segmentID = str(self.ui.segmentComboBox.currentData or "").partition("\n")
        node = slicer.mrmlScene.GetNodeByID(nodeID)
        if node is not None and segmentID:
            self._change(lambda: self.regions.add_segment(node, segmentID, self._role()))
        elif node is not None:
            self._change(lambda: self.regions.adopt(node, self._role()))

    # Changing

    def onRegionSelected(self) -> None:
        """Another line of the list was selected."""
        self.regions.select(selectedRegionKey(self.ui.regionTable))
        self._editor.show(self.regions.selected)
        updateButtons(self.ui, self.regions, self.regions.selected, self._freehand.active)

    def onDeleteClicked(self) -> None:
        """Delete the selected region; undo brings it back."""
        self._change(lambda: self.regions.delete(self.regions.selected))

    def onVisibleClicked(self) -> None:
        """Show the regions, or what lies under them."""
        self.regions.set_visible(self.ui.regionsVisibleCheckBox.checked)

    def onNamedClicked(self) -> None:
        """Write the names beside the regions, or not."""
        self.regions.set_named(self.ui.regionsNamedCheckBox.checked)

    def onUndoClicked(self) -> None:
        """Take the last change back."""
        self._change(self.regions.undo)

    def onRedoClicked(self) -> None:
        """Do again what was taken back."""
        self._change(self.regions.redo)

    # Numbers

    def onFormulaActivated(self, index: int) -> None:
        """Another figure is to be shown; the scene keeps which."""
        if self.parameterNode is not None:
            self.parameterNode.cnrFormula = self.formula.value
        self._published = []
        self._showNumbers()
        self._publish()

    def onPlotActivated(self, index: int) -> None:
        """Another plot, or none."""
        self._published = []
        self._publish()

    def onCopyClicked(self) -> None:
        """Copy the table."""
        slicer.app.clipboard().setText(tableText(self.regions.finish(), self.formula))
        self.say(_("The table is in the clipboard; paste it into a spreadsheet."))

    def onSaveTableClicked(self) -> None:
        """Save the numbers as CSV."""
        shown, proposed = self.panel.shown, str(Path(self._folder()) / "regions.csv")

        def save() -> str:
            path = fileToSave(_("Save the table"), proposed, _("Table (*.csv)"), ".csv")
            if path is None or shown is None:
                return ""
            self._remember(path.parent)
            return self._saved(path, shown)

        self._tell(save)

    def onImportClicked(self) -> None:
        """Draw the regions of a folder of markups files."""
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Folder of regions (markups files)"), self._folder()
        )
        if folder:
            self._remember(Path(folder))
            self._tell(lambda: self._imported(Path(folder)))

    def onSaveRegionsClicked(self) -> None:
        """Save the regions of all acquisitions as markups files."""
        folder = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Empty folder for the regions"), self._folder()
        )
        if folder:
            self._remember(Path(folder))
            self._tell(lambda: self._savedRegions(Path(folder)))

    # Inside

    def _timer(self, interval: int, slot: Callable[[], None]) -> Any:
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.connect("timeout()", slot)
        return timer

    def _role(self) -> RegionRole:
        return RegionRole(self.ui.regionRoleComboBox.currentData)

    def _place(self, kind: RegionKind, button: Any) -> None:
        wanted = button.checked
        self._stopDrawing()
        if wanted:
            self._tell(lambda: self._placing(kind))
        else:
            self.refresh()

    def _placing(self, kind: RegionKind) -> str:
        self.regions.place(self._role(), kind)
        return str(_("Click two opposite corners in a slice view; press the button again to give up."))

    def _stopDrawing(self) -> None:
        if self._freehand.active or self.regions.placing:
            self._freehand.stop()
            self.regions.cancel_placing()
            self.say("")

    def _change(self, work: Callable[[], object]) -> None:
        """Do something to the regions and show what came of it."""

        def done() -> str:
            work()
            return ""

        self._tell(done)

    def _tell(self, work: Callable[[], str]) -> None:
        """Do something and say how it went."""
        try:
            sentence = work()
        except CEMSynthError as error:
            sentence = str(error)
        self.say(sentence)
        self.refresh()

    def _saved(self, path: Path, shown: "AcquisitionVolumes") -> str:
        saveTable(self.logic, self.regions.finish(), shown, path)
        return str(_("The table was saved as {name}.").format(name=path.name))

    def _imported(self, folder: Path) -> str:
        count, leftOut = importRegions(self.logic, [folder])
        return " ".join([_("{count} regions were drawn.").format(count=count), *leftOut])

    def _savedRegions(self, folder: Path) -> str:
        count, leftOut = saveRegions(self.logic, self.regions.all_regions(), folder)
        return " ".join([_("{count} regions were saved in {name}.").format(count=count, name=folder.name), *leftOut])

    def _folder(self) -> str:
        return str(slicer.util.settingsValue(FOLDER_SETTING, "", converter=str))

    def _remember(self, folder: Path) -> None:
        qt.QSettings().setValue(FOLDER_SETTING, str(folder))

    def _showNumbers(self) -> None:
        fillMeasurementTable(self.ui.measurementTable, self.regions.rows(), self.formula)

    def _publish(self) -> None:
        """Put the rows into the table node and the plot, now that they are complete."""
        shown, rows = self.panel.shown, self.regions.rows()
        plotted = str(self.ui.regionPlotComboBox.currentData or "")
        if shown is None or not (rows or self._published):
            self._chart.show(None, None)
            return
        content = [shown.key, self.formula, plotted, rows]
        if content == self._published:
            return
        self._published = content
        write_table(slicer.mrmlScene, shown.key, shown.name, rows, self.formula)
        chart = write_chart(slicer.mrmlScene, shown.key, shown.name, rows, CNRFormula(plotted)) if plotted else None
        self._chart.show(chart, self.parameterNode.parameterNode if self.parameterNode is not None else None)
