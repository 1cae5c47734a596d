"""A small reader study without images: two image types, two readers, eight cases of four patients."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from CEMSynthLib.reading.key import KEY_FILE, CaseKey, Key, ViewFiles
from CEMSynthLib.reading.protocol import PROTOCOL_FILE, Arm, Protocol
from CEMSynthLib.reading.questions import default_form


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.time = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(seconds=30)
        return self.time

    def wait(self, days):
        self.time += timedelta(days=days)


@pytest.fixture
def clock():
    return Clock()


def _write_study(
    folder, *, patients=4, readers=("R1", "R2"), repeats=0, washout=28.0, arms=None, positive=None, places=None
):
    """Write protocol and key; breast n of the study is positive where ``positive(n)`` says so (every second)

    ``places`` are the lesions of every positive breast, by view.
    """
    arms = arms or ("low_energy+recombined", "low_energy+synthetic")
    cases = tuple(f"C{n:03d}" for n in range(1, 2 * patients + 1))
    protocol = Protocol("Test", cases, tuple(map(Arm.parse, arms)), tuple(readers), default_form(), repeats, washout)
    truth = positive or (lambda n: n % 2 == 0)
    views = (ViewFiles("CC", {}), ViewFiles("MLO", {}))
    keyed = {
        case: CaseKey(f"P{n // 2}", "LR"[n % 2], views, truth(n), "abcd"[n % 4], places if places and truth(n) else {})
        for n, case in enumerate(cases)
    }
    folder.mkdir(exist_ok=True)
    (folder / PROTOCOL_FILE).write_text(protocol.to_json(), encoding="utf-8")
    key = Key(protocol.sha256, 7, "cohort", "synthetic", keyed)
    (folder / KEY_FILE).write_text(key.to_json(), encoding="utf-8")
    return protocol, json.loads(key.to_json())


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    _write_study(folder)
    return folder


def _fill(state, *, lesion="no", bpe="b", confidence="4", artifacts=(), quality="4", marks=None):
    """Answer every question that is asked."""
    values = {
        "bpe": bpe,
        "lesion": lesion,
        "marks": [{"view": v, "row": r, "column": c} for v, r, c in marks or [("CC", 10.0, 20.5)]],
        "conspicuity": "high",
        "asymmetry": "no",
        "confidence": confidence,
        "artifacts": list(artifacts),
        "artifact_other": "a fold",
        "quality": quality,
    }
    for _ in range(2):
        for name, value in values.items():
            if name in {question.id for question in state.asked}:
                state.answer(name, value)


@pytest.fixture(name="write_study")
def write_study_fixture():
    return _write_study


@pytest.fixture(name="fill")
def fill_fixture():
    return _fill
