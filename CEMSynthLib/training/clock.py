"""Clock: how much of a training is over, in steps or in time, also across interruptions."""

import time
from collections.abc import Mapping

from CEMSynthLib.training.plan import Plan


class Clock:
    """Counts steps and seconds of a plan.

    Parameters
    ----------
    plan
        Epochs, and minutes where limited by time.
    steps_per_epoch
        Batches of an epoch.
    """

    def __init__(self, plan: Plan, steps_per_epoch: int) -> None:
        self.steps = 0
        self._total = plan.epochs * steps_per_epoch
        self._limit = None if plan.minutes is None else plan.minutes * 60
        self._before = 0.0
        self._begun = (time.monotonic(), 0)

    def start(self) -> None:
        """Begin to count seconds."""
        self._begun = (time.monotonic(), self.steps)

    def seconds(self) -> float:
        """Spent so far, in earlier runs too."""
        return self._before + time.monotonic() - self._begun[0]

    def part_done(self) -> float:
        """From 0 to 1."""
        by_steps = self.steps / self._total
        return by_steps if self._limit is None else max(by_steps, self.seconds() / self._limit)

    def done_of(self) -> tuple[int, int]:
        """Steps of steps, or seconds of seconds where time will end it."""
        if self._limit is None or self.steps / self._total > self.seconds() / self._limit:
            return self.steps, self._total
        return min(int(self.seconds()), int(self._limit)), int(self._limit)

    def left(self) -> str:
        """Time left at the pace of this run, in words."""
        spent, steps = time.monotonic() - self._begun[0], self.steps - self._begun[1]
        seconds = (self._total - self.steps) * spent / steps if steps else 0.0
        if self._limit is not None:
            seconds = max(0.0, min(seconds, self._limit - self.seconds()))
        return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"

    def state_dict(self) -> dict[str, float]:
        """Steps and seconds."""
        return {"steps": self.steps, "seconds": self.seconds()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on counting from there."""
        self.steps, self._before = int(state["steps"]), float(state["seconds"])
