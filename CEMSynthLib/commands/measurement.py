"""From studies, synthetic images and regions to tables and reports in a folder."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from CEMSynthLib import __version__
from CEMSynthLib.commands.measurement_pictures import write_pictures
from CEMSynthLib.commands.measurement_rows import measurement_rows
from CEMSynthLib.commands.measurement_sr import MeasuredAcquisition, write_structured_report
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.acquisition import measure_acquisition
from CEMSynthLib.evaluation.baselines import NullBaselines
from CEMSynthLib.evaluation.content import AcquisitionReport, ModelReport, ReportContent
from CEMSynthLib.evaluation.drawn import DrawnRegion
from CEMSynthLib.export.derived import read_source
from CEMSynthLib.export.files import write_text
from CEMSynthLib.export.synthesis_record import SynthesisRecord
from CEMSynthLib.export.tables import MeasurementRow, write_measurements
from CEMSynthLib.measurement.markups import TiedRegion
from CEMSynthLib.measurement.regions import Region
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.image_names import same_image_name
from CEMSynthLib.study.model import Acquisition, CEMImage, CEMStudy, FileReason, StudyFolder
from CEMSynthLib.study.synthetic import synthetic_of

TABLE = "measurements.csv"
#: What can be written; a report needs matplotlib and jinja2, the rest does not.
PARTS = ("table", "sr", "report")
PICTURES = "pictures"
Key = tuple[int, int]


class NothingToMeasureError(CEMSynthError):
    """No acquisition can be measured, or the regions belong to none."""


@dataclass(frozen=True)
class Measurement:
    """What was written: the reports by patient (``report.html``, or numbered ones), and what was left out."""

    reports: tuple[Path, ...]
    rows: int
    left_out: tuple[FileReason, ...]
    warnings: tuple[str, ...]


def tie_regions(found: StudyFolder, regions: Sequence[TiedRegion]) -> tuple[Mapping[Key, list[Region]], list[str]]:
    """Like `sort_regions`, for regions in scene units only (markups): the regions themselves."""
    sorted_regions, unmatched = sort_regions(found, [tied for tied in regions if not tied.in_pixels])
    return {key: [tied.region for tied in here] for key, here in sorted_regions.items()}, unmatched


def sort_regions(found: StudyFolder, regions: Sequence[TiedRegion]) -> tuple[Mapping[Key, list[TiedRegion]], list[str]]:
    """Give each region to its acquisition.

    Returns
    -------
    mapping of (study, acquisition) numbers to regions, and sentences about regions that belong to none.

    Raises
    ------
    NothingToMeasureError
        A region that nothing ties to an image was given although there are several acquisitions, or no region fits.
    """
    places = {
        (i, j): acquisition for i, study in enumerate(found.studies) for j, acquisition in enumerate(study.acquisitions)
    }
    given: dict[Key, list[TiedRegion]] = defaultdict(list)
    unmatched: list[str] = []
    elsewhere: dict[Path, int] = defaultdict(int)
    for tied in regions:
        keys = [key for key, acquisition in places.items() if _fits(tied, acquisition, found.root)]
        if not tied.tied and len(places) == 1:
            keys = list(places)
        if len(keys) == 1:
            given[keys[0]].append(tied)
        elif not tied.tied:
            raise NothingToMeasureError(
                f"{tied.path.name} does not say which of {len(places)} acquisitions it was drawn on; put it into a "
                "folder with a regions.json that names the image."
            )
        elif tied.in_pixels and not keys:
            elsewhere[tied.path] += 1  # a table of a whole image set, and a part of its images
        else:
            several = "several acquisitions" if keys else "no acquisition of this study"
            unmatched.append(f"The region {tied.path.name} belongs to {several} and was left out.")
    if regions and not given:
        raise NothingToMeasureError(f"None of {len(regions)} regions belongs to an acquisition under {found.root}.")
    unmatched += [
        f"{count} regions of {path.name} belong to images that are not here." for path, count in elsewhere.items()
    ]
    return given, unmatched


def drawn_regions(tied: Sequence[TiedRegion], acquisition: Acquisition) -> list[DrawnRegion]:
    """Regions in pixels of an image file, with the kind of that image."""
    return [
        DrawnRegion(t.region, image.kind)
        for t in tied
        for image in acquisition.images
        if t.in_pixels and t.image is not None and same_image_name(t.image, image.path.name)
    ]


def _fits(tied: TiedRegion, acquisition: Acquisition, root: Path) -> bool:
    for image in acquisition.images:
        if tied.sop_instance_uid is not None and tied.sop_instance_uid == image.sop_instance_uid:
            return True
        if tied.in_pixels and tied.image is not None and same_image_name(tied.image, image.path.name):
            return True
        if tied.image is not None and tied.image in (image.path.name, image.path.relative_to(root).as_posix()):
            return True
    return False


def measure_folder(
    found: StudyFolder,
    synthetic: Sequence[CEMImage],
    regions: Sequence[TiedRegion],
    folder: Path,
    record: SynthesisRecord | None = None,
    baselines: NullBaselines | None = None,
    progress: Progress = silent,
    pictures: bool = False,
    parts: Sequence[str] = PARTS,
) -> Measurement:
    """Measure all acquisitions; write ``measurements.csv``, and for each study a report and a DICOM structured report.

    Parameters
    ----------
    found
        The studies.
    synthetic
        Synthetic images made from them.
    regions
        Lesion and background regions.
    folder
        Exists; gets the files.
    record
        Which model made the synthetic images.
    baselines
        Of that model's training images.
    progress
        Called after each acquisition.
    pictures
        Whether the images are written as 8-bit PNG to ``pictures`` too.
    parts
        What is written, of `PARTS`.

    Raises
    ------
    NothingToMeasureError
        Nothing can be measured.
    """
    acquisitions = [acquisition for study in found.studies for acquisition in study.acquisitions]
    if not any(synthetic_of(acquisition, synthetic) for acquisition in acquisitions):
        raise NothingToMeasureError(
            f"None of {len(synthetic)} synthetic images was made from a low-energy image under {found.root}; "
            "give the folder that cemsynth synthesize wrote for this study."
        )
    given, unmatched = sort_regions(found, regions)
    rows: list[MeasurementRow] = []
    left_out: list[FileReason] = []
    measured: list[tuple[CEMStudy, list[MeasuredAcquisition]]] = []
    done = 0
    for i, study in enumerate(found.studies):
        done_here: list[MeasuredAcquisition] = []
        for j, acquisition in enumerate(study.acquisitions):
            made, tied = synthetic_of(acquisition, synthetic), given.get((i, j), [])
            here = tuple(t.region for t in tied if not t.in_pixels)
            try:
                report = measure_acquisition(acquisition, made, here, baselines, drawn_regions(tied, acquisition))
            except CEMSynthError as error:
                left_out.append(FileReason(acquisition.images[0].path, str(error)))
            else:
                of_this = measurement_rows(study.patient_id, acquisition, report)
                rows += of_this
                done_here.append(MeasuredAcquisition(acquisition, made, here, report, tuple(of_this)))
                if pictures:
                    side = "_".join(acquisition.name.replace("?", "X").split())
                    write_pictures(folder / PICTURES, f"{done + 1:03d}_{side}", report)
            done += 1
            progress(done, len(acquisitions), "acquisitions")
        if done_here:
            measured.append((study, done_here))
    if not measured:
        reason = left_out[0].reason if left_out else "There is no acquisition."
        raise NothingToMeasureError(f"Nothing under {found.root} can be measured. {reason}")
    if "table" in parts:
        write_measurements(folder / TABLE, rows)
    paths = []
    warnings = [*unmatched, *_burned_in(synthetic)]
    for number, (study, acquired) in enumerate(measured, start=1):
        ending = "" if len(measured) == 1 else f"_{number:03d}"
        if "report" in parts:
            from CEMSynthLib.evaluation.report import render_report

            path = folder / f"report{ending}.html"
            reports = [one.report for one in acquired]
            content = _content(study, reports, found, record, (*unmatched, *(r.reason for r in left_out)))
            write_text(path, render_report(content))
            paths.append(path)
        if "sr" in parts:
            warnings += write_structured_report(folder / f"measurements{ending}.dcm", acquired)
    return Measurement(tuple(paths), len(rows), tuple(left_out), tuple(dict.fromkeys(warnings)))


def _burned_in(synthetic: Sequence[CEMImage]) -> list[str]:
    """Sentences about synthetic images that are for looking at only."""
    marked = [
        image.path.name
        for image in synthetic
        if image.sop_instance_uid is not None and read_source(image.path).get("BurnedInAnnotation") == "YES"
    ]
    return [
        f"{name} has its notice burned into the pixels, which the numbers include; synthesize without --burn-in to "
        "measure."
        for name in marked
    ]


def _content(
    study: CEMStudy,
    reports: Sequence[AcquisitionReport],
    found: StudyFolder,
    record: SynthesisRecord | None,
    warnings: tuple[str, ...],
) -> ReportContent:
    model = None
    if record is not None:
        model = ModelReport(
            name=record.model.name,
            version=record.model.version,
            sha256=record.model.sha256,
            intended_use=record.model.intended_use,
            training_data=record.model.training_data,
            simulated_only=record.simulated_only,
            held_out=record.held_out,
        )
    return ReportContent(
        patient_id=study.patient_id,
        study=study.study_uid or found.root.name,
        simulated_patient=all(i.attributes.get("SyntheticData") == "YES" for a in study.acquisitions for i in a.images),
        model=model,
        acquisitions=tuple(reports),
        created=datetime.now(),
        warnings=warnings,
        versions=_versions(),
        units="recombined units" if study.study_uid else "gray levels",
    )


def _versions() -> dict[str, str]:
    names = ("numpy", "scipy", "scikit-image", "pydicom")
    return {"CEMSynth": __version__, "Python": platform.python_version()} | {n: metadata.version(n) for n in names}
