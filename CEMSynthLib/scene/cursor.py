"""Cursor: the place under the mouse is marked in every slice view of the same acquisition.

Slicer's own crosshair is drawn in all slice views of the application, so the marks here are CEMSynth's own; the place
comes from Slicer's crosshair node, which follows the mouse in every slice view.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.layout import VIEW_GROUP
from CEMSynthLib.scene.lines import outlined_lines
from CEMSynthLib.scene.lines import place as place_lines
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.zoom import shown_volume

if TYPE_CHECKING:
    from slicer import vtkMRMLCrosshairNode, vtkMRMLScene, vtkMRMLSliceLogic

#: R, A, S.
Place = tuple[float, float, float]
# Arms of the cross in screen pixels: from, to. The middle stays free.
_FROM, _TO = 5, 16


class CursorMark:
    """The mark in one slice view."""

    def __init__(self, logic: "vtkMRMLSliceLogic", renderer: Any, request_render: Callable[[], None]) -> None:
        self.logic = logic
        self.actor = _cross()
        self.actor.SetVisibility(False)
        self._renderer = renderer
        self._request_render = request_render
        renderer.AddViewProp(self.actor)

    def show(self, place: Place | None) -> None:
        """Mark a place (R, A, S), or none."""
        if place is not None:
            import vtk

            to_screen = vtk.vtkMatrix4x4()
            vtk.vtkMatrix4x4.Invert(self.logic.GetSliceNode().GetXYToRAS(), to_screen)
            x, y, _, _ = to_screen.MultiplyPoint((*place, 1.0))
            place_lines(self.actor, x, y)
        elif not self.actor.GetVisibility():
            return
        self.actor.SetVisibility(place is not None)
        self._request_render()

    def release(self) -> None:
        """Take the mark out of the view."""
        self._renderer.RemoveViewProp(self.actor)


class LinkedCursor:
    """Marks the place under the mouse while it is in a slice view of CEMSynth.

    Parameters
    ----------
    scene
        Its crosshair node is followed; every Slicer has one.
    """

    def __init__(self, scene: "vtkMRMLScene") -> None:
        self._scene = scene
        self._marks: dict[str, CursorMark] = {}
        self._observations = Observations()
        self._crosshair: vtkMRMLCrosshairNode | None = None

    def add(self, tag: str, mark: CursorMark) -> None:
        """Mark places in one more slice view."""
        self._marks[tag] = mark

    def remove(self, tag: str) -> None:
        """Forget a slice view."""
        mark = self._marks.pop(tag, None)
        if mark is not None:
            mark.release()

    def follow(self, wanted: bool) -> None:
        """Follow the mouse, or not."""
        crosshair = self._scene.GetSingletonNode("default", "vtkMRMLCrosshairNode") if wanted else None
        if crosshair is self._crosshair:
            return
        self._observations.remove()
        self._crosshair = crosshair
        if crosshair is not None:
            self._observations.add(crosshair, crosshair.CursorPositionModifiedEvent, self._moved)
        else:
            self._show(None, "")

    def place(self) -> tuple[float, float] | None:
        """R and A of the place under the mouse; ``None`` while it is not over an image in a view of CEMSynth."""
        crosshair = self._scene.GetSingletonNode("default", "vtkMRMLCrosshairNode")
        place, _ = self._under_mouse(crosshair) if crosshair is not None else (None, "")
        return place[:2] if place is not None else None

    def _moved(self, crosshair: "vtkMRMLCrosshairNode") -> None:
        self._show(*self._under_mouse(crosshair))

    def _under_mouse(self, crosshair: "vtkMRMLCrosshairNode") -> tuple[Place | None, str]:
        """The place, and the acquisition that is shown there."""
        screen, place = [0.0] * 3, [0.0] * 3
        node = crosshair.GetCursorPositionXYZ(screen)
        source = next((mark for mark in self._marks.values() if mark.logic.GetSliceNode() is node), None)
        key = names.acquisition_of(shown_volume(source.logic)) if source is not None else ""
        inside = node is not None and node.GetViewGroup() == VIEW_GROUP and bool(key)
        if inside and crosshair.GetCursorPositionRAS(place):
            return (place[0], place[1], place[2]), key
        return None, ""

    def _show(self, place: Place | None, key: str) -> None:
        for mark in self._marks.values():
            same = place is not None and names.acquisition_of(shown_volume(mark.logic)) == key
            mark.show(place if same else None)


def _cross() -> Any:
    arms = [[(x * reach, y * reach) for reach in (_FROM, _TO)] for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    return outlined_lines(arms, (1.0, 0.85, 0.2))
