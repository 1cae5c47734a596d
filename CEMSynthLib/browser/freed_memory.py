"""Freed memory: images that are let go of are given back to the system at once.

glibc keeps freed blocks of up to 32 MB for later, in a heap for each thread; images are about that large. With a fixed
threshold a block of 1 MB and more is mapped by itself and gone when it is freed.
"""

import ctypes
import sys

# From malloc.h of glibc.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_THRESHOLD = 1 << 20
_ARENAS = 2


def give_back_freed_memory() -> None:
    """Set up malloc, where it is glibc's; call it before images are read."""
    if sys.platform != "linux":
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return  # another C library
    mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
    mallopt(_M_ARENA_MAX, _ARENAS)
