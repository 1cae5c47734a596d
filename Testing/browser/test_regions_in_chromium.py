"""Regions in the page: placed and dragged with the mouse; the numbers are the library's, and nothing jumps."""

import json
import time

import pytest

from CEMSynthLib.browser.region_work import region_from_json
from CEMSynthLib.measurement.cnr import CNRFormula, contrast_figure, region_statistics
from CEMSynthLib.measurement.regions import RegionRole, region_patch
from CEMSynthLib.scene.regions.measure import as_region
from CEMSynthLib.study.reader import read_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(serve, study):
    return serve(study / "dicom")


@pytest.fixture(scope="module")
def page(server, open_page):
    page = open_page(server)
    page.click("[title=Regions]")
    yield page
    page.close()


@pytest.fixture(autouse=True)
def empty(page, look):
    yield
    while look.state(page, "regions_cards"):
        count = len(look.state(page, "regions_cards"))
        page.locator("[title^='Delete']").first.click()
        look.wait(page, f"s('regions_cards').length < {count}")


def middle(page, view=1):
    box = page.locator(".image-display-area").nth(view).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def click(page, x, y):
    page.mouse.move(x, y)
    page.wait_for_timeout(80)
    page.mouse.down()
    page.mouse.up()


def draw(page, look, kind, x, y, reach=18):
    """Draw a box by two clicks, and wait until it is in the list."""
    count = len(look.state(page, "regions_cards"))
    page.keyboard.press({"rectangle": "q", "ellipse": "e"}[kind])
    look.wait(page, f"s('regions_drawing') === '{kind}'")
    click(page, x - reach, y - reach)
    click(page, x + reach, y + reach)
    look.wait(page, f"s('regions_cards').length === {count + 1} && s('regions_drawing') === ''")
    key = look.state(page, "regions_selected")
    look.wait(page, f"s('regions_numbers')['{key}'] && s('regions_numbers')['{key}'].lines.length === 2")
    return key


def drag(page, start, end, steps=8):
    page.mouse.move(*start)
    page.wait_for_timeout(150)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(*(a + (b - a) * step / steps for a, b in zip(start, end, strict=True)))
        page.wait_for_timeout(40)
    page.mouse.up()


def saved(server, count):
    """The regions as the server has put them on the disk, which takes two seconds."""
    files = server.state / "cemsynth" / "review"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for path in files.glob("*.json"):
            kept = json.loads(path.read_text())["work"]["regions"]["regions"]
            if len(kept) == count:
                return [region_from_json(one) for one in kept]
        time.sleep(0.2)
    raise AssertionError("the regions were not saved")


def measured(study, region):
    """What the library measures on both images of the first acquisition."""
    acquisition = read_folder(study / "dicom").studies[0].acquisitions[0]
    found = []
    for image in (acquisition.low_energy, acquisition.recombined):
        pixels, spacing = image.pixels(), image.grid.spacing_mm
        patch = region_patch(as_region(region), pixels.shape, spacing)
        found.append(region_statistics(pixels[patch.place], patch.mask, spacing, region.name))
    return found


def means(regions, study):
    """Mean values of the only region, as the page writes them."""
    (region,) = regions
    return [f"{one.mean:.1f}" for one in measured(study, region)]


def test_cnr_on_the_page_is_the_librarys(page, look, server, study):
    x, y = middle(page)
    lesion = draw(page, look, "ellipse", x, y)
    page.locator("[title='Background ring around this lesion']").first.click()
    look.wait(page, "s('regions_cards').length === 2")
    look.wait(page, f"s('regions_numbers')['{lesion}'].lines.every(l => /\\d/.test(l.spread))")
    lines = look.state(page, "regions_numbers")[lesion]["lines"]
    regions = {region.role: region for region in saved(server, 2)}
    inside, around = measured(study, regions[RegionRole.LESION]), measured(study, regions[RegionRole.BACKGROUND])
    assert [line["image"] for line in lines] == ["LE", "clinical"]
    for line, one, other in zip(lines, inside, around, strict=True):
        assert line["mean"] == f"{one.mean:.1f}"
        assert line["figure"] == f"{contrast_figure(CNRFormula.SD_BACKGROUND, one, other):.2f}"
    # What is seen is what is known.
    row = page.locator(".cem-card").first.locator("tbody tr").nth(1).inner_text().split()
    assert row[:4] == ["clinical", lines[1]["mean"], lines[1]["sd"], lines[1]["figure"]]


def test_numbers_follow_a_drag_and_nothing_jumps(page, look, server, study):
    x, y = middle(page)
    key = draw(page, look, "rectangle", x, y)
    page.evaluate(
        f"""() => {{ window.seen = []; window.widths = new Set(); window.watch = setInterval(() => {{
          window.seen.push(window.trame.state.get('regions_numbers')['{key}'].lines[1].mean);
          window.widths.add([...document.querySelectorAll('.cem-card td')].map(c => c.getBoundingClientRect().left
            + ' ' + c.getBoundingClientRect().top).join());
        }}, 20); }}"""
    )
    before = look.state(page, "regions_numbers")[key]["lines"]
    page.mouse.move(x, y)
    page.wait_for_timeout(150)
    page.mouse.down()
    for step in range(1, 5):
        # The button is still down when the numbers of this place come.
        last = look.state(page, "regions_numbers")[key]["lines"][1]["mean"]
        page.mouse.move(x + 10 * step, y + 8 * step, steps=4)
        look.wait(page, f"s('regions_numbers')['{key}'].lines[1].mean !== '{last}'")
    page.mouse.up()
    look.settle(page)
    page.evaluate("clearInterval(window.watch)")
    assert len(set(page.evaluate("window.seen"))) >= 4
    assert len(page.evaluate("[...window.widths]")) == 1
    after = look.state(page, "regions_numbers")[key]["lines"]
    assert after != before
    until = time.monotonic() + 30
    while (kept := means(saved(server, 1), study)) != [line["mean"] for line in after]:
        assert time.monotonic() < until, kept


def test_freehand_undo_and_redo(page, look):
    x, y = middle(page, 0)
    page.keyboard.press("d")
    look.wait(page, "s('regions_drawing') === 'curve'")
    page.mouse.move(x - 25, y - 25)
    page.mouse.down()
    for dx, dy in ((25, -25), (25, 25), (-25, 25), (-25, -20)):
        page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()
    look.wait(page, "s('regions_cards').length === 1 && s('regions_drawing') === ''")
    page.keyboard.press("u")
    look.wait(page, "s('regions_cards').length === 0")
    page.keyboard.press("y")
    look.wait(page, "s('regions_cards').length === 1")


def test_escape_gives_up_and_other_tools_too(page, look):
    for stop in ("Escape", "h"):
        page.keyboard.press("q")
        look.wait(page, "s('regions_drawing') === 'rectangle'")
        page.keyboard.press(stop)
        look.wait(page, "s('regions_drawing') === ''")
    assert look.state(page, "regions_cards") == []
    # The hand is chosen now; a region can be drawn all the same, and the hand is there again afterwards.
    draw(page, look, "rectangle", *middle(page))
    assert look.state(page, "compare_tool") == "pan"
    page.keyboard.press("w")


def test_name_color_and_lock(page, look):
    x, y = middle(page)
    first = draw(page, look, "rectangle", x, y, 10)
    second = draw(page, look, "rectangle", x, y + 60, 10)
    names = page.locator(".cem-name input")
    names.nth(0).fill("mass")
    names.nth(0).press("Enter")
    look.wait(page, "s('regions_cards')[0].name === 'mass'")
    names.nth(1).fill("mass")
    names.nth(1).press("Enter")
    look.wait(page, "s('page_message').includes('already')")
    look.wait(page, "document.querySelectorAll('.cem-name input')[1].value !== 'mass'")
    page.keyboard.press("Escape")
    # A name that tells the patient is shown without it where patients are hidden, and stays what it is.
    patient = look.state(page, "study_rows")[0]["patient"]
    names.nth(0).fill(f"{patient} mass")
    names.nth(0).press("Enter")
    look.wait(page, f"s('regions_cards')[0].name === '{patient} mass'")
    page.evaluate("window.trame.state.set('study_hide_names', true)")
    look.wait(page, "s('regions_cards')[0].name === '\N{HORIZONTAL ELLIPSIS} mass'")
    page.evaluate("window.trame.state.set('study_hide_names', false)")
    look.wait(page, f"s('regions_cards')[0].name === '{patient} mass'")
    page.locator(".cem-color").first.evaluate(
        "e => { e.value = '#00ff88'; e.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    look.wait(page, "s('regions_cards')[0].color === '#00ff88'")
    page.locator("[title^='Lock']").nth(1).click()
    look.wait(page, f"s('regions_cards').find(c => c.key === '{second}').locked")
    before = look.state(page, "regions_numbers")[second]
    drag(page, (x, y + 60), (x + 30, y + 60))
    page.wait_for_timeout(300)
    assert look.state(page, "regions_numbers")[second] == before
    assert look.state(page, "regions_numbers")[first]["lines"]
    assert page.seen.errors == []
