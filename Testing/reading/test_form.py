"""The form: which questions are asked, what is an answer, what is missing."""

import json

import pytest

from CEMSynthLib.reading.errors import AnswerError, ProtocolError
from CEMSynthLib.reading.form import Form
from CEMSynthLib.reading.form_state import FormState
from CEMSynthLib.reading.questions import ARTIFACTS, default_form


def test_a_lesion_asks_for_mark_and_conspicuity_and_a_taken_back_one_drops_them(fill):
    state = FormState(default_form())
    assert "marks" not in {q.id for q in state.asked}
    fill(state, lesion="yes")
    assert state.complete
    assert {"marks", "conspicuity"} <= set(state.answers)
    state.answer("lesion", "no")
    assert not {"marks", "conspicuity"} & set(state.answers)
    assert state.complete


def test_low_energy_alone_asks_nothing_about_enhancement():
    state = FormState(default_form(), iodine=False)
    assert {q.id for q in state.asked} == {"lesion", "confidence", "quality"}


def test_what_is_missing_is_told():
    state = FormState(default_form())
    state.answer("lesion", "yes")
    assert state.problems["marks"] == "not answered yet"
    assert not state.complete
    state.answer("lesion", None)
    assert state.problems["lesion"] == "not answered yet"


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("bpe", "e"),
        ("bpe", 1),
        ("lesion", True),
        ("confidence", "6"),
        ("artifacts", ["ghost"]),
        ("artifacts", "halo"),
        ("marks", []),
        ("marks", [{"view": "CC", "row": -1, "column": 2}]),
        ("marks", [{"view": "CC", "row": float("nan"), "column": 2}]),
        ("nobody", "a"),
    ],
)
def test_what_is_no_answer_is_refused(question, value):
    state = FormState(default_form())
    state.answer("lesion", "yes")
    with pytest.raises(AnswerError):
        state.answer(question, value)


def test_other_artifact_asks_which(fill):
    state = FormState(default_form())
    fill(state, artifacts=["halo"])
    assert "artifact_other" not in {q.id for q in state.asked}
    state.answer("artifacts", ["halo", "other"])
    assert "artifact_other" in state.problems


def test_eight_artifacts_in_the_order_of_the_vocabulary():
    assert [option.value for option in ARTIFACTS] == [
        "halo",
        "skin_line",
        "ripple",
        "blood_vessels",
        "calcifications",
        "marker_or_clip",
        "air_or_folds",
        "other",
    ]


def test_a_form_survives_json_and_a_damaged_one_is_refused():
    form = default_form()
    values = json.loads(json.dumps(form.to_json()))
    assert Form.from_json(values) == form
    for damaged in ([], [{}], {"a": 1}, None, [*values, values[0]]):
        with pytest.raises(ProtocolError):
            Form.from_json(damaged)
