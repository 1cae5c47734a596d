import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from CEMSynthLib.study.dicom import read_instance
from CEMSynthLib.study.encoding import PixelEncoding
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.study.window import window_of


def test_monochrome2_with_rescale(write_dicom):
    stored = np.array([[0, 10], [2000, 4095]], dtype=np.uint16)
    found = read_instance(write_dicom(pixels=stored, RescaleSlope=2, RescaleIntercept=-100))
    np.testing.assert_array_equal(found.image.pixels(), [[-100, -80], [3900, 8090]])
    assert not found.image.inverted
    assert found.image.pixels().dtype == np.float32


def test_monochrome1_is_turned_before_the_rescale_and_its_window_alike(write_dicom):
    stored = np.array([[0, 10], [2000, 4095]], dtype=np.uint16)
    path = write_dicom(
        pixels=stored, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2, RescaleIntercept=-100,
        WindowCenter=1000, WindowWidth=500, VOILUTFunction="LINEAR_EXACT",
    )  # fmt: skip
    image = read_instance(path).image
    np.testing.assert_array_equal(image.pixels(), [[8090, 8070], [4090, -100]])
    assert image.inverted
    # stored range 0..4095: v' = 2 * 4095 + 2 * (-100) - v
    assert image.window == VOIWindow(7990 - 1000, 500, "LINEAR_EXACT")


@given(
    bits=st.integers(2, 16),
    signed=st.booleans(),
    slope=st.floats(0.25, 4),
    intercept=st.floats(-500, 500),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    center=st.floats(-1000, 1000),
    width=st.floats(2, 4000),
    seed=st.integers(0, 99),
)
def test_turned_pixels_in_the_turned_window_are_the_negative(
    bits, signed, slope, intercept, function, center, width, seed
):
    plain = PixelEncoding(bits, signed, slope, intercept, inverted=False)
    turned = PixelEncoding(bits, signed, slope, intercept, inverted=True)
    low, high = plain.stored_range
    stored = np.random.default_rng(seed).integers(low, high, size=(5, 7), endpoint=True)
    window = VOIWindow(center, width, function)
    shown = window.apply(plain.modality_units(stored).astype(np.float64))
    negative = turned.turned_window(window).apply(turned.modality_units(stored).astype(np.float64))
    np.testing.assert_allclose(negative, 1 - shown, atol=0.01)
    assert plain.turned_window(window) == window


@given(st.integers(1, 16), st.booleans(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_stored_values_come_back_whatever_lies_in_the_unused_bits(bits, signed, rows, columns, seed):
    encoding = PixelEncoding(bits, signed)
    low, high = encoding.stored_range
    rng = np.random.default_rng(seed)
    stored = rng.integers(low, high, size=(rows, columns), endpoint=True)
    overlay = rng.integers(0, 2 ** (16 - bits), size=stored.shape) << bits
    raw = ((stored & (2**bits - 1)) | overlay).astype(np.uint16)
    np.testing.assert_array_equal(encoding.modality_units(raw), stored)


@given(st.sampled_from(["LINEAR", "LINEAR_EXACT"]), st.floats(-3000, 3000), st.floats(2, 5000), st.floats(0, 1))
def test_window_edges(function, center, width, part):
    window = VOIWindow(center, width, function)
    values = np.array([window.low - 1, window.low, window.low + part * (window.high - window.low), window.high + 1])
    np.testing.assert_allclose(window.apply(values), [0, 0, part, 1], atol=1e-6)
    assert VOIWindow.from_range(window.low, window.high).high == pytest.approx(window.high)


def test_sigmoid_is_half_at_its_center_and_monotonic():
    window = VOIWindow(100, 50, "SIGMOID")
    shown = window.apply(np.array([0.0, 90, 100, 110, 200]))
    assert shown[2] == pytest.approx(0.5)
    assert np.all(np.diff(shown) > 0)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_air_in_either_polarity(write_dicom, photometric):
    padding = 4095 if photometric == "MONOCHROME1" else 4000
    stored = np.array([[padding, padding], [300, 900]], dtype=np.uint16)
    path = write_dicom(pixels=stored, PhotometricInterpretation=photometric, PixelPaddingValue=padding)
    pixels = read_instance(path).image.pixels()
    assert pixels[0, 0] == pixels[1].min()
    assert pixels.argmax() == (2 if photometric == "MONOCHROME1" else 3)


def test_signed_pixels(write_dicom):
    stored = np.array([[-5, 0], [7, -2048]], dtype=np.int16)
    image = read_instance(write_dicom(pixels=stored, PixelRepresentation=1)).image
    np.testing.assert_array_equal(image.pixels(), stored)


def test_truncated_pixel_data_which_pydicom_reads_without_a_word_are_found_in_the_header(write_dicom, cut, reread):
    path = cut(write_dicom("short.dcm"), 500)
    assert len(reread(path).PixelData) == 96 * 64 * 2 - 500  # the trap: no error there
    with pytest.raises(UnreadableImageError, match=r"short\.dcm is cut short: 11788 of 12288 bytes"):
        read_instance(path)


def test_too_short_pixel_element(write_dicom):
    with pytest.raises(UnreadableImageError, match="cut short"):
        read_instance(write_dicom(Rows=200))


def test_file_cut_after_listing_is_an_error_when_pixels_are_read(write_dicom, cut):
    path = write_dicom()
    image = read_instance(path).image
    cut(path, 10)
    with pytest.raises(UnreadableImageError, match="cut short"):
        image.pixels()
    path.unlink()
    with pytest.raises(UnreadableImageError):
        image.pixels()


def test_header_without_pixels(write_dicom, cut):
    path = write_dicom("head.dcm")
    with pytest.raises(UnreadableImageError, match=r"head\.dcm"):
        read_instance(cut(path, path.stat().st_size - 300))


def test_compressed_pixels_and_their_loss(write_dicom, half_disc, reread):
    path = write_dicom(pixels=half_disc(noise=20))
    expected = read_instance(path).image.pixels()
    dataset = reread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    np.testing.assert_array_equal(read_instance(path).image.pixels(), expected)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableImageError, match=r"image\.dcm"):
        read_instance(path)


def test_color_and_frames_are_refused_with_a_reason(write_dicom):
    with pytest.raises(UnreadableImageError, match="color image"):
        read_instance(write_dicom(pixels=np.zeros((8, 8, 3), dtype=np.uint8)))
    with pytest.raises(UnreadableImageError, match="several frames"):
        read_instance(write_dicom(NumberOfFrames=3))


def test_no_patient_name_in_any_message(write_dicom, cut):
    for change in ({"BitsStored": 20, "HighBit": 19}, {"Modality": "CT"}, {"NumberOfFrames": 2}, {"Rows": 0}):
        with pytest.raises(UnreadableImageError) as caught:
            read_instance(write_dicom(**change))
        assert "Secret" not in str(caught.value)
    assert "Secret" not in repr(read_instance(write_dicom()))


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_of_the_header(function):
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth = [2105, 2085], [380, 265]
    if function:
        dataset.VOILUTFunction = function
    assert window_of(dataset) == VOIWindow(2105, 380, function or "LINEAR")


def test_voi_lut_comes_first_and_is_approximated_by_its_range():
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 12]
    item.LUTData = list(np.clip((np.arange(4096) - 1000) * 4, 0, 4095))
    dataset = Dataset()
    dataset.VOILUTSequence = [item]
    dataset.WindowCenter, dataset.WindowWidth = 2105, 380
    window = window_of(dataset)
    assert window.low == pytest.approx(1000 + 0.02 * 1024, abs=2)
    assert window.high == pytest.approx(1000 + 0.98 * 1024, abs=2)


@pytest.mark.parametrize(("center", "width"), [(None, 10), (10, None), (10, 0), (10, -5)])
def test_no_window(center, width):
    dataset = Dataset()
    dataset.WindowCenter, dataset.WindowWidth = center, width
    assert window_of(dataset) is None


def test_without_window_the_range_of_the_pixels_is_used_and_said(write_dicom):
    stored = np.array([[5, 10], [2000, 3000]], dtype=np.uint16)
    found = read_instance(write_dicom(pixels=stored, WindowCenter=None, WindowWidth=None))
    assert (found.image.window.low, found.image.window.high) == (5, 3000)
    assert any("no display window" in w for w in found.warnings)
