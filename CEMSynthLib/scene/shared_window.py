"""Shared window: clinical and synthetic image are always shown with the same window, else the comparison is unfair."""

from typing import TYPE_CHECKING

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeDisplayNode, vtkMRMLScalarVolumeNode


class SharedWindow:
    """Two volumes with one window: a change on either is written to the other.

    Between images in modality units the numbers are the same. The gray levels of an image file have no unit: there
    the two VOI windows are laid on each other, as everywhere else in CEMSynth where the two are compared.

    Parameters
    ----------
    clinical, synthetic
        Volumes with display nodes. The synthetic one takes the clinical one's window at once.
    """

    def __init__(self, clinical: "vtkMRMLScalarVolumeNode", synthetic: "vtkMRMLScalarVolumeNode") -> None:
        self._nodes = (clinical, synthetic)
        self._displays = (clinical.GetDisplayNode(), synthetic.GetDisplayNode())
        self._scale, self._shift = map_to_synthetic(clinical, synthetic)
        self._writing = False
        self._observations = Observations()
        self._copy(self._displays[0])
        for display in self._displays:
            self._observations.add(display, "ModifiedEvent", self._copy)

    def reset(self) -> None:
        """Come back to the clinical image's own VOI window."""
        window = names.window_of(self._nodes[0])
        if window is not None:
            self._displays[0].SetAutoWindowLevel(False)
            self._displays[0].SetWindowLevelMinMax(*window)

    def release(self) -> None:
        """Stop sharing."""
        self._observations.remove()

    def _copy(self, changed: "vtkMRMLScalarVolumeDisplayNode") -> None:
        if self._writing:
            return
        clinical, synthetic = self._displays
        low, high = changed.GetWindowLevelMin(), changed.GetWindowLevelMax()
        if changed is clinical:
            other, low, high = synthetic, self._scale * low + self._shift, self._scale * high + self._shift
        else:
            other, low, high = clinical, (low - self._shift) / self._scale, (high - self._shift) / self._scale
        self._writing = True
        try:
            before = other.StartModify()
            other.SetAutoWindowLevel(False)
            other.SetWindowLevelMinMax(low, high)
            other.SetInvertDisplayScalarRange(changed.GetInvertDisplayScalarRange())
            other.SetAndObserveColorNodeID(changed.GetColorNodeID())
            other.EndModify(before)
        finally:
            self._writing = False


def map_to_synthetic(clinical: "vtkMRMLScalarVolumeNode", synthetic: "vtkMRMLScalarVolumeNode") -> tuple[float, float]:
    """Scale and shift from clinical to synthetic pixel values."""
    if all(node.GetAttribute(names.UNITS) == names.MODALITY_UNITS for node in (clinical, synthetic)):
        return 1.0, 0.0
    source, target = names.window_of(clinical), names.window_of(synthetic)
    if source is None or target is None:
        return 1.0, 0.0
    scale = (target[1] - target[0]) / (source[1] - source[0])
    return scale, target[0] - scale * source[0]
