"""Window: the VOI window that the source asks for, in modality units."""

import math
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from CEMSynthLib.study.model import VOIWindow

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
# A VOI LUT is replaced by the linear window between these parts of its output range.
_LUT_LOW, _LUT_HIGH = 0.02, 0.98


def window_of(dataset: Dataset) -> VOIWindow | None:
    """Read the first VOI transformation of a header, before polarity is turned.

    A VOI LUT (0028,3010) comes first, then Window Center and Width (0028,1050), (0028,1051) with VOI LUT Function
    (0028,1056). A LUT is *approximated* by the linear window between the inputs that give 2% and 98% of its output
    range.

    Returns
    -------
    VOIWindow or None
        ``None`` where the header has neither or where its numbers make no window (width 0, not a number).
    """
    lut = dataset.get("VOILUTSequence")
    if lut:
        window = _from_lut(lut[0])
        if window is not None:
            return window
    center, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    function = str(dataset.get("VOILUTFunction", "") or "LINEAR").strip().upper()
    if function not in _FUNCTIONS:
        function = "LINEAR"
    if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return None
    return VOIWindow(center, width, function)


def _from_lut(item: Dataset) -> VOIWindow | None:
    descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
    if descriptor is None or data is None or len(descriptor) != 3:
        return None
    first, bits = int(descriptor[1]), int(descriptor[2])
    if isinstance(data, bytes):
        dtype = "<u2" if bits > 8 or len(data) >= 2 * (int(descriptor[0]) or 65536) else "<u1"
        values = np.frombuffer(data, dtype=dtype).astype(np.float64)
    else:
        values = np.atleast_1d(np.asarray(data, dtype=np.float64))
    if values.size < 2 or np.ptp(values) == 0 or values[-1] < values[0]:
        return None
    part = (values - values.min()) / np.ptp(values)
    low = int(np.flatnonzero(part <= _LUT_LOW).max(initial=0))
    above = np.flatnonzero(part >= _LUT_HIGH)
    high = int(above.min()) if above.size else values.size - 1
    return VOIWindow.from_range(first + low, first + high) if high > low else None


def _first(value: object) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 0:
            return None
        value = value[0]
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
