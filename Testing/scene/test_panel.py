"""The panel: a section that is not there is hidden, sentences stand above who says them, and nothing is left behind."""

import gc
import shutil
import weakref
from pathlib import Path

import pytest

pytest.importorskip("slicer")
import slicer
import stand_ins

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(mrml, monkeypatch):
    """Build a panel from the .ui files of a folder."""
    stand_ins.QSettings.stored.clear()
    cemsynth = stand_ins.install(monkeypatch, mrml(), main_window=False)
    made = []

    def build(resources: Path):
        from CEMSynthLib.desktop.panel import Panel

        top = stand_ins.widgets.load_ui(str(resources / "UI/CEMSynth.ui"))
        panel = Panel(top, lambda name: str(resources / name), cemsynth.CEMSynthLogic())
        made.append(panel)
        return panel

    yield build
    for panel in made:
        panel.cleanup()
        panel.logic.cleanup()


def test_a_section_without_its_file_is_hidden_and_the_others_work(make, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "CEMSynth/Resources", tmp_path / "Resources")
    (tmp_path / "Resources/UI/CompareSection.ui").unlink()
    panel = make(tmp_path / "Resources")
    assert "Compare" not in panel.sections
    assert not panel.ui.compareCollapsibleButton.visible
    assert panel.ui.studyCollapsibleButton.visible
    assert panel.ui.openButton.toolTip


def test_a_sentence_stands_above_the_section_that_says_it(make) -> None:
    panel = make(ROOT / "CEMSynth/Resources")
    layout, label = panel._top.layout(), panel.ui.statusLabel
    assert not label.visible
    for name, section in panel.sections.items():
        section.say(f"{name} says this.")
        button = getattr(panel.ui, f"{name.lower()}CollapsibleButton")
        assert layout.indexOf(button) == layout.indexOf(label) + 1
        assert label.text == f"{name} says this."
        assert label.visible
    panel.say("Nobody says this.")
    assert layout.indexOf(panel.ui.studyCollapsibleButton) == layout.indexOf(label) + 1
    panel.say("")
    assert not label.visible


def test_every_mrml_widget_has_the_scene(make) -> None:
    panel = make(ROOT / "CEMSynth/Resources")
    given = []
    for section in panel.sections:
        getattr(panel.ui, f"{section}Section").mrmlSceneChanged.connect(given.append)
    other = slicer.vtkMRMLScene()
    panel._top.setMRMLScene(other)
    assert given == [other] * len(panel.sections)


def test_a_disabled_button_says_what_is_missing(make) -> None:
    """Whatever the section: nothing is opened yet."""
    panel = make(ROOT / "CEMSynth/Resources")
    buttons = [w for w in vars(panel.ui).values() if type(w).__name__ == "QPushButton"]
    disabled = [button for button in buttons if button.visible and not button.enabled]
    assert disabled
    assert [button.name for button in disabled if not button.toolTip] == []


def test_after_cleanup_nothing_is_left(mrml, monkeypatch) -> None:
    """Reloading the module must not leave panels behind that observers, timers or signals keep alive."""
    stand_ins.QSettings.stored.clear()
    cemsynth = stand_ins.install(monkeypatch, mrml(views=True))
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    left = {name: weakref.ref(section) for name, section in widget.panel.sections.items()}
    left["Panel"], left["Widget"] = weakref.ref(widget.panel), weakref.ref(widget)
    left["Views"] = weakref.ref(widget.logic.views)
    widget.exit()
    widget.cleanup()
    assert slicer.app.coreIOManager().fileSaved.slots == []
    assert slicer.app.layoutManager().layoutChanged.slots == []
    del widget
    stand_ins.widgets.QTimer.made.clear()
    gc.collect()
    assert [name for name, reference in left.items() if reference() is not None] == []


def test_what_is_asked_for_while_an_acquisition_is_shown_comes_after_it(make, monkeypatch) -> None:
    """Views get their size while events are processed: a file that was read, or a worker's image, can come then."""
    from types import SimpleNamespace

    panel = make(ROOT / "CEMSynth/Resources")
    panel.setParameterNode(panel.logic.getParameterNode())
    asked = []

    def show(key: str):
        asked.append(key)
        if asked == ["A"]:
            panel.parameterNode.selectedAcquisition = "B"
            panel.onParameterNodeModified()
            assert asked == ["A"], "not within the first"
        return SimpleNamespace(key=key, warnings=())

    shown = []
    monkeypatch.setattr(panel.logic, "showAcquisition", show)
    monkeypatch.setattr(panel, "_setShown", shown.append)
    panel.show("A")
    assert asked == ["A", "B"]
    assert shown[-1].key == "B"
    panel.onParameterNodeModified()
    assert asked == ["A", "B"], "nothing is left to do"
