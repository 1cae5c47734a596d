"""The shared window and the label, on real nodes, and the observer trap of the design notes."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.label import TEXT, SyntheticLabel, shows_synthetic
from CEMSynthLib.scene.shared_window import SharedWindow


def window(node) -> tuple[float, float]:
    return node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()


@pytest.fixture
def pair(mrml, acquisition):
    world = mrml(views=True)
    world.volumes = load_acquisition(world.scene, *acquisition())
    return world


def test_the_synthetic_image_takes_the_clinical_window_at_once(pair) -> None:
    clinical, synthetic = pair.volumes.recombined, pair.volumes.synthetic
    own = window(synthetic)
    shared = SharedWindow(clinical, synthetic)
    assert window(synthetic) == window(clinical) != own
    shared.release()


def test_a_change_on_either_side_is_written_to_the_other(pair) -> None:
    clinical, synthetic = pair.volumes.recombined, pair.volumes.synthetic
    shared = SharedWindow(clinical, synthetic)
    clinical.GetDisplayNode().SetWindowLevelMinMax(10, 20)
    assert window(synthetic) == (10, 20)
    synthetic.GetDisplayNode().SetWindowLevelMinMax(30, 50)
    assert window(clinical) == (30, 50)
    synthetic.GetDisplayNode().SetInvertDisplayScalarRange(True)
    assert clinical.GetDisplayNode().GetInvertDisplayScalarRange()
    clinical.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeRainbow")
    assert synthetic.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeRainbow"
    shared.release()
    clinical.GetDisplayNode().SetWindowLevelMinMax(1, 2)
    assert window(synthetic) == (30, 50)


def test_automatic_window_of_one_is_the_window_of_both(pair) -> None:
    clinical, synthetic = pair.volumes.recombined, pair.volumes.synthetic
    shared = SharedWindow(clinical, synthetic)
    before = window(clinical)
    clinical.GetDisplayNode().SetAutoWindowLevel(True)
    assert window(clinical) != before
    assert window(synthetic) == pytest.approx(window(clinical))
    assert not synthetic.GetDisplayNode().GetAutoWindowLevel()
    shared.release()


def test_reset_comes_back_to_the_voi_window(pair) -> None:
    clinical, synthetic = pair.volumes.recombined, pair.volumes.synthetic
    own = window(clinical)
    shared = SharedWindow(clinical, synthetic)
    synthetic.GetDisplayNode().SetWindowLevelMinMax(30, 50)
    shared.reset()
    assert window(clinical) == window(synthetic) == own
    shared.release()


def test_image_files_share_by_laying_their_windows_on_each_other(mrml, acquisition) -> None:
    volumes = load_acquisition(mrml().scene, *acquisition(sop=None, recombined=False))
    other = load_acquisition(mrml().scene, acquisition(sop="1.5")[0])
    shared = SharedWindow(other.recombined, volumes.synthetic)
    assert window(volumes.synthetic) == pytest.approx((1950.0, 2249.0))  # its own: 2100 - 0.5 -+ 299 / 2
    low, high = window(other.recombined)
    other.recombined.GetDisplayNode().SetWindowLevelMinMax(low, low + (high - low) / 2)
    assert window(volumes.synthetic) == pytest.approx((1950.0, 2099.5))
    for step in range(50):  # what comes back from the other side would drift by rounding
        wanted = (low + step / 7, high - step / 3)
        other.recombined.GetDisplayNode().SetWindowLevelMinMax(*wanted)
        assert window(other.recombined) == undisturbed(wanted)
    shared.release()


def undisturbed(wanted: tuple[float, float]) -> tuple[float, float]:
    """What a display node that nobody observes makes of a window (it stores window and level)."""
    import slicer

    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    display.SetWindowLevelMinMax(*wanted)
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()


@pytest.fixture
def labeled(pair):
    from vtk import vtkRenderer

    logic = next(iter(pair.logics.values()))
    pair.composite = logic.GetSliceCompositeNode()
    pair.renderer = vtkRenderer()
    pair.rendered = []
    pair.label = SyntheticLabel(pair.composite, pair.renderer, lambda: pair.rendered.append(1))
    return pair


def test_label_appears_with_a_synthetic_background(labeled) -> None:
    assert not labeled.label.visible
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.recombined.GetID())
    assert not labeled.label.visible
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.synthetic.GetID())
    assert labeled.label.visible
    assert labeled.label.actor.GetInput() == TEXT == "SYNTHETIC - not for diagnosis"
    assert labeled.renderer.HasViewProp(labeled.label.actor)
    assert len(labeled.rendered) == 1
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.low_energy.GetID())
    assert not labeled.label.visible


def test_label_appears_with_a_synthetic_foreground_that_is_not_transparent(labeled) -> None:
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.recombined.GetID())
    labeled.composite.SetForegroundVolumeID(labeled.volumes.synthetic.GetID())
    labeled.composite.SetForegroundOpacity(0.0)
    assert not labeled.label.visible
    labeled.composite.SetForegroundOpacity(0.01)
    assert labeled.label.visible


def test_label_goes_with_the_volume_and_with_the_scene(labeled) -> None:
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.synthetic.GetID())
    labeled.scene.RemoveNode(labeled.volumes.synthetic)
    assert not shows_synthetic(labeled.composite)
    assert not labeled.label.visible


def test_released_label_leaves_the_view(labeled) -> None:
    labeled.label.release()
    assert not labeled.renderer.HasViewProp(labeled.label.actor)
    labeled.composite.SetBackgroundVolumeID(labeled.volumes.synthetic.GetID())
    assert not labeled.label.visible


def test_a_forgotten_shared_window_stops_and_does_not_crash(pair) -> None:
    clinical, synthetic = pair.volumes.recombined, pair.volumes.synthetic
    SharedWindow(clinical, synthetic)
    gc.collect()
    before = window(synthetic)
    clinical.GetDisplayNode().SetWindowLevelMinMax(10, 20)
    assert window(synthetic) == before


TRAP = """
import gc, slicer
from CEMSynthLib.scene.observing import Observations
scene = slicer.vtkMRMLScene()
class Owner:
    def __init__(self, node):
        self.node, self.seen, self.observations = node, [], Observations()
        self.observations.add(node, "ModifiedEvent", self.called)
    def called(self, caller):
        self.seen.append(caller.GetName())
def make():
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "x")
    owner = Owner(node)
    node.Modified()
    assert owner.seen == ["x"], owner.seen
make()
for _ in range(5):
    gc.collect()
    scene.GetFirstNodeByName("x").Modified()
print("alive")
"""


def test_observer_trap() -> None:
    """An owner and its node that Python forgets: the next event must not end the process (design notes, TRAP A)."""
    pytest.importorskip("slicer")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", TRAP],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "alive"
