"""Synthesis in the module: the real worker with the real demo model, real MRML; stand-ins for Qt only."""

import importlib.util
import os
import signal
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("torch")
pytest.importorskip("safetensors")


def load(name: str):
    spec = importlib.util.spec_from_file_location(f"cemsynth_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stand_ins, processes = load("stand_ins"), load("process_stand_in")
pump = processes.pump
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
UNLIKE = "Unlike the images the model was trained on, so not to be relied on: R CC."


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> SimpleNamespace:
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient
    from CEMSynthLib.study.reader import read_folder

    base = tmp_path_factory.mktemp("study")
    write_patient(base, CohortSettings(7, 2.0), 1)
    return SimpleNamespace(study=base / "dicom", found=read_folder(base / "dicom").studies[0])


@pytest.fixture
def module(mrml, monkeypatch, folders, tmp_path):
    """The module with an open study; questions are answered with yes."""
    stand_ins.QSettings.stored.clear()
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setenv("TMPDIR", str(private))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("CEMSYNTH_MODELS", str(tmp_path / "models"))
    world = mrml(views=True)
    world.layout_node.SetViewArrangement(world.layout_node.SlicerLayoutFourUpView)
    cemsynth = stand_ins.install(monkeypatch, world)
    import slicer

    connections = set()
    slicer.app.connect = lambda name, slot: connections.add(name)
    slicer.app.disconnect = lambda name, slot: connections.discard(name)
    slicer.app.testingEnabled = lambda: False
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text, windowTitle: True, raising=False)
    sys.modules["qt"].QProcess = processes.QProcess
    widget = cemsynth.CEMSynthWidget(stand_ins.parent())
    widget.setup()
    widget.enter()
    widget.logic.openStudy(folders.study)
    widget.panel.select(widget.logic.study.rows()[0].key)
    widget.panel.refresh()
    made = SimpleNamespace(
        widget=widget,
        ui=widget.ui,
        logic=widget.logic,
        scene=world.scene,
        private=private,
        connections=connections,
        world=world,
    )
    yield made
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


def test_one_worker_for_every_run(module, folders, array_of, monkeypatch) -> None:
    """Starting one and importing PyTorch takes seconds, so these share what they start, as in a session of a user."""
    check_apply(module, folders, array_of)
    with monkeypatch.context() as patch:
        check_full_disk(module, patch)
    with monkeypatch.context() as patch:
        check_all_acquisitions(module, folders, patch)
    check_another_module(module)
    check_cancel(module)
    assert len(processes.QProcess.made) == 1, "cancel kept the worker with its model"
    check_closed_scene(module)


def check_apply(module, folders, array_of) -> None:
    """The volume is what the predictor gives; a second run replaces its pixels."""
    from CEMSynthLib.generator.predictor import Predictor
    from CEMSynthLib.scene.synthetic_volume import record_of

    assert module.ui.modelComboBox.currentText.startswith("demo")
    assert "SHA-256" in module.ui.modelCardBrowser.html
    assert "<td>training-mean image&nbsp;</td>" in module.ui.modelCardBrowser.html
    assert "Contrast kept" in module.ui.modelCardBrowser.html
    assert not module.ui.packagesLabel.visible
    apply(module)
    assert module.ui.applySynthesisButton.text == "Cancel"
    assert module.ui.synthesisProgressBar.visible
    assert not module.ui.modelComboBox.enabled
    assert pump(lambda: idle(module))
    # All that was shown: a fast network is over between two looks.
    steps = {text.partition(";")[0] for text in module.ui.synthesisProgressLabel.shown}
    assert {"network", "starting, and loading the model"} <= steps
    assert module.ui.applySynthesisButton.text == "Apply"
    assert not module.ui.synthesisProgressBar.visible
    expected = Predictor("demo", "auto").synthesize(folders.found.acquisitions[0].low_energy)
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


def check_all_acquisitions(module, folders, monkeypatch) -> None:
    """Only low-energy pixels leave."""
    import CEMSynthLib.desktop.synthesis as synthesis

    sent = []
    write = synthesis.write_job
    monkeypatch.setattr(synthesis, "write_job", lambda *job: (sent.append(job), write(*job))[1])
    module.ui.synthesizeAllCheckBox.checked = True
    apply(module)
    assert pump(lambda: idle(module))
    for job, acquisition in zip(sent, folders.found.acquisitions, strict=True):
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


def test_devices_come_from_the_worker(module) -> None:
    module.ui.checkDevicesButton.click()
    assert pump(lambda: "Found: CPU" in module.ui.deviceNoteLabel.text)
    assert "CUDA:" in module.ui.deviceNoteLabel.text
    module.ui.deviceComboBox.setCurrentIndex(1)
    assert stand_ins.QSettings.stored["CEMSynth/Device"] == "cpu"


def test_a_scene_that_closes_while_devices_are_looked_for_leaves_apply_usable(module, folders) -> None:
    """The worker ends with the scene, and its answer with it."""
    module.ui.checkDevicesButton.click()
    assert "Wait until" in module.ui.applySynthesisButton.toolTip
    module.scene.Clear(0)
    assert module.ui.deviceNoteLabel.text == ""
    module.logic.openStudy(folders.study)
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


@pytest.mark.slow
def test_another_model_is_added_and_one_can_choose(module, tmp_path) -> None:
    import json
    import shutil

    from CEMSynthLib.generator.card import SHIPPED_MODELS
    from CEMSynthLib.generator.image_statistics import NAMES

    apply(module)
    assert pump(lambda: idle(module))
    first = synthetic(module)
    # The same network under another name, which is another model as far as its weights' checksum goes.
    import torch
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "models" / "mine"
    shutil.copytree(SHIPPED_MODELS / "demo", folder)
    weights = load_file(folder / "model.safetensors")
    weights = {name: torch.clone(tensor) * 1.01 for name, tensor in weights.items()}
    save_file(weights, folder / "model.safetensors")
    import hashlib

    card = json.loads((folder / "model.json").read_text())
    card["weights_sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    card["name"] = "mine"
    card["training_range"] = {name: [1e8, 1e9] for name in NAMES}
    (folder / "model.json").write_text(json.dumps(card))
    module.widget.enter()
    module.ui.modelComboBox.setCurrentIndex(1)
    apply(module)
    assert pump(lambda: idle(module))
    assert synthetic(module).GetID() != first.GetID()
    assert UNLIKE in module.ui.statusLabel.text
    assert "OUTSIDE" in module.ui.syntheticNoteLabel.text
    assert "1e+08" in module.ui.syntheticNoteLabel.text
    assert module.ui.syntheticNoteLabel.styleSheet
    assert module.ui.syntheticComboBox.visible
    assert module.ui.syntheticComboBox.currentText.startswith("mine")
    module.ui.syntheticComboBox.setCurrentIndex(0)
    assert synthetic(module).GetID() == first.GetID()
    assert module.widget.panel.shown.synthetic is first
    assert "1e+08" not in module.ui.syntheticNoteLabel.text


def test_a_saved_scene_comes_back_with_its_model(module, tmp_path) -> None:
    import shutil

    from CEMSynthLib.generator.card import SHIPPED_MODELS

    shutil.copytree(SHIPPED_MODELS / "demo", tmp_path / "models" / "mine")
    module.widget.enter()
    module.ui.modelComboBox.setCurrentIndex(1)
    module.ui.synthesizeAllCheckBox.checked = True
    assert module.scene.WriteToMRB(str(tmp_path / "scene.mrb"), None)
    module.scene.Clear(0)
    assert not module.ui.synthesizeAllCheckBox.checked
    module.ui.modelComboBox.setCurrentIndex(0)
    assert module.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True, None)
    assert module.ui.modelComboBox.currentText.startswith("mine")
    assert module.ui.synthesizeAllCheckBox.checked


@pytest.mark.slow
def test_from_the_python_console(module, folders, array_of) -> None:
    """No Qt widget and no Qt process: the blocking call of the logic."""
    from CEMSynthLib.generator.predictor import Predictor

    started = len(processes.QProcess.made)
    keys = [row.key for row in module.logic.study.rows()][:1]
    told = []
    nodes = module.logic.synthesis.run(keys, "demo", "cpu", lambda *step: told.append(step))
    expected = Predictor("demo", "cpu").synthesize(folders.found.acquisitions[0].low_energy)
    assert np.array_equal(array_of(nodes[0])[0], expected.pixels)
    assert told == [(1, 1, "synthetic images")]
    assert len(processes.QProcess.made) == started


@pytest.mark.slow
def test_models_are_verified_imported_and_removed(module, tmp_path, monkeypatch) -> None:
    import shutil

    import CEMSynthLib.desktop.model_chooser as model_chooser
    from CEMSynthLib.generator.card import SHIPPED_MODELS

    chooser = module.widget.panel.sections["Synthesis"]._models
    assert not module.ui.removeModelButton.enabled
    assert "comes with CEMSynth" in module.ui.removeModelButton.toolTip
    module.ui.verifyModelButton.click()
    assert not module.ui.importModelButton.enabled
    assert pump(lambda: not chooser.busy)
    assert "is right: card, checksum" in module.ui.statusLabel.text
    shutil.copytree(SHIPPED_MODELS / "demo", tmp_path / "downloaded")
    monkeypatch.setattr(
        model_chooser, "chooseFile", lambda title, pattern, folder="": str(tmp_path / "downloaded/model.json")
    )
    module.ui.importModelButton.click()
    assert pump(lambda: not chooser.busy)
    assert "Imported as" in module.ui.statusLabel.text
    assert module.ui.modelComboBox.count == 2
    module.ui.modelComboBox.setCurrentIndex(1)
    assert module.ui.removeModelButton.enabled
    module.ui.removeModelButton.click()
    assert module.ui.modelComboBox.count == 1
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.slow
def test_the_example_of_the_logic_runs(module, folders, tmp_path, capsys) -> None:
    """What the docstring of CEMSynthLogic shows, line by line."""
    example = sys.modules["CEMSynth"].CEMSynthLogic.__doc__.partition("Example::")[2]
    code = "\n".join(line.strip() for line in example.splitlines())
    (tmp_path / "exports").mkdir()
    code = code.replace("/data/study", folders.study.as_posix()).replace("/data/exports", str(tmp_path / "exports"))
    exec(code, {})
    told = capsys.readouterr().out
    assert "SYNTHETIC R CC iodine" in told
    assert list((tmp_path / "exports").glob("CEMSynth_*/synthetic/*.dcm"))


@pytest.mark.slow
def test_the_self_test_for_slicer_runs(module, folders, tmp_path, array_of) -> None:
    import slicer

    from CEMSynthLib.desktop import selftest, selftest_synthesis

    selftest.writeSelfTestSynthetic(folders.found.acquisitions[0], tmp_path / "synthetic")
    module.logic.openStudy(folders.study, tmp_path / "synthetic")
    slicer.util.arrayFromVolume = array_of
    slicer.app.processEvents = lambda flags=0: [process._tell() for process in list(processes.QProcess.made)]
    selftest_synthesis.check(module.logic, tmp_path)
    module.logic.synthesis.stop()
