"""OpenVINO backend: the network on the CPU by OpenVINO, in bfloat16 where the processor has it and it is close."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.generator.backends import Stop, never
from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.errors import CancelledError, DeviceError, MemoryShortageError
from CEMSynthLib.generator.memory import free_host_bytes, thread_count
from CEMSynthLib.generator.openvino_network import (
    ALLOWED_DIFFERENCE,
    compile_network,
    convert,
    converted_folder,
    difference,
    import_openvino,
    probe_image,
    read_record,
    write_record,
)
from CEMSynthLib.study.model import FloatImage

# How often a running inference is asked whether to stop (ms).
_LOOK_MS = 50
# A narrower network takes less time in float32 than preparing its image does (the demo model's 16 filters: 0.05 s a
# view on two processors), so half precision would only cost accuracy: it changes faint contrasts by more than 1%.
_WIDE = 32


class OpenVINOBackend:
    """A network in OpenVINO.

    Parameters
    ----------
    model_folder, card
        The model. It is converted at its first use.
    cache
        The folder of converted models. Where it cannot be written, the converted model lives as long as this object.
    precision
        ``full``; ``half``: bfloat16, where the processor computes in it and the mean absolute difference from float32
        on a test image is at most 0.5% of the range; ``auto``: half for networks of 32 filters or more.

    Raises
    ------
    ModelError
        The weights are not right.
    DeviceError
        OpenVINO does not compute this network rightly on this processor.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, model_folder: Path, card: ModelCard, cache: Path, precision: str = "auto") -> None:
        folder = converted_folder(cache, card)
        record = read_record(folder)
        self._temporary: Path | None = None
        if record is None:
            try:
                record = convert(model_folder, card, folder)
            except OSError:
                self._temporary = Path(tempfile.mkdtemp(prefix="cemsynth-converted-"))
                folder = self._temporary / folder.name
                record = convert(model_folder, card, folder)
        try:
            if record["difference_from_torch"] > ALLOWED_DIFFERENCE:
                raise DeviceError("OpenVINO gives another result than PyTorch for this model; use PyTorch for it.")
            wanted = precision == "half" or (precision == "auto" and card.architecture.base_filters >= _WIDE)
            half = wanted and _bfloat16_is_close(folder, card, record)
            self.precision = "bfloat16" if half else "float32"
            self._compiled = compile_network(folder, "bf16" if half else "f32", thread_count())
        finally:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)

    def run(self, image: FloatImage, stop: Stop = never) -> FloatImage:
        """Send one image through the network (see `backends.Backend.run`)."""
        request = self._compiled.create_infer_request()
        try:
            request.start_async([np.ascontiguousarray(image, dtype=np.float32)[None, None]])
            while not request.wait_for(_LOOK_MS):
                if stop():
                    _abandon(request)
                    raise CancelledError("Stopped.")
            return np.array(request.get_output_tensor(0).data[0, 0], dtype=np.float32)
        except RuntimeError as error:
            if "bad_alloc" not in str(error) and "allocate" not in str(error):
                raise
            raise MemoryShortageError(
                f"There is too little free memory for an image of {image.shape[0]} x {image.shape[1]} working pixels; "
                "close other programs."
            ) from error

    def free_bytes(self) -> int | None:
        """Main memory that is free."""
        return free_host_bytes()


def _abandon(request: Any) -> None:
    """Cancel a running inference; it ends after the layer it is in."""
    request.cancel()
    try:
        request.wait()
    except RuntimeError as error:
        if "cancel" not in str(error).lower():
            raise


def _bfloat16_is_close(folder: Path, card: ModelCard, record: dict[str, Any]) -> bool:
    """Whether this processor has bfloat16, and the network stays close enough with it (measured once, then kept)."""
    core = import_openvino().Core()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return False
    processor = str(core.get_property("CPU", "FULL_DEVICE_NAME"))
    measured: dict[str, float] = record["difference_of_bfloat16"]
    if processor not in measured:
        probe = probe_image(card)
        full, half = (compile_network(folder, p)(probe[None, None])[0][0, 0] for p in ("f32", "bf16"))
        measured[processor] = difference(half, full)
        with suppress(OSError):  # then it is measured again next time
            write_record(folder, record)
    return measured[processor] <= ALLOWED_DIFFERENCE
