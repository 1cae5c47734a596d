"""How long the table of regions takes to follow a drag, at full size (3062 x 2394), all three images.

Run: ``PYTHONPATH=. OMP_NUM_THREADS=1 python Benchmarks/regions.py`` (needs slicer-core). Printed: median and longest
time of a move of the mouse (the events of the node and all that follows it) and of a recompute, in ms, the share of
50 ms that the median and the longest recompute take, and the time of one uncertainty.
"""

import statistics
import time

import numpy as np
import slicer

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Rectangle
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.volumes import add_volume
from CEMSynthLib.study.model import ImageKind, PixelGrid, VOIWindow

GRID = PixelGrid(3062, 2394, (0.1, 0.1))
MOVES = 60


def make_scene() -> slicer.vtkMRMLScene:
    """A scene with one acquisition of three images of noise."""
    scene = slicer.vtkMRMLScene()
    random = np.random.default_rng(0)
    for kind in (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC):
        pixels = random.normal(2000, 20, GRID.shape).round()
        attributes = {names.KIND: kind.value, names.ACQUISITION: "1.2", names.NAME: "R CC"}
        add_volume(scene, kind.value, pixels, GRID, VOIWindow(2000, 200), attributes | {names.UNITS: "modality"})
    return scene


def measure(title: str, regions: RegionSet, key: str, draw: tuple[float, float]) -> None:
    """Drag one region by 0.3 mm a move and time what follows."""
    node = regions.node(key)
    moves, recomputes = [], []
    node.InvokeEvent(node.PointStartInteractionEvent)
    for step in range(MOVES):
        start = time.perf_counter()
        x, y = draw[0] + 0.3 * step, draw[1] + 0.1 * step
        if node.IsA("vtkMRMLMarkupsROINode"):
            node.SetCenter(-x, -y, 0.0)
        else:
            node.SetNthControlPointPosition(0, -x, -y, 0.0)
        moved = time.perf_counter()
        regions.recompute()
        moves.append(1000 * (moved - start))
        recomputes.append(1000 * (time.perf_counter() - moved))
    node.InvokeEvent(node.PointEndInteractionEvent)
    start = time.perf_counter()
    regions.recompute()
    count = 0
    while regions.add_uncertainty():
        count += 1
    each = 1000 * (time.perf_counter() - start) / max(count, 1)
    typical, longest = statistics.median(recomputes), max(recomputes)
    print(
        f"{title:44} move {statistics.median(moves):5.1f} / {max(moves):5.1f} ms   "
        f"recompute {typical:5.1f} / {longest:5.1f} ms = {typical / 50:.2f} / {longest / 50:.2f} of 50 ms   "
        f"uncertainty {each:.0f} ms each, {count} of them"
    )


def main() -> None:
    """Time three set-ups."""
    scene = make_scene()
    regions = RegionSet(scene)
    regions.show(find_acquisition(scene, "1.2"))
    lesion = regions.add(RegionRole.LESION, Ellipse((90.0, 120.0), (8.0, 6.0)))
    regions.add(RegionRole.BACKGROUND, Rectangle((150.0, 120.0), (20.0, 20.0)))
    measure("lesion of 16 x 12 mm, one background", regions, lesion, (90.0, 120.0))
    regions.add_ring(lesion)
    measure("the same, with a ring that follows", regions, lesion, (90.0, 120.0))
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    blob = ClosedCurve(tuple((float(120 + 15 * np.cos(a)), float(180 + 12 * np.sin(a))) for a in angles))
    curve = regions.add(RegionRole.LESION, blob)
    for number in range(4):
        regions.add(RegionRole.LESION, Ellipse((60.0 + 20 * number, 220.0), (5.0, 5.0)))
    measure("7 regions with a freehand of 30 mm dragged", regions, curve, (135.0, 180.0))
    huge = regions.add(RegionRole.BACKGROUND, Rectangle((120.0, 153.0), (230.0, 300.0)))
    measure("a background of 7 million pixels dragged", regions, huge, (118.0, 153.0))


if __name__ == "__main__":
    main()
