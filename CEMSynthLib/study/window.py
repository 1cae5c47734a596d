"""Window: the VOI windows that the source asks for, in modality units."""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from CEMSynthLib.study.header import items, numbers, text, texts, value
from CEMSynthLib.study.model import VOIWindow

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
# A VOI LUT is replaced by the linear window between these parts of its output range.
_LUT_LOW, _LUT_HIGH = 0.02, 0.98


@dataclass(frozen=True)
class NamedWindow:
    """A window, the name that the source gives it ("NORMAL", "HARDER"; may be empty), and where it was read."""

    window: VOIWindow
    name: str
    source: str


def window_of(dataset: Dataset) -> VOIWindow | None:
    """Read the first VOI transformation of a header, before polarity is turned; ``None`` where there is none."""
    found = windows_of(dataset)
    return found[0].window if found else None


def windows_of(dataset: Dataset) -> tuple[NamedWindow, ...]:
    """Read every VOI transformation of a header, before polarity is turned.

    Returns
    -------
    tuple of NamedWindow
        First the items of VOI LUT Sequence (0028,3010), then the pairs of Window Center and Width (0028,1050),
        (0028,1051) with VOI LUT Function (0028,1056), each in the order of the header; the first is the one to show
        (PS3.3 C.11.2). A LUT is *approximated* by the linear window between the inputs that give 2% and 98% of its
        output range. Numbers that make no window (width 0, not a number) and falling LUTs are left out.
    """
    found = []
    for item in items(dataset, "VOILUTSequence"):
        window = _from_lut(item)
        if window is not None:
            found.append(NamedWindow(window, text(item, "LUTExplanation"), "VOI LUT Sequence, its linear part"))
    function = text(dataset, "VOILUTFunction").upper()
    source = "Window Center and Width" if function in (*_FUNCTIONS, "") else f"Window, its function {function} unknown"
    function = function if function in _FUNCTIONS else "LINEAR"
    names = texts(dataset, "WindowCenterWidthExplanation")
    pairs = zip(numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth"), strict=False)
    for index, (center, width) in enumerate(pairs):
        if width > 0 and (function != "LINEAR" or width >= 1):
            name = names[index] if index < len(names) else ""
            found.append(NamedWindow(VOIWindow(center, width, function), name, source))
    return tuple(found)


def _from_lut(item: Dataset) -> VOIWindow | None:
    descriptor, data = numbers(item, "LUTDescriptor"), value(item, "LUTData")
    if len(descriptor) != 3 or data is None:
        return None
    count, first, bits = int(descriptor[0]), int(descriptor[1]), int(descriptor[2])
    if isinstance(data, bytes):
        dtype = "<u2" if bits > 8 or len(data) >= 2 * (count or 65536) else "<u1"
        entries = np.frombuffer(data[: len(data) // 2 * 2], dtype=dtype).astype(np.float64)
    else:
        try:
            entries = np.atleast_1d(np.asarray(data, dtype=np.float64))
        except (ValueError, TypeError):
            return None
    if entries.size < 2 or np.ptp(entries) == 0 or entries[-1] < entries[0]:
        return None
    part = (entries - entries.min()) / np.ptp(entries)
    low = int(np.flatnonzero(part <= _LUT_LOW).max(initial=0))
    above = np.flatnonzero(part >= _LUT_HIGH)
    high = int(above.min()) if above.size else entries.size - 1
    return VOIWindow.from_range(first + low, first + high) if high > low else None
