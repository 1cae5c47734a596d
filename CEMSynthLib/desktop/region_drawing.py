"""Region drawing: freehand in every slice view that shows the acquisition, until one line is drawn."""

from collections.abc import Callable
from functools import partial

import slicer

from CEMSynthLib.measurement.shapes import Points
from CEMSynthLib.scene.regions.freehand import Freehand
from CEMSynthLib.scene.regions.info import Color
from CEMSynthLib.scene.regions.views import shown_acquisition


class FreehandViews:
    """The left button of the slice views draws a line while this is on.

    Parameters
    ----------
    drawn
        Called with the control points in scene units.
    """

    def __init__(self, drawn: Callable[[Points], None]) -> None:
        self._drawn = drawn
        self._views: list[Freehand] = []

    @property
    def active(self) -> bool:
        """Whether a line can be drawn."""
        return bool(self._views)

    def start(self, acquisition: str, color: Color) -> bool:
        """Take the left button in the views that show an acquisition.

        Returns
        -------
        bool
            False where there is no such view.
        """
        self.stop()
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames() if manager is not None else []:
            widget = manager.sliceWidget(name)
            logic = widget.sliceLogic()
            if shown_acquisition(logic.GetSliceCompositeNode()) != acquisition:
                continue
            window = widget.sliceView().renderWindow()
            renderer = window.GetRenderers().GetFirstRenderer()
            view = Freehand(
                window.GetInteractor(), logic.GetSliceNode(), renderer, partial(_render, name), self.onDrawn, color
            )
            self._views.append(view)
        return self.active

    def stop(self) -> None:
        """Give the left button back."""
        for view in self._views:
            view.release()
        self._views = []

    def onDrawn(self, points: Points) -> None:
        """A line was drawn."""
        self._drawn(points)


def _render(name: str) -> None:
    """Render a slice view, found by name: views can be gone by the time they are asked."""
    manager = slicer.app.layoutManager()
    widget = manager.sliceWidget(name) if manager is not None else None
    if widget is not None:
        widget.sliceView().scheduleRender()
