"""Opening the module: nothing heavy is imported, when Slicer starts hardly anything; it takes half a second at most."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer")
ROOT = Path(__file__).resolve().parents[2]
# Half a second is allowed beyond an empty module; the machines that run tests are slow at times.
ALLOWED_S = 0.5 if "CI" not in os.environ else 2.0


def open_module(**environment: str) -> dict:
    """What open_module.py tells of a fresh process."""
    command = [sys.executable, str(Path(__file__).with_name("open_module.py"))]
    known = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, env=known, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def opened() -> dict:
    return open_module(PYTHONPATH=str(ROOT))


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


def test_installed_the_library_lies_beside_the_module(tmp_path: Path) -> None:
    """The install tree and the build tree: one folder for all. Slicer has put it on the path."""
    installed = tmp_path / "qt-scripted-modules"
    shutil.copytree(ROOT / "CEMSynth", installed)
    shutil.copytree(ROOT / "CEMSynthLib", installed / "CEMSynthLib", ignore=shutil.ignore_patterns("__pycache__"))
    told = open_module(CEMSYNTH_MODULE_FOLDER=str(installed), PYTHONPATH=str(installed))
    assert Path(told["library"]).parents[1] == installed
    assert {"Study", "Synthesis", "Compare", "Regions", "Halo", "Export"} <= set(told["sections"])


def test_in_a_source_tree_the_module_finds_the_library(opened) -> None:
    """``--additional-module-paths <repository>/CEMSynth`` and nothing else."""
    told = open_module(PYTHONPATH="", PYTHONSAFEPATH="1")
    assert Path(told["library"]).parents[1] == ROOT
    assert told["sections"] == opened["sections"]
