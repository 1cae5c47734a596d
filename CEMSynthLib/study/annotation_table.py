"""Annotation workbook: what radiologists noted for each image of CDD-CESM ("Radiology manual annotations.xlsx").

Read where it lies among the images, from the workbook (openpyxl, an optional package) or from a CSV made of it. One row
a finding: Image_name, Patient_ID, Side, Type, Age, Breast density (ACR), BIRADS, Findings, View, Tags, Machine and
"Pathology Classification/ Follow up". Several rows of one image are joined.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from CEMSynthLib.study.errors import ImageTableError
from CEMSynthLib.study.image_names import name_key

_FILE = re.compile(r".*manual[ _-]*annotations.*\.(xlsx|csv)", re.IGNORECASE)
_SHEET = "all"
_IMAGE = "image_name"
# Column (letters only, in lower case) to the attribute of the image.
_COLUMNS = {
    "breastdensityacr": "AnnotatedDensity",
    "breastdensity": "AnnotatedDensity",
    "birads": "AnnotatedBIRADS",
    "findings": "AnnotatedFindings",
    "tags": "AnnotatedTags",
    "pathologyclassificationfollowup": "AnnotatedPathology",
    "age": "AnnotatedAge",
    "machine": "AnnotatedMachine",
}
# The public workbook has some 2,000 rows in 200 kB; what is far beyond is no workbook of this kind.
_MOST_BYTES = 200_000_000
_MOST_ROWS = 200_000

Row = tuple[str, ...]


class MissingPackageError(ImageTableError):
    """The workbook is there, the package that reads it is not."""


def is_annotation_table(path: Path) -> bool:
    """True for a file named like "Radiology manual annotations.xlsx" (spaces, dashes, underscores) or .csv."""
    return _FILE.fullmatch(path.name) is not None


def read_annotation_table(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read the table.

    Parameters
    ----------
    path
        ``.xlsx`` or ``.csv``.

    Returns
    -------
    mapping of image name to attributes
        The name as `CEMSynthLib.study.image_names.name_key` gives it; attributes such as ``AnnotatedBIRADS``, the
        different values of several rows joined by "; ".

    Raises
    ------
    MissingPackageError
        openpyxl is not installed.
    ImageTableError
        Damaged, or no sheet has a column Image_name.
    """
    for rows in _sheets(path):
        found = _annotations(rows)
        if found is not None:
            return found
    raise ImageTableError(f"{path.name} has no column Image_name, so its rows belong to no image.")


def _annotations(rows: Iterable[Row]) -> Mapping[str, Mapping[str, str]] | None:
    lines = iter(rows)
    header = [cell.strip().casefold() for cell in next(lines, ())]
    if _IMAGE not in header:
        return None
    image = header.index(_IMAGE)
    columns = {i: _COLUMNS[k] for i, name in enumerate(header) if (k := re.sub(r"[^a-z]", "", name)) in _COLUMNS}
    values: dict[str, dict[str, list[str]]] = {}
    for row in lines:
        if image >= len(row) or not row[image].strip():
            continue
        of_image = values.setdefault(name_key(row[image]), {})
        for i, attribute in columns.items():
            cell = row[i].strip() if i < len(row) else ""
            if cell and cell not in of_image.setdefault(attribute, []):
                of_image[attribute].append(cell)
    return {name: {a: "; ".join(cells) for a, cells in of.items() if cells} for name, of in values.items()}


def _sheets(path: Path) -> Iterator[Iterable[Row]]:
    if path.suffix.lower() == ".csv":
        try:
            text = path.read_text(encoding="utf-8-sig")
            first = text.splitlines()[0] if text.strip() else ""
            delimiter = ";" if first.count(";") > first.count(",") else ","
            yield [tuple(row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ImageTableError(f"{path.name} is not a CSV file in UTF-8; save it anew.") from error
        return
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise MissingPackageError(
            f"{path.name} is read only where openpyxl is installed (pip install openpyxl), or save it as CSV."
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ImageTableError(f"{path.name} is too large for an annotation workbook.")
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            for name in sorted(book.sheetnames, key=lambda n: n.strip().casefold() != _SHEET):
                yield [
                    tuple("" if cell is None else str(cell) for cell in row)
                    for row in book[name].iter_rows(values_only=True, max_row=_MOST_ROWS)
                ]
        finally:
            book.close()
    except (OSError, zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as error:
        raise ImageTableError(f"{path.name} is not a workbook that can be read; save it as CSV.") from error
