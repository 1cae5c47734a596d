"""Every kind of DICOM file that CEMSynth writes, judged by programs of others: dciodvfy, DCMTK, GDCM."""

import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

KINDS = (
    *("low_energy", "raw_low_energy", "high_energy", "recombined", "synthetic", "burned_in", "report"),
    *("cleaned low_energy", "cleaned raw_low_energy", "cleaned recombined", "cleaned synthetic", "cleaned report"),
)
IMAGES = tuple(kind for kind in KINDS if not kind.endswith("report"))
needs_dcmtk = pytest.mark.skipif(shutil.which("dcm2pnm") is None, reason="dcmtk is not installed")


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_error(everything, findings, kind):
    assert findings(everything[kind]) == []


@needs_dcmtk
@pytest.mark.parametrize("kind", KINDS)
def test_dcmdump_reads_it_to_its_end(everything, kind):
    run = subprocess.run(["dcmdump", "-q", str(everything[kind])], capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"PixelData" in run.stdout or b"ContentSequence" in run.stdout


@needs_dcmtk
@pytest.mark.parametrize("kind", IMAGES)
def test_dcm2pnm_shows_what_the_window_says(everything, kind, tmp_path):
    """DCMTK's own rendering through the first window is ours to one gray level in 256."""
    path = everything[kind]
    dataset = dcmread(path)
    window = ["+Wi", "1"] if "WindowCenter" in dataset else ["+Wm"]
    picture = tmp_path / "picture.pgm"
    subprocess.run(["dcm2pnm", "-q", *window, "+opb", str(path), str(picture)], check=True)
    shown = np.asarray(Image.open(picture)).astype(float)
    assert shown.shape == (dataset.Rows, dataset.Columns)
    if "WindowCenter" in dataset:
        from CEMSynthLib.study.model import VOIWindow

        voi = VOIWindow(float(dataset.WindowCenter), float(dataset.WindowWidth), dataset.VOILUTFunction)
        assert np.abs(shown - 255 * voi.apply(dataset.pixel_array)).max() <= 1.0
    assert shown.std() > 1


@pytest.mark.parametrize("kind", KINDS)
def test_gdcm_reads_the_same_pixels(everything, kind):
    gdcm = pytest.importorskip("gdcm")
    path = everything[kind]
    reader = gdcm.Reader() if kind.endswith("report") else gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    if not kind.endswith("report"):
        dataset, image = dcmread(path), reader.GetImage()
        assert (image.GetDimension(1), image.GetDimension(0)) == (dataset.Rows, dataset.Columns)
        buffer = image.GetBuffer().encode("utf-8", errors="surrogateescape")
        assert np.array_equal(np.frombuffer(buffer, "<u2"), dataset.pixel_array.ravel())


@needs_dcmtk
@pytest.mark.parametrize("kind", ["report", "cleaned report"])
def test_dcmtk_understands_the_report(everything, kind):
    """`dsrdump` checks value types, relationships and references of the whole content tree."""
    run = subprocess.run(["dsrdump", "-Ei", str(everything[kind])], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Contrast-to-noise ratio of a lesion" in run.stdout
    assert "E:" not in run.stderr
