"""View ties: what is drawn over an image is seen only in the slice views that show this image."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLDisplayNode, vtkMRMLScene

_COMPOSITE = "vtkMRMLSliceCompositeNode"


def slice_views_of(scene: "vtkMRMLScene", key: str, kind: ImageKind | None = None) -> list[str]:
    """IDs of the slice nodes of which the background is an image of an acquisition.

    Parameters
    ----------
    scene
        The scene.
    key
        Of the acquisition.
    kind
        Only where it is this image.
    """
    shown = set()
    for composite in _nodes(scene, _COMPOSITE):
        volume_id = composite.GetBackgroundVolumeID()
        node = scene.GetNodeByID(volume_id) if volume_id else None
        of_key = node is not None and names.acquisition_of(node) == key
        if of_key and kind in (None, names.kind_of(node)):
            shown.add(composite.GetLayoutName())
    return [node.GetID() for node in _nodes(scene, "vtkMRMLSliceNode") if node.GetLayoutName() in shown]


def tie(display: "vtkMRMLDisplayNode", slice_node_ids: Sequence[str], visible: bool = True) -> None:
    """Show a display node in these slice views only; nowhere if there are none or ``visible`` is false."""
    was = display.StartModify()
    if list(display.GetViewNodeIDs()) != list(slice_node_ids):
        # An empty list would mean "everywhere": with none the node is hidden.
        display.RemoveAllViewNodeIDs()
        for identifier in slice_node_ids:
            display.AddViewNodeID(identifier)
    display.SetVisibility(bool(visible and slice_node_ids))
    display.EndModify(was)


class ShownVolumes:
    """Tells when a slice view shows another volume or a slice view comes or goes.

    Parameters
    ----------
    scene
        The scene.
    changed
        Called without arguments.
    """

    def __init__(self, scene: "vtkMRMLScene", changed: Callable[[], None]) -> None:
        self._scene, self._changed = scene, changed
        self._on_scene, self._on_views = Observations(), Observations()
        self._seen: list[tuple[str, str]] = []
        self._count = 0
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            self._on_scene.add(scene, event, self._nodes_changed)
        self._observe()

    def release(self) -> None:
        """Stop."""
        self._on_scene.remove()
        self._on_views.remove()

    def _nodes_changed(self, _scene: Any) -> None:
        if self._scene.GetNumberOfNodesByClass(_COMPOSITE) != self._count:
            self._observe()
            self._view_changed(None)

    def _observe(self) -> None:
        self._on_views.remove()
        composites = _nodes(self._scene, _COMPOSITE)
        self._count = len(composites)
        for node in composites:
            self._on_views.add(node, "ModifiedEvent", self._view_changed)
        self._seen = self._state()

    def _view_changed(self, _node: Any) -> None:
        # A composite node is modified by each step of a fade too.
        state = self._state()
        if state != self._seen:
            self._seen = state
            self._changed()

    def _state(self) -> list[tuple[str, str]]:
        return [(n.GetLayoutName() or "", n.GetBackgroundVolumeID() or "") for n in _nodes(self._scene, _COMPOSITE)]


def _nodes(scene: "vtkMRMLScene", kind: str) -> list[Any]:
    return [scene.GetNthNodeByClass(i, kind) for i in range(scene.GetNumberOfNodesByClass(kind))]
