"""What a reader sees: each view shows its image, pixel by pixel, with its label, zoomed and panned together."""

import numpy as np
import pytest

from CEMSynthLib.study.model import ImageKind
from CEMSynthLib.study.reader import read_folder

pytestmark = pytest.mark.slow
# Levels of 255: JPEG at quality 90 of a noisy image.
CLOSE = 4.0


@pytest.fixture(scope="module")
def server(serve, study):
    return serve(study / "dicom")


@pytest.fixture(scope="module")
def acquisition(study):
    return read_folder(study / "dicom").studies[0].acquisitions[0]


@pytest.fixture
def page(server, open_page, look):
    page = open_page(server, (1600, 900))
    yield page
    # A page that is closed takes the keys with it that the server has not read yet.
    look.settle(page)
    page.close()


def shown(image, window=None):
    return (window or image.window).apply(image.pixels()) * 255


def difference(view, expected, reach=3):
    """Mean difference in the breast, at the best place near the middle of the view."""
    gray = view.mean(axis=2)
    rows, columns = expected.shape
    top, left = (gray.shape[0] - rows) // 2, (gray.shape[1] - columns) // 2
    places = [(top + y, left + x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    places = [p for p in places if p[0] >= 0 and p[1] >= 0]
    breast = expected > 8
    return min(float(np.abs(gray[r : r + rows, c : c + columns] - expected)[breast].mean()) for r, c in places)


def test_each_view_shows_its_image_pixel_by_pixel(page, look, acquisition):
    page.keyboard.press("o")
    look.settle(page)
    page.keyboard.press("a")
    look.settle(page)
    low, clinical, empty = look.pictures(page)
    for view, image in ((low, acquisition.low_energy), (clinical, acquisition.recombined)):
        assert difference(view, shown(image)) < CLOSE
    # The test can fail: the other image, or the image upside down, is far off.
    assert difference(low, shown(acquisition.recombined)) > 3 * CLOSE
    assert difference(low, shown(acquisition.low_energy)[::-1]) > 3 * CLOSE
    assert empty.max() < 10
    assert page.seen.errors == []


def test_the_page_asks_no_other_host(page, server, look):
    for key in ("1", "2", "3", "5", "?"):
        page.keyboard.press(key)
        look.settle(page, 0.3)
    asked = {host for host in page.seen.hosts if not host.startswith(("blob:", "data:"))}
    assert asked == {f"127.0.0.1:{server.port}"}
    page.keyboard.press("Escape")
    page.keyboard.press("1")


def test_zoom_and_pan_go_together(page, look):
    page.keyboard.press("a")
    look.settle(page)
    before = look.pictures(page)
    box = page.locator(".image-display-area").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button="middle")
    page.mouse.move(x + 30, y + 20, steps=5)
    page.mouse.up(button="middle")
    look.settle(page)
    after = look.pictures(page)
    for one, other in zip(before[:2], after[:2], strict=True):
        moved = np.roll(one, (20, 30), axis=(0, 1))[60:-60, 60:-60]
        assert np.abs(other[60:-60, 60:-60] - moved).mean() < CLOSE
        assert np.abs(other[60:-60, 60:-60] - one[60:-60, 60:-60]).mean() > CLOSE
    page.keyboard.press("f")


def test_inverted_and_back(page, look):
    page.keyboard.press("i")
    look.settle(page)
    assert look.pictures(page)[0].mean() > 150
    page.keyboard.press("i")
    look.settle(page)
    assert look.pictures(page)[0].mean() < 100


def test_hanging_shows_four_views(page, look):
    page.keyboard.press("4")
    look.wait(page, "s('compare_layout') === 'HANGING'")
    page.wait_for_function("document.querySelectorAll('.image-display-area').length === 4")
    look.settle(page)
    names = page.locator(".cem-view-name").all_inner_texts()
    assert [name[:5].strip() for name in names] == ["R CC", "L CC", "R MLO", "L MLO"]
    page.keyboard.press("1")
    look.settle(page)


def test_kinds_are_listed(page, look):
    rows = look.state(page, "study_rows")
    assert [row["name"] for row in rows] == ["R CC", "L CC", "R MLO", "L MLO"]
    assert ImageKind.SYNTHETIC.value not in rows[0]["kinds"]
