"""The analysis of whole studies: numbers by hand, and clear words where there is none."""

import csv
import io
import json
import math
import re
from datetime import datetime

import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.reading.analysis.analyze import analyze_study
from CEMSynthLib.reading.analysis.output import report, results_csv, summary
from CEMSynthLib.reading.analysis.reads import load_study
from CEMSynthLib.reading.analysis.rows import ALL_READERS
from CEMSynthLib.reading.errors import AnswerError
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.reading.session import ReadingSession

CLINICAL, SYNTHETIC = "low_energy+recombined", "low_energy+synthetic"


def read_all(folder, clock, fill, rule, readers=None, count=None):
    """Let readers read; ``rule(reader, item, case)`` gives the answers."""
    protocol = read_protocol(folder)
    cases = read_key(folder, protocol).cases
    for reader in readers or protocol.readers:
        with ReadingSession(folder, reader, clock, beat=False) as session:
            for item in session.items[:count]:
                fill(session.open(item), **rule(reader, item, cases[item.case]))
                session.save()


def truthful(reader, item, case):
    return {"lesion": "yes" if case.positive else "no", "bpe": case.bpe}


def analyzed(folder):
    return analyze_study(load_study(folder))


def row(analysis, quantity, reader=ALL_READERS, image_types=None):
    found = [
        r
        for r in analysis.rows
        if (r.quantity, r.reader) == (quantity, reader) and image_types in (None, r.image_types)
    ]
    assert len(found) == 1, [(r.quantity, r.reader, r.image_types) for r in analysis.rows]
    return found[0].estimate


@pytest.fixture
def folder(tmp_path, write_study):
    path = tmp_path / "study"
    write_study(path, washout=0)
    return path


def test_rates_differences_and_mcnemar_by_hand(folder, clock, fill):
    """With synthetic images R1 misses every lesion (4 of 4), R2 none; nobody errs on clinical ones."""

    def rule(reader, item, case):
        blind = reader == "R1" and item.arm.name == SYNTHETIC
        return {**truthful(reader, item, case), **({"lesion": "no"} if blind else {})}

    read_all(folder, clock, fill, rule)
    analysis = analyzed(folder)
    assert row(analysis, "sensitivity", "R1", SYNTHETIC).value == 0
    assert row(analysis, "sensitivity", "R1", CLINICAL).value == 1
    pooled = row(analysis, "sensitivity", ALL_READERS, SYNTHETIC)
    assert (pooled.value, pooled.count, pooled.patients) == (0.5, 8, 4)
    assert row(analysis, "accuracy", ALL_READERS, SYNTHETIC).value == 12 / 16
    assert row(analysis, "specificity", "R1", SYNTHETIC).value == 1
    assert row(analysis, "sensitivity, difference").value == -0.5
    assert row(analysis, "sensitivity, p of McNemar's test", "R1").value == 2 / 2**4
    assert row(analysis, "sensitivity, p of McNemar's test", "R2").value == 1
    assert row(analysis, "ROC AUC", "R2", CLINICAL).value == 1


def test_bpe_by_hand(folder, clock, fill):
    """True BPE a, b, c, d twice each; with synthetic images everybody says a."""

    def rule(reader, item, case):
        return {**truthful(reader, item, case), **({"bpe": "a"} if item.arm.name == SYNTHETIC else {})}

    read_all(folder, clock, fill, rule)
    analysis = analyzed(folder)
    against = f"{SYNTHETIC} against {CLINICAL}"
    assert row(analysis, "BPE a-b against c-d, accuracy", image_types=against).value == 0.5
    assert row(analysis, "BPE a-b against c-d, majority baseline", image_types=against).value == 0.5
    assert row(analysis, "BPE a-b against c-d, balanced accuracy", image_types=against).value == 0.5
    assert row(analysis, "BPE, quadratic kappa", image_types=against).value == pytest.approx(0)
    truth = f"{CLINICAL} against truth"
    assert row(analysis, "BPE, quadratic kappa", image_types=truth).value == 1
    assert row(analysis, "BPE, Gwet AC2", image_types=truth).value == pytest.approx(1)
    between = row(analysis, "BPE, kappa", "R1 and R2", SYNTHETIC)
    assert between.value is None
    assert "one category" in between.reason


def test_artifacts_and_reading_time(folder, clock, fill):
    def rule(reader, item, case):
        return {**truthful(reader, item, case), "artifacts": ["halo"] if item.arm.name == CLINICAL else []}

    read_all(folder, clock, fill, rule)
    analysis = analyzed(folder)
    assert row(analysis, "breast-in-breast (halo)", ALL_READERS, CLINICAL).value == 1
    assert row(analysis, "breast-in-breast (halo)", ALL_READERS, SYNTHETIC).value == 0
    assert row(analysis, "breast-in-breast (halo), difference").value == -1
    assert row(analysis, "reading time, median", "R1", CLINICAL).value >= 0


def test_a_reader_with_herself(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, repeats=8)
    read_all(tmp_path / "s", clock, fill, truthful)
    made = row(analyzed(tmp_path / "s"), "BPE, Gwet AC2, with own first reading", "R1", CLINICAL)
    assert (made.value, made.count) == (pytest.approx(1), 4)


def test_the_last_revision_counts(folder, clock, fill):
    read_all(folder, clock, fill, truthful)
    read_all(folder, clock, fill, lambda *_: {"lesion": "no"}, readers=["R1"])
    analysis = analyzed(folder)
    assert row(analysis, "sensitivity", "R1", CLINICAL).value == 0
    assert "16 readings were revised" in " ".join(analysis.warnings)


def numbers_have_reasons(analysis):
    for line in csv.DictReader(io.StringIO(results_csv(analysis))):
        assert line["value"] or line["note"], line
        assert line["formula"]
        assert not {line["value"].lower(), line["low_95"].lower(), line["high_95"].lower()} & {"nan", "inf", "-inf"}
    json.dumps(summary(analysis), allow_nan=False)
    page = report(analysis, datetime(2026, 1, 1))
    assert not re.search(r"\bnan\b|\binf\b|None", re.sub(r"base64,[^\"]*", "", page))
    return " ".join(analysis.warnings)


def test_all_negative_cases(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, positive=lambda n: False)
    read_all(tmp_path / "s", clock, fill, truthful)
    analysis = analyzed(tmp_path / "s")
    assert "No breast holds a lesion" in numbers_have_reasons(analysis)
    assert row(analysis, "sensitivity", image_types=CLINICAL).reason == "no breast with a lesion was read"
    assert "with and without a lesion" in row(analysis, "ROC AUC", image_types=CLINICAL).reason


def test_unknown_truth(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, positive=lambda n: None)
    read_all(tmp_path / "s", clock, fill, truthful)
    assert "For 8 of 8 breasts it is not known" in numbers_have_reasons(analyzed(tmp_path / "s"))


def test_one_patient_and_one_reader(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, patients=1, readers=("R1",))
    read_all(tmp_path / "s", clock, fill, truthful)
    analysis = analyzed(tmp_path / "s")
    words = numbers_have_reasons(analysis)
    assert "There is one patient" in words
    assert "There is one reader" in words
    assert row(analysis, "accuracy, difference").interval_95 is None


def test_a_reader_with_missing_answers_and_one_who_has_not_begun(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, readers=("R1", "R2", "R3"))
    read_all(tmp_path / "s", clock, fill, truthful, readers=["R1"])
    read_all(tmp_path / "s", clock, fill, truthful, readers=["R2"], count=5)
    analysis = analyzed(tmp_path / "s")
    words = numbers_have_reasons(analysis)
    assert "R2 has not read 11 of 16" in words
    assert "R3 has not read 16 of 16" in words
    assert row(analysis, "accuracy, difference", "R2").reason == "no case was read with both image types"
    assert row(analysis, "accuracy, difference", ALL_READERS).count == 8


def test_low_energy_alone_and_no_clinical_image(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, arms=("le", "le+synthetic"))
    read_all(tmp_path / "s", clock, fill, lambda *a: {k: v for k, v in truthful(*a).items() if k != "bpe"})
    assert "No image type shows the clinical" in numbers_have_reasons(analyzed(tmp_path / "s"))
    write_study(tmp_path / "t", washout=0, arms=("le", "clinical", "synthetic"))
    read_all(tmp_path / "t", clock, fill, truthful)
    numbers_have_reasons(analyzed(tmp_path / "t"))


def test_a_torn_line_is_told(folder, clock, fill):
    read_all(folder, clock, fill, truthful)
    path = folder / "readers/R2.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    words = numbers_have_reasons(analyzed(folder))
    assert "In R2.jsonl these lines are torn" in words
    assert "R2 has not read 1 of 16" in words


def test_nothing_read(folder):
    with pytest.raises(AnswerError, match="Nobody has read anything"):
        load_study(folder)


def test_results_do_not_depend_on_the_order_of_reading(tmp_path, write_study, clock, fill):
    tables = []
    for name, readers in (("a", ["R1", "R2"]), ("b", ["R2", "R1"])):
        write_study(tmp_path / name, washout=0)
        read_all(tmp_path / name, clock, fill, truthful, readers=readers)
        text = results_csv(analyzed(tmp_path / name))
        tables.append([line for line in text.splitlines() if "reading time" not in line])
    assert tables[0] == tables[1]


def test_the_command_writes_table_summary_and_report(folder, clock, fill, tmp_path, capsys):
    read_all(folder, clock, fill, truthful)
    assert main(["readers", "analyze", str(folder), "--output", str(tmp_path / "out")]) == 0
    assert "sensitivity" in capsys.readouterr().out
    values = json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8"))
    assert values["reference"] == CLINICAL
    assert all(v["value"] is None or math.isfinite(v["value"]) for v in values["results"])
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    page = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"\bP\d\b", page), "no patient in the report"
    assert "http" not in page.replace("http-equiv", "")


def test_a_title_is_escaped(folder, clock, fill):
    read_all(folder, clock, fill, truthful)
    values = (folder / "protocol.json").read_text(encoding="utf-8")
    assert "<script>" not in values
    analysis = analyzed(folder)
    object.__setattr__(analysis.study.protocol, "title", "<script>alert(1)</script>")
    assert "<script>" not in report(analysis, datetime(2026, 1, 1))
