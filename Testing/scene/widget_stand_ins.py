"""Stand-ins for Qt, ctk and MRML widgets: only the members that the real ones have and the module uses.

Every class derived from Widget is known by its name to load_ui(). To add widgets, derive more classes in a file
``widget_stand_ins_<what>.py`` beside this one (``from widget_stand_ins import Signal, Widget``); stand_ins.py loads
it. Check names against the real source: a property here is a property there, a method a slot or invokable there.
"""

import inspect
import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any

WIDGETS: dict[str, type] = {}


class Signal:
    def __init__(self) -> None:
        self.slots: list[Any] = []

    def connect(self, slot: Any) -> None:
        self.slots.append(slot)

    def disconnect(self, slot: Any) -> None:
        self.slots.remove(slot)

    def emit(self, *arguments: Any) -> None:
        for slot in list(self.slots):
            # PythonQt leaves out the arguments that a function or method does not take, but gives all to a partial().
            plain = inspect.isfunction(slot) or inspect.ismethod(slot)
            slot(*arguments[: len(inspect.signature(slot).parameters) if plain else None])


class Layout:
    """The layout of a widget: what is added becomes its child, and stays one when it is taken out of the layout."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def addWidget(self, widget: Any) -> None:
        self.owner.children_.append(widget)

    def removeWidget(self, widget: Any) -> None:
        assert widget in self.owner.children_
        self.owner.outside_.append(widget)

    def indexOf(self, widget: Any) -> int:
        inside = [child for child in self.owner.children_ if child not in self.owner.outside_]
        return inside.index(widget) if widget in inside else -1

    def insertWidget(self, index: int, widget: Any) -> None:
        if widget in self.owner.children_:
            self.owner.children_.remove(widget)
        if widget in self.owner.outside_:
            self.owner.outside_.remove(widget)
        self.owner.children_.insert(index, widget)


class Widget:
    """Members: properties with their start value, and signals. A signal named in ``changes`` tells of a new value."""

    properties: dict[str, Any] = {}
    signals: tuple[str, ...] = ()
    #: Property -> signal that is emitted with its new value.
    changes: dict[str, str] = {}
    common = {"enabled": True, "visible": True, "toolTip": "", "name": "", "objectName": "", "styleSheet": ""}

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        WIDGETS[cls.__name__] = cls

    def __init__(self, *_parent: Any) -> None:
        vars(self).update(self.common | {k: self._copy(v) for k, v in self.properties.items()})
        vars(self).update(_blocked=False, dynamic={}, children_=[], outside_=[])
        vars(self).update({name: Signal() for name in {*self.signals, *self.changes.values()}})

    @staticmethod
    def _copy(value: Any) -> Any:
        return type(value)(value) if isinstance(value, (list, dict)) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no property {name}")
        changed = value != vars(self)[name]
        vars(self)[name] = value
        if changed and name in self.changes and not self._blocked:
            vars(self)[self.changes[name]].emit(value)

    def connect(self, signal: str, *slot: Any) -> None:
        """``connect("clicked()", f)`` or ``connect("clicked()", widget, "setX()")``."""
        name = signal.partition("(")[0]
        target = slot[0] if len(slot) == 1 else getattr(slot[0], slot[1].partition("(")[0])
        vars(self)[name].connect(target)

    def blockSignals(self, block: bool) -> bool:
        was = self._blocked
        vars(self)["_blocked"] = block
        return was

    def property(self, name: str) -> Any:
        return self.dynamic.get(name)

    def setProperty(self, name: str, value: Any) -> None:
        self.dynamic[name] = value

    def layout(self) -> Layout:
        return Layout(self)

    def setVisible(self, visible: bool) -> None:
        self.visible = visible

    def show(self) -> None:
        self.visible = True

    def hide(self) -> None:
        self.visible = False

    def setEnabled(self, enabled: bool) -> None:
        self.enabled = enabled

    def deleteLater(self) -> None:
        pass

    def setToolTip(self, text: str) -> None:
        self.toolTip = text


class QWidget(Widget):
    pass


class QFrame(Widget):
    pass


class QGroupBox(Widget):
    properties = {"title": "", "checked": True}


class QLabel(Widget):
    # shown: every text so far, which no label of Qt knows.
    properties = {"text": "", "pixmap": None, "shown": []}

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "text":
            self.shown.append(value)


class QPushButton(Widget):
    properties = {"text": "", "checked": False, "checkable": False}
    signals = ("clicked", "pressed", "released")
    changes = {"checked": "toggled"}

    def click(self) -> None:
        if self.enabled:
            if self.checkable:
                self.checked = not self.checked
            self.clicked.emit(self.checked)

    def setChecked(self, checked: bool) -> None:
        self.checked = checked


class QToolButton(QPushButton):
    pass


class QRadioButton(QPushButton):
    pass


class QCheckBox(Widget):
    properties = {"text": "", "checked": False}
    signals = ("clicked", "stateChanged")
    changes = {"checked": "toggled"}

    def __setattr__(self, name: str, value: Any) -> None:
        changed = name == "checked" and value != self.checked
        super().__setattr__(name, value)
        if changed and not self._blocked:
            self.stateChanged.emit(2 * value)

    def setChecked(self, checked: bool) -> None:
        self.checked = checked

    def click(self) -> None:
        if self.enabled:
            self.checked = not self.checked
            self.clicked.emit(self.checked)


class QLineEdit(Widget):
    properties = {"text": "", "readOnly": False, "placeholderText": ""}
    signals = ("editingFinished", "returnPressed")
    changes = {"text": "textChanged"}


class QPlainTextEdit(Widget):
    properties = {"plainText": "", "readOnly": False, "placeholderText": ""}
    signals = ("textChanged",)

    def appendPlainText(self, text: str) -> None:
        self.plainText = f"{self.plainText}\n{text}" if self.plainText else text

    def clear(self) -> None:
        self.plainText = ""


class QTextBrowser(Widget):
    properties = {"html": "", "plainText": "", "openExternalLinks": False}


class QProgressBar(Widget):
    properties = {"minimum": 0, "maximum": 100, "value": 0, "format": "%p%", "textVisible": True}

    def setValue(self, value: int) -> None:
        self.value = value

    def setRange(self, minimum: int, maximum: int) -> None:
        self.minimum, self.maximum = minimum, maximum


class ctkPathLineEdit(Widget):
    """Tells of a path that is valid input, which an empty one is not: of that only validInputChanged tells."""

    properties = {"currentPath": ""}
    signals = ("currentPathChanged", "validInputChanged")

    def __setattr__(self, name: str, value: Any) -> None:
        was = self.currentPath
        super().__setattr__(name, value)
        if name != "currentPath" or value == was or self._blocked:
            return
        if value:
            self.currentPathChanged.emit(value)
        if bool(value) != bool(was):
            self.validInputChanged.emit(bool(value))


class ctkCollapsibleButton(Widget):
    properties = {"text": "", "collapsed": False}
    signals = ("contentsCollapsed",)


class ctkCollapsibleGroupBox(Widget):
    properties = {"title": "", "collapsed": False}


class qMRMLWidget(Widget):
    signals = ("mrmlSceneChanged",)

    def setMRMLScene(self, scene: Any) -> None:
        assert scene is not None
        self.mrmlSceneChanged.emit(scene)


class QSettings:
    stored: dict[str, Any] = {}

    def setValue(self, key: str, value: Any) -> None:
        self.stored[key] = value

    def value(self, key: str, default: Any = None) -> Any:
        return self.stored.get(key, default)

    def contains(self, key: str) -> bool:
        return key in self.stored

    def remove(self, key: str) -> None:
        self.stored.pop(key, None)


class QTimer:
    """Never fires by itself: a test calls fire()."""

    made: list["QTimer"] = []

    class Once:
        """``QTimer.singleShot(0, f)`` on the class, the property singleShot on a timer."""

        def __get__(self, timer: Any, kind: Any) -> Any:
            def start(interval: int, slot: Any) -> None:
                made = QTimer()
                made.setSingleShot(True)
                made.timeout.connect(slot)
                made.start(interval)

            return start if timer is None else vars(timer)["once"]

        def __set__(self, timer: Any, value: bool) -> None:
            vars(timer)["once"] = value

    singleShot = Once()

    def __init__(self, *_parent: Any) -> None:
        self.timeout, self.interval, self.singleShot, self.active = Signal(), 0, False, False
        self.made.append(self)

    def start(self, interval: int | None = None) -> None:
        self.interval = self.interval if interval is None else interval
        self.active = True

    def stop(self) -> None:
        self.active = False

    def isActive(self) -> bool:
        return self.active

    def setInterval(self, interval: int) -> None:
        self.interval = interval

    def setSingleShot(self, single: bool) -> None:
        self.singleShot = single

    def connect(self, signal: str, slot: Any) -> None:
        assert signal == "timeout()"
        self.timeout.connect(slot)

    def fire(self) -> None:
        if self.active:
            self.active = not self.singleShot
            self.timeout.emit()


def run_timers(longest: int = 10000) -> None:
    """What Qt's event queue would do: fire the timers without an interval until none of them is left."""
    for _ in range(longest):
        due = [timer for timer in QTimer.made if timer.active and timer.interval == 0]
        if not due:
            return
        for timer in due:
            timer.fire()
    raise AssertionError("a timer does not end")


class QFileDialog:
    """Answers with what a test has put into ``answers``."""

    answers: list[Any] = []

    @classmethod
    def getOpenFileNames(cls, _parent: Any, _title: str, _folder: str, _filter: str) -> tuple[str, ...]:
        return cls.answers.pop(0)

    @classmethod
    def getSaveFileName(cls, _parent: Any, _title: str, _folder: str, _filter: str) -> str:
        return cls.answers.pop(0)


def load_ui(path: str) -> Widget:
    """Make the widgets of a .ui file; unknown classes are an error."""
    root = ET.parse(path).getroot().find("widget")
    assert root is not None
    return _make(root)


def _make(element: ET.Element) -> Widget:
    widget = WIDGETS[element.attrib["class"]]()
    widget.name = widget.objectName = element.attrib["name"]
    for prop in element.findall("property"):
        _set(widget, prop)
    for texts in element.findall("item"):
        widget.addItem(texts.findtext("property/string") or "")
    for child in _child_widgets(element):
        widget.children_.append(_make(child))
    return widget


def _set(widget: Widget, prop: ET.Element) -> None:
    name, text = prop.attrib["name"], prop[0].text
    value: Any = text or ""
    if prop[0].tag == "bool":
        value = text == "true"
    elif prop[0].tag in ("number", "double"):
        value = float(text or 0) if prop[0].tag == "double" else int(text or 0)
    if prop.attrib.get("stdset") == "0" and name.startswith("Slicer"):
        widget.dynamic[name] = value
    elif name in vars(widget) and prop[0].tag not in ("enum", "set"):
        setattr(widget, name, value)


def _child_widgets(element: ET.Element) -> list[ET.Element]:
    found = []
    for child in element:
        if child.tag == "widget":
            found.append(child)
        elif child.tag in ("layout", "item"):
            found += _child_widgets(child)
    return found


def child_widget_variables(top: Widget) -> Any:
    """As slicer.util.childWidgetVariables."""
    found = SimpleNamespace()
    for child in top.children_:
        setattr(found, child.name, child)
        vars(found).update(vars(child_widget_variables(child)))
    return found
