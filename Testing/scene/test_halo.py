"""The halo in a scene: known steps, lines at known distances, tables and charts."""

import re

import numpy as np
import pytest
from scipy.spatial import cKDTree

pytest.importorskip("slicer")
from halo_images import RIM_MM, STEPS, TROUGH_MM, halo_acquisition
from halo_scene import MODEL, SPACING, measured_halo, nodes, visible_in

from CEMSynthLib.evaluation.acquisition import measure_acquisition
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition, load_acquisition
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.layout import VIEW_TAGS
from CEMSynthLib.study.model import ImageKind, Side


@pytest.fixture
def measured(mrml, tmp_path):
    with measured_halo(mrml, tmp_path) as world:
        yield world


def test_known_steps_and_how_much_is_retained(measured) -> None:
    clinical, synthetic = measured.result.clinical, measured.result.synthetic
    assert clinical.step == pytest.approx(STEPS[0], abs=1.5)
    assert synthetic.step == pytest.approx(STEPS[1], abs=0.5)
    assert measured.result.retained.ratio == pytest.approx(0.5, abs=0.03)
    assert clinical.trough_depth <= TROUGH_MM + 0.8
    assert clinical.rim_depth >= RIM_MM - 0.8


def test_numbers_are_those_of_the_command_line(measured) -> None:
    report = measure_acquisition(*measured.pair)
    for ours, theirs in (
        (measured.result.clinical, report.halo_clinical),
        (measured.result.synthetic, report.halo_synthetic),
    ):
        for field in (
            "step",
            "interval_95",
            "rim_excess",
            "trough_depth",
            "rim_depth",
            "band_width",
            "noise",
            "reason",
        ):
            assert getattr(ours, field) == getattr(theirs, field), field
    assert measured.result.retained == report.halo_retained


def test_table_node_says_everything_with_units(measured) -> None:
    rows = {row.measure: row for row in measured.halo.rows(measured.volumes.key)}
    assert (rows["verdict"].clinical, rows["verdict"].synthetic) == ("present", "present")
    assert "95% interval" in rows["reason"].clinical
    assert rows["step"].unit == "pixel values"
    assert float(rows["step"].clinical) == pytest.approx(measured.result.clinical.step, rel=1e-3)
    mean, low, high = re.findall(r"[-\d.]+", rows["mean step over sectors, 95% interval"].clinical)
    assert float(low) <= float(mean) <= float(high)
    assert float(mean) == pytest.approx(measured.result.clinical.sector_mean, rel=1e-2)
    assert rows["rim depth"].unit == "mm"
    assert float(rows["halo retained"].synthetic) == pytest.approx(0.5, abs=0.03)


def test_chart_has_axis_titles_and_marks_trough_and_rim(measured) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    chart = measured.halo.chart(measured.volumes.key)
    assert (chart.GetXAxisTitle(), chart.GetYAxisTitle()) == (
        "Depth behind the skin edge (mm)",
        "Median (pixel values)",
    )
    series = [chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [s.GetName() for s in series] == ["clinical", "SYNTHETIC", "clinical trough, rim", "SYNTHETIC trough, rim"]
    curve = series[0].GetTableNode().GetTable()
    depth, values = (vtk_to_numpy(curve.GetColumnByName(name)) for name in ("depth", "clinical"))
    assert np.array_equal(depth, measured.result.clinical.profile.depth)
    assert np.array_equal(values, measured.result.clinical.profile.smoothed)
    marks = series[2].GetTableNode().GetTable()
    where, height = (vtk_to_numpy(marks.GetColumnByName(name)) for name in ("depth", "value"))
    assert tuple(where) == (measured.result.clinical.trough_depth, measured.result.clinical.rim_depth)
    assert height[1] - height[0] == pytest.approx(measured.result.clinical.step)


def test_measuring_again_reuses_the_nodes(measured) -> None:
    count = measured.scene.GetNumberOfNodes()
    measured.halo.measure(measured.volumes)
    assert measured.scene.GetNumberOfNodes() == count


def pixels(polydata) -> np.ndarray:
    """(row, column) of the points of a model."""
    from vtk.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(polydata.GetPoints().GetData())
    return np.stack([-points[:, 1] / SPACING[0], -points[:, 0] / SPACING[1]], axis=1)


def test_lines_lie_at_their_distance_behind_the_skin(measured) -> None:
    from CEMSynthLib.study.mask import skin_edge

    mask = measured.result.breast.mask
    skin = cKDTree(np.argwhere(skin_edge(mask, Side.LEFT)) * SPACING)
    found = nodes(measured, roles.DISTANCE)
    assert [n.GetName() for n in found] == [f"L CC {d} mm behind the skin" for d in (5, 10, 15)]
    for node, distance in zip(found, (5, 10, 15), strict=True):
        points = pixels(node.GetPolyData())
        assert len(points) > 100
        assert np.abs(skin.query(points * SPACING)[0] - distance).max() < 0.15
        row, column = np.rint(points).astype(int).T
        assert mask[row, column].all()
        assert not node.GetSaveWithScene()


def test_lines_are_seen_where_their_acquisition_is(measured, tmp_path) -> None:
    lines = nodes(measured, roles.DISTANCE)
    assert all(visible_in(measured, n) == set() for n in lines), "nobody asked for them"
    measured.halo.show(measured.volumes, lines=True, sectors=False)
    assert all(visible_in(measured, n) == set(VIEW_TAGS.values()) for n in lines)
    assert all(visible_in(measured, n) == set() for n in nodes(measured, roles.SECTORS))
    other = load_acquisition(measured.scene, *halo_acquisition(tmp_path, sop="1.3"))
    composite = measured.logics[VIEW_TAGS[ImageKind.LOW_ENERGY]].GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(other.low_energy.GetID())
    rest = {VIEW_TAGS[ImageKind.RECOMBINED], VIEW_TAGS[ImageKind.SYNTHETIC]}
    assert all(visible_in(measured, n) == rest for n in lines), "followed without being asked"
    measured.show(other)
    assert all(visible_in(measured, n) == set() for n in lines)


def test_sectors_show_each_image_its_own_steps(mrml, tmp_path) -> None:
    """A halo in the upper half only: bright above, dark below, and only over the image it was measured in."""
    from vtk.util.numpy_support import vtk_to_numpy

    world = mrml(views=True)
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path, upper=True))
    world.show(volumes)
    halo = HaloInScene(world.scene)
    halo.measure(volumes)
    halo.show(volumes, lines=False, sectors=True)
    clinical = roles.find_node(world.scene, volumes.key, f"{roles.SECTORS} recombined", MODEL)
    assert visible_in(world, clinical) == {VIEW_TAGS[ImageKind.RECOMBINED]}
    data = clinical.GetPolyData()
    steps = vtk_to_numpy(data.GetCellData().GetScalars())
    rows = np.array(
        [np.mean([data.GetCell(i).GetPoints().GetPoint(j)[1] for j in range(3)]) for i in range(len(steps))]
    )
    middle = -299 / 2 * 0.8
    assert steps[rows > middle + 15].min() > 30
    assert steps[rows < middle - 15].max() < 8
    synthetic = roles.find_node(world.scene, volumes.key, f"{roles.SECTORS} synthetic", MODEL)
    assert synthetic.GetName().startswith("SYNTHETIC")
    assert visible_in(world, synthetic) == {VIEW_TAGS[ImageKind.SYNTHETIC]}
    scales = {n.GetDisplayNode().GetScalarRange() for n in (clinical, synthetic)}
    assert len(scales) == 1, "both by one scale"
    legend = clinical.GetNthDisplayNode(1)
    assert legend.GetTitleText() == "step (pixel values)"
    assert legend.GetVisibility()
    halo.release()


def test_new_pixels_make_the_measurement_old(measured) -> None:
    assert measured.halo.measured(measured.volumes) is measured.result
    measured.volumes.synthetic.GetImageData().Modified()
    assert measured.halo.measured(measured.volumes) is None
    measured.halo.show(measured.volumes, lines=True, sectors=True)
    assert all(visible_in(measured, n) == set() for n in nodes(measured, roles.DISTANCE)), "old lines are not drawn"


def test_without_spacing_everything_is_in_pixels(mrml, tmp_path) -> None:
    world = mrml()
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path, spacing=None))
    halo = HaloInScene(world.scene)
    measured = halo.measure(volumes)
    assert {line.unit for line in measured.lines} == {"pixels"}
    assert [line.distance for line in measured.lines] == [10.0, 20.0, 30.0]
    for line in measured.lines:
        path = np.concatenate(line.pieces)
        rows, columns = path.astype(int).T
        front = measured.breast.mask.shape[1] - 1 - np.argmax(measured.breast.mask[rows, ::-1], axis=1)
        assert np.abs(front - columns - line.distance).max() <= 1
    assert {row.unit for row in halo.rows(volumes.key)} == {"", "pixels", "pixel values"}
    assert "(pixels)" in halo.chart(volumes.key).GetXAxisTitle()
    halo.release()


def test_right_breast_is_mirrored(mrml, tmp_path) -> None:
    world = mrml()
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path, side="right"))
    halo = HaloInScene(world.scene)
    measured = halo.measure(volumes)
    assert measured.clinical.step == pytest.approx(STEPS[0], abs=1.5)
    halo.add_line(volumes)
    assert halo.update_line(volumes.key).results["SYNTHETIC"].step == pytest.approx(STEPS[1], abs=1)
    halo.release()


def test_what_the_clinical_image_does_not_cover_takes_no_part(measured) -> None:
    measured.volumes.recombined.SetAttribute(names.REACH, "0 150 0 230")
    upper = measured.halo.measure(measured.volumes)
    assert all(s.step is None for s in upper.clinical.sectors[7:])
    assert all(s.step is not None for s in upper.clinical.sectors[2:5])


def test_missing_images_are_said_in_words(mrml, tmp_path) -> None:
    world = mrml()
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path))
    halo = HaloInScene(world.scene)
    with pytest.raises(SceneError, match="Measure the halo first"):
        halo.correct_edge(volumes)
    with pytest.raises(SceneError, match="Measure the halo first"):
        halo.add_line(volumes)
    world.scene.RemoveNode(volumes.low_energy)
    with pytest.raises(SceneError, match="no low-energy image"):
        halo.measure(find_acquisition(world.scene, volumes.key))
    halo.release()


def test_without_synthetic_image_the_clinical_one_is_measured(mrml, tmp_path) -> None:
    world = mrml()
    volumes = load_acquisition(world.scene, *halo_acquisition(tmp_path, synthetic=False))
    halo = HaloInScene(world.scene)
    measured = halo.measure(volumes)
    assert measured.synthetic is None
    assert {row.synthetic for row in halo.rows(volumes.key)} == {"no such image"}
    assert halo.chart(volumes.key).GetNumberOfPlotSeriesNodes() == 2
    halo.release()
