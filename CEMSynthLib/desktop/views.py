"""Views: the slice views of the running Slicer, as the comparison of `CEMSynthLib.scene` needs them."""

from functools import partial
from typing import Any

import qt
import slicer

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.hanging import load_hanging
from CEMSynthLib.scene.label import SyntheticLabel
from CEMSynthLib.scene.layout import Layout, layout_of, register_layout, show_layout
from CEMSynthLib.scene.study import StudyInScene


class SlicerViews:
    """What Slicer's layout manager does for a comparison; nothing where there is no main window."""

    def __init__(self) -> None:
        #: The layout that was there before ours.
        self.layoutBefore: int | None = None

    def slice_logic(self, tag: str) -> Any:
        """The slice logic of a view; ``None`` while there is no such view."""
        manager = slicer.app.layoutManager()
        widget = manager.sliceWidget(tag) if manager is not None else None
        return widget.sliceLogic() if widget is not None else None

    def show_layout(self, layout: Layout) -> None:
        """Make the views of a layout appear."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        before = show_layout(manager.layoutLogic().GetLayoutNode(), layout)
        if before is not None:
            self.layoutBefore = before

    def settle(self) -> None:
        """Wait until the views have their final size: they get it when events are processed."""
        if slicer.app.layoutManager() is not None:
            slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)


class DesktopViews:
    """The comparison in the slice views of Slicer, and labels in all of them.

    Parameters
    ----------
    study
        Gives the acquisitions that hang together.
    """

    def __init__(self, study: StudyInScene) -> None:
        self._views = SlicerViews()
        self.comparison = Comparison(slicer.mrmlScene, self._views, partial(load_hanging, study))
        self._connected = False
        manager = slicer.app.layoutManager()
        if manager is not None:
            # Known from the start, so that a saved scene with one of these layouts finds it.
            register_layout(manager.layoutLogic().GetLayoutNode())
            manager.layoutChanged.connect(self.updateLabels)
            self._connected = True
            self.updateLabels()

    def show(self, volumes: AcquisitionVolumes) -> None:
        """Compare the images of an acquisition, in place of the one before."""
        self.comparison.show(volumes)
        self.updateLabels()

    def restoreLayout(self) -> None:
        """Come back to the layout that was there before, unless the user has chosen another one meanwhile."""
        manager = slicer.app.layoutManager()
        if manager is not None and self._views.layoutBefore is not None:
            node = manager.layoutLogic().GetLayoutNode()
            if layout_of(node.GetViewArrangement()) is not None:
                node.SetViewArrangement(self._views.layoutBefore)
        self._views.layoutBefore = None

    def updateLabels(self, layout: int | None = None) -> None:
        """Draw labels into every slice view that Slicer has now; other marks only into those of CEMSynth.

        Parameters
        ----------
        layout
            What the signal ``layoutChanged(int)`` brings; not needed.
        """
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        names = list(manager.sliceViewNames())
        for name in set(self.comparison.overlays()) - set(names):
            self.comparison.detach(name)
        for name in names:
            widget = manager.sliceWidget(name)
            renderer = widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer()
            logic = widget.sliceLogic()
            if renderer is not None and logic.GetSliceCompositeNode() is not None:
                self.comparison.attach(name, logic, renderer, partial(_render, name))

    def labels(self) -> dict[str, SyntheticLabel]:
        """The labels by name of their slice view."""
        return {name: overlay.label for name, overlay in self.comparison.overlays().items()}

    def forget(self) -> None:
        """Let go of the shown volumes: the scene closes."""
        self.comparison.forget()

    def cleanup(self) -> None:
        """Let go of everything; called when the module is reloaded or Slicer closes."""
        self.comparison.release()
        manager = slicer.app.layoutManager()
        if manager is not None and self._connected:
            manager.layoutChanged.disconnect(self.updateLabels)
        self._connected = False


def _render(name: str) -> None:
    """Render a slice view, found by name: views can be gone by the time they are asked."""
    manager = slicer.app.layoutManager()
    widget = manager.sliceWidget(name) if manager is not None else None
    if widget is not None:
        widget.sliceView().scheduleRender()
