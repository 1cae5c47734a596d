"""De-identified reports, tables, regions and scenes: names leave text, file names and subject hierarchy."""

import json
import zipfile

import pytest
from pydicom import dcmread

pytest.importorskip("dicomanonymizer")

from CEMSynthLib.commands.deidentification import deidentify_files


def test_a_report_a_table_and_regions_are_cleaned(case, tmp_path, telling):
    html = (
        "<title>CEMSynth report: PAT-778812</title><dt>Patient ID</dt><dd>PAT-778812</dd><dd>"
        "1.2.826.0.1.3680043.10.77.1</dd><p>rossi_lesion_1 of ROSSI Maria, made 2026-01-02 10:00, CEMSynth 0.1.0.1</p>"
    )
    (tmp_path / "report.html").write_text(html)
    table = "patient_id,laterality,view,image,place,quantity\nPAT-778812,R,MLO,synthetic,rossi_lesion_1,CNR\n"
    (tmp_path / "measurements.csv").write_text(table)
    tie = {"regions": [{"file": "rossi_lesion_1.mrk.json", "sop_instance_uid": case.uids["low_energy"]}]}
    (tmp_path / "regions.json").write_text(json.dumps(tie))
    (tmp_path / "rossi_lesion_1.mrk.json").write_text('{"markups": [{"label": "lesion-1"}]}')
    (tmp_path / "out").mkdir()
    inputs = [tmp_path / n for n in ("report.html", "measurements.csv", "regions.json", "rossi_lesion_1.mrk.json")]
    result = deidentify_files([*inputs, case.files["low_energy"]], tmp_path / "out")
    assert result.written == 5
    files = {p.name: p for p in (tmp_path / "out").rglob("*") if p.is_file()}
    text = "".join(p.read_text() for p in files.values() if p.suffix != ".dcm") + " ".join(files)
    assert not [w for w in telling if w.lower() in text.lower()]
    made = json.loads(files["regions.json"].read_text())["regions"][0]
    (image,) = [dcmread(p) for p in files.values() if p.suffix == ".dcm"]
    assert made["sop_instance_uid"] == image.SOPInstanceUID
    assert made["file"] in files
    assert "CEMSynth 0.1.0.1" in files["report.html"].read_text()
    assert "CASE-001,R,MLO,synthetic,CASE-001_lesion_1,CNR" in files["measurements.csv"].read_text()


def scene(path, extra=()):
    mrml = (
        '<MRML><Volume name="R MLO Rossi" attributes="CEMSynth.sopInstanceUID:1.2.826.0.1.3680043.10.77.1.1.1"/>'
        '<SubjectHierarchyItem id="5" name="Rossi (3)" uids="DICOM^PAT-778812|" attributes="DICOM.PatientName^'
        'Rossi^Maria Chiara|DICOM.PatientBirthDate^19610823|DICOM.PatientComments^phone; a|b|Level^Patient|">'
        '<SubjectHierarchyItem id="6" name="second look after fall" uids="DICOM^1.2.826.0.1.3680043.10.77.1|ID^x7|" '
        'attributes="DICOM.StudyDescription^second look after fall|Level^Study|"/></SubjectHierarchyItem></MRML>'
    )
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("Rossi/Rossi.mrml", mrml)
        bundle.writestr("Rossi/Data/R MLO Rossi.nrrd", b"NRRD0004\ntype: short\n\n" + bytes(range(256)))
        bundle.writestr("Rossi/Rossi.png", b"\x89PNG Rossi")
        for name, content in extra:
            bundle.writestr(name, content)


def test_a_scene_is_cleaned(case, tmp_path, telling):
    scene(tmp_path / "Rossi.mrb")
    (tmp_path / "out").mkdir()
    assert deidentify_files([tmp_path / "Rossi.mrb", case.files["low_energy"]], tmp_path / "out").written == 2
    with zipfile.ZipFile(tmp_path / "out" / "scene.mrb") as bundle:
        names = bundle.namelist()
        content = b"".join(bundle.read(n) for n in names)
    assert names == ["CASE-001/CASE-001.mrml", "CASE-001/Data/R MLO CASE-001.nrrd"]
    assert not [w for w in telling if w.lower().encode() in content.lower() or w.lower() in " ".join(names).lower()]
    assert content.endswith(bytes(range(256)))
    assert b"second look" not in content
    assert b'name="Study" uids="DICOM^1.2.826' in content
    assert b'attributes="Level^Study|"' in content
    assert b"x7" not in content
    (image,) = [dcmread(p) for p in (tmp_path / "out").rglob("*.dcm")]
    assert image.SOPInstanceUID.encode() in content


def test_a_scene_that_slicer_wrote_is_cleaned_and_opens(case, tmp_path, telling):
    """With the slicer-core wheel: names in node, description, subject hierarchy and file; then read back."""
    slicer, vtk = pytest.importorskip("slicer"), pytest.importorskip("vtk")

    def world():
        application, scene = slicer.vtkSlicerApplicationLogic(), slicer.vtkMRMLScene()
        application.SetMRMLScene(scene)
        application.SetTemporaryPath(str(tmp_path))
        remote, manager = slicer.vtkMRMLRemoteIOLogic(), slicer.vtkDataIOManagerLogic()
        remote.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path))
        remote.SetMRMLScene(scene)
        manager.SetMRMLApplicationLogic(application)
        manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()
        return scene, (application, remote, manager)

    scene_out, _kept = world()
    node, pixels = slicer.vtkMRMLScalarVolumeNode(), vtk.vtkImageData()
    node.SetName("R MLO of Rossi")
    node.SetAttribute("CEMSynth.sopInstanceUID", case.uids["low_energy"])
    node.SetDescription("for Maria Chiara Rossi")
    pixels.SetDimensions(4, 3, 1)
    pixels.AllocateScalars(vtk.VTK_SHORT, 1)
    pixels.GetPointData().GetScalars().Fill(7)
    node.SetAndObserveImageData(pixels)
    scene_out.AddNode(node)
    node.AddDefaultStorageNode()
    tree = slicer.vtkMRMLSubjectHierarchyNode()
    scene_out.AddNode(tree)
    item = tree.CreateSubjectItem(tree.GetSceneItemID(), "Rossi^Maria (PAT-778812)")
    tree.SetItemUID(item, "DICOM", "PAT-778812")
    for name, value in (("PatientName", "Rossi^Maria Chiara"), ("PatientBirthDate", "19610823"), ("PatientSex", "F")):
        tree.SetItemAttribute(item, f"DICOM.{name}", value)
    assert scene_out.WriteToMRB(str(tmp_path / "Rossi.mrb"), None)
    (tmp_path / "out").mkdir()
    assert deidentify_files([tmp_path / "Rossi.mrb", case.files["low_energy"]], tmp_path / "out").written == 2
    with zipfile.ZipFile(tmp_path / "out" / "scene.mrb") as bundle:
        content = b"".join(n.encode() + bundle.read(n) for n in bundle.namelist()).lower()
    assert not [w for w in telling if w.lower().encode() in content]
    back, _kept_too = world()
    assert back.ReadFromMRB(str(tmp_path / "out" / "scene.mrb"), True, None)
    volume = back.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    (image,) = [dcmread(p) for p in (tmp_path / "out").rglob("*.dcm")]
    assert volume.GetAttribute("CEMSynth.sopInstanceUID") == image.SOPInstanceUID
    assert volume.GetName() == "R MLO of CASE-001"
    assert volume.GetImageData().GetScalarRange() == (7, 7)


@pytest.mark.parametrize(
    ("name", "content"), [("../out.txt", "x"), ("/etc/x.txt", "x"), ("a/x.exe", "x"), ("a/b.nrrd", "comment Rossi")]
)
def test_a_scene_that_cannot_be_cleaned_stays(case, tmp_path, name, content):
    scene(tmp_path / "s.mrb", [(name, content)])
    (tmp_path / "out").mkdir()
    result = deidentify_files([tmp_path / "s.mrb", case.files["low_energy"]], tmp_path / "out")
    assert [r.path.name for r in result.left_out] == ["s.mrb"]
    assert not list((tmp_path / "out").glob("*.mrb"))
