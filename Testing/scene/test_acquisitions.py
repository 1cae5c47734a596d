"""Acquisitions on real MRML: one grid, nothing twice, nothing half, found again after a reload."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import acquisition_key, acquisitions_in, find_acquisition, load_acquisition
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import ImageKind, PixelGrid
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.study.registration import on_low_energy_grid


def damaged():
    raise UnreadableImageError("x.dcm is cut short.")


def count(scene) -> int:
    return scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


def test_three_volumes_on_one_grid(mrml, array_of, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    volumes = load_acquisition(scene, pair, synthetic, "1.9")
    assert volumes.kinds == (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC)
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    for node, image in zip(nodes, (pair.low_energy, pair.recombined, synthetic), strict=True):
        np.testing.assert_array_equal(array_of(node)[0], image.pixels())
        assert node.GetSpacing() == pytest.approx((0.1, 0.2, 1.0))
        assert node.GetAttribute(names.KIND) == image.kind.value
        assert node.GetAttribute(names.ACQUISITION) == "1.2.0"
        assert node.GetAttribute(names.STUDY_UID) == "1.9"
        assert node.GetAttribute(names.SOP_INSTANCE_UID) == image.sop_instance_uid
        assert node.GetDisplayNode().GetWindowLevelMax() == pytest.approx(image.window.high)
    assert [node.GetName() for node in nodes] == ["R CC low energy", "R CC clinical iodine", "SYNTHETIC R CC iodine"]
    assert volumes.synthetic.GetAttribute(names.SOURCE_SOP_INSTANCE_UID) == "1.2.0"
    assert volumes.warnings == ()


def test_loading_again_adds_and_changes_nothing(mrml, array_of, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    first = load_acquisition(scene, pair, synthetic)
    first.recombined.GetDisplayNode().SetWindowLevelMinMax(1, 2)
    first.recombined.SetName("mine")
    again = load_acquisition(scene, pair, synthetic)
    assert count(scene) == 3
    assert again.recombined.GetID() == first.recombined.GetID()
    assert again.recombined.GetName() == "mine"
    assert again.recombined.GetDisplayNode().GetWindowLevelMin() == 1


def test_a_replaced_file_replaces_the_pixels_in_the_same_node(mrml, array_of, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    first = load_acquisition(scene, pair, synthetic)
    newer = replace(synthetic, load=lambda: np.full(synthetic.grid.shape, 2050.5, np.float32))
    status = synthetic.path.stat()
    os.utime(synthetic.path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    again = load_acquisition(scene, pair, newer)
    assert again.synthetic.GetID() == first.synthetic.GetID()
    assert count(scene) == 3
    assert (array_of(again.synthetic) == 2050.5).all()
    np.testing.assert_array_equal(array_of(again.low_energy)[0], pair.low_energy.pixels())


def test_synthetic_that_comes_later_joins(mrml, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    assert load_acquisition(scene, pair).synthetic is None
    assert load_acquisition(scene, pair, synthetic).synthetic is not None
    assert count(scene) == 3


def test_an_unreadable_image_is_a_warning_and_the_rest_is_shown(mrml, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    volumes = load_acquisition(scene, replace(pair, recombined=replace(pair.recombined, load=damaged)), synthetic)
    assert volumes.kinds == (ImageKind.LOW_ENERGY, ImageKind.SYNTHETIC)
    assert volumes.warnings == ("x.dcm is cut short.",)


def test_nothing_readable_is_an_error_and_leaves_no_node(mrml, acquisition, tmp_path: Path) -> None:
    scene = mrml().scene
    pair, _ = acquisition(recombined=False)
    with pytest.raises(SceneError, match="cut short"):
        load_acquisition(scene, replace(pair, low_energy=replace(pair.low_energy, load=damaged)))
    assert count(scene) == 0
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)


def test_synthetic_on_another_matrix_is_not_shown(mrml, acquisition) -> None:
    pair, synthetic = acquisition()
    other = replace(synthetic, grid=PixelGrid(20, 15, None))
    volumes = load_acquisition(mrml().scene, pair, other)
    assert volumes.synthetic is None
    assert "another matrix" in volumes.warnings[0]


def test_a_file_that_is_gone_is_one_sentence(mrml, acquisition) -> None:
    pair, _ = acquisition()
    pair.recombined.path.unlink()
    with pytest.raises(SceneError, match="cannot be read any more"):
        load_acquisition(mrml().scene, pair)


def test_found_again_after_mrb(mrml, array_of, acquisition, tmp_path: Path) -> None:
    world = mrml()
    first, synthetic = acquisition()
    second, _ = acquisition(sop="1.3", spacing=None, offset=7)
    load_acquisition(world.scene, first, synthetic)
    load_acquisition(world.scene, second)
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    other = mrml()
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    found = {volumes.key: volumes for volumes in acquisitions_in(other.scene)}
    assert sorted(found) == ["1.2.0", "1.3.0"]
    assert found["1.2.0"].synthetic.GetName() == "SYNTHETIC R CC iodine"
    assert found["1.3.0"].synthetic is None
    np.testing.assert_array_equal(array_of(found["1.2.0"].synthetic)[0], synthetic.pixels())
    np.testing.assert_array_equal(array_of(found["1.3.0"].low_energy)[0], second.low_energy.pixels())


def test_closed_scene_has_nothing(mrml, acquisition) -> None:
    world = mrml()
    load_acquisition(world.scene, *acquisition())
    world.scene.Clear(0)
    assert acquisitions_in(world.scene) == []
    assert find_acquisition(world.scene, "1.2.0").kinds == ()


def test_other_volumes_are_left_alone(mrml) -> None:
    scene = mrml().scene
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    assert acquisitions_in(scene) == []


def test_no_low_energy_image(mrml, acquisition) -> None:
    pair, _ = acquisition(low=False)
    volumes = load_acquisition(mrml().scene, pair)
    assert volumes.kinds == (ImageKind.RECOMBINED,)
    assert volumes.key == "1.2.2"


def test_key_of_image_files_follows_content_not_place(acquisition, tmp_path: Path) -> None:
    pair, _ = acquisition(sop=None)
    key = acquisition_key(pair)
    moved = tmp_path / "elsewhere" / pair.low_energy.path.name
    moved.parent.mkdir()
    moved.write_bytes(pair.low_energy.path.read_bytes())
    assert acquisition_key(replace(pair, low_energy=replace(pair.low_energy, path=moved))) == key
    moved.write_bytes(b"another image")
    assert acquisition_key(replace(pair, low_energy=replace(pair.low_energy, path=moved))) != key


def test_real_pair_lies_on_the_low_energy_grid(mrml, array_of) -> None:
    folder = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"
    if not folder.is_dir():
        pytest.skip("the shared real pairs are not here")
    pair = next(a for s in read_folder(folder).studies for a in s.acquisitions if a.name == "L CC")
    volumes = load_acquisition(mrml().scene, pair)
    expected = on_low_energy_grid(pair)
    np.testing.assert_array_equal(array_of(volumes.low_energy)[0], expected.low_energy)
    np.testing.assert_array_equal(array_of(volumes.recombined)[0], expected.recombined)
    assert volumes.recombined.GetSpacing() == volumes.low_energy.GetSpacing() == (1.0, 1.0, 1.0)
    assert volumes.recombined.GetAttribute(names.UNITS) == names.FILE_UNITS
    assert volumes.warnings == (expected.note,)
