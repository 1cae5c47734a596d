"""Protocol: the messages between the worker process and whoever uses it, one JSON object a line (see ``protocol.md``).

Desktop, browser and command line share this file; it needs neither torch nor numpy.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.errors import (
    CancelledError,
    DeviceError,
    MemoryShortageError,
    MissingPackageError,
    ModelError,
    PreparationError,
    WorkerError,
)
from CEMSynthLib.study.model import VOIWindow

PROTOCOL_VERSION = 1
#: Longest line that is read, in bytes; a longer one is no message.
LONGEST_LINE = 1 << 20

#: Error kind -> what the client raises. The order is from the special to the general.
ERROR_KINDS: Mapping[str, type[CEMSynthError]] = {
    "out_of_memory": MemoryShortageError,
    "bad_device": DeviceError,
    "bad_model": ModelError,
    "cancelled": CancelledError,
    "missing_package": MissingPackageError,
    "bad_request": WorkerError,
    "internal": WorkerError,
    "bad_image": PreparationError,
}

#: Request type -> its fields and the types that they may have.
REQUESTS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "hello": {"protocol": (int,), "folder": (str,)},
    "devices": {"id": (str,)},
    "load_model": {"id": (str,), "model": (str,), "device": (str,), "precision": (str,), "backend": (str,)},
    "synthesize": {
        "id": (str,),
        "input": (str,),
        "output": (str,),
        "window": (dict,),
        "spacing_mm": (list, type(None)),
    },
    "cancel": {"id": (str,)},
    "shutdown": {},
}

Message = dict[str, Any]


class ProtocolError(WorkerError):
    """A line is no message of this protocol."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Make the line of a message, with its end of line."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Read a line.

    Raises
    ------
    ProtocolError
        It is no JSON object with a ``type``.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ProtocolError("The line is not JSON.") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("The line is no JSON object with a type.")
    return message


def parse_request(line: bytes) -> Message:
    """Read a request and check its fields.

    Raises
    ------
    ProtocolError
        It is no request, or a field is missing, foreign or of another type.
    """
    message = decode(line)
    fields = REQUESTS.get(message["type"])
    if fields is None:
        raise ProtocolError(f"'{str(message['type'])[:40]}' is no request; requests are {', '.join(REQUESTS)}.")
    for name, kinds in fields.items():
        if name not in message:
            raise ProtocolError(f"The request {message['type']} lacks the field {name}.")
        if not isinstance(message[name], kinds) or isinstance(message[name], bool):
            raise ProtocolError(f"The field {name} of the request {message['type']} has the wrong type.")
    foreign = message.keys() - fields.keys() - {"type"}
    if foreign:
        raise ProtocolError(f"The request {message['type']} has no field {min(foreign)[:40]}.")
    return message


def hello(folder: str) -> Message:
    """The first request: which protocol, and the private folder that all images lie in."""
    return {"type": "hello", "protocol": PROTOCOL_VERSION, "folder": folder}


def load_model(
    identity: str, model: str, device: str = "auto", precision: str = "auto", backend: str = "auto"
) -> Message:
    """Load a model; the same again costs nothing."""
    settings = {"model": model, "device": device, "precision": precision, "backend": backend}
    return {"type": "load_model", "id": identity, **settings}


def synthesize(
    identity: str, source: str, target: str, window: VOIWindow, spacing_mm: tuple[float, float] | None
) -> Message:
    """Make a synthetic image: file names of the private folder, window and spacing of the low-energy image."""
    return {
        "type": "synthesize",
        "id": identity,
        "input": source,
        "output": target,
        "window": {"center": window.center, "width": window.width, "function": window.function},
        "spacing_mm": None if spacing_mm is None else list(spacing_mm),
    }


def cancel(identity: str) -> Message:
    """Stop a job."""
    return {"type": "cancel", "id": identity}


def error_kind(error: CEMSynthError) -> str:
    """The kind under which an error is sent; what is none of the others is something about the image."""
    return next((kind for kind, type_ in ERROR_KINDS.items() if isinstance(error, type_)), "bad_image")


def error_of(message: Mapping[str, Any]) -> CEMSynthError:
    """The error that an answer of the type ``error`` stands for."""
    return ERROR_KINDS.get(str(message.get("kind")), WorkerError)(str(message.get("text", "The worker failed.")))


class LineSplitter:
    """Cuts a stream of bytes that comes in pieces into lines (several in one piece, one in several)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece and give the lines that are complete, without their ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        yield from lines
