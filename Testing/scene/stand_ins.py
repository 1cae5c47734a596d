"""Stand-ins for Qt, ctk and Slicer's application, so that the module itself runs in tests: at the edge only.

MRML is the real thing (slicer-core). With SLICER_SOURCE_DIR set to a checkout of Slicer, so are parameterNodeWrapper,
ScriptedLoadableModule and i18n; else small ones stand in for them. The widgets are made from the real .ui files, know
only the members listed in widget_stand_ins*.py (those that Qt has and the module uses), else raise AttributeError.
"""

import ast
import importlib.util
import os
import sys
import tempfile
from enum import Enum, EnumMeta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_origin

ROOT = Path(__file__).resolve().parents[2]
#: The folder that Slicer finds the module in.
MODULE_FOLDER = Path(os.environ.get("CEMSYNTH_MODULE_FOLDER", ROOT / "CEMSynth"))
REAL = ("slicer.i18n", "slicer.parameterNodeWrapper", "slicer.ScriptedLoadableModule")


FOLDER = str(Path(__file__).parent)
if FOLDER not in sys.path:
    sys.path.append(FOLDER)
widgets = importlib.import_module("widget_stand_ins")
for _file in sorted(Path(FOLDER).glob("widget_stand_ins_*.py")):
    importlib.import_module(_file.stem)
tables = importlib.import_module("widget_stand_ins_tables")
QSettings = widgets.QSettings


class ParameterNodeWrapper:
    """The part of slicer.parameterNodeWrapper that the module uses: Python literals, enumerations by name, nodes."""

    def __init__(self, node: Any) -> None:
        vars(self).update(parameterNode=node, observers={})
        for name, default in type(self).defaults.items():
            if not self._is_node(name) and not node.GetParameter(name):
                node.SetParameter(name, _text(default))

    def _is_node(self, name: str) -> bool:
        return getattr(type(self).kinds[name], "__name__", "").startswith("vtkMRML")

    def __getattr__(self, name: str) -> Any:
        kind = type(self).kinds[name]
        if self._is_node(name):
            return self.parameterNode.GetNodeReference(name)
        text = self.parameterNode.GetParameter(name)
        return kind[text] if isinstance(kind, EnumMeta) else ast.literal_eval(text)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_node(name):
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value is not None else None)
            return
        kind = type(self).kinds[name]
        assert isinstance(value, get_origin(kind) or kind), name
        self.parameterNode.SetParameter(name, _text(value))

    def connectGui(self, ui: Any) -> list[tuple[Any, Any, Any, int]]:
        connected = []
        for widget in vars(ui).values():
            name = widget.property("SlicerParameterName")
            if name:
                own, signal = BOUND[type(widget).__name__]

                def write(_value: Any, name: str = name, widget: Any = widget, own: str = own) -> None:
                    kind = type(self).kinds[name]
                    value = getattr(widget, own)
                    setattr(self, name, list(kind)[value] if isinstance(kind, EnumMeta) else value)

                def read(caller: Any, event: str, widget: Any = widget, name: str = name, own: str = own) -> None:
                    value = getattr(self, name)
                    setattr(widget, own, list(type(value)).index(value) if isinstance(value, Enum) else value)

                kind = type(self).kinds[name]
                if isinstance(kind, EnumMeta):
                    widget.clear()
                    widget.addItems([member.label() if hasattr(kind, "label") else member.name for member in kind])
                read(None, "")
                getattr(widget, signal).connect(write)
                connected.append((widget, signal, write, self.parameterNode.AddObserver("ModifiedEvent", read)))
        return connected

    def disconnectGui(self, connected: list[tuple[Any, Any, Any, int]]) -> None:
        for widget, signal, write, tag in connected:
            getattr(widget, signal).disconnect(write)
            self.parameterNode.RemoveObserver(tag)

    def AddObserver(self, event: Any, method: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, method, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, was: int) -> None:
        self.parameterNode.EndModify(was)


# Property and signal by which the real wrapper (guiConnectors.py) binds a widget of this class.
BOUND = {
    "QCheckBox": ("checked", "stateChanged"),
    "QPushButton": ("checked", "toggled"),
    "QSpinBox": ("value", "valueChanged"),
    "QSlider": ("value", "valueChanged"),
    "QDoubleSpinBox": ("value", "valueChanged"),
    "ctkSliderWidget": ("value", "valueChanged"),
    "ctkDoubleSpinBox": ("value", "valueChanged"),
    "QComboBox": ("currentIndex", "currentIndexChanged"),
    "QLineEdit": ("text", "textChanged"),
}


def _text(value: Any) -> str:
    return value.name if isinstance(value, Enum) else repr(value)


def parameter_node_wrapper(declared: type) -> type:
    kinds = declared.__annotations__
    defaults = {name: getattr(declared, name, None) for name in kinds}
    return type(declared.__name__, (ParameterNodeWrapper,), {"defaults": defaults, "kinds": kinds})


class AnyClass(ModuleType):
    """A module of which every class exists: parameterNodeWrapper asks for many that this module does not use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        vars(self)[name] = type(name, (), {})
        return vars(self)[name]


class SliceView:
    def __init__(self, renderer: Any) -> None:
        from vtk import vtkGenericRenderWindowInteractor

        collection = SimpleNamespace(GetFirstRenderer=lambda: renderer)
        # Alone among the real ones it needs no window.
        interactor = vtkGenericRenderWindowInteractor()
        self.window = SimpleNamespace(GetRenderers=lambda: collection, GetInteractor=lambda: interactor)
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
        self.layoutChanged = widgets.Signal()
        self.seen = False
        self.widgets = {}
        for tag, logic in world.all_logics.items():
            view = SliceView(vtkRenderer())
            self.widgets[tag] = SimpleNamespace(sliceLogic=lambda logic=logic: logic, sliceView=lambda view=view: view)

    @property
    def layout(self) -> int:
        return int(self.world.layout_node.GetViewArrangement())

    def layoutLogic(self) -> Any:
        return self.world.layout_logic

    def sliceViewNames(self) -> list[str]:
        # Slicer makes the views of a layout when the layout is first shown, and keeps them.
        self.seen = self.seen or self.layout > 5700
        return list(self.widgets) if self.seen else []

    def sliceWidget(self, name: str) -> Any:
        return self.widgets[name] if name in self.sliceViewNames() else None


class IOManager:
    """Tells when Slicer has saved a file."""

    def __init__(self) -> None:
        self.fileSaved = widgets.Signal()

    def connect(self, signal: str, slot: Any) -> None:
        assert signal == "fileSaved(qSlicerIO::IOProperties)"
        self.fileSaved.connect(slot)

    def disconnect(self, signal: str, slot: Any) -> None:
        self.fileSaved.disconnect(slot)


def install(monkeypatch: Any, world: Any, main_window: bool = True) -> ModuleType:
    """Put the stand-ins in place around a real scene and import CEMSynth.py afresh."""
    import slicer
    import slicer.util

    manager = LayoutManager(world) if main_window else None
    event_loop = SimpleNamespace(ExcludeUserInputEvents=1)
    cursors: list[int] = []
    qt, ctk = AnyClass("qt"), AnyClass("ctk")
    vars(qt).update({n: kind for n, kind in widgets.WIDGETS.items() if n.startswith("Q")})
    vars(ctk).update({n: kind for n, kind in widgets.WIDGETS.items() if n.startswith("ctk")})
    vars(qt).update(QTableWidgetItem=tables.QTableWidgetItem, QSettings=QSettings, QTimer=widgets.QTimer)
    vars(qt).update(QEventLoop=event_loop, QFileDialog=widgets.QFileDialog)
    vars(qt).update(QIcon=lambda path: path)
    vars(qt).update(Qt=SimpleNamespace(UserRole=256, WaitCursor=3))
    vars(qt).update(QApplication=SimpleNamespace(setOverrideCursor=cursors.append, restoreOverrideCursor=cursors.pop))
    modules = SimpleNamespace(connect=lambda *slot: None, disconnect=lambda *slot: None)
    io_manager = IOManager()
    startup: list[tuple[str, Any]] = []
    application = SimpleNamespace(
        layoutManager=lambda: manager,
        processEvents=lambda flags=0: None,
        moduleManager=lambda: modules,
        coreIOManager=lambda: io_manager,
        connect=lambda signal, slot: startup.append((signal, slot)),
        startup=startup,
        translate=lambda context, text: text,
    )
    monkeypatch.setitem(sys.modules, "qt", qt)
    monkeypatch.setitem(sys.modules, "ctk", ctk)
    monkeypatch.setattr(slicer, "mrmlScene", world.scene, raising=False)
    monkeypatch.setattr(slicer, "app", application, raising=False)
    for name, kind in widgets.WIDGETS.items():
        if name.startswith(("qMRML", "qSlicer")):
            monkeypatch.setattr(slicer, name, kind, raising=False)
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None, raising=False)
    monkeypatch.setattr(slicer.util, "reloadScriptedModule", lambda name: None, raising=False)
    monkeypatch.setattr(slicer.util, "loadUI", widgets.load_ui, raising=False)
    monkeypatch.setattr(slicer.util, "childWidgetVariables", widgets.child_widget_variables, raising=False)
    monkeypatch.setattr(
        slicer.util, "settingsValue", lambda key, default, converter=str: QSettings().value(key, default), raising=False
    )
    monkeypatch.setattr(slicer.util, "modulePath", lambda name: str(MODULE_FOLDER / f"{name}.py"), raising=False)
    source = os.environ.get("SLICER_SOURCE_DIR")
    if source:
        monkeypatch.setattr(slicer, "__path__", [*slicer.__path__, f"{source}/Base/Python/slicer"])
        for name in ("qMRMLSliderWidget", "qMRMLSpinBox", "qMRMLRangeWidget", "qMRMLNodeComboBox"):
            monkeypatch.setattr(slicer, name, widgets.WIDGETS.get(name) or type(name, (), {}), raising=False)
        for name in ("qMRMLSubjectHierarchyTreeView", "qMRMLSubjectHierarchyComboBox"):
            monkeypatch.setattr(slicer, name, widgets.WIDGETS.get(name) or type(name, (), {}), raising=False)
        for name in [n for n in sys.modules if n.startswith(REAL)]:
            monkeypatch.delitem(sys.modules, name)
    else:
        _stand_in(monkeypatch, "slicer.i18n", tr=lambda text: text, translate=lambda context, text: text)
        _stand_in(monkeypatch, "slicer.parameterNodeWrapper", parameterNodeWrapper=parameter_node_wrapper)
        _scripted_module(monkeypatch, world)
    for name in [n for n in sys.modules if n.startswith("CEMSynthLib.desktop") or n == "CEMSynth"]:
        monkeypatch.delitem(sys.modules, name)
    spec = importlib.util.spec_from_file_location("CEMSynth", MODULE_FOLDER / "CEMSynth.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "CEMSynth", module)
    spec.loader.exec_module(module)
    _enter_as_slicer(module.CEMSynthWidget)
    return module


def _enter_as_slicer(kind: Any) -> None:
    """As in qSlicerAbstractModuleWidget: it is entered before Python's enter(), and left before Python's exit()."""
    enter, leave = kind.enter, kind.exit

    def entered(widget: Any) -> None:
        widget.parent.isEntered = True
        enter(widget)

    def left(widget: Any) -> None:
        widget.parent.isEntered = False
        leave(widget)

    kind.enter, kind.exit = entered, left


def new_user(monkeypatch: Any, folder: Path) -> Path:
    """Start without settings; temporary files go into the folder that is returned."""
    QSettings.stored.clear()
    private = folder / "private"
    private.mkdir()
    monkeypatch.setenv("TMPDIR", str(private))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return private


def parent() -> Any:
    """The widget that Slicer gives to a module."""
    layout = SimpleNamespace(addWidget=lambda widget: None)
    return SimpleNamespace(isEntered=False, layout=lambda: layout)


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
            return str(MODULE_FOLDER / "Resources" / name)

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
