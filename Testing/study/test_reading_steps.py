"""Reading step by step gives what reading at once gives, can be canceled, and takes files from anywhere."""

import shutil
from pathlib import Path

import pytest

from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.study import write_patient
from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.reader import read_folder, reading


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("steps")
    write_patient(base, CohortSettings(7, 2.0), 1)
    return base / "dicom"


def drain(steps) -> tuple[list[tuple[int, int]], object]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def names(found) -> list[tuple[str, ...]]:
    return [tuple(i.path.name for i in a.images) for s in found.studies for a in s.acquisitions]


def test_steps_give_the_same_as_one_call(folder: Path) -> None:
    seen, found = drain(reading([folder]))
    counted = [step for step in seen if step[1]]
    assert counted == [(n, len(counted)) for n in range(1, len(counted) + 1)]
    assert len(counted) == 8
    assert names(found) == names(read_folder(folder))
    assert found.root == folder


def test_files_from_several_folders_are_one_study(folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.rglob("*.dcm"))
    for number, file in enumerate(files):
        (tmp_path / str(number)).mkdir()
        shutil.copy(file, tmp_path / str(number) / file.name)
    _, found = drain(reading(sorted(tmp_path.rglob("*.dcm"))))
    assert found.root == tmp_path
    assert names(found) == names(read_folder(folder))


def test_an_archive_is_unpacked_while_the_caller_waits(folder: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "study"), "zip", folder)
    _, found = drain(reading([Path(archive)]))
    assert len(names(found)) == 4


def test_closing_cancels_and_nothing_is_left_quiet(folder: Path) -> None:
    import warnings

    steps = reading([folder])
    while next(steps)[1] == 0:
        pass
    steps.close()
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)


def test_errors_come_out_of_the_step() -> None:
    with pytest.raises(StudyFolderError, match="does not exist"):
        drain(reading([Path("/no/such/folder")]))
    with pytest.raises(StudyFolderError, match="No files were given"):
        drain(reading([]))
