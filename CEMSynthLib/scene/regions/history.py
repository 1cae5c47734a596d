"""History: undo and redo of regions. Slicer's own is off by default, and would take other modules' changes along."""

from CEMSynthLib.scene.regions.info import RegionInfo

Snapshot = tuple[RegionInfo, ...]

#: Steps that are kept.
DEPTH = 100


class History:
    """What the regions were before each change."""

    def __init__(self) -> None:
        self._now: Snapshot | None = None
        self._before: list[Snapshot] = []
        self._after: list[Snapshot] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._after)

    def begin(self, now: Snapshot) -> None:
        """Tell where the history starts, if it has not started yet."""
        if self._now is None:
            self._now = now

    def settle(self, now: Snapshot) -> None:
        """Tell what the regions are now that nobody is dragging one: a step, if anything has changed."""
        if self._now is not None and now != self._now:
            self._before = [*self._before[-DEPTH + 1 :], self._now]
            self._after.clear()
        self._now = now

    def restart(self) -> None:
        """Forget all steps; the regions that are told next are where it starts (another scene was loaded)."""
        self._now = None
        self._before.clear()
        self._after.clear()

    def undo(self) -> Snapshot | None:
        """What to go back to; ``None`` if there is nothing."""
        if not self._before or self._now is None:
            return None
        self._after.append(self._now)
        self._now = self._before.pop()
        return self._now

    def redo(self) -> Snapshot | None:
        """What to go forward to; ``None`` if there is nothing."""
        if not self._after or self._now is None:
            return None
        self._before.append(self._now)
        self._now = self._after.pop()
        return self._now

    def restored(self, now: Snapshot) -> None:
        """Tell how the regions came out of an undo or redo: what MRML rounds is no step of its own."""
        self._now = now
