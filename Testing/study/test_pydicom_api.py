"""Pydicom API: Slicer 5.10 brings pydicom 2.4; newer names are used in one file only, and both ways agree."""

import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

import CEMSynthLib
from CEMSynthLib.study import pydicom_api
from CEMSynthLib.study.decoders import advice
from CEMSynthLib.study.header import open_header

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LIBRARY = Path(CEMSynthLib.__file__).parent
# What pydicom 2.4 has not, or knows by another number.
NEWER = re.compile(
    r"pydicom\.pixels|encaps import .*get_frame|enforce_file_format|keep_deferred|original_encoding"
    r"|(?<![\w.])(HTJ2KLossless|HTJ2KLosslessRPCL|JPEGLossless)\b"
)
# The worker is started with pydicom 3 only.
ALLOWED = {"study/pydicom_api.py", "study/decoder_worker.py"}


@pytest.fixture(params=[True, False], ids=["as pydicom 3", "as pydicom 2"])
def either(request, monkeypatch) -> bool:
    if request.param and not pydicom_api.MODERN:
        pytest.skip("this is pydicom 2")
    monkeypatch.setattr(pydicom_api, "MODERN", request.param)
    return request.param


def dataset(syntax: UID = ExplicitVRLittleEndian, frames: int = 1) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3"
    made.Rows, made.Columns, made.NumberOfFrames = 3, 4, frames
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.PixelData = np.arange(frames * 12, dtype="<u2").tobytes()
    made["PixelData"].VR = "OW"
    made.SyntheticData = "YES"
    return made


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_what_is_written_is_read(either: bool, syntax: UID, tmp_path: Path) -> None:
    pydicom_api.save(dataset(syntax, frames=2), tmp_path / "x.dcm")
    found = pydicom.dcmread(tmp_path / "x.dcm")
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found[0x0008, 0x001C].value == "YES"
    assert pydicom_api.implicit_and_little(found) == (syntax == ImplicitVRLittleEndian, True)
    assert (pydicom_api.stored_values(found, 1) == np.arange(12, 24).reshape(3, 4)).all()


def test_one_frame_has_no_axis_of_frames(either: bool, tmp_path: Path) -> None:
    pydicom_api.save(dataset(), tmp_path / "x.dcm")
    assert pydicom_api.stored_values(pydicom.dcmread(tmp_path / "x.dcm"), 0).shape == (3, 4)


def test_frames_of_compressed_data(either: bool) -> None:
    made = dataset(JPEG2000Lossless, frames=2)
    made.PixelData = encapsulate([b"first!", b"second"])
    assert [pydicom_api.compressed_frame(made, index, 2) for index in (0, 1)] == [b"first!", b"second"]


def test_a_value_that_was_left_in_the_file_stays_there(either: bool, tmp_path: Path) -> None:
    made = dataset()
    made.Rows = made.Columns = 64
    made.PixelData = bytes(2 * 64 * 64)
    pydicom_api.save(made, tmp_path / "x.dcm")
    element = pydicom_api.unread_element(open_header(tmp_path / "x.dcm"), "PixelData")
    assert element.value is None
    assert element.length == 2 * 64 * 64


def test_pydicom_2_says_what_it_cannot_read(monkeypatch) -> None:
    monkeypatch.setattr(pydicom_api, "MODERN", False)
    monkeypatch.setattr("CEMSynthLib.study.decoders.MODERN", False)
    assert "needs pydicom 3" in advice(JPEG2000Lossless, 12)
    assert advice(ExplicitVRLittleEndian, 12) == ""


def test_newer_names_are_used_in_one_file_only() -> None:
    used = {
        path.relative_to(LIBRARY).as_posix()
        for path in LIBRARY.rglob("*.py")
        if NEWER.search(path.read_text(encoding="utf-8"))
    }
    assert used <= ALLOWED
