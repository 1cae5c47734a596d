"""Stand-ins for what the form of the Reading section is built from."""

from typing import Any

import widget_stand_ins as widgets
from widget_stand_ins import Widget


class _BoxLayout(Widget):
    """The layout of the widget that it is made with."""

    def __init__(self, parent: Any) -> None:
        super().__init__()
        assert isinstance(parent, Widget)


class QVBoxLayout(_BoxLayout):
    pass


class QHBoxLayout(_BoxLayout):
    pass


del widgets.WIDGETS["_BoxLayout"]
