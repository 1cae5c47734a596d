"""What the module exports: files that the command line takes, and the numbers of the command line."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
import stand_ins
from export_module import check, files, make_synthetic, opened, wait


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Pixels small enough that a region holds enough of them."""
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient

    base = tmp_path_factory.mktemp("study")
    write_patient(base, CohortSettings(7, 1.5), 1)
    return base / "dicom"


@pytest.fixture
def module(mrml, monkeypatch, study, tmp_path):
    with opened(mrml, monkeypatch, study, tmp_path) as made:
        yield made


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
