"""The same regions in Slicer's own MRML classes (slicer-core wheel), both ways."""

import math
from pathlib import Path

import numpy as np
import pytest

slicer = pytest.importorskip("slicer")
vtk = pytest.importorskip("vtk")
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

from CEMSynthLib.export.markups import write_region  # noqa: E402
from CEMSynthLib.measurement.markups import read_markups  # noqa: E402
from CEMSynthLib.measurement.regions import Region, RegionRole, region_mask  # noqa: E402
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, Shape  # noqa: E402

SPACING = (0.2, 0.1)
GRID = (500, 900)


@pytest.fixture
def scene():
    return slicer.vtkMRMLScene()


def storage(scene, kind: str, path: Path):
    node = getattr(slicer, f"vtkMRMLMarkups{kind}JsonStorageNode")()
    scene.AddNode(node)
    node.SetFileName(str(path))
    return node


def curve_points(node) -> np.ndarray:
    """x and y (LPS) of the points that slicer.util.arrayFromMarkupsCurvePoints gives."""
    return -vtk_to_numpy(node.GetCurvePointsWorld().GetData())[:, :2]


def box_mask(node) -> np.ndarray:
    """inverse(ObjectToWorld) * IJKToRAS * (i, j, 0) within half the size: Slicer's own box, edges and all."""
    to_world = np.array([[node.GetObjectToWorldMatrix().GetElement(i, j) for j in range(4)] for i in range(4)])
    row, column = np.mgrid[: GRID[0], : GRID[1]]
    ras = np.stack([-column * SPACING[1], -row * SPACING[0], 0.0 * row, 1.0 + 0.0 * row], axis=-1)
    local = np.abs(ras @ np.linalg.inv(to_world).T)[..., :2]
    return np.all(local <= np.asarray(node.GetSize())[:2] / 2, axis=-1)


def mask_of(shape: Shape) -> np.ndarray:
    return region_mask(Region("lesion", RegionRole.LESION, shape), GRID, SPACING)


@pytest.mark.parametrize("system", ["LPS", "RAS"])
@pytest.mark.parametrize("degrees", [0.0, 25.0, 90.0, 200.0])
def test_roi_drawn_in_slicer(scene, tmp_path: Path, degrees: float, system: str) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    turn = vtk.vtkMatrix4x4()
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    for i, line in enumerate([[cosine, -sine, 0, -41.23], [sine, cosine, 0, -52.01], [0, 0, 1, 0], [0, 0, 0, 1]]):
        for j, value in enumerate(line):
            turn.SetElement(i, j, value)
    node.SetAndObserveObjectToNodeMatrix(turn)
    node.SetSize(30.03, 18.04, 4)
    path = tmp_path / "L_CC_lesion.mrk.json"
    store = storage(scene, "ROI", path)
    if system == "RAS":
        store.UseRASOn()
    assert store.WriteData(node)
    assert f'"{system}"' in path.read_text()
    (region,) = read_markups(path)
    np.testing.assert_array_equal(region_mask(region, GRID, SPACING), box_mask(node))


@pytest.mark.parametrize("count", [3, 4, 5, 8, 13])
def test_closed_curve_drawn_in_slicer(scene, tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(count)
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode")
    for k in range(count):
        radius, angle = rng.uniform(15, 30), 2 * math.pi * (k + rng.uniform(0, 0.6)) / count
        node.AddControlPoint(vtk.vtkVector3d(-45 - radius * math.cos(angle), -50 - radius * math.sin(angle), 0))
    path = tmp_path / "background.mrk.json"
    assert storage(scene, "", path).WriteData(node)
    (region,) = read_markups(path)
    assert isinstance(region.shape, ClosedCurve)
    theirs = curve_points(node)[:-1]  # the last repeats the first
    ours = np.asarray(region.shape.polygon().points)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    stencil = mask_of(Polygon(tuple(map(tuple, theirs))))
    assert np.count_nonzero(region_mask(region, GRID, SPACING) != stencil) <= 1e-4 * np.count_nonzero(stencil)


def test_rectangle_opens_in_slicer_with_its_size(scene, tmp_path: Path) -> None:
    shape = Rectangle((41.23, 52.01), (30.03, 18.04), 25.0)
    path = tmp_path / "lesion.mrk.json"
    write_region(path, Region("lesion", RegionRole.LESION, shape))
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    assert storage(scene, "ROI", path).ReadData(node)
    assert node.GetSize()[:2] == pytest.approx(shape.size)
    assert np.asarray(node.GetCenterWorld()) == pytest.approx([-41.23, -52.01, 0])
    np.testing.assert_array_equal(box_mask(node), mask_of(shape))
    assert node.GetNthControlPointLabel(0) == "lesion-1"


@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [
        (Ellipse((45, 50), (25, 12), 30.0), 0.012),  # Slicer draws 240 straight pieces
        (Polygon(((20, 30), (70, 35), (60, 75), (25, 80))), 0.003),
        (ClosedCurve(((20, 30), (70, 35), (60, 75), (25, 80))), 1e-4),
    ],
)
def test_curves_open_in_slicer_with_their_area(scene, tmp_path: Path, shape: Shape, tolerance: float) -> None:
    path = tmp_path / "lesion.mrk.json"
    write_region(path, Region("lesion", RegionRole.LESION, shape))
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode")
    assert storage(scene, "", path).ReadData(node)
    theirs = mask_of(Polygon(tuple(map(tuple, curve_points(node)[:-1]))))
    ours = mask_of(shape)
    assert np.count_nonzero(theirs != ours) <= tolerance * np.count_nonzero(ours)


def test_file_without_coordinate_system_is_read_as_slicer_reads_it(scene, tmp_path: Path) -> None:
    path = tmp_path / "lesion.mrk.json"
    write_region(path, Region("lesion", RegionRole.LESION, ClosedCurve(((20, 30), (70, 35), (60, 75)))))
    path.write_text(path.read_text().replace('"coordinateSystem": "LPS",', ""))
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode")
    assert storage(scene, "", path).ReadData(node)
    (region,) = read_markups(path)
    assert isinstance(region.shape, ClosedCurve)
    np.testing.assert_allclose(region.shape.control_points[1], -np.asarray(node.GetNthControlPointPosition(1))[:2])
