"""Where lesions are in training images: the truth of a simulated cohort, or regions drawn in Slicer."""

import zipfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from CEMSynthLib.commands.measurement import tie_regions
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask
from CEMSynthLib.study.model import Acquisition, CEMStudy, StudyFolder
from CEMSynthLib.training.data import Labels

_TRUTH = "truth"
_LABELS = "lesions"


class LesionTruthError(CEMSynthError):
    """The truth of a simulated view cannot be used."""


@dataclass(frozen=True)
class KnownLesions:
    """Lesions by acquisition; calling it gives their numbers on the grid of the low-energy image, or None.

    Regions that cannot be measured (under 20 pixels, outside the image) are left out.

    Parameters
    ----------
    description
        Where they come from, in words.
    files
        What they were read from.
    """

    description: str
    files: tuple[Path, ...] = ()
    truth: Path | None = None
    regions: dict[int, list[Region]] = field(default_factory=dict)

    def __call__(self, study: CEMStudy, acquisition: Acquisition) -> Labels | None:
        """The labels of an acquisition.

        Raises
        ------
        LesionTruthError
            The truth file is damaged or of another size.
        """
        low = acquisition.low_energy
        if low is None:
            return None
        if self.truth is not None:
            return _from_truth(self.truth / study.patient_id / f"{_stem(acquisition)}.npz", low.grid.shape)
        regions = [r for r in self.regions.get(id(acquisition), ()) if r.role is RegionRole.LESION]
        if not regions:
            return None
        labels = np.zeros(low.grid.shape, dtype=np.uint8)
        for number, region in enumerate(regions[:255], start=1):
            with suppress(RegionError):  # too small to be measured, or not on this image: nothing to learn from
                labels[region_mask(region, low.grid.shape, low.grid.spacing_mm)] = number
        return labels


def known_lesions(found: StudyFolder, regions: Sequence[Path] = ()) -> KnownLesions:
    """Find where lesions are told.

    Parameters
    ----------
    found
        The studies.
    regions
        Markups files or folders of them; where empty, the ``truth`` folder of a simulated cohort is looked for in the
        studies' folder and beside it.

    Raises
    ------
    MarkupsError, NothingToMeasureError
        The regions cannot be read, or belong to none of the studies.
    """
    if regions:
        places, _ = tie_regions(found, read_regions(regions))
        by_acquisition: dict[int, list[Region]] = defaultdict(list)
        for (i, j), given in places.items():
            by_acquisition[id(found.studies[i].acquisitions[j])] += given
        files = [f for p in regions for f in (sorted(p.iterdir()) if p.is_dir() else [p]) if f.is_file()]
        return KnownLesions(f"{sum(map(len, by_acquisition.values()))} regions", tuple(files), None, by_acquisition)
    for folder in (found.root / _TRUTH, found.root.parent / _TRUTH):
        files = [folder / s.patient_id / f"{_stem(a)}.npz" for s in found.studies for a in s.acquisitions]
        there = [path for path in files if path.is_file()]
        if there:
            return KnownLesions(f"the truth of {len(there)} simulated views", tuple(there), folder)
    return KnownLesions("nothing is known about lesions")


def _stem(acquisition: Acquisition) -> str:
    return acquisition.name.replace(" ", "_")


def _from_truth(path: Path, shape: tuple[int, int]) -> Labels | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as maps:
            if _LABELS not in maps:
                return None
            labels = np.asarray(maps[_LABELS], dtype=np.uint8)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LesionTruthError(f"The truth {path} cannot be read; simulate the cohort again.") from error
    if labels.shape != shape:
        raise LesionTruthError(f"The truth {path} is of another size than its image; simulate the cohort again.")
    return labels
