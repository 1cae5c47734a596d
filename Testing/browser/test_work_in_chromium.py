"""A reader's work: real pair, upload, generator with progress and cancel, files to take home, nothing lost."""

import csv
import io
import json
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest

pytestmark = pytest.mark.slow
REAL = Path(__file__).resolve().parents[3] / "shared/data/cdd-cesm"


@pytest.fixture(scope="module")
def server(serve, study):
    return serve(study / "dicom")


@pytest.fixture(scope="module")
def page(server, open_page):
    page = open_page(server)
    yield page
    page.close()


def tab(page, title):
    page.click(f".v-tab[title='{title}']")
    page.wait_for_timeout(300)


@pytest.fixture(scope="module")
def synthesized(page, look):
    """The acquisition that is shown has a synthetic image, made by the worker."""
    pytest.importorskip("torch")
    tab(page, "Synthesis")
    steps = []
    page.expose_function("tellStep", lambda text: steps.append(text))
    page.evaluate("setInterval(() => window.tellStep(window.trame.state.get('synthesis_step')), 30)")
    page.click(".cem-run")
    look.wait(page, "s('synthesis_running')")
    look.wait(page, "!s('synthesis_running') && s('synthesis_about').length > 0", 120)
    look.settle(page)
    return steps


def test_the_generator_tells_its_progress_and_its_image_is_shown(page, look, synthesized):
    assert any("loading the model" in step for step in synthesized)
    assert len({step for step in synthesized if step}) >= 2
    synthetic = look.pictures(page)[2]
    # The label and the image.
    assert synthetic[:60].max() > 200
    assert synthetic[60:].mean() > 5
    lines = {line["name"]: line["text"] for line in look.state(page, "synthesis_about")}
    assert lines["Model"].startswith("cemsynth-demo")
    assert "SYNTHETIC" in look.state(page, "study_rows")[0]["kinds"]


def test_the_window_of_clinical_and_synthetic_is_one(page, look, synthesized):
    page.keyboard.press("2")
    look.settle(page)
    before = [picture[60:].mean() for picture in look.pictures(page)]
    box = page.locator(".image-display-area").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=6)
    page.mouse.up()
    look.settle(page)
    after = [picture[60:].mean() for picture in look.pictures(page)]
    assert all(abs(one - other) > 1 for one, other in zip(before, after, strict=True))
    assert np.sign(after[0] - before[0]) == np.sign(after[1] - before[1])
    page.keyboard.press("0")
    look.settle(page)
    assert [picture[60:].mean() for picture in look.pictures(page)] == pytest.approx(before, abs=0.5)
    page.keyboard.press("1")
    look.settle(page)


def test_blink_fade_and_difference(page, look, synthesized):
    look.settle(page)
    clinical, synthetic = look.pictures(page)[1:]
    page.keyboard.press("x")
    look.settle(page)
    assert np.abs(look.pictures(page)[2][60:] - clinical[60:]).mean() < 1
    page.keyboard.press("x")
    page.keyboard.press("b")
    seen = set()
    for _ in range(30):
        picture = look.pictures(page)[2][60:]
        distances = [np.abs(picture - other[60:]).mean() for other in (clinical, synthetic)]
        seen.add(int(np.argmin(distances)))
        page.wait_for_timeout(150)
    page.keyboard.press("b")
    assert seen == {0, 1}
    page.keyboard.press("3")
    page.wait_for_function("document.querySelectorAll('.cem-view-name').length === 3")
    look.wait(page, "s('compare_layout') === 'CLINICAL_SYNTHETIC_DIFFERENCE'")
    look.settle(page)
    red, _, blue = np.moveaxis(look.pictures(page)[2][60:], 2, 0)
    assert (np.abs(red - blue) > 40).mean() > 0.01
    page.keyboard.press("1")
    look.settle(page)


def test_a_run_can_be_canceled_and_the_page_answers_meanwhile(page, look, synthesized):
    tab(page, "Synthesis")
    page.click("text=All acquisitions of the list")
    page.evaluate("const run = document.querySelector('.cem-run'); run.click(); run.click()")
    page.keyboard.press("i")
    look.wait(page, "s('compare_inverted') === true", 5)
    page.keyboard.press("i")
    look.wait(page, "!s('synthesis_running') && s('page_message').includes('Canceled.')", 30)
    made = ["SYNTHETIC" in row["kinds"] for row in look.state(page, "study_rows")]
    assert made[0]
    assert not all(made)
    # The next run is not canceled by the last one's cancel.
    page.click(".cem-run")
    look.wait(page, "s('study_rows').every(row => row.kinds.includes('SYNTHETIC')) && !s('synthesis_running')", 60)
    page.click("text=All acquisitions of the list")
    assert page.seen.errors == []


def download(page, kind):
    tab(page, "Export")
    with page.expect_download(timeout=120000) as waiting:
        page.click(f".cem-export-{kind}")
    return Path(waiting.value.path()), waiting.value.suggested_filename


def test_each_file_can_be_taken_home_and_opened(page, look, synthesized):
    path, name = download(page, "synthetic")
    assert name == "synthetic.zip"
    with zipfile.ZipFile(path) as archive:
        datasets = [
            pydicom.dcmread(io.BytesIO(archive.read(one))) for one in archive.namelist() if one.endswith(".dcm")
        ]
    assert datasets
    assert all(dataset.SyntheticData == "YES" for dataset in datasets)
    path, name = download(page, "scene_without_names")
    assert name.endswith(".mrb")
    with zipfile.ZipFile(path) as archive:
        assert any(one.endswith(".mrml") for one in archive.namelist())
    path, name = download(page, "table")
    assert name == "measurements.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows
    path, name = download(page, "report")
    assert name == "report.html"
    assert "SYNTHETIC" in path.read_text(encoding="utf-8")


def test_the_scene_opens_again(page, synthesized, mrml_reader, tmp_path):
    path, name = download(page, "scene")
    assert name == "review.mrb"
    # A reader of scenes looks at the name.
    assert mrml_reader(shutil.copy(path, tmp_path / name)) >= {"low_energy", "recombined", "synthetic"}


def test_a_reload_finds_the_work_again(page, look, synthesized):
    page.keyboard.press("r")
    look.wait(page, "s('compare_ruler')")
    page.reload()
    page.wait_for_selector(".image-display-area", timeout=60000)
    look.settle(page)
    assert look.state(page, "compare_ruler") is True
    assert look.state(page, "synthesis_about")
    assert look.pictures(page)[2][60:].mean() > 5
    page.keyboard.press("r")


def test_files_are_sent_by_the_page(page, look, study, tmp_path):
    files = sorted(str(path) for path in (study / "dicom").rglob("*.dcm") if "_MLO_" in path.name or "MLO" in path.name)
    tab(page, "Study")
    page.set_input_files(".cem-files", files[:2])
    look.wait(page, "!s('upload_busy') && s('study_rows').length >= 1 && s('study_rows')[0].name.includes('MLO')", 30)


def test_too_much_is_told_before_it_is_sent(page, look, tmp_path):
    page.evaluate("const s = window.trame.state; s.set('upload_limits', {...s.get('upload_limits'), size: 10})")
    (tmp_path / "big.dcm").write_bytes(b"0" * 100)
    page.set_input_files(".cem-files", [str(tmp_path / "big.dcm")])
    look.wait(page, "s('page_message').includes('too much')", 5)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real images beside the repository")
def test_a_real_pair_is_read_and_its_image_made(serve, open_page, look):
    pytest.importorskip("torch")
    page = open_page(serve(REAL))
    low, clinical, _ = look.pictures(page)
    assert low.mean() > 10
    assert clinical.mean() > 3
    assert np.abs(low - clinical).mean() > 5
    tab(page, "Synthesis")
    page.click(".cem-run")
    look.wait(page, "s('synthesis_about').length > 0 && !s('synthesis_running')", 120)
    look.settle(page)
    assert look.pictures(page)[2][60:].mean() > 10
    page.close()


def test_a_killed_server_loses_at_most_five_seconds(serve, open_page, look, study, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    first = serve(study / "dicom", state=state)
    page = open_page(first)
    page.keyboard.press("2")
    page.keyboard.press("k")
    look.wait(page, "s('compare_corner') && s('compare_layout') === 'CLINICAL_SYNTHETIC'")
    look.settle(page)
    own = look.pictures(page)[0]
    box = page.locator(".image-display-area").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 80, steps=6)
    page.mouse.up()
    look.settle(page)
    windowed = look.pictures(page)[0]
    done = time.monotonic()
    saved = state / "cemsynth/review"
    while time.monotonic() - done < 5 and '"windows": {"' not in "".join(p.read_text() for p in saved.glob("*.json")):
        time.sleep(0.1)
    (file,) = saved.glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    work = json.loads(file.read_text())["work"]
    assert work["compare"]["layout"] == "CLINICAL_SYNTHETIC"
    assert "SIM-2026" not in file.read_text()
    first.kill()
    page.wait_for_selector("text=The review has ended", timeout=60000)
    page.close()
    # The work that is found again holds no region, so those of the command are drawn.
    second = serve(study / "dicom", "--regions", study / "regions", state=state)
    page = open_page(second)
    look.wait(page, "s('compare_corner') && s('compare_layout') === 'CLINICAL_SYNTHETIC'")
    assert "found again" in look.state(page, "page_message")
    assert look.state(page, "regions_cards")
    look.settle(page)
    again = look.pictures(page)
    assert len(again) == 2
    # The window that was dragged is back, not the image's own.
    assert np.abs(again[0] - windowed).mean() < np.abs(again[0] - own).mean() / 4
    page.close()
