"""What is written is read back as what it is, both sides, flipped or not: LE, recombined and synthetic image."""

from datetime import datetime

import numpy as np
import pytest

from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.mammogram import ExposureParameters, mammogram_dataset, write_dataset
from CEMSynthLib.export.pictures import write_display_png, write_synthetic_png
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow
from CEMSynthLib.study.reader import read_folder

MODEL = ModelProvenance("demo", "1.0", "ab" * 32)
GRID = PixelGrid(120, 80, (0.7, 0.5))
WHEN = datetime(2026, 1, 2, 10)


def breast(side, level, air):
    y, x = np.mgrid[: GRID.rows, : GRID.columns]
    inside = ((y - 60) * 0.7) ** 2 + (x * 0.5) ** 2 < 33**2
    image = np.where(inside, level + x, air).astype(np.uint16)
    return image if side is Side.LEFT else image[:, ::-1].copy()


def write(folder, kind, side, laterality, number):
    low_energy = kind is ImageKind.LOW_ENERGY
    dataset = mammogram_dataset(
        pixels=breast(side, 1500, 0) if low_energy else breast(side, 2080, 2000),
        grid=GRID,
        kind=kind,
        laterality=laterality,
        view=ViewPosition.CC,
        window=VOIWindow(1500, 2000) if low_energy else VOIWindow(2150, 260),
        patient_id="SIM-7",
        patient_name="Doe^Jane",
        study_uid="1.2.3.1",
        series_uid=f"1.2.3.1.{number}",
        sop_instance_uid=f"1.2.3.1.{number}.1",
        frame_of_reference_uid="1.2.3.1.99",
        series_number=number,
        instance_number=1,
        series_description="image",
        study_datetime=WHEN,
        exposure=ExposureParameters(kvp=30),
        manufacturer="CEMSynth",
        manufacturer_model="test",
        chest_wall=side,
    )
    write_dataset(dataset, folder / f"{number}.dcm")
    return folder / f"{number}.dcm"


@pytest.mark.parametrize("laterality", list(Laterality))
@pytest.mark.parametrize("side", list(Side))
def test_dicom(tmp_path, laterality, side):
    source = write(tmp_path, ImageKind.LOW_ENERGY, side, laterality, 1)
    write(tmp_path, ImageKind.RECOMBINED, side, laterality, 2)
    values = breast(side, 2100, 2000).astype(np.float32)
    derived = synthetic_dataset(
        source=read_source(source),
        values=values,
        grid=GRID,
        window=VOIWindow(2150, 260),
        model=MODEL,
        series_uid="1.2.3.1.3",
        series_number=900,
        instance_number=1,
        created=WHEN,
    )
    write_dataset(derived.dataset, tmp_path / derived.file_name)
    (study,) = read_folder(tmp_path).studies
    assert (study.patient_id, study.unclassified) == ("SIM-7", ())
    (acquisition,) = study.acquisitions
    (synthetic,) = study.synthetic
    assert (acquisition.laterality, acquisition.view) == (laterality, ViewPosition.CC)
    for image, kind in (
        (acquisition.low_energy, ImageKind.LOW_ENERGY),
        (acquisition.recombined, ImageKind.RECOMBINED),
        (synthetic, ImageKind.SYNTHETIC),
    ):
        assert image.kind is kind
        assert image.grid == GRID
        assert image.chest_wall is side
        assert not image.inverted
        assert "Doe" not in str(image)
    assert acquisition.recombined.window == VOIWindow(2150, 260)
    np.testing.assert_array_equal(synthetic.pixels(), values)
    assert synthetic.window == VOIWindow(2150, 260)


def test_image_folder(tmp_path):
    gray = VOIWindow.from_range(0, 4000)
    write_display_png(tmp_path / "P12_L_DM_CC.png", values=breast(Side.LEFT, 1500, 0), window=gray, synthetic=False)
    values = breast(Side.LEFT, 2100, 2000) + 0.25
    write_synthetic_png(
        tmp_path,
        values=values,
        window=VOIWindow.from_range(2020, 2280),
        source_name="P12_L_DM_CC.png",
        spacing_mm=None,
        model=MODEL,
    )
    (study,) = read_folder(tmp_path).studies
    (synthetic,) = study.synthetic
    assert synthetic.kind is ImageKind.SYNTHETIC
    np.testing.assert_allclose(synthetic.pixels(), values, atol=0.01)
    assert (synthetic.window.low, synthetic.window.high) == (2020, 2280)
