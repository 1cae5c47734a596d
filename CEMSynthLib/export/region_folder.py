"""Region folder: regions as Slicer markups files with the `regions.json` that ties them to their images."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.files import why
from CEMSynthLib.export.markups import INDEX_NAME, Region, RegionTie, write_region, write_regions_index


def write_region_folder(folder: Path, regions: Sequence[tuple[Region, RegionTie]]) -> list[Path]:
    """Write regions where `cemsynth measure --regions` and the module read them.

    Parameters
    ----------
    folder
        Made if it is not there; its parent must exist.
    regions
        Each region with the name of its file and what it is tied to.

    Returns
    -------
    list of Path
        The files, the index last.

    Raises
    ------
    ExportError
        The folder has regions already (they are not overwritten), or a file cannot be written; then none is left.
    """
    wanted = [folder / tie.file for _, tie in regions]
    there = next((path for path in [*wanted, folder / INDEX_NAME] if path.exists()), None)
    if there is not None:
        raise ExportError(f"The folder {folder.name} has a {there.name} already; choose another folder.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(f"The folder {folder.name} could not be made: {why(error)}.") from error
    written: list[Path] = []
    try:
        for path, (region, _) in zip(wanted, regions, strict=True):
            write_region(path, region)
            written.append(path)
        written.append(write_regions_index(folder, [tie for _, tie in regions]))
    except ExportError:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise
    return written
