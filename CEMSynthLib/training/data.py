"""Data: pairs of low-energy and recombined images on the network's grid, read from any CEM study folder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import ModelCard, OutputNormalization
from CEMSynthLib.generator.preprocessing import prepare, resample_inside
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import Acquisition, CEMImage, FileReason, FloatImage, Mask, StudyFolder, VOIWindow
from CEMSynthLib.training.errors import TrainingDataError

# Values between these quantiles of the training images inside the breast fit into the network's output range.
_RANGE_QUANTILES = (0.002, 0.998)


@dataclass(frozen=True)
class Pair:
    """One acquisition on the working grid, shape (rows, columns) in all three arrays.

    Parameters
    ----------
    patient_id, name
        Whose and which view.
    low_energy
        Network input in [-1, 1], air outside the mask.
    recombined
        Recombined units (not yet normalized), meaningful inside the mask.
    mask
        The breast.
    window
        VOI window of the recombined image.
    air
        Median of the recombined image outside the breast, recombined units.
    height_px
        Height of the breast in working pixels; ``None`` where the spacing is unknown.
    simulator
        Model name of the machine where the image says that it is no patient's (DICOM Synthetic Data (0008,001C) =
        YES), else ``None``.
    """

    patient_id: str
    name: str
    low_energy: FloatImage
    recombined: FloatImage
    mask: Mask
    window: VOIWindow
    air: float
    height_px: float | None
    simulator: str | None

    def target(self, scale: OutputNormalization) -> FloatImage:
        """The recombined image in the network's gray scale: [-1, 1], clipped, -1 outside the mask."""
        normal = 2 * (self.recombined - scale.low) / (scale.high - scale.low) - 1
        return np.where(self.mask, np.clip(normal, -1, 1), -1).astype(np.float32)


@dataclass(frozen=True)
class PairSet:
    """All usable pairs of a folder, and what was left out."""

    pairs: tuple[Pair, ...]
    skipped: tuple[FileReason, ...]

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Sorted, each once."""
        return tuple(sorted({pair.patient_id for pair in self.pairs}))

    def of(self, patients: Sequence[str]) -> tuple[Pair, ...]:
        """The pairs of some patients."""
        chosen = set(patients)
        return tuple(pair for pair in self.pairs if pair.patient_id in chosen)


def read_pairs(folder: StudyFolder, card: ModelCard, progress: Progress = silent) -> PairSet:
    """Read and prepare all acquisitions that have a low-energy and a recombined image.

    Parameters
    ----------
    folder
        What `CEMSynthLib.study.reader.read_folder` returned.
    card
        Working spacing, input normalization and architecture are used.
    progress
        Told after each acquisition.

    Raises
    ------
    TrainingDataError
        No acquisition is usable.
    """
    found = [(study.patient_id, acquisition) for study in folder.studies for acquisition in study.acquisitions]
    pairs: list[Pair] = []
    skipped: list[FileReason] = list(folder.skipped)
    for done, (patient_id, acquisition) in enumerate(found, start=1):
        try:
            pairs.append(_pair(patient_id, acquisition, card))
        except CEMSynthError as error:
            path = acquisition.images[0].path if acquisition.images else folder.root
            skipped.append(FileReason(path, str(error)))
        progress(done, len(found), "reading image pairs")
    if not pairs:
        first = f" The first reason: {skipped[0].reason}" if skipped else ""
        raise TrainingDataError(f"{folder.root} holds no pair of a low-energy and a recombined image.{first}")
    return PairSet(tuple(pairs), tuple(skipped))


def output_normalization(pairs: Sequence[Pair]) -> tuple[OutputNormalization, VOIWindow]:
    """The network's output range and the display window, from training pairs only.

    Returns
    -------
    OutputNormalization, VOIWindow
        The range holds the median VOI window and the values inside the breasts up to rare ones; the window is the
        median of the recombined images' windows.
    """
    low = float(np.median([pair.window.low for pair in pairs]))
    high = float(np.median([pair.window.high for pair in pairs]))
    values = np.concatenate([pair.recombined[pair.mask][::7] for pair in pairs])
    smallest, largest = np.quantile(values, _RANGE_QUANTILES)
    air = float(np.median([pair.air for pair in pairs]))
    scale = OutputNormalization(low=float(min(low, smallest)), high=float(max(high, largest)), air=air)
    return scale, VOIWindow.from_range(low, high)


def _pair(patient_id: str, acquisition: Acquisition, card: ModelCard) -> Pair:
    low_energy, recombined = acquisition.low_energy, acquisition.recombined
    if low_energy is None or recombined is None:
        raise TrainingDataError(f"The acquisition {acquisition.name} has no pair of low-energy and recombined image.")
    clinical = recombined.pixels()
    gray = low_energy.pixels()
    if clinical.shape != gray.shape:
        raise TrainingDataError(f"The two images of the acquisition {acquisition.name} differ in size.")
    spacing = low_energy.grid.spacing_mm
    prepared = prepare(gray, low_energy.window, spacing, card)
    rows, columns = prepared.geometry.working_shape
    outside = clinical[~prepared.geometry.mask]
    return Pair(
        patient_id=patient_id,
        name=acquisition.name,
        low_energy=prepared.image[:rows, :columns],
        recombined=resample_inside(clinical, prepared.geometry),
        mask=prepared.mask[:rows, :columns],
        window=recombined.window,
        air=float(np.median(outside)) if outside.size else recombined.window.low,
        height_px=None if spacing is None else float(rows),
        simulator=_simulator(low_energy),
    )


def _simulator(image: CEMImage) -> str | None:
    if str(image.attributes.get("SyntheticData", "")).upper() != "YES":
        return None
    return str(image.attributes.get("ManufacturerModelName") or "unnamed simulator")
