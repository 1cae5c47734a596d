"""Stand-ins for what one of several is chosen with."""

from typing import Any

from widget_stand_ins import Widget


class QComboBox(Widget):
    properties = {"items_": [], "currentIndex": -1}
    signals = ("activated", "currentTextChanged")
    changes = {"currentIndex": "currentIndexChanged"}

    def __setattr__(self, name: str, value: Any) -> None:
        changed = name == "currentIndex" and value != self.currentIndex
        super().__setattr__(name, value)
        if changed and not self._blocked:
            self.currentTextChanged.emit(self.currentText)

    @property
    def count(self) -> int:
        return len(self.items_)

    @property
    def currentText(self) -> str:
        return self.items_[self.currentIndex][0] if self.currentIndex >= 0 else ""

    @property
    def currentData(self) -> Any:
        return self.items_[self.currentIndex][1] if self.currentIndex >= 0 else None

    def addItem(self, text: str, data: Any = None) -> None:
        self.items_.append([text, data, {}])
        if self.currentIndex < 0:
            self.currentIndex = 0

    def addItems(self, texts: list[str]) -> None:
        for text in texts:
            self.addItem(text)

    def clear(self) -> None:
        self.items_.clear()
        self.currentIndex = -1

    def itemText(self, index: int) -> str:
        return self.items_[index][0]

    def itemData(self, index: int, role: int = 256) -> Any:
        return self.items_[index][1] if role == 256 else self.items_[index][2].get(role)

    def setItemText(self, index: int, text: str) -> None:
        self.items_[index][0] = text

    def setItemData(self, index: int, value: Any, role: int = 256) -> None:
        if role == 256:
            self.items_[index][1] = value
        else:
            self.items_[index][2][role] = value

    def findData(self, data: Any) -> int:
        return next((i for i, item in enumerate(self.items_) if item[1] == data), -1)

    def findText(self, text: str) -> int:
        return next((i for i, item in enumerate(self.items_) if item[0] == text), -1)

    def setCurrentIndex(self, index: int) -> None:
        self.currentIndex = index
