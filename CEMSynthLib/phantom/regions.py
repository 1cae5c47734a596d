"""Lesions and their backgrounds as Slicer markups, drawn where the truth is."""

from pathlib import Path

import numpy as np

from CEMSynthLib.export.markups import ClosedCurve, Ellipse, Region, RegionRole, RegionTie, write_region
from CEMSynthLib.phantom.view import SimulatedView


def write_lesion_regions(folder: Path, stem: str, view: SimulatedView, low_energy_uid: str) -> list[RegionTie]:
    """Write the regions of one view into ``folder``, tied to its low-energy image.

    A lesion has the same number in both views of its breast; one without room for a background has none.
    """
    ties = []
    for lesion in view.lesions:
        outline = ClosedCurve(tuple((float(x), float(y)) for x, y in view.xy_mm(lesion.outline_mm)))
        shapes: list[tuple[RegionRole, ClosedCurve | Ellipse]] = [(RegionRole.LESION, outline)]
        if lesion.background_center_mm is not None:
            x, y = (float(c) for c in view.xy_mm(np.array([lesion.background_center_mm]))[0])
            disc = Ellipse((x, y), (lesion.background_radius_mm, lesion.background_radius_mm))
            shapes.append((RegionRole.BACKGROUND, disc))
        for role, shape in shapes:
            name = f"{stem}_{role.value}_{lesion.number}"
            write_region(folder / f"{name}.mrk.json", Region(name, role, shape))
            ties.append(RegionTie(f"{name}.mrk.json", sop_instance_uid=low_energy_uid))
    return ties
