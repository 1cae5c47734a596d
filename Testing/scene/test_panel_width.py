"""The module panel is about 400 pixels wide: no section asks for more, or the panel gets a horizontal scroll bar."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

UI = Path(__file__).resolve().parents[2] / "CEMSynth/Resources/UI"
SECTIONS = sorted(UI.glob("*Section.ui"))
# As Qt 6 measures it with the style Fusion and a font of 9 points; Slicer's style is made from Fusion.
CHARACTER, SPACING, MARGIN, BUTTON = 6.6, 6, 9, 80
LIMIT = 360
# Boxes that grow with their items, all of which are short.
SHORT_ITEMS = {"readerComboBox": "READER-12", "regionRoleComboBox": "Background"}
# Slider and box of numbers of a ctkSliderWidget.
SLIDER = 84 + SPACING + 70


def prop(widget: ET.Element, name: str) -> str:
    return next(("".join(p.itertext()).strip() for p in widget.findall("property") if p.get("name") == name), "")


def width_of_text(text: str) -> float:
    return CHARACTER * len(text)


def width_of_combo_box(widget: ET.Element) -> float:
    name = widget.get("name", "")
    if prop(widget, "sizeAdjustPolicy") == "QComboBox::AdjustToMinimumContentsLengthWithIcon":
        return 50 + 8 * int(prop(widget, "minimumContentsLength"))
    assert name in SHORT_ITEMS, f"{name} would be as wide as its longest item"
    return 36 + width_of_text(SHORT_ITEMS[name])


def width_of_widget(widget: ET.Element) -> float:
    kind, text = widget.get("class", ""), width_of_text(prop(widget, "text"))
    if kind == "QPushButton":
        return max(BUTTON, text + 12)
    if kind == "QCheckBox":
        return text + 22
    if kind == "QLabel":
        return 0 if prop(widget, "wordWrap") == "true" else text
    if kind == "QComboBox":
        return width_of_combo_box(widget)
    if kind == "QDoubleSpinBox":
        return 30 + width_of_text(prop(widget, "prefix") + "500.0 pixels")
    if kind == "ctkSliderWidget":
        return SLIDER
    layout = widget.find("layout")
    if layout is None:
        return 60  # tables, lines of text, bars: they scroll or shrink
    if kind == "ctkCollapsibleGroupBox":
        return max(2 * MARGIN + 6 + width_of_layout(layout), 12 + width_of_text(prop(widget, "title")))
    return width_of_layout(layout)


def width_of_layout(layout: ET.Element) -> float:
    items = [(item, item[0]) for item in layout.findall("item")]
    widths = [width_of_layout(inner) if inner.tag == "layout" else width_of_widget(inner) for _item, inner in items]
    if layout.get("class") == "QHBoxLayout":
        return sum(widths) + SPACING * (len(widths) - 1)
    if layout.get("class") == "QVBoxLayout":
        return max(widths, default=0)
    columns: dict[int, float] = {}
    whole = 0.0
    for (item, _inner), width in zip(items, widths, strict=True):
        if int(item.get("colspan", "1")) > 1:
            whole = max(whole, width)
        else:
            column = int(item.get("column", "0"))
            columns[column] = max(columns.get(column, 0), width)
    return max(whole, sum(columns.values()) + SPACING * (len(columns) - 1))


@pytest.mark.parametrize("path", SECTIONS, ids=lambda path: path.stem)
def test_no_section_is_wider_than_the_panel(path: Path) -> None:
    top = ET.parse(path).getroot().find("widget")
    assert top is not None
    assert 100 < 2 * MARGIN + width_of_widget(top) <= LIMIT
