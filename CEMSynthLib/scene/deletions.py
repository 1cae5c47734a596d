"""Deletions: tells when images were deleted, once for all that Slicer deletes at once; unlists what is not saved."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.difference import unlist_differences
from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLScene


class Deletions:
    """Watches one scene.

    Parameters
    ----------
    scene
        The scene.
    removed
        Called after images were deleted: after each one, or at the end of a batch process. Not while the scene closes.
    """

    def __init__(self, scene: "vtkMRMLScene", removed: Callable[[], None]) -> None:
        self._scene, self._removed = scene, removed
        self._untold = False
        self._observations = Observations()
        self._observations.add_about(scene, scene.NodeRemovedEvent, self._on_removed)
        self._observations.add(scene, scene.EndBatchProcessEvent, self._on_batch_ended)

    def release(self) -> None:
        """Watch no longer."""
        self._observations.remove()

    def _on_removed(self, node: Any) -> None:
        # Regions and halo have the attribute too, and watch over themselves.
        if (
            self._scene.IsClosing()
            or not node.IsA("vtkMRMLScalarVolumeNode")
            or not node.GetAttribute(names.ACQUISITION)
        ):
            return
        self._untold = True
        if not self._scene.IsBatchProcessing():
            self._tell()

    def _on_batch_ended(self, _scene: "vtkMRMLScene") -> None:
        # Each end of a batch process, as after an import, lets Slicer list what is not listed.
        unlist_differences(self._scene)
        if self._untold:
            self._tell()

    def _tell(self) -> None:
        self._untold = False
        self._removed()
