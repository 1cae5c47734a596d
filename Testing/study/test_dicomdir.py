import shutil

import pytest
from pydicom.fileset import FileSet

from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.reader import read_folder

RECOMBINED = ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]


@pytest.fixture
def medium(write_dicom, tmp_path):
    """A medium as pydicom writes it: DICOMDIR and files with names of the medium."""
    more = {"PatientSex": "F", "PatientBirthDate": "", "StudyDate": "20250102", "StudyTime": "101500",
            "StudyID": "1", "SeriesNumber": 1, "AccessionNumber": "", "StudyDescription": ""}  # fmt: skip
    fileset = FileSet()
    fileset.add(write_dicom("in/le.dcm", **more))
    fileset.add(write_dicom("in/rc.dcm", ImageType=RECOMBINED, InstanceNumber=2, **more))
    fileset.write(tmp_path / "medium")
    return tmp_path / "medium"


@pytest.mark.parametrize("path", ["", "DICOMDIR"])
def test_the_folder_and_its_directory_give_the_same_study(medium, path):
    folder = read_folder(medium / path)
    (acquisition,) = folder.studies[0].acquisitions
    assert [i.kind.value for i in acquisition.images] == ["low_energy", "recombined"]
    assert acquisition.low_energy.pixels().max() == 1000
    assert all("directory of a DICOM medium" in s.reason for s in folder.skipped)
    assert len(folder.skipped) == (path == "")


def test_only_what_the_directory_names_is_read(medium, write_dicom):
    shutil.copy(write_dicom("other.dcm", ViewPosition="MLO"), medium / "OTHER")
    assert len(read_folder(medium).studies[0].acquisitions) == 2
    assert len(read_folder(medium / "DICOMDIR").studies[0].acquisitions) == 1


def test_capitals_do_not_matter(medium):
    for path in sorted(medium.rglob("*"), key=lambda p: -len(p.parts)):
        path.rename(path.with_name(path.name.lower()))
    assert len(read_folder(medium / "dicomdir").studies[0].acquisitions[0].images) == 2


def test_missing_files_are_told(medium):
    images = [p for p in sorted(medium.rglob("*")) if p.is_file() and p.name != "DICOMDIR"]
    images[1].unlink()
    for path in (medium, medium / "DICOMDIR"):
        reasons = [s.reason for s in read_folder(path).skipped]
        assert any(r.endswith("which is not there.") and images[1].name in r for r in reasons)


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_files_outside_its_folder_are_never_read(medium, write_dicom, tmp_path, reread):
    shutil.copy(write_dicom("secret.dcm", ViewPosition="MLO"), tmp_path / "SECRET")
    directory = reread(medium / "DICOMDIR")
    image = next(r for r in directory.DirectoryRecordSequence if r.DirectoryRecordType == "IMAGE")
    image.ReferencedFileID = ["..", "SECRET"]
    directory.save_as(medium / "DICOMDIR")
    folder = read_folder(medium / "DICOMDIR")
    assert len(folder.studies[0].acquisitions) == 1
    assert folder.skipped[0].reason == "DICOMDIR names a file outside its folder, which is not read."
    (medium / "LINK").symlink_to(tmp_path / "SECRET")
    image.ReferencedFileID = "LINK"
    directory.save_as(medium / "DICOMDIR")
    assert len(read_folder(medium / "DICOMDIR").studies[0].acquisitions) == 1


def test_a_damaged_directory_stops_nothing_in_a_folder(medium):
    raw = (medium / "DICOMDIR").read_bytes()
    (medium / "DICOMDIR").write_bytes(raw[:500])
    assert len(read_folder(medium).studies[0].acquisitions) == 1
    with pytest.raises(StudyFolderError):
        read_folder(medium / "DICOMDIR")
