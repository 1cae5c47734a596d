"""Export files: what of the review leaves as files, gathered on the page's thread and written on another."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.uid import generate_uid

from CEMSynthLib.browser.command import run_command
from CEMSynthLib.browser.errors import ReviewError
from CEMSynthLib.export.copies import copy_synthetic, link_study
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.export.region_folder import write_region_folder
from CEMSynthLib.export.synthetic_files import SyntheticSeries, write_synthetic
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.regions.files import regions_to_save
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_item import SyntheticItem, synthetic_item

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

    from CEMSynthLib.export.markups import Region, RegionTie
    from CEMSynthLib.scene.regions.info import RegionInfo

#: Files of `measure` by what the user asked for.
MEASURED = {"report": "report.html", "table": "measurements.csv", "sr": "measurements.dcm"}


@dataclass(frozen=True, eq=False)
class Gathered:
    """All that files are made of, as copies: the scene is not needed any more. ``notes`` are sentences."""

    synthetic: tuple[SyntheticItem, ...]
    regions: "tuple[tuple[Region, RegionTie], ...]"
    notes: tuple[str, ...] = ()


def gather(scene: "vtkMRMLScene", study: StudyInScene, regions: "Sequence[RegionInfo]") -> Gathered:
    """Gather the synthetic images and regions of the opened acquisitions.

    Raises
    ------
    ReviewError
        There is no synthetic image of an opened study.
    """
    opened = {row.key: found for row in study.rows() if (found := study.acquisition(row.key)) is not None}
    items = []
    for key, acquisition in opened.items():
        item = synthetic_item(find_acquisition(scene, key), acquisition, study)
        if item is not None:
            items.append(item)
    if not items:
        raise ReviewError("There is no synthetic image of this study yet; make one first.")
    measured = {key for key, found in opened.items() if any(item.acquisition is found for item in items)}
    wanted = [region for region in regions if region.acquisition in measured]
    tied, notes = regions_to_save(wanted, scene, opened) if wanted else ([], [])
    return Gathered(tuple(items), tuple(tied), tuple(notes))


def write_synthetic_files(gathered: Gathered, folder: Path, burn_in: bool = False) -> list[Path]:
    """Write the synthetic images: derived DICOM where the low-energy image is DICOM, else 16-bit PNG with a JSON.

    Raises
    ------
    ExportError
        A file cannot be written, or the source is gone.
    """
    created = datetime.now()
    series = {item.study: str(generate_uid()) for item in gathered.synthetic}
    for number, item in enumerate(gathered.synthetic, start=1):
        source = item.acquisition.low_energy
        if item.file is not None:
            copy_synthetic(item.file, folder)
        elif source is not None and item.values is not None and item.window is not None and item.record is not None:
            made = item.record
            model = ModelProvenance(
                made.model_name, made.model_version, made.model_sha256, made.training_data, made.intended_use
            )
            share = SyntheticSeries(folder, model, series[item.study], created, burn_in)
            write_synthetic(share, source, item.values, item.window, number, made.warnings, made.device)
    return sorted(path for path in folder.iterdir() if path.is_file())


def measure(gathered: Gathered, folder: Path, parts: Sequence[str], on_progress: Callable[[float], None]) -> Path:
    """Run `cemsynth measure` on what was gathered, in a process of its own; the numbers are the command line's.

    Returns
    -------
    Path
        The folder with the files of `MEASURED`.

    Raises
    ------
    ReviewError
        The measurement failed; with its sentence.
    ExportError
        A file cannot be written, or one of the study is gone.
    """
    synthetic, regions, output = folder / "synthetic", folder / "regions", folder / "measurements"
    synthetic.mkdir()
    write_synthetic_files(gathered, synthetic)
    study = link_study([item.acquisition for item in gathered.synthetic], folder / "study")
    arguments = ["measure", str(study), "--synthetic", str(synthetic)]
    if gathered.regions:
        write_region_folder(regions, gathered.regions)
        arguments += ["--regions", str(regions)]
    run_command([*arguments, "--output", str(output), "--parts", *parts], on_progress)
    return output


def write_zip(files: Sequence[Path], target: Path) -> Path:
    """Pack files side by side into a zip archive."""
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, file.name)
    return target
