"""Stand-ins for the keys of the Compare section."""

from typing import Any, ClassVar

from widget_stand_ins import Widget


class QKeySequence(Widget):
    def __init__(self, keys: str) -> None:
        super().__init__()
        vars(self)["keys"] = keys


class QShortcut(Widget):
    """Keys of a window; ``made`` are those that still have one."""

    made: ClassVar[list["QShortcut"]] = []
    signals = ("activated",)

    def __init__(self, keys: QKeySequence, parent: Any) -> None:
        super().__init__()
        assert parent is not None
        vars(self).update(keys=keys.keys)
        self.made.append(self)

    def setParent(self, parent: Any) -> None:
        assert parent is None
        self.made.remove(self)

    def deleteLater(self) -> None:
        assert self not in self.made
