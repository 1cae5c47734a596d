"""The module with an open study and real workers, and what the tests of its Synthesis section ask of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import process_stand_in as processes
import stand_ins

pump = processes.pump
UNLIKE = "Unlike the images the model was trained on, so not to be relied on: R CC."


@contextmanager
def opened(mrml: Any, monkeypatch: Any, study: Path, folder: Path) -> Iterator[SimpleNamespace]:
    """The module with an open study; questions are answered with yes."""
    private = stand_ins.new_user(monkeypatch, folder)
    monkeypatch.setenv("CEMSYNTH_MODELS", str(folder / "models"))
    world = mrml(views=True)
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    cemsynth = stand_ins.install(monkeypatch, world)
    import slicer

    connections: set[str] = set()
    slicer.app.connect = lambda name, slot: connections.add(name)
    slicer.app.disconnect = lambda name, slot: connections.discard(name)
    slicer.app.testingEnabled = lambda: False
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text, windowTitle: True, raising=False)
    sys.modules["qt"].QProcess = processes.QProcess
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.logic.openStudy(study)
    widget.panel.select(widget.logic.study.rows()[0].key)
    widget.panel.refresh()
    yield SimpleNamespace(
        widget=widget,
        ui=widget.ui,
        logic=widget.logic,
        scene=world.scene,
        private=private,
        connections=connections,
        world=world,
    )
    widget.cleanup()
    processes.end_all()
    assert list(private.glob("cemsynth-*")) == [], "private folders are removed"
    assert connections == set()


def idle(module) -> bool:
    return not module.logic.synthesis.running


def apply(module) -> None:
    assert module.ui.applySynthesisButton.enabled, module.ui.applySynthesisButton.toolTip
    module.ui.applySynthesisButton.click()


def synthetic(module):
    from CEMSynthLib.scene.acquisitions import find_acquisition

    return find_acquisition(module.scene, module.widget.panel.selectedKey()).synthetic
