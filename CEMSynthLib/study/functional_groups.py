"""Functional groups: one frame of a multi-frame image as if it were a header of its own.

Breast Projection X-Ray images (PS3.3 A.74) keep what an ordinary mammogram has at its top level in the Shared
(5200,9229) and Per-Frame (5200,9230) Functional Groups Sequences, one macro in one sequence.
"""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CEMSynthLib.study.header import items, text, texts, whole
from CEMSynthLib.study.pydicom_api import unread_element

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
# Attribute of a frame -> the attribute that an ordinary mammogram has for it.
_SAME = {
    "FrameType": "ImageType",
    "FrameLaterality": "ImageLaterality",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
}
# One compression has at most LE, HE and recombined, before and after contrast, with a repeat of each. More frames are
# the projections of a tomosynthesis or a cine.
LARGEST_FRAME_COUNT = 12


def frame_count(dataset: Dataset) -> int:
    """Number of Frames (0028,0008), 1 where it is missing."""
    return whole(dataset, "NumberOfFrames", 1)


def has_frame_types(dataset: Dataset) -> bool:
    """True where every frame tells its Frame Type (0008,9007), so that the frames can be told apart."""
    count = len(items(dataset, _GROUPS[1]))
    return count == frame_count(dataset) and all(text(frame_header(dataset, i), "FrameType") for i in range(count))


def frame_header(dataset: Dataset, index: int) -> Dataset:
    """Overlay the top level with the shared and the frame's own functional groups.

    Parameters
    ----------
    dataset
        A header with or without functional groups.
    index
        Of the frame, from 0.

    Returns
    -------
    Dataset
        What the macros' first items hold counts more than the top level, the frame's own more than what is shared
        (with one file of two energies, KVP at the top level is their mean). Without functional groups ``dataset``.
    """
    shared, frames = (items(dataset, keyword) for keyword in _GROUPS)
    groups = shared[:1] + frames[index : index + 1]
    if not groups:
        return dataset
    tags = list(dataset.keys())  # iterating over the data set itself would read the pixels
    elements = ((tag, unread_element(dataset, tag)) for tag in tags if tag.group != 0x5200)
    flat = Dataset({tag: element for tag, element in elements if element is not None})
    for group in groups:
        for macro in group:
            if macro.VR == "SQ" and macro.value:
                _overlay(flat, macro.value[0])
    for own, usual in _SAME.items():
        if texts(flat, own):
            setattr(flat, usual, flat[own].value)
    return flat


def _overlay(flat: Dataset, item: Dataset) -> None:
    for element in item:
        if not element.is_empty and not (isinstance(element.value, Sequence) and not len(element.value)):
            flat[element.tag] = element
