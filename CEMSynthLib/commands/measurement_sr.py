"""What was measured in a study as one DICOM structured report, where the images are DICOM."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from CEMSynthLib.evaluation.content import AcquisitionReport
from CEMSynthLib.export.derived import read_source
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.sr_content import MeasuredGroup, measured_groups
from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.regions import Region
from CEMSynthLib.study.model import Acquisition, CEMImage

#: Where highdicom is not installed the table and the HTML report are written all the same.
NO_HIGHDICOM = "No DICOM structured report was written: install cemsynth[export] (highdicom) for it."


@dataclass(frozen=True)
class MeasuredAcquisition:
    """One acquisition, the synthetic image made from it, its regions, and what was measured."""

    acquisition: Acquisition
    synthetic: CEMImage | None
    regions: tuple[Region, ...]
    report: AcquisitionReport
    rows: tuple[MeasurementRow, ...]


def write_structured_report(path: Path, measured: Sequence[MeasuredAcquisition]) -> list[str]:
    """Write the structured report of one study.

    Parameters
    ----------
    path
        The file; not written where no image is DICOM or nothing was measured.
    measured
        Acquisitions of one study.

    Returns
    -------
    list of str
        Sentences about what is not in it.

    Raises
    ------
    CEMSynthLib.export.errors.ExportError
        A source file cannot be read again, or the report cannot be written.
    """
    if importlib.util.find_spec("highdicom") is None:
        return [NO_HIGHDICOM]
    from CEMSynthLib.export.sr_writer import measurement_report

    groups: list[MeasuredGroup] = []
    sources: list[Path] = []
    left_out = []
    for one in measured:
        low = one.acquisition.low_energy
        if low is None or low.sop_instance_uid is None:
            continue
        images = {"low_energy": low, "recombined": one.acquisition.recombined, "synthetic": one.synthetic}
        used: dict[str, CEMImage] = {}
        for word, image in images.items():
            if image is None or image.sop_instance_uid is None:
                continue
            if image.grid != low.grid:
                left_out.append(
                    f"{image.path.name} lies on another grid than its low-energy image, so what was measured on it is "
                    "in the table but not in the DICOM structured report."
                )
            else:
                used[word] = image
        halos = {"recombined": one.report.halo_clinical, "synthetic": one.report.halo_synthetic}
        groups += measured_groups(
            one.rows,
            one.regions,
            low.grid.spacing_mm,
            {word: image.sop_instance_uid for word, image in used.items() if image.sop_instance_uid is not None},
            {word: halo.verdict for word, halo in halos.items() if halo is not None and word in used},
        )
        sources += [image.path for image in used.values()]
    if groups:
        report = measurement_report(groups, [read_source(source) for source in sources], created=datetime.now())
        write_dataset(report, path)
    return left_out
