"""The models of the Synthesis section: added, chosen, verified, removed, and saved with the scene."""

import pytest

pytest.importorskip("slicer")
pytest.importorskip("torch")
pytest.importorskip("safetensors")
from synthesis_module import UNLIKE, apply, idle, opened, pump, synthetic


@pytest.fixture
def module(mrml, monkeypatch, simulated_dicom, tmp_path):
    with opened(mrml, monkeypatch, simulated_dicom, tmp_path) as made:
        yield made


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
