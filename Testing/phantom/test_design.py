"""Who takes part: the preset has the published numbers whatever the seed, and keeps its word in the patients."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.phantom.design import design_patient, preset_size
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.table import is_positive


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_the_study_has_the_published_numbers(seed):
    assert preset_size("study") == 140
    designs = [design_patient("study", seed, number) for number in range(1, 141)]
    for part, split, patients, breasts, positive in (
        (designs[:100], "train", 100, 195, 102),
        (designs[100:], "test", 40, 63, 37),
    ):
        assert len(part) == patients
        assert {d.split for d in part} == {split}
        assert sum(len(d.breasts) for d in part) == breasts
        assert sum(bool(d.positive[side]) for d in part for side in d.breasts) == positive
    for design in designs:
        assert 1 <= len(design.breasts) <= 2
        assert not any(design.positive[side] for side in {"L", "R"} - set(design.breasts))


def test_seeds_differ_and_no_order_matters():
    one = [design_patient("study", 1, number) for number in range(1, 141)]
    assert [design_patient("study", 1, number) for number in range(140, 0, -1)] == one[::-1]
    assert [design_patient("study", 2, number) for number in range(1, 141)] != one


def test_patients_keep_what_the_design_promises():
    for number in range(1, 141):
        design = design_patient("study", 1, number)
        patient = draw_patient(1, number, design.positive)
        for side in design.breasts:
            assert is_positive(patient, side) == design.positive[side]


def test_without_a_preset_a_fifth_of_the_patients_is_for_testing():
    designs = [design_patient(None, 7, number) for number in range(1000)]
    assert sum(d.split == "test" for d in designs) == pytest.approx(200, abs=45)
    assert {d.breasts for d in designs} == {("R", "L")}


def test_another_preset_is_another_patient():
    plain, study = CohortSettings(1, 0.4), CohortSettings(1, 0.4, "study")
    assert plain.patient_id(7) != study.patient_id(7)
    assert plain.key(7) != study.key(7)


@pytest.mark.parametrize(
    ("preset", "number", "word"), [("studies", 1, "study"), ("study", 141, "1 to 140"), ("study", 0, "1 to 140")]
)
def test_what_there_is_not_is_said(preset, number, word):
    with pytest.raises(PhantomError, match=word):
        design_patient(preset, 1, number)
