# ruff: noqa: E402
"""Predictor: the low-energy image alone decides, bit for bit; wrong models and devices are refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import save

from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE, Architecture, ModelCard
from CEMSynthLib.generator.devices import choose_device_name
from CEMSynthLib.generator.errors import DeviceError, ModelError
from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.generator.predictor import Predictor
from CEMSynthLib.study.model import CEMImage, ImageKind, PixelGrid, VOIWindow


@pytest.fixture
def model(tmp_path: Path, card: ModelCard) -> Path:
    """A model folder with random weights."""
    torch.manual_seed(3)
    content = save(build_generator(card.architecture).state_dict())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / WEIGHTS_FILE).write_bytes(content)
    right = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    (folder / CARD_FILE).write_text(right.to_json(), encoding="utf-8")
    return folder


def on_disk(folder: Path, pixels: np.ndarray, spacing: tuple[float, float] | None) -> CEMImage:
    file = folder / "low_energy.npy"
    np.save(file, pixels)
    grid = PixelGrid(*pixels.shape, spacing)
    return CEMImage(file, ImageKind.LOW_ENERGY, grid, VOIWindow(1500, 1000), None, 12, load=lambda: np.load(file))


def test_result_lies_on_the_low_energy_grid_in_recombined_units(model: Path, tmp_path: Path, breast, card) -> None:
    result = Predictor(model, "cpu").synthesize(on_disk(tmp_path, breast.pixels, breast.spacing))
    assert result.pixels.shape == breast.pixels.shape
    assert result.pixels.dtype == np.float32
    assert result.window == card.display_window
    scale = card.output_normalization
    assert np.all(result.pixels[0] == scale.air)
    inside = result.pixels[result.pixels != scale.air]
    assert inside.size == pytest.approx(breast.mask.sum(), rel=0.03)
    assert scale.low <= inside.min() < inside.max() <= scale.high
    assert result.provenance.weights_sha256 == hashlib.sha256((model / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert result.provenance.device == "cpu"
    assert result.provenance.seconds > 0


def test_bit_identical_when_the_recombined_file_is_altered_or_removed(model: Path, tmp_path: Path, breast) -> None:
    image = on_disk(tmp_path, breast.pixels, breast.spacing)
    recombined = tmp_path / "recombined.npy"
    predictor = Predictor(model, "cpu")
    results = []
    for content in (breast.pixels, 4000 - breast.pixels, None):
        if content is None:
            recombined.unlink()
        else:
            np.save(recombined, content)
        results += [predictor.synthesize(image).pixels, Predictor(model, "cpu").synthesize(image).pixels]
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_another_low_energy_image_gives_another_result(model: Path, make_breast) -> None:
    predictor = Predictor(model, "cpu")
    window = VOIWindow(1500, 1000)
    one, two = (predictor.synthesize_array(make_breast(seed=s).pixels, window, (0.4, 0.4)).pixels for s in (0, 1))
    assert not np.array_equal(one, two)


def test_many_images_tell_progress(model: Path, tmp_path: Path, breast) -> None:
    image = on_disk(tmp_path, breast.pixels, None)
    told: list[tuple[int, int, str]] = []
    results = list(Predictor(model, "cpu").synthesize_many([image] * 3, lambda *now: told.append(now)))
    assert [now[:2] for now in told] == [(1, 3), (2, 3), (3, 3)]
    assert all("spacing is unknown" in result.warnings[0] for result in results)


def test_one_changed_byte_in_the_weights_is_refused(model: Path) -> None:
    content = bytearray((model / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (model / WEIGHTS_FILE).write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        Predictor(model, "cpu")


def test_weights_of_another_network_are_refused(model: Path, card: ModelCard) -> None:
    for content in (save(build_generator(Architecture("resnet", 4, 3)).state_dict()), b"not safetensors at all"):
        (model / WEIGHTS_FILE).write_bytes(content)
        wrong = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
        (model / CARD_FILE).write_text(wrong.to_json(), encoding="utf-8")
        with pytest.raises(ModelError, match="do not fit the network"):
            Predictor(model, "cpu")


def test_devices() -> None:
    device, reason = choose_device_name("cpu")
    assert device == "cpu"
    assert reason == "CPU, as asked."
    with pytest.raises(DeviceError, match="auto, cpu, cuda, mps"):
        choose_device_name("tpu")
    device, reason = choose_device_name("auto")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    expected = "cuda" if present["cuda"] else "mps" if present["mps"] else "cpu"
    assert device == expected
    assert expected.upper() in reason
    for name, there in present.items():
        if not there:
            with pytest.raises(DeviceError, match=f"'{name}' cannot be used"):
                choose_device_name(name)
