"""How long work tells its caller how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called after each finished step; it may raise (KeyboardInterrupt, a cancel) to stop the work."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Report ``done`` of ``total`` steps; ``what`` names the step in a few words, never a patient."""


def silent(done: int, total: int, what: str) -> None:
    """Report to nobody (the default of every function that takes a `Progress`)."""
