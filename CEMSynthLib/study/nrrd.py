"""NRRD: grey-level images in one `.nrrd` file, read by SimpleITK; header checked here first.

CESM@UCBM comes in this form. SimpleITK writes "space directions: (1,0) (0,1)" for an image without spacing, so exactly
1 mm is taken as unknown. A window is read from the header where DICOM's words or tags are kept there.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import FloatImage, VOIWindow

# SimpleITK's wheel has no annotations of its own.
sitk: Any = SimpleITK

# Headers of images are a few hundred bytes; one that has not ended by here is none.
_HEADER_BYTES = 65536
_BITS = {
    "unsigned char": 8, "uchar": 8, "uint8": 8, "uint8_t": 8,
    "short": 16, "short int": 16, "signed short": 16, "int16": 16, "int16_t": 16,
    "unsigned short": 16, "ushort": 16, "unsigned short int": 16, "uint16": 16, "uint16_t": 16,
    "int": 32, "signed int": 32, "int32": 32, "int32_t": 32,
    "unsigned int": 32, "uint": 32, "uint32": 32, "uint32_t": 32, "float": 32, "double": 64,
}  # fmt: skip
# 20,000 x 20,000: four times the sides of the largest detector; more is a damaged header.
_MOST_PIXELS = 400_000_000
_PLAUSIBLE_SPACING = (0.01, 5.0)
_CENTER_KEYS = ("windowcenter", "window_center", "window center", "0028|1050", "(0028,1050)")
_WIDTH_KEYS = ("windowwidth", "window_width", "window width", "0028|1051", "(0028,1051)")


@dataclass(frozen=True)
class NrrdHeader:
    """What the header tells.

    Parameters
    ----------
    rows, columns
        Matrix.
    bits
        Bits of a stored value.
    spacing_mm
        (between rows, between columns), or ``None`` where the header has none, has 1 mm (what SimpleITK writes for
        unknown) or something impossible.
    window
        ``None`` where the header has none.
    """

    rows: int
    columns: int
    bits: int
    spacing_mm: tuple[float, float] | None
    window: VOIWindow | None


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Read the header of a ``.nrrd`` file without its pixels.

    Raises
    ------
    UnreadableImageError
        No NRRD file, several frames or colors, pixels in another file, or cut short.
    """
    fields, pairs, header_size = _fields(path)
    if "data file" in fields or "datafile" in fields:
        raise UnreadableImageError(f"{path.name} keeps its pixels in another file; save it as one .nrrd file.")
    try:
        sizes = [int(word) for word in fields["sizes"].split()]
        bits = _BITS[fields["type"].lower()]
    except (KeyError, ValueError) as error:
        raise UnreadableImageError(f"{path.name} has no grey levels that can be read, or a damaged header.") from error
    frame = sizes[:2] if len(sizes) == 3 and sizes[2] == 1 else sizes
    if len(frame) != 2 or min(frame) < 1:
        raise UnreadableImageError(f"{path.name} is not a single image of rows and columns (its sizes are {sizes}).")
    columns, rows = frame
    if rows * columns > _MOST_PIXELS:
        raise UnreadableImageError(f"{path.name} claims {rows} x {columns} pixels, so its header is damaged.")
    needed = rows * columns * bits // 8 if fields.get("encoding", "").lower() == "raw" else 1
    if path.stat().st_size - header_size < needed:
        raise UnreadableImageError(f"{path.name} is cut short: its end is missing; copy it again from its source.")
    return NrrdHeader(rows, columns, bits, _spacing(fields), _window(pairs))


def load_nrrd_pixels(path: Path) -> FloatImage:
    """Read the pixels.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        As stored.

    Raises
    ------
    UnreadableImageError
        The file is damaged or cut short.
    """
    header = read_nrrd_header(path)
    try:
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="NrrdImageIO"))
    except RuntimeError as error:
        raise UnreadableImageError(
            f"{path.name} cannot be decoded: it is damaged or cut short; copy it again."
        ) from error
    return np.asarray(values, dtype=np.float32).reshape(header.rows, header.columns)


def _fields(path: Path) -> tuple[dict[str, str], dict[str, str], int]:
    """Fields, key/value pairs (both with keys in lower case) and the header's size in bytes."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    end = re.search(rb"\r?\n\r?\n", start)
    if not start.startswith(b"NRRD") or end is None:
        raise UnreadableImageError(f"{path.name} is not a NRRD file, whatever its name says, or is cut short.")
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    for line in start[: end.start()].decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#"):
            continue
        for separator, found in ((":=", pairs), (":", fields)):
            key, mark, value = line.partition(separator)
            if mark:
                found[key.strip().lower()] = value.strip()
                break
    return fields, pairs, end.end()


def _spacing(fields: dict[str, str]) -> tuple[float, float] | None:
    """(between rows, between columns) from "space directions" or "spacings", axes in NRRD's order: columns first."""
    try:
        if "space directions" in fields:
            vectors = re.findall(r"\(([^)]*)\)", fields["space directions"])
            steps = [float(np.linalg.norm([float(x) for x in vector.split(",")])) for vector in vectors]
        else:
            steps = [float(word) for word in fields.get("spacings", "").split()]
        across, down = steps[:2]
    except ValueError:
        return None
    if across == down == 1.0 or not all(_PLAUSIBLE_SPACING[0] <= s <= _PLAUSIBLE_SPACING[1] for s in (across, down)):
        return None
    return (down, across)


def _window(pairs: dict[str, str]) -> VOIWindow | None:
    """The first window of the header; DICOM joins several by a backslash."""
    try:
        center, width = (
            float(re.split(r"[\\,; ]+", next(pairs[key] for key in keys if key in pairs).strip("[]() "))[0])
            for keys in (_CENTER_KEYS, _WIDTH_KEYS)
        )
    except (StopIteration, ValueError, RuntimeError):
        return None
    return VOIWindow(center, width) if np.isfinite([center, width]).all() and width >= 1 else None
