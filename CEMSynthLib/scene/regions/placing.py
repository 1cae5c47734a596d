"""Placing: the user places a region with clicks in a slice view, by MRML's own place mode."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLInteractionNode, vtkMRMLMarkupsNode, vtkMRMLScene

INTERACTION = "vtkMRMLInteractionNodeSingleton"
SELECTION = "vtkMRMLSelectionNodeSingleton"


class Placing:
    """Which region waits for clicks.

    Parameters
    ----------
    scene
        The scene.
    notify
        A bound method, called without arguments when placing has ended.
    """

    def __init__(self, scene: "vtkMRMLScene", notify: Callable[[], None]) -> None:
        self._scene = scene
        self._notify = notify
        self._key = ""
        self._node: Any = None
        self._observations = Observations()

    @property
    def key(self) -> str:
        """Key of the region that waits for clicks; empty once it is placed, or when the user has given up."""
        interaction, selection = self._mode(), self._scene.GetNodeByID(SELECTION)
        if self._key and (
            self._node.GetScene() is None
            or interaction is None
            or interaction.GetCurrentInteractionMode() != interaction.Place
            or selection.GetActivePlaceNodeID() != self._node.GetID()
        ):
            self._end()
        return self._key

    def start(self, key: str, node: "vtkMRMLMarkupsNode") -> None:
        """Let the next clicks in a slice view place a node."""
        interaction, selection = self._mode(), self._scene.GetNodeByID(SELECTION)
        if interaction is None or selection is None:
            return
        # Not vtkSlicerMarkupsLogic.StartPlaceMode: that sets the class to point lists, and a new list would be placed.
        selection.SetReferenceActivePlaceNodeClassName(node.GetClassName())
        selection.SetReferenceActivePlaceNodeID(node.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self._key, self._node = key, node
        self._observations.remove()
        self._observations.add(interaction, interaction.InteractionModeChangedEvent, self._on_mode)

    def stop(self) -> None:
        """Go back to moving the image."""
        interaction = self._mode()
        if self._key and interaction is not None:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self._end()

    def release(self) -> None:
        """Stop observing."""
        self._observations.remove()

    def _end(self) -> None:
        self._key, self._node = "", None
        self._observations.remove()

    def _mode(self) -> "vtkMRMLInteractionNode | None":
        return self._scene.GetNodeByID(INTERACTION)

    def _on_mode(self, interaction: Any) -> None:
        self._notify()
