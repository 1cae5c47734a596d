"""Pictures: 16-bit PNG that holds data, with a JSON beside it, and 8-bit PNG for people, marked as synthetic."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from CEMSynthLib.export.burn_in import burn_notice, draw_scale_bar
from CEMSynthLib.export.files import replacing, write_text
from CEMSynthLib.export.provenance import NOTICE, ModelProvenance
from CEMSynthLib.study.model import VOIWindow

FORMAT = "cemsynth-synthetic"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class SyntheticPng:
    """The two files of one synthetic image: ``value = slope * png + intercept``."""

    image: Path
    description: Path
    slope: float
    intercept: float


def synthetic_stem(source_name: str) -> str:
    """Name a synthetic image after its low-energy file.

    Parameters
    ----------
    source_name
        Such as ``P12_L_DM_CC.jpg`` (CDD-CESM) or ``P12_1_LCC_LOW_ENERGY.nrrd`` (CESM@UCBM).

    Returns
    -------
    str
        ``P12_L_SYNTHETIC_CC``, ``P12_1_LCC_SYNTHETIC``; any other stem gets ``_SYNTHETIC`` at its end.
    """
    stem = re.sub(r"\s+", "", Path(source_name).stem)
    for pattern, put in ((r"(?<=_)DM(?=_)", "SYNTHETIC"), (r"(?<=_)LOW_ENERGY$", "SYNTHETIC")):
        renamed, count = re.subn(pattern, put, stem, count=1, flags=re.IGNORECASE)
        if count:
            return renamed
    return f"{stem}_SYNTHETIC"


def write_synthetic_png(
    folder: Path,
    *,
    values: NDArray[np.floating],
    window: VOIWindow,
    source_name: str,
    spacing_mm: tuple[float, float] | None,
    model: ModelProvenance,
    units: str = "recombined units",
    warnings: Sequence[str] = (),
    device: str = "",
    created: datetime | None = None,
) -> SyntheticPng:
    """Write a synthetic image as data: 16-bit PNG and a JSON that says what its numbers mean.

    Parameters
    ----------
    folder
        Where; must exist.
    values
        Recombined units, finite, shape (rows, columns), brighter = more iodine.
    window
        The window to show it with.
    source_name
        File name of the low-energy image, without folders.
    spacing_mm
        Of the pixels (row, column), or ``None``.
    model
        What made it.
    units
        Name of the units, for people.
    warnings
        Sentences for the reader.
    device, created
        Where the model ran, and when.

    Returns
    -------
    SyntheticPng
        No value is clipped: slope and intercept are chosen from the values themselves. The error of a value is
        at most half a slope, that is 1/131070 of their range.

    Raises
    ------
    ExportError
        A file cannot be written.
    ValueError
        A value is not finite.
    """
    data = np.asarray(values, dtype=np.float64)
    if not np.isfinite(data).all():
        raise ValueError("a synthetic image holds values that are not finite")
    low, high = float(data.min()), float(data.max())
    slope = (high - low) / 65535 if high > low else 1.0
    stored = np.clip(np.rint((data - low) / slope), 0, 65535).astype(np.uint16)
    stem = synthetic_stem(source_name)
    paths = folder / f"{stem}.png", folder / f"{stem}.json"
    description = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "notice": NOTICE,
        "source": source_name,
        "slope": slope,
        "intercept": low,
        "units": units,
        "window": {"low": window.low, "high": window.high},
        "pixel_spacing_mm": list(spacing_mm) if spacing_mm else None,
        "model": dict(model.as_json()),
        "device": device,
        "created": created.isoformat(timespec="seconds") if created else None,
        "warnings": list(warnings),
    }
    with replacing(paths[0]) as temporary:
        Image.fromarray(stored).save(temporary, format="PNG", pnginfo=_text_chunks())
    write_text(paths[1], json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    return SyntheticPng(*paths, slope, low)


def write_display_png(
    path: Path,
    *,
    values: NDArray[np.floating],
    window: VOIWindow,
    synthetic: bool,
    burn_in: bool = True,
    spacing_mm: tuple[float, float] | None = None,
) -> None:
    """Write a picture for people: 8 bits, windowed, marked as synthetic in the pixels where it is.

    Parameters
    ----------
    path
        The PNG file.
    values
        Modality units, shape (rows, columns).
    window
        Shown from black to white.
    synthetic
        Whether the image is one; a real image gets no mark.
    burn_in
        Whether the mark is drawn into the pixels; it is in the file's text chunks in any case.
    spacing_mm
        (row, column); a scale bar is drawn where it is known.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    picture = Image.fromarray(np.rint(255 * window.apply(values)).astype(np.uint8))
    if synthetic and burn_in:
        burn_notice(picture)
    if spacing_mm is not None:
        draw_scale_bar(picture, spacing_mm)
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG", pnginfo=_text_chunks() if synthetic else None)


def _text_chunks() -> PngInfo:
    chunks = PngInfo()
    chunks.add_text("Comment", NOTICE)
    return chunks
