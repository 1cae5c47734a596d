"""Marks: points that a reader places on the images, as the form stores them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

#: Each view lies in a plane of its own, so far from the next (scene units): a point is seen on the images of its view
#: only, and its plane tells which.
PLANE_DISTANCE = 100.0
_CLASS = "vtkMRMLMarkupsFiducialNode"
_INTERACTION, _SELECTION = "vtkMRMLInteractionNodeSingleton", "vtkMRMLSelectionNodeSingleton"


@dataclass(frozen=True)
class ViewPlane:
    """Where a view lies.

    Parameters
    ----------
    name
        ``CC``.
    spacing
        (between rows, between columns), scene units.
    shape
        Rows and columns.
    """

    name: str
    spacing: tuple[float, float]
    shape: tuple[int, int]


class Marks:
    """The marks of one reading.

    Parameters
    ----------
    scene
        The scene.
    changed
        Called without arguments when a mark was placed, moved or removed.
    """

    def __init__(self, scene: "vtkMRMLScene", changed: Callable[[], None]) -> None:
        self._scene, self._changed = scene, changed
        self._planes: tuple[ViewPlane, ...] = ()
        self._node: Any = None
        self._observations = Observations()

    def open(self, planes: Sequence[ViewPlane], marks: Sequence[Mapping[str, Any]] = ()) -> None:
        """Begin with these marks (as `positions` gives them)."""
        self.close()
        self._planes = tuple(planes)
        node = self._scene.CreateNodeByClass(_CLASS)
        node.UnRegister(None)
        node.SetName("Marks")
        node.SetAttribute(names.READING, "marks")
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        self._node = self._scene.AddNode(node)
        self._node.CreateDefaultDisplayNodes()
        display = self._node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetGlyphTypeFromString("Cross2D")
        display.SetPointLabelsVisibility(False)
        display.SetSelectedColor(1.0, 0.9, 0.2)
        for mark in marks:
            self._add(mark)
        for event in (node.PointPositionDefinedEvent, node.PointModifiedEvent, node.PointRemovedEvent):
            self._observations.add(self._node, event, self._on_points)

    def close(self) -> None:
        """Take the marks out of the scene."""
        self.stop_placing()
        self._observations.remove()
        if self._node is not None and self._node.GetScene() is not None:
            display = self._node.GetDisplayNode()
            self._scene.RemoveNode(self._node)
            if display is not None:
                self._scene.RemoveNode(display)
        self._node, self._planes = None, ()

    def positions(self) -> list[dict[str, Any]]:
        """``{"view", "row", "column"}`` of each mark inside its image, in pixels, in the order placed."""
        found = []
        for i in range(self._node.GetNumberOfControlPoints() if self._node is not None else 0):
            # A point that still follows the mouse is not placed.
            if self._node.GetNthControlPointPositionStatus(i) != self._node.PositionDefined:
                continue
            x, y, z = self._position(i)
            index = round(z / PLANE_DISTANCE)
            if not 0 <= index < len(self._planes):
                continue
            plane = self._planes[index]
            row, column = -y / plane.spacing[0], -x / plane.spacing[1]
            if -0.5 <= row < plane.shape[0] - 0.5 and -0.5 <= column < plane.shape[1] - 0.5:
                found.append({"view": plane.name, "row": round(row, 2), "column": round(column, 2)})
        return found

    @property
    def placing(self) -> bool:
        """Whether a click in a slice view places a mark."""
        mode, selection = self._scene.GetNodeByID(_INTERACTION), self._scene.GetNodeByID(_SELECTION)
        if None in (mode, selection, self._node) or mode.GetCurrentInteractionMode() != mode.Place:
            return False
        return bool(selection.GetActivePlaceNodeID() == self._node.GetID())

    def start_placing(self) -> None:
        """Let each click in a slice view place a mark, until `stop_placing`."""
        mode, selection = self._scene.GetNodeByID(_INTERACTION), self._scene.GetNodeByID(_SELECTION)
        if None in (mode, selection, self._node):
            return
        selection.SetReferenceActivePlaceNodeClassName(_CLASS)
        selection.SetReferenceActivePlaceNodeID(self._node.GetID())
        mode.SetPlaceModePersistence(1)
        mode.SetCurrentInteractionMode(mode.Place)

    def stop_placing(self) -> None:
        """Go back to moving the image."""
        if self.placing:
            mode = self._scene.GetNodeByID(_INTERACTION)
            mode.SetPlaceModePersistence(0)
            mode.SetCurrentInteractionMode(mode.ViewTransform)

    def remove_last(self) -> None:
        """Remove the mark that was placed last."""
        for i in reversed(range(self._node.GetNumberOfControlPoints() if self._node is not None else 0)):
            if self._node.GetNthControlPointPositionStatus(i) == self._node.PositionDefined:
                self._node.RemoveNthControlPoint(i)
                return

    def _add(self, mark: Mapping[str, Any]) -> None:
        for index, plane in enumerate(self._planes):
            if plane.name == mark["view"]:
                x, y = -float(mark["column"]) * plane.spacing[1], -float(mark["row"]) * plane.spacing[0]
                self._node.AddControlPointWorld(x, y, index * PLANE_DISTANCE)

    def _position(self, index: int) -> list[float]:
        position = [0.0, 0.0, 0.0]
        self._node.GetNthControlPointPositionWorld(index, position)
        return position

    def _on_points(self, _node: Any) -> None:
        self._changed()
