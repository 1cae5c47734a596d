"""The nodes of regions: placed, undone, deleted by hand, saved with the scene, seen where their image is."""

import gc
from pathlib import Path

import pytest

pytest.importorskip("slicer")
import slicer
from region_scene import BACKGROUND, BLOB, BOX, DISC, LESION, SHAPE, SPACING, markups, region_world, rows_of

from CEMSynthLib.measurement.shapes import Ellipse
from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.study.model import ImageKind


@pytest.fixture
def world(mrml, acquisition):
    with region_world(mrml, acquisition) as world:
        yield world


def test_undo_and_redo_of_everything(world) -> None:
    regions = world.regions
    lesion, background = regions.add(LESION, DISC), regions.add(BACKGROUND, BOX)
    node = regions.node(background)
    node.InvokeEvent(node.PointStartInteractionEvent)
    for x in range(3):
        node.SetCenter(-22.0 + x, -60.0, 0.0)
        regions.recompute()
    node.InvokeEvent(node.PointEndInteractionEvent)
    regions.recompute()
    regions.rename(lesion, "mass")
    regions.set_color(lesion, (0.0, 1.0, 0.0))
    regions.delete(lesion)
    assert [r.key for r in regions.regions()] == [background]
    regions.undo()
    assert regions.region(lesion).name == "mass"
    assert regions.region(lesion).shape == DISC
    regions.undo()
    regions.undo()
    assert regions.region(lesion).name == "R CC lesion 1"
    assert regions.region(background).shape.center == (20.0, 60.0)
    regions.undo()  # the whole drag is one step
    assert regions.region(background).shape == BOX
    regions.redo()
    assert regions.region(background).shape.center == (20.0, 60.0)
    for _ in range(10):
        regions.undo()
    assert regions.regions() == []
    assert markups(world) == []
    assert not regions.can_undo
    for _ in range(10):
        regions.redo()
    assert [r.key for r in regions.regions()] == [background]


def test_nodes_deleted_by_hand(world) -> None:
    regions = world.regions
    lesion, background = regions.add(LESION, DISC), regions.add(BACKGROUND, BOX)
    ring = regions.add_ring(lesion)
    world.scene.RemoveNode(regions.node(background))
    assert [row.key for row in regions.rows()].count(background) == 0
    # What is seen of an ellipse is its outline.
    world.scene.RemoveNode(next(n for n in markups(world) if n.GetName().endswith("outline")))
    assert regions.rows() == []
    assert markups(world) == []
    regions.undo()
    assert {r.key for r in regions.regions()} == {lesion, ring}
    regions.undo()
    assert {r.key for r in regions.regions()} == {lesion, ring, background}
    world.scene.RemoveNode(world.volumes.recombined)
    assert [row.image for row in rows_of(world, lesion)] == [ImageKind.LOW_ENERGY, ImageKind.SYNTHETIC]


def test_saved_scene_brings_everything_back(world, mrml, tmp_path: Path) -> None:
    regions = world.regions
    lesion = regions.add(LESION, Ellipse((12.3, 40.1), (4.0, 6.0), 30.0), "mass; 100% sure")
    regions.add_ring(lesion)
    regions.set_background(regions.add(LESION, BLOB), regions.add(BACKGROUND, BOX))
    regions.set_color(lesion, (0.5, 0.25, 1.0))
    regions.set_locked(lesion, True)
    before, rows = regions.regions(), regions.finish()
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    for clear in (True, False):
        other = mrml(views=True, markups=True)
        back = RegionSet(other.scene)
        assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), clear, None)
        from CEMSynthLib.scene.acquisitions import find_acquisition

        back.show(find_acquisition(other.scene, world.volumes.key))
        assert [r.kind for r in back.regions()] == [r.kind for r in before]
        for now, then in zip(back.regions(), before, strict=True):
            assert (now.key, now.name, now.role, now.background, now.ring) == (
                then.key, then.name, then.role, then.background, then.ring,
            )  # fmt: skip
            assert now.locked == then.locked
            assert now.color == pytest.approx(then.color, abs=1e-3)
        assert back.finish() == rows
        assert not back.can_undo
        assert len(markups(other)) == 5
        back.release()


def test_seen_in_the_views_of_its_acquisition_only(world, acquisition) -> None:
    regions = world.regions
    key = regions.add(LESION, DISC)
    regions.rows()
    display = regions.node(key).GetDisplayNode()
    assert len(display.GetViewNodeIDs()) == 3
    assert display.GetVisibility2D()
    other, synthetic = acquisition(spacing=SPACING, shape=SHAPE, sop="9.9")
    volumes = load_acquisition(world.scene, other, synthetic)
    world.show(volumes)
    regions.show(volumes)
    assert regions.rows() == []
    assert not display.GetVisibility2D()
    first, *_ = world.logics.values()
    first.GetSliceCompositeNode().SetBackgroundVolumeID(world.volumes.recombined.GetID())
    assert list(display.GetViewNodeIDs()) == [first.GetSliceNode().GetID()]
    assert display.GetVisibility2D()


def test_scene_closed_and_two_copies(world) -> None:
    regions = world.regions
    key = regions.add(LESION, BLOB)
    copy = slicer.vtkMRMLMarkupsClosedCurveNode()
    copy.Copy(regions.node(key))
    world.scene.AddNode(copy)
    assert len({r.key for r in regions.regions()}) == 2
    world.scene.Clear(0)
    assert regions.rows() == []
    assert not regions.can_undo
    with pytest.raises(RegionSetError, match="Show an acquisition"):
        regions.add(LESION, BLOB)


def test_placing_by_clicks(world) -> None:
    """TRAP B: the outline is added first, so that the box is what a click places."""
    regions = world.regions
    key = regions.place(LESION, RegionKind.ELLIPSE)
    selection = world.scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    interaction = world.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    node = regions.node(key)
    assert selection.GetActivePlaceNodeID() == node.GetID()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    assert regions.rows() == []
    assert regions.placing == key
    node.AddControlPoint(-10.0, -40.0, 0.0)
    node.AddControlPoint(-18.0, -60.0, 0.0)
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    assert regions.region(key).shape == Ellipse((14.0, 50.0), (4.0, 10.0))
    assert len(rows_of(world, key)) == 3
    assert node.GetSize()[2] == 4.0
    regions.place(LESION, RegionKind.RECTANGLE)
    regions.recompute()
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)  # given up
    regions.recompute()
    assert [r.key for r in regions.regions()] == [key]
    regions.undo()
    assert regions.regions() == []


def test_markups_drawn_elsewhere_become_regions(world) -> None:
    regions = world.regions
    box = world.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    box.SetCenter(-15.0, -40.0, 30.0)
    box.SetSize(10.0, 10.0, 2.0)
    line = world.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    key = regions.adopt(box, LESION)
    assert [row.statistics.pixels for row in rows_of(world, key)] == [5000] * 3
    assert box.GetCenter()[2] == 0.0  # laid through the image
    assert len(box.GetDisplayNode().GetViewNodeIDs()) == 3
    for node in (box, line):
        with pytest.raises(RegionSetError, match="no ROI or closed curve"):
            regions.adopt(node, LESION)


def test_owner_dropped_without_release(mrml) -> None:
    """TRAP A: the garbage collector takes an owner with its callbacks; the next event must find no callback there."""
    scene = mrml(views=True, markups=True).scene
    regions = RegionSet(scene)
    regions.rows()
    del regions
    gc.collect()
    scene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode")
