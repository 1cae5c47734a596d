"""The halo in the page: the library's step, its profile drawn, lines over the images, a line laid by hand."""

import re

import numpy as np
import pytest

from CEMSynthLib.scene.halo.input import HaloInput
from CEMSynthLib.scene.halo.measurement import measure
from CEMSynthLib.study.reader import read_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(serve, open_page, study):
    page = open_page(serve(study / "dicom"))
    page.click("[title=Halo]")
    yield page
    page.close()


@pytest.fixture(scope="module")
def library(study):
    """What the library measures on the files, without a scene."""
    one = read_folder(study / "dicom").studies[0].acquisitions[0]
    clinical, spacing = one.recombined, one.low_energy.grid.spacing_mm
    window = clinical.window.high - clinical.window.low
    pixels = one.low_energy.pixels(), clinical.pixels()
    given = HaloInput("k", "R CC", *pixels, None, spacing, one.view, window, None, None, ())
    return measure(given)


@pytest.fixture(scope="module")
def rows(page, look):
    page.click(".cem-measure")
    look.wait(page, "s('halo_rows').length > 0 && !s('halo_running')", 60)
    return {row["name"]: row for row in look.state(page, "halo_rows")}


def test_numbers_are_the_librarys(page, rows, library, look):
    assert library.clinical.step > 0
    assert rows["Step: rim minus trough"]["clinical"] == f"{library.clinical.step:.4g}"
    assert rows["Depth of trough"]["clinical"] == f"{library.clinical.trough_depth:.4g}"
    assert rows["Step: rim minus trough"]["SYNTHETIC"] == "\N{EN DASH}"
    assert page.locator(".cem-word").first.inner_text().strip() == f"halo {library.clinical.verdict.value}"
    assert [one["image"] for one in look.state(page, "halo_verdicts")] == ["clinical"]


def test_the_profile_is_drawn_with_trough_and_rim(page, rows, library):
    drawn = page.locator("svg.cem-profile path.cem-curve-clinical").first.get_attribute("d")
    places = [tuple(map(float, pair.split())) for pair in re.split("[ML]", drawn) if pair.strip()]
    assert len(places) > 30
    # The curve rises from trough to rim, and the marks lie on it.
    titles = page.locator("svg.cem-profile .cem-mark title").all_text_contents()
    assert titles == [
        f"clinical trough: {library.clinical.trough_depth:.3g} mm",
        f"clinical rim: {library.clinical.rim_depth:.3g} mm",
    ]
    assert page.locator("svg.cem-profile").first.bounding_box()["height"] > 100


def test_lines_and_sectors_are_seen_over_the_images(page, look, rows):
    def colored():
        pictures = look.pictures(page)[:2]
        return [int((np.ptp(picture, axis=2) > 60).sum()) for picture in pictures]

    plain = colored()
    page.keyboard.press("g")
    look.wait(page, "s('halo_lines')")
    look.settle(page)
    lines = colored()
    assert all(after > before + 200 for before, after in zip(plain, lines, strict=True))
    assert page.locator(".cem-legend").inner_text().split("mm")[0].strip() == "5"
    page.keyboard.press("g")
    page.keyboard.press("s")
    look.settle(page)
    sectors = colored()
    # Sectors belong to the clinical image alone.
    assert sectors[1] > plain[1] + 100
    page.keyboard.press("s")
    look.settle(page)
    assert colored()[1] == pytest.approx(plain[1], abs=100)


def test_a_line_is_laid_measured_and_removed(page, look, rows):
    page.click(".cem-lay")
    look.wait(page, "s('halo_line_rows').length === 4")
    step = look.state(page, "halo_line_rows")[0]["clinical"]
    assert float(step) > 0
    assert page.locator("svg.cem-profile").count() == 2
    width = page.locator(".cem-number")
    width.fill("12")
    width.press("Enter")
    look.wait(page, f"s('halo_line_rows')[0].clinical !== '{step}'")
    page.click("[title='Remove the line']")
    look.wait(page, "!s('halo_line') && s('halo_line_rows').length === 0")
    assert page.seen.errors == []


def test_a_reader_study_is_not_opened_beside_other_images(page, look, tmp_path):
    page.click("[title=Reading]")
    page.fill(".cem-reading-folder input", str(tmp_path))
    look.wait(page, "s('reading_missing').startsWith('Other images are open')")
    assert page.locator(".cem-start").is_disabled()
