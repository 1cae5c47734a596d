"""`cemsynth train`: a model folder from a folder of pictures, refusals in words, going on after Ctrl-C or SIGKILL."""

# ruff: noqa: E402
import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("lightning_fabric")

from safetensors.torch import load_file

from CEMSynthLib.commands import train_command, training_run
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import load_card, verify_weights
from CEMSynthLib.generator.errors import DeviceError
from CEMSynthLib.progress import Progress
from CEMSynthLib.training.errors import SplitError, TrainingSetupError
from CEMSynthLib.training.plan import PRESETS

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def train(tmp_path: Path):
    def trained(*words: object) -> int:
        parser = argparse.ArgumentParser()
        train_command.add_parser(parser.add_subparsers())
        key = ("--patient-key", str(tmp_path / "keys" / "key"))
        arguments = parser.parse_args(["train", *map(str, words), *key])
        return arguments.run(arguments)

    return trained


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_model_folder_is_written(train, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "model"
    assert train(pictures, "--output", output, "--epochs", 1, "--device", "cpu") == 0
    card = load_card(output)
    verify_weights(output, card)
    assert not card.training.simulated_only
    assert card.architecture.type == "resnet"
    assert "null baselines" in card.training.selection
    assert "validation_baselines_beaten" in card.training.settings
    assert len(card.training.image_sha256) == 2 * card.training.training_images
    written = {"model.safetensors", "model.json", "baselines.npz", "losses.csv", "samples/epoch_001.png"}
    assert files(output) == written | {"learning_curves.png", "cemsynth-manifest.json"}
    assert Image.open(output / "learning_curves.png").size[0] > 800
    assert (output / "model.safetensors").stat().st_size <= 4 * 2**20
    assert (tmp_path / "keys" / "key").stat().st_mode & 0o077 == 0
    told = capsys.readouterr().err
    assert "CPU, as asked." in told
    assert "3 patients" in told or "of 2 patients" in told
    # The finished folder is touched only when asked to, and then holds the same again.
    weights = (output / "model.safetensors").read_bytes()
    with pytest.raises(CEMSynthError, match="--overwrite"):
        train(pictures, "--output", output, "--epochs", 1, "--device", "cpu")
    assert train(pictures, "--output", output, "--epochs", 1, "--device", "cpu", "--overwrite") == 0
    assert (output / "model.safetensors").read_bytes() == weights


def test_presets_are_those_of_the_plan() -> None:
    assert set(train_command.PRESETS) == set(PRESETS)


def test_a_training_goes_on_from_an_earlier_model_of_the_same_patients(train, pictures: Path, tmp_path: Path) -> None:
    first, second, other = tmp_path / "first", tmp_path / "second", tmp_path / "other"
    for name, held_out in (("a", 1), ("b", 2)):
        rows = [f"P{n},{'validation' if n == held_out else 'train'}" for n in (1, 2, 3)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["patient_id,split", *rows]))
    one, another = ("--epochs", 1, "--split", tmp_path / "a.csv"), ("--epochs", 1, "--split", tmp_path / "b.csv")
    assert train(pictures, "--output", first, "--preset", "ceiling", *one) == 0
    assert train(pictures, "--output", second, "--preset", "refine", "--start", first, *one) == 0
    assert load_card(second).architecture == load_card(first).architecture == PRESETS["ceiling"].architecture
    assert load_card(second).training.settings["started_from_sha256"] == load_card(first).weights_sha256
    began, went_on = (load_file(folder / "model.safetensors") for folder in (first, second))
    moved = [float((went_on[n] - began[n]).abs().max()) for n in began]
    # Steps of 3e-4 move no weight far, and some weight they move.
    assert 0 < max(moved) < 0.01
    with pytest.raises(TrainingSetupError, match="--start"):
        train(pictures, "--output", other, "--preset", "refine", *one)
    with pytest.raises(TrainingSetupError, match="another network"):
        train(pictures, "--output", other, "--preset", "fast", "--start", first, *one)
    with pytest.raises(TrainingSetupError, match="leakage check"):
        train(pictures, "--output", other, "--start", first, *another)


def test_a_training_that_died_in_its_first_epoch_leaves_no_baselines_to_the_next(
    train, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: object, **more: object) -> None:
        raise RuntimeError("as if killed")

    split, words = tmp_path / "split.csv", ("--epochs", 1, "--preset", "fast", "--device", "cpu")
    learned = []
    for training in ("P1", "P3"):
        other = "P3" if training == "P1" else "P1"
        split.write_text(f"patient_id,split\n{training},train\n{other},validation\n", encoding="utf-8")
        monkeypatch.setattr(training_run, "train", killed)
        with pytest.raises(RuntimeError):
            train(pictures, "--output", tmp_path / "model", *words, "--split", split)
        learned.append((tmp_path / "model" / "baselines.npz").read_bytes())
    assert learned[0] != learned[1]


def test_cache_split_and_logs(train, pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    split = tmp_path / "split.csv"
    split.write_text("patient_id,split\np1,train\nP2,validation\nP3,test\n", encoding="utf-8")
    words = ("--epochs", 1, "--device", "cpu", "--preset", "fast", "--cache", tmp_path / "cache", "--split", split)
    assert train(pictures, "--output", tmp_path / "model", *words, "--tensorboard") == 0
    card = load_card(tmp_path / "model")
    assert (card.training.training_patients, card.training.validation_patients) == (1, 1)
    assert len(files(tmp_path / "cache")) == 2
    assert any(name.startswith("tensorboard/events") for name in files(tmp_path / "model"))
    before = {name: (tmp_path / "cache" / name).stat().st_mtime_ns for name in files(tmp_path / "cache")}
    assert train(pictures, "--output", tmp_path / "second", *words) == 0
    assert {name: (tmp_path / "cache" / name).stat().st_mtime_ns for name in files(tmp_path / "cache")} == before


def test_what_cannot_be_done_is_refused_and_nothing_is_written(train, pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    with pytest.raises(CEMSynthError):
        train(tmp_path / "nowhere", "--output", output, "--epochs", 1)
    with pytest.raises(DeviceError):
        train(pictures, "--output", output, "--epochs", 1, "--device", "abacus")
    with pytest.raises(CEMSynthError, match="needs a GPU"):
        train(pictures, "--output", output, "--epochs", 1, "--device", "cpu", "--precision", "float16")
    for file in pictures.glob("P[23]*"):
        file.unlink()
    with pytest.raises(SplitError):
        train(pictures, "--output", output, "--epochs", 1, "--device", "cpu")
    with pytest.raises(CEMSynthError, match="holds no earlier run"):
        train(pictures, "--output", pictures, "--epochs", 1, "--device", "cpu")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "pictures"]
    length = (["--minutes", "0"], ["--epochs", "-1"], ["--epochs", "1", "--minutes", "1"])
    for wrong in (*length, ["--preset", "best"], ["--seed", "-1"], ["--seed", str(2**63)]):
        with pytest.raises(SystemExit) as stop:
            train(pictures, "--output", output, *wrong)
        assert stop.value.code == 2


@pytest.mark.parametrize("epochs_before", [0, 1])
def test_ctrl_c_keeps_what_there_is_and_resume_goes_on(
    train, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_before: int
) -> None:
    @contextmanager
    def interrupting(title: str, unit: str = "image") -> Iterator[Progress]:
        """Ctrl-C in a training step, through the same call that a real one comes through."""

        def step(done: int, total: int, what: str) -> None:
            if what.startswith(f"epoch {epochs_before + 1},"):
                raise KeyboardInterrupt

        yield step

    output = tmp_path / "model"
    words = (pictures, "--output", output, "--epochs", 3, "--preset", "ceiling", "--device", "cpu")
    with monkeypatch.context() as patched:
        patched.setattr(training_run, "progress_bar", interrupting)
        if epochs_before == 0:
            with pytest.raises(KeyboardInterrupt):
                train(*words)
        else:
            assert train(*words) == 130
            verify_weights(output, load_card(output))
            with pytest.raises(CEMSynthError, match="--resume"):
                train(*words)
    assert not list(tmp_path.rglob(".*"))
    assert train(*words, "--resume") == 0
    assert [row["epoch"] for row in load_card(output).training.curves] == [1, 2, 3]
    assert not (output / "training").exists()


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bits(pictures: Path, tmp_path: Path) -> None:
    def command(output: str, *more: str) -> list[str]:
        words = [sys.executable, "-m", "CEMSynthLib.cli", "train", str(pictures), "--output", str(tmp_path / output)]
        words += ["--preset", "fast", "--epochs", "60", "--device", "cpu", "--precision", "float32"]
        return [*words, "--patient-key", str(tmp_path / "key"), *more]

    place = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command("whole"), env=place, check=True, timeout=300)
    random, state = np.random.default_rng(), tmp_path / "parts" / "training" / "state.pt"
    for number in range(2):
        last = state.stat().st_mtime_ns if number else 0
        running = subprocess.Popen(command("parts", "--resume"), env=place, stdout=-3, stderr=-3)
        deadline = time.monotonic() + 200
        while not (state.is_file() and state.stat().st_mtime_ns > last):
            assert running.poll() is None, "ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    subprocess.run(command("parts", "--resume"), env=place, check=True, timeout=300)
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="gloo over the loopback device is called lo here")
def test_two_processes_write_one_model(pictures: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    words += ["CEMSynthLib.cli", "train", str(pictures), "--output", str(tmp_path / "model"), "--preset", "fast"]
    words += [
        "--epochs",
        "2",
        "--device",
        "cpu",
        "--batch-size",
        "2",
        "--precision",
        "float32",
        "--patient-key",
        str(tmp_path / "key"),
    ]
    place = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    subprocess.run(words, env=place, check=True, timeout=300)
    card = load_card(tmp_path / "model")
    verify_weights(tmp_path / "model", card)
    assert (card.training.settings["processes"], card.training.settings["batch_size"]) == (2, 2)
    assert not (tmp_path / "model" / "training").exists()
