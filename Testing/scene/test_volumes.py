"""Volumes on real MRML: exact pixels, geometry, attributes, save and reload."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.volumes import add_volume, compact, set_image
from CEMSynthLib.study.model import PixelGrid, VOIWindow

WINDOW = VOIWindow(2120.0, 320.0)


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-70000, 70000, width=32) | st.integers(-40000, 70000)))
def test_compact_keeps_every_value(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(compact(pixels).astype(np.float32), pixels)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 65535], np.uint16),
        ([-1, 32767], np.int16),
        ([-1, 32768], np.float32),
        ([0, 65536], np.float32),
        ([0, 0.5], np.float32),
        ([0, np.nan], np.float32),
    ],
)
def test_compact_takes_the_smallest_type(values: list[float], kind: type) -> None:
    assert compact(np.array([values])).dtype == kind


@pytest.mark.parametrize(
    "pixels",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6).reshape(2, 3) - 3,
        np.arange(6).reshape(2, 3) / 7,
        np.arange(6, dtype=np.int64).reshape(3, 2).T,
    ],
    ids=["uint16", "int16", "float32", "not contiguous"],
)
def test_pixels_geometry_and_attributes_survive_mrb(mrml, array_of, tmp_path: Path, pixels: np.ndarray) -> None:
    world = mrml()
    node = add_volume(
        world.scene, "R CC low energy", pixels, PixelGrid(2, 3, (0.2, 0.1)), WINDOW, {names.KIND: "low_energy"}
    )
    assert array_of(node).shape == (1, 2, 3)
    assert array_of(node).dtype in (np.uint16, np.int16, np.float32)
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)

    other = mrml()
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    back = other.scene.GetFirstNodeByName("R CC low energy")
    np.testing.assert_array_equal(array_of(back)[0], pixels.astype(np.float32))
    assert back.GetSpacing() == pytest.approx((0.1, 0.2, 1.0))
    assert back.GetAttribute(names.KIND) == "low_energy"
    assert names.window_of(back) == (WINDOW.low, WINDOW.high)
    assert back.GetDisplayNode().GetWindowLevelMin() == pytest.approx(WINDOW.low)
    assert back.GetDisplayNode().GetWindowLevelMax() == pytest.approx(WINDOW.high)


@pytest.mark.parametrize(("spacing", "expected"), [((0.2, 0.1), (0.1, 0.2)), (None, (1.0, 1.0))])
def test_ijk_to_ras(mrml, spacing, expected) -> None:
    import vtk

    node = add_volume(mrml().scene, "x", np.zeros((2, 3)), PixelGrid(2, 3, spacing), WINDOW, {})
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    diagonal = [matrix.GetElement(i, i) for i in range(4)]
    assert diagonal == pytest.approx([-expected[0], -expected[1], 1, 1])
    assert sum(abs(matrix.GetElement(i, j)) for i in range(4) for j in range(4) if i != j) == 0
    assert node.GetAttribute(names.SPACING_KNOWN) == ("no" if spacing is None else "yes")


def test_display_is_grey_and_not_automatic(mrml) -> None:
    node = add_volume(mrml().scene, "x", np.zeros((2, 3)), PixelGrid(2, 3, None), WINDOW, {})
    assert not node.GetDisplayNode().GetAutoWindowLevel()
    assert node.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"


def test_wrong_shape_leaves_no_node_behind(mrml, tmp_path: Path) -> None:
    scene = mrml().scene
    with pytest.raises(SceneError, match="shape"):
        add_volume(scene, "x", np.zeros((2, 2)), PixelGrid(2, 3, None), WINDOW, {})
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)


def test_names_stay_unique(mrml) -> None:
    scene = mrml().scene
    nodes = [
        add_volume(scene, "SYNTHETIC R CC iodine", np.zeros((2, 3)), PixelGrid(2, 3, None), WINDOW, {})
        for _ in range(3)
    ]
    assert len({node.GetName() for node in nodes}) == 3
    assert all(node.GetName().startswith("SYNTHETIC R CC iodine") for node in nodes)


def test_set_image_copies(mrml, array_of) -> None:
    pixels = np.zeros((2, 3), np.float32) + 0.5
    node = add_volume(mrml().scene, "x", pixels, PixelGrid(2, 3, None), WINDOW, {})
    pixels[:] = 9
    assert array_of(node).max() == 0.5
    set_image(node, pixels, PixelGrid(2, 3, (3.0, 2.0)))
    assert array_of(node).min() == 9
    assert node.GetSpacing() == pytest.approx((2.0, 3.0, 1.0))


@pytest.mark.parametrize("text", [None, "", "1", "a b", "5 5", "9 3", "1 2 3"])
def test_damaged_window_attribute_is_none(mrml, text) -> None:
    import slicer

    node = slicer.vtkMRMLScalarVolumeNode()
    if text is not None:
        node.SetAttribute(names.WINDOW, text)
    assert names.window_of(node) is None


def test_kind_of_other_nodes(mrml) -> None:
    import slicer

    node = slicer.vtkMRMLScalarVolumeNode()
    assert names.kind_of(None) is None
    assert names.kind_of(node) is None
    node.SetAttribute(names.KIND, "a kind of the future")
    assert names.kind_of(node) is None
