"""When Slicer has started: synthetic images of a scene that is read are labeled before the module is opened."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("slicer")
import slicer
import stand_ins


def saved(mrml, acquisition, path: Path) -> str:
    """A scene file saved from the comparison layout."""
    from CEMSynthLib.scene.study import StudyInScene
    from CEMSynthLib.study.model import CEMStudy, StudyFolder

    world = mrml(views=True)
    pair, synthetic = acquisition(sop="1.2.3")
    study = StudyInScene(world.scene)
    rows = study.open(StudyFolder(Path("/data"), (CEMStudy("1", "1.9", (pair,), (), (synthetic,)),), ()))
    study.load(rows[0].key)
    assert world.scene.WriteToMRB(str(path), None)
    return str(path)


@pytest.fixture
def started(mrml, monkeypatch):
    """Slicer as it is after its start: the module is loaded, and was not opened."""
    stand_ins.QSettings.stored.clear()
    stand_ins.widgets.QTimer.made.clear()
    world = mrml(views=True)
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    cemsynth = stand_ins.install(monkeypatch, world)
    made = []

    def representation():
        if not made:
            widget = cemsynth.CEMSynthWidget(stand_ins.parent())
            widget.parent.isEntered = False
            widget.setup()
            made.append(widget)
        return SimpleNamespace(self=lambda: made[0])

    modules = SimpleNamespace(cemsynth=SimpleNamespace(widgetRepresentation=representation))
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    cemsynth.CEMSynth(SimpleNamespace(path=cemsynth.__file__, icon=None))
    for _signal, slot in slicer.app.startup:
        slot()
    yield SimpleNamespace(world=world, scene=world.scene, made=made)
    for widget in made:
        widget.cleanup()
    sys.modules["CEMSynthLib.desktop.startup"]._watches.clear()


@pytest.mark.parametrize("clear", [True, False])
def test_a_read_scene_is_labeled_before_the_module_is_opened(started, mrml, acquisition, tmp_path, clear) -> None:
    path = saved(mrml, acquisition, tmp_path / "scene.mrb")
    assert started.made == []
    assert started.scene.ReadFromMRB(path, clear, None)
    assert started.made == [], "not while Slicer reads"
    stand_ins.widgets.run_timers()
    (widget,) = started.made
    node = started.world.layout_node
    node.SetViewArrangement(5701)
    widget.logic.views.updateLabels()
    synthetic = started.scene.GetFirstNodeByName("SYNTHETIC R CC iodine")
    composite = started.world.logics["CEMSynthSynthetic"].GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(synthetic.GetID())
    assert widget.logic.views.labels()["CEMSynthSynthetic"].visible
    assert widget.panel.shown is None, "it does not take over the layout of who reads a scene"


def test_other_scenes_do_not_make_the_module(started, mrml, tmp_path: Path) -> None:
    other = mrml()
    other.scene.AddNewNodeByClass("vtkMRMLTextNode")
    assert other.scene.WriteToMRB(str(tmp_path / "other.mrb"), None)
    assert started.scene.ReadFromMRB(str(tmp_path / "other.mrb"), True, None)
    stand_ins.widgets.run_timers()
    assert started.made == []


def test_a_layout_that_was_not_known_when_it_was_read_is_shown(started) -> None:
    from CEMSynthLib.desktop.startup import labelImages

    node = started.world.layout_node
    node.SetLayoutDescription(5701, "")
    node.SetViewArrangement(5701)
    assert not node.GetCurrentLayoutDescription()
    labelImages()
    assert "CEMSynthSynthetic" in node.GetCurrentLayoutDescription()
