"""Simulated cohorts as files: whole, readable, the same in any order, number of processes and interruptions."""

import csv
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.export.manifest import MANIFEST, Manifest
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import RegionRole, region_mask
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.presentation import RECOMBINED_WINDOW
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Side
from CEMSynthLib.study.reader import read_folder

REPOSITORY = Path(__file__).resolve().parents[2]
SEED, NUMBERS, SPACING = 5, (2, 3), 0.8


def _files(folder, without=()):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without
    }


def _rows(folder):
    with (folder / "cohort.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _command(*words):
    return [sys.executable, "-m", "CEMSynthLib", "simulate", *map(str, words)]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    done = simulate_cohort(folder, SEED, NUMBERS, SPACING, raw=True, arrays=True)
    assert (done.patients, done.made, done.views) == (2, 2, 8)
    return folder


@pytest.fixture(scope="module")
def patient(cohort):
    return json.loads((cohort / "truth/SIM-5-0002/patient.json").read_text(encoding="utf-8"))


def test_processes_and_order_do_not_matter(cohort, tmp_path):
    simulate_cohort(tmp_path, SEED, NUMBERS[::-1], SPACING, processes=2, raw=True, arrays=True)
    assert _files(tmp_path) == _files(cohort)


def test_one_patient_made_alone_is_the_same(cohort, tmp_path):
    simulate_cohort(tmp_path, SEED, [3], SPACING, raw=True, arrays=True)
    alone = _files(tmp_path, without=("cohort.csv", "regions.json"))
    assert alone
    assert alone.items() <= _files(cohort).items()


def test_the_study_reads_back_as_four_complete_acquisitions(cohort):
    found = read_folder(cohort / "dicom")
    assert [s.patient_id for s in found.studies] == ["SIM-5-0002", "SIM-5-0003"]
    assert not found.skipped
    for study in found.studies:
        assert not study.unclassified
        assert sorted(a.name for a in study.acquisitions) == ["L CC", "L MLO", "R CC", "R MLO"]
        for acquisition in study.acquisitions:
            assert acquisition.low_energy is not None
            assert acquisition.recombined is not None
            assert acquisition.warnings == ()
            assert acquisition.low_energy.grid == acquisition.recombined.grid
            assert acquisition.low_energy.grid.spacing_mm == (SPACING, SPACING)
            expected = Side.LEFT if acquisition.name.startswith("L") else Side.RIGHT
            assert acquisition.low_energy.chest_wall is expected
            assert acquisition.recombined.window.width == RECOMBINED_WINDOW[1]


def test_breast_masks_found_in_the_images_are_the_true_ones(cohort):
    for study in read_folder(cohort / "dicom").studies:
        for acquisition in study.acquisitions:
            truth_file = cohort / "truth" / study.patient_id / f"{acquisition.name.replace(' ', '_')}.npz"
            with np.load(truth_file) as stored:
                truth = stored["breast"]
            for image in (acquisition.low_energy, acquisition.recombined):
                found = breast_mask(image.pixels(), image.grid.spacing_mm).mask
                dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
                assert dice >= 0.98, (acquisition.name, image.kind, dice)


def test_the_maps_of_the_truth_fit_together(cohort):
    for row in _rows(cohort):
        with np.load(cohort / row["truth"]) as stored:
            maps = dict(stored)
        breast = maps["breast"]
        assert {name: str(values.dtype) for name, values in maps.items()} == {
            "iodine_mg_cm2": "float16",
            "breast": "bool",
            "pectoral": "bool",
            "lesions": "uint8",
            "halo_mg_cm2": "float16",
            "without_artifact": "uint16",
        }
        for values in maps.values():
            assert values.shape == breast.shape
            assert not values[~breast].any()
        assert maps["pectoral"].any() == (row["view"] == "MLO")
        assert set(np.unique(maps["lesions"])) - {0} == {int(n) for n in row["lesion_numbers"].split()}
        recombined = pydicom.dcmread(cohort / row["recombined"]).pixel_array.astype(float)
        # What the artifact adds is the noise-free map, on the scale of the image, but for noise and an offset.
        inside = breast & ~maps["pectoral"]
        difference = (recombined - maps["without_artifact"])[inside]
        assert np.corrcoef(difference, maps["halo_mg_cm2"].astype(float)[inside])[0, 1] > 0.9


def test_arrays_are_the_images_and_the_truth(cohort):
    row = _rows(cohort)[0]
    with np.load(cohort / row["arrays"]) as arrays, np.load(cohort / row["truth"]) as truth:
        assert set(arrays) == {"low_energy", "recombined", *truth}
        for kind in ("low_energy", "recombined"):
            assert np.array_equal(arrays[kind], pydicom.dcmread(cohort / row[kind]).pixel_array)
        assert all(np.array_equal(arrays[name], truth[name]) for name in truth)


def test_raw_exposures_lie_apart_and_tell_what_they_are(cohort):
    for row in _rows(cohort):
        shown = pydicom.dcmread(cohort / row["low_energy"])
        for kind in ("low_energy_raw", "high_energy_raw"):
            raw = pydicom.dcmread(cohort / row[kind])
            assert raw.PresentationIntentType == "FOR PROCESSING"
            assert raw.FrameOfReferenceUID == shown.FrameOfReferenceUID
            assert (raw.BitsStored, raw.PixelIntensityRelationship) == (14, "LIN")
            assert raw.ImageType[4] == ("LOW_ENERGY" if kind.startswith("low") else "HIGH_ENERGY")
            assert raw.pixel_array[shown.pixel_array == 0].min() > raw.pixel_array[shown.pixel_array > 0].mean()


def test_lesion_regions_lie_on_the_lesions(cohort):
    regions = read_regions([cohort / "regions"])
    rows = _rows(cohort)
    lesions = [r for r in regions if r.region.role is RegionRole.LESION]
    assert len(lesions) == sum(int(r["lesions"]) for r in rows) > 0
    by_uid = {pydicom.dcmread(cohort / r["low_energy"], stop_before_pixels=True).SOPInstanceUID: r for r in rows}
    for tied in regions:
        row = by_uid[tied.sop_instance_uid]
        with np.load(cohort / row["truth"]) as stored:
            labels, breast, iodine = stored["lesions"], stored["breast"], stored["iodine_mg_cm2"].astype(float)
        mask = region_mask(tied.region, labels.shape, (SPACING, SPACING))
        number = int(tied.region.name.rsplit("_", 1)[1])
        assert breast[mask].all()
        if tied.region.role is RegionRole.LESION:
            assert mask[labels == number].mean() > 0.85
            # Non-mass enhancement is clumped: the curve goes around all of it.
            assert (labels[mask] == number).mean() > 0.4
            told = float(row["lesion_iodine_mg_cm2"].split()[row["lesion_numbers"].split().index(str(number))])
            # Background enhancement and vessels come on top.
            assert iodine[mask].mean() >= 0.7 * told - 0.05
        else:
            assert not labels[mask].any()


def test_a_lesion_is_told_in_both_views_with_one_number(patient):
    assert patient["lesions"]
    for lesion in patient["lesions"]:
        places = [lesion["views"][f"{lesion['laterality']}_{position}"] for position in ("CC", "MLO")]
        assert abs(places[0]["nipple_distance_mm"] - places[1]["nipple_distance_mm"]) <= 10
        assert len(lesion["center_mm"]) == 3


def test_the_patient_file_tells_all_that_was_drawn(cohort, patient):
    assert patient["parameters"]["seed"] == SEED
    assert {"thickness_cc", "glandularity", "bpe", "roll_off"} <= set(patient["patient"])
    assert {"pair", "compensation_error", "scatter_left", "motion_mm"} <= set(patient["technique"])
    assert set(patient["views"]) == {"R_CC", "L_CC", "R_MLO", "L_MLO"}
    for name, view in patient["views"].items():
        with np.load(cohort / view["row"]["truth"]) as stored:
            breast = stored["breast"]
        row, column = (round(view["nipple"][axis] / SPACING) for axis in ("y_mm", "x_mm"))
        # The base of the nipple is at the front of the breast.
        step = 1 if name.startswith("L") else -1
        assert breast[row, column - 4 * step]
        assert not breast[row, min(max(column + 20 * step, 0), breast.shape[1] - 1)]
        assert view["halo_step_mg_cm2"] == pytest.approx(float(view["row"]["halo_step_mg_cm2"]), abs=1e-4)
    for name, digest in patient["files"].items():
        assert hashlib.sha256((cohort / name).read_bytes()).hexdigest() == digest


def test_pre_contrast_takes_the_iodine_out_of_the_low_energy_image_alone(cohort, tmp_path):
    simulate_cohort(tmp_path, SEED, [2], SPACING, pre_contrast=True)
    for row in _rows(tmp_path):
        before, after = pydicom.dcmread(tmp_path / row["low_energy"]), pydicom.dcmread(cohort / row["low_energy"])
        assert before.ImageType[2] == "PRE_CONTRAST"
        assert "ContrastBolusAgent" not in before
        assert before.SOPInstanceUID != after.SOPInstanceUID
        assert float(before.AcquisitionTime) < float(after.AcquisitionTime)
        assert not np.array_equal(before.pixel_array, after.pixel_array)
        recombined = [pydicom.dcmread(folder / row["recombined"]).pixel_array for folder in (tmp_path, cohort)]
        assert np.array_equal(*recombined)


def test_what_is_done_is_not_done_again(cohort, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(cohort, folder)
    kept = folder / "truth/SIM-5-0002/patient.json"
    before = kept.stat().st_mtime_ns
    (folder / "dicom/SIM-5-0003/L_CC_recombined.dcm").unlink()
    done = simulate_cohort(folder, SEED, NUMBERS, SPACING, raw=True, arrays=True)
    assert (done.patients, done.made) == (2, 1)
    assert kept.stat().st_mtime_ns == before
    assert _files(folder) == _files(cohort)


def test_a_changed_file_stops_a_cohort_that_goes_on(cohort, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(cohort, folder)
    changed = next((folder / "regions").glob("*lesion*.mrk.json"))
    changed.write_text("drawn again by hand")
    with pytest.raises(PhantomError, match=changed.name):
        simulate_cohort(folder, SEED, NUMBERS, SPACING, raw=True, arrays=True)
    assert changed.read_text() == "drawn again by hand"
    with pytest.raises(PhantomError, match="other settings"):
        simulate_cohort(folder, SEED, NUMBERS, SPACING)


@pytest.mark.parametrize(
    ("number", "processes"),
    [
        (signal.SIGINT, 1),
        pytest.param(signal.SIGINT, 2, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, 1, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, 2, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_was_stopped_goes_on(number, processes, tmp_path):
    """A real signal to a real process in the middle of the work; the same command then makes the rest, bit for bit."""
    words = ["--patients", 4, "--pixel-spacing-mm", 1.6, "--seed", 3, "--processes", processes]
    stopped = tmp_path / "stopped"
    with subprocess.Popen(
        _command(*words, "--output", stopped), cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(1200):
            if list(stopped.glob("truth/*/patient.json")) or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert "Traceback" not in error
    if number is not signal.SIGKILL:
        assert process.returncode == 130
        assert "goes on where it stopped" in error
        assert not list(stopped.rglob("*.partial*"))
    done = len(list(stopped.glob("truth/*/patient.json")))
    assert 1 <= done < 4
    assert not Manifest.read(stopped / MANIFEST).finished
    assert not (stopped / "cohort.csv").exists()
    for path in stopped.rglob("*.dcm"):
        if ".partial" not in path.name:
            assert pydicom.dcmread(path).pixel_array.any()
    time.sleep(0.5)  # workers whose parent was killed end by themselves
    assert main(["simulate", *map(str, words), "--output", str(stopped)]) == 0
    assert not list(stopped.rglob("*.partial*"))
    if number is signal.SIGKILL:
        whole = tmp_path / "whole"
        assert main(["simulate", *map(str, words), "--output", str(whole)]) == 0
        assert _files(stopped, without=(MANIFEST,)) == _files(whole, without=(MANIFEST,))
    assert set(Manifest.read(stopped / MANIFEST).files) == set(_files(stopped, without=(MANIFEST,)))


def test_the_simulator_runs_with_what_slicer_bundles(tmp_path):
    code = """
import sys
for name in ("skimage", "torch", "pandas", "matplotlib", "jinja2", "spekpy", "xraydb", "tqdm", "highdicom"):
    sys.modules[name] = None
from pathlib import Path
from CEMSynthLib.phantom.cohort import simulate_cohort
simulate_cohort(Path(sys.argv[1]), 1, [1], 1.6)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=REPOSITORY)
    assert len(list((tmp_path / "dicom").rglob("*.dcm"))) == 8
