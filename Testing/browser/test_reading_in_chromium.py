"""The reader study in the page: blinded images alone, answers and marks on the disk, nothing lost in a crash."""

import json

import numpy as np
import pytest

from CEMSynthLib.cli import main
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.reading.storage import answers_path, read_answers
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.reader import read_folder

pytestmark = pytest.mark.slow
SEND = """async () => {
  const form = new FormData();
  form.append('file', new Blob(['x']), 'x.dcm');
  return (await fetch('/upload', {method: 'POST', headers: {'X-CEMSynth': '1'}, body: form})).json();
}"""


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    """Both breasts of the simulated patient, low energy and clinical image."""
    made = tmp_path_factory.mktemp("reader-study") / "readers"
    arguments = ["--readers", "R1", "--image-types", "low_energy+recombined", "--washout-days", "0"]
    assert main(["readers", "new", str(study / "dicom"), "--output", str(made), *arguments]) == 0
    return made


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state-of-reading")


def choose(page, look, folder):
    page.click("[title=Reading]")
    page.fill(".cem-reading-folder input", str(folder))
    look.wait(page, "s('reading_readers').length === 1")
    page.click(".cem-reading-reader")
    page.click(".v-list-item:has-text('R1')")


def begin(page, look):
    page.click(".cem-start")
    look.wait(page, "s('reading_now')")
    page.wait_for_function("document.querySelectorAll('.image-display-area').length === 4")
    look.settle(page)


def answer(page, look, question, value):
    page.click(f".cem-answer-{question}-{value}")
    look.wait(page, f"s('reading_answers')['{question}'] === '{value}'")


def what_is_wrong_with_a_folder_is_said(page, look, folder):
    page.click("[title=Reading]")
    page.fill(".cem-reading-folder input", str(folder))
    look.wait(page, "s('reading_missing').includes('no protocol.json')")
    (folder / "protocol.json").write_text("{")
    page.fill(".cem-reading-folder input", f"{folder}/")
    look.wait(page, "s('page_message') !== ''")
    assert page.locator(".cem-start").is_disabled()


def test_a_case_is_read_saved_and_nothing_is_lost_in_a_crash(serve, open_page, look, folder, state, study, tmp_path):
    server = serve(state=state)
    page = open_page(server, wait=False)
    page.wait_for_selector(".cem-rail")
    what_is_wrong_with_a_folder_is_said(page, look, tmp_path)
    choose(page, look, folder)
    begin(page, look)
    assert page.locator(".cem-view-name").all_inner_texts() == ["CC 1", "CC 2", "MLO 1", "MLO 2"]
    # Both images of a row are framed alike: the breast is as high in one as in the other, and fills the view.
    heights = [int((picture[30:].max(axis=(1, 2)) > 60).sum()) for picture in look.pictures(page)]
    for one, other in (heights[:2], heights[2:]):
        assert one == pytest.approx(other, abs=12)
        assert one > 0.7 * (look.pictures(page)[0].shape[0] - 30)
    # Nothing tells patient or kind of image, and nothing else can be opened or switched.
    told = page.evaluate("JSON.stringify(window.trame.state.state)").lower()
    patient = read_folder(study / "dicom").studies[0].patient_id.lower()
    assert patient not in told
    assert "recombined" not in json.dumps(look.state(page, "reading_questions")).lower()
    assert page.locator("[title=Study]").is_disabled()
    page.keyboard.press("5")
    page.keyboard.press("?")
    look.wait(page, "s('page_help_open')")
    page.keyboard.press("Escape")
    look.wait(page, "!s('page_help_open')")
    assert look.state(page, "compare_layout") == "LOW_CLINICAL_SYNTHETIC"
    assert page.locator(".image-display-area").count() == 4

    sent = page.evaluate(SEND)
    assert "reader study" in sent["error"]

    assert page.locator(".cem-save").is_disabled()
    answer(page, look, "bpe", "b")
    answer(page, look, "lesion", "yes")
    page.click(".cem-place")
    look.wait(page, "s('reading_placing')")
    box = page.locator(".image-display-area").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(150)
    page.mouse.down()
    page.mouse.up()
    look.wait(page, "s('reading_marks') === 1")
    page.click(".cem-place")
    # The middle of the view is the middle of the breast, with some air in front of it.
    (mark,) = look.state(page, "reading_answers")["marks"]
    mask = breast_mask(read_folder(study / "dicom").studies[0].acquisitions[0].low_energy.pixels()).mask
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    row, column = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1] - 0.04 * np.ptp(rows)) / 2
    assert mark["view"] == "CC"
    assert (mark["row"], mark["column"]) == (pytest.approx(row, abs=4), pytest.approx(column, abs=4))
    for question, value in (("conspicuity", "high"), ("asymmetry", "no"), ("confidence", "4"), ("quality", "5")):
        answer(page, look, question, value)
    page.click(".cem-none-artifacts input")
    look.wait(page, "s('reading_lacking').length === 0")
    page.click(".cem-save")
    look.wait(page, "s('reading_done') === 1 && s('reading_now')")
    answers = answers_path(folder / "readers", "R1")
    (stored,) = read_answers(answers, read_protocol(folder).sha256, "R1").history
    assert stored.answers["marks"] == [mark]
    assert (stored.answers["lesion"], stored.answers["artifacts"]) == ("yes", [])

    # Half of the second case is answered when the server dies.
    look.settle(page)
    answer(page, look, "lesion", "yes")
    answer(page, look, "quality", "2")
    page.click(".cem-place")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.wait_for_timeout(150)
    page.mouse.down()
    page.mouse.up()
    look.wait(page, "s('reading_marks') === 1")
    given = look.state(page, "reading_answers")
    page.wait_for_timeout(1500)
    server.kill()
    page.close()
    # The folder of a reader study is offered at once.
    page = open_page(serve(folder, state=state), wait=False)
    page.wait_for_selector(".cem-rail")
    begin(page, look)
    assert look.state(page, "reading_answers") == given
    assert look.state(page, "reading_marks") == 1
    page.click(".cem-leave")
    look.wait(page, "!s('reading_open') && s('page_alone') === ''")
    assert page.seen.errors == []
    page.close()
