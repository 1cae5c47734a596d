"""Order of views: which acquisitions hang together, next and previous."""

from types import SimpleNamespace

from CEMSynthLib.scene.hanging import hanging_keys, neighbor
from CEMSynthLib.scene.study import AcquisitionRow


def row(key: str, name: str, patient: str = "P1", study: str = "1.1") -> AcquisitionRow:
    return AcquisitionRow(key, patient, name, (1, 1), None, (), (), study)


def test_a_study_hangs_and_no_other() -> None:
    rows = [
        row("a", "R CC"), row("b", "L CC"), row("c", "R MLO"), row("late", "R CC"), row("ml", "L ML"),
        row("x", "L MLO", study="1.2"), row("y", "L MLO", patient="P2", study="1.3"),
    ]  # fmt: skip
    assert hanging_keys(rows, "b") == {"R CC": "a", "L CC": "b", "R MLO": "c"}
    assert hanging_keys(rows, "late")["R CC"] == "late"
    assert hanging_keys(rows, "ml") == {"R CC": "a", "L CC": "b", "R MLO": "c"}
    assert hanging_keys(rows, "gone") == {}
    folder = [row("f", "R CC", "7", ""), row("g", "L CC", "7", ""), row("h", "R MLO", "8", "")]
    assert hanging_keys(folder, "g") == {"R CC": "f", "L CC": "g"}


def test_next_and_previous_go_round() -> None:
    rows = [SimpleNamespace(key=key) for key in "abc"]
    assert [neighbor(rows, key, 1) for key in "abc"] == ["b", "c", "a"]
    assert neighbor(rows, "a", -1) == "c"
    assert neighbor(rows, "gone", 1) == "a"
    assert neighbor([], "a", 1) == ""
