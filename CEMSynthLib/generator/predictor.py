"""Predictor: a low-energy image in, a synthetic iodine image on the same grid out, with where it came from.

Only the low-energy image's pixels, window and spacing enter. On the CPU the result is bit-identical for the same input.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors

from CEMSynthLib.generator.card import WEIGHTS_FILE, ModelCard, find_model, load_card, read_weights
from CEMSynthLib.generator.devices import choose_device
from CEMSynthLib.generator.errors import DeviceError, ModelError
from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.generator.preprocessing import prepare, restore
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import CEMImage, FloatImage, VOIWindow


@dataclass(frozen=True)
class Provenance:
    """Which model made a synthetic image, on what, and how long it took.

    ``device_reason`` is a sentence; ``seconds`` is wall time of one image, preprocessing included.
    """

    model_name: str
    model_version: str
    weights_sha256: str
    simulated_only: bool
    device: str
    device_reason: str
    seconds: float


@dataclass(frozen=True)
class SyntheticImage:
    """A synthetic iodine image.

    Parameters
    ----------
    pixels
        float32, shape (rows, columns) of the low-energy image, recombined units; the card's air value outside
        the breast.
    window
        The VOI window to show it with, recombined units.
    warnings
        Sentences for the user.
    provenance
        Where it came from.
    """

    pixels: FloatImage
    window: VOIWindow
    warnings: tuple[str, ...]
    provenance: Provenance


class Predictor:
    """A generator ready to use.

    Parameters
    ----------
    model
        A model folder, or the name of a shipped model (``"demo"``).
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    ModelError
        The model is missing or malformed, its checksum is wrong, or its weights do not fit its network.
    DeviceError
        The device is unknown or cannot be used.
    """

    def __init__(self, model: str | Path = "demo", device: str = "auto") -> None:
        self.folder = find_model(model)
        self.card: ModelCard = load_card(self.folder)
        self.device, self.device_reason = choose_device(device)
        self._network = _load_network(self.folder, self.card).to(self.device)

    def synthesize(self, image: CEMImage) -> SyntheticImage:
        """Make the synthetic image of one low-energy image.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            The pixels cannot be read, no breast is found, or the device fails.
        """
        return self.synthesize_array(image.pixels(), image.window, image.grid.spacing_mm)

    def synthesize_array(
        self, low_energy: FloatImage, window: VOIWindow, spacing_mm: tuple[float, float] | None
    ) -> SyntheticImage:
        """Make the synthetic image of an array (see `preprocessing.prepare` for units and errors)."""
        start = time.perf_counter()
        prepared = prepare(low_energy, window, spacing_mm, self.card)
        pixels = restore(prepared, self._forward(prepared.image))
        return SyntheticImage(
            pixels=pixels,
            window=self.card.display_window,
            warnings=prepared.warnings,
            provenance=Provenance(
                model_name=self.card.name,
                model_version=self.card.version,
                weights_sha256=self.card.weights_sha256,
                simulated_only=self.card.training.simulated_only,
                device=self.device.type,
                device_reason=self.device_reason,
                seconds=time.perf_counter() - start,
            ),
        )

    def synthesize_many(self, images: Sequence[CEMImage], progress: Progress = silent) -> Iterator[SyntheticImage]:
        """Make the synthetic images one after the other; ``progress`` is told after each."""
        for done, image in enumerate(images, start=1):
            yield self.synthesize(image)
            progress(done, len(images), "synthetic images")

    def _forward(self, image: FloatImage) -> FloatImage:
        tensor = torch.from_numpy(np.ascontiguousarray(image))[None, None].to(self.device)
        try:
            with (
                torch.inference_mode(),
                torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False),
            ):
                output = self._network(tensor)
            return np.asarray(output[0, 0].float().cpu().numpy(), dtype=np.float32)
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"The device '{self.device.type}' has too little free memory for an image of "
                f"{image.shape[0]} x {image.shape[1]} working pixels; close other programs or use --device cpu."
            ) from error


def _load_network(folder: Path, card: ModelCard) -> torch.nn.Module:
    content = read_weights(folder, card)
    network = build_generator(card.architecture)
    try:
        network.load_state_dict(parse_safetensors(content))
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"The weights {folder / WEIGHTS_FILE} do not fit the network that their card describes."
        ) from error
    return network.float().eval().requires_grad_(False)
