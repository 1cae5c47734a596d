"""Device names, and the traces of a driver: all that can be known of devices without PyTorch."""

import sys
from pathlib import Path

DEVICE_NAMES = ("auto", "cpu", "cuda", "mps")
# What the drivers of NVIDIA (also in the Windows Subsystem for Linux) and AMD leave in the file system.
_DRIVER_FILES = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


def driver_may_be_there(name: str) -> bool:
    """Whether a GPU of that kind is possible at all; false only where it is certain, without importing PyTorch."""
    if name == "mps":
        return sys.platform == "darwin"
    return sys.platform == "win32" or any(Path(file).exists() for file in _DRIVER_FILES)
