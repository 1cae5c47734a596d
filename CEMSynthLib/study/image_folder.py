"""Image folders: files that their name or a table tells apart, described without decoding where that can be.

Names: `CEMSynthLib.study.image_names`; tables: `CEMSynthLib.study.image_table`. A synthetic image is a 16-bit PNG
`P{n}_{L|R}_SYNTHETIC_{CC|MLO}.png` with a JSON of the same stem beside it that holds slope, intercept, window and
source: value = slope * stored + intercept.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.image_names import kind_of_folder, parse_image_name
from CEMSynthLib.study.image_table import TABLE_NAME, ImageEntry
from CEMSynthLib.study.model import CEMImage, FloatImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow

NRRD_SUFFIX = ".nrrd"
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", NRRD_SUFFIX)
SIDECAR_FORMAT = "cemsynth-synthetic"
_BITS = {"L": 8, "I;16": 16, "I;16B": 16, "I": 16, "RGB": 8}
# JPEG files of grey images stored as RGB differ by rounding only.
_GREY_TOLERANCE = 3
_IMAGE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
# Where no window is stored it spans these percentiles of what is not the lowest value (air, padding).
_WINDOW_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class _Opened:
    """A file's form; ``load`` reads its pixels."""

    rows: int
    columns: int
    bits: int
    mode: str
    load: Callable[[], FloatImage]
    spacing_mm: tuple[float, float] | None = None
    window: VOIWindow | None = None


def read_image_file(path: Path, entry: ImageEntry | None = None) -> FoundImage:
    """Describe one image file.

    Parameters
    ----------
    path
        The file, absolute. White space anywhere in the name is ignored (some CDD-CESM names have it).
    entry
        What a `cemsynth-images.csv` says of it; it goes before name and header.

    Returns
    -------
    FoundImage
        With spacing only where the table, a NRRD header or the JSON of a synthetic image gives it.

    Raises
    ------
    UnreadableImageError
        Another name and no table, color, cut short, damaged, or a synthetic image without a valid JSON beside it.
    """
    name = parse_image_name(path)
    told = entry if entry is not None else name
    if told is None:
        raise UnreadableImageError(
            f"{path.name} is not named like P12_L_DM_CC (DM low energy, CM recombined), so it is not used; "
            f"a {TABLE_NAME} can tell what it shows."
        )
    opened = _opened_nrrd(path) if path.suffix.lower() == NRRD_SUFFIX else _opened(path)
    if entry is None and name is not None and name.kind is ImageKind.SYNTHETIC:
        grid = PixelGrid(opened.rows, opened.columns, None)
        image = _synthetic(path, grid, name.laterality, name.view, opened.bits)
        return FoundImage(image, name.patient_id, None, name.laterality, name.view)
    warnings = []
    folder = kind_of_folder(path)
    if entry is None and folder is not None and folder is not told.kind:
        warnings.append(
            f"{path.name} is named as a {told.kind.value.replace('_', ' ')} image but lies in the folder "
            f"{path.parent.name}; its name was followed."
        )
    window = (entry.window if entry else None) or opened.window
    if window is None and opened.bits == 8:
        window = VOIWindow.from_range(0.0, 255.0)
    if window is None:
        window = window_of_values(opened.load())
        warnings.append(f"{path.name} tells no window, so it is shown from its darkest to its brightest tissue.")
    if opened.mode == "RGB":
        opened.load()  # says now if it is in color
    image = CEMImage(
        path=path,
        kind=told.kind,
        grid=PixelGrid(opened.rows, opened.columns, (entry.spacing_mm if entry else None) or opened.spacing_mm),
        window=window,
        chest_wall=None,
        bits_stored=opened.bits,
        load=opened.load,
    )
    return FoundImage(
        image=image,
        patient_id=told.patient_id,
        study_uid=None,
        laterality=told.laterality,
        view=told.view,
        instance_number=told.number,
        warnings=tuple(warnings),
    )


def window_of_values(pixels: FloatImage) -> VOIWindow:
    """The window from the 0.5th to the 99.5th percentile of all values above the lowest one (air or padding)."""
    above = pixels[np.isfinite(pixels) & (pixels > np.nanmin(pixels))] if np.isfinite(pixels).any() else pixels[:0]
    if above.size == 0:
        return VOIWindow.from_range(0.0, 1.0)
    low, high = (float(x) for x in np.percentile(above, _WINDOW_PERCENTILES))
    return VOIWindow.from_range(low, high if high > low else low + 1.0)


def load_image_pixels(path: Path, slope: float = 1.0, intercept: float = 0.0) -> FloatImage:
    """Read an image file as ``slope * stored + intercept``.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Grey levels (8-bit: 0 to 255).

    Raises
    ------
    UnreadableImageError
        Color, cut short or damaged.
    """
    try:
        with Image.open(path) as file:
            values = np.asarray(file).astype(np.float64)
    except _IMAGE_ERRORS as error:
        raise UnreadableImageError(
            f"{path.name} cannot be decoded: it is damaged or cut short; copy it again."
        ) from error
    if values.ndim == 3:
        if np.ptp(values, axis=2).max() > _GREY_TOLERANCE:
            raise UnreadableImageError(f"{path.name} is a color image, not a grey-level mammogram.")
        values = values[..., 1]
    return np.asarray(values * slope + intercept, dtype=np.float32)


def _opened_nrrd(path: Path) -> _Opened:
    # Imported here: SimpleITK takes half a second, and other images do not need it.
    from CEMSynthLib.study.nrrd import load_nrrd_pixels, read_nrrd_header

    header = read_nrrd_header(path)
    load = partial(load_nrrd_pixels, path)
    return _Opened(header.rows, header.columns, header.bits, "NRRD", load, header.spacing_mm, header.window)


def _opened(path: Path) -> _Opened:
    """Form and completeness without decoding."""
    try:
        with Image.open(path) as file:
            mode, (columns, rows) = file.mode, file.size
            form = file.format or ""
            strips: list[tuple[int, int]] = []
            if form == "TIFF":
                tags = getattr(file, "tag_v2", {})
                offsets = tags.get(273, tags.get(324, ()))
                counts = tags.get(279, tags.get(325, ()))
                strips = list(zip(offsets, counts, strict=False))
    except _IMAGE_ERRORS as error:
        raise UnreadableImageError(
            f"{path.name} is no image that can be read: it is damaged or of another kind."
        ) from error
    if mode not in _BITS:
        raise UnreadableImageError(f"{path.name} is not a grey-level image of 8 or 16 bits (its form is {mode}).")
    size = path.stat().st_size
    with path.open("rb") as raw:
        raw.seek(max(0, size - 4096))
        tail = raw.read()
    whole = {
        "PNG": b"IEND" in tail,
        "JPEG": b"\xff\xd9" in tail,
        "TIFF": all(offset + count <= size for offset, count in strips),
    }.get(form, True)
    if not whole:
        raise UnreadableImageError(f"{path.name} is cut short: its end is missing; copy it again from its source.")
    return _Opened(rows, columns, _BITS[mode], mode, partial(load_image_pixels, path))


def _synthetic(path: Path, grid: PixelGrid, laterality: Laterality, view: ViewPosition, bits: int) -> CEMImage:
    sidecar = path.with_suffix(".json")
    try:
        data = json.loads(sidecar.read_text(encoding="utf-8"))
        if data["format"] != SIDECAR_FORMAT or data["version"] != 1 or bits != 16:
            raise ValueError
        slope, intercept = float(data["slope"]), float(data["intercept"])
        window = VOIWindow.from_range(float(data["window"]["low"]), float(data["window"]["high"]))
        spacing = data["pixel_spacing_mm"]
        spacing_mm = None if spacing is None else (float(spacing[0]), float(spacing[1]))
        source = str(data["source"])
        if not np.isfinite([slope, intercept, window.low, window.high]).all() or window.width <= 0 or slope <= 0:
            raise ValueError
    except FileNotFoundError as error:
        raise UnreadableImageError(
            f"{path.name} has no {sidecar.name} beside it, so its grey levels mean nothing."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableImageError(
            f"{sidecar.name} is not a description of a synthetic 16-bit image by cemsynth."
        ) from error
    return CEMImage(
        path=path,
        kind=ImageKind.SYNTHETIC,
        grid=PixelGrid(grid.rows, grid.columns, spacing_mm),
        window=window,
        chest_wall=None,
        bits_stored=16,
        attributes={"SourceFile": source, "Laterality": laterality.value, "ViewPosition": view.value},
        load=partial(load_image_pixels, path, slope, intercept),
    )
