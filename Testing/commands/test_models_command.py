"""cemsynth models: list, info, import, verify, remove; everything wrong is refused by name and leaves nothing."""

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch
from safetensors.torch import load_file, save_file

from CEMSynthLib.cli import main
from CEMSynthLib.generator import store
from CEMSynthLib.generator.card import CARD_FILE, SHIPPED_MODELS, WEIGHTS_FILE, Architecture, load_card
from CEMSynthLib.generator.networks import build_generator

DEMO = SHIPPED_MODELS / "demo"
SMALL = Architecture("resnet", 4, 2)


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    monkeypatch.setenv(store.ENVIRONMENT_VARIABLE, str(folder))
    yield folder
    left = (
        [p.name for p in folder.iterdir() if p.name.startswith(".") and p.name != ".converted"]
        if folder.exists()
        else []
    )
    assert left == [], "no temporary folder is left"


@pytest.fixture
def files(tmp_path):
    """Weights as safetensors, the same as a checkpoint of the reference, and a card for both."""
    torch.manual_seed(1)
    state = build_generator(SMALL).state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    torch.save(state, tmp_path / "latest_net_G_A.pth")
    record = json.loads(replace(load_card(DEMO), name="My model", architecture=SMALL).to_json())
    del record["weights_sha256"]
    (tmp_path / "card.json").write_text(json.dumps(record))
    return tmp_path


def test_list_info_verify(models, capsys):
    assert main(["models", "list"]) == 0
    told = capsys.readouterr().out
    assert "demo" in told
    assert "shipped" in told
    assert str(models) in told
    assert main(["models", "info", "demo"]) == 0
    shown = capsys.readouterr().out
    assert "cemsynth-demo" in shown
    assert "more" in shown
    assert main(["models", "verify", "demo"]) == 0
    assert "is right" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["weights.safetensors", "latest_net_G_A.pth"])
def test_import_use_and_remove(models, files, capsys, file):
    words = ["models", "import", str(files / file), "--card", str(files / "card.json")]
    assert main(words) == 0
    assert "My-model" in capsys.readouterr().out
    folder = models / "My-model"
    card = load_card(folder)
    assert card.architecture == SMALL
    assert card.weights_sha256 == hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    expected = load_file(files / "weights.safetensors")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in load_file(folder / WEIGHTS_FILE).items())
    assert main(["models", "verify", "My-model"]) == 0
    assert main(words) == 2, "the name is taken"
    assert main([*words, "--name", "second"]) == 0
    capsys.readouterr()
    assert main(["models", "list"]) == 0
    assert "second" in capsys.readouterr().out
    assert main(["models", "remove", "second"]) == 0
    assert sorted(p.name for p in models.iterdir()) == ["My-model"]


def test_a_removed_model_leaves_no_converted_copy(models, capsys):
    pytest.importorskip("openvino")
    from CEMSynthLib.generator.openvino_backend import OpenVINOBackend

    kept = models / ".converted/other"
    kept.mkdir(parents=True)
    (kept / "converted.json").write_text('{"weights_sha256": "0"}')
    assert main(["models", "import", str(DEMO), "--name", "copy"]) == 0
    OpenVINOBackend(models / "copy", load_card(models / "copy"), store.converted_models(), "full")
    assert len(list(kept.parent.iterdir())) == 2
    assert main(["models", "remove", "copy"]) == 0
    assert list(kept.parent.iterdir()) == [kept]


def test_a_model_folder_is_imported_with_its_baselines(models, capsys):
    assert main(["models", "import", str(DEMO), "--name", "copy"]) == 0
    assert {p.name for p in (models / "copy").iterdir()} == {CARD_FILE, WEIGHTS_FILE, "baselines.npz"}
    assert store.find_model("copy") == models / "copy"


def test_the_card_of_a_checkpoint_need_not_tell_the_architecture_but_must_not_tell_another(models, files, capsys):
    record = json.loads((files / "card.json").read_text())
    record["architecture"]["depth"] = 3
    (files / "card.json").write_text(json.dumps(record))
    words = ["models", "import", str(files / "latest_net_G_A.pth"), "--card", str(files / "card.json")]
    assert main(words) == 2
    assert "architecture" in capsys.readouterr().err
    del record["architecture"]
    (files / "card.json").write_text(json.dumps(record))
    assert main(words) == 0
    assert load_card(models / "My-model").architecture == SMALL


def nan(state):
    state["model.4.weight"][0, 0, 0, 0] = float("nan")


def infinite(state):
    state["model.4.bias"][0] = float("inf")


def less(state):
    del state["model.4.weight"]


def more(state):
    state["model.4.extra"] = torch.zeros(1)


def other(state):
    state["model.4.weight"] = torch.zeros(8, 4, 5, 5)


def eight_bits(state):
    state["model.4.weight"] = state["model.4.weight"].to(torch.float8_e4m3fn)


def whole_numbers(state):
    state["model.4.weight"] = state["model.4.weight"].to(torch.int8)


WRONG = [(nan, "model.4.weight"), (infinite, "model.4.bias"), (less, "model.4.weight is missing"),
         (more, "model.4.extra does not belong"), (other, "(8, 4, 5, 5), needed is (8, 4, 3, 3)"),
         (eight_bits, "model.4.weight holds float8_e4m3fn values"),
         (whole_numbers, "model.4.weight holds int8 values")]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_wrong_weights_are_refused_by_name_at_import_and_verify(models, files, capsys, spoil, words):
    state = load_file(files / "weights.safetensors")
    spoil(state)
    save_file(state, files / "spoiled.safetensors")
    command = ["models", "import", str(files / "spoiled.safetensors"), "--card", str(files / "card.json")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "spoiled.safetensors" in error
    assert not models.exists()
    folder = files / "model"
    folder.mkdir()
    shutil.copy(files / "spoiled.safetensors", folder / WEIGHTS_FILE)
    sha256 = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    card = json.loads((files / "card.json").read_text()) | {"weights_sha256": sha256}
    (folder / CARD_FILE).write_text(json.dumps(card))
    assert main(["models", "verify", str(folder)]) == 2
    assert words in capsys.readouterr().err
    assert main(["models", "import", str(folder)]) == 2
    assert not models.exists()


def test_wrong_checksum_bad_card_and_foreign_files_are_refused(models, files, capsys):
    card = json.loads((files / "card.json").read_text())
    weights = ["models", "import", str(files / "weights.safetensors")]

    def refused(*words):
        assert main(list(words)) == 2
        error = capsys.readouterr().err
        assert "Traceback" not in error
        assert not models.exists()
        return error

    (files / "bad.json").write_text(json.dumps(card | {"weights_sha256": "0" * 64}))
    assert "SHA-256 differs" in refused(*weights, "--card", str(files / "bad.json"))
    (files / "bad.json").write_text(json.dumps({k: v for k, v in card.items() if k != "limits_of_use"}))
    assert "limits_of_use is missing" in refused(*weights, "--card", str(files / "bad.json"))
    (files / "bad.json").write_text("{")
    assert "bad.json is not valid JSON" in refused(*weights, "--card", str(files / "bad.json"))
    assert "nowhere.json" in refused(*weights, "--card", str(files / "nowhere.json"))
    assert "--card" in refused(*weights)
    assert "no file or folder" in refused("models", "import", str(files / "nothing"))
    (files / "text.safetensors").write_text("Dear colleague")
    told = refused("models", "import", str(files / "text.safetensors"), "--card", str(files / "card.json"))
    assert "text.safetensors" in told
    assert "name of a model" in refused(*weights, "--card", str(files / "card.json"), "--name", "../up")
    assert "already" in refused(*weights, "--card", str(files / "card.json"), "--name", "demo")


def test_what_is_not_in_the_users_folder_is_never_removed(models, files, capsys):
    assert main(["models", "remove", "demo"]) == 2
    assert "shipped" in capsys.readouterr().err
    for name in ("nothing", "..", "../models", str(files)):
        assert main(["models", "remove", name]) == 2
    (models / "letters").mkdir(parents=True)
    (models / "letters" / "a.txt").write_text("mine")
    assert main(["models", "remove", "letters"]) == 2
    assert "holds no model" in capsys.readouterr().err
    assert (models / "letters" / "a.txt").read_text() == "mine"
    assert DEMO.is_dir()


def test_a_broken_card_is_listed_with_what_is_wrong(models, capsys):
    shutil.copytree(DEMO, models / "broken")
    (models / "broken" / CARD_FILE).write_text("{}")
    assert main(["models", "list"]) == 2
    assert "format_version is missing" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="the place on Linux")
def test_the_users_folder_is_where_the_system_keeps_such_data(monkeypatch, tmp_path):
    monkeypatch.delenv(store.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store.models_folder() == tmp_path / "cemsynth" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert store.models_folder() == Path.home() / ".local/share/cemsynth/models"
