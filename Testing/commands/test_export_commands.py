"""From a study to what leaves: structured report, pictures, and a copy that can be shared and measured again."""

import csv
import sys
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

pytest.importorskip("highdicom")
pytest.importorskip("dicomanonymizer")
pytest.importorskip("matplotlib")

from CEMSynthLib.cli import main
from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.export.sr_reader import read_measurement_report
from CEMSynthLib.study.reader import read_folder

NAME = "Colombo^Giulia"
WORDS = ("colombo", "giulia", "sim-2026", "19600102")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A simulated patient with a name, images that stand in for synthetic ones (no torch), and what was measured."""
    folder = tmp_path_factory.mktemp("case")
    words = ["simulate", "--seed", "2026", "--patients", "1", "--pixel-spacing-mm", "0.8"]
    assert main([*words, "--output", str(folder / "study")]) == 0
    (folder / "synthetic").mkdir()
    for path in (folder / "study" / "dicom").rglob("*.dcm"):
        dataset = dcmread(path)
        dataset.PatientName, dataset.PatientBirthDate = NAME, "19600102"
        dataset.save_as(path)
    (study,) = read_folder(folder / "study" / "dicom").studies
    for number, acquisition in enumerate(study.acquisitions, start=1):
        low, clinical = acquisition.low_energy, acquisition.recombined
        values = clinical.pixels() * 0.5 + low.pixels() * 0.02 + 1000
        derived = synthetic_dataset(
            source=read_source(low.path),
            values=values,
            grid=low.grid,
            window=clinical.window,
            model=ModelProvenance("stand-in", "1", "cd" * 32),
            series_uid="1.2.826.0.1.3680043.10.78.9",
            series_number=9001,
            instance_number=number,
            created=datetime(2026, 3, 4),
        )
        write_dataset(derived.dataset, folder / "synthetic" / derived.file_name)
    assert main([*measure(folder / "study" / "dicom", folder / "synthetic", folder / "study" / "regions"),
                 "--pictures", "--output", str(folder / "measured")]) == 0  # fmt: skip
    return folder


def measure(study, synthetic, regions):
    return ["measure", str(study), "--synthetic", str(synthetic), "--regions", str(regions)]


def table(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_structured_report_says_what_the_table_says(case):
    rows = table(case / "measured" / "measurements.csv")
    groups = read_measurement_report(case / "measured" / "measurements.dcm")
    images = {}
    for path in [*(case / "study" / "dicom").rglob("*.dcm"), *(case / "synthetic").glob("*.dcm")]:
        header = read_source(path)
        word = next(w for w in ("low_energy", "recombined", "synthetic") if w in path.name)
        images[str(header.SOPInstanceUID)] = (str(header.ImageLaterality), str(header.ViewPosition), word)
    read = {(*images[g.image_uid], g.place, v.quantity, v.formula): v.value for g in groups for v in g.values}
    wanted = {
        (r["laterality"], r["view"], r["image"], r["place"].split(" / ")[0], r["quantity"], r["formula"]): r["value"]
        for r in rows
        if r["value"] and r["image"] in ("low_energy", "recombined", "synthetic") and "sector" not in r["place"]
    }
    read = {k: v for k, v in read.items() if k[4] != "pixels"}
    assert {k for k in wanted if k[4] == "CNR"}
    assert read.keys() == wanted.keys()
    for key, value in wanted.items():
        assert read[key] == pytest.approx(float(value), rel=1e-7)  # the table has 8 digits
    assert sum(g.verdict is not None for g in groups) == 8


def test_pictures_are_written_on_request(case):
    names = sorted(p.name for p in (case / "measured" / "pictures").iterdir())
    assert len(names) == 12
    assert {n.split("_", 3)[3] for n in names} == {"low_energy.png", "recombined.png", "synthetic.png"}
    for name in names:
        with Image.open(case / "measured" / "pictures" / name) as picture:
            pixels = np.asarray(picture)
            assert picture.mode == "L"
            assert ("Comment" in picture.text) == name.endswith("synthetic.png")
        assert (pixels[-pixels.shape[0] // 8 :] == 255).any()  # the scale bar


@pytest.mark.slow
def test_a_shared_copy_tells_nobody_and_measures_the_same(case, tmp_path, capsys):
    inputs = [case / "study" / "dicom", case / "study" / "regions", case / "synthetic", case / "measured"]
    shared = tmp_path / "shared"
    assert main(["deidentify", *map(str, inputs), "--output", str(shared)]) == 0
    told = capsys.readouterr()
    assert "Look at every image" in told.out
    assert not [w for w in WORDS if w in (told.out + told.err).lower()]
    files = [p for p in shared.rglob("*") if p.is_file()]
    for path in files:
        content = path.read_bytes().lower()
        if path.suffix == ".dcm":
            pixels = dcmread(path).get("PixelData", b"")
            content = content.replace(pixels.lower(), b"") if pixels else content
        assert not [w for w in WORDS if w.encode() in content or w in str(path.relative_to(shared)).lower()], path.name
    assert len([p for p in files if p.suffix == ".dcm"]) == 8 + 4 + 1
    assert main(["deidentify", *map(str, inputs), "--output", str(shared)]) == 2  # never replaced without being asked
    assert "--overwrite" in capsys.readouterr().err
    again = tmp_path / "again"
    assert main([*measure(shared, shared, shared / "regions"), "--output", str(again)]) == 0

    def sorted_rows(path):
        rows = table(path)
        for row in rows:
            assert row.pop("patient_id") in ("CASE-001", "SIM-2026-0001")
            row["place"] = row["place"].replace("SIM-2026-0001", "CASE-001")
        return sorted(rows, key=lambda r: [str(v) for v in r.values()])

    assert sorted_rows(again / "measurements.csv") == sorted_rows(case / "measured" / "measurements.csv")


def test_warnings_about_what_is_missing_or_misleading(case, tmp_path, monkeypatch, capsys):
    """Without highdicom there is no structured report; a notice in the pixels is measured with the image."""
    monkeypatch.setitem(sys.modules, "highdicom", None)
    (tmp_path / "synthetic").mkdir()
    for path in (case / "synthetic").glob("*.dcm"):
        dataset = dcmread(path)
        dataset.BurnedInAnnotation = "YES" if path.name.startswith("L_CC") else "NO"
        write_dataset(dataset, tmp_path / "synthetic" / path.name)
    words = measure(case / "study" / "dicom", tmp_path / "synthetic", case / "study" / "regions")
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "install cemsynth[export]" in line]) == 1
    (burned,) = [line for line in lines if "--burn-in" in line]
    assert "L_CC" in burned
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "measurements.dcm").exists()
    assert not (tmp_path / "out" / "pictures").exists()


def test_what_cannot_be_done_is_one_sentence(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("Dear colleague")
    for path in (tmp_path / "letter.txt", tmp_path / "gone"):
        assert main(["deidentify", str(path), "--output", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") <= 2
        assert "Traceback" not in error
        assert not (tmp_path / "out").exists()
