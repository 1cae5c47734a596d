"""`cemsynth evaluate` on a small simulated cohort: tables, report, resume, images made elsewhere, leakage."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.cli import main
from CEMSynthLib.commands.evaluation import NothingToEvaluateError, plan_jobs, plan_training
from CEMSynthLib.commands.evaluation_jobs import WorkSettings, do_jobs
from CEMSynthLib.commands.evaluation_leakage import HashedImage, LeakageError, check_leakage, fingerprint_of
from CEMSynthLib.commands.evaluation_readers import ReaderFilesError, read_readings
from CEMSynthLib.evaluation.baselines import Baseline
from CEMSynthLib.evaluation.cohort import evaluate_records
from CEMSynthLib.evaluation.cohort_report import CohortReportContent, render_cohort_report
from CEMSynthLib.evaluation.cohort_tables import results_csv
from CEMSynthLib.evaluation.image_record import parse_record
from CEMSynthLib.generator.card import CARD_FILE, load_card
from CEMSynthLib.generator.store import find_model
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.training.fingerprint import image_fingerprint
from CEMSynthLib.training.hashes import patient_hash

SEED = 51


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, SEED, [1, 2], 1.2)
    return folder


@pytest.fixture(scope="module")
def evaluated(cohort, tmp_path_factory):
    output = tmp_path_factory.mktemp("evaluated") / "out"
    assert main(words(cohort, output)) == 0
    return output


def words(cohort, output, *more):
    return ["evaluate", str(cohort / "dicom"), "--device", "cpu", "--output", str(output), *map(str, more)]


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_row_an_image_and_every_number_has_its_formula(evaluated, cohort):
    rows = rows_of(evaluated / "results.csv")
    assert len(rows) == len(rows_of(cohort / "cohort.csv")) == 8
    assert [r["patient_id"] for r in rows] == sorted(r["patient_id"] for r in rows)
    for baseline in Baseline:
        assert all(float(r[f"{baseline.value}|breast mask|mae_window_width"]) > 0 for r in rows)
    assert all(r["synthetic|whole frame|ssim"] and r["clinical|halo_verdict"] and r["true_bpe"] for r in rows)
    text = (evaluated / "results.csv").read_text(encoding="utf-8").casefold()
    assert "nan" not in text.replace("explanation", "")
    for row in rows:
        assert bool(row["synthetic|halo_rim_minus_trough"]) or row["synthetic|halo_reason"]
        assert bool(row["halo_step_synthetic_over_clinical"]) or row["halo_step_synthetic_over_clinical_reason"]


def test_lesions_are_those_of_the_truth(evaluated, cohort):
    rows = [r for r in rows_of(evaluated / "lesions.csv") if r["image"] == "clinical"]
    truth = [float(v) for r in rows_of(cohort / "cohort.csv") for v in r["lesion_iodine_mg_cm2"].split()]
    assert rows
    assert {round(float(r["true_mean_iodine_mg_cm2"]), 3) for r in rows} <= {round(v, 3) for v in truth}
    bright = [float(r["contrast"]) for r in rows if float(r["true_mean_iodine_mg_cm2"]) > 0.3 and r["contrast"]]
    assert np.mean(bright) > 5  # image units; 0.3 mg/cm2 is about 10 to 20 of them
    assert all(r["contrast"] or r["contrast_reason"] for r in rows)


def test_the_summary_holds_the_studys_table(evaluated):
    summary = json.loads((evaluated / "summary.json").read_text(encoding="utf-8"))
    table = {row["what"]: row for row in summary["study_table"]}
    assert table["halo artifact present"]["reported_clinical"] == "> 50% of images"
    assert 0 <= table["halo artifact present"]["clinical"]["value"] <= 1
    assert table["CNR, mean ± SD"]["clinical"]["formula"] == "sd_background"
    assert table["MAE change from LE, correlation clinical vs synthetic"]["synthetic"]["reason"] == (
        "2 patients are too few for a correlation"
    )
    assert summary["verdict"].startswith("Nothing is shown: 2 unseen patients")
    assert sum("near-duplicate" in c["what"] for c in summary["leakage"]) == 2


def test_the_report_loads_nothing_and_says_what_is_missing(evaluated):
    report = (evaluated / "report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC images" in report
    assert 'src="http' not in report
    assert "training-mean image" in report
    assert "cannot be said from 2 patients" in report
    assert "n = 8, 2 patients" in report
    assert ">nan<" not in report.casefold()
    assert report.count("data:image/svg+xml") == 4


def test_the_card_holds_the_figures(evaluated):
    assert load_card(evaluated).metrics.description.startswith("Nothing is shown")
    assert (evaluated / CARD_FILE).is_file()


def test_a_stopped_run_goes_on_and_ends_the_same(evaluated, cohort, tmp_path, monkeypatch):
    from CEMSynthLib.commands import evaluation_runs

    written = []
    write = evaluation_runs.write_text

    def stop_at_third(path, text):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        write(path, text)

    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(evaluation_runs, "write_text", stop_at_third)
        assert main(words(cohort, output)) == 130
    stamps = {path: path.stat().st_mtime_ns for path in (output / "images").iterdir()}
    assert len(stamps) == 3
    assert main(words(cohort, output)) == 0
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    for name in ("results.csv", "lesions.csv", "summary.json"):
        assert (output / name).read_bytes() == (evaluated / name).read_bytes()


@pytest.mark.slow
def test_order_and_number_of_processes_change_nothing(evaluated, cohort):
    planned = plan_jobs(read_folder(cohort / "dicom"))
    folder = find_model("demo")
    settings = WorkSettings(str(folder), None, "cpu", "auto", folder)
    records = [o.record for o in do_jobs(settings, planned.jobs[::-1][:3], processes=2)]
    found = {r["source"]: r for r in rows_of(evaluated / "results.csv")}
    assert len(records) == 3
    text = results_csv(evaluate_records(records, "")).splitlines()
    for row in csv.DictReader(text):
        assert row == found[row["source"]]


@pytest.mark.slow
def test_images_made_elsewhere_give_the_same_figures(evaluated, cohort, tmp_path):
    made, output = tmp_path / "made", tmp_path / "out"
    assert main(["synthesize", str(cohort / "dicom"), "--device", "cpu", "--output", str(made)]) == 0
    assert main(words(cohort, output, "--synthetic", made)) == 0
    key = "synthetic|breast mask|mae_window_width"
    for ours, theirs in zip(rows_of(evaluated / "results.csv"), rows_of(output / "results.csv"), strict=True):
        assert float(ours[key]) == pytest.approx(float(theirs[key]), abs=2e-3)  # 16-bit files round
        assert ours["all black|breast mask|ssim"] == theirs["all black|breast mask|ssim"]
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert any("came from elsewhere" in c["outcome"] for c in summary["leakage"])
    # Without what the training images tell, only two baselines can be made, and that is said.
    (made / "baselines.npz").unlink()
    second = tmp_path / "second"
    assert main(words(cohort, second, "--synthetic", made)) == 0
    text = json.loads((second / "summary.json").read_text(encoding="utf-8"))["verdict"]
    assert text.startswith("Nothing is shown")


def test_missing_images_are_left_out_and_told(cohort, tmp_path, capsys):
    made, output, some = tmp_path / "made", tmp_path / "out", tmp_path / "some"
    shutil.copytree(cohort / "dicom/SIM-51-0001", some)
    assert main(["synthesize", str(some), "--device", "cpu", "--output", str(made)]) == 0
    next(iter(sorted(made.glob("*.dcm")))).unlink()
    assert main(["evaluate", str(some), "--synthetic", str(made), "--output", str(output)]) == 0
    assert "there is no synthetic image made from it" in capsys.readouterr().err
    assert len(rows_of(output / "results.csv")) == 3


def test_training_patients_are_refused_as_test_patients(tmp_path, capsys):
    seed = load_card(find_model("demo")).training.seeds[0]
    simulate_cohort(tmp_path / "cohort", seed, [1], 1.2)
    assert main(words(tmp_path / "cohort", tmp_path / "out")) == 2
    assert f"SIM-{seed}-0001 was used in training" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def reader_file(path, **changes):
    rows = [
        {"section": "detection", "quantity": q, "reader": r, "image_types": t, "formula": q, "value": v, "unit": "1",
         "low_95": None if v is None else v - 0.1, "high_95": None if v is None else v + 0.1, "interval": "bootstrap",
         "count": 60, "patients": 20, "note": "" if v is not None else "no breast was read"}
        for q, r, t, v in (
            ("sensitivity", "R1", "recombined", 0.1),
            ("sensitivity", "all readers", "low_energy+recombined", 0.8),
            ("sensitivity", "all readers", "low_energy+synthetic", 0.6),
            ("sensitivity", "all readers", "low_energy+recombined+synthetic", 0.9),
            ("specificity", "all readers", "low_energy+synthetic", None),
        )
    ]  # fmt: skip
    content = {"format": "cemsynth-reading-analysis", "version": 1, "readers": ["R1", "R2"], "results": rows} | changes
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_readers_take_the_place_of_model_observers(evaluated, tmp_path):
    readings = read_readings(reader_file(tmp_path / "summary.json"))
    records = [parse_record(p.read_text(encoding="utf-8"), p.name) for p in (evaluated / "images").iterdir()]
    result = evaluate_records(records, "", readings)
    row = next(r for r in result.table if r.what == "lesion detection sensitivity")
    assert (row.clinical.value, row.synthetic.value) == (0.8, 0.6)
    assert row.synthetic.interval_95 == pytest.approx((0.5, 0.7))
    row = next(r for r in result.table if r.what == "lesion detection specificity")
    assert row.synthetic.reason == "no breast was read"
    assert "not given by" in row.clinical.reason
    page = render_cohort_report(CohortReportContent(result, "t", "c", {}, (), ()))
    assert "Read by 2 readers" in page


def test_another_file_is_not_taken_for_readings(evaluated, tmp_path):
    with pytest.raises(ReaderFilesError, match="was not written by"):
        read_readings(reader_file(tmp_path / "a.json", format="x"))
    with pytest.raises(ReaderFilesError, match="cannot be read"):
        read_readings(evaluated / "results.csv")
    with pytest.raises(ReaderFilesError, match="no figures"):
        read_readings(reader_file(tmp_path / "b.json", results=[]))


@pytest.mark.slow
def test_thresholds_of_the_observer_from_training_patients(cohort, tmp_path):
    simulate_cohort(tmp_path / "training", SEED + 1, [1, 2], 1.2)
    output = tmp_path / "out"
    more = ("--training", tmp_path / "training/dicom")
    assert main(words(cohort, output, *more)) == 0
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert "on 2 training patients" in summary["readings"]["source"]
    assert len(rows_of(output / "results.csv")) == 8, "training patients are in no table"
    before = {path.name: path.stat().st_mtime_ns for path in (output / "images").glob("training_*.json")}
    assert len(before) == 8
    assert main(words(cohort, output, *more, "--overwrite")) == 0
    after = {path.name: path.stat().st_mtime_ns for path in (output / "images").glob("training_*.json")}
    assert after == before, "what was observed is not observed again"


def test_test_patients_choose_no_thresholds(cohort):
    found = read_folder(cohort / "dicom")
    planned = plan_jobs(found, fingerprints=False)
    with pytest.raises(NothingToEvaluateError, match="is in the test set too"):
        plan_training(found, planned)
    real = replace(planned.jobs[0], patient_id="X", hashes={})
    assert len(plan_training(found, replace(planned, jobs=(real,))).jobs) == len(planned.jobs)


def test_a_near_duplicate_of_a_training_image_is_told_at_once(cohort, tmp_path, capsys):
    model, shown = find_model("demo"), read_folder(cohort / "dicom").studies[0].acquisitions[1].low_energy
    shutil.copytree(model, tmp_path / "model")
    card = load_card(model)
    text = image_fingerprint(shown.pixels()[::2, ::-2], None)
    known = replace(card, training=replace(card.training, image_fingerprints=(text,)))
    (tmp_path / "model" / CARD_FILE).write_text(known.to_json(), encoding="utf-8")
    some = tmp_path / "some"
    shutil.copytree(cohort / "dicom/SIM-51-0001", some)
    words = ["evaluate", str(some), "--model", str(tmp_path / "model"), "--device", "cpu"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().err
    assert "leakage check failed" in told
    assert told.count(shown.path.name) == 1
    report = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert report.index("Leakage check failed") < report.index("1. The study's table")


class TestLeakage:
    def card(self, **training):
        card = load_card(find_model("demo"))
        known = {"seeds": (11,), "image_sha256": (), "image_fingerprints": (), "patient_hashes": ()} | training
        return replace(card, training=replace(card.training, **known))

    images = (HashedImage("STUDY-7-0101", "a" * 64, "b" * 64), HashedImage("STUDY-7-0102", "c" * 64, "d" * 64))

    def test_another_patient_of_the_same_seed_is_no_leak_where_images_are_hashed(self):
        checks = check_leakage(self.images, self.card(seeds=(7,), image_sha256=("e" * 64,)))
        assert any(c.passed and "none of 4 test images" in c.outcome for c in checks)

    @pytest.mark.parametrize("known", ["a" * 64, "d" * 64])
    def test_an_image_of_the_training_is_a_leak(self, known):
        with pytest.raises(LeakageError, match=r"STUDY-7-010[12] was used in training"):
            check_leakage(self.images, self.card(image_sha256=("e" * 64, known)))

    def test_a_patient_is_found_by_the_key_only(self, tmp_path):
        key = bytes(range(32))
        (tmp_path / "key").write_text(key.hex(), encoding="ascii")
        card = self.card(patient_hashes=(patient_hash(" study-7-0102 ", key),))
        with pytest.raises(LeakageError, match="STUDY-7-0102 was used in training"):
            check_leakage(self.images, card, tmp_path / "key")
        assert any(c.passed is None and "--patient-key" in c.outcome for c in check_leakage(self.images, card))
        with pytest.raises(LeakageError, match="no patient key"):
            check_leakage(self.images, card, tmp_path / "none")

    def test_near_duplicates_are_listed(self, cohort):
        found = [a.low_energy for s in read_folder(cohort / "dicom").studies for a in s.acquisitions]
        made = [fingerprint_of(image) for image in found]
        mirrored = image_fingerprint(found[0].pixels()[::2, ::-2], None)
        tested = tuple(
            HashedImage(f"T{i}", f"{i}" * 64, "b" * 64, f"T{i}.dcm", text) for i, text in enumerate(made[:3])
        )
        check = check_leakage(tested, self.card(image_fingerprints=tuple(sorted([mirrored, made[5], made[6]]))))[-1]
        assert check.passed is False
        assert "1 of 3 images" in check.outcome
        assert "T0.dcm" in check.outcome
        assert check_leakage(tested, self.card(image_fingerprints=tuple(made[3:])))[-1].passed
        assert check_leakage(tested, self.card(image_fingerprints=("torn",)))[-1].passed is None
        near = check_leakage((*tested, replace(tested[0], patient_id="X", source="X.png")), None)[2]
        assert near.passed is False
        assert "X.png and T0.dcm" in near.outcome

    def test_one_image_under_two_patients_is_told(self):
        twice = (*self.images, HashedImage("STUDY-7-0103", "a" * 64, "f" * 64))
        assert check_leakage(twice, None)[1].passed is False
        assert check_leakage(self.images, None)[1].passed is True
