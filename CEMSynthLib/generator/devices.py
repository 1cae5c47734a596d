"""Devices: which processor the network runs on, chosen by trying it, with the reason in words.

PyTorch is imported only where there may be a GPU.
"""

from typing import TYPE_CHECKING

from CEMSynthLib.generator.device_names import DEVICE_NAMES, driver_may_be_there
from CEMSynthLib.generator.errors import DeviceError

if TYPE_CHECKING:
    import torch


def choose_device(name: str = "auto") -> "tuple[torch.device, str]":
    """Choose the device to compute on, as PyTorch's type (see `choose_device_name`)."""
    import torch

    chosen, reason = choose_device_name(name)
    return torch.device(chosen), reason


def choose_device_name(name: str = "auto") -> tuple[str, str]:
    """Choose the device to compute on.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, ``mps``, or ``auto``: CUDA, then MPS, then CPU; a GPU is taken only after a small
        convolution ran on it.

    Returns
    -------
    str, str
        ``cpu``, ``cuda`` or ``mps``, and one sentence that says which it is and why.

    Raises
    ------
    DeviceError
        The name is unknown, or the device that was asked for is absent or does not compute rightly.
    """
    if name not in DEVICE_NAMES:
        raise DeviceError(f"The device '{name}' is not known; give one of {', '.join(DEVICE_NAMES)}.")
    if name == "cpu":
        return "cpu", "CPU, as asked."
    if name != "auto":
        failure = _failure(name)
        if failure:
            raise DeviceError(f"The device '{name}' cannot be used: {failure}; use --device auto or --device cpu.")
        return name, f"{_label(name)}, as asked."
    reasons = []
    for candidate in ("cuda", "mps"):
        failure = _failure(candidate)
        if not failure:
            return candidate, f"{_label(candidate)}, chosen because it is there and a test convolution ran on it."
        reasons.append(f"{candidate.upper()}: {failure}")
    return "cpu", f"CPU, because no GPU can be used ({'; '.join(reasons)})."


def describe_devices() -> list[dict[str, str | bool]]:
    """Each device with whether it can be used, and a sentence: its name, or why not."""
    described: list[dict[str, str | bool]] = [{"device": "cpu", "usable": True, "text": "CPU"}]
    for name in ("cuda", "mps"):
        failure = _failure(name)
        described.append({"device": name, "usable": failure is None, "text": failure or _label(name)})
    return described


def _failure(name: str) -> str | None:
    """Why the device cannot be used, or None."""
    if not driver_may_be_there(name):
        return "this machine has no driver for one"
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        return "no CUDA device was found by this PyTorch"
    if name == "mps" and not torch.backends.mps.is_available():
        return "no Apple GPU was found by this PyTorch"
    try:
        image = torch.linspace(-1, 1, 256).reshape(1, 1, 16, 16)
        kernel = torch.linspace(-1, 1, 9).reshape(1, 1, 3, 3)
        expected = torch.nn.functional.conv2d(image, kernel)
        there = torch.nn.functional.conv2d(image.to(name), kernel.to(name)).cpu()
    except (RuntimeError, AssertionError) as error:
        # "no kernel image is available for execution on the device" is found here: this PyTorch was built for others.
        return f"a test convolution failed ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    # 1e-2 leaves room for TensorFloat-32, whose products carry 10 bits; a broken device is off by far more.
    if not torch.allclose(there, expected, atol=1e-2):
        return "a test convolution gave a wrong result"
    return None


def _label(name: str) -> str:
    import torch

    return f"CUDA ({torch.cuda.get_device_name()})" if name == "cuda" else "MPS (Apple GPU)"
