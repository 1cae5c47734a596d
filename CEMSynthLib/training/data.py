"""Data: pairs of low-energy and recombined images on the network's grid, from any CEM study folder or from a cache."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import ModelCard, OutputNormalization
from CEMSynthLib.generator.image_statistics import image_statistics
from CEMSynthLib.generator.preprocessing import Geometry, prepare, resample_inside
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import (
    Acquisition,
    CEMImage,
    CEMStudy,
    FileReason,
    FloatImage,
    Mask,
    StudyFolder,
    VOIWindow,
)
from CEMSynthLib.training.errors import TrainingDataError
from CEMSynthLib.training.fingerprint import fingerprint
from CEMSynthLib.training.hashes import pixel_sha256

# Values between these quantiles of the training images inside the breast fit into the network's output range.
_RANGE_QUANTILES = (0.002, 0.998)
# Around a lesion, mm: left out, and the outer edge of what it is compared with.
_GAP_MM, _RING_MM = 1.5, 7.0
_MOST_LESIONS = 127

Labels = NDArray[np.uint8]
#: Numbers of the lesions (1, 2, ...; 0 where there is none) on the grid of an acquisition's low-energy image, or None.
Lesions = Callable[[CEMStudy, Acquisition], Labels | None]


@dataclass(frozen=True, eq=False)
class Pair:
    """One acquisition on the working grid, shape (rows, columns) in all arrays.

    Parameters
    ----------
    patient_id, study_uid, name
        Whose, of which study (``None`` for image folders) and which view.
    low_energy
        Network input in [-1, 1], air outside the mask.
    recombined
        Recombined units (not yet normalized), meaningful inside the mask.
    mask
        The breast.
    regions
        2 n - 1 in lesion n, 2 n in the ring around it that it is compared with, 0 elsewhere.
    window
        VOI window of the recombined image.
    air
        Median of the recombined image outside the breast, recombined units.
    height_px
        Height of the breast in working pixels; ``None`` where the spacing is unknown.
    simulator
        Model name of the machine where the image says that it is no patient's (DICOM Synthetic Data (0008,001C) =
        YES), else ``None``.
    sha256
        Of the pixels of the low-energy and of the recombined image (see `hashes.pixel_sha256`).
    statistics
        See `CEMSynthLib.generator.image_statistics`.
    fingerprint
        Of the low-energy image (see `fingerprint.fingerprint`).
    """

    patient_id: str
    study_uid: str | None
    name: str
    low_energy: FloatImage
    recombined: FloatImage
    mask: Mask
    regions: Labels
    window: VOIWindow
    air: float
    height_px: float | None
    simulator: str | None
    sha256: tuple[str, str]
    statistics: Mapping[str, float]
    fingerprint: str = ""

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


def no_lesions(study: CEMStudy, acquisition: Acquisition) -> Labels | None:
    """Nothing is known about lesions."""
    return None


def read_pairs(
    folder: StudyFolder,
    card: ModelCard,
    lesions: Lesions = no_lesions,
    progress: Progress = silent,
    skipped: list[FileReason] | None = None,
) -> Iterator[Pair]:
    """Read and prepare all acquisitions that have a low-energy and a recombined image, one after the other.

    Parameters
    ----------
    folder
        What `CEMSynthLib.study.reader.read_folder` returned.
    card
        Working spacing and input normalization are used.
    lesions
        Where lesions are.
    progress
        Told after each acquisition.
    skipped
        Gets what was left out, and why.

    Raises
    ------
    TrainingDataError
        A file that was there when the folder was read is missing.
    """
    found = [(study, acquisition) for study in folder.studies for acquisition in study.acquisitions]
    for done, (study, acquisition) in enumerate(found, start=1):
        try:
            pair = _pair(study, acquisition, card, lesions)
        except FileNotFoundError as error:
            name = acquisition.images[0].path.name
            raise TrainingDataError(f"An image of the acquisition of {name} is missing now; read again.") from error
        except CEMSynthError as error:
            path = acquisition.images[0].path if acquisition.images else folder.root
            if skipped is not None:
                skipped.append(FileReason(path, str(error)))
        else:
            yield pair
        progress(done, len(found), "reading image pairs")


def require_pairs(pairs: Iterable[Pair], skipped: Sequence[FileReason], folder: StudyFolder) -> PairSet:
    """Make a `PairSet`.

    Raises
    ------
    TrainingDataError
        There is no pair.
    """
    made = PairSet(tuple(pairs), tuple(skipped))
    if not made.pairs:
        first = f" The first reason: {skipped[0].reason}" if skipped else ""
        raise TrainingDataError(f"{folder.root} holds no pair of a low-energy and a recombined image.{first}")
    return made


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


def _pair(study: CEMStudy, acquisition: Acquisition, card: ModelCard, lesions: Lesions) -> Pair:
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
    mask = prepared.mask[:rows, :columns]
    return Pair(
        patient_id=study.patient_id,
        study_uid=study.study_uid,
        name=acquisition.name,
        low_energy=prepared.image[:rows, :columns],
        recombined=resample_inside(clinical, prepared.geometry),
        mask=mask,
        regions=_regions(lesions(study, acquisition), prepared.geometry, mask, card.working_spacing_mm),
        window=recombined.window,
        air=float(np.median(outside)) if outside.size else recombined.window.low,
        height_px=None if spacing is None else float(rows),
        simulator=_simulator(low_energy),
        sha256=(pixel_sha256(gray), pixel_sha256(clinical)),
        statistics=image_statistics(prepared, spacing),
        fingerprint=fingerprint(gray, prepared.geometry.mask, prepared.geometry.flipped),
    )


def _regions(labels: Labels | None, geometry: Geometry, mask: Mask, spacing_mm: float) -> Labels:
    """Lesions and the rings around them on the working grid (see `Pair`)."""
    regions = np.zeros(mask.shape, dtype=np.uint8)
    if labels is None or not labels.any():
        return regions
    factors = [1 / s for s in geometry.scale]
    offset = [0.5 * f - 0.5 for f in factors]
    crop = geometry.crop(labels)
    working = ndimage.affine_transform(crop, factors, offset, mask.shape, order=0, mode="nearest")
    working = np.where(mask, working, 0)
    near = np.full(mask.shape, np.inf)
    for number, label in enumerate(np.unique(working[working > 0])[:_MOST_LESIONS], start=1):
        lesion = working == label
        away = ndimage.distance_transform_edt(~lesion) * spacing_mm
        ring = (away > _GAP_MM) & (away <= _RING_MM) & (away < near) & (working == 0) & mask
        regions[ring] = 2 * number
        near = np.minimum(near, away)
        regions[lesion] = 2 * number - 1
    return regions


def _simulator(image: CEMImage) -> str | None:
    if str(image.attributes.get("SyntheticData", "")).upper() != "YES":
        return None
    return str(image.attributes.get("ManufacturerModelName") or "unnamed simulator")
