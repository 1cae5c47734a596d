"""The comparison on real nodes: what is shown of what is there, windows, difference, state, order of views."""

import gc

import numpy as np
import pytest

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition, load_acquisition
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.comparison_state import ComparisonState, read_state, write_state
from CEMSynthLib.scene.corner import corner_text
from CEMSynthLib.scene.difference import (
    CenteredWindow,
    difference_of,
    difference_volume,
    find_difference,
    remove_differences,
)
from CEMSynthLib.scene.exposure_attributes import exposure_attributes, minutes_since_injection
from CEMSynthLib.scene.label import NAME_PREFIX, shows_synthetic
from CEMSynthLib.scene.layout import Content, Layout
from CEMSynthLib.scene.presets import presets_of
from CEMSynthLib.scene.scale_bar import bar_length
from CEMSynthLib.scene.volumes import add_volume, set_image
from CEMSynthLib.study.model import CEMImage, ImageKind, PixelGrid, VOIWindow

LE, CLINICAL, SYNTHETIC = "CEMSynthLowEnergy", "CEMSynthClinical", "CEMSynthSynthetic"


class Host:
    def __init__(self, logics) -> None:
        self.logics, self.layouts = logics, []

    def slice_logic(self, tag):
        return self.logics.get(tag)

    def show_layout(self, layout) -> None:
        self.layouts.append(layout)

    def settle(self) -> None:
        self.layouts.append("settled")


@pytest.fixture
def compared(mrml, acquisition):
    """Two acquisitions in a scene, the first one compared."""
    world = mrml(views=True)
    world.host = Host(world.all_logics)
    world.volumes = load_acquisition(world.scene, *acquisition())
    world.others = {"L CC": load_acquisition(world.scene, *acquisition(sop="1.7", offset=3))}
    world.comparison = Comparison(world.scene, world.host, lambda key: {"R CC": world.volumes} | world.others)
    world.comparison.show(world.volumes)
    yield world
    world.comparison.release()


def shown(world, tag: str) -> tuple[str | None, str | None, float]:
    composite = world.all_logics[tag].GetSliceCompositeNode()
    found = [
        world.scene.GetNodeByID(i or "") for i in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    ]
    return (*(node and node.GetName() for node in found), composite.GetForegroundOpacity())


def window(node) -> tuple[float, float]:
    return node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()


def test_layout_first_then_images_then_fit(compared) -> None:
    assert compared.host.layouts == [Layout.LOW_CLINICAL_SYNTHETIC, "settled"]
    compared.comparison.update(layout=Layout.ONE_LARGE, content=Content.LOW_ENERGY)
    assert compared.host.layouts[2:] == [Layout.ONE_LARGE, "settled"]
    assert shown(compared, "CEMSynthSingle")[0] == "R CC low energy"
    compared.comparison.update(content=Content.DIFFERENCE)
    assert shown(compared, "CEMSynthSingle")[0] == "SYNTHETIC R CC difference"
    assert len(compared.host.layouts) == 4


def test_zoom_and_pan_stay_while_the_acquisition_stays(compared) -> None:
    node = compared.all_logics[SYNTHETIC].GetSliceNode()
    fitted = node.GetFieldOfView()
    compared.comparison.show_actual_pixels((-1.0, -2.0))
    seen = node.GetFieldOfView(), node.GetXYToRAS().GetElement(0, 3)
    assert seen[0] != fitted
    compared.comparison.show(compared.volumes)  # as after synthesis
    assert (node.GetFieldOfView(), node.GetXYToRAS().GetElement(0, 3)) == seen
    compared.comparison.update(fade=0.5)
    assert node.GetFieldOfView() == seen[0]
    compared.comparison.show(compared.others["L CC"])
    assert node.GetFieldOfView() == pytest.approx(fitted)


def test_an_empty_view_is_placed_like_the_others(mrml, acquisition) -> None:
    """So that an image that is synthesized later appears where the others are."""
    world = mrml(views=True)
    comparison = Comparison(world.scene, Host(world.all_logics))
    comparison.show(load_acquisition(world.scene, acquisition()[0]))
    comparison.show_actual_pixels((-1.0, -2.0))
    nodes = [world.all_logics[tag].GetSliceNode() for tag in (CLINICAL, SYNTHETIC)]
    assert nodes[0].GetFieldOfView() == nodes[1].GetFieldOfView()
    assert [nodes[0].GetXYToRAS().GetElement(i, 3) for i in range(3)] == [
        nodes[1].GetXYToRAS().GetElement(i, 3) for i in range(3)
    ]
    comparison.release()


def test_a_change_is_told(compared) -> None:
    told = []
    compared.comparison.changed = lambda: told.append(compared.comparison.state.fade)
    compared.comparison.update(fade=0.25)
    assert told == [0.25]
    assert shown(compared, SYNTHETIC) == ("R CC clinical iodine", "SYNTHETIC R CC iodine", 0.25)


def test_a_deleted_image_leaves_its_view_and_a_new_one_takes_its_place(compared) -> None:
    comparison, volumes = compared.comparison, compared.volumes
    comparison.update(fade=0.5)
    compared.scene.RemoveNode(volumes.synthetic)
    comparison.apply()
    assert shown(compared, SYNTHETIC)[:2] == (None, None)
    assert not comparison.can_compare
    volumes.recombined.GetDisplayNode().SetWindowLevelMinMax(1, 2)  # shares with nothing
    described = {names.KIND: "synthetic", names.ACQUISITION: volumes.key, names.NAME: "R CC", names.UNITS: "modality"}
    grid = PixelGrid(40, 30, (0.2, 0.1))
    made = add_volume(compared.scene, "SYNTHETIC anew", np.ones((40, 30)), grid, VOIWindow(5.0, 9.0), described)
    comparison.apply()
    assert shown(compared, SYNTHETIC) == ("R CC clinical iodine", "SYNTHETIC anew", 0.5)
    assert window(made) == (1, 2)
    compared.scene.Clear(0)
    comparison.forget()
    comparison.apply()
    assert shown(compared, CLINICAL)[0] is None
    assert comparison.presets() == []


def test_only_shown_pairs_share_windows_and_hanging_ones_too(compared) -> None:
    other = compared.others["L CC"]
    before = window(other.synthetic)
    other.recombined.GetDisplayNode().SetWindowLevelMinMax(3, 4)
    assert window(other.synthetic) == before
    compared.comparison.update(layout=Layout.HANGING, content=Content.RECOMBINED)
    assert window(other.synthetic) == (3, 4)
    assert shown(compared, "CEMSynthLeftCC")[0] == other.recombined.GetName()
    assert shown(compared, "CEMSynthRightMLO")[0] is None
    compared.comparison.update(layout=Layout.CLINICAL_SYNTHETIC)
    other.recombined.GetDisplayNode().SetWindowLevelMinMax(5, 6)
    assert window(other.synthetic) == (3, 4)


def test_what_the_user_picks_in_a_view_is_not_broadcast(compared) -> None:
    logic = compared.all_logics[CLINICAL]
    composite = logic.GetSliceCompositeNode()
    flags = composite.ForegroundOpacityFlag | composite.ForegroundVolumeFlag
    logic.StartSliceCompositeNodeInteraction(flags)
    composite.SetForegroundVolumeID(compared.volumes.low_energy.GetID())
    composite.SetForegroundOpacity(0.4)
    logic.EndSliceCompositeNodeInteraction()
    assert shown(compared, SYNTHETIC)[1:] == (None, 0.0)


def test_a_label_volume_of_the_user_stays_with_its_acquisition(compared) -> None:
    composite = compared.all_logics[SYNTHETIC].GetSliceCompositeNode()
    mine = compared.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "mine").GetID()
    composite.SetLabelVolumeID(mine)
    compared.comparison.update(fade=0.5)
    assert composite.GetLabelVolumeID() == mine
    compared.comparison.show(compared.others["L CC"])
    assert composite.GetLabelVolumeID() is None


def test_blink_ends_with_another_choice(compared) -> None:
    comparison = compared.comparison
    assert comparison.step_blink() is False
    assert shown(compared, SYNTHETIC)[2] == 0.0
    comparison.update(fade=0.75)
    assert shown(compared, SYNTHETIC)[2] == 0.75
    assert comparison.step_blink() is False
    assert comparison.step_blink() is True
    assert shown(compared, SYNTHETIC)[0] == "SYNTHETIC R CC iodine"
    comparison.stop_blink()
    assert shown(compared, SYNTHETIC)[2] == 0.75


def test_inversion_is_for_images_not_for_differences(compared) -> None:
    compared.comparison.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE, inverted=True)
    nodes = (compared.volumes.low_energy, compared.volumes.recombined, compared.volumes.synthetic)
    assert all(node.GetDisplayNode().GetInvertDisplayScalarRange() for node in nodes)
    difference = compared.scene.GetFirstNodeByName("SYNTHETIC R CC difference")
    assert not difference.GetDisplayNode().GetInvertDisplayScalarRange()


def test_what_cannot_be_shown_is_told(compared) -> None:
    comparison = compared.comparison
    assert comparison.missing() == []
    comparison.update(layout=Layout.HANGING, content=Content.DIFFERENCE)
    assert comparison.missing() == [("R MLO", Content.DIFFERENCE), ("L MLO", Content.DIFFERENCE)]
    compared.scene.RemoveNode(compared.volumes.synthetic)
    comparison.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE)
    assert comparison.missing() == [("", Content.SYNTHETIC), ("", Content.DIFFERENCE)]


def test_a_synthetic_image_in_an_additional_layer_is_labeled(compared) -> None:
    composite = compared.all_logics[LE].GetSliceCompositeNode()
    assert not shows_synthetic(composite)
    composite.SetNthLayerVolumeID(composite.Layer_Last, compared.volumes.synthetic.GetID())
    composite.SetNthLayerOpacity(composite.Layer_Last, 0.2)
    assert shows_synthetic(composite)
    composite.SetNthLayerOpacity(composite.Layer_Last, 0.0)
    assert not shows_synthetic(composite)


def test_a_clone_of_a_synthetic_image_is_labeled_whatever_it_is_called_or_kept_of_it(compared) -> None:
    composite = compared.all_logics[LE].GetSliceCompositeNode()
    node = compared.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "SYNTHETIC R CC iodine Copy")
    composite.SetBackgroundVolumeID(node.GetID())
    assert shows_synthetic(composite)
    compared.volumes.synthetic.SetName("renamed")
    composite.SetBackgroundVolumeID(compared.volumes.synthetic.GetID())
    assert shows_synthetic(composite)


def test_regions_and_halo_are_drawn_over_the_difference_too(compared) -> None:
    from CEMSynthLib.scene.halo.view_ties import slice_views_of
    from CEMSynthLib.scene.regions.views import views_by_acquisition

    compared.comparison.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE)
    node = compared.all_logics["CEMSynthDifference"].GetSliceNode().GetID()
    key = compared.volumes.key
    assert node in views_by_acquisition(compared.scene)[key]
    assert node in slice_views_of(compared.scene, key)
    assert node not in slice_views_of(compared.scene, key, ImageKind.SYNTHETIC)


def test_differences_of_other_acquisitions_give_their_room_back(compared) -> None:
    import weakref

    compared.comparison.update(layout=Layout.CLINICAL_SYNTHETIC_DIFFERENCE)
    scene, key = compared.scene, compared.volumes.key
    pixels = weakref.ref(find_difference(scene, key).GetImageData())
    remove_differences(scene, {key})
    assert find_difference(scene, key) is not None
    compared.comparison.forget()
    remove_differences(scene, {"another"})
    assert find_difference(scene, key) is None
    gc.collect()
    assert pixels() is None


def test_state_is_kept_in_the_scene(mrml) -> None:
    scene = mrml().scene
    assert read_state(scene) == ComparisonState()
    state = ComparisonState(Layout.HANGING, Content.DIFFERENCE, 0.3, False, True, True, True, True)
    write_state(scene, state)
    assert read_state(scene) == state
    node = scene.GetSingletonNode("CEMSynthComparison", "vtkMRMLScriptedModuleNode")
    for name, text in (("layout", "OF_A_LATER_VERSION"), ("fade", "nan"), ("linked", "maybe"), ("content", "")):
        node.SetParameter(name, text)
    assert read_state(scene) == ComparisonState(inverted=True, cursor=True, ruler=True, corner=True)
    node.SetParameter("fade", "7")
    assert read_state(scene).fade == 1.0


def test_difference_in_modality_units(compared, array_of) -> None:
    clinical, synthetic = compared.volumes.recombined, compared.volumes.synthetic
    node = difference_volume(compared.scene, compared.volumes)
    assert np.array_equal(array_of(node)[0], array_of(synthetic)[0] - array_of(clinical)[0])
    assert node.GetName().startswith(NAME_PREFIX)
    assert node.GetSpacing() == clinical.GetSpacing()
    assert not node.GetSaveWithScene()
    assert window(node) == (-159.5, 159.5)  # half of the clinical window's 319
    set_image(synthetic, array_of(clinical)[0] + 2.0, PixelGrid(40, 30, (0.2, 0.1)))
    again = difference_volume(compared.scene, compared.volumes)
    assert again is node
    assert (array_of(again)[0] == 2).all()
    assert not find_acquisition(compared.scene, compared.volumes.key).recombined.GetAttribute(names.DIFFERENCE_OF)


def test_no_difference_without_both_images_on_one_matrix(compared, acquisition) -> None:
    assert difference_volume(compared.scene, load_acquisition(compared.scene, acquisition(sop="1.8")[0])) is None
    set_image(compared.volumes.synthetic, np.ones((40, 31)), PixelGrid(40, 31, None))
    assert difference_volume(compared.scene, compared.volumes) is None


def test_gray_levels_are_compared_window_by_window(mrml) -> None:
    """Clinical 0 to 100 is shown as synthetic 1000 to 3000 is: 2500 stands for 75."""
    scene = mrml().scene
    grid = PixelGrid(2, 2, None)
    pixels = np.array([[0, 75], [50, 100]])
    described = {names.UNITS: names.FILE_UNITS}
    clinical = add_volume(scene, "c", pixels, grid, VOIWindow.from_range(0, 100), described)
    made = np.array([[1000, 2500], [1000, 3200]])
    synthetic = add_volume(scene, "s", made, grid, VOIWindow.from_range(1000, 3000), described)
    assert difference_of(clinical, synthetic) == pytest.approx(np.array([[0.0, 0.0], [-50.0, 10.0]]))
    clinical.SetAttribute(names.REACH, "0 1 0 2")  # the clinical image does not reach the second row
    assert difference_of(clinical, synthetic) == pytest.approx(np.zeros((2, 2)))


def test_zero_stays_in_the_middle(compared) -> None:
    node = difference_volume(compared.scene, compared.volumes)
    centered = CenteredWindow(node)
    node.GetDisplayNode().SetWindowLevelMinMax(-10, 40)
    assert window(node) == (-25, 25)
    node.GetDisplayNode().SetAutoWindowLevel(True)
    low, high = window(node)
    assert low == -high
    centered.release()
    node.GetDisplayNode().SetWindowLevelMinMax(-10, 40)
    assert window(node) == (-10, 40)


def image(**attributes) -> CEMImage:
    from pathlib import Path

    return CEMImage(
        Path("x.dcm"), ImageKind.RECOMBINED, PixelGrid(2, 2, None), VOIWindow(1.0, 2.0), None, 12, attributes=attributes
    )


@pytest.mark.parametrize(
    ("start", "exposure", "minutes"),
    [
        ("101500", "101730", 2.5),
        ("10", "1003", 3.0),
        ("235900.000000", "000130.500000", 2.5083),
        ("101500", "101200", -3.0),
        ("101500", None, None),
        ("", "101200", None),
        ("2515", "101200", None),
        ("unknown", "101200", None),
    ],
)
def test_minutes_since_injection(start, exposure, minutes) -> None:
    given = {"ContrastBolusStartTime": start, "AcquisitionTime": exposure}
    found = minutes_since_injection(image(**{name: value for name, value in given.items() if value is not None}))
    assert found is None if minutes is None else found == pytest.approx(minutes, abs=1e-4)


def test_presets_are_the_headers_windows_and_percentiles(mrml) -> None:
    pixels = np.zeros((100, 100))
    pixels[:50] = np.arange(5000).reshape(50, 100) % 1000 + 1  # 1 to 1000, air 0
    header = image(OtherWindows="dense breast 100.5/101 LINEAR; 500/400 LINEAR_EXACT; 7/0 LINEAR")
    node = add_volume(
        mrml().scene, "x", pixels, PixelGrid(100, 100, None), VOIWindow.from_range(5, 6), exposure_attributes(header)
    )
    found = {preset.name: (preset.low, preset.high) for preset in presets_of(node)}
    assert list(found)[:3] == ["own", "header dense breast", "header 3"]
    assert found["own"] == (5, 6)
    assert found["header dense breast"] == (50, 150)
    assert found["header 3"] == (300, 700)
    assert found["percentiles 1 99"] == pytest.approx((10.99, 990.01), abs=1)
    assert len(found) == 6


def test_a_preset_is_for_clinical_and_synthetic(compared) -> None:
    comparison, volumes = compared.comparison, compared.volumes
    own = window(volumes.recombined)
    name = comparison.presets()[1].name
    comparison.choose_preset(name)
    assert window(volumes.recombined) == window(volumes.synthetic) != own
    volumes.low_energy.GetDisplayNode().SetWindowLevelMinMax(1, 2)
    comparison.reset_window()
    assert window(volumes.recombined) == window(volumes.synthetic) == own
    assert window(volumes.low_energy) == names.window_of(volumes.low_energy)


def test_corner_tells_of_the_exposure_whichever_image_is_shown(compared) -> None:
    volumes = compared.volumes
    for name, value in ((names.KVP, "29.0"), (names.THICKNESS, "51.5"), (names.MINUTES, "-2.34")):
        volumes.low_energy.SetAttribute(name, value)
    difference = difference_volume(compared.scene, volumes)
    for node in (volumes.low_energy, volumes.recombined, volumes.synthetic, difference):
        assert corner_text(node) == "R CC\n2.3 min before injection\n51.5 mm thick\n29 kVp"
    assert corner_text(compared.others["L CC"].low_energy) == "R CC"
    assert corner_text(None) == ""
    assert corner_text(compared.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")) == ""


def test_scale_bars_have_round_lengths() -> None:
    assert [bar_length(across) for across in (2394, 800, 100, 10, 1)] == [500, 200, 20, 2, 1]
