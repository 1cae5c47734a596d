"""Image table: a `cemsynth-images.csv` beside image files tells what each of them shows.

For images whose names follow no known rule, or to give spacing and window where the files hold none. One row an image::

    file,patient,laterality,view,kind,spacing_mm,window_center,window_width
    a/001.png,P1,L,CC,low_energy,0.1,,
    a/002.tif,P1,L,CC,recombined,0.1,2105,380

``file`` is relative to the table and stays in its folder. ``kind`` is low_energy, high_energy or recombined (LE, HE,
DM, CM, RECOMB and SUBTRACTED are understood). ``spacing_mm`` is one number, or "rows x columns" as in "0.1x0.094".
Spacing and window may be empty, or their columns left out. Commas or semicolons; with semicolons a decimal comma is
understood.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from CEMSynthLib.study.errors import ImageTableError
from CEMSynthLib.study.model import ImageKind, Laterality, ViewPosition, VOIWindow

TABLE_NAME = "cemsynth-images.csv"
_NEEDED = ("file", "patient", "laterality", "view", "kind")
_OPTIONAL = ("spacing_mm", "window_center", "window_width")
_KINDS = {
    "low_energy": ImageKind.LOW_ENERGY, "le": ImageKind.LOW_ENERGY, "dm": ImageKind.LOW_ENERGY,
    "high_energy": ImageKind.HIGH_ENERGY, "he": ImageKind.HIGH_ENERGY,
    "recombined": ImageKind.RECOMBINED, "recomb": ImageKind.RECOMBINED, "cm": ImageKind.RECOMBINED,
    "subtracted": ImageKind.RECOMBINED,
}  # fmt: skip
_SIDES = {"l": Laterality.LEFT, "left": Laterality.LEFT, "r": Laterality.RIGHT, "right": Laterality.RIGHT}
_PLAUSIBLE_SPACING = (0.01, 5.0)
# Faults that one message names.
_NAMED_FAULTS = 5


@dataclass(frozen=True)
class ImageEntry:
    """One row of the table.

    Parameters
    ----------
    path
        The image, absolute.
    patient_id, laterality, view, kind
        What it shows.
    spacing_mm
        (between rows, between columns) or ``None``.
    window
        In grey levels of the file, or ``None``.
    number
        The line of the table: orders images of one view.
    """

    path: Path
    patient_id: str
    laterality: Laterality
    view: ViewPosition
    kind: ImageKind
    spacing_mm: tuple[float, float] | None
    window: VOIWindow | None
    number: int


class _RowError(ValueError):
    """What is wrong with one row."""


def read_image_tables(files: Iterable[Path]) -> Mapping[Path, ImageEntry]:
    """Read every ``cemsynth-images.csv`` among files.

    Returns
    -------
    mapping of image path to ImageEntry

    Raises
    ------
    ImageTableError
        A table is damaged, or two tables tell of the same image.
    """
    entries: dict[Path, ImageEntry] = {}
    for table in files:
        if table.name.casefold() == TABLE_NAME:
            for entry in read_image_table(table):
                if entry.path in entries:
                    raise ImageTableError(f"Two tables tell of {entry.path.name}; keep one {TABLE_NAME}.")
                entries[entry.path] = entry
    return entries


def read_image_table(path: Path) -> list[ImageEntry]:
    """Read one table.

    Parameters
    ----------
    path
        The CSV file, absolute.

    Raises
    ------
    ImageTableError
        Not a table, a column missing or unknown, or rows that cannot be used, each named with its line and reason.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageTableError(f"{path.name} cannot be read as text; save it as CSV in UTF-8.") from error
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    columns = [(name or "").strip().casefold() for name in reader.fieldnames or ()]
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in (*_NEEDED, *_OPTIONAL)]
    if missing or unknown or len(set(columns)) != len(columns):
        told = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown) or 'a column twice'}"
        raise ImageTableError(f"{path.name} {told}; its columns are {', '.join((*_NEEDED, *_OPTIONAL))}.")
    reader.fieldnames = columns
    entries: dict[Path, ImageEntry] = {}
    faults: list[str] = []
    try:
        for row in reader:
            line = reader.line_num
            try:
                entry = _entry(row, path.parent, line, decimal_comma=delimiter == ";")
                if entry.path in entries:
                    raise _RowError(f"{row['file']} stands in the table twice")
                entries[entry.path] = entry
            except _RowError as error:
                faults.append(f"line {line}: {error}")
    except csv.Error as error:
        raise ImageTableError(f"{path.name}, line {reader.line_num}: it is not CSV ({error}).") from error
    if faults:
        more = f" ({len(faults) - _NAMED_FAULTS} more lines like that.)" if len(faults) > _NAMED_FAULTS else ""
        raise ImageTableError(f"{path.name}, {'; '.join(faults[:_NAMED_FAULTS])}.{more}")
    if not entries:
        raise ImageTableError(f"{path.name} has no rows; write one for each image.")
    return list(entries.values())


def _entry(row: Mapping[str, str | None], folder: Path, line: int, decimal_comma: bool) -> ImageEntry:
    if None in row or any(row.get(name) is None for name in _NEEDED):
        raise _RowError("it has more or fewer cells than the first line")
    cells = {name: (value or "").strip() for name, value in row.items()}
    empty = [name for name in _NEEDED if not cells[name]]
    if empty:
        raise _RowError(f"{', '.join(empty)} is empty")
    relative = PurePosixPath(cells["file"].replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in relative.parts[0]:
        raise _RowError(f"{relative.name} lies outside the folder of the table")
    image = folder / relative
    if not image.is_file():
        raise _RowError(f"there is no file {relative}")
    side = _SIDES.get(cells["laterality"].casefold())
    if side is None:
        raise _RowError(f'the laterality is "{cells["laterality"]}", not L or R')
    kind = _KINDS.get(cells["kind"].casefold().replace(" ", "_").replace("-", "_"))
    if kind is None:
        raise _RowError(f'the kind is "{cells["kind"]}", not low_energy, high_energy or recombined')
    try:
        view = ViewPosition(cells["view"].upper())
    except ValueError as error:
        words = ", ".join(v.value for v in ViewPosition)
        raise _RowError(f'the view is "{cells["view"]}", not one of {words}') from error
    return ImageEntry(
        path=image,
        patient_id=cells["patient"],
        laterality=side,
        view=view,
        kind=kind,
        spacing_mm=_spacing(cells.get("spacing_mm", ""), decimal_comma),
        window=_window(cells.get("window_center", ""), cells.get("window_width", ""), decimal_comma),
        number=line,
    )


def _number(text: str, what: str, decimal_comma: bool) -> float:
    try:
        return float(text.replace(",", ".") if decimal_comma else text)
    except ValueError as error:
        raise _RowError(f'{what} is "{text}", not a number') from error


def _spacing(text: str, decimal_comma: bool) -> tuple[float, float] | None:
    if not text:
        return None
    parts = [_number(part, "spacing_mm", decimal_comma) for part in text.casefold().replace("x", " ").split()]
    if len(parts) > 2 or not all(_PLAUSIBLE_SPACING[0] <= part <= _PLAUSIBLE_SPACING[1] for part in parts):
        raise _RowError(f'spacing_mm is "{text}", not one or two numbers from 0.01 to 5')
    return (parts[0], parts[-1])


def _window(center: str, width: str, decimal_comma: bool) -> VOIWindow | None:
    if not center and not width:
        return None
    if not center or not width:
        raise _RowError("a window needs both window_center and window_width")
    numbers = _number(center, "window_center", decimal_comma), _number(width, "window_width", decimal_comma)
    if not (abs(numbers[0]) < 1e9 and 1 <= numbers[1] < 1e9):
        raise _RowError(f"the window {center}/{width} is impossible; the width is at least 1")
    return VOIWindow(*numbers)
