"""Stand-ins for the Qt and ctk widgets of CEMSynth.ui: only the members that Qt has and the module uses."""

import inspect
import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any


class Signal:
    def __init__(self) -> None:
        self.slots: list[Any] = []

    def connect(self, slot: Any) -> None:
        self.slots.append(slot)

    def disconnect(self, slot: Any) -> None:
        self.slots.remove(slot)

    def emit(self, *arguments: Any) -> None:
        for slot in list(self.slots):
            # PythonQt leaves out the arguments that a slot does not take.
            slot(*arguments[: len(inspect.signature(slot).parameters)])


class Widget:
    """Members: properties with their start value, and signals."""

    properties: dict[str, Any] = {}
    signals: tuple[str, ...] = ()
    common = {"enabled": True, "visible": True, "toolTip": "", "name": "", "objectName": ""}

    def __init__(self, *_parent: Any) -> None:
        vars(self).update(self.common | self.properties, _blocked=False, dynamic={})
        vars(self).update({name: Signal() for name in self.signals})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no property {name}")
        vars(self)[name] = value

    def blockSignals(self, block: bool) -> bool:
        was, self._blocked = self._blocked, block
        return was

    def property(self, name: str) -> Any:
        return self.dynamic.get(name)


class QLabel(Widget):
    properties = {"text": ""}


class QPushButton(Widget):
    properties = {"text": ""}
    signals = ("clicked",)

    def click(self) -> None:
        if self.enabled:
            self.clicked.emit()


class QCheckBox(Widget):
    properties = {"text": "", "checked": False}
    signals = ("stateChanged",)

    def __setattr__(self, name: str, value: Any) -> None:
        changed = name == "checked" and value != self.checked
        super().__setattr__(name, value)
        if changed:
            self.stateChanged.emit(2 * value)


class ctkPathLineEdit(Widget):
    properties = {"currentPath": ""}
    signals = ("currentPathChanged",)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "currentPath":
            self.currentPathChanged.emit(value)


class ctkCollapsibleButton(Widget):
    properties = {"text": "", "collapsed": False}


class ctkCollapsibleGroupBox(Widget):
    properties = {"title": "", "collapsed": False}


class qMRMLWidget(Widget):
    def setMRMLScene(self, scene: Any) -> None:
        assert scene is not None


class QTableWidgetItem:
    def __init__(self, text: str) -> None:
        assert isinstance(text, str)
        self.text_, self.data_, self.toolTip = text, {}, ""

    def text(self) -> str:
        return self.text_

    def setToolTip(self, text: str) -> None:
        self.toolTip = text

    def setData(self, role: int, value: Any) -> None:
        self.data_[role] = value

    def data(self, role: int) -> Any:
        return self.data_.get(role)


class QTableWidget(Widget):
    properties = {"rowCount": 0, "columnCount": 0, "labels": [], "items": {}, "selected": -1}
    signals = ("itemSelectionChanged",)

    def __init__(self, *parent: Any) -> None:
        super().__init__(*parent)
        self.items = {}

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

    def item(self, row: int, column: int) -> QTableWidgetItem:
        return self.items[row, column]

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


class QSettings:
    stored: dict[str, Any] = {}

    def setValue(self, key: str, value: Any) -> None:
        self.stored[key] = value

    def value(self, key: str, default: Any = None) -> Any:
        return self.stored.get(key, default)


WIDGETS = {
    kind.__name__: kind
    for kind in (
        QLabel, QPushButton, QCheckBox, ctkPathLineEdit, ctkCollapsibleButton, ctkCollapsibleGroupBox, qMRMLWidget,
        QTableWidget,
    )
}  # fmt: skip


def load_ui(path: str) -> Widget:
    """Make the widgets of a .ui file; unknown classes are an error."""
    top = None
    children: dict[str, Widget] = {}
    for element in ET.parse(path).getroot().iter("widget"):
        widget = WIDGETS[element.attrib["class"]]()
        widget.name = widget.objectName = element.attrib["name"]
        for prop in element.findall("property"):
            value = prop[0].text == "true" if prop[0].tag == "bool" else prop[0].text
            if prop.attrib.get("stdset") == "0" and prop.attrib["name"].startswith("Slicer"):
                widget.dynamic[prop.attrib["name"]] = value
            elif prop.attrib["name"] in vars(widget):
                setattr(widget, prop.attrib["name"], value)
        children[widget.name] = widget
        top = top or widget
    assert top is not None
    vars(top)["children_"] = children
    return top
