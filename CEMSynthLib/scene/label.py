"""Label: every slice view that shows a synthetic image says so, in its own text actor.

Slicer's corner annotation belongs to Data Probe, which overwrites it, so it is not used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceCompositeNode

TEXT = "SYNTHETIC - not for diagnosis"


class SyntheticLabel:
    """The label of one slice view, shown while a layer of the view is a synthetic image.

    Parameters
    ----------
    composite
        The view's composite node, in a scene.
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture after the label changed.
    """

    def __init__(
        self, composite: "vtkMRMLSliceCompositeNode", renderer: Any, request_render: Callable[[], None]
    ) -> None:
        self._composite = composite
        self._renderer = renderer
        self._request_render = request_render
        self.actor = _actor()
        self.actor.SetVisibility(False)
        renderer.AddViewProp(self.actor)
        self._observations = Observations()
        self._observations.add(composite, "ModifiedEvent", self._update)
        self._update(composite)

    @property
    def visible(self) -> bool:
        """Whether the view says that it shows a synthetic image."""
        return bool(self.actor.GetVisibility())

    def release(self) -> None:
        """Take the label out of the view."""
        self._observations.remove()
        self._renderer.RemoveViewProp(self.actor)
        self._request_render()

    def _update(self, composite: "vtkMRMLSliceCompositeNode") -> None:
        visible = shows_synthetic(composite)
        if visible != self.visible:
            self.actor.SetVisibility(visible)
            self._request_render()


def shows_synthetic(composite: "vtkMRMLSliceCompositeNode") -> bool:
    """Whether a layer with an opacity above 0 is a synthetic image."""
    scene = composite.GetScene()
    shown = [composite.GetBackgroundVolumeID()]
    if composite.GetForegroundOpacity() > 0:
        shown.append(composite.GetForegroundVolumeID())
    return scene is not None and any(
        names.kind_of(scene.GetNodeByID(i)) is ImageKind.SYNTHETIC for i in shown if i is not None
    )


def _actor() -> Any:
    import vtk

    actor = vtk.vtkTextActor()
    actor.SetInput(TEXT)
    text = actor.GetTextProperty()
    text.SetFontSize(18)
    text.SetBold(True)
    text.SetColor(1.0, 0.78, 0.24)
    # Readable on bright breast and dark air alike.
    text.SetBackgroundColor(0.0, 0.0, 0.0)
    text.SetBackgroundOpacity(0.6)
    text.SetJustificationToCentered()
    text.SetVerticalJustificationToTop()
    position = actor.GetPositionCoordinate()
    position.SetCoordinateSystemToNormalizedViewport()
    position.SetValue(0.5, 0.98)
    return actor
