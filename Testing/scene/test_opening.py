"""Opening the module: nothing heavy is imported, when Slicer starts hardly anything; it takes half a second at most."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer")
ROOT = Path(__file__).resolve().parents[2]
# Half a second is allowed beyond an empty module; the machines that run tests are slow at times.
ALLOWED_S = 0.5 if "CI" not in os.environ else 2.0


@pytest.fixture(scope="module")
def opened() -> dict:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("open_module.py"))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def packages(names: list[str]) -> set[str]:
    third_party = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    return {name for name in third_party if not name.startswith("_")}


def test_opening_imports_nothing_heavy(opened) -> None:
    """What Slicer lacks (scikit-image, torch, pandas, matplotlib), and what takes long (SimpleITK, pydicom, scipy)."""
    found = packages(opened["at_open"])
    assert "CEMSynthLib" in found
    assert found <= {"CEMSynthLib", "numpy", "packaging", "widget_stand_ins", "cython_runtime"}


def test_starting_slicer_imports_only_the_module_itself(opened) -> None:
    stand_ins = {"qt", "ctk", "slicer", "stand_ins"}
    assert {name for name in packages(opened["at_load"]) if "stand_in" not in name} <= {"CEMSynth", *stand_ins}


def test_opening_takes_no_time_to_speak_of(opened) -> None:
    assert opened["load"] + opened["open"] < ALLOWED_S
