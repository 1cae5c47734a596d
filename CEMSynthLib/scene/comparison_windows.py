"""Comparison windows: every shown pair of clinical and synthetic image shares a window; zero stays in the middle."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.difference import CenteredWindow
from CEMSynthLib.scene.presets import Preset, PresetKind, apply_preset, presets_of
from CEMSynthLib.scene.shared_window import SharedWindow

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


class ComparisonWindows:
    """The windows of what is shown."""

    def __init__(self) -> None:
        self._shared: dict[tuple[str, str], SharedWindow] = {}
        self._centered: dict[str, CenteredWindow] = {}

    def follow(self, shown: Iterable[AcquisitionVolumes]) -> None:
        """Share the windows of these acquisitions and of no others; pairs that share already are left alone."""
        shown = list(shown)
        keys = {volumes.key for volumes in shown}
        for number, centered in list(self._centered.items()):
            if centered.volume.GetAttribute(names.DIFFERENCE_OF) not in keys:
                # It would keep the pixels of an image that nobody sees.
                self._centered.pop(number).release()
        pairs = {
            (volumes.recombined.GetID(), volumes.synthetic.GetID()): (volumes.recombined, volumes.synthetic)
            for volumes in shown
            if volumes.recombined is not None and volumes.synthetic is not None
        }
        for key in set(self._shared) - set(pairs):
            self._shared.pop(key).release()
        for key, pair in pairs.items():
            if key not in self._shared:
                self._shared[key] = SharedWindow(*pair)

    def center(self, difference: "vtkMRMLScalarVolumeNode") -> None:
        """Keep zero in the middle of a difference image's colors."""
        there = self._centered.get(difference.GetID())
        if there is None or there.volume is not difference:
            self._centered[difference.GetID()] = CenteredWindow(difference)

    def release(self) -> None:
        """Let every image go its own way."""
        for window in self._shared.values():
            window.release()
        for centered in self._centered.values():
            centered.release()
        self._shared.clear()
        self._centered.clear()


def iodine_of(volumes: AcquisitionVolumes) -> "vtkMRMLScalarVolumeNode | None":
    """The image whose windows the iodine images are shown with: the clinical one where it is there."""
    return volumes.recombined or volumes.synthetic


def choose_preset(shown: Iterable[AcquisitionVolumes], name: str) -> None:
    """Show the iodine images with their window of a name, where they have it."""
    for volume in (iodine_of(volumes) for volumes in shown):
        if volume is not None:
            for preset in presets_of(volume):
                if preset.name == name:
                    apply_preset(volume, preset)


def reset_windows(shown: Iterable[AcquisitionVolumes]) -> None:
    """Come back to the images' own VOI windows, clinical and synthetic with the clinical one's."""
    for volumes in shown:
        for volume in (volumes.low_energy, iodine_of(volumes)):
            window = names.window_of(volume) if volume is not None else None
            if volume is not None and window is not None:
                apply_preset(volume, Preset(PresetKind.OWN, "", *window))
