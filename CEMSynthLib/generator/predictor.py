"""Predictor: a low-energy image in, a synthetic iodine image on the same grid out, with where it came from.

Only the low-energy image's pixels, window and spacing enter. The image goes through the network whole, cropped to the
breast: no tiles, so no seams, and the instance norm sees exactly what it saw in training. On the CPU the result is
bit-identical for the same input on the same machine.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from CEMSynthLib.generator.backends import BACKEND_NAMES, PRECISION_NAMES, Backend, Stop, has_openvino, never
from CEMSynthLib.generator.card import ModelCard, load_card, verify_weights
from CEMSynthLib.generator.devices import choose_device_name
from CEMSynthLib.generator.errors import CancelledError, DeviceError, MemoryShortageError
from CEMSynthLib.generator.image_statistics import image_statistics, outside_training_range
from CEMSynthLib.generator.memory import gigabytes, needed_bytes
from CEMSynthLib.generator.preprocessing import Prepared, prepare, restore
from CEMSynthLib.generator.results import INSIDE, NOT_KNOWN, OUTSIDE, Provenance, SyntheticImage
from CEMSynthLib.generator.store import converted_models, find_model
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import CEMImage, FloatImage, VOIWindow


class Predictor:
    """A generator ready to use.

    Parameters
    ----------
    model
        A model folder, or the name of a model of the store (``"demo"``).
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision
        ``auto``: half precision where it is faster and close enough; ``full``; ``half``.
    backend
        On the CPU ``openvino``, ``torch``, or ``auto``: OpenVINO where it is installed. A GPU is always used by torch.

    Raises
    ------
    ModelError
        The model is missing or malformed, its checksum is wrong, or its weights do not fit its network.
    DeviceError
        The device is unknown or cannot be used.
    """

    def __init__(
        self, model: str | Path = "demo", device: str = "auto", precision: str = "auto", backend: str = "auto"
    ) -> None:
        for given, names in ((precision, PRECISION_NAMES), (backend, BACKEND_NAMES)):
            if given not in names:
                raise DeviceError(f"'{given}' is not known; give one of {', '.join(names)}.")
        self.folder = find_model(model)
        self.card: ModelCard = load_card(self.folder)
        verify_weights(self.folder, self.card)
        self._precision, self._cpu_backend = precision, backend
        name, self._why_this_device = choose_device_name(device)
        self._backend = self._make(name)

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return self._backend.device

    @property
    def device_reason(self) -> str:
        """Which device and why, and what computes on it in which precision."""
        program = {"torch": "PyTorch", "openvino": "OpenVINO"}[self._backend.name]
        return f"{self._why_this_device} Computed by {program} in {self._backend.precision}."

    @property
    def backend(self) -> Backend:
        """What runs the network."""
        return self._backend

    def synthesize(self, image: CEMImage, stop: Stop = never) -> SyntheticImage:
        """Make the synthetic image of one low-energy image.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            The pixels cannot be read, no breast is found, or the device fails.
        """
        return self.synthesize_array(image.pixels(), image.window, image.grid.spacing_mm, stop)

    def synthesize_array(
        self,
        low_energy: FloatImage,
        window: VOIWindow,
        spacing_mm: tuple[float, float] | None,
        stop: Stop = never,
        progress: Progress = silent,
    ) -> SyntheticImage:
        """Make the synthetic image of an array (see `preprocessing.prepare` for units and errors).

        Parameters
        ----------
        low_energy, window, spacing_mm
            See `preprocessing.prepare`.
        stop
            Asked between the steps and the layers; see `backends.Stop`.
        progress
            Called before each of the three steps: preparing, network, restoring.

        Raises
        ------
        MemoryShortageError
            Neither the GPU nor the main memory has room for the image.
        CancelledError
            ``stop`` said so.
        """
        start = time.perf_counter()
        steps = ("preparing", "network", "restoring")

        def begin(number: int) -> None:
            if stop():
                raise CancelledError("Stopped.")
            progress(number, len(steps), steps[number])

        begin(0)
        prepared = prepare(low_energy, window, spacing_mm, self.card)
        training_range, range_warnings = self._judge(prepared, spacing_mm)
        begin(1)
        output, device_warnings = self._forward(prepared.image, stop)
        begin(2)
        pixels = restore(prepared, output)
        return SyntheticImage(
            pixels=pixels,
            window=self.card.display_window,
            warnings=(*prepared.warnings, *range_warnings, *device_warnings),
            provenance=Provenance(
                model_name=self.card.name,
                model_version=self.card.version,
                weights_sha256=self.card.weights_sha256,
                simulated_only=self.card.training.simulated_only,
                device=self._backend.device,
                device_reason=self.device_reason,
                backend=self._backend.name,
                precision=self._backend.precision,
                seconds=time.perf_counter() - start,
            ),
            training_range=training_range,
        )

    def synthesize_many(self, images: Sequence[CEMImage], progress: Progress = silent) -> Iterator[SyntheticImage]:
        """Make the synthetic images one after the other; ``progress`` is told after each."""
        for done, image in enumerate(images, start=1):
            yield self.synthesize(image)
            progress(done, len(images), "synthetic images")

    def _make(self, device: str) -> Backend:
        if device == "cpu" and (self._cpu_backend == "openvino" or (self._cpu_backend == "auto" and has_openvino())):
            from CEMSynthLib.generator.openvino_backend import OpenVINOBackend

            try:
                return OpenVINOBackend(self.folder, self.card, converted_models(), self._precision)
            except (DeviceError, ImportError):
                # OpenVINO does not compute this network rightly here, or its libraries do not load.
                if self._cpu_backend == "openvino":
                    raise
        from CEMSynthLib.generator.torch_backend import TorchBackend
        from CEMSynthLib.generator.weights_check import load_network

        return TorchBackend(load_network(self.folder, self.card), device, self._precision)

    def _judge(self, prepared: Prepared, spacing_mm: tuple[float, float] | None) -> tuple[str, tuple[str, ...]]:
        if self.card.training_range is None:
            return NOT_KNOWN, ()
        figures = image_statistics(prepared, spacing_mm)
        outside = outside_training_range(figures, self.card.training_range)
        if not outside:
            # Without its spacing an image is judged by gray scale and texture alone, which real breasts pass too.
            return (INSIDE if self.card.training_range.keys() <= figures.keys() else NOT_KNOWN), ()
        return OUTSIDE, (f"The image is unlike those the model was trained on: {'; '.join(outside)}.",)

    def _forward(self, image: FloatImage, stop: Stop) -> tuple[FloatImage, tuple[str, ...]]:
        """Run the network; a GPU without room hands over to the CPU for good, and says so."""
        try:
            self._require_room(image.shape)
            return self._backend.run(image, stop), ()
        except MemoryShortageError as error:
            if self._backend.device == "cpu":
                raise
            warning = f"The {self._backend.device.upper()} device has too little free memory; the CPU was used instead."
            self._why_this_device = f"CPU, because of this: {error}"
        self._backend = self._make("cpu")
        self._require_room(image.shape)
        return self._backend.run(image, stop), (warning,)

    def _require_room(self, shape: tuple[int, ...]) -> None:
        size = 2 if self._backend.precision == "float16" else 4  # bfloat16 keeps the layers at full size in float32
        needed, free = needed_bytes(self.card.architecture, (shape[0], shape[1]), size), self._backend.free_bytes()
        if free is not None and needed > free:
            raise MemoryShortageError(
                f"An image of {shape[0]} x {shape[1]} working pixels needs about {gigabytes(needed)} of memory on the "
                f"device '{self._backend.device}', and {gigabytes(free)} are free; close other programs."
            )
