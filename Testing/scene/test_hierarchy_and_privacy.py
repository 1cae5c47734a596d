"""Patients and studies in the subject hierarchy, and a copy of the scene in which nobody is named."""

import re
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("slicer")

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.privacy import named_patients, save_deidentified
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.study.model import CEMStudy, StudyFolder

STUDY_UID = "1.2.826.0.1.3680043.9.1"
SOP = "1.2.826.0.1.3680043.9.7"


def tree(scene) -> list[str]:
    """The subject hierarchy as lines, two blanks for each level."""
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    def below(item: int, depth: int) -> list[str]:
        ids = vtk.vtkIdList()
        hierarchy.GetItemChildren(item, ids, False)
        lines = []
        for index in range(ids.GetNumberOfIds()):
            child = ids.GetId(index)
            lines += ["  " * depth + hierarchy.GetItemName(child), *below(child, depth + 1)]
        return lines

    return below(hierarchy.GetSceneItemID(), 0)


def opened(scene, acquisition, patient: str = "4711", study_uid: str | None = STUDY_UID, sop: str | None = SOP):
    study = StudyInScene(scene)
    pair, synthetic = acquisition(sop=sop)
    found = CEMStudy(patient, study_uid, (pair,), (), (synthetic,))
    rows = study.open(StudyFolder(Path("/data"), (found,), ()))
    return study, study.load(rows[0].key)


def test_volumes_lie_under_patient_and_study(mrml, acquisition) -> None:
    scene = mrml().scene
    opened(scene, acquisition)
    assert tree(scene) == [
        "4711", "  CEM study", "    R CC low energy", "    R CC clinical iodine", "    SYNTHETIC R CC iodine",
    ]  # fmt: skip


def test_what_is_not_saved_is_not_listed(mrml, acquisition) -> None:
    import slicer
    import vtk

    from CEMSynthLib.scene.difference import difference_volume
    from CEMSynthLib.scene.halo import nodes as roles

    scene = mrml().scene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def as_desktop_slicer_does(_scene, _event, node) -> None:
        if node.IsA("vtkMRMLDisplayableNode") and not node.GetHideFromEditors():
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    scene.AddObserver(scene.NodeAddedEvent, as_desktop_slicer_does)
    _, volumes = opened(scene, acquisition)
    before = tree(scene)
    assert len(before) == 5
    difference = difference_volume(scene, volumes)
    assert difference.GetScene() is scene, "it stays in the scene all the same"
    roles.ensure_node(scene, volumes.key, "distance 5", "vtkMRMLModelNode", "5 mm behind the skin", temporary=True)
    assert tree(scene) == before, "a saved scene would come back with items that hold nothing"


def test_what_is_not_saved_stays_unlisted_when_slicer_lists_all_again(mrml, acquisition) -> None:
    """After each import, and after each batch process, desktop Slicer lists what is not listed."""
    import slicer

    from CEMSynthLib.scene.deletions import Deletions
    from CEMSynthLib.scene.difference import difference_volume

    scene = mrml().scene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    _, volumes = opened(scene, acquisition)
    difference = difference_volume(scene, volumes)
    before = tree(scene)

    def as_desktop_slicer_does(_scene, _event) -> None:
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), difference)

    scene.AddObserver(scene.EndBatchProcessEvent, as_desktop_slicer_does, 10.0)
    deletions = Deletions(scene, lambda: None)
    for state in (scene.ImportState, scene.BatchProcessState):
        scene.StartState(state)
        scene.EndState(state)
        assert tree(scene) == before
    deletions.release()
    scene.StartState(scene.BatchProcessState)
    scene.EndState(scene.BatchProcessState)
    assert len(tree(scene)) == len(before) + 1


def test_two_studies_of_one_patient_and_of_another(mrml, acquisition) -> None:
    scene = mrml().scene
    opened(scene, acquisition)
    opened(scene, acquisition, study_uid=STUDY_UID + ".2", sop=SOP + ".1")
    opened(scene, acquisition, patient="12", study_uid=None, sop=SOP + ".2")
    opened(scene, acquisition, patient="", study_uid=STUDY_UID + ".3", sop=SOP + ".3")
    lines = [line for line in tree(scene) if "R CC" not in line]
    assert lines == [
        "4711", "  CEM study", "  CEM study", "12", "  CEM study", "Unknown patient", "  CEM study",
    ]  # fmt: skip


def test_what_the_user_put_into_a_folder_of_the_study_stays_there(mrml, acquisition) -> None:
    import slicer

    scene = mrml().scene
    study, loaded = opened(scene, acquisition)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(loaded.low_energy)
    folder = hierarchy.CreateFolderItem(hierarchy.GetItemParent(item), "mine")
    hierarchy.SetItemParent(item, folder)
    study.load(loaded.key)
    assert hierarchy.GetItemParent(item) == folder


def test_a_saved_scene_still_says_whose_images_they_are(mrml, acquisition, tmp_path: Path) -> None:
    world, other = mrml(), mrml()
    opened(world.scene, acquisition)
    assert world.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    assert [row.patient_id for row in StudyInScene(other.scene).rows()] == ["4711"]
    assert tree(other.scene) == tree(world.scene)


def identified(mrml, acquisition):
    """A scene as Slicer's own DICOM plugins would fill it, with a name in many places."""
    import slicer

    world = mrml()
    _, loaded = opened(world.scene, acquisition)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    patient = hierarchy.GetItemByUID("DICOM", "4711")
    hierarchy.SetItemName(patient, "DOE^JANE (4711)")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientName", "DOE^JANE")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientBirthDate", "19601231")
    study = hierarchy.GetItemByUID("DICOM", STUDY_UID)
    hierarchy.SetItemAttribute(study, "DICOM.StudyDate", "20240229")
    loaded.low_energy.SetName("Jane Doe before surgery")
    loaded.low_energy.SetAttribute("Note", "called 4711, not 47110")
    table = world.scene.AddNewNodeByClass("vtkMRMLTableNode")
    table.AddEmptyRow()
    table.AddColumn().SetName("who")
    table.AddEmptyRow()
    table.SetCellText(0, 0, "doe_jane")
    text = world.scene.AddNewNodeByClass("vtkMRMLTextNode")
    text.SetText("DOE, JANE")
    parameters = world.scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters.SetParameter("selectedAcquisition", loaded.key)
    return world, loaded


def texts_of(path: Path) -> str:
    """All text in a scene file; images are left out."""
    with zipfile.ZipFile(path) as archive:
        parts = [name for name in archive.namelist() if not name.endswith("/")]
        kept = [archive.read(name).decode("utf-8", "replace") for name in parts if not name.endswith(".nrrd")]
    return "\n".join([*parts, *kept])


def test_the_copy_names_nobody_and_the_scene_stays_as_it_is(mrml, acquisition, tmp_path: Path, capfd) -> None:
    world, loaded = identified(mrml, acquisition)
    world.scene.WriteToMRB(str(tmp_path / "before.mrb"), None)
    assert re.search("doe", texts_of(tmp_path / "before.mrb"), re.IGNORECASE)
    before = tree(world.scene)
    assert named_patients(world.scene) == 1

    capfd.readouterr()
    loaded.recombined.StorableModified()
    assert loaded.recombined.GetModifiedSinceRead()
    assert not loaded.synthetic.GetModifiedSinceRead()
    save_deidentified(world.scene, tmp_path / "copy.mrb")
    assert loaded.recombined.GetModifiedSinceRead(), "Slicer still asks to save the scene itself"
    assert not loaded.synthetic.GetModifiedSinceRead()
    said = capfd.readouterr()
    assert re.search("4711|doe", said.out + said.err, re.IGNORECASE) is None, "no name in the log"
    copy = texts_of(tmp_path / "copy.mrb")
    for secret in ("doe", "jane", "19601231", "20240229", STUDY_UID, SOP, r"4711(?!0)"):
        assert re.search(secret, copy, re.IGNORECASE) is None, secret
    assert "47110" in copy, "another number is no patient"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".mrb") == ["before.mrb", "copy.mrb"]
    assert not list(tmp_path.glob(".cemsynth-*"))

    assert tree(world.scene) == before
    assert loaded.low_energy.GetName() == "Jane Doe before surgery"
    assert loaded.low_energy.GetAttribute(names.ACQUISITION) == loaded.key
    assert not world.scene.IsBatchProcessing()


def test_the_copy_still_works(mrml, acquisition, tmp_path: Path) -> None:
    world, loaded = identified(mrml, acquisition)
    save_deidentified(world.scene, tmp_path / "copy.mrb")
    scene = mrml().scene
    assert scene.ReadFromMRB(str(tmp_path / "copy.mrb"), True, None)
    study = StudyInScene(scene)
    (row,) = study.rows()
    assert row.patient_id == "Patient 1"
    assert row.key != loaded.key
    parameters = scene.GetFirstNodeByClass("vtkMRMLScriptedModuleNode")
    assert parameters.GetParameter("selectedAcquisition") == row.key
    assert study.load(row.key).kinds == loaded.kinds
    assert named_patients(scene) == 0


def test_simulated_patients_are_nobody(mrml, acquisition) -> None:
    scene = mrml().scene
    _, loaded = opened(scene, acquisition)
    for node in (loaded.low_energy, loaded.recombined):
        node.SetAttribute(names.SIMULATED, "yes")
    assert named_patients(scene) == 0


def test_image_files_are_found_by_name_and_lose_it(mrml, acquisition, tmp_path: Path) -> None:
    world = mrml()
    _, loaded = opened(world.scene, acquisition, patient="Bluebell", study_uid=None, sop=None)
    assert loaded.key.startswith("P1_R")
    save_deidentified(world.scene, tmp_path / "copy.mrb")
    assert "P1_R" not in texts_of(tmp_path / "copy.mrb")
    assert "Bluebell" not in texts_of(tmp_path / "copy.mrb")


@pytest.mark.parametrize("name", ["scene.mrml", "Doe_Jane.mrb", "missing/scene.mrb"])
def test_what_cannot_be_written_is_a_sentence_and_nothing_changes(mrml, acquisition, tmp_path: Path, name) -> None:
    world, _ = identified(mrml, acquisition)
    before = tree(world.scene)
    with pytest.raises(SceneError):
        save_deidentified(world.scene, tmp_path / name)
    assert tree(world.scene) == before
    assert not world.scene.IsBatchProcessing()
