"""Drawn regions: regions in pixels of one image file, brought to the scene units of their acquisition."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from CEMSynthLib.measurement.regions import Region
from CEMSynthLib.measurement.shape_moving import scaled_and_shifted
from CEMSynthLib.study.breast_pair import BreastPair
from CEMSynthLib.study.model import ImageKind


@dataclass(frozen=True)
class DrawnRegion:
    """A region in pixels of the file of one image of the acquisition; ``kind`` tells which."""

    region: Region
    kind: ImageKind


def placed_regions(
    drawn: Sequence[DrawnRegion], pair: BreastPair, spacing_mm: tuple[float, float] | None
) -> tuple[list[Region], list[str]]:
    """Bring drawn regions to scene units of the low-energy image.

    Parameters
    ----------
    drawn
        Those on the recombined image go back through the registration of the pair.
    pair
        The acquisition's images.
    spacing_mm
        (row, column) spacing of the low-energy image; ``None`` where one scene unit is one pixel.

    Returns
    -------
    regions, problems
        Sentences about regions that were drawn on a recombined image that does not fit the low-energy image.
    """
    regions: list[Region] = []
    problems: list[str] = []
    rows, columns = spacing_mm or (1.0, 1.0)
    for entry in drawn:
        shape = entry.region.shape
        if entry.kind is ImageKind.RECOMBINED and pair.recombined is None:
            problems.append(
                f'The region "{entry.region.name}" was drawn on a recombined image that does not fit the low-energy '
                "image, so it is left out."
            )
            continue
        if entry.kind is ImageKind.RECOMBINED and pair.transform is not None:
            back = pair.transform.inverse()
            shape = scaled_and_shifted(shape, back.scale[::-1], back.shift[::-1])
        regions.append(replace(entry.region, shape=scaled_and_shifted(shape, (columns, rows), (0.0, 0.0))))
    return regions, problems
