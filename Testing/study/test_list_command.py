import argparse
import json

import jsonschema
import numpy as np
import pytest

from CEMSynthLib.commands import list_command
from CEMSynthLib.study.errors import StudyFolderError

RECOMBINED = ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]
TEXT_OR_NULL = {"type": ["string", "null"]}
REASONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"file": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["file", "reason"],
        "additionalProperties": False,
    },
}
ACQUISITION = {
    "laterality": {"enum": ["L", "R", None]},
    "view": TEXT_OR_NULL,
    "rows": {"type": "integer"},
    "columns": {"type": "integer"},
    "pixel_spacing_mm": {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "low_energy": TEXT_OR_NULL,
    "high_energy": TEXT_OR_NULL,
    "recombined": TEXT_OR_NULL,
    "warnings": {"type": "array", "items": {"type": "string"}},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "studies": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "patient_id": TEXT_OR_NULL,
                    "study_uid": TEXT_OR_NULL,
                    "acquisitions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": ACQUISITION,
                            "required": list(ACQUISITION),
                            "additionalProperties": False,
                        },
                    },
                    "unclassified": REASONS,
                    "synthetic": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["patient_id", "study_uid", "acquisitions", "unclassified"],
                "additionalProperties": False,
            },
        },
        "skipped": REASONS,
    },
    "required": ["studies", "skipped"],
    "additionalProperties": False,
}


def run(capsys, *arguments):
    parser = argparse.ArgumentParser()
    list_command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["list", *map(str, arguments)])
    assert parsed.run(parsed) == 0
    return capsys.readouterr()


@pytest.fixture
def mixed(write_dicom, tmp_path, cut):
    write_dicom("one/le.dcm", ImagerPixelSpacing=[0.1, 0.2])
    write_dicom("one/rc.dcm", ImageType=RECOMBINED, ImagerPixelSpacing=[0.1, 0.2])
    write_dicom("two/le.dcm", PatientID=None, StudyInstanceUID="1.9", ImagerPixelSpacing=None, ViewPosition=None)
    write_dicom("two/what.dcm", PatientID=None, StudyInstanceUID="1.9", ImageType=None)
    cut(write_dicom("two/short.dcm"), 100)
    write_dicom("two/color.dcm", pixels=np.zeros((8, 8, 3), dtype=np.uint8))
    (tmp_path / "text.dcm").write_text("a text")
    (tmp_path / "notes.txt").write_text("a text")
    return tmp_path


def test_json_is_what_the_issue_names_and_nothing_else(mixed, capsys):
    output = run(capsys, mixed, "--json")
    found = json.loads(output.out)
    jsonschema.validate(found, SCHEMA)
    unknown, known = found["studies"]
    assert known == {
        "patient_id": "ID1",
        "study_uid": "1.2.3.4",
        "acquisitions": [
            {
                "laterality": "L", "view": "CC", "rows": 96, "columns": 64, "pixel_spacing_mm": [0.1, 0.2],
                "low_energy": "one/le.dcm", "high_energy": None, "recombined": "one/rc.dcm", "warnings": [],
            }
        ],
        "unclassified": [],
    }  # fmt: skip
    assert unknown["patient_id"] is None
    assert unknown["acquisitions"][0]["view"] is None
    assert unknown["acquisitions"][0]["pixel_spacing_mm"] is None
    assert len(unknown["acquisitions"][0]["warnings"]) == 3  # no recombined image, view, spacing
    assert [u["file"] for u in unknown["unclassified"]] == ["two/what.dcm"]
    assert [s["file"] for s in found["skipped"]] == ["notes.txt", "text.dcm", "two/color.dcm", "two/short.dcm"]
    assert "Secret" not in output.out + output.err


def test_text_is_readable_and_complete(mixed, capsys):
    output = run(capsys, mixed).out
    for expected in (
        "Patient ID1, study 1.2.3.4", "Patient (no ID)", "96 x 64", "0.1 x 0.2", "one/rc.dcm", "two/what.dcm",
        "two/short.dcm", "is cut short", "color image", "1 of another kind", "! L ?: The pixel spacing is missing",
    ):  # fmt: skip
        assert expected in output
    assert "Secret" not in output
    assert max(len(line) for line in output.splitlines()) < 160


def test_relative_path_as_argument(mixed, capsys, monkeypatch):
    monkeypatch.chdir(mixed)
    assert json.loads(run(capsys, ".", "--json").out) == json.loads(run(capsys, mixed, "--json").out)


def test_synthetic_images_are_listed_by_themselves(write_dicom, tmp_path, capsys):
    write_dicom("le.dcm")
    write_dicom(
        "syn.dcm", ImageType=["DERIVED", "SECONDARY"], SyntheticData="YES",
        SeriesDescription="SYNTHETIC iodine (AI) - not for diagnosis",
    )  # fmt: skip
    found = json.loads(run(capsys, tmp_path, "--json").out)
    jsonschema.validate(found, SCHEMA)
    assert found["studies"][0]["synthetic"] == ["syn.dcm"]
    assert found["studies"][0]["acquisitions"][0]["recombined"] is None
    assert "synthetic: syn.dcm" in run(capsys, tmp_path).out


def test_nothing_there_is_an_error_in_words(tmp_path):
    with pytest.raises(StudyFolderError, match="does not exist"):
        list_command.run(argparse.Namespace(path=tmp_path / "none", json=True, explain=False))


def test_the_real_pairs(real_pairs, capsys):
    found = json.loads(run(capsys, real_pairs, "--json").out)
    jsonschema.validate(found, SCHEMA)
    assert [len(s["acquisitions"]) for s in found["studies"]] == [2, 2]
    assert found["studies"][1]["acquisitions"][1]["recombined"] == "P12_L_CM_MLO.png"


def test_explain_tells_the_rule_its_source_and_every_choice(mixed, write_dicom, capsys):
    write_dicom("one/ge.dcm", ImageType=["DERIVED", "PRIMARY"], AcquisitionDeviceProcessingCode="GEMS_CESM_1",
                Manufacturer="GE MEDICAL SYSTEMS", AcquisitionTime="130000", FrameOfReferenceUID="1.7",
                PhotometricInterpretation="MONOCHROME1")  # fmt: skip
    plain = json.loads(run(capsys, mixed, "--json").out)
    found = json.loads(run(capsys, mixed, "--json", "--explain").out)
    why = found.pop("explanations")
    assert found == plain
    told = " ".join(why["one/ge.dcm"])
    for part in ("GE processing of a recombined image", "GEMS_CESM_1", "design notes", "GE: RECOMBINED",
                 "L by Image Laterality", "CC by View Position", "Imager Pixel Spacing",
                 "turned by Photometric Interpretation MONOCHROME1",
                 "Patient Orientation A\\R", "Window Center and Width"):  # fmt: skip
        assert part in told, part
    assert any("with rc.dcm: They share the Frame of Reference" in w for w in why["one/le.dcm"])
    assert any("Neither Image Type" in w for w in why["two/what.dcm"])
    text = run(capsys, mixed, "--explain").out
    assert "Why one/ge.dcm" in text
    assert max(len(line) for line in text.splitlines()) < 160
    assert "Secret" not in text


def test_an_image_file_is_explained_by_its_name(real_pairs, capsys):
    found = json.loads(run(capsys, real_pairs, "--json", "--explain").out)["explanations"]
    assert found["P12_L_CM_MLO.png"][0].startswith("It is an image file")
