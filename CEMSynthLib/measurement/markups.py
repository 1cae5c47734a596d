"""Markups: read regions from Slicer's ``.mrk.json`` files and from a ``regions.json`` that ties them to images.

``regions.json`` lies beside the markups files::

    {"format": "cemsynth-regions", "version": 1, "regions": [
        {"file": "L_CC_lesion_1.mrk.json", "sop_instance_uid": "1.2.3..."},
        {"file": "P10_L_MLO_background.mrk.json", "image": "P10_L_CM_MLO.png"}]}

``file`` is relative to the folder and stays inside it. Each entry names the acquisition by the SOP Instance UID of any
of its images, or by ``image``, the name of any of its image files or its path relative to the study folder.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from CEMSynthLib.measurement.errors import MarkupsError, RegionError
from CEMSynthLib.measurement.markups_shapes import shape_of
from CEMSynthLib.measurement.regions import Region, RegionRole

MARKUPS_SUFFIX = ".mrk.json"
INDEX_NAME = "regions.json"
INDEX_FORMAT = "cemsynth-regions"
INDEX_VERSION = 1


@dataclass(frozen=True)
class RegionTie:
    """One entry of ``regions.json``: a markups file and the image it was drawn on (one of the two is given)."""

    file: str
    sop_instance_uid: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class TiedRegion:
    """A region and the acquisition it belongs to.

    Parameters
    ----------
    region
        The region.
    path
        The markups file it comes from.
    sop_instance_uid, image
        From ``regions.json``; both ``None`` where nothing ties the file, so that it can serve only where there is
        a single acquisition.
    in_pixels
        True where the shape is in pixels of the file ``image`` (annotations), which may be framed on its own, not in
        scene units of the acquisition.
    """

    region: Region
    path: Path
    sop_instance_uid: str | None = None
    image: str | None = None
    in_pixels: bool = False

    @property
    def tied(self) -> bool:
        """True where ``regions.json`` says which acquisition is meant."""
        return self.sop_instance_uid is not None or self.image is not None


def read_regions(paths: Iterable[Path]) -> list[TiedRegion]:
    """Read regions from markups files and from folders of them.

    Parameters
    ----------
    paths
        ``.mrk.json`` files, or folders (all their markups files are read, not those of folders within).

    Returns
    -------
    list of TiedRegion
        In the order of the paths, files of a folder by name; a file given twice is read once.

    Raises
    ------
    MarkupsError
        A path is missing, holds no regions, is no markups file, or has a region whose role is not told.
    """
    found: dict[Path, list[TiedRegion]] = {}
    for path in paths:
        files, ties = _files_and_ties(path)
        for file in files:
            if file.resolve() not in found:
                tie = ties.get(file.resolve())
                found[file.resolve()] = [
                    TiedRegion(region, file, tie.sop_instance_uid if tie else None, tie.image if tie else None)
                    for region in read_markups(file)
                ]
    return [region for regions in found.values() for region in regions]


def read_markups(path: Path) -> list[Region]:
    """Read the regions of one Slicer markups file (ROI or closed curve).

    Parameters
    ----------
    path
        A ``.mrk.json`` file. The role is the word ``lesion`` or ``background`` in its stem, otherwise in the label of
        a control point; the file holds no node name.

    Returns
    -------
    list of Region
        One for each markup of the file, named after the file (``_2``, ``_3``, ... from the second on).

    Raises
    ------
    MarkupsError
        The file is no markups file, holds another kind of markup, or tells no role.
    """
    document = _json(path)
    markups = document.get("markups")
    if not isinstance(markups, list) or not markups:
        raise MarkupsError(f"{path.name} holds no markups; save the region from Slicer as a .mrk.json file.")
    stem = path.name[: -len(MARKUPS_SUFFIX)] if path.name.endswith(MARKUPS_SUFFIX) else path.stem
    regions = []
    for number, markup in enumerate(markups, start=1):
        name = stem if number == 1 else f"{stem}_{number}"
        try:
            if not isinstance(markup, dict):
                raise MarkupsError("it is no markup")
            regions.append(Region(name, _role(stem, markup), shape_of(markup)))
        except (MarkupsError, RegionError) as error:
            raise MarkupsError(f"{path.name}, markup {number}: {error}") from error
    return regions


def read_ties(folder: Path) -> list[RegionTie]:
    """Read the ``regions.json`` of a folder; an empty list where there is none.

    Raises
    ------
    MarkupsError
        The file is damaged, of another format or version, or names a file that is missing or outside the folder.
    """
    path = folder / INDEX_NAME
    if not path.is_file():
        return []
    document = _json(path)
    if document.get("format") != INDEX_FORMAT or document.get("version") != INDEX_VERSION:
        raise MarkupsError(f'{INDEX_NAME} is not of format "{INDEX_FORMAT}", version {INDEX_VERSION}; write it anew.')
    entries = document.get("regions")
    if not isinstance(entries, list):
        raise MarkupsError(f'{INDEX_NAME} has no list "regions"; write it anew.')
    return [_tie(entry, folder) for entry in entries]


def _tie(entry: Any, folder: Path) -> RegionTie:
    file, uid, image = (
        entry.get(key) if isinstance(entry, dict) else None for key in ("file", "sop_instance_uid", "image")
    )
    if not isinstance(file, str) or not file:
        raise MarkupsError(f'An entry of {INDEX_NAME} names no "file".')
    if not (isinstance(uid, str) and uid) and not (isinstance(image, str) and image):
        raise MarkupsError(f'{INDEX_NAME} ties {file} to nothing; give it a "sop_instance_uid" or an "image".')
    relative = PurePosixPath(file)
    if relative.is_absolute() or ".." in relative.parts:
        raise MarkupsError(f"{INDEX_NAME} names {relative.name} outside its folder; put the file beside it.")
    if not (folder / relative).is_file():
        raise MarkupsError(f"{INDEX_NAME} names {file}, which is not there.")
    return RegionTie(file, uid if isinstance(uid, str) else None, image if isinstance(image, str) else None)


def _files_and_ties(path: Path) -> tuple[list[Path], dict[Path, RegionTie]]:
    folder = path if path.is_dir() else path.parent
    if path.name == INDEX_NAME and path.is_file():
        path = folder
    if not path.is_dir() and not path.is_file():
        raise MarkupsError(f"There is no file or folder {path.name}; check the path of the regions.")
    ties = {(folder / tie.file).resolve(): tie for tie in read_ties(folder)}
    if not path.is_dir():
        return [path], ties
    files = {file.resolve(): file for file in sorted(path.glob(f"*{MARKUPS_SUFFIX}"))}
    files |= {file: file for file in ties if file not in files}
    if not files:
        raise MarkupsError(
            f"The folder {path.name} holds no {MARKUPS_SUFFIX} file; save the regions from Slicer there."
        )
    return list(files.values()), ties


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MarkupsError(f"{path.name} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MarkupsError(f"{path.name} is not a JSON file, or is damaged; save it anew.") from error
    if not isinstance(document, dict):
        raise MarkupsError(f"{path.name} is JSON, but no markups file; save the region from Slicer as .mrk.json.")
    return document


def _role(stem: str, markup: dict[str, Any]) -> RegionRole:
    points = markup.get("controlPoints")
    labels = (
        [str(point.get("label", "")) for point in points if isinstance(point, dict)] if isinstance(points, list) else []
    )
    for texts in ([stem], labels):
        told = {role for role in RegionRole for text in texts if role.value in text.casefold()}
        if len(told) == 1:
            return told.pop()
        if told:
            break
    raise MarkupsError(
        'it does not tell whether it is a lesion or a background; put exactly one of the words "lesion" and '
        '"background" into the file name.'
    )
