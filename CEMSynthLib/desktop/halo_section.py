"""Halo section: measure the halo, draw lines and sectors, correct the skin edge, lay a line by hand."""

from functools import partial
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.desktop.background import BackgroundWork
from CEMSynthLib.desktop.chart_view import ChartView
from CEMSynthLib.desktop.halo_tables import fillHaloTable, fillLineTable, lineColorsText, verdictText
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.halo.in_scene import HaloInScene

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
    from CEMSynthLib.scene.halo.measurement import HaloMeasurement

# A drag of the skin edge measures everything again, so it waits for the hand to rest; a drag of the line is followed.
_EDGE_RESTS_MS = 600
_LINE_MS = 50


class HaloSection(Section):
    """Connects the widgets of HaloSection.ui with the halo in the scene."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._work = BackgroundWork(self.onMeasured, self.onFailed, self.onProgress)
        self._edgeTimer = self._timer(_EDGE_RESTS_MS, self.onEdgeRests)
        self._lineTimer = self._timer(_LINE_MS, self.onLineTimeout)
        self._profile = ChartView(ui.haloPlotFrame, "CEMSynthHaloPlot")
        self._lineProfile = ChartView(ui.haloLinePlotFrame, "CEMSynthHaloLinePlot")
        self._drawn: tuple[bool, bool] | None = None
        self.halo.edge_changed, self.halo.line_changed = self.onEdgeChanged, self.onLineChanged
        ui.measureHaloButton.clicked.connect(self.onMeasureClicked)
        ui.correctEdgeButton.clicked.connect(self.onCorrectEdgeClicked)
        ui.foundEdgeButton.clicked.connect(self.onFoundEdgeClicked)
        ui.haloLineButton.clicked.connect(self.onLineClicked)
        ui.removeHaloLineButton.clicked.connect(self.onRemoveLineClicked)
        ui.haloLineWidthSpinBox.connect("valueChanged(double)", self.onLineWidthChanged)
        ui.haloProgressBar.visible = False

    @property
    def halo(self) -> HaloInScene:
        """The halo in the scene."""
        halo: HaloInScene = self.logic.halo
        return halo

    def exit(self) -> None:
        """Stop what runs."""
        self._stop()

    def onShown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Draw over the images of this acquisition, which may have to be measured for it."""
        self._stop()
        self.say("")
        self._draw()
        if volumes is not None and self._wanted() and self.halo.measured(volumes) is None:
            self._start()

    def onParameterNodeModified(self) -> None:
        """Lines or sectors were switched on or off."""
        if self.parameterNode is None or self._drawn == self._switches():
            return
        self._draw()
        shown = self.panel.shown
        if shown is not None and any(self._switches()) and self.halo.measured(shown) is None and not self._work.running:
            self._start()

    def onSceneClosed(self) -> None:
        """Forget nodes."""
        self._stop()
        self._drawn = None
        self._profile.forget()
        self._lineProfile.forget()

    def cleanup(self) -> None:
        """Let go of thread, timers and call-backs."""
        self._stop()
        self._work.cleanup()
        self.halo.edge_changed = self.halo.line_changed = None

    def onMeasureClicked(self) -> None:
        """Measure, or stop measuring."""
        if self._work.running:
            self._stop()
            self.refresh()
        else:
            self._start()

    def onProgress(self, done: int, total: int) -> None:
        """Show how far it is."""
        self.ui.haloProgressBar.setRange(0, total)
        self.ui.haloProgressBar.setValue(done)

    def onMeasured(self, measured: "HaloMeasurement") -> None:
        """Put what was measured into the scene."""
        self.halo.publish(measured)
        self._draw()
        self.refresh()

    def onFailed(self, sentence: str) -> None:
        """Say why nothing was measured."""
        self.say(sentence)
        self.refresh()

    def onCorrectEdgeClicked(self) -> None:
        """Lay out the skin edge for correction; the curve is a little smoother than the edge, so measure with it."""
        self._try(self.halo.correct_edge)
        if self.panel.shown is not None and self.halo.edge(self.panel.shown.key) is not None:
            self._start()

    def onFoundEdgeClicked(self) -> None:
        """Come back to the edge that is found."""
        if self.panel.shown is not None:
            self.halo.remove_edge(self.panel.shown.key)
            self._start()

    def onEdgeChanged(self, key: str) -> None:
        """A point of the edge was moved: measure when the hand rests."""
        if self._isShown(key):
            self._edgeTimer.start()

    def onEdgeRests(self) -> None:
        """Measure with the corrected edge."""
        if self.panel.shown is not None:
            self._start()

    def onLineClicked(self) -> None:
        """Lay a line across the edge."""
        self._try(self.halo.add_line)

    def onRemoveLineClicked(self) -> None:
        """Remove the line."""
        if self.panel.shown is not None:
            self.halo.remove_line(self.panel.shown.key)
            self.refresh()

    def onLineWidthChanged(self, width: float) -> None:
        """Another width of the band around the line."""
        if self.panel.shown is not None:
            self.halo.set_line_width(self.panel.shown.key, width)
            self._refreshLine()

    def onLineChanged(self, key: str) -> None:
        """The line is dragged: follow it at most twenty times a second."""
        if self._isShown(key) and not self._lineTimer.active:
            self._lineTimer.start()

    def onLineTimeout(self) -> None:
        """Measure along the line again."""
        self._refreshLine()

    def refresh(self) -> None:
        """Bring button, table, profile and tooltips up to date."""
        shown, running = self.panel.shown, self._work.running
        measured = self.halo.measured(shown) if shown is not None else None
        rows = self.halo.rows(shown.key) if shown is not None else []
        missing = self._missing()
        ui = self.ui
        ui.measureHaloButton.text = _("Cancel") if running else _("Measure halo")
        ui.measureHaloButton.enabled = running or not missing
        ui.measureHaloButton.toolTip = missing or (
            _("Stop measuring; what was measured before stays.")
            if running
            else _("Find the skin edge and measure the halo of clinical and synthetic image.")
        )
        ui.haloProgressBar.visible = running
        stale = bool(rows) and measured is None and not running
        ui.haloVerdictLabel.text = verdictText(rows) + (
            " " + _("Measured before images or skin edge changed, or before the scene was loaded.") if stale else ""
        )
        ui.haloVerdictLabel.visible = bool(rows)
        ui.haloTable.visible = bool(rows)
        fillHaloTable(ui.haloTable, rows)
        ui.haloLegendLabel.text = lineColorsText(measured.lines) if measured is not None else ""
        self._showLegend()
        chart = self.halo.chart(shown.key) if shown is not None else None
        self._profile.show(chart, self._moduleNode())
        first = missing or ("" if measured is not None else _("Measure the halo first."))
        hasEdge = shown is not None and self.halo.edge(shown.key) is not None
        ui.correctEdgeButton.enabled = not first and not hasEdge
        ui.correctEdgeButton.toolTip = first or (
            _("The skin edge is laid out already: drag its points.")
            if hasEdge
            else _("Lay out the skin edge as a curve; drag its points and the halo is measured again.")
        )
        ui.foundEdgeButton.enabled = hasEdge
        ui.foundEdgeButton.toolTip = (
            _("Remove the corrected skin edge and measure with the one that is found.")
            if hasEdge
            else _("The skin edge was not corrected.")
        )
        ui.haloLineButton.enabled = not first
        ui.haloLineButton.toolTip = first or _("Lay a line across the skin edge; drag its ends where you want it.")
        self._refreshLine()

    def _refreshLine(self) -> None:
        """The part about the line laid by hand."""
        shown, ui = self.panel.shown, self.ui
        line = self.halo.line(shown.key) if shown is not None else None
        found = self.halo.update_line(shown.key) if shown is not None else None
        none = "" if line is not None else _("There is no line on this acquisition.")
        for widget in (ui.removeHaloLineButton, ui.haloLineWidthSpinBox):
            widget.enabled = not none
        ui.removeHaloLineButton.toolTip = none or _("Remove the line and its profile.")
        ui.haloLineWidthSpinBox.toolTip = none or _("Width of the band around the line, over which medians are taken.")
        if line is not None:
            self._showWidth(float(line.GetAttribute(names.BAND_WIDTH) or 0.0))
        problem = found.problem if found is not None else ""
        ui.haloLineLabel.text = problem
        ui.haloLineLabel.visible = bool(problem)
        results = found.results if found is not None else {}
        ui.haloLineTable.visible = bool(results)
        fillLineTable(ui.haloLineTable, results, _("mm") if self._hasSpacing() else _("pixels"))
        chart = self.halo.chart(shown.key, line=True) if shown is not None and line is not None else None
        self._lineProfile.show(chart, self._moduleNode())

    def _showWidth(self, width: float) -> None:
        """The width of the band. A box that shows it already is left alone: its number is perhaps being typed."""
        box, suffix = self.ui.haloLineWidthSpinBox, _(" mm") if self._hasSpacing() else _(" pixels")
        wasBlocked = box.blockSignals(True)
        if box.suffix != suffix:
            box.suffix = suffix
        if box.value != width:
            box.setValue(width)
        box.blockSignals(wasBlocked)

    def _start(self) -> None:
        """Measure the shown acquisition in the background."""
        # Imported here: scipy's transforms take half a second that opening the module must not.
        from CEMSynthLib.scene.halo.measurement import measure

        self._stop()
        self.say("")
        if self.panel.shown is None or self._missing():
            self.refresh()
            return
        try:
            given = self.halo.prepare(self.panel.shown)
        except CEMSynthError as error:
            self.say(str(error))
        else:
            self.onProgress(0, 1)
            self._work.start(partial(measure, given))
        self.refresh()

    def _stop(self) -> None:
        self._work.cancel()
        self._edgeTimer.stop()
        self._lineTimer.stop()

    def _draw(self) -> None:
        self._drawn = self._switches()
        self.halo.show(self.panel.shown, *self._drawn)
        self._showLegend()

    def _showLegend(self) -> None:
        """The colors of the lines, while these are drawn."""
        self.ui.haloLegendLabel.visible = bool(self.ui.haloLegendLabel.text) and self._switches()[0]

    def _try(self, action: Any) -> None:
        if self.panel.shown is None:
            return
        self.say("")
        try:
            action(self.panel.shown)
        except CEMSynthError as error:
            self.say(str(error))
        self.refresh()

    def _switches(self) -> tuple[bool, bool]:
        node = self.parameterNode
        return (False, False) if node is None else (bool(node.haloLines), bool(node.haloSectors))

    def _wanted(self) -> bool:
        """Whether something is shown that needs the measurement."""
        key = self.panel.shown.key if self.panel.shown is not None else ""
        return any(self._switches()) or self.halo.line(key) is not None or self.halo.edge(key) is not None

    def _missing(self) -> str:
        shown = self.panel.shown
        if shown is None:
            return str(_("Open a study and select an acquisition first."))
        if shown.low_energy is None:
            return str(_("Needs the low-energy image, in which skin, nipple and pectoral muscle are found."))
        if shown.recombined is None and shown.synthetic is None:
            return str(_("Needs a clinical or a synthetic iodine image."))
        return ""

    def _isShown(self, key: str) -> bool:
        return self.panel.shown is not None and self.panel.shown.key == key

    def _hasSpacing(self) -> bool:
        low = self.panel.shown.low_energy if self.panel.shown is not None else None
        return low is not None and low.GetAttribute(names.SPACING_KNOWN) == "yes"

    def _moduleNode(self) -> Any:
        return self.parameterNode.parameterNode if self.parameterNode is not None else None

    def _timer(self, milliseconds: int, slot: Any) -> Any:
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.connect("timeout()", slot)
        return timer
