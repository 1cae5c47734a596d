"""Label: every slice view that shows a synthetic image says so, in its own text actor.

Slicer's corner annotation belongs to Data Probe, which overwrites it, so it is not used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.text_actor import text_actor

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLSliceCompositeNode, vtkMRMLSliceNode

TEXT = "SYNTHETIC - not for diagnosis"
#: Names of nodes that hold synthetic pixels, wholly or in part, begin with it; clones of them too.
NAME_PREFIX = "SYNTHETIC"
# vtkMRMLSliceCompositeNode::Layer_Last: background, foreground and label come first.
_FIRST_ADDITIONAL_LAYER = 3
_LARGEST_FONT, _SMALLEST_FONT = 18, 8
_COLOR = (1.0, 0.78, 0.24)
# A bold letter is about 0.62 of its font size wide; the text takes at most 90 % of the view's width.
_PIXELS_PER_POINT = 0.62 * len(TEXT) / 0.9
# One point is one pixel at this resolution; Qt tells VTK of screens with more.
_DOTS_PER_INCH = 72


class SyntheticLabel:
    """The label of one slice view, shown while a layer of the view holds synthetic pixels.

    Parameters
    ----------
    composite
        The view's composite node, in a scene.
    renderer
        The view's vtkRenderer.
    request_render
        Asks for a new picture after the label changed.
    slice_node
        The view's slice node, for its width: in narrow views the letters are smaller.
    """

    def __init__(
        self,
        composite: "vtkMRMLSliceCompositeNode",
        renderer: Any,
        request_render: Callable[[], None],
        slice_node: "vtkMRMLSliceNode | None" = None,
    ) -> None:
        self._composite = composite
        self._renderer = renderer
        self._request_render = request_render
        self.actor = text_actor(_LARGEST_FONT, _COLOR, 0.6, (0.5, 0.98), "center", "top")
        self.actor.SetInput(TEXT)
        self.actor.GetTextProperty().SetBold(True)
        self.actor.SetVisibility(False)
        renderer.AddViewProp(self.actor)
        self._observations = Observations()
        self._observations.add(composite, "ModifiedEvent", self._update)
        scene = composite.GetScene()
        for event in (scene.EndImportEvent, scene.EndBatchProcessEvent, scene.EndRestoreEvent):
            # While a scene is read the view knows its images before the scene has them.
            self._observations.add(scene, event, self._update)
        self._update(composite)
        if slice_node is not None:
            self._observations.add(slice_node, "ModifiedEvent", self._fit)
            self._fit(slice_node)

    @property
    def visible(self) -> bool:
        """Whether the view says that it shows a synthetic image."""
        return bool(self.actor.GetVisibility())

    def release(self) -> None:
        """Take the label out of the view."""
        self._observations.remove()
        self._renderer.RemoveViewProp(self.actor)
        self._request_render()

    def refresh(self) -> None:
        """Look again at what the view shows."""
        self._update(self._composite)

    def _update(self, _caller: "vtkMRMLNode") -> None:
        visible = shows_synthetic(self._composite)
        if visible != self.visible:
            self.actor.SetVisibility(visible)
            self._request_render()

    def _fit(self, slice_node: "vtkMRMLSliceNode") -> None:
        window = self._renderer.GetRenderWindow()
        scale = window.GetDPI() / _DOTS_PER_INCH if window is not None else 1.0
        size = int(slice_node.GetDimensions()[0] / (_PIXELS_PER_POINT * scale))
        self.actor.GetTextProperty().SetFontSize(min(max(size, _SMALLEST_FONT), _LARGEST_FONT))


def holds_synthetic(node: "vtkMRMLNode | None") -> bool:
    """Whether a node holds synthetic pixels: a synthetic image, a difference with one, or a clone of either."""
    if node is None:
        return False
    kind = node.GetAttribute(names.KIND)
    return kind in (names.SYNTHETIC_KIND, names.DIFFERENCE_KIND) or (node.GetName() or "").startswith(NAME_PREFIX)


def shows_synthetic(composite: "vtkMRMLSliceCompositeNode") -> bool:
    """Whether a layer with an opacity above 0 holds synthetic pixels."""
    scene = composite.GetScene()
    shown = [composite.GetBackgroundVolumeID()]
    if composite.GetForegroundOpacity() > 0:
        shown.append(composite.GetForegroundVolumeID())
    if composite.GetLabelOpacity() > 0:
        shown.append(composite.GetLabelVolumeID())
    # Slicer before 5.10 has these three layers only.
    more = composite.GetNumberOfAdditionalLayers() if hasattr(composite, "GetNumberOfAdditionalLayers") else 0
    for layer in range(_FIRST_ADDITIONAL_LAYER, _FIRST_ADDITIONAL_LAYER + more):
        if composite.GetNthLayerOpacity(layer) > 0:
            shown.append(composite.GetNthLayerVolumeID(layer))
    return scene is not None and any(holds_synthetic(scene.GetNodeByID(i)) for i in shown if i is not None)
