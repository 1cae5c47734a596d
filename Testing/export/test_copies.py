"""Files of a study that go along with an export: linked alone, measured where they lie, or gone."""

from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.export.copies import copy_synthetic, link_study
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow


def acquisition(folder: Path, ending: str = "dcm") -> Acquisition:
    def image(kind: ImageKind) -> CEMImage:
        path = folder / f"{kind.value}.{ending}"
        path.write_text(kind.value)
        uid = "1.2" if ending == "dcm" else None
        grid, window = PixelGrid(2, 2, None), VOIWindow(1.0, 2.0)
        return CEMImage(path, kind, grid, window, None, 12, False, uid, {}, lambda: np.zeros((2, 2), np.float32))

    low, recombined = image(ImageKind.LOW_ENERGY), image(ImageKind.RECOMBINED)
    return Acquisition(Laterality.RIGHT, ViewPosition.CC, low, None, recombined)


def test_dicom_files_stand_alone_in_a_folder_of_their_own(tmp_path: Path) -> None:
    there = acquisition(tmp_path)
    (tmp_path / "other.dcm").write_text("not chosen")
    folder = link_study([there, there], tmp_path / "study")
    kinds = (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED)
    wanted = {f"{number:03d}_{kind.value}.dcm": kind.value for number in (1, 2) for kind in kinds}
    assert {path.name: path.read_text() for path in folder.iterdir()} == wanted


def test_image_files_are_measured_where_they_lie(tmp_path: Path) -> None:
    assert link_study([acquisition(tmp_path, "png")], tmp_path / "study") == tmp_path
    assert not (tmp_path / "study").exists()


def test_a_file_that_is_gone_is_said_by_name(tmp_path: Path) -> None:
    there = acquisition(tmp_path)
    there.low_energy.path.unlink()
    with pytest.raises(ExportError, match=f"{there.low_energy.path.name} is gone; open the study again"):
        link_study([there], tmp_path / "study")


def test_a_synthetic_image_goes_with_its_json(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("a.png", "a.json", "b.dcm"):
        (tmp_path / name).write_text(name)
    copy_synthetic(tmp_path / "a.png", tmp_path / "out")
    copy_synthetic(tmp_path / "b.dcm", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.json", "a.png", "b.dcm"]
