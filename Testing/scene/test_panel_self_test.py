"""The self test of the panel that Slicer runs (Testing/Slicer), here with stand-ins, so that it is right in itself."""

import importlib.util
import shutil
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import slicer
import stand_ins

HERE = Path(__file__).parent


def load(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def case(mrml, monkeypatch, tmp_path: Path):
    """A Slicer as the self test finds it."""
    stand_ins.QSettings.stored.clear()
    stand_ins.widgets.QTimer.made.clear()
    world = mrml(views=True, markups=True)  # without markups regions are not saved
    cemsynth = stand_ins.install(monkeypatch, world)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    representation = SimpleNamespace(self=lambda: widget, enter=widget.enter, isEntered=False)
    modules = SimpleNamespace(cemsynth=SimpleNamespace(widgetRepresentation=lambda: representation))
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    folders = iter(range(9))

    def temp_directory(name: str) -> str:
        folder = tmp_path / f"{name}{next(folders)}"
        folder.mkdir()
        return str(folder)

    def process_events(flags: int = 0) -> None:
        for timer in list(stand_ins.widgets.QTimer.made):
            timer.fire()

    clipboard: list[str] = []
    slicer.app.processEvents = process_events
    slicer.app.clipboard = lambda: SimpleNamespace(setText=clipboard.append, text=lambda: clipboard[-1])
    monkeypatch.setattr(slicer.util, "tempDirectory", temp_directory, raising=False)
    monkeypatch.setattr(slicer.util, "saveScene", lambda path: world.scene.WriteToMRB(path, None), raising=False)
    monkeypatch.setattr(slicer.util, "loadScene", lambda path: world.scene.ReadFromMRB(path, True, None), raising=False)
    yield load("CEMSynthPanelTest", HERE.parent / "Slicer/CEMSynthPanelTest.py").CEMSynthPanelTest
    widget.exit()
    widget.cleanup()
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize("name", ["test_openSelectAndClose", "test_regionsExportAndSavedScene"])
def test_the_panel_self_test(case, name: str) -> None:
    result = unittest.TestResult()
    case(name).run(result)
    assert result.testsRun == 1
    assert not result.errors, result.errors[0][1]
    assert not result.failures, result.failures[0][1]


def test_synthesis_without_pytorch(case, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["CEMSynthLib.desktop.packages"], "missingPackages", lambda packages: ["torch>=2.4"])
    section = sys.modules["CEMSynthLib.desktop.synthesis_section"]
    monkeypatch.setattr(section, "missingPackages", lambda packages: ["torch>=2.4"])
    result = unittest.TestResult()
    case("test_synthesisByPanel").run(result)
    assert result.wasSuccessful(), result.errors + result.failures
