"""Devices: which processor the network runs on, chosen by trying it, with the reason in words."""

import torch

from CEMSynthLib.generator.errors import DeviceError

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> tuple[torch.device, str]:
    """Choose the device to compute on.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, ``mps``, or ``auto``: CUDA, then MPS, then CPU; a GPU is taken only after a small
        convolution ran on it.

    Returns
    -------
    torch.device, str
        The device and one sentence that says which it is and why.

    Raises
    ------
    DeviceError
        The name is unknown, or the device that was asked for is absent or does not compute rightly.
    """
    if name not in DEVICE_NAMES:
        raise DeviceError(f"The device '{name}' is not known; give one of {', '.join(DEVICE_NAMES)}.")
    if name == "cpu":
        return torch.device("cpu"), "CPU, as asked."
    if name != "auto":
        failure = _failure(name)
        if failure:
            raise DeviceError(f"The device '{name}' cannot be used: {failure}; use --device auto or --device cpu.")
        return torch.device(name), f"{_label(name)}, as asked."
    reasons = []
    for candidate in ("cuda", "mps"):
        failure = _failure(candidate)
        if not failure:
            return torch.device(
                candidate
            ), f"{_label(candidate)}, chosen because it is there and a test convolution ran on it."
        reasons.append(f"{candidate.upper()}: {failure}")
    return torch.device("cpu"), f"CPU, because no GPU can be used ({'; '.join(reasons)})."


def _failure(name: str) -> str | None:
    """Why the device cannot be used, or None."""
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
        return f"a test convolution failed ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
    # 1e-2 leaves room for TensorFloat-32, whose products carry 10 bits; a broken device is off by far more.
    if not torch.allclose(there, expected, atol=1e-2):
        return "a test convolution gave a wrong result"
    return None


def _label(name: str) -> str:
    return f"CUDA ({torch.cuda.get_device_name()})" if name == "cuda" else "MPS (Apple GPU)"
