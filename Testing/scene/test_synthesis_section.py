"""Synthesis in the module: the real worker with the real demo model, real MRML; stand-ins for Qt only."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("torch")
pytest.importorskip("safetensors")
import process_stand_in as processes
import stand_ins
from synthesis_module import UNLIKE, apply, idle, opened, pump, synthetic


@pytest.fixture(scope="module")
def acquisitions(simulated_dicom):
    from CEMSynthLib.study.reader import read_folder

    return read_folder(simulated_dicom).studies[0].acquisitions


@pytest.fixture
def module(mrml, monkeypatch, simulated_dicom, tmp_path):
    with opened(mrml, monkeypatch, simulated_dicom, tmp_path) as made:
        yield made


def test_one_worker_for_every_run(module, acquisitions, array_of, monkeypatch) -> None:
    """Starting one and importing PyTorch takes seconds, so these share what they start, as in a session of a user."""
    check_apply(module, acquisitions, array_of)
    with monkeypatch.context() as patch:
        check_full_disk(module, patch)
    with monkeypatch.context() as patch:
        check_all_acquisitions(module, acquisitions, patch)
    check_another_module(module)
    check_cancel(module)
    assert len(processes.QProcess.made) == 1, "cancel kept the worker with its model"
    check_closed_scene(module)


def check_apply(module, acquisitions, array_of) -> None:
    """The volume is what the predictor gives; a second run replaces its pixels."""
    from CEMSynthLib.generator.predictor import Predictor
    from CEMSynthLib.scene.synthetic_volume import record_of

    assert module.ui.modelComboBox.currentText.startswith("demo")
    assert "SHA-256" in module.ui.modelCardBrowser.html
    assert "<td>training-mean image&nbsp;</td>" in module.ui.modelCardBrowser.html
    assert "Contrast kept" in module.ui.modelCardBrowser.html
    for low_energy in ("after injection", "before injection", "before injection, in training too"):
        assert f"<td>{low_energy}&nbsp;</td>" in module.ui.modelCardBrowser.html
    assert not module.ui.packagesLabel.visible
    apply(module)
    assert module.ui.applySynthesisButton.text == "Cancel"
    assert module.ui.synthesisProgressBar.visible
    assert not module.ui.modelComboBox.enabled
    assert not module.ui.checkDevicesButton.enabled
    assert "the run has ended" in module.ui.checkDevicesButton.toolTip
    assert pump(lambda: idle(module))
    assert module.ui.checkDevicesButton.toolTip.startswith("Ask PyTorch")
    # All that was shown: a fast network is over between two looks.
    steps = {text.partition(";")[0] for text in module.ui.synthesisProgressLabel.shown}
    assert {"network", "starting, and loading the model"} <= steps
    assert module.ui.applySynthesisButton.text == "Apply"
    assert not module.ui.synthesisProgressBar.visible
    expected = Predictor("demo", "auto").synthesize(acquisitions[0].low_energy)
    node = synthetic(module)
    assert np.array_equal(array_of(node)[0], expected.pixels)
    record = record_of(node)
    assert record.model_sha256 == expected.provenance.weights_sha256
    assert record.training_range == expected.training_range
    assert record.warnings == expected.warnings
    # Shown at once, in its own slice view with the label, and the table knows it.
    assert module.widget.panel.shown.synthetic is node
    assert record.model_name in module.ui.syntheticNoteLabel.text
    from CEMSynthLib.study.model import ImageKind

    assert ImageKind.SYNTHETIC in module.logic.study.rows()[0].kinds
    # A second run finds the worker with its model loaded, and the volume is the same one.
    worker = processes.QProcess.made[-1].process.pid
    apply(module)
    assert pump(lambda: idle(module))
    assert processes.QProcess.made[-1].process.pid == worker
    assert synthetic(module).GetID() == node.GetID()
    assert any(key.startswith("CEMSynth/SecondsPerImage/") for key in stand_ins.QSettings.stored)


def check_full_disk(module, monkeypatch) -> None:
    import errno

    import CEMSynthLib.generator.client_job as client_job

    def full(file, *arguments, **options) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(client_job.np, "save", full)
    apply(module)
    assert pump(lambda: idle(module))
    assert "is full; free some space" in module.ui.statusLabel.text
    assert list(module.private.glob("*/*.npy")) == []
    monkeypatch.undo()


def check_closed_scene(module) -> None:
    """Nothing is pumped after Apply: whatever the worker has told meanwhile, the panel does not know it yet."""
    apply(module)
    process = processes.QProcess.made[-1].process
    assert process.poll() is None
    assert not idle(module)
    module.scene.Clear(0)
    assert process.poll() is not None
    assert idle(module)
    assert not module.ui.synthesisProgressBar.visible
    assert not module.ui.applySynthesisButton.enabled
    assert module.ui.applySynthesisButton.toolTip == "Open a study first."


def check_all_acquisitions(module, acquisitions, monkeypatch) -> None:
    """Only low-energy pixels leave."""
    import CEMSynthLib.desktop.synthesis as synthesis

    sent = []
    write = synthesis.write_job
    monkeypatch.setattr(synthesis, "write_job", lambda *job: (sent.append(job), write(*job))[1])
    module.ui.synthesizeAllCheckBox.checked = True
    apply(module)
    assert pump(lambda: idle(module))
    for job, acquisition in zip(sent, acquisitions, strict=True):
        assert np.array_equal(job[2], acquisition.low_energy.pixels())
    count = module.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    names = [module.scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode").GetName() for i in range(count)]
    assert sorted(n for n in names if n.startswith("SYNTHETIC")) == [
        f"SYNTHETIC {view} iodine" for view in ("L CC", "L MLO", "R CC", "R MLO")
    ]
    assert module.ui.statusLabel.text == "" or "synthetic" not in module.ui.statusLabel.text.lower()


def check_another_module(module) -> None:
    """The user goes to another module while a run goes on: its views are left alone, and coming back shows all."""
    module.scene.RemoveNode(synthetic(module))
    apply(module)
    module.widget.exit()
    module.widget.parent.isEntered = False
    layout = module.widget.logic.views.comparison.state.layout
    before = module.world.layout_node.GetViewArrangement()
    assert before == module.world.layout_node.SlicerLayoutFourUpView
    assert pump(lambda: idle(module))
    assert module.world.layout_node.GetViewArrangement() == before
    module.widget.parent.isEntered = True
    module.widget.enter()
    assert module.widget.logic.views.comparison.state.layout == layout
    assert module.widget.panel.shown.synthetic is not None


def check_cancel(module) -> None:
    """What is done is kept, and the next run works."""
    module.ui.synthesizeAllCheckBox.checked = True
    apply(module)
    assert pump(lambda: synthetic(module) is not None)
    module.ui.applySynthesisButton.click()
    assert not module.ui.applySynthesisButton.enabled
    assert pump(lambda: idle(module), 30)
    assert "Canceled." in module.ui.statusLabel.text
    assert synthetic(module) is not None
    module.ui.synthesizeAllCheckBox.checked = False
    apply(module)
    assert pump(lambda: idle(module))
    # Pixels of 1.2 mm are coarser than the model's own grid.
    assert module.ui.statusLabel.text == UNLIKE


def test_devices_come_from_the_worker(module) -> None:
    module.ui.checkDevicesButton.click()
    assert not module.ui.checkDevicesButton.enabled
    assert pump(lambda: "Found: CPU" in module.ui.deviceNoteLabel.text)
    assert module.ui.checkDevicesButton.enabled
    assert "CUDA:" in module.ui.deviceNoteLabel.text
    module.ui.deviceComboBox.setCurrentIndex(1)
    assert stand_ins.QSettings.stored["CEMSynth/Device"] == "cpu"


@pytest.mark.slow
def test_from_the_python_console(module, acquisitions, array_of) -> None:
    """No Qt widget and no Qt process: the blocking call of the logic."""
    from CEMSynthLib.generator.predictor import Predictor

    started = len(processes.QProcess.made)
    keys = [row.key for row in module.logic.study.rows()][:1]
    told = []
    nodes = module.logic.synthesis.run(keys, "demo", "cpu", lambda *step: told.append(step))
    expected = Predictor("demo", "cpu").synthesize(acquisitions[0].low_energy)
    assert np.array_equal(array_of(nodes[0])[0], expected.pixels)
    assert told == [(1, 1, "synthetic images")]
    assert len(processes.QProcess.made) == started


@pytest.mark.slow
def test_the_example_of_the_logic_runs(module, simulated_dicom, tmp_path, capsys) -> None:
    """What the docstring of CEMSynthLogic shows, line by line."""
    example = sys.modules["CEMSynth"].CEMSynthLogic.__doc__.partition("Example::")[2]
    code = "\n".join(line.strip() for line in example.splitlines())
    (tmp_path / "exports").mkdir()
    code = code.replace("/data/study", simulated_dicom.as_posix()).replace("/data/exports", str(tmp_path / "exports"))
    exec(code, {})
    told = capsys.readouterr().out
    assert "SYNTHETIC R CC iodine" in told
    assert list((tmp_path / "exports").glob("CEMSynth_*/synthetic/*.dcm"))


@pytest.mark.slow
def test_the_self_test_for_slicer_runs(module, simulated_dicom, acquisitions, tmp_path, array_of) -> None:
    import slicer

    from CEMSynthLib.desktop import selftest, selftest_synthesis

    selftest.writeSelfTestSynthetic(acquisitions[0], tmp_path / "synthetic")
    module.logic.openStudy(simulated_dicom, tmp_path / "synthetic")
    slicer.util.arrayFromVolume = array_of
    slicer.app.processEvents = lambda flags=0: [process._tell() for process in list(processes.QProcess.made)]
    selftest_synthesis.check(module.logic, tmp_path)
    module.logic.synthesis.stop()
