"""Mouse: what dragging and turning the wheel does in a slice view, on top of Slicer's own events.

Slicer itself pans with the middle button or shift and the left one, and zooms with the right one. Here the left button
does what the user chose, and the wheel zooms: in an image of one slice there is no other slice to go to.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from CEMSynthLib.scene.observing import Observations

_STEP = 1.2
# Called before Slicer's own observers, so that an event that was used can be kept from them.
_FIRST = 100.0


class Tool(Enum):
    """What dragging with the left button does; regions can be dragged with each of them."""

    WINDOW = "window"
    PAN = "pan"
    ZOOM = "zoom"


class ViewMouse:
    """The mouse in one slice view.

    Parameters
    ----------
    view
        The trame-slicer view.
    tool
        Asked whenever a button goes down.
    touched
        Called when the user zooms or pans, so that the view is not fitted again by itself.
    window_drag
        Told when dragging the window begins and ends.
    """

    def __init__(
        self, view: Any, tool: Callable[[], Tool], touched: Callable[[], None], window_drag: Callable[[bool], None]
    ) -> None:
        self._interactor = view.interactor()
        self._logic = view._logic
        self._tool = tool
        self._touched = touched
        self._window_drag = window_drag
        self._substituted = ""
        self._observations = Observations()
        self._tags = {
            event: self._observations.add(self._interactor, event, method, _FIRST)
            for event, method in (
                ("MouseWheelForwardEvent", self._wheel_forward),
                ("MouseWheelBackwardEvent", self._wheel_backward),
                ("LeftButtonPressEvent", self._left_press),
                ("LeftButtonReleaseEvent", self._left_release),
                ("MiddleButtonPressEvent", self._other_press),
                ("RightButtonPressEvent", self._other_press),
            )
        }

    def release(self) -> None:
        """Stop observing."""
        self._observations.remove()

    def zoom(self, factor: float) -> None:
        """Zoom about the place under the mouse; linked views follow."""
        node = self._logic.GetSliceNode()
        x, y = self._interactor.GetEventPosition()
        columns, rows = node.GetDimensions()[:2]
        wide, high, deep = node.GetFieldOfView()
        self._logic.StartSliceNodeInteraction(node.FieldOfViewFlag | node.XYZOriginFlag)
        before = node.StartModify()
        # As Slicer's own zoom with the wheel and the control key.
        right, up, off = node.GetXYZOrigin()
        right += (x - columns / 2) * wide / max(columns, 1) * (1 - 1 / factor)
        up += (y - rows / 2) * high / max(rows, 1) * (1 - 1 / factor)
        node.SetFieldOfView(wide / factor, high / factor, deep)
        node.SetXYZOrigin(right, up, off)
        node.UpdateMatrices()
        node.EndModify(before)
        self._logic.EndSliceNodeInteraction()
        self._touched()

    def _wheel_forward(self, interactor: Any) -> None:
        self.zoom(_STEP)
        self._keep("MouseWheelForwardEvent")

    def _wheel_backward(self, interactor: Any) -> None:
        self.zoom(1 / _STEP)
        self._keep("MouseWheelBackwardEvent")

    def _other_press(self, interactor: Any) -> None:
        self._touched()

    def _left_press(self, interactor: Any) -> None:
        tool = self._tool()
        other = {Tool.PAN: "Middle", Tool.ZOOM: "Right"}.get(tool)
        if interactor.GetShiftKey():
            self._touched()
        elif _over_markup(interactor):
            return
        elif other is None:
            self._window_drag(True)
        else:
            self._keep("LeftButtonPressEvent")
            self._substituted = other
            interactor.InvokeEvent(f"{other}ButtonPressEvent")

    def _left_release(self, interactor: Any) -> None:
        self._window_drag(False)
        if self._substituted:
            self._keep("LeftButtonReleaseEvent")
            other, self._substituted = self._substituted, ""
            interactor.InvokeEvent(f"{other}ButtonReleaseEvent")

    def _keep(self, event: str) -> None:
        self._interactor.GetCommand(self._tags[event]).SetAbortFlag(1)


def _over_markup(interactor: Any) -> bool:
    """Whether the mouse is over something that can be dragged: the cursor is a hand or a cross then."""
    return bool(interactor.GetRenderWindow().GetCurrentCursor() not in (0, 1))
