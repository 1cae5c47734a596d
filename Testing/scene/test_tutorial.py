"""The tutorial and the page on troubleshooting quote the module, its error texts and the shipped model as they are."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "Documentation"
TUTORIAL, TROUBLE = PAGES / "tutorial.md", PAGES / "troubleshooting.md"
SCRIPT = PAGES / "make_tutorial_pictures.py"
MADE_BY = (
    "Off-screen rendering of the slice views by slicer-core, made by `make_tutorial_pictures.py`; not a screenshot"
)

PROBE = (
    "import rendered_views, vtk; w = vtk.vtkRenderWindow(); w.SetOffScreenRendering(1); w.Render(); print('rendered')"
)


def flat(text: str) -> str:
    return " ".join(text.split())


@cache
def labels() -> frozenset[str]:
    """All texts of the .ui files, and all whole texts of the module and its panel."""
    texts = {
        node.text or ""
        for path in (ROOT / "CEMSynth/Resources/UI").glob("*.ui")
        for node in ET.parse(path).getroot().iter("string")
    }
    for path in [*(ROOT / "CEMSynth").glob("*.py"), *(ROOT / "CEMSynthLib/desktop").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return frozenset(texts)


@cache
def sentences() -> str:
    """What the library can say: all its texts, with ``...`` in place of what differs each time."""
    found = []
    for path in (ROOT / "CEMSynthLib").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "..." for p in node.values]
                found.append("".join(str(part) for part in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.sub(r"\{\w+\}", "...", node.value))
    return "\n".join(flat(text) for text in found)


def bold(page: Path) -> list[str]:
    """Words in ``**``, outside of tables of numbers and code."""
    text = re.sub(r"(?m)^    .*$|`[^`]*`", "", page.read_text(encoding="utf-8"))
    return [flat(found) for found in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)]


@pytest.mark.parametrize("page", [TUTORIAL, TROUBLE], ids=lambda path: path.stem)
def test_every_label_in_bold_stands_in_the_module(page: Path) -> None:
    quoted = [label for label in bold(page) if label != "Bold"]
    assert len(quoted) >= 10
    assert [label for label in quoted if label not in labels()] == []


def test_every_section_and_its_main_button_is_walked_through() -> None:
    quoted = set(bold(TUTORIAL))
    frame = ET.parse(ROOT / "CEMSynth/Resources/UI/CEMSynth.ui").getroot()
    titles = {node.text for node in frame.iter("string")}
    assert titles
    assert titles <= quoted
    assert {"Sample study", "Apply", "Ellipse", "Ring around lesion", "Save table...", "Measure halo"} <= quoted


def test_every_picture_is_there_small_and_says_what_made_it() -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\((pictures/[^)]+)\)\n\n(\*.+?\*)\n\n", text, re.DOTALL)
    assert len(shown) == text.count("![") >= 5
    for path, caption in shown:
        assert MADE_BY in flat(caption), path
        assert 0 < (PAGES / path).stat().st_size < 250_000, path
    assert {Path(path).name for path, _ in shown} == {path.name for path in (PAGES / "pictures").glob("tutorial-*")}


def test_links_lead_somewhere() -> None:
    for page in (*PAGES.glob("*.md"), ROOT / "README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_pictures_are_of_the_shipped_model() -> None:
    """After an exchange of the weights: python Documentation/make_tutorial_pictures.py."""
    from CEMSynthLib.generator.card import load_card

    card = load_card(ROOT / "CEMSynthLib/generator/weights/demo")
    assert card.weights_sha256 in TUTORIAL.read_text(encoding="utf-8")


def test_the_pictures_are_of_the_sample_study() -> None:
    """The script cannot import what needs Slicer's Qt."""
    sample = (ROOT / "CEMSynthLib/desktop/sample.py").read_text(encoding="utf-8")
    (there,) = re.findall(r"^SPACING_MM = .*$", sample, re.MULTILINE)
    assert there in SCRIPT.read_text(encoding="utf-8").splitlines()


def test_every_error_text_of_the_page_on_troubleshooting_can_occur() -> None:
    headings = re.findall(r"(?m)^### `(.+)`$", TROUBLE.read_text(encoding="utf-8"))
    assert len(headings) >= 10
    there = sentences()
    assert [heading for heading in headings if flat(heading) not in there] == []


@pytest.mark.slow
def test_the_script_makes_pictures_and_tables(tmp_path: Path) -> None:
    for package in ("slicer", "torch", "safetensors"):
        pytest.importorskip(package)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    if "rendered" not in probe.stdout:
        pytest.skip("no off-screen rendering here (Debian packages libegl1 and libgl1-mesa-dri)")
    command = [sys.executable, str(SCRIPT), "--output", str(tmp_path), "--pixel-spacing-mm", "0.8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {path.name for path in (PAGES / "pictures").glob("tutorial-*")}
    text = (tmp_path / "tutorial.md").read_text(encoding="utf-8")
    assert text.count("| R CC lesion 1 |") == 3
    assert re.search(r"\| step \(pixel values\) \| \d", text)
