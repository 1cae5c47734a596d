"""The main job by its commands: simulated DICOM and image folders in; synthetic images, table and report out."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.cli import main
from CEMSynthLib.commands.demo_command import PATIENT, SEED
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.reader import read_folder

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = REPOSITORY.parent / "shared/data/cdd-cesm"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    simulate_cohort(folder, SEED, [PATIENT], 0.8)
    return folder


@pytest.fixture(scope="module")
def synthetic(simulated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthesized") / "out"
    assert main(["synthesize", str(simulated / "dicom"), "--output", str(folder), "--device", "cpu"]) == 0
    return folder


def _hashes(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def _pixels(folder):
    return {p.name: hashlib.sha256(pydicom.dcmread(p).PixelData).hexdigest() for p in sorted(folder.glob("*.dcm"))}


def test_synthetic_images_lie_on_the_low_energy_grid(simulated, synthetic):
    sources = {
        i.sop_instance_uid: i
        for s in read_folder(simulated / "dicom").studies
        for a in s.acquisitions
        for i in a.images
    }
    made = [i for s in read_folder(synthetic).studies for i in s.synthetic]
    assert len(made) == 4
    for image in made:
        source = sources[image.attributes["SourceSOPInstanceUID"]]
        assert image.grid == source.grid
        pixels = image.pixels()
        breast = source.pixels() > 0
        assert np.median(pixels[breast]) == pytest.approx(2050, abs=60)
        dataset = pydicom.dcmread(image.path)
        assert dataset.SyntheticData == "YES"
        assert dataset.SeriesDescription.startswith("SYNTHETIC")
        assert "POST_CONTRAST" not in dataset.ImageType


def test_the_clinical_image_never_enters(simulated, synthetic, tmp_path):
    removed, altered = tmp_path / "removed", tmp_path / "altered"
    for folder in (removed, altered):
        shutil.copytree(simulated / "dicom", folder)
    for path in removed.rglob("*recombined.dcm"):
        path.unlink()
    for path in altered.rglob("*recombined.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.PixelData = bytes(reversed(dataset.PixelData))
        dataset.save_as(path)
    for folder in (removed, altered):
        assert (
            main(["synthesize", str(folder), "--output", str(tmp_path / f"{folder.name}-out"), "--device", "cpu"]) == 0
        )
        assert _pixels(tmp_path / f"{folder.name}-out") == _pixels(synthetic)


def test_measure_writes_a_table_and_a_report(simulated, synthetic, tmp_path, capsys):
    output = tmp_path / "measured"
    words = ["measure", str(simulated / "dicom"), "--synthetic", str(synthetic)]
    assert main([*words, "--regions", str(simulated / "regions"), "--output", str(output)]) == 0
    with (output / "measurements.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert all(row["formula"] for row in rows)
    cnr = [r for r in rows if r["quantity"] == "CNR" and r["formula"] == "sd_background"]
    lesions = len(list((simulated / "regions").glob("*lesion*.mrk.json")))
    assert lesions >= 2
    assert len(cnr) == 3 * lesions
    assert {r["image"] for r in cnr} == {"low_energy", "recombined", "synthetic"}
    halo = [r for r in rows if r["quantity"] == "halo step" and r["place"] == "breast mask"]
    assert len(halo) == 8
    similar = {r["image"] for r in rows if r["quantity"] == "MAE"}
    assert {"Synthetic iodine vs recombined", "LE itself vs recombined", "training-mean image vs recombined"} <= similar
    report = (output / "report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC" in report
    assert "not for diagnosis" in report
    assert "SIMULATED^CEM" not in report
    assert "SIMULATED^CEM" not in "".join(capsys.readouterr())


def test_the_same_command_again_replaces_its_own_run_and_other_things_are_kept(simulated, synthetic, tmp_path, capsys):
    output = tmp_path / "out"
    words = ["synthesize", str(simulated / "dicom"), "--output", str(output), "--device", "cpu"]
    assert main(words) == 0
    assert main(words) == 0
    (output / "notes.txt").write_text("mine")
    before = _hashes(output)
    assert main(words) == 2
    assert main([*words, "--overwrite"]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert _hashes(output) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["synthesize", "{tmp}/nowhere", "--output", "{tmp}/out"], "nowhere"),
        (["synthesize", "{tmp}/empty", "--output", "{tmp}/out"], "empty"),
        (["synthesize", "{study}", "--output", "{tmp}/out", "--device", "abacus"], "abacus"),
        (["synthesize", "{study}", "--output", "{tmp}/out", "--model", "{tmp}/no-model"], "no-model"),
        (["synthesize", "{recombined}", "--output", "{tmp}/out", "--device", "cpu"], "low-energy"),
        (["synthesize", "{study}", "--output", "{study}", "--device", "cpu"], "input"),
        (["measure", "{study}", "--synthetic", "{tmp}/nowhere", "--output", "{tmp}/out"], "nowhere"),
        (["measure", "{study}", "--synthetic", "{study}", "--regions", "{tmp}/none.mrk.json", "--output", "{tmp}/out"],
         "none.mrk.json"),
        (["list", "{tmp}/nowhere"], "nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(words, told, simulated, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    recombined = tmp_path / "recombined"
    recombined.mkdir()
    for path in (simulated / "dicom").rglob("*recombined.dcm"):
        shutil.copy(path, recombined)
    before = set(tmp_path.rglob("*"))
    given = [w.format(tmp=tmp_path, study=simulated / "dicom", recombined=recombined) for w in words]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error
    assert set(tmp_path.rglob("*")) == before


def test_damaged_weights_are_refused_by_name(simulated, tmp_path, capsys):
    shutil.copytree(REPOSITORY / "CEMSynthLib/generator/weights/demo", tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    words = [
        "synthesize",
        str(simulated / "dicom"),
        "--model",
        str(tmp_path / "model"),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main(words) == 2
    assert "model.safetensors" in capsys.readouterr().err


def test_what_can_be_done_is_done(simulated, tmp_path, capsys):
    study = tmp_path / "study"
    shutil.copytree(simulated / "dicom", study)
    (study / "letter.dcm").write_text("Dear colleague")
    cut = next(study.rglob("L_CC_low_energy.dcm"))
    cut.write_bytes(cut.read_bytes()[:-5000])
    assert main(["synthesize", str(study), "--output", str(tmp_path / "out"), "--device", "cpu"]) == 0
    error = capsys.readouterr().err
    assert "L_CC_low_energy.dcm" in error
    assert len(list((tmp_path / "out").glob("*.dcm"))) == 3


def test_ctrl_c_leaves_nothing_half_written(simulated, tmp_path):
    """A real SIGINT to a real process, in the middle of the work."""
    words = ["demo", "--no-browser", "--pixel-spacing-mm", "0.4", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "CEMSynthLib", *words], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(600):
            if list(tmp_path.glob(".out.partial-*/study/dicom/*/*.dcm")):
                break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(2)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the four real pairs are not beside the checkout")
def test_the_four_real_pairs(tmp_path, capsys):
    made, measured = tmp_path / "synthetic", tmp_path / "measured"
    assert main(["synthesize", str(REAL), "--output", str(made), "--device", "cpu"]) == 0
    assert sorted(p.name for p in made.glob("*.png")) == [
        "P10_L_SYNTHETIC_CC.png",
        "P10_L_SYNTHETIC_MLO.png",
        "P12_L_SYNTHETIC_CC.png",
        "P12_L_SYNTHETIC_MLO.png",
    ]
    for path in made.glob("*.png"):
        description = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert description["pixel_spacing_mm"] is None
        assert any("spacing" in w for w in description["warnings"])
        stored = np.asarray(Image.open(path))
        assert stored.shape == (512, 256)
        assert stored.dtype == np.uint16
    assert main(["measure", str(REAL), "--synthetic", str(made), "--output", str(measured)]) == 0
    reports = sorted(measured.glob("report_*.html"))
    assert len(reports) == 2
    for report in reports:
        text = report.read_text(encoding="utf-8")
        assert "simulated images only" in text
    with (measured / "measurements.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {r["patient_id"] for r in rows} == {"P10", "P12"}
    assert not [r for r in rows if r["unit"] == "mm" and r["value"]]
    capsys.readouterr()
