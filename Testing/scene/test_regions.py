"""Regions in a scene are measured: the numbers of the command line, and rows that follow what is moved."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
import slicer
from region_scene import BACKGROUND, BLOB, BOX, DISC, LESION, SHAPE, SPACING, markups, region_world, rows_of

from CEMSynthLib.export.markups import write_region
from CEMSynthLib.measurement.cnr import CNRFormula, contrast_to_noise, region_statistics
from CEMSynthLib.measurement.markups import read_markups
from CEMSynthLib.measurement.regions import Region, region_mask
from CEMSynthLib.measurement.shapes import Rectangle
from CEMSynthLib.scene.acquisitions import load_acquisition
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.study.model import ImageKind

CNR = CNRFormula.SD_BACKGROUND


@pytest.fixture
def world(mrml, acquisition):
    with region_world(mrml, acquisition) as world:
        yield world


def test_numbers_are_those_of_the_command_line(world, tmp_path: Path) -> None:
    """Drawn here, written as a markups file and read by `cemsynth measure`: the same numbers to the last digit."""
    regions = world.regions
    for number, (shape, behind) in enumerate(((DISC, BOX), (BLOB, DISC), (BOX, BLOB))):
        keys = regions.add(LESION, shape), regions.add(BACKGROUND, behind)
        regions.set_background(*keys)
        masks = []
        for role, drawn in ((LESION, shape), (BACKGROUND, behind)):
            path = tmp_path / f"R_CC_{role.value}_{number}.mrk.json"
            write_region(path, Region("x", role, drawn))
            masks.append(region_mask(read_markups(path)[0], SHAPE, SPACING))
        regions.finish()
        rows = rows_of(world, keys[0])
        assert [row.image for row in rows] == [ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC]
        for row in rows:
            image = world.images[row.image]
            assert row.statistics == region_statistics(image, masks[0], SPACING)
            assert row.background_statistics == region_statistics(image, masks[1], SPACING)
            assert not row.pending
            for formula in CNRFormula:
                expected = contrast_to_noise(image, *masks, SPACING, formula)
                figure = row.figure(formula)
                assert (figure.value, figure.uncertainty, figure.interval_95) == (
                    expected.value, expected.uncertainty, expected.interval_95,
                )  # fmt: skip


def test_gray_levels_without_a_unit_are_brought_to_the_clinical_ones(mrml, acquisition) -> None:
    """Image files, as the command line measures them."""
    from CEMSynthLib.evaluation.acquisition import _in_units_of
    from CEMSynthLib.evaluation.content import ReportImage

    world = mrml(views=True, markups=True)
    described, synthetic = acquisition(spacing=None, shape=SHAPE, sop=None)
    regions = RegionSet(world.scene)
    regions.show(load_acquisition(world.scene, described, synthetic))
    key = regions.add(LESION, Rectangle((100.0, 100.0), (40.0, 30.0)))
    made = ReportImage(synthetic.pixels(), synthetic.window)
    expected = _in_units_of(described.recombined.window, made)[85:115, 80:120]
    (row,) = [row for row in regions.rows() if row.image is ImageKind.SYNTHETIC]
    assert row.key == key
    assert row.statistics.mean == pytest.approx(float(expected.astype(float).mean()), abs=1e-9)
    assert row.statistics.area_mm2 is None
    assert row.statistics.mean != pytest.approx(float(synthetic.pixels()[85:115, 80:120].mean()), abs=1.0)
    regions.release()


def test_a_box_has_its_exact_number_of_pixels(world) -> None:
    key = world.regions.add(LESION, Rectangle((15.0, 40.0), (10.0, 10.0)))
    assert [row.statistics.pixels for row in rows_of(world, key)] == [5000] * 3
    assert rows_of(world, key)[0].statistics.area_mm2 == pytest.approx(100.0)
    assert "no background region" in rows_of(world, key)[0].problem


def test_table_follows_a_drag_and_says_that_uncertainties_are_to_come(world) -> None:
    calls = []
    regions = world.regions
    lesion, background = regions.add(LESION, DISC), regions.add(BACKGROUND, BOX)
    regions.finish()
    before = rows_of(world, lesion)[0]
    regions.changed = lambda: calls.append(1)
    node = regions.node(lesion)
    node.InvokeEvent(node.PointStartInteractionEvent)
    node.SetCenter(-15.0, -45.0, 0.0)
    assert calls
    (row, *_) = rows_of(world, lesion)
    assert row.statistics.mean != before.statistics.mean
    assert row.pending
    assert row.figure(CNR).uncertainty is None
    assert not regions.add_uncertainty()  # not while the mouse is down
    outline = next(n for n in markups(world) if n.GetName().endswith("outline"))
    assert np.mean([outline.GetNthControlPointPositionWorld(i)[0] for i in range(24)]) == pytest.approx(-15.0)
    node.InvokeEvent(node.PointEndInteractionEvent)
    assert rows_of(world, lesion)[0].pending
    regions.finish()
    assert not rows_of(world, lesion)[0].pending
    assert rows_of(world, background)[0].statistics is not None


def test_a_large_region_is_measured_when_it_is_released(world, monkeypatch) -> None:
    monkeypatch.setattr("CEMSynthLib.scene.regions.measure.LARGE_PIXELS", 5000)
    regions = world.regions
    key = regions.add(BACKGROUND, Rectangle((15.0, 40.0), (10.0, 14.0)))
    assert rows_of(world, key)[0].statistics.pixels == 7000
    node = regions.node(key)
    node.InvokeEvent(node.PointStartInteractionEvent)
    node.SetCenter(-16.0, -40.0, 0.0)
    assert "when the mouse is released" in rows_of(world, key)[0].problem
    node.InvokeEvent(node.PointEndInteractionEvent)
    assert rows_of(world, key)[0].statistics.pixels == 7000


def test_errors_are_words_and_never_nan(world) -> None:
    regions = world.regions
    small = regions.add(LESION, Rectangle((15.0, 40.0), (0.5, 0.5)))
    outside = regions.add(LESION, Rectangle((1.0, 40.0), (10.0, 10.0)))
    flat = regions.add(BACKGROUND, Rectangle((15.0, 40.0), (8.0, 8.0)))
    lesion = regions.add(LESION, DISC)
    pixels = world.volumes.recombined.GetImageData().GetPointData().GetScalars()
    pixels.Fill(7)
    pixels.Modified()
    assert "20 are needed" in rows_of(world, small)[0].problem
    assert rows_of(world, small)[0].statistics is None
    assert "leaves the image" in rows_of(world, outside)[0].problem
    clinical = rows_of(world, lesion)[1]
    assert clinical.background_key == flat
    assert clinical.figure(CNR).value is None
    assert "SD is 0" in clinical.figure(CNR).problem
    assert clinical.figure(CNRFormula.CONTRAST).value == 0.0
    for row in regions.finish():
        for figure in row.figures:
            assert figure.value is None or np.isfinite(figure.value)


def test_ring_follows_its_lesion(world) -> None:
    regions = world.regions
    lesion = regions.add(LESION, DISC)
    ring = regions.add_ring(lesion, 1.0, 2.0)
    assert regions.background(lesion)[0].key == ring
    before = rows_of(world, ring)[0].statistics
    regions.node(lesion).SetCenter(-14.0, -44.0, 0.0)
    after = rows_of(world, ring)[0].statistics
    assert after.pixels == pytest.approx(before.pixels, rel=0.02)
    assert after.mean != before.mean
    assert regions.add_ring(lesion, 1.0, 3.0) != ring
    assert [r.kind for r in regions.regions()] == [RegionKind.ELLIPSE, RegionKind.RING]
    regions.delete(lesion)
    assert regions.regions() == []


def test_which_background_a_lesion_uses(world) -> None:
    regions = world.regions
    lesions = [regions.add(LESION, shape) for shape in (DISC, BLOB)]
    one = regions.add(BACKGROUND, BOX, "R_CC_background_1")
    assert [regions.background(key)[0].key for key in lesions] == [one, one]
    two = regions.add(BACKGROUND, Rectangle((22.0, 30.0), (8.0, 12.0)), "R_CC_background_2")
    found, why = regions.background(lesions[0])
    assert found is None
    assert "choose one" in why
    assert "choose one" in rows_of(world, lesions[0])[0].problem
    regions.rename(lesions[0], "R_CC_lesion_2")
    assert regions.background(lesions[0])[0].key == two
    regions.set_background(lesions[0], one)
    assert rows_of(world, lesions[0])[0].background == "R_CC_background_1"
    regions.delete(one)
    assert regions.background(lesions[0])[0].key == two
    with pytest.raises(RegionSetError, match="already"):
        regions.rename(lesions[0], "R_CC_background_2")
    with pytest.raises(RegionSetError, match="needs a name"):
        regions.rename(lesions[0], " ")


def test_segment_is_a_region(world, tmp_path: Path, mrml) -> None:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[100:160, 50:120] = 1
    labels = slicer.vtkOrientedImageData()
    labels.SetExtent(0, SHAPE[1] - 1, 0, SHAPE[0] - 1, 0, 0)
    scalars = numpy_to_vtk(mask.ravel(), deep=True)
    labels.GetPointData().SetScalars(scalars)
    matrix = vtk.vtkMatrix4x4()
    world.volumes.low_energy.GetIJKToRASMatrix(matrix)
    labels.SetGeometryFromImageToWorldMatrix(matrix)
    node = world.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    segment = node.AddSegmentFromBinaryLabelmapRepresentation(labels, "tumor")
    regions = world.regions
    key = regions.add_segment(node, segment, LESION)
    regions.add(BACKGROUND, BOX)
    row = rows_of(world, key)[1]
    assert row.statistics == region_statistics(world.images[ImageKind.RECOMBINED], mask > 0, SPACING)
    assert row.name == "tumor"
    regions.rename(key, "mass")
    assert node.GetSegmentation().GetSegment(segment).GetName() == "mass"
    with pytest.raises(RegionSetError, match="already"):
        regions.add_segment(node, segment, LESION)
    rows = regions.finish()
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    node.GetSegmentation().RemoveSegment(segment)
    assert rows_of(world, key) == []
    other = mrml(views=True, markups=True)
    back = RegionSet(other.scene)
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    from CEMSynthLib.scene.acquisitions import find_acquisition

    back.show(find_acquisition(other.scene, world.volumes.key))
    by_name = {(row.name, row.image): row.statistics for row in rows}
    assert {(row.name, row.image): row.statistics for row in back.rows()} == by_name
    back.release()
