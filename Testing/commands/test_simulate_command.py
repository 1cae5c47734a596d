"""`cemsynth simulate` as a user calls it: a part of the study, the test object, what cannot be done, a full disk."""

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import RegionRole, region_mask
from CEMSynthLib.phantom.design import design_patient
from CEMSynthLib.phantom.presentation import UNITS_PER_MG

REPOSITORY = Path(__file__).resolve().parents[2]
COARSE = ["--pixel-spacing-mm", "1.6"]


def simulate(folder, *words):
    return main(["simulate", "--output", str(folder), *COARSE, *map(str, words)])


def rows(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def hashes(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_a_part_of_the_study_keeps_to_its_design(tmp_path, capsys):
    assert simulate(tmp_path / "out", "--preset", "study", "--first", 99, "--patients", 4) == 0
    assert "of 4 patients" in capsys.readouterr().out
    found = rows(tmp_path / "out" / "cohort.csv")
    for number in range(99, 103):
        design = design_patient("study", 1, number)
        own = [row for row in found if row["patient_id"] == f"STUDY-1-{number:04d}"]
        assert {(row["laterality"], row["view"]) for row in own} == {
            (side, view) for side in design.breasts for view in ("CC", "MLO")
        }
        assert {row["split"] for row in own} == {"train" if number <= 100 else "test"}
        for row in own:
            assert row["positive"] == ("yes" if design.positive[row["laterality"]] else "no")


def test_the_same_command_again_changes_nothing_and_another_is_refused(tmp_path, capsys):
    out = tmp_path / "out"
    assert simulate(out) == 0
    before = hashes(out)
    assert simulate(out) == 0
    assert "1 of them earlier" in capsys.readouterr().out
    after = hashes(out)
    assert {n: h for n, h in after.items() if "manifest" not in n} == {
        n: h for n, h in before.items() if "manifest" not in n
    }
    for words in (["--seed", 2], ["--arrays"], ["--patients", 2]):
        assert simulate(out, *words) == 2
        assert "other parameters" in capsys.readouterr().err
    assert hashes(out) == after
    assert simulate(out, "--seed", 2, "--overwrite") == 0
    assert {row["patient_id"] for row in rows(out / "cohort.csv")} == {"SIM-2-0001"}
    assert not list(out.rglob("*SIM-1-*"))


def test_the_test_object_is_linear_in_iodine(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["simulate", "--object", "--pair", "WRh30-WTi49", "--thickness-cm", "4", "--pixel-spacing-mm", "0.4"]
    assert main([*words, "--output", str(out)]) == 0
    assert "object.csv" in capsys.readouterr().out
    table = rows(out / "object.csv")
    inserts = [r for r in table if r["kind"] == "iodine" and r["structured_background"] == "no"]
    iodine = np.array([float(r["iodine_mg_cm2"]) for r in inserts])
    assert (iodine.min(), iodine.max()) == (0.0, 4.0)
    (path,) = (out / "dicom").rglob("*recombined.dcm")
    image = pydicom.dcmread(path)
    pixels = image.pixel_array.astype(float)
    assert image.AnodeTargetMaterial == "TUNGSTEN"
    assert "ContrastBolusAgent" not in image
    regions = {r.region.name: r.region for r in read_regions([out / "regions"])}
    assert {r.role for r in regions.values()} == set(RegionRole)
    means, grounds = [], []
    for row in inserts:
        name = Path(row["regions"]).name.removesuffix(".mrk.json")
        means.append(pixels[region_mask(regions[name], pixels.shape, (0.4, 0.4))].mean())
        ground = regions[name.replace("lesion", "background")]
        grounds.append(pixels[region_mask(ground, pixels.shape, (0.4, 0.4))].mean())
    slope, offset = np.polyfit(iodine, np.subtract(means, grounds), 1)
    assert slope == pytest.approx(UNITS_PER_MG, rel=0.06)
    assert abs(offset) < 2
    assert {r.region.role for r in read_regions([out / "steps"])} == {RegionRole.BACKGROUND}
    with np.load(out / "truth" / "object.npz") as truth:
        assert truth["iodine_mg_cm2"].shape == pixels.shape
    assert len(list((out / "raw").rglob("*.dcm"))) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--patients", "0"], "at least one"),
        (["--patients", "-3"], "at least one"),
        (["--processes", "0"], "at least one"),
        (["--first", "-2", "--patients", "2"], "negative"),
        (["--pixel-spacing-mm", "9"], "spacing"),
        (["--pixel-spacing-mm", "nan"], "spacing"),
        (["--seed", "-4"], "negative"),
        (["--preset", "dream"], "dream"),
        (["--preset", "study", "--patients", "141"], "1 to 140"),
        (["--preset", "study", "--first", "0", "--patients", "2"], "1 to 140"),
        (["--pair", "RhRh29-RhCu49"], "--object"),
        (["--object", "--pair", "MoMo28"], "MoMo28"),
        (["--object", "--thickness-cm", "0"], "2 to 10"),
        (["--object", "--thickness-cm", "nan"], "2 to 10"),
        (["--object", "--arrays"], "--arrays"),
        (["--object", "--seed", "-1"], "negative"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(words, told, tmp_path, capsys):
    assert main(["simulate", "--output", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX limit on file sizes")
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_disk_that_takes_no_more_is_said_and_the_run_goes_on_later(tmp_path, processes):
    """Files above a limit cannot be written, as on a disk that is nearly full."""
    out = tmp_path / "out"
    words = ["simulate", "--output", str(out), *COARSE, "--patients", "2", "--processes", processes]
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000));"
        "from CEMSynthLib.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "could not be written" in done.stderr
    assert "larger than this system allows" in done.stderr
    assert not list(tmp_path.rglob("*.partial*"))
    assert not list(tmp_path.rglob("*.dcm"))
    assert main(words) == 0
    assert len(rows(out / "cohort.csv")) == 8
