"""`cemsynth readers new` on simulated patients: cases, key, what a reader is shown."""

import csv
import json
import re

import pytest

pytest.importorskip("torch")

from CEMSynthLib.cli import main
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.reading.case_images import CaseImages
from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.places import MarkRadius
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.reading.session import ReadingSession
from CEMSynthLib.reading.truth_table import BreastTruth, read_truth
from CEMSynthLib.study.model import ImageKind


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, 51, [1], 1.6)
    assert main(["synthesize", str(folder / "dicom"), "--device", "cpu", "--output", str(folder / "made")]) == 0
    return folder


def new(cohort, output, *more):
    words = [
        "readers",
        "new",
        str(cohort / "dicom"),
        "--synthetic",
        str(cohort / "made"),
        "--output",
        str(output),
        *more,
    ]
    return main(words)


def test_a_study_is_made_and_shown_without_telling_the_image_type(cohort, tmp_path, capsys):
    assert new(cohort, tmp_path / "study", "--readers", "A", "B") == 0
    assert "2 cases, 2 readers, 2 sessions" in capsys.readouterr().out
    protocol = (tmp_path / "study/protocol.json").read_text(encoding="utf-8")
    assert "SIM-51" not in protocol
    assert ".dcm" not in protocol
    images = CaseImages(tmp_path / "study")
    seen = set()
    with ReadingSession(tmp_path / "study", "A", beat=False) as session:
        for item in session.items:
            views = images.views(item)
            assert [view.name for view in views] == ["CC", "MLO"]
            for view in views:
                assert [i.label for i in view.images] == ["Low energy", "Iodine image"]
                low, iodine = view.images
                assert low.image.kind is ImageKind.LOW_ENERGY
                assert (iodine.image.kind is ImageKind.SYNTHETIC) == ("synthetic" in item.arm.name)
                assert iodine.image.pixels().shape == low.image.pixels().shape
                seen.add((item.case, view.name, iodine.window))
    assert len(seen) == 4, "clinical and synthetic image of a view begin with one window"


def test_the_truth_of_simulated_breasts_is_in_the_key_only(cohort, tmp_path):
    assert new(cohort, tmp_path / "study") == 0
    key = json.loads((tmp_path / "study/key.json").read_text(encoding="utf-8"))
    with (cohort / "cohort.csv").open(encoding="utf-8") as stream:
        expected = {
            (r["patient_id"], r["laterality"]): (r["positive"] == "yes", r["bpe"]) for r in csv.DictReader(stream)
        }
    got = {(c["patient_id"], c["laterality"]): (c["positive"], c["bpe"]) for c in key["cases"].values()}
    assert got == expected
    assert set(key["cases"]) == {"C001", "C002"}


def test_the_same_command_makes_the_same_study_and_no_folder_is_overwritten(cohort, tmp_path, capsys):
    for name in ("one", "two"):
        assert new(cohort, tmp_path / name, "--seed", "9") == 0
    one, two = ((tmp_path / n / "protocol.json").read_bytes() for n in ("one", "two"))
    assert one == two
    assert new(cohort, tmp_path / "one") == 2
    assert "not empty" in capsys.readouterr().err


def test_without_synthetic_images_the_reason_is_told(cohort, tmp_path, capsys):
    assert main(["readers", "new", str(cohort / "dicom"), "--output", str(tmp_path / "s")]) == 2
    assert "no synthetic image" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
    words = [
        "readers",
        "new",
        str(cohort / "dicom"),
        "--output",
        str(tmp_path / "s"),
        "--image-types",
        "le",
        "clinical",
    ]
    assert main(words) == 0


def test_a_burned_in_notice_is_warned_of(cohort, tmp_path, capsys):
    made = str(tmp_path / "burned")
    assert main(["synthesize", str(cohort / "dicom"), "--device", "cpu", "--burn-in", "--output", made]) == 0
    words = ["readers", "new", str(cohort / "dicom"), "--synthetic", made, "--output", str(tmp_path / "s")]
    assert main(words) == 0
    assert re.search(r"4 synthetic images have a notice in their pixels", capsys.readouterr().err)


def test_images_that_are_gone_are_told(cohort, tmp_path):
    assert new(cohort, tmp_path / "study") == 0
    path = tmp_path / "study/key.json"
    path.write_text(
        re.sub(r"[\w/-]*L_CC_low_energy\.dcm", "gone.dcm", path.read_text(encoding="utf-8")), encoding="utf-8"
    )
    with pytest.raises(ProtocolError, match=r"1 images of the study are gone.*gone\.dcm"):
        CaseImages(tmp_path / "study")


def test_truth_tables(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("patient_id,laterality,positive\n7,L,Yes\n7,left,yes\n8,R,\n", encoding="utf-8")
    assert read_truth(path) == {("7", "L"): BreastTruth(True), ("8", "R"): BreastTruth(None)}
    for text in ("", "patient_id,side\n1,L\n", "patient_id,laterality,positive\n1,L,maybe\n", "\xff\xfe"):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(ProtocolError, match=r"truth\.csv"):
            read_truth(path)
    path.write_text("patient_id,laterality,positive\n1,L,yes\n1,L,no\n", encoding="utf-8")
    with pytest.raises(ProtocolError, match="line 3 contradicts"):
        read_truth(path)


def test_the_key_holds_the_places_of_malignant_lesions(cohort, tmp_path):
    assert new(cohort, tmp_path / "study") == 0
    folder = tmp_path / "study"
    cases = read_key(folder, read_protocol(folder)).cases
    patient = json.loads(next((cohort / "truth").glob("*/patient.json")).read_text(encoding="utf-8"))
    sought = {
        (key[0], key[2:]): (seen["x_mm"], seen["y_mm"])
        for lesion in patient["lesions"]
        for key, seen in lesion["views"].items()
        if lesion["malignant"] and seen["mean_iodine_mg_cm2"] > 0
    }
    assert sought
    found = {(case.laterality, view): places for case in cases.values() for view, places in case.places.items()}
    assert set(found) == set(sought)
    for at, (x, y) in sought.items():
        assert found[at].hit(y / 1.6 - 0.5, x / 1.6 - 0.5, MarkRadius(1))
        assert not found[at].hit(y / 1.6 + 60, x / 1.6, MarkRadius(5))
    protocol = (folder / "protocol.json").read_text(encoding="utf-8")
    assert "outlines" not in protocol
