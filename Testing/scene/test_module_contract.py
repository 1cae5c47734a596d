"""The .ui files, the module and the sections fit together; read as text and XML, without Slicer."""

import ast
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESKTOP = ROOT / "CEMSynthLib/desktop"
FRAME = ROOT / "CEMSynth/Resources/UI/CEMSynth.ui"
UIS = sorted((ROOT / "CEMSynth/Resources/UI").glob("*.ui"))
MODULE = ROOT / "CEMSynth/CEMSynth.py"
SOURCES = [*sorted((ROOT / "CEMSynth").glob("*.py")), *sorted(DESKTOP.glob("*.py"))]
# Which widget class binds to which parameter types (parameterNodeWrapper/guiConnectors.py).
BINDS = {
    "QCheckBox": {"bool"},
    "QPushButton": {"bool"},
    "QSlider": {"int"},
    "QSpinBox": {"int"},
    "QDoubleSpinBox": {"float", "int"},
    "ctkSliderWidget": {"float", "int"},
    "ctkDoubleSlider": {"float", "int"},
    "ctkDoubleSpinBox": {"float", "int"},
    "QLineEdit": {"str"},
    "QTextEdit": {"str"},
    "QLabel": {"str"},
    "ctkRangeWidget": {"FloatRange"},
    "ctkPathLineEdit": {"Path"},
    "ctkDirectoryButton": {"Path"},
}


def tree(path: Path) -> ET.Element:
    return ET.parse(path).getroot()


def widgets(*paths: Path) -> dict[str, str]:
    return {w.attrib["name"]: w.attrib["class"] for path in paths or UIS for w in tree(path).iter("widget")}


def classes(path: Path = MODULE) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}


def sections() -> tuple[str, ...]:
    for node in ast.parse((DESKTOP / "panel.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SECTIONS":
            return tuple(ast.literal_eval(node.value))
    raise AssertionError("panel.py has no SECTIONS")


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


def test_the_frame_has_one_collapsible_button_with_a_layout_for_each_section() -> None:
    buttons = [w for w in tree(FRAME).iter("widget") if w.attrib["class"] == "ctkCollapsibleButton"]
    assert [b.attrib["name"] for b in buttons] == [f"{name.lower()}CollapsibleButton" for name in sections()]
    for button in buttons:
        layout = button.find("layout")
        assert layout is not None
        assert layout.attrib["class"] == "QVBoxLayout"
        assert len(layout) == 0
    assert "statusLabel" in widgets(FRAME)


def test_every_section_has_its_class_and_its_file() -> None:
    files = {path.stem.removesuffix("Section"): path for path in UIS if path != FRAME}
    written = {name for name in sections() if (DESKTOP / f"{name.lower()}_section.py").exists()}
    assert {"Study", "Compare"} <= written
    assert set(files) == written
    for name, path in files.items():
        kind = classes(DESKTOP / f"{name.lower()}_section.py")[f"{name}Section"]
        assert [ast.unparse(base) for base in kind.bases][-1] == "Section"
        top = tree(path).find("widget")
        assert top is not None
        assert top.attrib == {"class": "qMRMLWidget", "name": f"{name}Section"}


def test_every_parameter_name_exists_and_fits_its_widget() -> None:
    enumerations = {
        name
        for path in [*SOURCES, *(ROOT / "CEMSynthLib/scene").glob("*.py"), *(ROOT / "CEMSynthLib/scene").glob("*/*.py")]
        for name, node in classes(path).items()
        if {ast.unparse(base) for base in node.bases} & {"Enum", "StrEnum", "IntEnum"}
    }
    declared = {
        node.target.id: ast.unparse(node.annotation)
        for node in classes()["CEMSynthParameterNode"].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    bound = [
        (prop[0].text, widget.attrib["class"])
        for path in UIS
        for widget in tree(path).iter("widget")
        for prop in widget.findall("property")
        if prop.attrib["name"] == "SlicerParameterName"
    ]
    assert bound
    for name, kind in bound:
        assert name in declared, name
        if kind == "QComboBox":
            assert "Choice" in declared[name] or declared[name] in enumerations, name
        elif kind.startswith("qMRML") and "vtkMRML" in declared[name]:
            continue
        else:
            assert re.sub(r"Annotated\[(\w+),.*", r"\1", declared[name]) in BINDS[kind], name


@pytest.mark.parametrize("path", UIS, ids=lambda path: path.stem)
def test_every_mrml_widget_gets_the_scene(path: Path) -> None:
    """From the top widget of its file, to which the panel gives it."""
    top = tree(path).find("widget")
    assert top is not None
    assert top.attrib["class"] == "qMRMLWidget"
    connected = {
        c.findtext("receiver")
        for c in tree(path).iter("connection")
        if c.findtext("sender") == top.attrib["name"]
        and c.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and c.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    found = {n for n, kind in widgets(path).items() if kind.startswith(("qMRML", "qSlicer"))}
    assert found - {top.attrib["name"]} <= connected


def test_widget_names_are_unique_over_all_sections() -> None:
    names = [w.attrib["name"] for path in UIS for w in tree(path).iter("widget")]
    assert sorted(n for n in set(names) if names.count(n) > 1) == []


@pytest.mark.parametrize("path", UIS, ids=lambda path: path.stem)
def test_every_custom_widget_is_declared_with_its_header(path: Path) -> None:
    declared = {c.findtext("class"): c.findtext("header") for c in tree(path).iter("customwidget")}
    assert {kind for kind in widgets(path).values() if not re.match(r"Q[A-Z]", kind)} == set(declared)
    assert all(header == f"{kind}.h" for kind, header in declared.items())


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
                isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) and node.value.value
            )
            assert not (shown and literal), ast.unparse(node)
