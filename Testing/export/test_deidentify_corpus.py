"""Every header of the reading corpus leaves without its name and is read afterwards as what it was, or stays."""

import warnings

import pytest

pytest.importorskip("dicomanonymizer")

from corpus import CASES
from corpus_files import write

from CEMSynthLib.commands.deidentification import NothingToDeidentifyError, deidentify_files
from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.reader import read_folder

# What stays because it is no whole mammogram, or shows text in its pixels.
STAYS = {
    *("burned-in text", "beyond all measure", "more pixels announced", "computed tomography", "frame without pixels"),
    *("no pixels", "no image", "cut short", "a length that swallows the patient's name"),
}


def seen(path):
    """What the reader makes of a file: the same words before and after, but for UIDs, dates and names."""
    try:
        found = read_folder(path)
    except StudyFolderError:
        return "refused"
    return [
        (i.kind, a.name, i.grid, i.inverted, i.window, i.chest_wall, i.bits_stored, i.attributes.get("ViewModifier"))
        for study in found.studies
        for a in study.acquisitions
        for i in a.images
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_the_same_image_without_a_name(case, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of the values that are wrong on purpose
        write(case, tmp_path / "image.dcm")
    (tmp_path / "out").mkdir()
    try:
        deidentify_files([tmp_path / "image.dcm"], tmp_path / "out")
    except NothingToDeidentifyError:
        assert case.name in STAYS or seen(tmp_path / "image.dcm") == "refused"
        return
    assert case.name not in STAYS
    (made,) = (tmp_path / "out").rglob("*.dcm")
    assert b"Secret" not in made.read_bytes()
    assert seen(made) == seen(tmp_path / "image.dcm")
