"""GDCM apart: frames are decoded by GDCM in a child process, since a damaged one ends the process that GDCM runs in.

python-gdcm 3.2.6 lets C++ exceptions out of ``Image.GetBuffer``, which aborts the interpreter (found by
Testing/study/fuzz_reader.py). The child is started once (half a second) and again after each such end.
"""

import atexit
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.study.gdcm_worker import read_message, write_message

# A mammogram takes a fraction of a second.
_SECONDS = 60.0
_lock = threading.Lock()
_child: "subprocess.Popen[bytes] | None" = None


def decode_with_gdcm(frame: bytes, **description: Any) -> NDArray[np.integer]:
    """Decode one frame.

    Parameters
    ----------
    frame
        The compressed frame.
    **description
        ``syntax`` (Transfer Syntax UID) and what pydicom's decoders ask for: ``rows``, ``columns``,
        ``samples_per_pixel``, ``bits_allocated``, ``bits_stored``, ``pixel_representation``, ``number_of_frames``,
        ``photometric_interpretation``, ``pixel_keyword``.

    Returns
    -------
    ndarray of integers, shape (rows, columns)
        Stored values.

    Raises
    ------
    RuntimeError
        GDCM refused the frame, ended its process or took longer than a minute.
    """
    with _lock:
        child = _running()
        assert child.stdin is not None
        assert child.stdout is not None
        limit = threading.Timer(_SECONDS, child.kill)
        limit.start()
        try:
            write_message(child.stdin, description, frame)
            reply = read_message(child.stdout)
        except OSError:
            reply = None
        finally:
            limit.cancel()
        if reply is None:
            stop()
    if reply is None:
        raise RuntimeError("GDCM ended its process")
    content, data = reply
    if "error" in content:
        raise RuntimeError(f"GDCM: {content['error']}")
    return np.frombuffer(data, dtype=content["dtype"]).reshape(content["shape"])


def _running() -> "subprocess.Popen[bytes]":
    global _child
    if _child is None or _child.poll() is not None:
        stop()
        worker = Path(__file__).with_name("gdcm_worker.py")
        # -P: the folder of the worker holds modules whose names are none of the child's business.
        _child = subprocess.Popen(
            [sys.executable, "-P", str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return _child


def stop() -> None:
    """End the child process, if there is one; the next frame starts another."""
    global _child
    child, _child = _child, None
    if child is not None:
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what a dead child did not take is lost
                    continue
        child.kill()
        child.wait()


atexit.register(stop)
