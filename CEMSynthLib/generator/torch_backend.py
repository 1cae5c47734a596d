"""Torch backend: the network in PyTorch, on the CPU or a GPU."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from CEMSynthLib.generator.backends import Stop, never
from CEMSynthLib.generator.errors import CancelledError, MemoryShortageError
from CEMSynthLib.generator.memory import free_host_bytes
from CEMSynthLib.study.model import FloatImage

# From compute capability 7.0 on (Volta), NVIDIA GPUs have units for float16.
_TENSOR_CORES = (7, 0)


class TorchBackend:
    """A network in PyTorch.

    Parameters
    ----------
    network
        float32, in evaluation mode. It is moved to the device.
    device
        ``cpu``, ``cuda`` or ``mps``.
    precision
        ``full``, ``half`` or ``auto``: half on a GPU that has units for it. On the CPU always full: bfloat16 through
        all layers is off by 0.63% of the range on the benchmark network, over the 0.5% allowed.
    """

    name = "torch"

    def __init__(self, network: nn.Module, device: str = "cpu", precision: str = "auto") -> None:
        self.device = device
        half = device != "cpu" and (precision == "half" or (precision == "auto" and _half_helps(device)))
        self.precision = "float16" if half else "float32"
        # Channels last is what tensor cores like; on a CPU it takes 23% more time (4.6 s of processor time, not 3.7 s,
        # for the benchmark network at 512 x 416).
        self._layout = torch.channels_last if device == "cuda" else torch.contiguous_format
        self._network = network.to(torch.device(device)).to(memory_format=self._layout)  # type: ignore[call-overload]
        self._stop: Stop = never
        for module in self._network.modules():
            if not list(module.children()):
                module.register_forward_pre_hook(self._look)

    def run(self, image: FloatImage, stop: Stop = never) -> FloatImage:
        """Send one image through the network (see `backends.Backend.run`)."""
        self._stop = stop
        try:
            with torch.inference_mode(), _exact(), torch.autocast(self.device, torch.float16, self._half):
                tensor = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None, None].to(self.device)
                output = self._network(tensor.contiguous(memory_format=self._layout))
                return np.asarray(output[0, 0].float().cpu().numpy(), dtype=np.float32)
        except RuntimeError as error:
            # A failed allocation in main memory or on an Apple GPU is a plain RuntimeError.
            told = str(error)
            if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in told or "out of memory" in told:
                self._release()
                raise self._shortage(image.shape) from error
            raise
        finally:
            self._stop = never

    def free_bytes(self) -> int | None:
        """Memory that is free on the device; ``None`` for an Apple GPU, which shares the main memory."""
        if self.device == "cuda":
            return int(torch.cuda.mem_get_info()[0])
        return free_host_bytes() if self.device == "cpu" else None

    @property
    def _half(self) -> bool:
        return self.precision == "float16"

    def _look(self, module: nn.Module, inputs: tuple[object, ...]) -> None:
        if self._stop():
            raise CancelledError("Stopped.")

    def _release(self) -> None:
        """Give the working memory of a GPU back, for the programs that took the rest."""
        if self.device == "cuda":
            torch.cuda.empty_cache()
        elif self.device == "mps":
            torch.mps.empty_cache()

    def _shortage(self, shape: tuple[int, ...]) -> MemoryShortageError:
        return MemoryShortageError(
            f"The device '{self.device}' has too little free memory for an image of {shape[0]} x {shape[1]} working "
            "pixels; close other programs or use --device cpu."
        )


def _half_helps(device: str) -> bool:
    return device == "cuda" and torch.cuda.get_device_capability() >= _TENSOR_CORES


@contextlib.contextmanager
def _exact() -> Iterator[None]:
    """The same result for the same input on a GPU, and float32 that is float32."""
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
        yield
