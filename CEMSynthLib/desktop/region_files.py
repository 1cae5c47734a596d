"""Region files: import and saving of regions as markups files, and the table as CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.regions.files import import_regions, regions_to_save
from CEMSynthLib.scene.regions.info import RegionInfo
from CEMSynthLib.scene.regions.rows import RegionRow
from CEMSynthLib.study.model import Acquisition


def importRegions(logic: Any, paths: Sequence[Path]) -> tuple[int, list[str]]:
    """Draw the regions of markups files or folders.

    Parameters
    ----------
    logic
        A CEMSynthLogic.
    paths
        ``.mrk.json`` files, or folders of them with a ``regions.json``.

    Returns
    -------
    int, list of str
        How many were drawn, and a sentence for each that was left out.

    Raises
    ------
    CEMSynthError
        A file cannot be read.
    """
    from CEMSynthLib.measurement.markups import read_regions

    drawn, leftOut = import_regions(logic.regions, slicer.mrmlScene, read_regions(paths), _opened(logic))
    return len(drawn), leftOut


def saveRegions(logic: Any, regions: Sequence[RegionInfo], folder: Path) -> tuple[int, list[str]]:
    """Write regions as markups files with a ``regions.json``; nothing that is there is overwritten.

    Returns
    -------
    int, list of str
        How many files of regions were written, and a sentence for each region that was left out.

    Raises
    ------
    CEMSynthError
        There is nothing to save, the folder has regions already, or a file cannot be written.
    """
    from CEMSynthLib.export.region_folder import write_region_folder

    described, leftOut = regions_to_save(regions, slicer.mrmlScene, _opened(logic))
    written = write_region_folder(folder, described)
    return len(written) - 1, leftOut


def saveTable(logic: Any, rows: Sequence[RegionRow], shown: AcquisitionVolumes, path: Path) -> None:
    """Write the numbers as CSV, with the columns that ``cemsynth measure`` writes.

    Raises
    ------
    CEMSynthError
        The file cannot be written.
    """
    from CEMSynthLib.export.cnr_rows import RowMaker, region_rows
    from CEMSynthLib.export.tables import write_measurements

    patient = next((row.patient_id for row in logic.study.rows() if row.key == shown.key), "")
    side, _, view = shown.name.partition(" ")
    maker = RowMaker(patient, side.replace("?", ""), view.replace("?", ""))
    write_measurements(path, region_rows(maker, [(row.image.value, row) for row in rows]))


def _opened(logic: Any) -> dict[str, Acquisition]:
    found = {row.key: logic.study.acquisition(row.key) for row in logic.study.rows()}
    return {key: acquisition for key, acquisition in found.items() if acquisition is not None}
