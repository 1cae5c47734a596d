"""Views are filled with breast: one box for all images of an acquisition, the chest wall at the edge."""

import numpy as np
import pytest

pytest.importorskip("slicer")

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.breast_box import MARGIN, BreastBoxes, breast_box
from CEMSynthLib.scene.volumes import add_volume
from CEMSynthLib.scene.zoom import fit_views, image_box
from CEMSynthLib.study.model import ImageKind, PixelGrid, Side, VOIWindow

SHAPE, SPACING = (600, 480), (0.5, 0.5)
# Rows 150 to 450, columns from 330 to the right border.
TOP, BOTTOM, FRONT = 150, 450, 330


def breast(left: bool = False) -> np.ndarray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    half = ((rows - 300) / 150) ** 2 + ((columns - 480) / 150) ** 2 <= 1
    pixels = np.where(half, 1000.0, 0.0).astype(np.float32)
    return pixels[:, ::-1].copy() if left else pixels


def volume(scene, pixels, kind=ImageKind.LOW_ENERGY, key="a"):
    attributes = {names.KIND: kind.value, names.ACQUISITION: key, names.NAME: "R CC"}
    return add_volume(scene, kind.value, pixels, PixelGrid(*SHAPE, SPACING), VOIWindow(500.0, 1000.0), attributes)


def test_box_holds_the_breast_and_ends_at_the_chest_wall(mrml) -> None:
    node = volume(mrml().scene, breast())
    right, left, bottom, top = breast_box(node)
    margin = MARGIN * 300 * 0.5
    # R falls with the columns: the chest wall at the right border is the lowest R.
    assert right == image_box(node)[0]
    assert left == pytest.approx(-FRONT * 0.5 + margin, abs=3)
    assert (bottom, top) == (pytest.approx(-BOTTOM * 0.5 - margin, abs=3), pytest.approx(-TOP * 0.5 + margin, abs=3))


def test_a_breast_at_the_left_border(mrml) -> None:
    node = volume(mrml().scene, breast(left=True))
    assert breast_box(node)[1] == image_box(node)[1]


def test_without_a_breast_the_whole_image_is_meant(mrml) -> None:
    node = volume(mrml().scene, np.zeros(SHAPE, dtype=np.float32))
    assert breast_box(node) == image_box(node)


def test_all_images_of_an_acquisition_have_one_box(mrml) -> None:
    scene = mrml().scene
    low = volume(scene, breast())
    blank = volume(scene, np.zeros(SHAPE, dtype=np.float32), ImageKind.RECOMBINED)
    boxes = BreastBoxes()
    assert boxes.box(blank) == boxes.box(low) == breast_box(low)
    assert boxes.box(low) != image_box(low)


def test_pixels_that_change_are_looked_at_again(mrml) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    node = volume(mrml().scene, breast())
    boxes = BreastBoxes()
    before = boxes.box(node)
    vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())[:] = breast(left=True).ravel()
    node.GetImageData().Modified()
    assert boxes.box(node) != before


def test_views_show_more_breast_at_one_scale(mrml) -> None:
    world = mrml(views=True)
    node = volume(world.scene, breast())
    views = list(world.logics.values())
    for logic in views:
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())

    def widths() -> list[float]:
        return [logic.GetSliceNode().GetFieldOfView()[0] for logic in views]

    fit_views([(logic, None) for logic in views])
    whole = widths()
    fit_views([(logic, None) for logic in views], BreastBoxes().box)
    assert len(set(widths())) == 1
    # 200 x 300 pixels: the breast is 75 mm wide and 150 mm high, the image 240 mm wide.
    assert widths()[0] == pytest.approx(150 * (1 + 2 * MARGIN) * 200 / 300, rel=0.05)
    assert whole[0] == pytest.approx(240)


def test_the_chest_wall_hangs_at_the_edge_of_its_view(mrml) -> None:
    world = mrml(views=True)
    node = volume(world.scene, breast())
    node.SetAttribute(names.CHEST_WALL, Side.RIGHT.value)
    logic = next(iter(world.logics.values()))
    logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
    fit_views([(logic, Side.RIGHT)], BreastBoxes().box)
    slice_node = logic.GetSliceNode()
    edge = slice_node.GetXYToRAS().MultiplyPoint((slice_node.GetDimensions()[0], 0, 0, 1))
    assert edge[0] == pytest.approx(image_box(node)[0], abs=1)
