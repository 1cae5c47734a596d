"""Freehand: press, drag, release in a slice view draws a closed line; works on any VTK interactor.

Slicer has no such markup, so while the mode is on, the left button is taken before Slicer sees it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.shapes import Points
from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceNode

#: Control points of the curve that a line becomes: enough for a spiculated outline, few enough to be dragged.
FEWEST, MOST = 12, 60
#: Screen pixels between control points.
STEP = 8.0
#: A line shorter than this many screen pixels is a slip of the hand.
SHORTEST = 20.0
#: Above every observer of Slicer's own.
_PRIORITY = 100.0


class Freehand:
    """Drawing in one slice view.

    Parameters
    ----------
    interactor
        The view's vtkRenderWindowInteractor.
    slice_node
        The view's slice node.
    renderer
        The view's vtkRenderer, in which the line is seen while it is drawn.
    request_render
        Asks for a new picture.
    drawn
        Called with (x, y) of the control points in scene units when the button is released.
    color
        Of the line.
    """

    def __init__(
        self,
        interactor: Any,
        slice_node: "vtkMRMLSliceNode",
        renderer: Any,
        request_render: Callable[[], None],
        drawn: Callable[[Points], None],
        color: tuple[float, float, float] = (1.0, 1.0, 0.4),
    ) -> None:
        self._interactor, self._slice_node, self._renderer = interactor, slice_node, renderer
        self._request_render, self._drawn = request_render, drawn
        self._line: list[tuple[float, float]] | None = None
        self._actor = _actor(color)
        renderer.AddViewProp(self._actor)
        self._observations = Observations()
        self._tags = {
            event: self._observations.add(interactor, event, method, _PRIORITY)
            for event, method in (
                ("LeftButtonPressEvent", self._on_press),
                ("MouseMoveEvent", self._on_move),
                ("LeftButtonReleaseEvent", self._on_release),
            )
        }

    def release(self) -> None:
        """Leave the view as it was."""
        self._observations.remove()
        self._renderer.RemoveViewProp(self._actor)
        self._request_render()

    def _on_press(self, interactor: Any) -> None:
        self._take("LeftButtonPressEvent")
        self._line = [self._position()]

    def _on_move(self, interactor: Any) -> None:
        if self._line is None:
            return
        self._take("MouseMoveEvent")
        position = self._position()
        if position != self._line[-1]:
            self._line.append(position)
            _draw(self._actor, self._line)
            self._request_render()

    def _on_release(self, interactor: Any) -> None:
        if self._line is None:
            return
        self._take("LeftButtonReleaseEvent")
        line, self._line = [*self._line, self._position()], None
        _draw(self._actor, [])
        self._request_render()
        points = control_points(np.asarray(line, dtype=np.float64))
        if points is not None:
            self._drawn(tuple(self._to_scene(x, y) for x, y in points))

    def _position(self) -> tuple[float, float]:
        x, y = self._interactor.GetEventPosition()
        return float(x), float(y)

    def _to_scene(self, x: float, y: float) -> tuple[float, float]:
        right, anterior, _, _ = self._slice_node.GetXYToRAS().MultiplyPoint((x, y, 0.0, 1.0))
        return -right, -anterior

    def _take(self, event: str) -> None:
        """Keep an event from Slicer's own observers."""
        self._interactor.GetCommand(self._tags[event]).SetAbortFlag(1)


def control_points(line: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Points at equal steps along the closed line, for a spline through them.

    Parameters
    ----------
    line
        Screen positions of the mouse, shape (n, 2).

    Returns
    -------
    ndarray of shape (12 to 60, 2), or None where the line is too short to be meant
    """
    closed = np.concatenate([line, line[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    if length[-1] < SHORTEST or np.ptp(line, axis=0).min() < 2:
        return None
    count = int(np.clip(round(length[-1] / STEP), FEWEST, MOST))
    place = length[-1] * np.arange(count) / count
    return np.stack([np.interp(place, length, closed[:, axis]) for axis in (0, 1)], axis=1)


def _actor(color: tuple[float, float, float]) -> Any:
    import vtk

    actor = vtk.vtkActor2D()
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputData(vtk.vtkPolyData())
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetLineWidth(2.0)
    # The mouse goes over it, and must find what lies under it.
    actor.PickableOff()
    return actor


def _draw(actor: Any, line: list[tuple[float, float]]) -> None:
    import vtk

    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    for x, y in line:
        points.InsertNextPoint(x, y, 0.0)
    if line:
        cells.InsertNextCell(len(line))
        for index in range(len(line)):
            cells.InsertCellPoint(index)
    drawing = vtk.vtkPolyData()
    drawing.SetPoints(points)
    drawing.SetLines(cells)
    actor.GetMapper().SetInputData(drawing)
