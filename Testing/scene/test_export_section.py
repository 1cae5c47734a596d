"""Export from the module: files that the command line takes, a new folder each time, nothing half-written."""

import csv
import importlib.util
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer")


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"cemsynth_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_ins, processes = load("stand_ins"), load("process_stand_in")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient

    base = tmp_path_factory.mktemp("study")
    write_patient(base, CohortSettings(7, 1.5), 1)
    return base / "dicom"


def record(**changes):
    from CEMSynthLib.scene.synthetic_volume import SyntheticRecord

    fields = {
        "model_name": "test",
        "model_version": "1",
        "model_sha256": "a" * 64,
        "training_data": "none",
        "intended_use": "tests",
        "held_out": "nothing",
        "simulated_only": True,
        "training_range": "outside",
        "warnings": ("Unlike the training images.",),
        "device": "cpu",
        "device_reason": "CPU, as asked.",
        "seconds": 1.0,
        "created": "2026-01-01T00:00:00",
    }
    return SyntheticRecord(**fields | changes)


def make_synthetic(low, offset: float = 0.0):
    """A synthetic volume without a model: the clinical gray scale from the low-energy image."""
    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.scene.synthetic_volume import add_synthetic
    from CEMSynthLib.study.model import VOIWindow

    pixels = np.array(pixels_of(low), dtype=np.float32)
    values = 2000 + 200 * (pixels - pixels.min()) / np.ptp(pixels) + offset
    return add_synthetic(low, values, VOIWindow.from_range(1950, 2250), record())


@pytest.fixture
def module(mrml, monkeypatch, study, tmp_path):
    """The module with an open study whose first two acquisitions have synthetic images."""
    stand_ins.QSettings.stored.clear()
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setenv("TMPDIR", str(private))
    monkeypatch.setattr(tempfile, "tempdir", None)
    world = mrml(views=True)
    cemsynth = stand_ins.install(monkeypatch, world)
    import slicer

    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text, windowTitle: True, raising=False)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.logic.openStudy(study)
    rows = widget.logic.study.rows()
    for row in rows[:2]:
        make_synthetic(widget.logic.study.load(row.key).low_energy)
    widget.panel.select(rows[0].key)
    widget.panel.refresh()
    (tmp_path / "out").mkdir()
    widget.ui.exportPathLineEdit.currentPath = str(tmp_path / "out")
    yield SimpleNamespace(
        widget=widget, ui=widget.ui, logic=widget.logic, scene=world.scene, out=tmp_path / "out", rows=rows
    )
    widget.cleanup()
    deadline = time.monotonic() + 10
    while list(private.glob("cemsynth-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(private.glob("cemsynth-*")) == []


def wait(module, seconds: float = 120) -> str:
    """Let the timers run until the export has ended; returns the sentence."""
    timers = sys.modules["qt"].QTimer.made
    end = time.monotonic() + seconds
    while module.ui.exportButton.text == "Cancel" and time.monotonic() < end:
        for timer in list(timers):
            timer.fire()
    return module.ui.statusLabel.text


def files(module) -> list[str]:
    return sorted(p.relative_to(module.out).as_posix().partition("/")[2] for p in module.out.rglob("*") if p.is_file())


def check(module, *names: str) -> None:
    for name in ("exportImages", "exportMarkups", "exportPictures", "exportTable", "exportReportDicom", "exportHTML"):
        getattr(module.ui, f"{name}CheckBox").checked = name in names


def test_derived_dicom_reads_back_and_is_marked(module) -> None:
    from pydicom import dcmread

    from CEMSynthLib.export.synthesis_record import read_synthesis_record
    from CEMSynthLib.scene.acquisitions import find_acquisition
    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.study.reader import read_folder

    check(module, "exportImages")
    module.ui.exportAllCheckBox.checked = True
    assert module.ui.exportButton.enabled, module.ui.exportButton.toolTip
    module.ui.exportButton.click()
    assert "files are in" in wait(module)
    written = files(module)
    assert len([name for name in written if name.endswith(".dcm")]) == 2
    assert "synthetic/synthesis.json" in written
    folder = next(module.out.iterdir())
    images = [image for one in read_folder(folder / "synthetic").studies for image in one.synthetic]
    by_source = {image.attributes["SourceSOPInstanceUID"]: image for image in images}
    for row in module.rows[:2]:
        volumes = find_acquisition(module.scene, row.key)
        acquisition = module.logic.study.acquisition(row.key)
        image = by_source[acquisition.low_energy.sop_instance_uid]
        assert np.abs(image.pixels() - pixels_of(volumes.synthetic)).max() <= 0.5
        header = dcmread(image.path, stop_before_pixels=True)
        assert header.SyntheticData == "YES"
        assert "Unlike the training images." in header.ImageComments
        assert header.StudyInstanceUID == dcmread(acquisition.low_energy.path, stop_before_pixels=True).StudyInstanceUID
    made = read_synthesis_record(folder / "synthetic")
    assert made.model.sha256 == "a" * 64
    assert {image.training_range for image in made.images} == {"outside"}
    assert stand_ins.QSettings.stored["CEMSynth/ExportFolder"] == str(module.out)
    assert module.ui.openExportFolderButton.visible


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


def test_pictures_are_as_shown_and_the_synthetic_one_is_marked(module) -> None:
    from PIL import Image

    check(module, "exportPictures")
    display = module.widget.panel.shown.low_energy.GetDisplayNode()
    display.SetWindowLevelMinMax(1e6, 1e6 + 1)
    module.ui.exportButton.click()
    wait(module)
    names = [name for name in files(module) if name.endswith(".png")]
    stem = "001_" + module.rows[0].name.replace(" ", "_")
    assert names == [f"pictures/{stem}_{word}.png" for word in ("clinical", "low_energy", "synthetic")]
    folder = next(module.out.iterdir())
    with Image.open(folder / f"pictures/{stem}_low_energy.png") as picture:
        dark = np.asarray(picture)
        assert dark[: dark.shape[0] // 2].max() == 0, "windowed as the slice view shows it"
    with Image.open(folder / f"pictures/{stem}_synthetic.png") as picture:
        assert picture.text["Comment"] == "SYNTHETIC - not for diagnosis"
        top = np.asarray(picture)[:8]
    shown = (volume := module.widget.panel.shown.synthetic).GetDisplayNode()
    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.study.model import VOIWindow

    window = VOIWindow.from_range(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
    without = np.rint(255 * window.apply(pixels_of(volume)))[:8]
    assert (top != without).mean() > 0.1, "the notice is in the pixels"


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


@pytest.mark.slow
def test_measurements_are_those_of_the_command_line(module, study, tmp_path, capsys) -> None:
    """Table, structured report and HTML, with a region drawn in the scene; the child is a real Python."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("highdicom")
    from CEMSynthLib.cli import main
    from CEMSynthLib.measurement.regions import RegionRole
    from CEMSynthLib.measurement.shapes import Rectangle
    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.scene.regions.region_set import RegionSet

    regions = RegionSet(module.scene)
    regions.show(module.widget.panel.shown)
    # Within the breast, beside the chest wall; the third region lies outside of the image.
    rows, columns = np.nonzero(pixels_of(module.widget.panel.shown.low_energy) > 500)
    row, column = 1.5 * np.median(rows), 1.5 * np.median(columns)
    regions.add(RegionRole.LESION, Rectangle((column, row), (12.0, 12.0)))
    regions.add(RegionRole.LESION, Rectangle((-50.0, -50.0), (12.0, 12.0)))
    regions.add(RegionRole.BACKGROUND, Rectangle((column, row + 20), (12.0, 12.0)))
    check(module, "exportImages", "exportMarkups", "exportTable", "exportReportDicom", "exportHTML")
    module.ui.burnInCheckBox.checked = True
    module.ui.exportButton.click()
    assert "files are in" in wait(module), module.ui.statusLabel.text
    written = files(module)
    assert {f"measurements/{name}" for name in ("measurements.csv", "measurements.dcm", "report.html")} <= set(written)
    assert "measurements/cemsynth-manifest.json" not in written
    assert "burned into" not in module.ui.statusLabel.text, "what is measured has no notice in it"
    folder = next(module.out.iterdir())
    assert len(list((folder / "regions").glob("*.mrk.json"))) == 3
    table = list(csv.DictReader((folder / "measurements/measurements.csv").read_text().splitlines()))
    assert {row["view"] for row in table} == {module.rows[0].name[2:]}
    assert any(row["quantity"] == "CNR" and row["image"] == "synthetic" and row["value"] for row in table)
    from pydicom import dcmread

    (image,) = (folder / "synthetic").glob("*.dcm")
    exported = dcmread(image, stop_before_pixels=True)
    assert exported.BurnedInAnnotation == "YES"
    told = str(dcmread(folder / "measurements/measurements.dcm"))
    assert exported.SOPInstanceUID in told, "the structured report refers to the image that was exported"
    html = (folder / "measurements/report.html").read_text()
    assert "aaaaaaaa" in html
    assert str(tmp_path) not in html
    # The command line on the exported files gives the same numbers.
    module.ui.burnInCheckBox.checked = False
    words = ["measure", str(study), "--synthetic", str(folder / "synthetic"), "--regions", str(folder / "regions")]
    assert main([*words, "--output", str(tmp_path / "again"), "--parts", "table"]) == 0
    again = list(csv.DictReader((tmp_path / "again/measurements.csv").read_text().splitlines()))
    clinical = [row for row in table if row["image"] == "recombined"]
    assert clinical
    assert all(row in again for row in clinical)


def test_from_the_python_console(module) -> None:
    from CEMSynthLib.desktop.export import ExportChoice

    told = []
    choice = ExportChoice(images=True, markups=False, parts=())
    report = module.logic.export.run([module.rows[0].key], module.out, choice, lambda *step: told.append(step))
    assert sum(name.endswith(".dcm") for name in report.files) == 1
    assert told == [(1, 2, "synthetic images"), (2, 2, "moving")]


@pytest.mark.slow
def test_image_files_get_data_beside_pictures(module, study, tmp_path) -> None:
    """A study of image files: 16-bit PNG whose JSON says what the numbers mean; read again they are the image."""
    from PIL import Image

    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.study.reader import read_folder

    acquisition = read_folder(study).studies[0].acquisitions[0]
    folder = tmp_path / "images"
    folder.mkdir()
    for word, image in (("DM", acquisition.low_energy), ("CM", acquisition.recombined)):
        gray = np.rint(255 * image.window.apply(image.pixels())).astype(np.uint8)
        Image.fromarray(gray).save(folder / f"P1_R_{word}_CC.png")
    row = module.logic.openStudy(folder)[0]
    node = make_synthetic(module.logic.study.load(row.key).low_energy)
    module.widget.panel.select(row.key)
    module.widget.panel.refresh()
    check(module, "exportImages", "exportTable")
    module.ui.exportButton.click()
    assert "files are in" in wait(module), module.ui.statusLabel.text
    written = files(module)
    assert {"synthetic/P1_R_SYNTHETIC_CC.png", "synthetic/P1_R_SYNTHETIC_CC.json"} <= set(written)
    assert "measurements/measurements.csv" in written
    exported = next(module.out.iterdir())
    images = [image for one in read_folder(exported / "synthetic").studies for image in one.synthetic]
    assert np.abs(images[0].pixels() - pixels_of(node)).max() < 0.01
    # Opened with its study it is not made again, and exporting it copies the file.
    module.scene.Clear(0)
    module.logic.openStudy(folder, exported / "synthetic")
    module.widget.panel.select(row.key)
    module.widget.panel.refresh()
    check(module, "exportImages")
    before = set(module.out.iterdir())
    module.ui.exportButton.click()
    assert "files are in" in wait(module), module.ui.statusLabel.text
    (again,) = set(module.out.iterdir()) - before
    name = "synthetic/P1_R_SYNTHETIC_CC.png"
    assert (again / name).read_bytes() == (exported / name).read_bytes()
