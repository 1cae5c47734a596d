"""Stand-ins for Qt, ctk and Slicer's application, so that the module itself runs in tests: at the edge only.

MRML is the real thing (slicer-core). With SLICER_SOURCE_DIR set to a checkout of Slicer, so are parameterNodeWrapper,
ScriptedLoadableModule and i18n; else small ones stand in for them. The widgets are made from the real CEMSynth.ui, know
only the members that are listed here (those that Qt has and the module uses), and raise AttributeError on others.
"""

import importlib.util
import inspect
import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REAL = ("slicer.i18n", "slicer.parameterNodeWrapper", "slicer.ScriptedLoadableModule")


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


class ParameterNodeWrapper:
    """The part of slicer.parameterNodeWrapper that the module uses, for parameters of type str and bool."""

    def __init__(self, node: Any) -> None:
        vars(self).update(parameterNode=node, observers={})
        for name, default in type(self).defaults.items():
            if not node.GetParameter(name):
                node.SetParameter(name, repr(default))

    def __getattr__(self, name: str) -> Any:
        default = type(self).defaults[name]
        text = self.parameterNode.GetParameter(name)
        return {"True": True, "False": False}[text] if isinstance(default, bool) else text.strip("'")

    def __setattr__(self, name: str, value: Any) -> None:
        assert isinstance(value, type(type(self).defaults[name])), name
        self.parameterNode.SetParameter(name, repr(value))

    def connectGui(self, ui: Any) -> list[tuple[Widget, Any, int]]:
        connected = []
        for widget in vars(ui).values():
            name = widget.property("SlicerParameterName")
            if name:
                assert isinstance(widget, QCheckBox)

                def write(state: int, name: str = name) -> None:
                    setattr(self, name, state > 0)

                def read(caller: Any, event: str, widget: QCheckBox = widget, name: str = name) -> None:
                    widget.checked = getattr(self, name)

                widget.checked = getattr(self, name)
                widget.stateChanged.connect(write)
                connected.append((widget, write, self.parameterNode.AddObserver("ModifiedEvent", read)))
        return connected

    def disconnectGui(self, connected: list[tuple[Widget, Any, int]]) -> None:
        for widget, write, tag in connected:
            widget.stateChanged.disconnect(write)
            self.parameterNode.RemoveObserver(tag)

    def AddObserver(self, event: Any, method: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, method, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)


def parameter_node_wrapper(declared: type) -> type:
    defaults = {name: getattr(declared, name) for name in declared.__annotations__}
    return type(declared.__name__, (ParameterNodeWrapper,), {"defaults": defaults})


class AnyClass(ModuleType):
    """A module of which every class exists: parameterNodeWrapper asks for many that this module does not use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        vars(self)[name] = type(name, (), {})
        return vars(self)[name]


class SliceView:
    def __init__(self, renderer: Any) -> None:
        collection = SimpleNamespace(GetFirstRenderer=lambda: renderer)
        self.window = SimpleNamespace(GetRenderers=lambda: collection)
        self.renders = 0

    def renderWindow(self) -> Any:
        return self.window

    def scheduleRender(self) -> None:
        self.renders += 1


class LayoutManager:
    """Makes the slice views that the layout asks for, with real slice logics and a real renderer each."""

    def __init__(self, world: Any) -> None:
        from vtk import vtkRenderer

        self.world = world
        self.layoutChanged = Signal()
        self.seen = False
        self.widgets = {}
        for tag, logic in world.logics.items():
            view = SliceView(vtkRenderer())
            self.widgets[tag] = SimpleNamespace(sliceLogic=lambda logic=logic: logic, sliceView=lambda view=view: view)

    @property
    def layout(self) -> int:
        return int(self.world.layout_node.GetViewArrangement())

    def layoutLogic(self) -> Any:
        return self.world.layout_logic

    def sliceViewNames(self) -> list[str]:
        # Slicer makes the views of a layout when the layout is first shown, and keeps them.
        self.seen = self.seen or self.layout == 5701
        return list(self.widgets) if self.seen else []

    def sliceWidget(self, name: str) -> Any:
        return self.widgets[name] if name in self.sliceViewNames() else None


def install(monkeypatch: Any, world: Any, main_window: bool = True) -> ModuleType:
    """Put the stand-ins in place around a real scene and import CEMSynth.py afresh."""
    import slicer
    import slicer.util

    manager = LayoutManager(world) if main_window else None
    event_loop = SimpleNamespace(ExcludeUserInputEvents=1)
    cursors: list[int] = []
    qt, ctk = AnyClass("qt"), AnyClass("ctk")
    vars(qt).update(WIDGETS, QTableWidgetItem=QTableWidgetItem, QSettings=QSettings, QEventLoop=event_loop)
    vars(qt).update(Qt=SimpleNamespace(UserRole=256, WaitCursor=3))
    vars(qt).update(QApplication=SimpleNamespace(setOverrideCursor=cursors.append, restoreOverrideCursor=cursors.pop))
    modules = SimpleNamespace(connect=lambda *slot: None, disconnect=lambda *slot: None)
    application = SimpleNamespace(
        layoutManager=lambda: manager,
        processEvents=lambda flags=0: None,
        moduleManager=lambda: modules,
        translate=lambda context, text: text,
    )
    monkeypatch.setitem(sys.modules, "qt", qt)
    monkeypatch.setitem(sys.modules, "ctk", ctk)
    monkeypatch.setattr(slicer, "mrmlScene", world.scene, raising=False)
    monkeypatch.setattr(slicer, "app", application, raising=False)
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None, raising=False)
    monkeypatch.setattr(slicer.util, "reloadScriptedModule", lambda name: None, raising=False)
    monkeypatch.setattr(slicer.util, "loadUI", load_ui, raising=False)
    monkeypatch.setattr(
        slicer.util, "childWidgetVariables", lambda top: SimpleNamespace(**vars(top)["children_"]), raising=False
    )
    monkeypatch.setattr(
        slicer.util, "settingsValue", lambda key, default, converter=str: QSettings().value(key, default), raising=False
    )
    monkeypatch.setattr(slicer.util, "modulePath", lambda name: str(ROOT / f"CEMSynth/{name}.py"), raising=False)
    source = os.environ.get("SLICER_SOURCE_DIR")
    if source:
        monkeypatch.setattr(slicer, "__path__", [*slicer.__path__, f"{source}/Base/Python/slicer"])
        for name in ("qMRMLSliderWidget", "qMRMLSpinBox", "qMRMLRangeWidget", "qMRMLNodeComboBox"):
            monkeypatch.setattr(slicer, name, type(name, (), {}), raising=False)
        for name in ("qMRMLSubjectHierarchyTreeView", "qMRMLSubjectHierarchyComboBox"):
            monkeypatch.setattr(slicer, name, type(name, (), {}), raising=False)
        for name in [n for n in sys.modules if n.startswith(REAL)]:
            monkeypatch.delitem(sys.modules, name)
    else:
        _stand_in(monkeypatch, "slicer.i18n", tr=lambda text: text, translate=lambda context, text: text)
        _stand_in(monkeypatch, "slicer.parameterNodeWrapper", parameterNodeWrapper=parameter_node_wrapper)
        _scripted_module(monkeypatch, world)
    for name in [n for n in sys.modules if n.startswith("CEMSynthLib.desktop") or n == "CEMSynth"]:
        monkeypatch.delitem(sys.modules, name)
    spec = importlib.util.spec_from_file_location("CEMSynth", ROOT / "CEMSynth/CEMSynth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "CEMSynth", module)
    spec.loader.exec_module(module)
    return module


def parent() -> Any:
    """The widget that Slicer gives to a module."""
    layout = SimpleNamespace(addWidget=lambda widget: None)
    return SimpleNamespace(isEntered=True, layout=lambda: layout)


def _stand_in(monkeypatch: Any, name: str, **members: Any) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def _scripted_module(monkeypatch: Any, world: Any) -> None:
    import slicer

    class Module:
        def __init__(self, parent: Any) -> None:
            self.parent = parent

    class ModuleWidget:
        def __init__(self, parent: Any) -> None:
            self.parent = parent
            self.layout = parent.layout()

        def setup(self) -> None:
            pass

        def resourcePath(self, name: str) -> str:
            return str(ROOT / "CEMSynth/Resources" / name)

        def onReload(self) -> None:
            pass

    class ModuleLogic:
        def getParameterNode(self) -> Any:
            node = world.scene.GetSingletonNode("CEMSynth", "vtkMRMLScriptedModuleNode")
            if node is None:
                node = slicer.vtkMRMLScriptedModuleNode()
                node.SetSingletonTag("CEMSynth")
                node.SetModuleName("CEMSynth")
                node = world.scene.AddNode(node)
            return node

    class ModuleTest:
        pass

    _stand_in(
        monkeypatch,
        "slicer.ScriptedLoadableModule",
        ScriptedLoadableModule=Module,
        ScriptedLoadableModuleWidget=ModuleWidget,
        ScriptedLoadableModuleLogic=ModuleLogic,
        ScriptedLoadableModuleTest=ModuleTest,
    )
