"""The module with an open study whose first two acquisitions have synthetic images, and how an export is run in it."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import stand_ins


def record(**changes):
    from CEMSynthLib.scene.synthetic_volume import SyntheticRecord

    fields = {
        "model_name": "test",
        "model_version": "1",
        "model_sha256": "a" * 64,
        "training_data": "none",
        "intended_use": "tests",
        "held_out": "nothing",
        "simulated_only": True,
        "training_range": "outside",
        "warnings": ("Unlike the training images.",),
        "device": "cpu",
        "device_reason": "CPU, as asked.",
        "seconds": 1.0,
        "created": "2026-01-01T00:00:00",
    }
    return SyntheticRecord(**fields | changes)


def make_synthetic(low, offset: float = 0.0):
    """A synthetic volume without a model: the clinical gray scale from the low-energy image."""
    from CEMSynthLib.scene.pixels import pixels_of
    from CEMSynthLib.scene.synthetic_volume import add_synthetic
    from CEMSynthLib.study.model import VOIWindow

    pixels = np.array(pixels_of(low), dtype=np.float32)
    values = 2000 + 200 * (pixels - pixels.min()) / np.ptp(pixels) + offset
    return add_synthetic(low, values, VOIWindow.from_range(1950, 2250), record())


@contextmanager
def opened(mrml: Any, monkeypatch: Any, study: Path, folder: Path) -> Iterator[SimpleNamespace]:
    """The module with an open study, and an empty folder to export to."""
    private = stand_ins.new_user(monkeypatch, folder)
    world = mrml(views=True)
    cemsynth = stand_ins.install(monkeypatch, world)
    import slicer

    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text, windowTitle: True, raising=False)
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.logic.openStudy(study)
    rows = widget.logic.study.rows()
    for row in rows[:2]:
        make_synthetic(widget.logic.study.load(row.key).low_energy)
    widget.panel.select(rows[0].key)
    widget.panel.refresh()
    out = folder / "out"
    out.mkdir()
    widget.ui.exportPathLineEdit.currentPath = str(out)
    yield SimpleNamespace(widget=widget, ui=widget.ui, logic=widget.logic, scene=world.scene, out=out, rows=rows)
    widget.cleanup()
    deadline = time.monotonic() + 10
    while list(private.glob("cemsynth-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(private.glob("cemsynth-*")) == []


def wait(module, seconds: float = 120) -> str:
    """Let the timers run until the export has ended; returns the sentence."""
    timers = sys.modules["qt"].QTimer.made
    end = time.monotonic() + seconds
    while module.ui.exportButton.text == "Cancel" and time.monotonic() < end:
        for timer in list(timers):
            timer.fire()
    return module.ui.statusLabel.text


def files(module) -> list[str]:
    return sorted(p.relative_to(module.out).as_posix().partition("/")[2] for p in module.out.rglob("*") if p.is_file())


def check(module, *names: str) -> None:
    for name in ("exportImages", "exportMarkups", "exportPictures", "exportTable", "exportReportDicom", "exportHTML"):
        getattr(module.ui, f"{name}CheckBox").checked = name in names
