"""Opening folders into a scene: what the table shows, and what happens to it when scenes come and go."""

from pathlib import Path

import pytest

from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.study.model import CEMStudy, FileReason, ImageKind, StudyFolder

LE, CLINICAL, SYNTHETIC = ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC


def folder(*acquisitions, synthetic=(), patient="ID1", skipped=(), unclassified=()) -> StudyFolder:
    study = CEMStudy(patient, "1.9", tuple(acquisitions), tuple(unclassified), tuple(synthetic))
    return StudyFolder(Path("/data"), (study,), tuple(skipped))


def volumes(scene) -> int:
    return scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


def test_rows_say_what_was_found_before_anything_is_loaded(mrml, acquisition) -> None:
    scene = mrml().scene
    pair, synthetic = acquisition()
    bare, _ = acquisition(sop="1.3", spacing=None, recombined=False)
    rows = StudyInScene(scene).open(folder(pair, bare, synthetic=[synthetic]))
    assert [(r.key, r.patient_id, r.name, r.shape, r.spacing_mm, r.kinds) for r in rows] == [
        ("1.2.0", "ID1", "R CC", (40, 30), (0.2, 0.1), (LE, CLINICAL, SYNTHETIC)),
        ("1.3.0", "ID1", "R CC", (40, 30), None, (LE,)),
    ]
    assert volumes(scene) == 0


def test_the_folder_given_for_synthetic_images_comes_first(mrml, array_of, acquisition) -> None:
    pair, mine = acquisition()
    study = StudyInScene(mrml().scene)
    _, other = acquisition(offset=5)
    study.open(folder(pair, synthetic=[other]), folder(synthetic=[mine]))
    assert (array_of(study.load("1.2.0").synthetic)[0] == mine.pixels()).all()


@pytest.mark.parametrize("given", [True, False])
def test_a_synthetic_folder_that_does_not_fit_is_an_error_and_keeps_what_was_open(mrml, acquisition, given) -> None:
    pair, _ = acquisition()
    _, foreign = acquisition(sop="1.77")
    study = StudyInScene(mrml().scene)
    rows = study.open(folder(pair))
    with pytest.raises(SceneError, match="cemsynth synthesize"):
        study.open(folder(acquisition(sop="1.4")[0]), folder(synthetic=[foreign] if given else []))
    assert study.rows() == rows


def test_unused_files_of_both_folders(mrml, acquisition) -> None:
    pair, synthetic = acquisition()
    reasons = [FileReason(Path(name), f"{name} is odd.") for name in "abc"]
    study = StudyInScene(mrml().scene)
    study.open(
        folder(pair, skipped=reasons[:1], unclassified=reasons[1:2]), folder(synthetic=[synthetic], skipped=reasons[2:])
    )
    assert sorted(r.path.name for r in study.unused) == ["a", "b", "c"]
    study.close()
    assert study.unused == ()


def test_two_studies_in_one_scene(mrml, acquisition) -> None:
    """The second folder takes the place of the first in the list, what was shown of the first stays in the scene."""
    scene = mrml().scene
    study = StudyInScene(scene)
    study.open(folder(acquisition()[0]))
    study.load("1.2.0")
    rows = study.open(folder(acquisition(sop="1.3")[0], patient="ID2"))
    assert [(r.key, r.patient_id) for r in rows] == [("1.3.0", "ID2"), ("1.2.0", "ID1")]
    assert study.load("1.2.0").kinds == (LE, CLINICAL)
    study.load("1.3.0")
    assert volumes(scene) == 4


def test_saved_scene_opens_without_the_folder(mrml, acquisition, tmp_path: Path) -> None:
    world = mrml()
    study = StudyInScene(world.scene)
    pair, synthetic = acquisition()
    study.open(folder(pair, acquisition(sop="1.3", spacing=None)[0], synthetic=[synthetic]))
    study.load("1.2.0")
    study.load("1.3.0")
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    other = mrml()
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    reopened = StudyInScene(other.scene)
    first, second = sorted(reopened.rows(), key=lambda row: row.key)
    assert first.shape == (40, 30)
    assert first.spacing_mm == pytest.approx((0.2, 0.1))
    assert second.spacing_mm is None
    assert first.kinds == (LE, CLINICAL, SYNTHETIC)
    assert reopened.load("1.2.0").synthetic.GetName().startswith("SYNTHETIC")


def test_closed_scene_and_deleted_nodes(mrml, acquisition) -> None:
    scene = mrml().scene
    study = StudyInScene(scene)
    study.open(folder(acquisition()[0]))
    loaded = study.load("1.2.0")
    scene.RemoveNode(loaded.recombined)  # by hand: it comes back from the folder
    assert study.load("1.2.0").kinds == (LE, CLINICAL)
    study.close()
    scene.Clear(0)
    assert study.rows() == []
    with pytest.raises(SceneError, match="no longer in the scene"):
        study.load("1.2.0")


def test_no_patient_id_in_node_names_or_attributes(mrml, acquisition) -> None:
    scene = mrml().scene
    study = StudyInScene(scene)
    study.open(folder(acquisition()[0], patient="Secret-4711"))
    loaded = study.load("1.2.0")
    for node in (loaded.low_energy, loaded.recombined):
        texts = [node.GetName(), *(node.GetAttribute(name) or "" for name in node.GetAttributeNames())]
        assert not any("4711" in text for text in texts)


def test_scene_imports_without_slicer() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "for name in ('slicer', 'vtk', 'qt', 'ctk', 'torch', 'pydicom', 'SimpleITK', 'skimage', 'PIL'):\n"
        "    sys.modules[name] = None\n"
        "import CEMSynthLib.scene.study, CEMSynthLib.scene.volumes, CEMSynthLib.scene.layout\n"
        "import CEMSynthLib.scene.compare, CEMSynthLib.scene.shared_window, CEMSynthLib.scene.label\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr


def test_a_study_opens_with_what_slicer_bundles() -> None:
    """Reading and simulating a study import neither scikit-image nor torch, pandas or matplotlib."""
    import subprocess
    import sys

    code = (
        "import sys\n"
        "for name in ('skimage', 'torch', 'pandas', 'matplotlib', 'sklearn', 'highdicom', 'tqdm'):\n"
        "    sys.modules[name] = None\n"
        "import CEMSynthLib.study.reader, CEMSynthLib.study.registration, CEMSynthLib.phantom.study\n"
        "import CEMSynthLib.export.derived, CEMSynthLib.scene.study\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
