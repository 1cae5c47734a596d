import stat
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.study.archive import unpack
from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.reader import read_folder

RECOMBINED = ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]


@pytest.fixture(autouse=True)
def private_temporary_folder(tmp_path, monkeypatch):
    """What is unpacked lies in a folder of this test, so that it can be looked at."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def zipped(tmp_path):
    def make(content, name="study.zip", compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", compression) as archive:
            for member, data in content:
                archive.writestr(member, data)
        return path

    return make


def everything(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_study_in_nested_folders_of_an_archive(zipped, write_dicom, private_temporary_folder, tmp_path):
    low = write_dicom("le.dcm").read_bytes()
    recombined = write_dicom("rc.dcm", ImageType=RECOMBINED).read_bytes()
    path = zipped([("CD/DICOM/A/1", low), ("CD\\DICOM\\B\\2", recombined), ("CD/README.TXT", "a text")])
    before = everything(tmp_path)
    folder = read_folder(path)
    (acquisition,) = folder.studies[0].acquisitions
    assert [i.path.relative_to(folder.root).as_posix() for i in acquisition.images] == ["CD/DICOM/A/1", "CD/DICOM/B/2"]
    assert acquisition.low_energy.pixels().max() == 1000
    assert folder.root.is_relative_to(private_temporary_folder)
    assert stat.S_IMODE(folder.root.stat().st_mode) & 0o077 == 0
    written = {f for f in everything(tmp_path) - before if not f.startswith("temporary/")}
    assert written == set()
    assert read_folder(path).root == folder.root  # not unpacked twice


@pytest.mark.parametrize(
    "name", ["../../outside.dcm", "/etc/outside.dcm", "a/../../outside.dcm", "..\\outside.dcm", "C:\\outside.dcm"]
)
def test_names_that_lead_outside_are_refused(zipped, tmp_path, private_temporary_folder, name):
    path = zipped([("good.dcm", b"x"), (name, b"evil")])
    with pytest.raises(StudyFolderError, match=r"study\.zip holds a name that leads out"):
        read_folder(path)
    assert everything(private_temporary_folder) == set()
    assert not list(tmp_path.rglob("outside.dcm"))


def test_a_bomb_is_refused_by_what_it_announces(zipped, private_temporary_folder):
    path = zipped([("image.dcm", bytes(300 * 2**20))])
    assert path.stat().st_size < 2**20
    with pytest.raises(StudyFolderError, match=r"study\.zip would grow"):
        read_folder(path)
    assert everything(private_temporary_folder) == set()


def test_a_member_that_announces_less_than_it_holds_is_damaged(zipped, private_temporary_folder):
    path = zipped([("image.dcm", bytes(50_000))])
    path.write_bytes(path.read_bytes().replace((50_000).to_bytes(4, "little"), (40_000).to_bytes(4, "little")))
    with pytest.raises(StudyFolderError, match=r"study\.zip is a damaged zip"):
        read_folder(path)
    assert everything(private_temporary_folder) == set()


def test_many_members_are_refused(zipped, monkeypatch):
    monkeypatch.setattr("CEMSynthLib.study.archive._MEMBERS", 5)
    with pytest.raises(StudyFolderError, match="5 files"):
        unpack(zipped([(f"{i}.dcm", b"x") for i in range(6)]))


def test_links_are_left_out_and_double_names_refused(zipped, write_dicom):
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    image = write_dicom("le.dcm").read_bytes()
    folder = read_folder(zipped([("le.dcm", image), (link, b"/etc/passwd")]))
    assert [p.name for p in folder.root.iterdir()] == ["le.dcm"]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped([("le.dcm", image), ("le.dcm", image)], "double.zip")
    with pytest.raises(StudyFolderError, match="same file name twice"):
        read_folder(path)


def test_encrypted_damaged_empty(zipped, tmp_path):
    path = zipped([("image.dcm", b"x" * 100)])
    raw = path.read_bytes()
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(header) + offset
        raw = raw[:place] + b"\x01" + raw[place + 1 :]
    (tmp_path / "locked.zip").write_bytes(raw)
    with pytest.raises(StudyFolderError, match=r"locked\.zip is encrypted"):
        read_folder(tmp_path / "locked.zip")
    path = zipped([("image.dcm", np.random.default_rng(0).bytes(5000))], "broken.zip")
    raw = bytearray(path.read_bytes())
    raw[200:300] = bytes(100)
    path.write_bytes(raw)
    with pytest.raises(StudyFolderError, match=r"broken\.zip is a damaged"):
        read_folder(path)
    with pytest.raises(StudyFolderError, match=r"archive .* is empty"):
        read_folder(zipped([], "empty.zip"))


def test_a_member_without_a_name_is_damage(zipped):
    path = zipped([("a", b"x")])
    raw = path.read_bytes()
    directory = raw.index(b"PK\x01\x02")
    path.write_bytes(raw[: directory + 28] + bytes(2) + raw[directory + 30 :])
    with pytest.raises(StudyFolderError, match=r"study\.zip is a damaged zip"):
        read_folder(path)


def test_an_archive_among_other_files_is_told(zipped, write_dicom, tmp_path):
    write_dicom("study/le.dcm")
    zipped([("x.dcm", b"x")], "study/more.zip")
    (skipped,) = read_folder(tmp_path / "study").skipped
    assert skipped.reason == "more.zip is a zip archive among other files; open it by itself."
