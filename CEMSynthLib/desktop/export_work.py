"""Export work: writes an export into a new folder, whole or not at all; touches neither MRML nor Qt.

Measuring needs pandas' and matplotlib's neighbors, so `cemsynth measure` does it in Slicer's Python as a child process:
the numbers are those of the command line.
"""

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from CEMSynthLib.desktop.command_process import CommandLines
from CEMSynthLib.desktop.errors import ExportWorkError
from CEMSynthLib.desktop.python_program import commandArguments, pythonProgram
from CEMSynthLib.export.copies import copy_file, copy_synthetic, link_study
from CEMSynthLib.export.markups import Region, RegionTie
from CEMSynthLib.export.output_folder import OutputFolder
from CEMSynthLib.export.pictures import write_display_png
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.export.region_folder import write_region_folder
from CEMSynthLib.export.synthesis_record import SynthesisRecord, SynthesizedFile, write_synthesis_record
from CEMSynthLib.export.synthetic_files import SyntheticSeries, write_synthetic
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.scene.synthetic_item import SyntheticItem
from CEMSynthLib.scene.synthetic_volume import SyntheticRecord
from CEMSynthLib.study.model import VOIWindow

SYNTHETIC, REGIONS, PICTURES, MEASUREMENTS = "synthetic", "regions", "pictures", "measurements"
_BASELINES = "baselines.npz"
_MANIFEST = "cemsynth-manifest.json"
_PAUSE_S = 0.1
# The command ends by itself within nine seconds.
_END_S = 12.0


@dataclass(frozen=True, eq=False)
class PictureItem:
    """An image as it is shown: 8-bit PNG, marked where it is synthetic."""

    name: str
    values: NDArray[np.floating]
    window: VOIWindow
    synthetic: bool
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class ExportPlan:
    """All that an export needs, so that it can be written without the scene.

    Parameters
    ----------
    folder
        Does not exist yet.
    synthetic
        Synthetic images: written where ``images`` says so, and measured where there are ``parts``.
    regions
        Regions with what ties them to their images: written where ``markups`` says so, and measured.
    pictures
        Images as they are shown.
    parts
        Of ``table``, ``sr``, ``report``.
    images, burn_in, markups
        Whether synthetic images are written, with the notice in their pixels; whether regions are.
    notes
        Sentences about what was left out already.
    baselines
        Null baselines of the model of the first synthetic image, if there are any.
    """

    folder: Path
    synthetic: tuple[SyntheticItem, ...]
    regions: tuple[tuple[Region, RegionTie], ...]
    pictures: tuple[PictureItem, ...]
    parts: tuple[str, ...]
    images: bool
    burn_in: bool
    markups: bool
    notes: tuple[str, ...] = ()
    baselines: Path | None = None


@dataclass(frozen=True)
class ExportReport:
    """What was written: the folder, its files relative to it, and sentences about what was left out."""

    folder: Path
    files: tuple[str, ...]
    warnings: tuple[str, ...]


def writeExport(plan: ExportPlan, progress: Progress = silent) -> ExportReport:
    """Write an export; where anything goes wrong, nothing of it is left.

    Raises
    ------
    CEMSynthLib.errors.CEMSynthError
        A file cannot be read or written, or the measurement failed.
    """
    warnings = list(plan.notes)
    again = bool(plan.parts) and (plan.burn_in or not plan.images)
    rounds = plan.images + again + bool(plan.parts)
    steps = _Steps(len(plan.synthetic) * rounds + len(plan.pictures) + 1, progress)
    parameters = {"parts": plan.parts, "images": plan.images, "burn_in": plan.burn_in, "markups": plan.markups}
    # A private folder: the study's own files are linked there, so that only the chosen acquisitions are measured.
    private = Path(tempfile.mkdtemp(prefix="cemsynth-export-"))
    try:
        with OutputFolder(plan.folder, "export", parameters) as staging:
            identity = _Identity(plan.synthetic)
            if plan.images:
                _writeSynthetic(plan, identity, _made(staging / SYNTHETIC), plan.burn_in, steps)
            if plan.regions:
                write_region_folder((staging if plan.markups else private) / REGIONS, plan.regions)
            for picture in plan.pictures:
                _writePicture(picture, _made(staging / PICTURES))
                steps.next("pictures")
            if plan.parts:
                measured = staging / SYNTHETIC
                if again:
                    # A notice in the pixels would be measured with them. The structured report refers to the exported
                    # image all the same: this one is deleted.
                    measured = _made(private / SYNTHETIC)
                    _writeSynthetic(plan, identity, measured, False, steps)
                regions = (staging if plan.markups else private) / REGIONS if plan.regions else None
                warnings += _measure(plan, private, measured, regions, staging / MEASUREMENTS, steps)
            steps.next("moving")
            files = sorted(p.relative_to(staging).as_posix() for p in staging.rglob("*") if p.is_file())
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return ExportReport(plan.folder, tuple(files), tuple(warnings))


class _Steps:
    def __init__(self, count: int, progress: Progress) -> None:
        self._count, self._done, self._progress = count, 0, progress

    def next(self, what: str) -> None:
        """One more step is done."""
        self._done = min(self._done + 1, self._count)
        self.wait(what)

    def wait(self, what: str, more: int = 0) -> None:
        """Still at the same step, or so many further; raises where the user has canceled."""
        self._progress(min(self._done + more, self._count), self._count, what)

    def skip(self, count: int) -> None:
        """So many more steps are done."""
        self._done = min(self._done + count, self._count)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _Identity:
    """New identifiers of the images of an export, the same each time that they are written."""

    def __init__(self, items: Sequence[SyntheticItem]) -> None:
        self.created = datetime.now()
        self.series = {study: str(generate_uid()) for study in {item.study for item in items}}
        self.images = [str(generate_uid()) for _item in items]


def _writeSynthetic(plan: ExportPlan, identity: _Identity, folder: Path, burnIn: bool, steps: _Steps) -> None:
    items, baselines = plan.synthetic, plan.baselines
    written: list[SynthesizedFile] = []
    for number, item in enumerate(items, start=1):
        source = item.acquisition.low_energy
        if item.file is not None:
            copy_synthetic(item.file, folder)
        elif source is not None and item.record is not None and item.values is not None and item.window is not None:
            share = SyntheticSeries(folder, _model(item.record), identity.series[item.study], identity.created, burnIn)
            record, uid = item.record, identity.images[number - 1]
            name = write_synthetic(share, source, item.values, item.window, number, record.warnings, record.device, uid)
            written.append(
                SynthesizedFile(source.path.name, name, record.seconds, record.warnings, record.training_range)
            )
        steps.next("synthetic images")
    records = [item.record for item in items if item.record is not None]
    # A folder of images of several models has no record of one model; each image says which one made it.
    if records and len({record.model_sha256 for record in records}) == 1 and len(records) == len(items):
        first = records[0]
        write_synthesis_record(
            folder,
            SynthesisRecord(
                model=_model(first),
                held_out=first.held_out,
                simulated_only=first.simulated_only,
                device=first.device,
                device_reason=first.device_reason,
                created=identity.created.isoformat(timespec="seconds"),
                images=tuple(written),
            ),
        )
        if baselines is not None and baselines.is_file():
            copy_file(baselines, folder / _BASELINES)


def _model(record: SyntheticRecord) -> ModelProvenance:
    return ModelProvenance(
        record.model_name, record.model_version, record.model_sha256, record.training_data, record.intended_use
    )


def _writePicture(picture: PictureItem, folder: Path) -> None:
    write_display_png(
        folder / f"{picture.name}.png",
        values=picture.values,
        window=picture.window,
        synthetic=picture.synthetic,
        spacing_mm=picture.spacing_mm,
    )


def _measure(
    plan: ExportPlan, private: Path, synthetic: Path, regions: Path | None, output: Path, steps: _Steps
) -> list[str]:
    """Run `cemsynth measure`; returns its warnings."""
    study = link_study([item.acquisition for item in plan.synthetic], private / "study")
    arguments = ["measure", str(study), "--synthetic", str(synthetic), "--output", str(output), "--parts", *plan.parts]
    if regions is not None:
        arguments += ["--regions", str(regions)]
    lines = _runCommand(arguments, steps)
    # Its manifest names the private folder; the export has one of its own.
    (output / _MANIFEST).unlink(missing_ok=True)
    return [line.removeprefix("Warning: ") for line in lines if line.startswith("Warning: ")]


def _runCommand(arguments: Sequence[str], steps: _Steps) -> list[str]:
    """Run the command and wait, so that a cancel ends it too."""
    measured = 0

    def advance(done: int, total: int, what: str) -> None:
        nonlocal measured
        measured = done if what == "acquisitions" else measured

    lines = CommandLines(advance)
    process = subprocess.Popen(
        [pythonProgram(), *commandArguments(*arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )

    def read() -> None:
        for piece in process.stderr or ():
            lines.feed(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            steps.wait("measuring", measured)
            time.sleep(_PAUSE_S)
    finally:
        if process.stdin is not None:
            process.stdin.close()  # the end of its stdin ends the command
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(_END_S)
        if process.stderr is not None:
            process.stderr.close()
    if process.returncode != 0:
        raise ExportWorkError(lines.last or f"The measurement ended unexpectedly with code {process.returncode}.")
    steps.skip(measured)
    return lines.lines
