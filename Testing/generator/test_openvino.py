"""OpenVINO: the same network, close in bfloat16, converted once and checked, without torch and without telemetry."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("openvino")

from CEMSynthLib.generator import store
from CEMSynthLib.generator.card import Architecture, load_card
from CEMSynthLib.generator.errors import CancelledError, DeviceError, ModelError
from CEMSynthLib.generator.openvino_backend import OpenVINOBackend
from CEMSynthLib.generator.openvino_network import (
    ALLOWED_DIFFERENCE,
    NETWORK,
    RECORD,
    VALUES,
    convert,
    converted_folder,
    difference,
    probe_image,
    read_record,
)
from CEMSynthLib.generator.predictor import Predictor
from CEMSynthLib.generator.torch_backend import TorchBackend
from CEMSynthLib.generator.weights_check import load_network
from CEMSynthLib.study.model import VOIWindow

sys.path.insert(0, str(Path(__file__).parent))
from models import write_model

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = [
    Architecture("resnet", 4, 2),
    Architecture("resnet", 4, 2, norm="batch", channels=3),
    Architecture("unet", 4, 3),
    Architecture("unet_pix2pix", 4, 5, norm="batch"),
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda a: f"{a.type}-{a.norm}-{a.channels}")
def test_same_output_as_torch_and_bfloat16_within_half_a_percent(tmp_path, card, architecture):
    folder = write_model(tmp_path / "model", replace(card, architecture=architecture))
    made = load_card(folder)
    image = probe_image(made)[:128, :96]
    expected = TorchBackend(load_network(folder, made)).run(image)
    full = OpenVINOBackend(folder, made, tmp_path / "cache", "full")
    assert (full.precision, full.device) == ("float32", "cpu")
    assert np.abs(full.run(image) - expected).max() < 1e-3
    assert OpenVINOBackend(folder, made, tmp_path / "cache").precision == "float32", "narrow networks gain nothing"
    half = OpenVINOBackend(folder, made, tmp_path / "cache", "half")
    assert difference(half.run(image), expected) <= 2 * ALLOWED_DIFFERENCE
    assert np.array_equal(half.run(image), half.run(image))
    record = json.loads((converted_folder(tmp_path / "cache", made) / RECORD).read_text())
    assert all(
        (d <= ALLOWED_DIFFERENCE) == (half.precision == "bfloat16") for d in record["difference_of_bfloat16"].values()
    )


def test_converted_once_kept_by_weights_and_architecture(tmp_path, card):
    folder = write_model(tmp_path / "model", card)
    made = load_card(folder)
    OpenVINOBackend(folder, made, tmp_path / "cache")
    place = converted_folder(tmp_path / "cache", made)
    assert {p.name for p in place.iterdir()} == {NETWORK, VALUES, RECORD}
    assert [p.name for p in place.parent.iterdir()] == [place.name], "nothing temporary is left"
    before = (place / VALUES).stat().st_mtime_ns
    OpenVINOBackend(folder, made, tmp_path / "cache")
    assert (place / VALUES).stat().st_mtime_ns == before
    other = write_model(tmp_path / "other", card, seed=4)
    assert converted_folder(tmp_path / "cache", load_card(other)) != place
    assert converted_folder(tmp_path / "cache", replace(made, architecture=Architecture("resnet", 4, 3))) != place


def test_a_damaged_converted_file_is_not_used(tmp_path, card):
    folder = write_model(tmp_path / "model", card)
    made = load_card(folder)
    right = OpenVINOBackend(folder, made, tmp_path / "cache", "full").run(probe_image(made))
    place = converted_folder(tmp_path / "cache", made)
    content = bytearray((place / VALUES).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (place / VALUES).write_bytes(content)
    assert read_record(place) is None
    assert np.array_equal(OpenVINOBackend(folder, made, tmp_path / "cache", "full").run(probe_image(made)), right)
    record = read_record(place)
    assert record is not None
    (place / RECORD).write_text(json.dumps({"files": record["files"]}))
    assert read_record(place) is None, "nothing is known of how it was checked"
    assert np.array_equal(OpenVINOBackend(folder, made, tmp_path / "cache", "full").run(probe_image(made)), right)


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(tmp_path, card):
    folder = write_model(tmp_path / "model", card)
    blocked = tmp_path / "a-file"
    blocked.write_text("no folder")
    backend = OpenVINOBackend(folder, load_card(folder), blocked / "cache")
    assert backend.run(probe_image(load_card(folder))).shape == probe_image(load_card(folder)).shape
    assert blocked.read_text() == "no folder"


def test_damaged_weights_are_not_converted(tmp_path, card):
    def spoil(state):
        state["model.1.bias"][0] = float("nan")

    folder = write_model(tmp_path / "model", card, change=spoil)
    with pytest.raises(ModelError, match=r"model\.1\.bias.*not finite"):
        convert(folder, load_card(folder), tmp_path / "cache" / "x")
    assert not (tmp_path / "cache" / "x").exists()


def test_a_network_it_computes_wrongly_is_left_to_torch(tmp_path, card, monkeypatch, breast):
    """A wrong result cannot be provoked, so the record of the comparison is altered (hashes stay right)."""
    monkeypatch.setenv(store.ENVIRONMENT_VARIABLE, str(tmp_path / "models"))
    folder = write_model(tmp_path / "model", card)
    assert Predictor(folder, "cpu").backend.name == "openvino"
    file = converted_folder(store.converted_models(), load_card(folder)) / RECORD
    file.write_text(json.dumps(json.loads(file.read_text()) | {"difference_from_torch": 0.3}))
    assert Predictor(folder, "cpu").backend.name == "torch"
    with pytest.raises(DeviceError, match="another result than PyTorch"):
        Predictor(folder, "cpu", backend="openvino")


def test_it_stops_when_asked(tmp_path, card):
    folder = write_model(tmp_path / "model", replace(card, architecture=Architecture("resnet", 16, 9)))
    backend = OpenVINOBackend(folder, load_card(folder), tmp_path / "cache", "full")
    image = np.zeros((1024, 832), np.float32)
    with pytest.raises(CancelledError):
        backend.run(image, lambda: True)
    assert np.isfinite(backend.run(image[:64, :64])).all(), "and can be used again"


def test_no_torch_the_second_time_and_never_telemetry(tmp_path, card):
    """OpenVINO's telemetry sends a message at import: a stand-in that would tell of its import takes its place."""
    folder = write_model(tmp_path / "model", card)
    stand_in = tmp_path / "stand_in" / "openvino_telemetry"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").write_text(f"open({str(tmp_path / 'told')!r}, 'w').write('imported')\n")
    code = (
        "import sys; from pathlib import Path; from CEMSynthLib.generator.predictor import Predictor\n"
        "p = Predictor(Path(sys.argv[1]), 'cpu'); print(p.backend.name, 'torch' in sys.modules)"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(stand_in.parent), str(ROOT)]),
        store.ENVIRONMENT_VARIABLE: str(tmp_path / "models"),
    }
    told = [
        subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [t.stdout.split() for t in told] == [["openvino", "True"], ["openvino", "False"]], told[0].stderr
    assert not (tmp_path / "told").exists()
    # The stand-in works: without our care, importing OpenVINO does import it.
    subprocess.run([sys.executable, "-c", "import openvino"], env=environment, capture_output=True)
    assert (tmp_path / "told").exists()


def test_the_whole_chain_gives_the_same_image(tmp_path, card, breast, monkeypatch):
    monkeypatch.setenv(store.ENVIRONMENT_VARIABLE, str(tmp_path / "models"))
    folder = write_model(tmp_path / "model", card)
    made = {
        name: Predictor(folder, "cpu", precision, name).synthesize_array(breast.pixels, VOIWindow(1, 2), breast.spacing)
        for name, precision in (("torch", "full"), ("openvino", "half"))
    }
    assert {m.provenance.backend for m in made.values()} == {"torch", "openvino"}
    width = card.output_normalization.high - card.output_normalization.low
    off = np.abs(made["torch"].pixels - made["openvino"].pixels)
    assert off[breast.mask].mean() / width <= ALLOWED_DIFFERENCE
