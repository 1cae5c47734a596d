"""Presets: windows to choose from, those of the image's header and percentiles of the breast."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.pixels import pixels_of

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

#: Percentiles of the breast that become black and white.
PERCENTILES = ((1.0, 99.0), (5.0, 99.5), (25.0, 99.9))
# Every n-th pixel along each side is enough for percentiles of some millions.
_MOST_PIXELS = 500_000


class PresetKind(Enum):
    """Where a window comes from."""

    OWN = "own"
    HEADER = "header"
    PERCENTILES = "percentiles"


@dataclass(frozen=True)
class Preset:
    """A window.

    Parameters
    ----------
    kind
        Where it comes from.
    detail
        What tells it from others of its kind: the header's explanation or number, ``"1 99"``.
    low, high
        The pixel values that are shown as black and white.
    """

    kind: PresetKind
    detail: str
    low: float
    high: float

    @property
    def name(self) -> str:
        """The same for all images: ``"percentiles 1 99"``."""
        return f"{self.kind.value} {self.detail}".strip()


def presets_of(volume: "vtkMRMLScalarVolumeNode") -> list[Preset]:
    """The windows of an image, its own first, then those of its header, then percentiles."""
    own = names.window_of(volume)
    found = [] if own is None else [Preset(PresetKind.OWN, "", *own)]
    for number, line in enumerate((volume.GetAttribute(names.OTHER_WINDOWS) or "").splitlines(), start=2):
        low, high, *name = line.split(" ", 2)
        found.append(Preset(PresetKind.HEADER, name[0] if name else str(number), float(low), float(high)))
    return found + _percentiles(volume)


def apply_preset(volume: "vtkMRMLScalarVolumeNode", preset: Preset) -> None:
    """Show an image with a window."""
    display = volume.GetDisplayNode()
    before = display.StartModify()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(preset.low, preset.high)
    display.EndModify(before)


def _percentiles(volume: "vtkMRMLScalarVolumeNode") -> list[Preset]:
    image = pixels_of(volume)
    if image is None:
        return []
    step = max(1, int(np.sqrt(image.size / _MOST_PIXELS)))
    values = image[::step, ::step].ravel()
    # Air is one level, or a narrow band around the most frequent one: only what differs from it counts.
    levels, counts = np.unique(values, return_counts=True)
    air = levels[counts.argmax()]
    tissue = values[values != air] if counts.max() > 0.02 * values.size else values
    if tissue.size == 0:
        return []
    found = []
    for low, high in PERCENTILES:
        black, white = (float(value) for value in np.percentile(tissue, (low, high)))
        if white > black:
            found.append(Preset(PresetKind.PERCENTILES, f"{low:g} {high:g}", black, white))
    return found
