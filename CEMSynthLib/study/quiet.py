"""Quiet: no Python warning while DICOM is read, since pydicom's warnings can quote a patient name; safe in threads."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_active: warnings.catch_warnings | None = None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Python warnings until the last user leaves.

    `warnings.catch_warnings` changes the state of the whole process, so that threads that use it side by side can
    leave the filters wrong; here the first one in sets the filter and the last one out takes it away.
    """
    global _depth, _active
    with _lock:
        if _depth == 0:
            _active = warnings.catch_warnings()
            _active.__enter__()
            warnings.simplefilter("ignore")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _active is not None:
                _active.__exit__(None, None, None)
                _active = None
