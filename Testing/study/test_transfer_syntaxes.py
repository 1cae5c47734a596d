"""Transfer syntaxes: what each decoder gives, and what is told where none is installed."""

import base64
import signal
import struct
import zlib

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from CEMSynthLib.study import decoder_process
from CEMSynthLib.study.codestream import announced_shape
from CEMSynthLib.study.decoders import PACKAGES, advice
from CEMSynthLib.study.errors import StudyFolderError, UnreadableImageError
from CEMSynthLib.study.pixels import read_pixels
from CEMSynthLib.study.reader import read_folder

TRUTH = (np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 4) % 4096
# One frame each of TRUTH (baseline: TRUTH // 16 with 8 bits), encoded by DCMTK 3.6.7 (JPEG), CharLS (JPEG-LS), OpenJPEG
# (JPEG 2000) and OpenJPH (HTJ2K).
FRAMES = {
    HTJ2KLossless: """
/0//UQApQAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJ
CQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAALgAAf+TwAAmj/YFB3QAwAASwAATAJABB3QASPIDh3QAwAATQAATgAjy
AIJ0ACIpkgDDVADAABUQAAVgQgjxqnACdQCOdMQRR/7AUoHstgDAABWQAAWoAAAAAOfAp6enwngAPvrw4cOHDx8+/v2QgHv2QgHsugDAAC0IAA
XQgKqqqqr5/ynp6enp6enifAD+fr/f7/f7/X6/3+/3+/94YIQHv2IQHv2IQHv2IQHsswH/2Q==
""",
    JPEGLosslessSV1: """
/9j/4AAQSkZJRgABAQAAAQABAAD/wwALEAAgACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAwgQ/9oACAEBAAEAAMiIiIiIiIiIiIiIiIiIiI
lAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIi
IiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiI
iIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIi
IiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiI
iIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIi
IiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiIiIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJQCIiIiIiIiIiIiIiIiIiIiUAiIiIiIiIiI
iIiIiIiIiIlAIiIiIiIiIiIiIiIiIiIiJ////Z
""",
    JPEGLossless: """
/9j/4AAQSkZJRgABAQAAAQABAAD/wwALEAAgACABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAABwMIEP/aAAgBAQAGAADqUpSlKUpSlKUpSlKUpS
lKUpSlKaAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQNAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIGgEBAQEBAQEBAQEBA
QEBAQEBAQEBAQEBAQEBAQEBAQEDQCAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICBoBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ
EBA0AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgaAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQNAICAgICAgICAgICAgICA
gICAgICAgICAgICAgICAgIGgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDQCAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICBo
BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA0AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgaAQEBAQEBAQEBAQEBAQEBAQEB
AQEBAQEBAQEBAQEBAQNAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIGgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDQCAgI
CAgICAgICAgICAgICAgICAgICAgICAgICAgICBoBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA0AgICAgICAgICAgICAgICAgICAgIC
AgICAgICAgICAgaAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQNAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIGgEBAQEBAQ
EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDQCAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICBoBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
BAQEBAQEBA0AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgaAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQNAICAgICAgICAg
ICAgICAgICAgICAgICAgICAgICAgIGgEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDQCAgICAgICAgICAgICAgICAgICAgICAgICAgI
CAgICBoBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA0AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgaAQEBAQEBAQEBAQEBA
QEBAQEBAQEBAQEBAQEBAQEBAQP/9k=
""",
    JPEGExtended12Bit: """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGB
YUGBIUFRT/wQALDAAgACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABwwN/8QAGhAAAAcAAAAAAAAAAAAAAAAAAAYLJzKk4f/aAAgBAQAAPwDP
ei0m4wa6hgVS0m4wa6hgVS0m4wa6hgVi0m4wa6hgpqi0m4wa6hgVi0m4wa6hgVS0m4wa6hgVS0m4wa6hgpqy0m4wa6hgVS0m4wa6hgVi0m4wa6
hgVS0m4wa6hgpqy0m4wa6hgVS0m4wa6hgVS0m4wa6hgVi0m4wa6hg//9k=
""",
    JPEGBaseline8Bit: """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGB
YUGBIUFRT/wAALCAAgACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAwgJ/8QAGBAAAgMAAAAAAAAAAAAAAAAAAAIHY6H/2gAIAQEAAD8Az2WN
qsFWNqsFWNqsGWNqsKaWNqsGWNqsFWNqsFWNqsKbWNqsFWNqsGWNqsFWNqsKbWNqsFWNqsFWNqsGWNqsP//Z
""",
    JPEG2000Lossless: """
/0//UQApAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABDwEB/1IADAAAAAEAAgQEAAH/XAAKQICIiJCIiJD/ZAAlAAFDcmVhdG
VkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAACSAAH/k9/4krASK2cWj4+hghgWURqAMI80fFpSc9SLDlVlBYoALxCQAD9iH0UJ
TzdAJs1OvwxZgv4R5LHE2MnW+mLaXVtNg2+cAFQIVuBITqKrMzGSm55WqJuf5mf5n8AA+QNAH5hANqGZrmOfPaY0WxDcXGnAAHwiwA/AHF+nx4
ifnawpQQf/f//Z
""",
    JPEGLSLossless: """
/9j/6AAgU1BJRkYAAgAAAQAAACAAAAAgChAGAQAAASwAAAEs/+gACAAAAAH/2P/3AAsQACAAIAEBEQD/+AANAf//ABIAQwEUAED/2gAIAQEAAA
AAoDwHgLAcBwHgLAcBwGAwGAwMDAwMB4CwHAcBgMBgMDAwMDAwNAIEQGgSAoFAoBAICAgICAgICAgQIECBAgQIECBAgQIEUAgQIIIIIIIIIIII
IIIIIIIIIIIIIIIIIDT+gggghCEIQhCEIQhCEIQhCEIQhCBL8hCEIQiIiIiIiIiIiIiIiIgK+oiIiIiSSSSSSSSSSSBXxJJJJJVVVVVVUCvaqq
qv/3+AfT//f/9gHy//f/94D4f/f/98B7v/f/9+A9n/f/9/Aer/f/9/gPR//3//QHm//3//YDyf/3//cB4v/3//eB4P/3//eB3v/3//eB3P/3//
eB2v/3//eB2P/3//eB1v/3//eB1P/3//eB0v/3//eB0P/3//eBzv/3//eBzP/3//eByv/3//eByP/3//eBxv/3//eAD/2Q==
""",
}
LOSSY = {JPEGBaseline8Bit: 6}


@pytest.fixture
def write_compressed(write_dicom, reread):
    """Write a mammogram whose only frame is the given one."""

    def write(syntax, frame, bits=12, **changes):
        stored = np.zeros(TRUTH.shape, dtype=np.uint8 if bits == 8 else np.uint16)
        path = write_dicom(pixels=stored, BitsStored=bits, WindowCenter=2000, WindowWidth=4000, **changes)
        dataset = reread(path)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
        dataset["PixelData"].VR = "OB"
        dataset.save_as(path)
        return path

    return write


def frame_of(syntax) -> bytes:
    return base64.b64decode(FRAMES[syntax])


def image_of(path):
    return read_folder(path).studies[0].acquisitions[0].low_energy


@pytest.mark.parametrize("syntax", sorted(set(FRAMES) - {JPEGExtended12Bit}), ids=lambda uid: uid.name)
def test_known_pixels(write_compressed, syntax):
    bits = 8 if syntax == JPEGBaseline8Bit else 12
    if advice(syntax, bits):
        pytest.skip(advice(syntax, bits))
    image = image_of(write_compressed(syntax, frame_of(syntax), bits))
    truth = TRUTH // 16 if bits == 8 else TRUTH
    # TRUTH has one step of its whole range in the middle of each row, which the lossy ones blur.
    np.testing.assert_allclose(image.pixels(), truth, atol=LOSSY.get(syntax, 0))


@pytest.mark.parametrize("syntax", FRAMES, ids=lambda uid: uid.name)
def test_the_frame_tells_its_own_shape(syntax):
    assert announced_shape(frame_of(syntax)) == (32, 32)
    for length in range(0, 60, 7):
        assert announced_shape(frame_of(syntax)[:length]) in (None, (32, 32))


def test_every_compressed_syntax_that_is_named_has_a_package():
    named = {JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless,
             JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K, RLELossless}  # fmt: skip
    assert named == set(PACKAGES)
    assert not any("libjpeg" in package.split() for package in PACKAGES.values())  # pylibjpeg-libjpeg is GPL
    assert not any("pylibjpeg-libjpeg" in package for package in PACKAGES.values())
    for syntax in (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless):
        assert advice(syntax, 12) == ""


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless])
def test_without_a_decoder_the_package_is_named(write_compressed, syntax, request):
    decoder = get_decoder(syntax)
    removed = {name: decoder._available[name] for name in decoder.available_plugins}
    for name in removed:
        decoder.remove_plugin(name)
    request.addfinalizer(lambda: decoder._available.update(removed))
    path = write_compressed(syntax, frame_of(syntax))
    acquisition = read_folder(path).studies[0].acquisitions[0]
    assert any(f"pip install {PACKAGES[syntax]}" in w for w in acquisition.warnings)
    with pytest.raises(UnreadableImageError, match=rf"image\.dcm cannot be read.*pip install {PACKAGES[syntax]}"):
        acquisition.low_energy.pixels()


def test_compression_that_nothing_decodes(write_compressed):
    with pytest.raises(UnreadableImageError, match=r"image\.dcm.*Nothing that is known decodes"):
        image_of(write_compressed(MPEG4HP41, b"film" * 10)).pixels()


def test_a_private_transfer_syntax(write_dicom, tmp_path, reread):
    path = write_dicom()
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0"))
    with pytest.raises(StudyFolderError, match=r"image\.dcm \(1\.2\.840\.99999\.1\.2\.1\) is not one of the standard"):
        read_folder(path)


def test_jpeg_extended_with_12_bits_says_that_nothing_permissive_decodes_it(write_compressed):
    assert "No permissively licensed package" in advice(JPEGExtended12Bit, 12)
    image = image_of(write_compressed(JPEGExtended12Bit, frame_of(JPEGExtended12Bit)))
    with pytest.raises(UnreadableImageError, match="No permissively licensed package"):
        image.pixels()


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_a_frame_of_another_size_never_reaches_the_decoder(write_compressed, syntax):
    if advice(syntax, 12):
        pytest.skip(advice(syntax, 12))
    frame = bytearray(frame_of(syntax))
    if syntax == JPEG2000Lossless:
        place = frame.index(b"\xff\x51") + 6
        frame[place : place + 8] = struct.pack(">2I", 60000, 60000)
    else:
        place = frame.index(b"\xff\xf7") + 5
        frame[place : place + 4] = struct.pack(">2H", 60000, 60000)
    with pytest.raises(UnreadableImageError, match="hold 60000 x 60000 pixels"):
        image_of(write_compressed(syntax, bytes(frame))).pixels()


def test_a_deflated_bomb_is_refused_before_it_is_inflated(write_dicom, reread):
    path = write_dicom()
    dataset = reread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert image_of(path).pixels().max() == 1000
    length = struct.unpack("<I", path.read_bytes()[140:144])[0]
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(2**20)) for _ in range(200)) + deflate.flush()
    head = path.read_bytes()[: 144 + length]
    for start in (head, head[:140] + bytes(4) + head[144:], head[:132] + head[144:]):  # length right, wrong, missing
        path.write_bytes(start + bomb)
        assert path.stat().st_size < 2**20
        with pytest.raises(StudyFolderError, match=r"image\.dcm is deflated and would grow"):
            read_folder(path)


def test_rle_longer_than_it_can_be(write_compressed):
    with pytest.raises(UnreadableImageError, match="longer than RLE ever is"):
        image_of(write_compressed(RLELossless, bytes(20000))).pixels()


@pytest.mark.skipif(not get_decoder(JPEGLosslessSV1).available_plugins, reason="python-gdcm is not installed")
def test_a_frame_that_ends_gdcm_ends_a_child_process_only(write_compressed):
    good = frame_of(JPEGLosslessSV1)
    table = good.index(b"\xff\xc4")
    bad = good[:table] + b"\x00\x52\x30\x92" + good[table + 4 :]
    for _ in range(2):
        with pytest.raises(UnreadableImageError, match=r"image\.dcm cannot be decoded"):
            image_of(write_compressed(JPEGLosslessSV1, bad)).pixels()
        np.testing.assert_array_equal(image_of(write_compressed(JPEGLosslessSV1, good)).pixels(), TRUTH)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a child is held by a POSIX signal")
def test_a_decoder_that_takes_too_long_is_ended_and_replaced(write_compressed, monkeypatch):
    path = write_compressed(JPEGBaseline8Bit, frame_of(JPEGBaseline8Bit), 8)
    image = image_of(path)
    np.testing.assert_allclose(image.pixels(), TRUTH // 16, atol=6)
    for child in decoder_process._idle:
        child.send_signal(signal.SIGSTOP)
    with monkeypatch.context() as changed:
        changed.setattr(decoder_process, "_SECONDS", 0.1)
        with pytest.raises(UnreadableImageError, match=r"image\.dcm cannot be decoded"):
            image.pixels()
    np.testing.assert_allclose(image.pixels(), TRUTH // 16, atol=6)


def test_frames_are_decoded_side_by_side(write_compressed):
    path = write_compressed(JPEGBaseline8Bit, frame_of(JPEGBaseline8Bit), 8)
    for pixels in read_pixels([image_of(path)] * 12):
        np.testing.assert_allclose(pixels, TRUTH // 16, atol=6)
    assert 1 <= len(decoder_process._idle) <= decoder_process._CHILDREN
    decoder_process.stop()
    assert decoder_process._idle == []
