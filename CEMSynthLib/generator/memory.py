"""Memory: what one image through a network needs, and what is free (no torch)."""

import ctypes
import os
import sys
from pathlib import Path

from CEMSynthLib.generator.card import Architecture

# Peak memory beyond the weights, in float32 values per image pixel and channel of the first layer, measured as growth
# of the process and rounded up. The layers at full size dominate: the stem, or the last doubling with its padded copy
# and its norm; in the small U-Net, whose last doubling takes three times the first layer's channels, with that copy in
# the convolution's own layout too.
_VALUES_PER_PIXEL_AND_CHANNEL = {"resnet": 6.0, "unet": 14.0, "unet_pix2pix": 5.0}
# Preprocessing and the image itself, bytes per pixel of the network's grid.
_BYTES_PER_PIXEL = 64


def needed_bytes(architecture: Architecture, shape: tuple[int, int], bytes_per_value: int = 4) -> int:
    """Estimate the peak memory of one image on the way through the network, weights left out.

    Parameters
    ----------
    architecture
        The network.
    shape
        Rows and columns that enter it.
    bytes_per_value
        4 for float32, 2 for half precision.

    Returns
    -------
    int
        Bytes; an upper estimate.
    """
    pixels = shape[0] * shape[1]
    values = _VALUES_PER_PIXEL_AND_CHANNEL[architecture.type] * architecture.base_filters
    return int(pixels * (values * bytes_per_value + _BYTES_PER_PIXEL))


def free_host_bytes() -> int | None:
    """Main memory that can be had without swapping, ``None`` where the system does not tell.

    On Linux the smaller of what the machine has available and what the control group (a container, a batch job) leaves.
    """
    if sys.platform == "win32":
        return _free_on_windows()
    available = _available_on_linux()
    if available is None:
        return None
    left = [limit - used for limit, used in _control_group()]
    return max(0, min([available, *left]))


def gigabytes(count: int) -> str:
    """``"1.3 GB"`` (10^9 bytes)."""
    return f"{count / 1e9:.1f} GB"


def _available_on_linux() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in fields else None


def _control_group() -> list[tuple[int, int]]:
    """(limit, used) in bytes of version 2 and version 1, where there is one."""
    found = []
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            values = [(Path(folder) / name).read_text(encoding="ascii").strip() for name in (limit, used)]
        except OSError:
            continue
        if all(value.isdecimal() for value in values):
            found.append((int(values[0]), int(values[1])))
    return found


def _free_on_windows() -> int | None:
    class MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "available", "page_total", "page_available")),
            *((name, ctypes.c_ulonglong) for name in ("virtual_total", "virtual_available", "extended")),
        )

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    windows = getattr(ctypes, "windll", None)
    if windows is None or not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.available)


def thread_count() -> int:
    """How many threads to compute with: ``OMP_NUM_THREADS`` where it is set, else every processor of this process."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
