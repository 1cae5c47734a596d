"""Split: by patient, stable, and refused where it leaks."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.training.errors import SplitError
from CEMSynthLib.training.split import Split, explicit_split, read_split, require_apart, same_patients, split_patients

NAMES = st.lists(st.text("abcdefgh0123456789-", min_size=1, max_size=8), min_size=2, max_size=60, unique=True)


@given(NAMES, st.floats(0.05, 0.95), st.integers(0, 100))
def test_every_patient_is_on_exactly_one_side(patients: list[str], fraction: float, seed: int) -> None:
    split = split_patients(patients * 2, fraction, seed)
    assert sorted([*split.training, *split.validation]) == sorted(patients)
    assert split.training
    assert split.validation


def test_fraction_seed_and_stability() -> None:
    patients = [f"P{n}" for n in range(2000)]
    split = split_patients(patients, 0.2, 1)
    assert 340 < len(split.validation) < 460  # 400 +- 18 (binomial)
    assert split == split_patients(reversed(patients), 0.2, 1)
    assert split.validation != split_patients(patients, 0.2, 2).validation
    fewer = split_patients(patients[:1000], 0.2, 1)
    assert set(fewer.validation) == set(split.validation) & set(patients[:1000])


def test_a_patient_on_both_sides_is_refused() -> None:
    with pytest.raises(SplitError, match="1 patient"):
        Split(("P1", "P2"), ("P2", "P3"))
    with pytest.raises(SplitError, match="1 patient"):
        Split(("P1", "P2"), ("p2 ", "P3"))  # the same patient in another export
    with pytest.raises(SplitError, match="both"):
        explicit_split(["P1", "P2"], validation=["P1"], training=["P1", "P2"])


def test_two_spellings_of_one_patient_stay_together() -> None:
    for seed in range(20):
        split = split_patients(["P1", "p1 ", "P2", "P3"], 0.5, seed)
        assert {"P1", "p1 "} <= set(split.training) or {"P1", "p1 "} <= set(split.validation)


def test_explicit_lists() -> None:
    assert explicit_split(["P1", "P2", "P3"], ["P2"]) == Split(("P1", "P3"), ("P2",))
    assert explicit_split(["P1", "P2", "P3"], ["P2"], ["P1"]) == Split(("P1",), ("P2",))
    with pytest.raises(SplitError, match="no image pair"):
        explicit_split(["P1", "P2"], ["P9"])


def test_a_table_names_patients_in_any_spelling() -> None:
    assert same_patients(["P1", "p1 ", "P2"], ("p1", "P9")) == ("P1", "p1 ")


def test_too_few_patients() -> None:
    for patients in ([], ["P1"], ["P1", "p1"]):
        with pytest.raises(SplitError, match="at least two"):
            split_patients(patients, 0.5, 0)


def test_a_study_on_both_sides_is_refused() -> None:
    require_apart([("P1", "1.2"), ("P2", None)], [("P3", "1.3"), ("P4", None)])
    with pytest.raises(SplitError, match="1 study"):
        require_apart([("P1", "1.2")], [("P3", "1.2")])
    with pytest.raises(SplitError, match="1 patient"):
        require_apart([("P1", "1.2")], [("p1 ", "1.3")])


def test_a_table_says_who_trains(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("patient_id,view,split\nP1,CC,train\nP1,MLO,Train\nP2,CC,validation\nP3,CC,test\n", "utf-8")
    assert read_split(path) == (("P1",), ("P2",))
    path.write_text("patient_id,split\nP1,train\nP3,test\n", "utf-8")
    assert read_split(path) == (("P1",), None)
    path.write_text("patient_id,split\nP1,train\np1 ,validation\n", "utf-8")
    with pytest.raises(SplitError, match="two sides"):
        read_split(path)
    path.write_text("patient,side\nP1,train\n", "utf-8")
    with pytest.raises(SplitError, match="columns"):
        read_split(path)
    with pytest.raises(SplitError, match="cannot be read"):
        read_split(tmp_path / "nowhere.csv")
