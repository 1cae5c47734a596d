"""A synthetic image in the scene: pixels, grid, identity, its place, and that nothing of the user's is replaced."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer")

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import acquisition_key, find_acquisition, load_acquisition
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_volume import (
    SyntheticRecord,
    add_synthetic,
    low_energy_input,
    make_current,
    record_of,
    synthetic_volumes,
)
from CEMSynthLib.study.model import CEMStudy, ImageKind, StudyFolder, VOIWindow

RECORD = SyntheticRecord(
    model_name="demo",
    model_version="1",
    model_sha256="a" * 64,
    training_data="simulated",
    intended_use="tests",
    held_out="none",
    simulated_only=True,
    training_range="outside",
    warnings=("The image is unlike those the model was trained on: height.",),
    device="cpu",
    device_reason="CPU, as asked.",
    seconds=1.5,
    created="2026-01-01T00:00:00",
)
WINDOW = VOIWindow(2100.0, 300.0)


def made(acquisition, offset=0.0):
    rows, columns = acquisition.low_energy.grid.shape
    return (2000 + offset + np.arange(rows * columns).reshape(rows, columns) / 8).astype(np.float32)


def test_a_generator_gets_the_low_energy_pixels_window_and_spacing(mrml, acquisition) -> None:
    pair, _ = acquisition(spacing=(0.2, 0.1))
    volumes = load_acquisition(mrml().scene, pair)
    given = low_energy_input(volumes.low_energy)
    assert np.array_equal(given.pixels, pair.low_energy.pixels())
    assert given.pixels.dtype == np.float32
    assert (given.window.low, given.window.high) == (pair.low_energy.window.low, pair.low_energy.window.high)
    assert given.spacing_mm == pytest.approx((0.2, 0.1))
    with pytest.raises(SceneError, match="no low-energy image"):
        low_energy_input(volumes.recombined)
    with pytest.raises(SceneError, match="no low-energy image"):
        low_energy_input(None)


def test_unknown_spacing_stays_unknown_and_a_sigmoid_stays_one(mrml, acquisition) -> None:
    pair, _ = acquisition(spacing=None)
    window = VOIWindow(600.0, 1000.0, "SIGMOID")
    pair = replace(pair, low_energy=replace(pair.low_energy, window=window))
    volumes = load_acquisition(mrml().scene, pair)
    given = low_energy_input(volumes.low_energy)
    assert given.spacing_mm is None
    assert given.window == window
    node = add_synthetic(volumes.low_energy, made(pair), WINDOW, RECORD)
    assert node.GetAttribute(names.SPACING_KNOWN) == "no"


def test_it_lies_on_the_grid_of_its_source_beside_it_and_says_what_made_it(mrml, acquisition, array_of) -> None:
    import slicer
    import vtk

    scene = mrml().scene
    pair, _ = acquisition()
    volumes = load_acquisition(scene, pair, study_uid="1.9")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, volumes.low_energy)
    node = add_synthetic(volumes.low_energy, made(pair), WINDOW, RECORD)
    assert node.GetName() == "SYNTHETIC R CC iodine"
    assert np.array_equal(array_of(node)[0], made(pair))
    assert node.GetSpacing() == volumes.low_energy.GetSpacing()
    low, new = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    volumes.low_energy.GetIJKToRASMatrix(low)
    node.GetIJKToRASMatrix(new)
    assert all(low.GetElement(i, j) == new.GetElement(i, j) for i in range(4) for j in range(4))
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert names.kind_of(node) is ImageKind.SYNTHETIC
    assert node.GetAttribute(names.MODEL_SHA256) == "a" * 64
    assert node.GetAttribute(names.SOURCE_SOP_INSTANCE_UID) == pair.low_energy.sop_instance_uid
    assert node.GetAttribute(names.TRAINING_RANGE) == "outside"
    assert node.GetAttribute(names.UNITS) == names.MODALITY_UNITS
    assert names.window_of(node) == (WINDOW.low, WINDOW.high)
    assert record_of(node) == RECORD
    assert record_of(volumes.low_energy) is None
    assert find_acquisition(scene, volumes.key).synthetic.GetID() == node.GetID()


def test_same_weights_again_replace_the_pixels_and_keep_the_node(mrml, acquisition, array_of) -> None:
    scene = mrml().scene
    pair, _ = acquisition()
    low = load_acquisition(scene, pair).low_energy
    first = add_synthetic(low, made(pair), WINDOW, RECORD)
    first.GetDisplayNode().SetWindowLevelMinMax(1, 2)
    again = add_synthetic(low, made(pair, 5), WINDOW, replace(RECORD, seconds=9.0))
    assert again.GetID() == first.GetID()
    assert np.array_equal(array_of(again)[0], made(pair, 5))
    assert record_of(again).seconds == 9.0
    assert first.GetDisplayNode().GetWindowLevelMax() == 2, "the user's window stays"


def test_other_weights_and_files_are_kept_beside(mrml, acquisition, array_of) -> None:
    scene = mrml().scene
    pair, from_file = acquisition()
    volumes = load_acquisition(scene, pair, from_file)
    before = array_of(volumes.synthetic).copy()
    first = add_synthetic(volumes.low_energy, made(pair), WINDOW, RECORD)
    second = add_synthetic(volumes.low_energy, made(pair, 7), WINDOW, replace(RECORD, model_sha256="b" * 64))
    assert len({volumes.synthetic.GetID(), first.GetID(), second.GetID()}) == 3
    assert len({n.GetName() for n in synthetic_volumes(scene, volumes.key)}) == 3
    assert find_acquisition(scene, volumes.key).synthetic.GetID() == second.GetID()
    assert np.array_equal(array_of(volumes.synthetic), before)
    # Shown again from its folder: what was made here is neither replaced nor hidden.
    assert load_acquisition(scene, pair, from_file).synthetic.GetID() == second.GetID()
    assert np.array_equal(array_of(second)[0], made(pair, 7))
    make_current(first)
    assert find_acquisition(scene, volumes.key).synthetic.GetID() == first.GetID()
    scene.RemoveNode(first)
    assert find_acquisition(scene, volumes.key).synthetic is not None, "deleted by hand: another one is shown"


def test_a_source_that_is_gone_is_one_sentence(mrml, acquisition) -> None:
    scene = mrml().scene
    pair, _ = acquisition()
    low = load_acquisition(scene, pair).low_energy
    scene.RemoveNode(low)
    with pytest.raises(SceneError, match="removed from the scene"):
        add_synthetic(low, made(pair), WINDOW, RECORD)
    low = load_acquisition(scene, pair).low_energy
    with pytest.raises(SceneError, match="shape"):
        add_synthetic(low, np.zeros((3, 3)), WINDOW, RECORD)
    assert synthetic_volumes(scene, acquisition_key(pair)) == []


def test_saved_and_loaded_it_is_the_same(mrml, acquisition, tmp_path, array_of) -> None:
    scene = mrml().scene
    pair, _ = acquisition()
    volumes = load_acquisition(scene, pair)
    add_synthetic(volumes.low_energy, made(pair, 3), WINDOW, RECORD)
    node = add_synthetic(volumes.low_energy, made(pair), WINDOW, replace(RECORD, model_sha256="b" * 64))
    path = str(tmp_path / "scene.mrb")
    assert scene.WriteToMRB(path, None)
    scene.Clear(0)
    assert scene.ReadFromMRB(path, True, None)
    there = find_acquisition(scene, volumes.key).synthetic
    assert there.GetName() == node.GetName()
    assert record_of(there) == replace(RECORD, model_sha256="b" * 64)
    assert np.array_equal(array_of(there)[0], made(pair))
    assert len(synthetic_volumes(scene, volumes.key)) == 2


def test_the_table_of_acquisitions_knows_what_was_made(mrml, acquisition, tmp_path) -> None:
    scene = mrml().scene
    pair, _ = acquisition()
    study = StudyInScene(scene)
    rows = study.open(StudyFolder(tmp_path, (CEMStudy("P1", "1.9", (pair,)),), ()))
    assert ImageKind.SYNTHETIC not in rows[0].kinds
    assert study.acquisition(rows[0].key) is pair
    add_synthetic(study.load(rows[0].key).low_energy, made(pair), WINDOW, RECORD)
    assert study.rows()[0].kinds == (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC)
    assert study.acquisition("other") is None
