"""Window drag: dragging with the left button changes the window while that tool is chosen.

Slicer has a mouse mode for it. Placing a region takes the mode for itself and gives back another one, so this one is
taken again then. Regions can be dragged in this mode too: they lie nearer to the mouse than the image does.
"""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLScene


class WindowDrag:
    """Keeps Slicer's mouse mode what the chosen tool needs.

    Parameters
    ----------
    scene
        The scene; its interaction node has the mode.
    """

    def __init__(self, scene: "vtkMRMLScene") -> None:
        self._node: Any = scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
        self._wanted = False
        self._observations = Observations()
        if self._node is not None:
            self._observations.add(self._node, self._node.InteractionModeChangedEvent, self._follow)

    def want(self, wanted: bool) -> None:
        """Let the left button change the window, or not."""
        self._wanted = wanted
        if self._node is not None:
            self._follow(self._node)

    def release(self) -> None:
        """Leave the mode as it is."""
        self._observations.remove()

    def _follow(self, node: Any) -> None:
        mode = node.GetCurrentInteractionMode()
        if mode == node.ViewTransform and self._wanted:
            node.SetCurrentInteractionMode(node.AdjustWindowLevel)
        elif mode == node.AdjustWindowLevel and not self._wanted:
            node.SetCurrentInteractionMode(node.ViewTransform)
