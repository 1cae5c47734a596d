"""Synthesis in the module, and what can fail: each is one sentence, and the study stays as it is."""

import os
import signal
import sys

import pytest

pytest.importorskip("slicer")
pytest.importorskip("torch")
pytest.importorskip("safetensors")
import process_stand_in as processes
from synthesis_module import apply, idle, opened, pump, synthetic

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


@pytest.fixture
def module(mrml, monkeypatch, simulated_dicom, tmp_path):
    with opened(mrml, monkeypatch, simulated_dicom, tmp_path) as made:
        yield made


@POSIX
@pytest.mark.slow
def test_a_killed_worker_is_one_sentence_and_the_study_is_intact(module) -> None:
    module.ui.synthesizeAllCheckBox.checked = True
    apply(module)
    assert pump(lambda: module.ui.deviceNoteLabel.text.startswith("CPU"))
    os.kill(processes.QProcess.made[-1].process.pid, signal.SIGKILL)
    assert pump(lambda: idle(module), 30)
    assert "ended unexpectedly" in module.ui.statusLabel.text
    assert "too little memory" in module.ui.statusLabel.text
    assert list(module.private.glob("cemsynth-*")) == []
    assert module.widget.panel.shown.low_energy is not None
    module.ui.synthesizeAllCheckBox.checked = False
    apply(module)
    assert pump(lambda: idle(module))
    assert synthetic(module) is not None


def test_weights_that_are_not_those_of_the_card_are_refused_by_name(module, tmp_path) -> None:
    import shutil

    from CEMSynthLib.generator.card import SHIPPED_MODELS, WEIGHTS_FILE

    folder = tmp_path / "models" / "damaged"
    shutil.copytree(SHIPPED_MODELS / "demo", folder)
    content = bytearray((folder / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(content)
    module.widget.enter()
    module.ui.modelComboBox.setCurrentIndex(1)
    assert module.widget.logic.getParameterNode().synthesisModel == "damaged"
    apply(module)
    assert pump(lambda: idle(module))
    assert "SHA-256 differs" in module.ui.statusLabel.text
    assert synthetic(module) is None


def test_a_python_that_cannot_be_started_is_one_sentence(module, monkeypatch) -> None:
    import CEMSynthLib.desktop.worker_process as worker_process

    monkeypatch.setattr(worker_process, "pythonProgram", lambda: "/nowhere/PythonSlicer")
    apply(module)
    assert pump(lambda: idle(module), 30)
    assert "(PythonSlicer) could not be started" in module.ui.statusLabel.text
    assert "memory" not in module.ui.statusLabel.text


def test_missing_packages_are_found_without_importing_them(module, monkeypatch) -> None:
    import CEMSynthLib.desktop.packages as packages

    real = packages.metadata.version

    def version(name: str) -> str:
        if name == "torch":
            raise packages.metadata.PackageNotFoundError(name)
        return "0.3" if name == "safetensors" else real(name)

    monkeypatch.setattr(packages.metadata, "version", version)
    module.widget.enter()
    assert module.ui.packagesLabel.text == "Missing Python packages: torch>=2.4, safetensors>=0.4"
    assert not module.ui.applySynthesisButton.enabled
    assert module.ui.applySynthesisButton.toolTip == "Install the missing Python packages first."
    module.ui.installPackagesButton.click()
    assert "PyTorch extension" in module.ui.statusLabel.text


def test_a_pytorch_that_does_not_load_is_one_sentence(module, tmp_path, monkeypatch) -> None:
    for name in ("torch", "openvino"):
        (tmp_path / "broken" / name).mkdir(parents=True)
        (tmp_path / "broken" / name / "__init__.py").write_text(f"raise ImportError('damaged', name={name!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    apply(module)
    assert pump(lambda: idle(module))
    assert "install PyTorch again through its extension" in module.ui.statusLabel.text
    assert "torch" in module.ui.synthesisLogTextEdit.plainText


def test_a_scene_that_closes_while_devices_are_looked_for_leaves_apply_usable(module, simulated_dicom) -> None:
    """The worker ends with the scene, and its answer with it."""
    module.ui.checkDevicesButton.click()
    assert "Wait until" in module.ui.applySynthesisButton.toolTip
    module.scene.Clear(0)
    assert module.ui.deviceNoteLabel.text == ""
    module.logic.openStudy(simulated_dicom)
    module.widget.panel.select(module.logic.study.rows()[0].key)
    assert module.ui.applySynthesisButton.enabled, module.ui.applySynthesisButton.toolTip


@pytest.mark.slow
def test_a_low_energy_volume_deleted_meanwhile_is_one_sentence(module, monkeypatch) -> None:
    import CEMSynthLib.desktop.synthesis as synthesis

    write, sent = synthesis.write_job, []
    monkeypatch.setattr(synthesis, "write_job", lambda *job: (write(*job), sent.append(job))[0])
    apply(module)
    # Before the worker has its pixels, the volume would be loaded again from its file.
    assert pump(lambda: bool(sent))
    module.scene.RemoveNode(module.widget.panel.shown.low_energy)
    assert pump(lambda: idle(module))
    assert "removed from the scene" in module.ui.statusLabel.text
