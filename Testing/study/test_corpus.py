"""Every header of the corpus gives its known answer, and no message tells a patient's name."""

import warnings

import numpy as np
import pytest
from corpus import CASES
from corpus_files import ANSWER, write

from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.reader import read_folder


def test_the_corpus_is_large_and_its_names_are_different():
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_known_answer(case, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of the values that are wrong on purpose
        write(case, tmp_path / "image.dcm")
    if "refused" in case.answer:
        with pytest.raises(StudyFolderError, match=case.answer["refused"]) as caught:
            read_folder(tmp_path)
        assert "image.dcm" in str(caught.value)
        assert "Secret" not in str(caught.value)
        return
    folder = read_folder(tmp_path)
    assert "Secret" not in repr(folder)
    (study,) = folder.studies
    if "unclassified" in case.answer:
        (reason,) = study.unclassified
        assert case.answer["unclassified"] in reason.reason
        assert not study.acquisitions
        return
    expected = {**ANSWER, **case.answer}
    (acquisition,) = study.acquisitions
    images = acquisition.images
    assert len(images) == expected["frames"]
    image = images[0]
    window = image.window
    found = {
        "kind": image.kind.value,
        "laterality": acquisition.laterality and acquisition.laterality.value,
        "view": acquisition.view and acquisition.view.value,
        "modifiers": image.attributes.get("ViewModifier", ""),
        "spacing": image.grid.spacing_mm,
        "inverted": image.inverted,
        "chest_wall": image.chest_wall and image.chest_wall.value,
    }
    assert found == {key: expected[key] for key in found}
    assert (window.center, window.width, window.function) == pytest.approx(expected["window"], abs=2.5)
    assert window.function == expected["window"][2]
    for keyword, value in expected["attributes"].items():
        assert image.attributes.get(keyword) == value
    warned = [w for w in acquisition.warnings if "There is no" not in w]
    assert len(warned) == len(expected["warns"]), warned
    for part in expected["warns"]:
        assert any(part in w for w in warned), warned
    np.testing.assert_array_equal(image.pixels(), np.float32(expected["pixels"](case.stored)))
    assert any("by the rule" in e.reason for e in folder.explanations)


def test_the_frames_of_one_file_are_one_acquisition_on_one_grid(tmp_path):
    case = next(c for c in CASES if c.name == "projection image of two energies")
    write(case, tmp_path / "image.dcm")
    (acquisition,) = read_folder(tmp_path).studies[0].acquisitions
    assert acquisition.warnings == ()
    assert acquisition.recombined is not None
    np.testing.assert_array_equal(acquisition.recombined.pixels(), acquisition.low_energy.pixels() + 14)
    assert acquisition.recombined.attributes["FrameNumber"] == 2
