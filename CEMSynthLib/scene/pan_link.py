"""Pan link: a view that is seen from behind pans along with the others.

Slicer's link pans views of one orientation only; a hanging image that lies the other way has another one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceLogic, vtkMRMLSliceNode


class PanLink:
    """Pans of one view become pans of the others, by the same way on the screen.

    Parameters
    ----------
    logics
        Of the views that are shown together.
    """

    def __init__(self, logics: "Sequence[vtkMRMLSliceLogic]") -> None:
        self._logics = list(logics)
        self._panning = False
        self._observations = Observations()
        for logic in self._logics:
            self._observations.add(logic.GetSliceNode(), "ModifiedEvent", self._pan)

    def release(self) -> None:
        """Stop."""
        self._observations.remove()

    def _pan(self, node: "vtkMRMLSliceNode") -> None:
        flags = node.GetInteractionFlags() & node.GetInteractionFlagsModifier()
        if self._panning or not node.GetInteracting() or not flags & node.XYZOriginFlag:
            return
        linked = [logic for logic in self._logics if logic.GetSliceCompositeNode().GetLinkedControl()]
        if not any(logic.GetSliceNode() is node for logic in linked):
            return
        self._panning = True
        try:
            for logic in linked:
                if logic.GetSliceNode() is not node:
                    logic.GetSliceNode().SetXYZOrigin(*node.GetXYZOrigin())
        finally:
            self._panning = False
