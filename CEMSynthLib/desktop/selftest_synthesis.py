"""Self test of Synthesis and Export: the worker where PyTorch is there, run by Qt and waited for; files read back."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.desktop.export import ExportChoice
from CEMSynthLib.desktop.packages import SYNTHESIS, missingPackages
from CEMSynthLib.desktop.synthesis import SynthesisReport
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.synthetic_volume import record_of

_LONGEST_S = 300.0


def check(logic: Any, folder: Path) -> None:
    """Make a synthetic image and export it.

    Parameters
    ----------
    logic
        A CEMSynthLogic with the self test's study opened.
    folder
        Of the self test.
    """
    import slicer

    # The first acquisition has a synthetic image from a file, the second one has none.
    key = logic.study.rows()[1].key
    volumes = logic.showAcquisition(key)
    assert volumes.synthetic is None
    if missingPackages(SYNTHESIS):
        print("Synthesis is left out: these packages are missing:", missingPackages(SYNTHESIS))
        exported = [logic.study.rows()[0].key]
    else:
        node = _runByQt(logic, key)
        pixels = slicer.util.arrayFromVolume(node).copy()
        assert node.GetName().startswith("SYNTHETIC")
        assert node.GetSpacing() == volumes.low_energy.GetSpacing()
        assert pixels.shape == slicer.util.arrayFromVolume(volumes.low_energy).shape
        assert record_of(node) is not None
        again = logic.synthesis.run([key], device="cpu")[0]
        assert again.GetID() == node.GetID(), "the same weights replace their own image only"
        assert np.allclose(slicer.util.arrayFromVolume(again), pixels, atol=1.0)
        exported = [key]
    (folder / "exports").mkdir()
    report = logic.export.run(exported, folder / "exports", ExportChoice(pictures=True, parts=()))
    assert any(name.endswith(".dcm") for name in report.files), report.files
    assert sum(name.endswith(".png") for name in report.files) == 3, report.files


class _Listener:
    def __init__(self) -> None:
        self.report: SynthesisReport | None = None
        self.steps: set[str] = set()

    def onStep(self, number: int, count: int, what: str) -> None:
        self.steps.add(what)

    def onDevice(self, reason: str) -> None:
        print(reason)

    def onImage(self, key: str, node: Any) -> None:
        pass

    def onLog(self, line: str) -> None:
        print(line)

    def onFinished(self, report: SynthesisReport) -> None:
        self.report = report


def _runByQt(logic: Any, key: str) -> Any:
    """Let Qt run the worker while its event loop goes on; returns the volume."""
    import slicer

    listener = _Listener()
    logic.synthesis.start([key], "demo", "auto", listener)
    end = time.monotonic() + _LONGEST_S
    while listener.report is None and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.01)
    assert listener.report is not None, "the worker did not answer"
    assert listener.report.error is None, str(listener.report.error)
    assert listener.report.made == (key,), listener.report.failed
    assert "network" in listener.steps
    return find_acquisition(slicer.mrmlScene, key).synthetic
