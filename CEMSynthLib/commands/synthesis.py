"""From the low-energy images of a study folder to files with synthetic iodine images."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.uid import generate_uid

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.baselines_file import FILE_NAME as BASELINES
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.export.synthesis_record import SynthesisRecord, SynthesizedFile, write_synthesis_record
from CEMSynthLib.export.synthetic_files import SyntheticSeries, write_synthetic
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FileReason, StudyFolder

if TYPE_CHECKING:
    from CEMSynthLib.generator.results import Generator


class NothingToSynthesizeError(CEMSynthError):
    """There is no low-energy image that a synthetic image could be made from."""


@dataclass(frozen=True)
class Synthesis:
    """What was made, and which low-energy images could not be used."""

    record: SynthesisRecord
    skipped: tuple[FileReason, ...]


def synthesize_folder(
    found: StudyFolder, generator: "Generator", folder: Path, progress: Progress = silent, burn_in: bool = False
) -> Synthesis:
    """Make a synthetic image of every low-energy image and write it.

    Parameters
    ----------
    found
        The studies. Of each acquisition only the low-energy image is looked at.
    generator
        A loaded model.
    folder
        Exists; gets derived DICOM for DICOM, 16-bit PNG with a JSON beside it for image files, and ``synthesis.json``.
    progress
        Called after each image.
    burn_in
        Whether "SYNTHETIC - not for diagnosis" is drawn into the pixels of DICOM images; 16-bit PNG hold data and
        never have it.

    Returns
    -------
    Synthesis

    Raises
    ------
    NothingToSynthesizeError
        There is no low-energy image, or none of them can be used.
    """
    images = [(s, a.low_energy) for s in found.studies for a in s.acquisitions if a.low_energy is not None]
    if not images:
        raise NothingToSynthesizeError(
            f"{found.root} holds no low-energy image to make a synthetic image from; cemsynth list shows what it holds."
        )
    card, created = generator.card, datetime.now()
    model = ModelProvenance(card.name, card.version, card.weights_sha256, card.training.description, card.intended_use)
    series = {id(study): str(generate_uid()) for study, _ in images}
    written: list[SynthesizedFile] = []
    skipped: list[FileReason] = []
    for number, (study, image) in enumerate(images, start=1):
        try:
            synthetic = generator.synthesize(image)
            share = SyntheticSeries(folder, model, series[id(study)], created, burn_in)
            told, device = synthetic.warnings, synthetic.provenance.device
            name = write_synthetic(share, image, synthetic.pixels, synthetic.window, number, told, device)
        except CEMSynthError as error:
            skipped.append(FileReason(image.path, str(error)))
        else:
            source = image.path.relative_to(found.root).as_posix()
            seconds = round(synthetic.provenance.seconds, 3)
            written.append(SynthesizedFile(source, name, seconds, synthetic.warnings, synthetic.training_range))
        progress(number, len(images), "synthetic images")
    if not written:
        raise NothingToSynthesizeError(f"No synthetic image could be made. {skipped[0].reason}")
    record = SynthesisRecord(
        model=model,
        held_out=card.metrics.description,
        simulated_only=card.training.simulated_only,
        device=str(generator.device),
        device_reason=generator.device_reason,
        created=created.isoformat(timespec="seconds"),
        images=tuple(written),
    )
    write_synthesis_record(folder, record)
    baselines = generator.folder / BASELINES
    if baselines.is_file():
        # With the images, so that measuring prints the null baselines without the model at hand.
        shutil.copyfile(baselines, folder / BASELINES)
    return Synthesis(record, tuple(skipped))
