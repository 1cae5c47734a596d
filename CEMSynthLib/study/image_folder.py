"""Image folders: files named like CDD-CESM, `P{n}_{L|R}_{DM|CM}_{CC|MLO}`, and synthetic images of this project.

DM is the low-energy, CM the recombined image. A synthetic image is a 16-bit PNG `P{n}_{L|R}_SYNTHETIC_{CC|MLO}.png`
with a JSON of the same stem beside it that holds slope, intercept, window and source: value = slope * stored +
intercept.
"""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.model import (
    CEMImage,
    FloatImage,
    ImageKind,
    Laterality,
    PixelGrid,
    ViewPosition,
    VOIWindow,
)

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
SIDECAR_FORMAT = "cemsynth-synthetic"
_NAME = re.compile(r"(P\d+)_([LR])_(DM|CM|SYNTHETIC)_(CC|MLO|ML|LMO|LM|XCCL|XCCM)", re.IGNORECASE)
_KINDS = {"DM": ImageKind.LOW_ENERGY, "CM": ImageKind.RECOMBINED, "SYNTHETIC": ImageKind.SYNTHETIC}
_BITS = {"L": 8, "I;16": 16, "I;16B": 16, "I": 16, "RGB": 8}
# JPEG files of grey images stored as RGB differ by rounding only.
_GREY_TOLERANCE = 3
_IMAGE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


def read_image_file(path: Path) -> FoundImage:
    """Describe one image file.

    Parameters
    ----------
    path
        The file, absolute. White space anywhere in the name is ignored (some CDD-CESM names have it).

    Returns
    -------
    FoundImage
        Without spacing (an image file has none) unless the JSON of a synthetic image gives it.

    Raises
    ------
    UnreadableImageError
        Another name, color, cut short, damaged, or a synthetic image without a valid JSON beside it.
    """
    match = _NAME.fullmatch(re.sub(r"\s+", "", path.stem))
    if match is None:
        raise UnreadableImageError(
            f"{path.name} is not named like P12_L_DM_CC (DM low energy, CM recombined), so it is not used."
        )
    patient, side, token, view_text = (part.upper() for part in match.groups())
    kind, laterality, view = _KINDS[token], Laterality(side), ViewPosition(view_text)
    mode, rows, columns = _opened(path)
    bits = _BITS[mode]
    if kind is ImageKind.SYNTHETIC:
        image = _synthetic(path, PixelGrid(rows, columns, None), laterality, view, mode)
    else:
        if mode == "RGB" or bits == 16:
            pixels = load_image_pixels(path)
            low, high = (0.0, 255.0) if bits == 8 else (float(pixels.min()), float(pixels.max()))
        else:
            low, high = 0.0, 255.0
        image = CEMImage(
            path=path,
            kind=kind,
            grid=PixelGrid(rows, columns, None),
            window=VOIWindow.from_range(low, high if high > low else low + 1.0),
            chest_wall=None,
            bits_stored=bits,
            load=partial(load_image_pixels, path),
        )
    return FoundImage(image=image, patient_id=patient, study_uid=None, laterality=laterality, view=view)


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


def _opened(path: Path) -> tuple[str, int, int]:
    """Mode, rows and columns; checks form and completeness without decoding."""
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
    return mode, rows, columns


def _synthetic(path: Path, grid: PixelGrid, laterality: Laterality, view: ViewPosition, mode: str) -> CEMImage:
    sidecar = path.with_suffix(".json")
    try:
        data = json.loads(sidecar.read_text(encoding="utf-8"))
        if data["format"] != SIDECAR_FORMAT or data["version"] != 1 or _BITS[mode] != 16:
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
