"""Synthetic item: a synthetic image of the scene as copies, so that it can be written without the scene."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_volume import SyntheticRecord, record_of
from CEMSynthLib.study.model import Acquisition, FloatImage, VOIWindow


@dataclass(frozen=True, eq=False)
class SyntheticItem:
    """A synthetic image to write.

    Parameters
    ----------
    acquisition
        What it was made from, with its files.
    study
        What the acquisitions of one study share.
    values, window
        The image, float32 (rows, columns), and the window to show it with; ``None`` where ``file`` is given.
    record
        How it was made; ``None`` where ``file`` is given.
    file
        The file that it was read from, which is then copied.
    """

    acquisition: Acquisition
    study: str
    values: FloatImage | None = None
    window: VOIWindow | None = None
    record: SyntheticRecord | None = None
    file: Path | None = None


def synthetic_item(volumes: AcquisitionVolumes, acquisition: Acquisition, study: StudyInScene) -> SyntheticItem | None:
    """Copy the synthetic image of an acquisition; ``None`` where there is none, or its file is not open.

    Parameters
    ----------
    volumes
        The acquisition in the scene.
    acquisition
        The same with its files.
    study
        With which a synthetic image may have been opened.
    """
    node = volumes.synthetic
    record = record_of(node)
    uid = (node.GetAttribute(names.STUDY_UID) if node is not None else "") or volumes.key
    if node is None or record is None:
        # From a file that was opened with the study; perhaps not shown yet, so not in the scene.
        file = study.synthetic_file(volumes.key)
        return SyntheticItem(acquisition, uid, file=file) if file is not None else None
    low, high = names.window_of(node) or (0.0, 1.0)
    values = np.array(pixels_of(node), dtype=np.float32)
    return SyntheticItem(acquisition, uid, values, VOIWindow.from_range(low, high), record)
