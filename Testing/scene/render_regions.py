"""Regions drawn with the mouse in real slice views, rendered off-screen; run by test_regions_rendered.py.

``python render_regions.py FOLDER`` writes ``pictures.npz`` and ``facts.json``.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent))

import rendered_views  # before vtk: it chooses the window that VTK makes

# isort: split
import numpy as np
import slicer
import vtk

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Ellipse
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.layout import Layout, show_layout
from CEMSynthLib.scene.regions.freehand import Freehand
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.volumes import add_volume
from CEMSynthLib.study.model import ImageKind, PixelGrid, VOIWindow

SIZE = (300, 300)
TAGS = {"LE": "CEMSynthLowEnergy", "clinical": "CEMSynthClinical", "other": "CEMSynthSynthetic"}


def make() -> SimpleNamespace:
    """Two images of one acquisition and one of another, each in its slice view: one pixel of the screen is 0.5 mm."""
    import tempfile

    world = rendered_views.make_world(tempfile.mkdtemp())
    world.markups = slicer.vtkSlicerMarkupsLogic()
    world.markups.SetMRMLApplicationLogic(world.application)
    world.markups.SetMRMLScene(world.scene)
    world.application.SetModuleLogic("Markups", world.markups)
    show_layout(world.layouts.GetLayoutNode(), next(iter(Layout)))
    grid = PixelGrid(150, 150, (1.0, 1.0))
    pixels = np.add.outer(np.arange(150), np.arange(150)) + 0.5
    world.views = {}
    for (name, tag), key, kind in zip(
        TAGS.items(), ("1", "1", "2"), (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.LOW_ENERGY), strict=True
    ):
        attributes = {names.KIND: kind.value, names.ACQUISITION: key, names.NAME: "R CC", names.UNITS: "modality"}
        node = add_volume(world.scene, name, pixels, grid, VOIWindow(600, 1200), attributes)
        view = rendered_views.RenderedView(world, tag, SIZE)
        view.renderer.GetActiveCamera().ParallelProjectionOn()  # as Slicer's slice views
        view.logic.GetSliceNode().SetOrientation("Axial")
        view.logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
        view.resize(*SIZE)
        view.logic.FitSliceToBackground()
        world.views[name] = view
    return world


def screen(view: rendered_views.RenderedView, x: float, y: float) -> tuple[int, int]:
    """Where a place in scene units is on the screen."""
    inverse = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(view.logic.GetSliceNode().GetXYToRAS(), inverse)
    right, up, _, _ = inverse.MultiplyPoint((-x, -y, 0.0, 1.0))
    return round(right), round(up)


def drag(view: rendered_views.RenderedView, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move in ten steps, release; places in scene units."""
    a, b = screen(view, *start), screen(view, *end)
    view.picture()
    view.mouse(*a, "MouseMoveEvent")
    view.mouse(*a, "LeftButtonPressEvent")
    for part in range(1, 11):
        view.mouse(*(round(p + (q - p) * part / 10) for p, q in zip(a, b, strict=True)), "MouseMoveEvent")
    view.mouse(*b, "LeftButtonReleaseEvent")


def ellipse(regions: RegionSet, key: str) -> list[float]:
    """Center and semi-axes."""
    regions.recompute()
    shape = regions.region(key).shape
    assert isinstance(shape, Ellipse)
    return [*shape.center, *shape.semi_axes]


def main(folder: Path) -> None:
    """Draw, drag and look."""
    world = make()
    regions = RegionSet(world.scene)
    regions.show(find_acquisition(world.scene, "1"))
    view = world.views["clinical"]
    facts: dict[str, object] = {}
    pictures = {}
    key = regions.place(RegionRole.LESION, RegionKind.ELLIPSE)
    for corner in ((40, 50), (80, 80)):
        place = screen(view, *corner)
        view.mouse(*place, "MouseMoveEvent")
        view.mouse(*place, "LeftButtonPressEvent", "LeftButtonReleaseEvent")
    facts["placed"] = ellipse(regions, key)
    facts["placing"] = regions.placing
    drag(view, (60, 65), (70, 75))
    facts["moved"] = ellipse(regions, key)
    drag(view, (90, 90), (100, 96))
    facts["resized"] = ellipse(regions, key)
    regions.undo()
    facts["undone"] = ellipse(regions, key)
    regions.add_ring(key, 2.0, 5.0)
    drawn: list[object] = []
    hand = Freehand(view.interactor, view.logic.GetSliceNode(), view.renderer, view.request_render, drawn.append)
    angles = np.linspace(0, 2 * np.pi, 40)
    path = [screen(view, 110 + 20 * np.cos(a), 110 + 15 * np.sin(a)) for a in angles]
    view.mouse(*path[0], "LeftButtonPressEvent")
    for place in path[1:20]:
        view.mouse(*place, "MouseMoveEvent")
    pictures["half"] = view.picture()
    for place in path[20:]:
        view.mouse(*place, "MouseMoveEvent")
    view.mouse(*path[-1], "LeftButtonReleaseEvent")
    hand.release()
    (points,) = drawn
    line = regions.add_curve(RegionRole.LESION, points)  # type: ignore[arg-type]
    (row, *_) = [row for row in regions.rows() if row.key == line]
    assert row.statistics is not None
    facts["area"] = row.statistics.area_mm2
    regions.rows()
    pictures |= {name: one.picture() for name, one in world.views.items()}
    np.savez(folder / "pictures.npz", **pictures)
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
