"""`cemsynth train`: a model folder from a folder of pictures, refusals in words, Ctrl-C keeps the best state."""

# ruff: noqa: E402
import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.commands import train_command
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import load_card, verify_weights
from CEMSynthLib.generator.errors import DeviceError
from CEMSynthLib.progress import Progress
from CEMSynthLib.training.errors import SplitError


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """CDD-CESM style pictures of three made-up patients."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    y, x = np.mgrid[0:96, 0:64]
    breast = ((y - 48) / 40) ** 2 + (x / 50) ** 2 < 1
    for number in (1, 2, 3):
        texture = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=breast.shape), 3)
        texture /= texture.std()
        for kind, level, contrast in (("DM", 130, 25), ("CM", 90, -12)):
            gray = np.where(breast, np.clip(level + contrast * texture, 20, 250), 0).astype(np.uint8)
            Image.fromarray(gray).save(folder / f"P{number}_L_{kind}_CC.png")
    return folder


def train(*words: object) -> int:
    parser = argparse.ArgumentParser()
    train_command.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["train", *map(str, words)])
    return train_command.run(arguments)


def test_a_model_folder_is_written(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model"
    assert train(pictures, "--output", output, "--epochs", 1, "--device", "cpu") == 0
    card = load_card(output)
    verify_weights(output, card)
    assert not card.training.simulated_only
    assert card.architecture.type == "resnet"
    names = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    written = {"model.safetensors", "model.json", "baselines.npz", "losses.csv", "samples/epoch_001.png"}
    assert names == written | {"cemsynth-manifest.json"}
    assert (output / "model.safetensors").stat().st_size <= 4 * 2**20
    told = capsys.readouterr().err
    assert "CPU, as asked." in told
    assert "3 patients" in told or "of 2 patients" in told


def test_what_cannot_be_done_is_refused_and_nothing_is_written(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    with pytest.raises(CEMSynthError):
        train(tmp_path / "nowhere", "--output", output, "--epochs", 1)
    with pytest.raises(DeviceError):
        train(pictures, "--output", output, "--epochs", 1, "--device", "abacus")
    for file in pictures.glob("P[23]*"):
        file.unlink()
    with pytest.raises(SplitError):
        train(pictures, "--output", output, "--epochs", 1, "--device", "cpu")
    with pytest.raises(CEMSynthError, match="input"):
        train(pictures, "--output", pictures, "--epochs", 1, "--device", "cpu")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]
    for wrong in (["--minutes", "0"], ["--epochs", "-1"], ["--epochs", "1", "--minutes", "1"], ["--preset", "best"]):
        with pytest.raises(SystemExit) as stop:
            train(pictures, "--output", output, *wrong)
        assert stop.value.code == 2


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_ctrl_c_keeps_the_best_state_or_leaves_nothing(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_before: int
) -> None:
    @contextmanager
    def interrupting(title: str, unit: str = "image") -> Iterator[Progress]:
        """Ctrl-C in a training step, through the same call that a real one comes through."""

        def step(done: int, total: int, what: str) -> None:
            if what.startswith(f"epoch {epochs_before + 1},"):
                raise KeyboardInterrupt

        yield step

    monkeypatch.setattr(train_command, "progress_bar", interrupting)
    output = tmp_path / "model"
    words = (pictures, "--output", output, "--epochs", 50, "--preset", "ceiling", "--device", "cpu")
    if epochs_before == 0:
        with pytest.raises(KeyboardInterrupt):
            train(*words)
        assert not output.exists()
    else:
        assert train(*words) == 130
        verify_weights(output, load_card(output))
    assert not list(tmp_path.glob(".*"))
