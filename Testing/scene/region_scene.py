"""A scene that shows one acquisition and its regions, and shapes that lie in its images."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Rectangle
from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.regions.region_set import RegionSet

LESION, BACKGROUND = RegionRole.LESION, RegionRole.BACKGROUND
SHAPE, SPACING = (400, 300), (0.2, 0.1)
DISC = Ellipse((12.3, 40.1), (4.0, 6.0))
BOX = Rectangle((22.0, 60.0), (8.0, 12.0))
BLOB = ClosedCurve(((8.0, 30.0), (15.0, 32.0), (17.0, 45.0), (9.0, 50.0)))


@contextmanager
def region_world(mrml: Any, acquisition: Any) -> Iterator[Any]:
    """A scene that shows one acquisition of three images, and its regions."""
    world = mrml(views=True, markups=True)
    described, synthetic = acquisition(spacing=SPACING, shape=SHAPE)
    world.volumes = load_acquisition(world.scene, described, synthetic)
    world.images = {i.kind: i.pixels() for i in (described.low_energy, described.recombined, synthetic)}
    world.show(world.volumes)
    world.regions = RegionSet(world.scene)
    world.regions.show(world.volumes)
    yield world
    world.regions.release()


def rows_of(world, key: str):
    return [row for row in world.regions.rows() if row.key == key]


def markups(world) -> list:
    scene = world.scene
    count = scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLMarkupsNode") for i in range(count)]
