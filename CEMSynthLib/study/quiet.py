"""Quiet: no warning and no log line while DICOM is read, since pydicom's can quote a patient name; safe in threads."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_active: warnings.catch_warnings | None = None
_log = logging.getLogger("pydicom")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Python warnings and pydicom's log until the last user leaves.

    `warnings.catch_warnings` changes the state of the whole process, so that threads that use it side by side can
    leave the filters wrong; here the first one in sets the filter and the last one out takes it away.
    """
    global _depth, _active
    with _lock:
        if _depth == 0:
            _active = warnings.catch_warnings()
            _active.__enter__()
            warnings.simplefilter("ignore")
            _log.addFilter(_nothing)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _active is not None:
                _active.__exit__(None, None, None)
                _active = None
                _log.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    return False
