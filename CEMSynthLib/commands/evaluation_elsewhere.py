"""Images made elsewhere: which file of another system belongs to which low-energy image, and what its gray levels mean.

A file is tied to its source by a table ``cemsynth-synthetic.csv`` (``file,source`` and, where known,
``window_center,window_width``), or by its name without suffix and case: the source's path, its path with ``_`` for
``/``, its SOP Instance UID, or its file name (inside a longer name only where it holds the patient's ID), between
characters that are neither letters nor digits; the recombined image's names count too. What fits twice is not used.

Gray levels: DICOM and floating-point files are taken as recombined units; the range of 8-bit and 16-bit files, or the
window that the table tells, is laid on the VOI window of the clinical image.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.transform import resize

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.acquisition import RECOMBINED_UNITS, UNITS
from CEMSynthLib.study.dicom import read_instance
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.image_folder import load_image_pixels
from CEMSynthLib.study.model import CEMImage, FloatImage, ImageKind, PixelGrid, StudyFolder, VOIWindow

TABLE = "cemsynth-synthetic.csv"
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_DICOM = (".dcm", ".dicom", "")
# Kinds of names in `_Source.names`.
_LEVELS = 8
_FLOAT, _WHOLE = ("F",), {"L": 255.0, "RGB": 255.0, "I;16": 65535.0, "I;16B": 65535.0, "I": 65535.0}


class SyntheticTableError(CEMSynthError):
    """The table of images made elsewhere cannot be used."""


@dataclass(frozen=True)
class MadeElsewhere:
    """What was matched: images that name their source, a line for each of them, and sentences on what is not used."""

    images: tuple[CEMImage, ...]
    lines: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    low: CEMImage
    recombined: CEMImage
    path: str
    patient_id: str

    def names(self, root: Path, whole: bool) -> Iterator[set[str]]:
        """What a file may be called, or its name hold, the surest first."""
        for image in (self.low, self.recombined):
            path = _key(image.path, root)
            name = path.rsplit("/", 1)[-1]
            yield {path}
            yield {path.replace("/", "_")}
            yield {image.sop_instance_uid} if image.sop_instance_uid else set()
            # "L_CC" is in the names of other patients' files too.
            yield {name} if whole or self.patient_id.casefold() in name else set()


@dataclass(frozen=True)
class _Row:
    source: str
    window: VOIWindow | None


def images_made_elsewhere(place: Path, found: StudyFolder) -> MadeElsewhere:
    """Tie the files of a folder (or those that a table names) to the low-energy images of a cohort.

    Parameters
    ----------
    place
        The folder, which may hold a table, or the table itself.
    found
        The cohort.

    Raises
    ------
    SyntheticTableError
        The table cannot be read, or names what is not there.
    """
    table = place if place.suffix.lower() == ".csv" else place / TABLE
    folder = table.parent
    sources = [
        _Source(a.low_energy, a.recombined, a.low_energy.path.relative_to(found.root).as_posix(), study.patient_id)
        for study in found.studies
        for a in study.acquisitions
        if a.low_energy is not None and a.recombined is not None
    ]
    rows = _read_table(table) if table.is_file() else {}
    known = {source.path: source for source in sources}
    tied: dict[Path, _Source] = {}
    unused: list[str] = []
    for path, row in rows.items():
        if row.source not in known:
            raise SyntheticTableError(f"{table.name} names the source {row.source}, which is not in {found.root}.")
        tied[path] = known[row.source]
    if not rows:
        files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in (*_PICTURES, *_DICOM))
        tied, unused = _by_name(files, folder, sources, found.root)
    images, lines = [], []
    for path, source in sorted(tied.items()):
        shown = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        try:
            image, units = _described(path, source, rows[path].window if path in rows else None)
        except CEMSynthError as error:
            unused.append(f"{shown}: {error}")
            continue
        images.append(image)
        lines.append(f"{shown} -> {source.path} ({units})")
    return MadeElsewhere(tuple(images), tuple(lines), tuple(sorted(unused)))


def _by_name(
    files: Sequence[Path], folder: Path, sources: Sequence[_Source], root: Path
) -> tuple[dict[Path, _Source], list[str]]:
    """Go from the surest kind of name to the least sure; sentences on files that fit nothing, or too much."""
    tied: dict[Path, _Source] = {}
    unused = []
    waiting, free = list(files), list(sources)
    for whole in (True, False):
        named = {source.path: list(source.names(root, whole)) for source in sources}
        for level in range(_LEVELS):
            fits = {
                file: [s for s in free if _fits(_key(file, folder), named[s.path][level], whole)] for file in waiting
            }
            for file, found in fits.items():
                rivals = [other for other, of in fits.items() if of and found and of == found]
                if len(found) == 1 and len(rivals) == 1:
                    tied[file] = found[0]
                elif len(found) == 1:
                    unused.append(f"{_shown(file, folder)}: {len(rivals)} files fit {found[0].path}.")
            settled = {file for file, of in fits.items() if len(of) == 1}
            taken = {of[0].path for of in fits.values() if len(of) == 1}
            waiting = [file for file in waiting if file not in settled]
            free = [source for source in free if source.path not in taken]
    unused += [f"{_shown(file, folder)}: its name fits no single low-energy image that is left." for file in waiting]
    return tied, unused


def _fits(file: str, names: set[str], whole: bool) -> bool:
    flat = file.replace("/", "_")
    if whole:
        return bool(names & {file, flat})
    return any(re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", flat) for name in names if name)


def _key(path: Path, root: Path) -> str:
    """Relative path without suffix, white space and case."""
    relative = path.relative_to(root)
    known = relative.suffix.lower() in (*_PICTURES, ".dcm", ".dicom", ".nrrd")
    return re.sub(r"\s+", "", (relative.with_suffix("") if known else relative).as_posix()).casefold()


def _shown(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _described(path: Path, source: _Source, window: VOIWindow | None) -> tuple[CEMImage, str]:
    """The image, tied to its source and on its grid, and its units in words."""
    attributes = (
        {"SourceSOPInstanceUID": source.low.sop_instance_uid}
        if source.low.sop_instance_uid
        else {"SourceFile": source.low.path.name}
    )
    if path.suffix.lower() in _PICTURES:
        image, units, same = _picture(path, source, window)
    else:
        found = read_instance(path)
        if not isinstance(found, FoundImage):
            raise UnreadableImageError(found.reason)
        image, units, same = found.image, "DICOM, taken as recombined units", True
    if window is not None:
        image, same = replace(image, window=window), False
        units = f"{window.low:g} to {window.high:g}, laid on the VOI window of the clinical image"
    told = {**attributes, UNITS: RECOMBINED_UNITS} if same else attributes
    load, shape = image.pixels, source.low.grid.shape
    if image.grid.shape != shape:
        units += f"; {image.grid.rows} x {image.grid.columns} pixels brought to {shape[0]} x {shape[1]}, the same frame"
        load = partial(_on_grid, load, shape)
    return (
        CEMImage(
            path, ImageKind.SYNTHETIC, source.low.grid, image.window, source.low.chest_wall, image.bits_stored,
            attributes=told, load=load,
        ),
        units,
    )  # fmt: skip


def _picture(path: Path, source: _Source, window: VOIWindow | None) -> tuple[CEMImage, str, bool]:
    try:
        with Image.open(path) as file:
            mode, (columns, rows) = file.mode, file.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError("it is damaged, or no image that can be read.") from error
    grid, load = PixelGrid(rows, columns, None), partial(load_image_pixels, path)
    if mode in _FLOAT:
        image = CEMImage(path, ImageKind.SYNTHETIC, grid, source.recombined.window, None, 32, load=load)
        return image, "floating point, taken as recombined units", True
    if mode not in _WHOLE:
        raise UnreadableImageError(f"it is no gray image of 8, 16 or 32 bits (its form is {mode}).")
    most = _WHOLE[mode]
    image = CEMImage(
        path, ImageKind.SYNTHETIC, grid, VOIWindow.from_range(0.0, most), None, 8 if most < 256 else 16, load=load
    )
    return image, f"0 to {most:g}, laid on the VOI window of the clinical image", False


def _on_grid(load: Callable[[], FloatImage], shape: tuple[int, int]) -> FloatImage:
    pixels = load()
    smaller = shape[0] < pixels.shape[0] or shape[1] < pixels.shape[1]
    return np.asarray(resize(pixels, shape, order=1, mode="edge", anti_aliasing=smaller), dtype=np.float32)  # type: ignore[no-untyped-call]


def _read_table(path: Path) -> Mapping[Path, _Row]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SyntheticTableError(f"{path.name} is not a CSV file in UTF-8 that can be read.") from error
    if not rows or any(name not in rows[0] for name in ("file", "source")):
        raise SyntheticTableError(f"{path.name} needs the columns file and source and at least one row.")
    found: dict[Path, _Row] = {}
    for number, row in enumerate(rows, start=2):
        file = path.parent / (row["file"] or "").strip()
        source = (row["source"] or "").strip().replace("\\", "/")
        center, width = (str(row.get(name) or "").strip() for name in ("window_center", "window_width"))
        try:
            window = VOIWindow(float(center), float(width)) if center or width else None
        except ValueError:
            window = VOIWindow(0.0, 0.0)
        if window is not None and not (np.isfinite([window.center, window.width]).all() and window.width > 0):
            raise SyntheticTableError(f"{path.name}, line {number}: window_center and window_width must be numbers.")
        if not file.is_file():
            raise SyntheticTableError(f"{path.name}, line {number}: there is no file {row['file']}.")
        if file in found or source in {r.source for r in found.values()}:
            raise SyntheticTableError(f"{path.name}, line {number}: file or source occurs twice.")
        found[file] = _Row(source, window)
    return found
