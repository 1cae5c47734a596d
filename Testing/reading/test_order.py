"""Protocol, blinding and order."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.order import reading_list
from CEMSynthLib.reading.protocol import Arm, Protocol, read_protocol
from CEMSynthLib.reading.questions import default_form

ARMS = tuple(map(Arm.parse, ("le+clinical", "le+synthetic", "le")))


def protocol(cases, arms, repeats=0, readers=("R1", "R2")):
    codes = tuple(f"C{n}" for n in range(cases))
    return Protocol("T", codes, ARMS[:arms], readers, default_form(), min(repeats, cases))


@settings(max_examples=40, deadline=None)
@given(cases=st.integers(1, 30), arms=st.integers(1, 3), repeats=st.integers(0, 5), seed=st.integers(0, 10**9))
def test_every_case_is_read_once_with_each_image_type_and_once_a_session(cases, arms, repeats, seed):
    study = protocol(cases, arms, repeats)
    items = reading_list(study, seed, "R1")
    first = [i for i in items if not i.repeat]
    assert len({(i.case, i.arm) for i in first}) == len(first) == cases * arms
    for session in range(study.sessions):
        shown = [i.case for i in items if i.session == session]
        assert len(set(shown)) == len(shown)
    assert [i.session for i in items] == sorted(i.session for i in items)
    assert {(i.case, i.arm) for i in items if i.repeat} <= {(i.case, i.arm) for i in first}
    assert sum(i.repeat for i in items) == min(repeats, cases)
    assert len({i.code for i in items}) == len(items)


def test_arms_are_shared_out_evenly_in_each_session():
    items = reading_list(protocol(20, 2), 3, "R1")
    for session in (0, 1):
        assert sum(i.arm is ARMS[0] for i in items if i.session == session) == 10


def test_order_differs_between_readers_and_seeds_and_is_the_same_each_time():
    study = protocol(20, 2)
    one, two = (reading_list(study, 3, r) for r in ("R1", "R2"))
    assert [i.case for i in one] != [i.case for i in two]
    assert reading_list(study, 3, "R1") == one
    assert [i.case for i in reading_list(study, 4, "R1")] != [i.case for i in one]
    # The order must not change in a later version of the program: it would change studies that have begun.
    assert [i.code for i in reading_list(protocol(3, 2), 1, "R1")][:2] == ["2c20b89c3409", "d18f608be419"]


def test_codes_and_protocol_tell_neither_patient_nor_truth_nor_image_type(study):
    text = (study / "protocol.json").read_text(encoding="utf-8")
    assert "P1" not in text
    assert "positive" not in text
    assert 'seed":' not in text
    assert "cohort" not in text
    read = read_protocol(study)
    key = read_key(study, read)
    for item in reading_list(read, key.seed, "R1"):
        assert item.case not in item.code
        assert set(item.code) <= set("0123456789abcdef")


def test_protocol_and_key_survive_json(study):
    read = read_protocol(study)
    assert Protocol(**{**vars(read)}) == read
    assert read.to_json() == (study / "protocol.json").read_text(encoding="utf-8")
    assert read_key(study, read).to_json() == (study / "key.json").read_text(encoding="utf-8")


def test_a_changed_protocol_does_not_fit_its_key(study):
    values = json.loads((study / "protocol.json").read_text(encoding="utf-8"))
    values["sessions"]["washout_days"] = 0
    (study / "protocol.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ProtocolError, match="changed since"):
        read_key(study, read_protocol(study))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "cemsynth-reading-protocol", "version": 9}'])
def test_damaged_protocols_are_refused_in_words(study, text):
    (study / "protocol.json").write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"protocol\.json"):
        read_protocol(study)


@pytest.mark.parametrize("readers", [("R1", "r1"), ("../R1",), ("",), ("R 1",), ()])
def test_readers_codes_must_be_file_names(readers):
    with pytest.raises(ProtocolError):
        protocol(3, 2, readers=readers)


@pytest.mark.parametrize("text", ["", "le+le", "mri", "le+"])
def test_unknown_image_types_are_refused(text):
    with pytest.raises(ProtocolError):
        Arm.parse(text)


def test_a_study_without_folder(tmp_path):
    with pytest.raises(ProtocolError, match="cemsynth readers new"):
        read_protocol(tmp_path)


def test_write_study_is_what_is_read(tmp_path, write_study):
    written, _ = write_study(tmp_path / "s", repeats=2)
    assert read_protocol(tmp_path / "s") == written
    assert written.sessions == 3
