"""Corner: name, minutes since injection, thickness and kVp in the corner of a slice view, on request."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.text_actor import text_actor

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLSliceCompositeNode


def corner_text(volume: "vtkMRMLNode | None") -> str:
    """What the corner says about a volume, line by line; what is not known is left out.

    Images that were made from others say what the exposure was: that of the low-energy image of their acquisition.
    """
    key = names.acquisition_of(volume)
    if volume is None or volume.GetScene() is None or not key:
        return ""
    acquisition = find_acquisition(volume.GetScene(), key)
    source = acquisition.low_energy or acquisition.recombined or volume
    lines = [acquisition.name]
    minutes = _number(source.GetAttribute(names.MINUTES))
    if minutes is not None:
        when = "after" if minutes >= 0 else "before"
        lines.append(f"{abs(minutes):.1f} min {when} injection")
    thickness, kvp = _number(source.GetAttribute(names.THICKNESS)), _number(source.GetAttribute(names.KVP))
    if thickness is not None:
        lines.append(f"{thickness:g} mm thick")
    if kvp is not None:
        lines.append(f"{kvp:g} kVp")
    return "\n".join(line for line in lines if line)


class CornerText:
    """The corner text of one slice view; it follows the image that the view shows.

    Parameters
    ----------
    composite
        The view's composite node.
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture.
    """

    def __init__(
        self, composite: "vtkMRMLSliceCompositeNode", renderer: Any, request_render: Callable[[], None]
    ) -> None:
        self._composite = composite
        self._renderer = renderer
        self._request_render = request_render
        self._wanted = False
        # Data Probe writes into the three other corners.
        self.actor = text_actor(14, (0.9, 0.9, 0.9), place=(0.985, 0.015), across="right")
        self.actor.SetVisibility(False)
        renderer.AddViewProp(self.actor)
        self._observations = Observations()
        self._observations.add(composite, "ModifiedEvent", self._update)

    def show(self, wanted: bool) -> None:
        """Show the text, or not."""
        self._wanted = wanted
        self._update(self._composite)

    def release(self) -> None:
        """Take the text out of the view."""
        self._observations.remove()
        self._renderer.RemoveViewProp(self.actor)

    def _update(self, composite: "vtkMRMLSliceCompositeNode") -> None:
        scene, number = composite.GetScene(), composite.GetBackgroundVolumeID()
        volume = scene.GetNodeByID(number) if scene is not None and number else None
        text = corner_text(volume) if self._wanted else ""
        if text != (self.actor.GetInput() or "") or bool(text) != bool(self.actor.GetVisibility()):
            self.actor.SetInput(text)
            self.actor.SetVisibility(bool(text))
            self._request_render()


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
