"""Views: the slice views of the running Slicer, for the functions of `CEMSynthLib.scene` that compare images."""

from functools import partial
from typing import Any

import qt
import slicer

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.compare import fit_views, link_views, show_acquisition
from CEMSynthLib.scene.label import SyntheticLabel
from CEMSynthLib.scene.layout import LAYOUT_ID, VIEW_TAGS, register_layout, show_layout
from CEMSynthLib.scene.shared_window import SharedWindow


class DesktopViews:
    """Layout, linked views, shared window and labels. Without a main window there are no views, and nothing is done."""

    def __init__(self) -> None:
        self._labels: dict[str, SyntheticLabel] = {}
        self._window: SharedWindow | None = None
        self._layoutBefore: int | None = None
        self._connected = False
        manager = slicer.app.layoutManager()
        if manager is not None:
            # Known from the start, so that a saved scene with this layout finds it.
            register_layout(manager.layoutLogic().GetLayoutNode())
            manager.layoutChanged.connect(self.updateLabels)
            self._connected = True
            self.updateLabels()

    def show(self, volumes: AcquisitionVolumes, linked: bool = True) -> bool:
        """Show an acquisition side by side, in place of the one before.

        Returns
        -------
        bool
            False where there are no views.
        """
        self.releaseWindow()
        if volumes.recombined is not None and volumes.synthetic is not None:
            self._window = SharedWindow(volumes.recombined, volumes.synthetic)
        manager = slicer.app.layoutManager()
        if manager is None:
            return False
        before = show_layout(manager.layoutLogic().GetLayoutNode())
        if before is not None:
            self._layoutBefore = before
        show_acquisition(self._sliceLogics(), volumes)
        self.setLinked(linked)
        self.updateLabels()
        # New slice views get their size when events are processed; fitted before that, they would be fitted wrong.
        slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)
        fit_views(self._sliceLogics())
        return True

    def setLinked(self, linked: bool) -> None:
        """Link zoom and pan of the three views, or let each go its own way."""
        link_views(self._sliceLogics(), linked)

    def fit(self) -> None:
        """Fit the images into the views."""
        fit_views(self._sliceLogics())

    def resetWindow(self) -> None:
        """Come back to the VOI window of the clinical image, for it and the synthetic one."""
        if self._window is not None:
            self._window.reset()

    def releaseWindow(self) -> None:
        """Stop sharing a window between two images."""
        if self._window is not None:
            self._window.release()
            self._window = None

    def restoreLayout(self) -> None:
        """Come back to the layout that was there before, unless the user has chosen another one meanwhile."""
        manager = slicer.app.layoutManager()
        if manager is not None and self._layoutBefore is not None:
            node = manager.layoutLogic().GetLayoutNode()
            if node.GetViewArrangement() == LAYOUT_ID:
                node.SetViewArrangement(self._layoutBefore)
        self._layoutBefore = None

    def updateLabels(self, layout: int | None = None) -> None:
        """Give every slice view that Slicer has now the label that it shows with a synthetic image.

        Parameters
        ----------
        layout
            What the signal ``layoutChanged(int)`` brings; not needed.
        """
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        self._removeLabels()
        for name in manager.sliceViewNames():
            widget = manager.sliceWidget(name)
            renderer = widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()
            composite = widget.sliceLogic().GetSliceCompositeNode()
            if renderer is not None and composite is not None:
                self._labels[name] = SyntheticLabel(composite, renderer, partial(_render, name))

    def labels(self) -> dict[str, SyntheticLabel]:
        """The labels by name of their slice view."""
        return dict(self._labels)

    def cleanup(self) -> None:
        """Let go of everything; called when the module is reloaded or Slicer closes."""
        self.releaseWindow()
        manager = slicer.app.layoutManager()
        if manager is not None and self._connected:
            manager.layoutChanged.disconnect(self.updateLabels)
            self._removeLabels()
        self._connected = False

    def _removeLabels(self) -> None:
        for label in self._labels.values():
            label.release()
        self._labels.clear()

    def _sliceLogics(self) -> dict[str, Any]:
        manager = slicer.app.layoutManager()
        if manager is None:
            return {}
        widgets = {tag: manager.sliceWidget(tag) for tag in VIEW_TAGS.values()}
        return {tag: widget.sliceLogic() for tag, widget in widgets.items() if widget is not None}


def _render(name: str) -> None:
    """Render a slice view, found by name: views can be gone by the time they are asked."""
    manager = slicer.app.layoutManager()
    widget = manager.sliceWidget(name) if manager is not None else None
    if widget is not None:
        widget.sliceView().scheduleRender()
