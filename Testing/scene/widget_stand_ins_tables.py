"""Stand-ins for tables and their items."""

from types import SimpleNamespace
from typing import Any

from widget_stand_ins import Widget


class QTableWidgetItem:
    def __init__(self, text: str = "") -> None:
        assert isinstance(text, str)
        self.text_, self.data_, self.toolTip, self.flags_ = text, {}, "", 63

    def text(self) -> str:
        return self.text_

    def setText(self, text: str) -> None:
        assert isinstance(text, str)
        self.text_ = text

    def setToolTip(self, text: str) -> None:
        self.toolTip = text

    def setData(self, role: int, value: Any) -> None:
        self.data_[role] = value

    def data(self, role: int) -> Any:
        return self.data_.get(role)

    def setFlags(self, flags: int) -> None:
        self.flags_ = flags

    def flags(self) -> int:
        return self.flags_


class QTableWidget(Widget):
    properties = {"rowCount": 0, "columnCount": 0, "labels": [], "items": {}, "selected": -1}
    signals = ("itemSelectionChanged", "itemChanged", "cellChanged", "cellClicked", "cellDoubleClicked")

    def setRowCount(self, count: int) -> None:
        self.rowCount = count
        self.items = {key: item for key, item in self.items.items() if key[0] < count}
        if self.selected >= count:
            self._select(-1)

    def setColumnCount(self, count: int) -> None:
        self.columnCount = count

    def setHorizontalHeaderLabels(self, labels: list[str]) -> None:
        assert len(labels) == self.columnCount
        self.labels = labels

    def setItem(self, row: int, column: int, item: QTableWidgetItem) -> None:
        assert row < self.rowCount
        assert column < self.columnCount
        self.items[row, column] = item

    def item(self, row: int, column: int) -> QTableWidgetItem | None:
        return self.items.get((row, column))

    def currentRow(self) -> int:
        return self.selected

    def selectRow(self, row: int) -> None:
        self._select(row)

    def clearSelection(self) -> None:
        self._select(-1)

    def selectedItems(self) -> list[QTableWidgetItem]:
        return [self.items[self.selected, c] for c in range(self.columnCount)] if self.selected >= 0 else []

    def _select(self, row: int) -> None:
        changed, self.selected = row != self.selected, row
        if changed and not self._blocked:
            self.itemSelectionChanged.emit()

    def resizeColumnsToContents(self) -> None:
        pass

    def horizontalHeader(self) -> Any:
        return SimpleNamespace(setStretchLastSection=lambda stretch: None)
