"""Stand-ins for the color button of the Regions section, and for the clipboard."""

from typing import Any

from widget_stand_ins import WIDGETS, QFileDialog, QPushButton


class QColor:
    def __init__(self, red: float = 0.0, green: float = 0.0, blue: float = 0.0) -> None:
        self.values = (red, green, blue)

    @staticmethod
    def fromRgbF(red: float, green: float, blue: float) -> "QColor":
        return QColor(red, green, blue)

    def redF(self) -> float:
        return self.values[0]

    def greenF(self) -> float:
        return self.values[1]

    def blueF(self) -> float:
        return self.values[2]

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, QColor) and self.values == other.values

    __hash__ = None  # type: ignore[assignment]


WIDGETS["QColor"] = QColor


class ctkColorPickerButton(QPushButton):
    properties = QPushButton.properties | {"color": QColor(), "displayColorName": True}
    changes = QPushButton.changes | {"color": "colorChanged"}


def _existing_directory(_parent: Any, _title: str, _folder: str) -> str:
    return QFileDialog.answers.pop(0)


QFileDialog.getExistingDirectory = staticmethod(_existing_directory)
