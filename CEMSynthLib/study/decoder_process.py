"""Decoders apart: compressed frames are decoded in child processes, since a damaged one can end or hang a decoder.

Found by Testing/study/fuzz_reader.py: python-gdcm 3.2.6 lets C++ exceptions out of ``Image.GetBuffer``, which aborts
the interpreter; pyjpegls 1.5.1 does not come back from some frames. A child is started once (half a second), kept, and
replaced where it ended or took too long.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.study.decoder_worker import read_message, write_message

# Decoding takes about 0.1 microseconds for a pixel; twenty times that on a busy machine, and the slowest of starts.
_SECONDS, _SECONDS_PER_PIXEL, _START_SECONDS = 5.0, 2e-6, 60.0
_CHILDREN = min(4, os.cpu_count() or 1)

Child = subprocess.Popen[bytes]

_idle: list[Child] = []
_lock = threading.Lock()
_slots = threading.BoundedSemaphore(_CHILDREN)


def decode_apart(frame: bytes, **description: Any) -> NDArray[np.integer]:
    """Decode one frame in a child process.

    Parameters
    ----------
    frame
        The compressed frame.
    **description
        ``syntax`` (Transfer Syntax UID), ``plugin`` (of pydicom), and what pydicom's decoders ask for: ``rows``,
        ``columns``, ``samples_per_pixel``, ``bits_allocated``, ``bits_stored``, ``pixel_representation``,
        ``number_of_frames``, ``photometric_interpretation``, ``pixel_keyword``.

    Returns
    -------
    ndarray of integers, shape (rows, columns)
        Stored values.

    Raises
    ------
    RuntimeError
        The decoder refused the frame, ended its process or took too long.
    """
    seconds = _SECONDS + _SECONDS_PER_PIXEL * description["rows"] * description["columns"]
    with _slots:
        with _lock:
            child = _idle.pop() if _idle else None
        if child is None or child.poll() is not None:
            child = _started()
        with _within(seconds, child):
            reply = _asked(child, description, frame)
        if reply is None:
            _end(child)
        else:
            with _lock:
                _idle.append(child)
    if reply is None:
        raise RuntimeError("the decoder ended its process or took too long")
    content, data = reply
    if "error" in content:
        raise RuntimeError(str(content["error"]))
    return np.frombuffer(data, dtype=content["dtype"]).reshape(content["shape"])


def stop() -> None:
    """End the children that wait; the next frame starts another."""
    with _lock:
        children = _idle.copy()
        _idle.clear()
    for child in children:
        _end(child)


def _started() -> Child:
    # -P: the folder of the worker holds modules whose names are none of the child's business.
    command = [sys.executable, "-P", str(Path(__file__).with_name("decoder_worker.py"))]
    pipe = subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    with _within(_START_SECONDS, child):
        if child.stdout is not None:
            read_message(child.stdout)  # its greeting; without one the first request fails
    return child


@contextmanager
def _within(seconds: float, child: Child) -> Iterator[None]:
    """Kill the child where the work takes longer."""
    limit = threading.Timer(seconds, child.kill)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _asked(child: Child, description: dict[str, Any], frame: bytes) -> tuple[dict[str, Any], bytes] | None:
    if child.stdin is None or child.stdout is None:
        return None
    try:
        write_message(child.stdin, description, frame)
        return read_message(child.stdout)
    except OSError:
        return None


def _end(child: Child) -> None:
    child.kill()
    for stream in (child.stdin, child.stdout):
        try:
            if stream is not None:
                stream.close()
        except OSError:  # what a dead child did not take is lost
            continue
    child.wait()


atexit.register(stop)
