"""Renders comparisons into pictures.npz and facts.json of a folder, for test_rendering.py; a process of its own."""

import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import rendered_views

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.hanging import load_hanging
from CEMSynthLib.scene.layout import VIEWS, Content, Layout
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.volumes import add_volume
from CEMSynthLib.study.model import PixelGrid, VOIWindow

ROWS, COLUMNS = 90, 60
SIZES = {
    Layout.LOW_CLINICAL_SYNTHETIC: (240, 320),
    Layout.CLINICAL_SYNTHETIC: (241, 301),
    Layout.HANGING: (260, 240),
    Layout.ONE_LARGE: (420, 400),
    Layout.CLINICAL_SYNTHETIC_DIFFERENCE: (240, 320),
}
WINDOW = VOIWindow.from_range(0.0, 255.0)
pictures: dict[str, np.ndarray] = {}
facts: dict[str, object] = {}


def images() -> dict[str, np.ndarray]:
    """Gray levels 0 to 250; the synthetic image is brighter in its upper half, darker below, equal in the last rows."""
    values = np.random.default_rng(5).integers(40, 200, (ROWS, COLUMNS))
    synthetic = values.copy()
    synthetic[:30] += 50
    synthetic[30:60] -= 30
    return {"low_energy": 250 - values, "recombined": values, "synthetic": synthetic}


def add_acquisition(world, key: str, name: str, wall: str, spacing=(0.2, 0.2), pixels=None) -> None:
    for kind, values in (pixels or images()).items():
        described = {
            names.KIND: kind,
            names.ACQUISITION: key,
            names.NAME: name,
            names.STUDY_UID: "1.2",
            names.UNITS: names.MODALITY_UNITS,
            names.CHEST_WALL: wall,
            names.KVP: "29",
            names.THICKNESS: "52.0",
            names.MINUTES: "3.5",
        }
        title = f"SYNTHETIC {name}" if kind == "synthetic" else f"{name} {kind}"
        node = add_volume(world.scene, title, values, PixelGrid(ROWS, COLUMNS, spacing), WINDOW, described)
        node.GetDisplayNode().SetInterpolate(0)


def hung(wall: str) -> dict[str, np.ndarray]:
    """An image that is white at its chest wall, and light in the lower quarter."""
    values = np.full((ROWS, COLUMNS), 60)
    values[-ROWS // 4 :] = 130
    values[:, -4:] = 250
    values = values if wall == "right" else values[:, ::-1].copy()
    return {"low_energy": values, "recombined": values}


def make(folder: Path) -> SimpleNamespace:
    world = rendered_views.make_world(str(folder))
    views = rendered_views.RenderedViews(world, SIZES)
    study = StudyInScene(world.scene)
    comparison = Comparison(world.scene, views, partial(load_hanging, study))
    views.attach_all(comparison)
    return SimpleNamespace(world=world, views=views, study=study, comparison=comparison, scene=world.scene)


def keep(case: str, s: SimpleNamespace) -> None:
    for tag, picture in s.views.pictures(s.comparison.state.layout).items():
        pictures[f"{case}/{tag}"] = picture


def compare(s: SimpleNamespace, folder: Path) -> None:
    show = s.comparison
    show.show(find_acquisition(s.scene, "a"))
    keep("three", s)
    show.update(fade=0.5)
    keep("half", s)
    show.update(fade=0.0)
    keep("faded", s)
    show.update(fade=1.0)
    for step in ("blink1", "blink2"):
        show.step_blink()
        keep(step, s)
    show.stop_blink()
    keep("stopped", s)
    show.update(inverted=True)
    keep("inverted", s)
    show.update(inverted=False)
    show.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE)
    keep("difference", s)
    show.update(layout=Layout.ONE_LARGE, content=Content.LOW_ENERGY)
    keep("large", s)
    composite = s.views.slice_logic("CEMSynthSingle").GetSliceCompositeNode()
    composite.SetForegroundVolumeID(find_acquisition(s.scene, "a").synthetic.GetID())
    composite.SetForegroundOpacity(0.05)
    keep("large_by_hand", s)
    show.update(content=Content.DIFFERENCE)
    keep("large_difference", s)
    red = s.views.views["Red"]
    pictures["red/Red"] = red.picture()
    red.logic.GetSliceCompositeNode().SetBackgroundVolumeID(find_acquisition(s.scene, "a").synthetic.GetID())
    pictures["red_synthetic/Red"] = red.picture()


def zoomed(s: SimpleNamespace) -> None:
    show = s.comparison
    show.update(layout=Layout.CLINICAL_SYNTHETIC)
    shown = find_acquisition(s.scene, "a")
    for node in (shown.recombined, shown.synthetic):
        node.GetDisplayNode().SetInterpolate(1)  # as Slicer does unless told otherwise
    show.show_actual_pixels()
    keep("actual", s)
    clinical = s.views.views["CEMSynthClinical"]
    for linked in (True, False):
        show.update(linked=linked)
        show.show_actual_pixels((-6.0, -9.0))
        keep(f"before_pan_{linked}", s)
        clinical.mouse(100, 100, "MouseMoveEvent", "MiddleButtonPressEvent")
        clinical.mouse(107, 95, "MouseMoveEvent")
        clinical.mouse(117, 91, "MouseMoveEvent", "MiddleButtonReleaseEvent")
        keep(f"after_pan_{linked}", s)
    for node in (shown.recombined, shown.synthetic):
        node.GetDisplayNode().SetInterpolate(0)
    show.update(linked=True)
    show.fit()
    clinical.mouse(100, 100, "MouseMoveEvent", "RightButtonPressEvent")
    clinical.mouse(100, 140, "MouseMoveEvent", "RightButtonReleaseEvent")
    logics = [s.views.slice_logic(spec.tag) for spec in VIEWS[Layout.CLINICAL_SYNTHETIC]]
    facts["zoom"] = [logic.GetSliceNode().GetFieldOfView()[0] for logic in logics]
    show.fit()


def marked(s: SimpleNamespace) -> None:
    show = s.comparison
    keep("plain", s)
    show.update(corner=True)
    keep("corner", s)
    show.update(corner=False, cursor=True)
    s.views.views["CEMSynthClinical"].mouse(90, 120, "MouseMoveEvent")
    keep("cursor", s)
    pictures["cursor/Red"] = s.views.views["Red"].picture()
    s.views.views["CEMSynthClinical"].mouse(90, 120, "LeaveEvent")
    s.views.views["Red"].mouse(50, 50, "MouseMoveEvent")
    keep("cursor_elsewhere", s)
    show.update(cursor=False, ruler=True)
    keep("ruler", s)
    show.show(find_acquisition(s.scene, "px"))
    show.update(ruler=False)
    keep("unknown_plain", s)
    show.update(ruler=True)
    keep("unknown_ruler", s)
    node = s.views.slice_logic("CEMSynthClinical").GetSliceNode()
    facts["ruler_of_unknown"] = node.GetRulerType()
    node.SetRulerType(node.RulerTypeThick)  # as the user can in the view's bar
    facts["ruler_of_unknown_by_hand"] = node.GetRulerType()
    show.show(find_acquisition(s.scene, "a"))
    facts["ruler_of_known"] = node.GetRulerType()
    show.update(ruler=False)


def hanging(s: SimpleNamespace) -> None:
    show = s.comparison
    show.show(find_acquisition(s.scene, "rcc"))
    show.update(layout=Layout.HANGING, content=Content.RECOMBINED)
    keep("hanging", s)
    right, mirrored = s.views.views["CEMSynthRightCC"], s.views.views["CEMSynthRightMLO"]
    right.mouse(100, 100, "MouseMoveEvent", "MiddleButtonPressEvent")
    right.mouse(80, 110, "MouseMoveEvent", "MiddleButtonReleaseEvent")
    facts["panned"] = [list(v.logic.GetSliceNode().GetXYZOrigin()) for v in (right, mirrored)]
    keep("hanging_panned", s)


def reloaded(s: SimpleNamespace, folder: Path) -> None:
    s.comparison.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE, fade=0.75, linked=False, corner=True)
    s.comparison.show(find_acquisition(s.scene, "a"))
    path = str(folder / "scene.mrb")
    assert s.scene.WriteToMRB(path, None)
    s.comparison.forget()
    s.scene.Clear(0)
    facts["state_after_closing"] = str(s.comparison.state)
    keep("closed", s)
    assert s.scene.ReadFromMRB(path, True, None)
    facts["state_after_reload"] = str(s.comparison.state)
    facts["nodes_after_reload"] = [
        s.scene.GetNthNodeByClass(i, "vtkMRMLVolumeNode").GetName()
        for i in range(s.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode"))
    ]
    # Before the module shows anything: what the saved slice views show is labeled.
    facts["labels_before_show"] = [tag for tag, overlay in s.comparison.overlays().items() if overlay.label.visible]
    s.comparison.show(find_acquisition(s.scene, "a"))
    keep("reloaded", s)


def main(folder: Path) -> None:
    s = make(folder)
    add_acquisition(s.world, "a", "X CC", "right")
    add_acquisition(s.world, "px", "Y CC", "right", spacing=None)
    for key, name, wall in (("rcc", "R CC", "right"), ("lcc", "L CC", "left"), ("lmlo", "L MLO", "left")):
        add_acquisition(s.world, key, name, wall, pixels=hung(wall))
    # This one lies the other way.
    add_acquisition(s.world, "rmlo", "R MLO", "left", pixels=hung("left"))
    compare(s, folder)
    zoomed(s)
    marked(s)
    hanging(s)
    reloaded(s, folder)
    pictures.update({f"given/{kind}": image for kind, image in images().items()})
    np.savez(folder / "pictures.npz", **{name.replace("/", "__"): picture for name, picture in pictures.items()})
    (folder / "facts.json").write_text(json.dumps(facts))
    s.comparison.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
