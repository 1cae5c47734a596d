"""Halo work: the halo of one acquisition measured in a thread, while the page answers; it can be canceled."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from CEMSynthLib.errors import CEMSynthError

if TYPE_CHECKING:
    from CEMSynthLib.scene.halo.input import HaloInput
    from CEMSynthLib.scene.halo.measurement import HaloMeasurement


class MeasuringCanceledError(CEMSynthError):
    """Measuring was canceled; nobody waits for it."""


class HaloWork:
    """One measurement at a time.

    Parameters
    ----------
    on_progress
        Called on the page's thread with the finished part, 0 to 1.
    """

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress
        self._number = 0
        self.running = False

    def cancel(self) -> None:
        """Stop after the present step; its result is thrown away."""
        self._number += 1
        self.running = False

    async def run(self, given: "HaloInput") -> "HaloMeasurement":
        """Measure.

        Raises
        ------
        MeasuringCanceledError
            It was canceled, or another measurement was started.
        CEMSynthLib.errors.CEMSynthError
            It cannot be measured.
        """
        from CEMSynthLib.scene.halo.measurement import measure

        self.cancel()
        number, loop = self._number, asyncio.get_running_loop()
        self.running = True

        def tell(done: int, total: int, what: str) -> None:
            if number != self._number:
                raise MeasuringCanceledError
            loop.call_soon_threadsafe(self._tell, number, done / total)

        try:
            found = await loop.run_in_executor(None, measure, given, tell)
        finally:
            if number == self._number:
                self.running = False
        if number != self._number:
            raise MeasuringCanceledError
        return found

    def _tell(self, number: int, fraction: float) -> None:
        if number == self._number:
            self._on_progress(fraction)
