"""Backends: the ways to run a network, what they have in common, and which is taken where (no torch)."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

from CEMSynthLib.study.model import FloatImage

BACKEND_NAMES = ("auto", "torch", "openvino")
PRECISION_NAMES = ("auto", "full", "half")

#: Asked now and then during the work; true means: stop, by raising `errors.CancelledError`.
Stop = Callable[[], bool]


def never() -> bool:
    """Go on (the default of every function that takes a `Stop`)."""
    return False


class Backend(Protocol):
    """A network ready to run."""

    @property
    def name(self) -> str:
        """``torch`` or ``openvino``."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""

    @property
    def precision(self) -> str:
        """``float32``, ``float16`` or ``bfloat16``: of the convolutions."""

    def run(self, image: FloatImage, stop: Stop = never) -> FloatImage:
        """Send one image of the network's grid through it.

        Parameters
        ----------
        image
            float32, shape (rows, columns) that the network takes, -1 to 1.
        stop
            Asked between layers.

        Returns
        -------
        ndarray of float32, same shape
            -1 to 1.

        Raises
        ------
        MemoryShortageError
            The device has too little memory.
        CancelledError
            ``stop`` said so.
        """

    def free_bytes(self) -> int | None:
        """Memory that is free on the device, ``None`` where it does not tell."""


def has_openvino() -> bool:
    """Whether the optional package ``openvino`` is installed (it is not imported)."""
    return find_spec("openvino") is not None
