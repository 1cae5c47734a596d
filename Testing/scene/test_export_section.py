"""The Export section: a new folder each time, nothing half-written, and one sentence about what is missing."""

import sys
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
from export_module import check, files, opened, wait


@pytest.fixture
def module(mrml, monkeypatch, simulated_dicom, tmp_path):
    with opened(mrml, monkeypatch, simulated_dicom, tmp_path) as made:
        yield made


def test_a_second_export_gets_a_folder_of_its_own(module, monkeypatch) -> None:
    from datetime import datetime

    import CEMSynthLib.desktop.export as export

    class Clock:
        @staticmethod
        def now() -> datetime:
            return datetime(2026, 1, 1)

    check(module, "exportPictures")
    monkeypatch.setattr(export, "datetime", Clock)
    for _ in range(2):
        module.ui.exportButton.click()
        wait(module)
    assert sorted(p.name for p in module.out.iterdir()) == ["CEMSynth_20260101_000000", "CEMSynth_20260101_000000_2"]


def test_nothing_to_export_is_one_sentence_and_no_folder(module) -> None:
    check(module, "exportImages")
    module.widget.panel.select(module.rows[2].key)
    module.ui.exportButton.click()
    assert "has a synthetic image" in module.ui.statusLabel.text
    assert list(module.out.iterdir()) == []
    check(module)
    assert not module.ui.exportButton.enabled
    assert module.ui.exportButton.toolTip == "Check what is to be written."
    check(module, "exportImages")
    module.ui.exportPathLineEdit.currentPath = ""
    assert module.ui.exportButton.toolTip == "Choose a folder."


def test_cancel_and_failure_leave_nothing(module, monkeypatch) -> None:
    import CEMSynthLib.export.synthetic_files as synthetic_files
    from CEMSynthLib.export.errors import ExportError

    check(module, "exportImages")
    write, go = synthetic_files.write_dataset, threading.Event()

    def held(*arguments) -> None:
        go.wait(10)
        write(*arguments)

    monkeypatch.setattr(synthetic_files, "write_dataset", held)
    module.ui.exportButton.click()
    module.ui.exportButton.click()
    assert not module.ui.exportButton.enabled
    go.set()
    assert wait(module) == "Canceled; nothing was written."
    assert list(module.out.iterdir()) == []

    def full(*arguments) -> None:
        raise ExportError("L_CC.dcm could not be written: the disk is full; free some space.")

    monkeypatch.setattr(synthetic_files, "write_dataset", full)
    module.ui.exportButton.click()
    assert "the disk is full" in wait(module)
    assert list(module.out.iterdir()) == []


def test_files_that_are_gone_are_named_by_their_acquisition(module, monkeypatch) -> None:
    monkeypatch.setattr(module.logic.study, "acquisition", lambda key: None)
    check(module, "exportImages")
    module.ui.exportButton.click()
    assert f"The files of {module.rows[0].name} are not open now" in module.ui.statusLabel.text


def test_files_of_a_loaded_scene_come_from_the_dicom_database(module, monkeypatch) -> None:
    import slicer

    acquisition = module.logic.study.acquisition(module.rows[0].key)
    files_by_uid = {image.sop_instance_uid: str(image.path) for image in acquisition.images}
    module.logic.study.close()  # as after a saved scene was loaded
    database = SimpleNamespace(isOpen=True, fileForInstance=lambda uid: files_by_uid.get(uid, ""))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    check(module, "exportImages")
    module.ui.exportButton.click()
    assert "files are in" in wait(module), module.ui.statusLabel.text
    assert any(name.endswith(".dcm") for name in files(module))


def test_missing_packages_are_asked_for_by_what_is_checked(module, monkeypatch) -> None:
    import CEMSynthLib.desktop.packages as packages

    real = packages.metadata.version

    def version(name: str) -> str:
        if name == "matplotlib":
            raise packages.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(packages.metadata, "version", version)
    module.widget.enter()
    check(module, "exportTable")
    assert module.ui.exportButton.enabled
    check(module, "exportHTML")
    assert module.ui.exportPackagesLabel.text == "Missing Python packages: matplotlib>=3.9"
    assert not module.ui.exportButton.enabled


def test_the_dicom_database_gets_copies_where_the_user_asks(module, monkeypatch) -> None:
    import slicer

    taken = []
    utils = SimpleNamespace(importDicom=lambda folder, database, copyFiles: not taken.append((folder, copyFiles)))
    monkeypatch.setitem(sys.modules, "DICOMLib", SimpleNamespace(DICOMUtils=utils))
    monkeypatch.setattr(slicer, "dicomDatabase", SimpleNamespace(isOpen=True), raising=False)
    check(module, "exportImages")
    module.ui.exportDatabaseCheckBox.checked = True
    module.ui.exportButton.click()
    assert "in the DICOM database too" in wait(module)
    assert taken == [(str(next(module.out.iterdir())), True)]


def test_from_the_python_console(module) -> None:
    from CEMSynthLib.desktop.export import ExportChoice

    told = []
    choice = ExportChoice(images=True, markups=False, parts=())
    report = module.logic.export.run([module.rows[0].key], module.out, choice, lambda *step: told.append(step))
    assert sum(name.endswith(".dcm") for name in report.files) == 1
    assert told == [(1, 2, "synthetic images"), (2, 2, "moving")]
