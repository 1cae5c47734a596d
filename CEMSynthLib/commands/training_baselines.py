"""What the null baselines know: averages over the training patients' images, kept beside the weights."""

from collections.abc import Collection, Iterator
from pathlib import Path

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.baselines import NullBaselines, TrainingImage
from CEMSynthLib.evaluation.baselines_file import FILE_NAME, baselines_bytes
from CEMSynthLib.export.files import replacing
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.breast_pair import read_breast_pair
from CEMSynthLib.study.model import StudyFolder


def write_training_baselines(
    found: StudyFolder, patients: Collection[str], folder: Path, progress: Progress = silent
) -> NullBaselines:
    """Learn the null baselines from the training patients and write ``baselines.npz``.

    Parameters
    ----------
    found
        The studies that the model was trained from.
    patients
        Patient IDs of the training side; others are not looked at.
    folder
        The model folder.
    progress
        Called after each image.

    Returns
    -------
    NullBaselines

    Raises
    ------
    EvaluationError
        No training image can be read.
    ExportError
        The file cannot be written.
    """
    baselines = NullBaselines.learn(_images(found, patients, progress))
    with replacing(folder / FILE_NAME) as temporary:
        temporary.write_bytes(baselines_bytes(baselines))
    return baselines


def _images(found: StudyFolder, patients: Collection[str], progress: Progress) -> Iterator[TrainingImage]:
    pairs = [
        acquisition
        for study in found.studies
        if study.patient_id in patients
        for acquisition in study.acquisitions
        if acquisition.low_energy is not None and acquisition.recombined is not None
    ]
    for done, acquisition in enumerate(pairs, start=1):
        low = acquisition.low_energy
        try:
            pair = read_breast_pair(acquisition)
        except CEMSynthError:
            # Training has named this image among the skipped ones already.
            continue
        if low is not None and pair.recombined is not None:
            yield TrainingImage(pair.low_energy, low.window, pair.recombined, pair.measured, pair.breast.chest_wall)
        progress(done, len(pairs), "null baselines")
