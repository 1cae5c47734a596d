"""What the slice views show, on real slice logics: images, orientation, window, linking, fit."""

import numpy as np
import pytest

from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.compare import layers_of, link_views, show_layers
from CEMSynthLib.scene.layout import (
    ALL_TAGS,
    LAYOUT_ID,
    VIEW_GROUP,
    VIEW_TAGS,
    VIEWS,
    Content,
    Layout,
    register_layout,
    show_layout,
)
from CEMSynthLib.scene.zoom import fit_views
from CEMSynthLib.study.model import ImageKind

LE, CLINICAL, SYNTHETIC = VIEW_TAGS.values()


def show_acquisition(logics, volumes) -> None:
    for spec in VIEWS[Layout.LOW_CLINICAL_SYNTHETIC]:
        show_layers(logics[spec.tag], layers_of(volumes, spec.content))


def fit(logics) -> None:
    fit_views([(logic, None) for logic in logics.values()])


@pytest.fixture
def shown(mrml, acquisition):
    world = mrml(views=True)
    world.volumes = load_acquisition(world.scene, *acquisition())
    show_acquisition(world.logics, world.volumes)
    link_views(world.logics.values())
    fit(world.logics)
    return world


def picture(logic) -> np.ndarray:
    """What the slice view shows, (rows, columns) from the top left, 0 to 255."""
    from vtk.util.numpy_support import vtk_to_numpy

    port = logic.GetImageDataConnection()
    port.GetProducer().Update()
    image = port.GetProducer().GetOutputDataObject(port.GetIndex())
    columns, rows, _ = image.GetDimensions()
    colors = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
    return colors[::-1, :, 0].astype(float)


def test_layout_makes_three_views_in_their_own_group(mrml) -> None:
    world = mrml(views=True)
    assert world.layout_node.GetViewArrangement() == LAYOUT_ID
    nodes = [world.scene.GetSingletonNode(tag, "vtkMRMLSliceNode") for tag in VIEW_TAGS.values()]
    assert [node.GetOrientation() for node in nodes] == ["Axial"] * 3
    assert [node.GetViewGroup() for node in nodes] == [VIEW_GROUP] * 3
    assert [node.GetLayoutLabel() for node in nodes] == ["LE", "Clin", "Syn"]


def test_layout_can_be_registered_twice_and_says_what_was_there(mrml) -> None:
    world = mrml(views=True)
    register_layout(world.layout_node)
    assert show_layout(world.layout_node) is None
    assert show_layout(world.layout_node, Layout.HANGING) is None
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    assert show_layout(world.layout_node) == world.layout_node.SlicerLayoutFourUpView


def test_each_view_shows_its_image(shown) -> None:
    volumes = shown.volumes
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    for tag, node in zip((LE, CLINICAL, SYNTHETIC), nodes, strict=True):
        composite = shown.logics[tag].GetSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == node.GetID()
        assert composite.GetForegroundVolumeID() is None
        assert shown.logics[tag].GetBackgroundLayer().GetVolumeNode() is node


def test_missing_image_empties_its_view(shown, acquisition) -> None:
    pair, _ = acquisition(sop="1.7")
    show_acquisition(shown.logics, load_acquisition(shown.scene, pair))
    assert shown.logics[SYNTHETIC].GetSliceCompositeNode().GetBackgroundVolumeID() is None
    assert shown.logics[LE].GetSliceCompositeNode().GetBackgroundVolumeID() is not None


def test_what_the_user_did_to_a_view_is_undone(shown) -> None:
    logic = shown.logics[CLINICAL]
    logic.GetSliceNode().SetOrientation("Sagittal")
    logic.GetSliceCompositeNode().SetForegroundVolumeID(shown.volumes.synthetic.GetID())
    logic.GetSliceCompositeNode().SetForegroundOpacity(1.0)
    show_acquisition(shown.logics, shown.volumes)
    fit(shown.logics)
    assert logic.GetSliceNode().GetOrientation() == "Axial"
    assert logic.GetSliceCompositeNode().GetForegroundVolumeID() is None


def test_rows_run_down_and_columns_right(shown, array_of) -> None:
    """Shown at 0.05 mm, every second column and fourth row is a pixel center: nothing is flipped."""
    logic, node = shown.logics[LE], shown.volumes.low_energy
    logic.ResizeSliceNode(60, 160)
    logic.GetSliceNode().SetFieldOfView(3.0, 8.0, 1.0)
    logic.GetSliceNode().UpdateMatrices()
    node.GetDisplayNode().SetInterpolate(0)
    low, high = node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()
    expected = 255 * np.clip((array_of(node)[0] - low) / (high - low), 0, 1)
    seen = picture(logic)[1::4, 1::2]
    assert seen.shape == expected.shape
    assert np.abs(seen - expected).max() <= 2
    assert np.abs(seen[::-1] - expected).max() > 100
    assert np.abs(seen[:, ::-1] - expected).max() > 2


def interact(slice_logic, change) -> None:
    node = slice_logic.GetSliceNode()
    slice_logic.StartSliceNodeInteraction(node.FieldOfViewFlag | node.XYZOriginFlag)
    change(node)
    slice_logic.EndSliceNodeInteraction()


def zoom(node) -> None:
    fov = node.GetFieldOfView()
    node.SetFieldOfView(fov[0] / 3, fov[1] / 3, fov[2])
    node.SetXYZOrigin(0.4, -0.3, 0)
    node.UpdateMatrices()


def test_zoom_and_pan_are_linked(shown) -> None:
    interact(shown.logics[CLINICAL], zoom)
    wanted = shown.logics[CLINICAL].GetSliceNode()
    for tag in (LE, SYNTHETIC):
        node = shown.logics[tag].GetSliceNode()
        assert node.GetFieldOfView()[0] == pytest.approx(wanted.GetFieldOfView()[0])
        assert node.GetXYZOrigin() == pytest.approx(wanted.GetXYZOrigin())


def test_unlinked_views_stay(shown) -> None:
    link_views(shown.logics.values(), False)
    before = shown.logics[LE].GetSliceNode().GetFieldOfView()
    interact(shown.logics[CLINICAL], zoom)
    assert shown.logics[LE].GetSliceNode().GetFieldOfView() == before


def test_other_views_are_not_linked(shown) -> None:
    import slicer

    red = slicer.vtkMRMLSliceNode()
    red.SetLayoutName("Red")
    red = shown.scene.AddNode(red)
    before = red.GetFieldOfView()
    interact(shown.logics[CLINICAL], zoom)
    assert red.GetFieldOfView() == before


def test_choosing_another_background_in_one_view_leaves_the_others(shown) -> None:
    """Without our flag the link logic would broadcast the volume to all linked views."""
    logic = shown.logics[CLINICAL]
    composite = logic.GetSliceCompositeNode()
    logic.StartSliceCompositeNodeInteraction(composite.BackgroundVolumeFlag)
    composite.SetBackgroundVolumeID(shown.volumes.low_energy.GetID())
    logic.EndSliceCompositeNodeInteraction()
    assert shown.logics[SYNTHETIC].GetSliceCompositeNode().GetBackgroundVolumeID() == shown.volumes.synthetic.GetID()


def test_a_volume_that_is_loaded_later_does_not_replace_the_images(shown) -> None:
    other = shown.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    selection = shown.application.GetSelectionNode()
    selection.SetActiveVolumeID(other.GetID())
    shown.application.PropagateVolumeSelection()
    assert shown.logics[LE].GetSliceCompositeNode().GetBackgroundVolumeID() == shown.volumes.low_energy.GetID()


@pytest.mark.parametrize("dimensions", [((200, 300),) * 3, ((400, 300), (100, 300), (300, 300))])
def test_fit_shows_the_whole_image_alike_everywhere(mrml, acquisition, dimensions) -> None:
    world = mrml(views=True, dimensions=dimensions)
    volumes = load_acquisition(world.scene, acquisition()[0])  # no synthetic image: its view is empty
    show_acquisition(world.logics, volumes)
    fit(world.logics)
    width, height = 3.0, 8.0
    views = [logic.GetSliceNode() for logic in world.logics.values()]
    for node in views:
        fov = node.GetFieldOfView()
        assert fov[0] >= width - 1e-6
        assert fov[0] == pytest.approx(views[0].GetFieldOfView()[0])
        assert fov[0] / fov[1] == pytest.approx(node.GetDimensions()[0] / node.GetDimensions()[1])
        center = [node.GetSliceToRAS().GetElement(i, 3) for i in range(3)]
        assert center == pytest.approx([-1.45, -3.9, 0.0], abs=0.2)
    shown_heights = [logic.GetSliceNode().GetFieldOfView()[1] for logic in world.logics.values()]
    assert min(shown_heights) >= height - 1e-6


def test_views_survive_a_closed_scene(shown, acquisition) -> None:
    shown.scene.Clear(0)
    for logic in shown.logics.values():
        assert logic.GetSliceCompositeNode().GetBackgroundVolumeID() is None
    volumes = load_acquisition(shown.scene, *acquisition(sop="1.8"))
    show_acquisition(shown.logics, volumes)
    link_views(shown.logics.values())
    fit(shown.logics)
    interact(shown.logics[LE], zoom)
    fields = {round(logic.GetSliceNode().GetFieldOfView()[0], 6) for logic in shown.logics.values()}
    assert len(fields) == 1
    assert shown.logics[SYNTHETIC].GetSliceCompositeNode().GetBackgroundVolumeID() == volumes.synthetic.GetID()


def test_tags_are_in_reading_order() -> None:
    assert list(VIEW_TAGS) == [ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC]
    assert all(tag.isidentifier() for tag in ALL_TAGS)
    assert [layout.value for layout in Layout] == [5701, 5702, 5703, 5704, 5705]


def test_what_a_view_shows(shown) -> None:
    volumes = shown.volumes
    assert layers_of(volumes, Content.SYNTHETIC) == (volumes.synthetic, None, 0.0)
    assert layers_of(volumes, Content.SYNTHETIC, 0.25) == (volumes.recombined, volumes.synthetic, 0.25)
    assert layers_of(volumes, Content.RECOMBINED, 0.25) == (volumes.recombined, None, 0.0)
    assert layers_of(None, Content.LOW_ENERGY) == (None, None, 0.0)
