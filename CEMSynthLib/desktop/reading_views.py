"""Reading views: Slicer's slice views for the reading room."""

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer

from CEMSynthLib.scene.reading.desk import ReadingDesk
from CEMSynthLib.scene.reading.layout import ReadingView, is_reading_layout, show_reading_layout
from CEMSynthLib.scene.reading.room import ReadingRoom


class SlicerReadingViews:
    """A `CEMSynthLib.scene.reading.room.ReadingHost`; without a main window there are no views."""

    def __init__(self) -> None:
        self._layoutBefore: int | None = None

    def show_layout(self, rows: Sequence[Sequence[ReadingView]]) -> None:
        """Make these slice views appear."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        before = show_reading_layout(manager.layoutLogic().GetLayoutNode(), rows)
        if before is not None:
            self._layoutBefore = before

    def restore_layout(self) -> None:
        """Come back to the layout that was there before."""
        manager = slicer.app.layoutManager()
        if manager is not None and self._layoutBefore is not None:
            node = manager.layoutLogic().GetLayoutNode()
            if is_reading_layout(node.GetViewArrangement()):
                node.SetViewArrangement(self._layoutBefore)
        self._layoutBefore = None

    def slice_logic(self, tag: str) -> Any:
        """The slice logic of a view."""
        widget = self._widget(tag)
        return widget.sliceLogic() if widget is not None else None

    def renderer(self, tag: str) -> Any:
        """The renderer of a view."""
        widget = self._widget(tag)
        return widget.sliceView().renderWindow().GetRenderers().GetFirstRenderer() if widget is not None else None

    def request_render(self, tag: str) -> None:
        """Render a view soon."""
        widget = self._widget(tag)
        if widget is not None:
            widget.sliceView().scheduleRender()

    def settle(self) -> None:
        """New slice views get their size when events are processed."""
        if slicer.app.layoutManager() is not None:
            slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)

    def _widget(self, tag: str) -> Any:
        manager = slicer.app.layoutManager()
        return manager.sliceWidget(tag) if manager is not None else None


def readingDesk() -> ReadingDesk:
    """A desk in the views of the running Slicer."""

    def makeRoom(marksChanged: Callable[[], None]) -> ReadingRoom:
        return ReadingRoom(slicer.mrmlScene, SlicerReadingViews(), marksChanged)

    return ReadingDesk(makeRoom)
