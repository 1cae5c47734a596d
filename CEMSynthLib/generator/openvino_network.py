"""OpenVINO network: a model converted once, kept in the user's folder by checksum and version, and checked before use.

Conversion goes through PyTorch; a converted model needs none. In bfloat16 the whole benchmark network is off by 0.56%
of the output range (mean absolute difference); with the layers before the fourth convolution in float32 it is 0.30%,
for a quarter more time than without. So these layers are marked as precise in the converted file.
"""

import hashlib
import importlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np

from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.errors import DeviceError
from CEMSynthLib.study.model import FloatImage

#: Raised by one when the conversion changes, so that older converted files are not used.
CONVERTER_VERSION = 1
#: Mean absolute difference from float32 PyTorch, as part of the output range, that is allowed.
ALLOWED_DIFFERENCE = 0.005
NETWORK, VALUES, RECORD = "network.xml", "network.bin", "converted.json"

_CONVOLUTIONS = ("Convolution", "GroupConvolution", "ConvolutionBackpropData")
_PRECISE_CONVOLUTIONS = 3
# The network ends in tanh.
_OUTPUT_RANGE = 2.0


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, which would send a message over the network at each import.

    Raises
    ------
    ModuleNotFoundError
        The package ``openvino`` is not installed.
    """
    # None in sys.modules makes the import of that name fail; OpenVINO then takes a stand-in that sends nothing.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    openvino: ModuleType = importlib.import_module("openvino")
    return openvino


def converted_folder(cache: Path, card: ModelCard) -> Path:
    """The folder of a converted model: one for each weights, architecture, converter and OpenVINO version."""
    architecture = json.dumps(json.loads(card.to_json())["architecture"], sort_keys=True)
    key = hashlib.sha256(f"{card.weights_sha256} {architecture}".encode()).hexdigest()
    version = str(import_openvino().__version__).split("-")[0]
    return cache / f"{key[:24]}-openvino{version}-{CONVERTER_VERSION}"


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read the record of a converted model, ``None`` where it is not whole or a file is not the one it names."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (NETWORK, VALUES)}
    except (OSError, ValueError):
        return None
    whole = isinstance(record, dict) and record.keys() >= {"difference_from_torch", "difference_of_bfloat16"}
    return record if whole and record.get("files") == hashes else None


def convert(model_folder: Path, card: ModelCard, target: Path) -> dict[str, Any]:
    """Convert a model and check it against PyTorch on a test image.

    Parameters
    ----------
    model_folder
        Holds card and weights; both are checked.
    card
        Its card.
    target
        The folder to make; it appears when all is complete.

    Returns
    -------
    dict
        The record: hashes of the files, and the mean absolute difference from PyTorch as part of the output range.

    Raises
    ------
    ModelError
        The weights are not right (`weights_check.load_network`).
    DeviceError
        OpenVINO cannot convert it.
    OSError
        The folder cannot be written.
    """
    import torch
    from torch.jit._trace import TracerWarning

    from CEMSynthLib.generator.weights_check import load_network

    openvino = import_openvino()
    network = load_network(model_folder, card)
    probe = probe_image(card)
    with torch.inference_mode():
        expected = network(torch.from_numpy(probe)[None, None])[0, 0].numpy()
    # Without gradients, since the instance norm of the networks is written in another way for training.
    with warnings.catch_warnings(), torch.no_grad():
        # Branches on the number of channels are fixed by the architecture, and the result is compared below.
        warnings.simplefilter("ignore", TracerWarning)
        try:
            model = openvino.convert_model(
                network,
                example_input=torch.from_numpy(probe)[None, None],
                input=[openvino.PartialShape([1, 1, -1, -1])],
            )
        except RuntimeError as error:
            raise DeviceError("OpenVINO cannot convert this model; use PyTorch for it.") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
    try:
        openvino.save_model(model, part / NETWORK, compress_to_fp16=False)
        (part / NETWORK).write_bytes(_with_precise_layers((part / NETWORK).read_bytes()))
        compiled = compile_network(part, "f32")
        record = {
            "openvino": str(openvino.__version__),
            "weights_sha256": card.weights_sha256,
            "files": {name: hashlib.sha256((part / name).read_bytes()).hexdigest() for name in (NETWORK, VALUES)},
            "difference_from_torch": difference(compiled(probe[None, None])[0][0, 0], expected),
            "difference_of_bfloat16": {},
        }
        write_record(part, record)
        _put(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return record


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write the record of a converted model, whole or not at all."""
    part = folder / f".{RECORD}.{os.getpid()}.part"
    part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(part, folder / RECORD)


def compile_network(folder: Path, precision: str, threads: int | None = None) -> Any:
    """Read a converted model and make it ready to run on the CPU.

    Parameters
    ----------
    folder
        See `converted_folder`.
    precision
        ``f32`` or ``bf16``.
    threads
        ``None``: as OpenVINO likes.

    Returns
    -------
    openvino.CompiledModel
    """
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    return import_openvino().Core().compile_model(folder / NETWORK, "CPU", settings)


def difference(values: FloatImage, expected: FloatImage) -> float:
    """Mean absolute difference as part of the output range."""
    return float(np.abs(values.astype(np.float64) - expected).mean() / _OUTPUT_RANGE)


def probe_image(card: ModelCard) -> FloatImage:
    """A test image that the network takes: half an ellipse of smooth texture beside air, always the same."""
    multiple = card.architecture.size_multiple
    rows, columns = (multiple * -(-size // multiple) for size in (256, 192))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    waves = [np.sin(0.11 * y + 0.07 * x), np.sin(0.31 * x - 0.05 * y + 1), np.sin(0.023 * y * 0.9 + 0.6 * x)]
    breast = (y / rows * 2 - 1) ** 2 + (x / columns / 0.9) ** 2 < 1
    air = card.input_normalization.air
    return np.where(breast, 0.2 * np.sum(waves, axis=0), air).astype(np.float32)


def _with_precise_layers(network: bytes) -> bytes:
    """Mark every layer before the fourth convolution as one that stays in float32."""
    root = ElementTree.fromstring(network)
    convolutions = 0
    for layer in root.iterfind("./layers/layer"):  # in the order of the computation
        kind = layer.get("type")
        convolutions += kind in _CONVOLUTIONS
        if convolutions > _PRECISE_CONVOLUTIONS:
            break
        if kind == "Pad":
            # The newer Pad is replaced when the network is compiled, and loses its mark; without negative pads both
            # mean the same.
            layer.set("version", "opset1")
        if kind not in ("Parameter", "Const", "Result"):
            information = layer.find("rt_info")
            if information is None:
                information = ElementTree.SubElement(layer, "rt_info")
            ElementTree.SubElement(information, "attribute", name="precise", version="0")
    marked: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return marked


def _put(part: Path, target: Path) -> None:
    """Move a complete folder to its place; where another process was faster, its folder stays."""
    if target.exists() and read_record(target) is None:
        shutil.rmtree(target)
    try:
        os.replace(part, target)
    except OSError:
        if read_record(target) is None:
            raise
