"""The report is one file that loads nothing, escapes everything, says SYNTHETIC, and can be looked at."""

import base64
import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from CEMSynthLib.evaluation.content import (
    AcquisitionReport,
    CNRReport,
    ModelReport,
    RegionReport,
    ReportContent,
    ReportImage,
    SimilarityReport,
)
from CEMSynthLib.evaluation.figures import BACKGROUND_COLOR, LESION_COLOR, breast_part, picture, short_names
from CEMSynthLib.evaluation.report import number, render_report
from CEMSynthLib.measurement.cnr import CNRFormula, contrast_to_noise
from CEMSynthLib.measurement.halo import measure_halo
from CEMSynthLib.measurement.halo_retained import halo_retained
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.similarity import compare_images
from CEMSynthLib.study.mask import breast_mask, skin_edge
from CEMSynthLib.study.model import VOIWindow

MODEL = ModelReport(
    name="demo CycleGAN",
    version="0.1",
    sha256="0123456789abcdef" * 4,
    intended_use="Research and teaching.",
    training_data="300 simulated patients",
    simulated_only=True,
)
WINDOW, LE_WINDOW = VOIWindow.from_range(2020, 2280), VOIWindow.from_range(0, 4000)
WARNING = "This model was trained on simulated images only."


def acquisition(name="L CC", spacing=(0.5, 0.5)):
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:240, :160]
    radius = np.hypot((y - 120) / 1.0, x * 1.0)
    breast = radius < 110
    depth = 110 - radius
    texture = gaussian_filter(rng.normal(size=breast.shape), 3) * 10
    lesion, background = np.hypot(y - 120, x - 45) < 9, np.hypot(y - 160, x - 40) < 12
    halo = 60 * (1 / (1 + np.exp(-(depth - 16) / 2))) + 40 * np.exp(-depth / 2.5)
    le = np.where(breast, 1800 + 900 * texture / 5 + 6 * depth, 0).clip(0, 4000).astype(np.float32)
    clinical = np.where(breast, 2080 + halo + 60 * lesion + rng.normal(0, 8, breast.shape), 2000).astype(np.float32)
    synthetic = np.where(breast, 2110 + 30 * lesion + texture, 2000).astype(np.float32)
    found = breast_mask(le, spacing)
    skin = skin_edge(found.mask, found.chest_wall)
    halos = [
        measure_halo(i, found.mask, skin, found.chest_wall.value, spacing, WINDOW.width) for i in (clinical, synthetic)
    ]
    cnr = [
        CNRReport(
            "lesion 1",
            "background",
            formula,
            *(contrast_to_noise(i, lesion, background, spacing, formula, resamples=40) for i in (le, clinical)),
            contrast_to_noise(synthetic, lesion, background, spacing, formula, resamples=40),
        )
        for formula in (CNRFormula.SD_BACKGROUND, CNRFormula.CONTRAST)
    ]
    similarity = tuple(
        SimilarityReport(what, place, compare_images(WINDOW.apply(i), WINDOW.apply(clinical), mask), base)
        for what, i, base in (("Synthetic iodine", synthetic, False), ("all black", np.zeros_like(le), True))
        for place, mask in (("breast mask", found.mask), ("whole frame", None))
    )
    return AcquisitionReport(
        name=name,
        low_energy=ReportImage(le, LE_WINDOW),
        clinical=ReportImage(clinical, WINDOW),
        synthetic=ReportImage(synthetic, WINDOW),
        spacing_mm=spacing,
        regions=(
            RegionReport("lesion 1", RegionRole.LESION, lesion),
            RegionReport("background", RegionRole.BACKGROUND, background),
        ),
        cnr=tuple(cnr),
        halo_clinical=halos[0],
        halo_synthetic=halos[1],
        halo_retained=halo_retained(halos[1], halos[0]),
        similarity=similarity,
        similarity_window=WINDOW,
    )


def content(*acquisitions, **changes):
    given = {
        "patient_id": "P10",
        "study": "image folder",
        "simulated_patient": False,
        "model": MODEL,
        "acquisitions": acquisitions,
        "created": datetime(2026, 3, 4, 5, 6),
        "versions": {"CEMSynth": "0.1.0"},
    }
    return ReportContent(**(given | changes))


@pytest.fixture(scope="module")
def view():
    return acquisition()


@pytest.fixture(scope="module")
def html(view):
    return render_report(content(view, replace(view, name="L MLO"), replace(view, name="R CC", clinical=None)))


def decode(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))).convert("RGB")).astype(int)


def near(pixels, color, tolerance=40):
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return (np.abs(pixels - wanted).max(axis=2) <= tolerance).sum()


def test_it_loads_nothing(html):
    assert re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*", html) == []
    assert "@import" not in html
    assert "<script" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_it_says_what_it_is_on_every_section(html, view):
    assert "SYNTHETIC images &ndash; not for diagnosis" in html
    sections = html.split('<section class="acquisition"')[1:]
    assert len(sections) == 3
    assert all(WARNING in s for s in sections)
    simulated = render_report(content(view, simulated_patient=True))
    assert WARNING not in simulated
    assert "simulated breasts" in simulated
    no_model = render_report(content(replace(view, synthetic=None, halo_synthetic=None), model=None))
    assert WARNING not in no_model


def test_numbers_of_the_results_are_in_the_tables(html, view):
    assert number(view.cnr[0].clinical.value) in html
    assert number(view.halo_clinical.step) in html
    mean, verdict = number(view.halo_clinical.sector_mean), view.halo_clinical.verdict.value
    assert f'{mean}, <span class="verdict">{verdict}</span>' in html, "in brief: the number that the verdict is about"
    assert f"{view.similarity[0].figures.ssim:.3f}" in html
    assert "sd_background" in html
    assert MODEL.sha256 in html
    assert "not available for this view" in html


def test_everything_is_escaped(view):
    evil = "<script>alert(1)</script>"
    poisoned = replace(
        view,
        name=evil,
        warnings=(evil,),
        cnr=(replace(view.cnr[0], lesion=evil, synthetic=evil),),
        similarity=(replace(view.similarity[0], compared=f'">{evil}'),),
    )
    text = render_report(
        content(
            poisoned,
            patient_id=evil,
            study=evil,
            model=replace(MODEL, name=evil, training_data=evil),
            warnings=(evil,),
            limits=(evil,),
            versions={evil: evil},
            units=evil,
        )
    )
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_report_without_results_is_still_one(view):
    bare = AcquisitionReport("? ?", view.low_energy, None, None, None)
    text = render_report(content(bare, model=None))
    assert "The pixel spacing is not known" in text
    assert "this report shows no synthetic image" in text
    assert render_report(content())


def test_reasons_stand_where_numbers_cannot(view):
    blind = measure_halo(
        view.clinical.pixels, view.regions[0].mask, view.regions[0].mask, "left", None, 260.0, implant=True
    )
    shown = replace(
        view,
        halo_synthetic=blind,
        cnr=(replace(view.cnr[0], synthetic="The background region has no noise (SD is 0)."),),
    )
    text = render_report(content(shown))
    assert "the breast has an implant" in text
    assert "The background region has no noise (SD is 0)." in text
    text = re.sub(r"data:[^\"]*", "", text)
    assert "NaN" not in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0, "0"),
        (-0.01234, "−0.0123"),
        (2104.6, "2105"),
        (21.34, "21.3"),
        (-1e-9, "0"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def test_a_picture_shows_regions_mark_and_scale_only_where_due(view):
    gray = ReportImage(np.full((300, 200), 2150, np.float32), WINDOW)
    plain = decode(picture(gray, spacing_mm=None))
    assert np.ptp(plain) <= 4
    marked = decode(picture(gray, spacing_mm=None, synthetic=True))
    assert near(marked, "#FFD84D") > 1000
    assert near(marked[len(marked) // 5 :], "#FFD84D") == 0
    scaled = decode(picture(gray, spacing_mm=(0.5, 0.5)))
    assert (scaled.min(axis=2) > 230).sum() > 100
    outlined = decode(picture(view.low_energy, spacing_mm=(0.5, 0.5), regions=view.regions))
    assert near(outlined, LESION_COLOR) > 100
    assert near(outlined, BACKGROUND_COLOR) > 100


def test_an_outline_lies_on_the_border_of_its_region():
    mask = np.zeros((200, 190), bool)
    mask[50:100, 20:120] = True
    image = ReportImage(np.zeros(mask.shape, np.float32), VOIWindow.from_range(0, 1))
    drawn = decode(picture(image, spacing_mm=None, regions=(RegionReport("", RegionRole.LESION, mask),)))
    rows, columns = np.nonzero(np.abs(drawn - [0xE6, 0x9F, 0x00]).max(axis=2) < 60)
    scale = 760 / 190
    np.testing.assert_allclose([rows.min(), rows.max()], [50 * scale, 100 * scale], atol=4)
    np.testing.assert_allclose([columns.min(), columns.max()], [20 * scale, 120 * scale], atol=4)


def test_names_are_short_where_they_stay_different():
    def named(*names):
        mask = np.ones((2, 2), bool)
        roles = [RegionRole.LESION if "lesion" in n else RegionRole.BACKGROUND for n in names]
        return short_names([RegionReport(n, r, mask) for n, r in zip(names, roles, strict=True)])

    assert set(named("P1_L_CC_lesion_1", "P1_L_CC_background_1").values()) == {"lesion 1", "background 1"}
    assert named("a_lesion", "b_lesion") == {"a_lesion": "a_lesion", "b_lesion": "b_lesion"}


def test_the_part_shown_holds_the_breast_and_the_regions():
    pixels = np.zeros((200, 100), np.float32)
    pixels[80:120, 60:] = 2000
    pixels[5, 5] = 4000  # a hot pixel
    far = np.zeros(pixels.shape, bool)
    far[150:160, 70:80] = True
    image = ReportImage(pixels, LE_WINDOW)
    assert breast_part(image, ()) == (slice(74, 126), slice(57, 100))
    assert breast_part(image, (RegionReport("far", RegionRole.LESION, far),)) == (slice(74, 166), slice(57, 100))
    assert breast_part(ReportImage(np.zeros((20, 10), np.float32), LE_WINDOW), ()) == (slice(0, 20), slice(0, 10))


def test_a_synthetic_image_of_unknown_origin_is_called_that(view):
    text = render_report(content(view, model=None))
    assert "not recorded which model" in text
    assert "shows no synthetic image" not in text


def test_anisotropic_pixels_keep_their_shape():
    image = ReportImage(np.zeros((100, 100), np.float32), VOIWindow.from_range(0, 1))
    assert decode(picture(image, spacing_mm=(0.2, 0.1))).shape[:2] == (1520, 760)


def open_in_chromium(folder, html):
    """Open a page; return its picture and whether it asked for anything beyond itself."""
    page, shot, log = folder / "report.html", folder / "shot.png", folder / "net.json"
    page.write_text(html, encoding="utf-8")
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        "--host-resolver-rules=MAP * ~NOTFOUND",
        *(f"--user-data-dir={folder / 'profile'}", f"--screenshot={shot}", "--window-size=1280,3000"),
        *(f"--log-net-log={log}", page.as_uri()),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert shot.exists(), run.stderr[-500:]
    # What a file page asks for has the opaque origin "null"; the browser's own requests have none.
    return np.asarray(Image.open(shot).convert("RGB")).astype(int), '"initiator":"null"' in log.read_text(
        errors="replace"
    )


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_chromium_shows_it_and_it_asks_for_nothing(html, tmp_path):
    # Without its Content-Security-Policy, which would hide that something is asked for.
    open_page = re.sub(r"<meta http-equiv=[^>]*>", "", html)
    pixels, asked = open_in_chromium(tmp_path, open_page)
    assert not asked
    assert pixels.shape == (3000, 1280, 3)
    assert near(pixels[:60], "#1d2733") > 10000  # the banner
    assert near(pixels, "#FFD84D") > 500  # its text, and the mark in the picture
    assert near(pixels, LESION_COLOR) > 200
    assert pixels[60:].std() > 30


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_chromium_would_tell_if_a_page_asked_for_something(tmp_path):
    _, asked = open_in_chromium(tmp_path, '<img src="http://example.invalid/x.png">')
    assert asked
