"""Scale bar: Slicer's ruler where the spacing is known, a bar in pixels where it is not; no millimeter is invented."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.lines import outlined_lines, place, set_lines
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.text_actor import text_actor
from CEMSynthLib.scene.zoom import shown_volume

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLSliceLogic

# The bar takes about this part of the view's width; screen pixels above the lower border; height of its ends.
_PART = 0.25
_BOTTOM, _END = 16, 6


def bar_length(pixels_across: float) -> int:
    """The number 1, 2 or 5 times a power of ten that is nearest to a quarter of the pixels across the view."""
    wanted = max(pixels_across * _PART, 1.0)
    numbers: list[int] = [step * 10**power for power in range(6) for step in (1, 2, 5)]
    return min(numbers, key=lambda number: abs(number - wanted))


class ScaleBar:
    """The scale bar of one slice view.

    Slicer's own ruler is used for millimeters. Where the user turns it on although the spacing of the shown image is
    not known, it is turned off again and the bar in pixels is shown in its place.

    Parameters
    ----------
    logic
        The view's slice logic.
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture.
    """

    def __init__(self, logic: "vtkMRMLSliceLogic", renderer: Any, request_render: Callable[[], None]) -> None:
        self._logic = logic
        self._renderer = renderer
        self._request_render = request_render
        self._wanted = False
        self._updating = False
        self.line = outlined_lines([], (1.0, 1.0, 1.0))
        self.text = text_actor(14, (1.0, 1.0, 1.0), across="center")
        for actor in (self.line, self.text):
            actor.SetVisibility(False)
            renderer.AddViewProp(actor)
        self._observations = Observations()
        self._observations.add(logic.GetSliceNode(), "ModifiedEvent", self._update)
        self._observations.add(logic.GetSliceCompositeNode(), "ModifiedEvent", self._update)

    def show(self, wanted: bool, dark: bool = False) -> None:
        """Show the scale bar, or not; Slicer's ruler in black where the image around the breast is white."""
        self._wanted = wanted
        node = self._logic.GetSliceNode()
        node.SetRulerColor(node.RulerColorBlack if dark else node.RulerColorWhite)
        node.SetRulerType(node.RulerTypeThin if wanted else node.RulerTypeNone)
        self._update(node)

    def release(self) -> None:
        """Take the bar out of the view."""
        self._observations.remove()
        for actor in (self.line, self.text):
            self._renderer.RemoveViewProp(actor)

    def _update(self, _node: "vtkMRMLNode") -> None:
        if self._updating:
            return
        self._updating = True
        try:
            volume, node = shown_volume(self._logic), self._logic.GetSliceNode()
            unknown = volume is not None and volume.GetAttribute(names.SPACING_KNOWN) == "no"
            ruler = node.GetRulerType() != node.RulerTypeNone
            if unknown and ruler:
                self._wanted = True
                node.SetRulerType(node.RulerTypeNone)
            elif not unknown and self._wanted and not ruler and volume is not None and self.line.GetVisibility():
                node.SetRulerType(node.RulerTypeThin)
            self._draw(unknown and self._wanted)
        finally:
            self._updating = False

    def _draw(self, visible: bool) -> None:
        if visible:
            node = self._logic.GetSliceNode()
            columns = node.GetDimensions()[0]
            # One scene unit is one pixel where the spacing is not known.
            screen_per_pixel = columns / max(node.GetFieldOfView()[0], 1e-9)
            length = bar_length(node.GetFieldOfView()[0])
            half = length * screen_per_pixel / 2
            set_lines(self.line, [((-half, _END), (-half, 0), (half, 0), (half, _END))])
            place(self.line, columns / 2, _BOTTOM)
            self.text.SetInput(f"{length} pixels" if length > 1 else "1 pixel")
            self.text.SetPosition(columns / 2, _BOTTOM + _END + 2)
        elif not self.line.GetVisibility():
            return
        self.line.SetVisibility(visible)
        self.text.SetVisibility(visible)
        self._request_render()
