"""Small DICOM and image files, made as a vendor would write them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

# Tests and the fuzzer share the corpus.
sys.path.append(str(Path(__file__).parent))

MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"
STUDY_UID = "1.2.3.4"


@pytest.fixture
def half_disc() -> Callable[..., np.ndarray]:
    """A breast: half disc at the left border on air, optionally mirrored, with noise."""

    def make(rows=96, columns=64, air=0, tissue=1000, side="left", noise=0.0) -> np.ndarray:
        row, column = np.mgrid[:rows, :columns]
        inside = ((row - (rows - 1) / 2) / (0.4 * rows)) ** 2 + (column / (0.8 * columns)) ** 2 <= 1
        image = np.where(inside, tissue, air).astype(float)
        image += noise * np.random.default_rng(1).standard_normal(image.shape)
        image = image if side == "left" else image[:, ::-1]
        return np.clip(np.rint(image), 0, 65535).astype(np.uint16)

    return make


@pytest.fixture
def write_dicom(tmp_path: Path, half_disc) -> Callable[..., Path]:
    """Write one mammogram; keywords override attributes, ``None`` leaves one out."""

    def write(name: str = "image.dcm", pixels: np.ndarray | None = None, **changes: Any) -> Path:
        stored = half_disc() if pixels is None else pixels
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = MAMMOGRAPHY
        meta.MediaStorageSOPInstanceUID = generate_uid()
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        attributes: dict[str, Any] = {
            "SOPClassUID": MAMMOGRAPHY,
            "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
            "Modality": "MG",
            "ImageType": ["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"],
            "PatientName": "Secret^Name",
            "PatientID": "ID1",
            "StudyInstanceUID": STUDY_UID,
            "SeriesInstanceUID": STUDY_UID + ".1",
            "FrameOfReferenceUID": STUDY_UID + ".9",
            "AcquisitionDate": "20250102",
            "AcquisitionTime": "101500",
            "ImageLaterality": "L",
            "ViewPosition": "CC",
            "PatientOrientation": ["A", "R"],
            "ImagerPixelSpacing": [0.1, 0.1],
            "WindowCenter": 500,
            "WindowWidth": 1000,
            "Rows": stored.shape[0],
            "Columns": stored.shape[1],
            "SamplesPerPixel": 1 if stored.ndim == 2 else stored.shape[2],
            "PhotometricInterpretation": "MONOCHROME2" if stored.ndim == 2 else "RGB",
            "BitsAllocated": stored.dtype.itemsize * 8,
            "BitsStored": 12 if stored.dtype.itemsize == 2 else 8,
            "PixelRepresentation": 0,
            "InstanceNumber": 1,
        }
        attributes |= changes
        attributes.setdefault("HighBit", attributes["BitsStored"] - 1)
        if stored.ndim == 3:
            attributes["PlanarConfiguration"] = 0
        for keyword, value in attributes.items():
            if value is not None:
                setattr(dataset, keyword, value)
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW" if stored.dtype.itemsize == 2 else "OB"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def code_item() -> Callable[..., Dataset]:
    """An item of a code sequence."""

    def make(value: str, meaning: str, **more: Any) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
        for keyword, content in more.items():
            setattr(item, keyword, content)
        return item

    return make


@pytest.fixture
def real_pairs() -> Path:
    """The shared real pairs; the test is skipped where they are absent."""
    folder = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"
    if not folder.is_dir():
        pytest.skip("the shared real pairs are not here")
    return folder


@pytest.fixture
def cut() -> Callable[[Path, int], Path]:
    """Cut bytes off the end of a file."""

    def shorten(path: Path, missing: int) -> Path:
        path.write_bytes(path.read_bytes()[:-missing])
        return path

    return shorten


@pytest.fixture
def reread() -> Callable[[Path], Dataset]:
    """Read a file as pydicom alone does."""
    return lambda path: pydicom.dcmread(path)
