"""Watch: tells when a scene that was read brings images of CEM studies, so that synthetic ones can be labeled."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

# As in attributes.py, which imports numpy; this file is imported when Slicer starts.
_KIND = "CEMSynth.kind"


class SceneWatch:
    """Watches one scene.

    Parameters
    ----------
    scene
        The scene.
    on_images
        Called after each import that leaves images of CEM studies in the scene.
    """

    def __init__(self, scene: "vtkMRMLScene", on_images: Callable[[], None]) -> None:
        self._on_images = on_images
        self._observations = Observations()
        self._observations.add(scene, scene.EndImportEvent, self._imported)

    def release(self) -> None:
        """Watch no longer."""
        self._observations.remove()

    def _imported(self, scene: "vtkMRMLScene") -> None:
        count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        nodes = (scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count))
        if any(node.GetAttribute(_KIND) for node in nodes):
            self._on_images()
