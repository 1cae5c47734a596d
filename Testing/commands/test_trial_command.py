"""`cemsynth trial`: which steps a preset has, what is done is not done again, and the quick trial as it is."""

import argparse
import csv
import json

import pytest

from CEMSynthLib.cli import main, make_parser
from CEMSynthLib.commands.trial_command import TRIAL, Step, TrialError, run_steps, steps
from CEMSynthLib.export.files import write_text


def planned(folder, preset, *more):
    return list(steps(make_parser().parse_args(["trial", "--preset", preset, "--output", str(folder), *more])))


@pytest.mark.parametrize(("preset", "names"), [("quick", 3), ("test", 4), ("study", 5)])
def test_every_step_is_a_command_that_can_be_parsed(tmp_path, preset, names):
    made = planned(tmp_path, preset)
    assert len(made) == names
    for step in made:
        assert isinstance(make_parser().parse_args(step.words), argparse.Namespace)
    words = " ".join(made[-3].words)
    assert "--first 101" in words
    assert f"--patients {10 if preset == 'quick' else 40}" in words
    if preset == "study":
        assert "--first 1 --patients 100" in " ".join(made[0].words)
        assert str(tmp_path / "model") in made[-1].words
    assert ("--training" in made[-1].words) is (preset != "quick")


def test_fewer_patients_on_both_sides(tmp_path):
    made = planned(tmp_path, "test", "--patients", "3")
    assert [" ".join(step.words).count("--patients 3") for step in made] == [1, 1, 1, 0]
    with pytest.raises(SystemExit):
        planned(tmp_path, "test", "--patients", "0")


@pytest.mark.slow
def test_a_tiny_test_trial_chooses_thresholds_on_training_patients(tmp_path):
    pytest.importorskip("torch")
    words = ["trial", "--preset", "test", "--patients", "2", "--pixel-spacing-mm", "1.6", "--device", "cpu"]
    assert main([*words, "--output", str(tmp_path / "trial")]) == 0
    summary = json.loads((tmp_path / "trial/evaluation/summary.json").read_text(encoding="utf-8"))
    for one in (summary, summary["pre_contrast"]):
        assert "thresholds chosen on 2 training patients" in json.dumps(one["readings"])


def test_what_is_done_is_not_done_again(tmp_path):
    asked = []

    def command(words):
        asked.append(words)
        if words == ("b",) and len(asked) == 2:
            raise KeyboardInterrupt
        return 0

    made = [Step("one", ("a",)), Step("two", ("b",), resumes=tmp_path), Step("three", ("c",))]
    with pytest.raises(KeyboardInterrupt):
        run_steps(made, tmp_path, command, write_text)
    record = json.loads((tmp_path / TRIAL).read_text(encoding="utf-8"))["steps"]
    assert (record["one"]["done"], record["two"]["done"]) == (True, False)
    record["two"]["seconds"] = 5.0
    write_text(tmp_path / TRIAL, json.dumps({"steps": record}))
    spent = run_steps(made, tmp_path, command, write_text)
    assert asked == [("a",), ("b",), ("b", "--resume"), ("c",)]
    assert spent["two"] >= 5.0
    with pytest.raises(TrialError, match="other parameters"):
        run_steps([Step("one", ("z",))], tmp_path, command, write_text)
    write_text(tmp_path / TRIAL, "{")
    with pytest.raises(TrialError, match="damaged"):
        run_steps(made, tmp_path, command, write_text)


@pytest.mark.slow
def test_the_quick_trial_fills_the_studys_table_twice(tmp_path, capsys):
    pytest.importorskip("torch")
    output = tmp_path / "trial"
    words = ["trial", "--preset", "quick", "--pixel-spacing-mm", "1.6", "--device", "cpu", "--output", str(output)]
    assert main(words) == 0
    assert "Trial (quick) done in" in capsys.readouterr().out
    summary = json.loads((output / "evaluation/summary.json").read_text(encoding="utf-8"))
    for one in (summary, summary["pre_contrast"]):
        assert one["patients"] == 10
        cells = {row["what"]: row["synthetic"] for row in one["study_table"]}
        for name in ("lesion detection sensitivity", "BPE a-b vs c-d accuracy", "halo artifact present"):
            assert 0 <= cells[name]["value"] <= 1
    with (output / "test/cohort.csv").open(encoding="utf-8") as stream:
        assert {row["split"] for row in csv.DictReader(stream)} == {"test"}
    before = (output / "evaluation/report.html").stat().st_mtime_ns
    assert main(words) == 0
    assert (output / "evaluation/report.html").stat().st_mtime_ns == before
