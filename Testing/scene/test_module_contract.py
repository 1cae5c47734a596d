"""CEMSynth.ui, the module and the panel fit together; read as text and XML, without Slicer."""

import ast
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "CEMSynth/Resources/UI/CEMSynth.ui"
MODULE = ROOT / "CEMSynth/CEMSynth.py"
SOURCES = [MODULE, *sorted((ROOT / "CEMSynthLib/desktop").glob("*.py"))]
# Which widget class binds to which parameter type (parameterNodeWrapper/guiConnectors.py).
BINDS = {"QCheckBox": "bool", "QLineEdit": "str", "ctkPathLineEdit": "Path"}


def widgets() -> dict[str, str]:
    return {w.attrib["name"]: w.attrib["class"] for w in ET.parse(UI).getroot().iter("widget")}


def classes() -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(MODULE.read_text()).body if isinstance(node, ast.ClassDef)}


def used_widgets(source: Path) -> set[str]:
    """Names after ``self.ui.`` and ``ui.``."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if (isinstance(owner, ast.Attribute) and owner.attr == "ui") or (
                isinstance(owner, ast.Name) and owner.id == "ui"
            ):
                found.add(node.attr)
    return found


def test_every_widget_used_exists() -> None:
    used = {name: source.name for source in SOURCES for name in used_widgets(source)}
    assert used
    assert {name: where for name, where in used.items() if name not in widgets()} == {}


def test_every_parameter_name_exists_and_fits_its_widget() -> None:
    declared = {
        node.target.id: ast.unparse(node.annotation)
        for node in classes()["CEMSynthParameterNode"].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    bound = {
        prop[0].text: widget.attrib["class"]
        for widget in ET.parse(UI).getroot().iter("widget")
        for prop in widget.findall("property")
        if prop.attrib["name"] == "SlicerParameterName"
    }
    assert bound
    for name, kind in bound.items():
        assert declared[name] == BINDS[kind]


def test_every_mrml_widget_gets_the_scene() -> None:
    root = ET.parse(UI).getroot()
    top = root.find("widget")
    assert top is not None
    assert top.attrib["class"] == "qMRMLWidget"
    connected = {c.findtext("receiver") for c in root.iter("connection")}
    assert {n for n, kind in widgets().items() if kind.startswith("qMRML")} - {top.attrib["name"]} <= connected


def test_widget_names_are_unique_and_every_custom_widget_is_declared() -> None:
    root = ET.parse(UI).getroot()
    names = [w.attrib["name"] for w in root.iter("widget")]
    assert len(names) == len(set(names))
    declared = {c.findtext("class") for c in root.iter("customwidget")}
    assert {kind for kind in widgets().values() if not kind.startswith("Q")} == declared


def test_class_names_and_bases_are_what_slicer_looks_for() -> None:
    bases = {name: [ast.unparse(base) for base in node.bases] for name, node in classes().items()}
    assert bases["CEMSynth"] == ["ScriptedLoadableModule"]
    assert bases["CEMSynthWidget"][0] == "ScriptedLoadableModuleWidget"
    assert bases["CEMSynthLogic"] == ["ScriptedLoadableModuleLogic"]
    assert bases["CEMSynthTest"] == ["ScriptedLoadableModuleTest"]
    assert len(MODULE.read_text().splitlines()) < 250


def test_nothing_heavy_at_file_scope() -> None:
    allowed = {"sys", "pathlib", "vtk", "slicer", "slicer.i18n", "slicer.parameterNodeWrapper", "slicer.util"}
    allowed |= {"slicer.ScriptedLoadableModule"}
    imported = set()
    for node in ast.parse(MODULE.read_text()).body:
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert imported <= allowed


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_text_a_user_reads_is_translatable(source: Path) -> None:
    """What is assigned to text, toolTip, title or labelText goes through _(), and _() never gets an f-string."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            assert not any(isinstance(argument, ast.JoinedStr) for argument in node.args), ast.unparse(node)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            shown = node.targets[0].attr in ("text", "toolTip", "title", "labelText", "windowTitle")
            literal = isinstance(node.value, ast.JoinedStr) or (
                isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            )
            assert not (shown and literal), ast.unparse(node)
