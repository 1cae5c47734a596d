"""The DICOM plugin: claims images of CEM studies one by one, and loads them as the module would.

With SLICER_SOURCE_DIR its base class and the subject hierarchy code are Slicer's own.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pydicom
import pytest

pytest.importorskip("slicer")
import slicer
import stand_ins

ROOT = Path(__file__).resolve().parents[2]


class Database:
    """A DICOM database of real files."""

    def __init__(self, folder: Path) -> None:
        self.headers = {str(p): pydicom.dcmread(p, stop_before_pixels=True) for p in sorted(folder.rglob("*.dcm"))}

    def fileValue(self, file: str, tag: str) -> str:
        group, element = tag.split(",")
        found = self.headers[file].get((int(group, 16), int(element, 16)))
        return "" if found is None or found.value is None else str(found.value)

    def seriesForStudy(self, uid: str) -> tuple[str, ...]:
        found = [h.SeriesInstanceUID for h in self.headers.values() if uid == h.StudyInstanceUID]
        return tuple(dict.fromkeys(found))

    def filesForSeries(self, uid: str) -> tuple[str, ...]:
        return tuple(path for path, header in self.headers.items() if uid == header.SeriesInstanceUID)


class BasePlugin:
    """What DICOMLib.DICOMPlugin of Slicer 5.10 gives, in short; later ones give more."""

    def __init__(self) -> None:
        self.tags = {"seriesDescription": "0008,103E", "seriesNumber": "0020,0011", "frameOfReferenceUID": "0020,0052"}

    def examineForImport(self, fileLists):
        return []

    def addSeriesInSubjectHierarchy(self, loadable, node) -> None:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def dicom_lib() -> ModuleType:
    library = ModuleType("DICOMLib")
    source = os.environ.get("SLICER_SOURCE_DIR")
    if source:
        path = Path(source, "Modules/Scripted/DICOMLib/DICOMPlugin.py")
        spec = importlib.util.spec_from_file_location("DICOMLib.DICOMPlugin", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        vars(library).update(DICOMPlugin=module.DICOMPlugin, DICOMLoadable=module.DICOMLoadable)
    else:
        vars(library).update(DICOMPlugin=BasePlugin, DICOMLoadable=SimpleNamespace)
    return library


@pytest.fixture
def folder(simulated_dicom: Path) -> Path:
    return simulated_dicom


@pytest.fixture
def world(mrml, monkeypatch, folder: Path):
    made = mrml()
    monkeypatch.setitem(sys.modules, "DICOMLib", dicom_lib())
    stand_ins.install(monkeypatch, made, main_window=False)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(), raising=False)
    monkeypatch.setattr(slicer, "dicomDatabase", Database(folder), raising=False)
    shown = {f"display{what}InSubjectHierarchyItemName": True for what in ("PatientID", "PatientBirthDate")}
    shown |= {f"display{what}InSubjectHierarchyItemName": True for what in ("StudyID", "StudyDate")}
    handler = SimpleNamespace(instance=lambda: SimpleNamespace(**shown))
    monkeypatch.setattr(slicer, "qSlicerSubjectHierarchyPluginHandler", handler, raising=False)
    slicer.app.applicationLogic = lambda: made.application
    path = ROOT / "CEMSynth/DICOMCEMSynthPlugin.py"
    spec = importlib.util.spec_from_file_location("DICOMCEMSynthPlugin", path)
    made.module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made.module)
    made.plugin = made.module.DICOMCEMSynthPluginClass()
    return made


def by_series(database: Database) -> list[list[str]]:
    uids = dict.fromkeys(header.SeriesInstanceUID for header in database.headers.values())
    return [list(database.filesForSeries(uid)) for uid in uids]


def test_one_selected_loadable_per_instance(world) -> None:
    loadables = world.plugin.examineForImport(by_series(slicer.dicomDatabase))
    assert sorted(loadable.name for loadable in loadables) == sorted(
        f"{side} {view} {kind}"
        for side in "LR" for view in ("CC", "MLO") for kind in ("low energy", "clinical iodine")
    )  # fmt: skip
    assert all(loadable.selected and loadable.confidence > 0.5 for loadable in loadables)
    assert all(len(loadable.files) == 1 for loadable in loadables)
    assert all("Image Type" in loadable.tooltip for loadable in loadables)


def test_pixels_polarity_spacing_and_hierarchy(world) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    from CEMSynthLib.scene.acquisitions import acquisitions_in
    from CEMSynthLib.study.reader import read_folder

    loadables = world.plugin.examineForImport(by_series(slicer.dicomDatabase))
    nodes = {loadable.name: world.plugin.load(loadable) for loadable in loadables}
    assert all(node.GetName() == name for name, node in nodes.items())
    found = read_folder(Path(next(iter(slicer.dicomDatabase.headers))).parent).studies[0]
    for acquisition in found.acquisitions:
        image = acquisition.recombined
        node = nodes[f"{acquisition.name} clinical iodine"]
        pixels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(image.grid.shape)
        assert np.array_equal(pixels, image.pixels())
        assert node.GetSpacing()[:2] == pytest.approx((2.0, 2.0))
    volumes = acquisitions_in(world.scene)
    assert sorted(v.name for v in volumes) == ["L CC", "L MLO", "R CC", "R MLO"]
    assert all(len(v.kinds) == 2 for v in volumes), "loaded one by one, they are pairs all the same"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(world.scene)
    study = hierarchy.GetItemByUID("DICOM", found.study_uid)
    assert hierarchy.GetItemLevel(study) == "Study"
    assert {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes.values()} == {study}
    assert hierarchy.GetItemLevel(hierarchy.GetItemParent(study)) == "Patient"


def test_a_synthetic_image_says_so(world, folder: Path, tmp_path: Path, monkeypatch) -> None:
    from CEMSynthLib.desktop.selftest import writeSelfTestSynthetic
    from CEMSynthLib.study.reader import read_folder

    copy = shutil.copytree(folder, tmp_path / "copy")
    writeSelfTestSynthetic(read_folder(copy).studies[0].acquisitions[0], copy / "synthetic")
    monkeypatch.setattr(slicer, "dicomDatabase", Database(copy))
    (file,) = [str(path) for path in (copy / "synthetic").glob("*.dcm")]
    (loadable,) = world.plugin.examineFiles([file])
    assert loadable.name == "SYNTHETIC R CC iodine"
    assert world.plugin.load(loadable).GetAttribute("CEMSynth.kind") == "synthetic"
    opened = []
    slicer.modules.cemsynth = SimpleNamespace(widgetRepresentation=lambda: opened.append("module"))
    stand_ins.widgets.run_timers()
    assert opened == ["module"], "which draws the label"


def test_other_mammograms_and_modalities_are_left_to_others(world, folder: Path, tmp_path: Path, monkeypatch) -> None:
    from CEMSynthLib.study.reader import read_folder

    for acquisition in read_folder(folder).studies[0].acquisitions:
        shutil.copy(acquisition.low_energy.path, tmp_path)  # without recombined images: any mammography
        dataset = pydicom.dcmread(acquisition.recombined.path)
        dataset.Modality = "CT"
        dataset.save_as(tmp_path / acquisition.recombined.path.name)
    monkeypatch.setattr(slicer, "dicomDatabase", Database(tmp_path))
    assert len(slicer.dicomDatabase.headers) == 8
    assert world.plugin.examineForImport(by_series(slicer.dicomDatabase)) == []


def test_the_hook_registers_the_plugin_and_is_hidden(world) -> None:
    parent = SimpleNamespace()
    world.module.DICOMCEMSynthPlugin(parent)
    assert parent.hidden
    assert slicer.modules.dicomPlugins == {"DICOMCEMSynthPlugin": world.module.DICOMCEMSynthPluginClass}
