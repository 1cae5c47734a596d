"""One measurement of `cemsynth benchmark`, in a process of its own, so that its peak memory is its own.

Started as ``python -m CEMSynthLib.commands.benchmark_job NAME FOLDER [small]``; prints one JSON object.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from CEMSynthLib.study.model import FloatImage

if TYPE_CHECKING:
    from CEMSynthLib.generator.card import ModelCard

#: Rows and columns of the benchmark network's image, residual blocks, filters; and of the small one.
FULL, SMALL = ((1024, 832), 9, 64), ((256, 208), 9, 16)


def benchmark_card(small: bool) -> "ModelCard":
    """The card of the benchmark network: that of the demo model with another network."""
    from CEMSynthLib.generator.card import SHIPPED_MODELS, Architecture, load_card

    _, blocks, filters = SMALL if small else FULL
    card = load_card(SHIPPED_MODELS / "demo")
    network = Architecture("resnet", filters, blocks)
    return replace(card, name="benchmark", architecture=network, working_spacing_mm=1.0 if small else 0.25)


def make_model(folder: Path, small: bool) -> None:
    """Write the benchmark network with random weights (seed 0) as a model folder."""
    import hashlib

    import torch
    from safetensors.torch import save

    from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE
    from CEMSynthLib.generator.networks import build_generator

    torch.manual_seed(0)
    card = benchmark_card(small)
    content = save(build_generator(card.architecture).state_dict())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(content)
    card = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


def benchmark_image(small: bool) -> FloatImage:
    """The image of the benchmark network: smooth noise in a half ellipse that fills the frame, beside air."""
    from scipy import ndimage

    (rows, columns), _, _ = SMALL if small else FULL
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(rows, columns)), 3)
    y, x = np.mgrid[0:rows, 0:columns]
    breast = (y / rows * 2 - 1) ** 2 + (x / columns) ** 2 < 1
    return np.where(breast, np.clip(0.3 * noise / noise.std(), -1, 1), -1).astype(np.float32)


def run_network(folder: Path, name: str, small: bool) -> dict[str, Any]:
    """One forward pass; ``name`` is ``eager``, or device, backend and precision. The output goes to a file."""
    from CEMSynthLib.generator.card import load_card

    image = benchmark_image(small)
    card = load_card(folder / "model")
    forward: Callable[[FloatImage], FloatImage]
    if name == "eager":
        import torch

        from CEMSynthLib.generator.weights_check import load_network

        network = load_network(folder / "model", card)

        def eager(given: FloatImage) -> FloatImage:
            with torch.inference_mode():
                return np.asarray(network(torch.from_numpy(given)[None, None])[0, 0].numpy(), dtype=np.float32)

        forward = eager
    else:
        from CEMSynthLib.generator.predictor import Predictor

        device, backend, precision = name.split(",")
        forward = Predictor(folder / "model", device, precision, backend).backend.run
    # OpenVINO plans for a size at its first image; its peak memory is reached then, and kept.
    first = _timed(lambda: forward(image[:64, :64] if name == "eager" else image))
    result = _timed(lambda: forward(image))
    result["peak_bytes"] = max(result["peak_bytes"] or 0, first["peak_bytes"] or 0) or None
    np.save(folder / f"{name}.npy", result.pop("value"))
    return result


def run_reading(folder: Path) -> dict[str, Any]:
    """Read all pixels of the study."""
    from CEMSynthLib.study.reader import read_folder

    def read() -> int:
        found = read_folder(folder / "study" / "dicom")
        return sum(i.pixels().size for s in found.studies for a in s.acquisitions for i in a.images)

    return _timed(read)


def run_view(folder: Path, what: str) -> dict[str, Any]:
    """Preprocessing and restoring, two regions in the middle of the breast, or halo, of the first view."""
    from CEMSynthLib.generator.card import SHIPPED_MODELS, load_card
    from CEMSynthLib.generator.preprocessing import prepare, restore
    from CEMSynthLib.measurement.cnr import CNRFormula, contrast_to_noise
    from CEMSynthLib.measurement.halo import measure_halo
    from CEMSynthLib.study.mask import breast_mask, skin_edge
    from CEMSynthLib.study.reader import read_folder

    acquisition = read_folder(folder / "study" / "dicom").studies[0].acquisitions[0]
    low = acquisition.low_energy
    if low is None:
        raise RuntimeError("a simulated acquisition has a low-energy image")
    pixels, spacing = low.pixels(), low.grid.spacing_mm
    card = load_card(SHIPPED_MODELS / "demo")
    mask = breast_mask(pixels, spacing)
    skin, width = skin_edge(mask.mask, mask.chest_wall), low.window.high - low.window.low
    y, x = np.indices(pixels.shape)
    row, column = np.argwhere(mask.mask).mean(axis=0)
    distance = np.asarray(np.hypot(y - row, x - column))
    lesion, around = distance < 25, (distance > 40) & (distance < 60) & mask.mask

    def prepared_and_back() -> None:
        prepared = prepare(pixels, low.window, spacing, card)
        restore(prepared, prepared.image)

    jobs: dict[str, Callable[[], Any]] = {
        "preparing": prepared_and_back,
        "regions": lambda: [contrast_to_noise(pixels, lesion, around, spacing, formula) for formula in CNRFormula],
        "halo": lambda: measure_halo(pixels, mask.mask, skin, mask.chest_wall.value, spacing, width),
    }
    return _timed(jobs[what])


def run_study(folder: Path, device: str) -> dict[str, Any]:
    """Four views by the worker and the benchmark network: cold (with start and load), warm, and the bare network."""
    from CEMSynthLib.generator.client import WorkerGenerator
    from CEMSynthLib.generator.predictor import Predictor
    from CEMSynthLib.generator.preprocessing import prepare
    from CEMSynthLib.study.reader import read_folder

    found = read_folder(folder / "study" / "dicom")
    images = [a.low_energy for s in found.studies for a in s.acquisitions if a.low_energy is not None]
    start = time.perf_counter()
    with WorkerGenerator(folder / "model", device) as generator:
        for image in images:
            generator.synthesize(image)
        cold = time.perf_counter() - start
        warm = _timed(lambda: [generator.synthesize(image) for image in images])
    predictor = Predictor(folder / "model", device)
    prepared = [prepare(i.pixels(), i.window, i.grid.spacing_mm, predictor.card).image for i in images]
    run = predictor.backend.run
    [run(image) for image in prepared]
    bare = _timed(lambda: [run(image) for image in prepared])
    return {"cold": cold, "warm": warm["seconds"], "bare": bare["seconds"], "where": generator.device_reason}


def _timed(work: Callable[[], Any]) -> dict[str, Any]:
    """Wall time, processor time and growth of the peak memory (Linux; None elsewhere) of one call."""
    before = _start_peak()
    processor, start = time.process_time(), time.perf_counter()
    value = work()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    after = _status("VmHWM")
    grown = None if before is None or after is None else after - before
    return {"seconds": seconds, "processor_seconds": processor, "peak_bytes": grown, "value": value}


def _start_peak() -> int | None:
    """Let the peak begin at what is used now (proc(5), clear_refs); return that."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> int | None:
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None


def main(name: str, folder: Path, small: bool) -> None:
    """Measure ``name`` and print the result."""
    if name.startswith("network:"):
        result = run_network(folder, name.partition(":")[2], small)
    elif name.startswith("study:"):
        result = run_study(folder, name.partition(":")[2])
    elif name == "reading":
        result = run_reading(folder)
    else:
        result = run_view(folder, name)
    print(json.dumps({key: value for key, value in result.items() if key != "value"}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "small" in sys.argv[3:])
