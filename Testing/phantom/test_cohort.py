"""Simulated studies as files: whole, readable, the same in any order and number of processes."""

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.measurement.markups import read_regions
from CEMSynthLib.measurement.regions import RegionRole, region_mask
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Side
from CEMSynthLib.study.reader import read_folder

REPOSITORY = Path(__file__).resolve().parents[2]


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, seed=3, numbers=[2, 3], spacing_mm=0.8)
    return folder


def test_processes_and_order_do_not_matter(cohort, tmp_path):
    simulate_cohort(tmp_path, seed=3, numbers=[3, 2], spacing_mm=0.8, processes=2)
    assert _files(tmp_path) == _files(cohort)


def test_the_study_reads_back_as_four_complete_acquisitions(cohort):
    found = read_folder(cohort / "dicom")
    assert [s.patient_id for s in found.studies] == ["SIM-3-0002", "SIM-3-0003"]
    assert not found.skipped
    for study in found.studies:
        assert not study.unclassified
        assert sorted(a.name for a in study.acquisitions) == ["L CC", "L MLO", "R CC", "R MLO"]
        for acquisition in study.acquisitions:
            assert acquisition.low_energy is not None
            assert acquisition.recombined is not None
            assert acquisition.warnings == ()
            assert acquisition.low_energy.grid == acquisition.recombined.grid
            assert acquisition.low_energy.grid.spacing_mm == (0.8, 0.8)
            expected = Side.LEFT if acquisition.name.startswith("L") else Side.RIGHT
            assert acquisition.low_energy.chest_wall is expected
            assert acquisition.recombined.window.width == 320


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


def test_lesion_regions_lie_on_the_iodine(cohort):
    regions = read_regions([cohort / "regions"])
    with (cohort / "cohort.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 8
    assert len([r for r in regions if r.region.role is RegionRole.LESION]) == sum(int(r["lesions"]) for r in rows)
    assert regions, "seed 3 was chosen for having lesions"
    by_uid = {}
    for study in read_folder(cohort / "dicom").studies:
        for acquisition in study.acquisitions:
            by_uid[acquisition.low_energy.sop_instance_uid] = (study.patient_id, acquisition)
    for tied in regions:
        identity, acquisition = by_uid[tied.sop_instance_uid]
        grid = acquisition.low_energy.grid
        mask = region_mask(tied.region, grid.shape, grid.spacing_mm)
        with np.load(cohort / "truth" / identity / f"{acquisition.name.replace(' ', '_')}.npz") as stored:
            iodine, breast = stored["iodine_mg_cm2"].astype(float), stored["breast"]
        assert breast[mask].all()
        if tied.region.role is RegionRole.LESION:
            row = next(
                r for r in rows if r["patient_id"] == identity and f"{r['laterality']} {r['view']}" == acquisition.name
            )
            number = int(tied.region.name.rsplit("_", 1)[1])
            told = float(row["lesion_iodine_mg_cm2"].split()[number - 1])
            assert iodine[mask].mean() == pytest.approx(told, abs=0.25 * told + 0.15)


def test_nobody_to_simulate_is_an_error(tmp_path):
    with pytest.raises(PhantomError, match="at least one patient"):
        simulate_cohort(tmp_path, 1, [], 0.8)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--patients", "0"], "at least one"), (["--pixel-spacing-mm", "9"], "spacing"), (["--seed", "-4"], "negative")],
)
def test_command_refuses_impossible_settings_and_leaves_nothing(arguments, word, tmp_path, capsys):
    assert main(["simulate", "--output", str(tmp_path / "out"), *arguments]) == 2
    assert word in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_simulator_runs_with_what_slicer_bundles(tmp_path):
    code = """
import sys
for name in ("skimage", "torch", "pandas", "matplotlib", "jinja2", "spekpy", "xraydb", "tqdm", "highdicom"):
    sys.modules[name] = None
from pathlib import Path
from CEMSynthLib.phantom.study import write_patient
write_patient(Path(sys.argv[1]), 1, 1, 1.6)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=REPOSITORY)
    assert len(list((tmp_path / "dicom").rglob("*.dcm"))) == 8
