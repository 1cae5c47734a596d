"""The test object as files: DICOM, regions of its inserts and steps, and what is truly in them."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from CEMSynthLib.export.files import replacing
from CEMSynthLib.export.markups import (
    Ellipse,
    Rectangle,
    Region,
    RegionRole,
    RegionTie,
    write_region,
    write_regions_index,
)
from CEMSynthLib.phantom.images import Exposed, write_images
from CEMSynthLib.phantom.object_image import ObjectRegion, TestObject
from CEMSynthLib.phantom.truth import write_maps
from CEMSynthLib.study.model import ImageKind

TABLE = "object.csv"


@dataclass(frozen=True)
class ObjectRow:
    """One row of ``object.csv``: a part of the test object and what is truly in it.

    Parameters
    ----------
    x_mm, y_mm
        Its center, from the center of pixel (0, 0), as regions are placed.
    width_mm, height_mm
        Of the disc or rectangle.
    recombined_mean, recombined_sd
        Of the recombined image inside, at least 1 mm from the border.
    """

    name: str
    kind: str
    shape: str
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    iodine_mg_cm2: float
    thickness_cm: float
    glandularity: float
    structured_background: str
    regions: str
    recombined_mean: float
    recombined_sd: float


def write_test_object(folder: Path, seed: int, test_object: TestObject) -> None:
    """Write the test object into an empty folder.

    Parameters
    ----------
    folder
        Gets ``dicom/``, ``raw/``, ``regions/`` (an insert is a lesion, the disc beside it its background),
        ``steps/`` (regions of the steps and of the uniform area), ``truth/`` and ``object.csv``.
    seed
        That it was simulated with.

    Raises
    ------
    ExportError
        A file cannot be written.
    """
    identity = f"SIM-OBJECT-{seed}"
    pair, spacing = test_object.pair, test_object.spacing_mm
    exposed = Exposed(
        identity,
        ("object", seed, spacing, pair.name, test_object.thickness_cm),
        "L",
        "CC",
        0,
        spacing,
        test_object.thickness_cm,
        pair,
        agent=False,
    )
    for name in (f"dicom/{identity}", f"raw/{identity}", "regions", "steps", "truth"):
        (folder / name).mkdir(parents=True)
    images = {ImageKind.LOW_ENERGY: test_object.low_energy, ImageKind.RECOMBINED: test_object.recombined}
    write_images(folder, exposed, images)
    exposures = {ImageKind.LOW_ENERGY: test_object.low_energy_raw, ImageKind.HIGH_ENERGY: test_object.high_energy_raw}
    write_images(folder, exposed, exposures, raw=True)
    maps = {
        "iodine_mg_cm2": test_object.iodine,
        "thickness_cm": test_object.thickness,
        "glandularity": test_object.glandularity,
        "object": test_object.mask,
        "equivalents_mg_cm2": test_object.equivalents,
    }
    write_maps(folder / "truth" / "object.npz", maps)
    uid = exposed.image_uid(ImageKind.LOW_ENERGY)
    rows: list[ObjectRow] = []
    ties: dict[str, list[RegionTie]] = {"regions": [], "steps": []}
    inserts = 0
    for region in test_object.regions:
        inserts += region.kind == "iodine"
        row, room = _row(test_object, region, inserts)
        role = RegionRole.LESION if region.kind == "iodine" else RegionRole.BACKGROUND
        write_region(folder / row.regions, Region(Path(row.regions).name.removesuffix(".mrk.json"), role, _shape(row)))
        ties[room].append(RegionTie(Path(row.regions).name, sop_instance_uid=uid))
        rows.append(row)
    for room, tied in ties.items():
        write_regions_index(folder / room, tied)
    with replacing(folder / TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(ObjectRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(row) for row in rows)


def _row(test_object: TestObject, region: ObjectRegion, insert: int) -> tuple[ObjectRow, str]:
    spacing = test_object.spacing_mm
    inner = test_object.recombined[region.mask(test_object.mask.shape, spacing, 1.0)].astype(np.float64)
    if region.kind in ("iodine", "background"):
        room, name = "regions", f"{'lesion' if region.kind == 'iodine' else 'background'}_{insert}"
    else:
        room, name = "steps", f"background_{region.name.replace(' ', '_').replace('%', '')}"
    row = ObjectRow(
        name=region.name,
        kind=region.kind,
        shape="disc" if region.disc else "rectangle",
        x_mm=round(region.center_mm[1] - spacing / 2, 4),
        y_mm=round(region.center_mm[0] - spacing / 2, 4),
        width_mm=2 * region.half_mm[1],
        height_mm=2 * region.half_mm[0],
        iodine_mg_cm2=region.iodine,
        thickness_cm=region.thickness_cm,
        glandularity=region.glandularity,
        structured_background="yes" if region.structured else "no",
        regions=f"{room}/{name}.mrk.json",
        recombined_mean=round(float(inner.mean()), 2),
        recombined_sd=round(float(inner.std(ddof=1)), 2),
    )
    return row, room


def _shape(row: ObjectRow) -> Ellipse | Rectangle:
    center = (row.x_mm, row.y_mm)
    if row.shape == "disc":
        return Ellipse(center, (row.width_mm / 2, row.height_mm / 2))
    return Rectangle(center, (row.width_mm, row.height_mm))
