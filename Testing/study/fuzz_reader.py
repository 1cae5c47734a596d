"""Fuzzer of the reader: mutated DICOM files and archives, each must end in a result or in a clear error.

Run by hand: ``python Testing/study/fuzz_reader.py --count 20000 --seed 1`` (a test runs fewer). The seeds are the files
of the corpus, compressed ones where an encoder is installed (also DCMTK's), a zip and a DICOMDIR. Mutations: bytes,
bits, lengths, tags, cut ends, blocks copied, doubled, removed, or of another seed. Each file is read as a study, every
image's pixels too, under a limit of memory and of time. A finding is: another exception, a message without the
file's name or with the patient's, a hang, a crash, too much memory, or a file written beside it.
"""

import argparse
import faulthandler
import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from corpus import CASES
from corpus_files import LOW, SUBTRACTION, Case, write
from pydicom.dataset import FileDataset
from pydicom.fileset import FileSet
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.study.decoder_process import stop
from CEMSynthLib.study.reader import read_folder

MEMORY_LIMIT = 2 * 2**30
SECONDS_PER_FILE = 10
NAME = "image.dcm"
LARGE = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) % 4096
TAGS = [
    tag.to_bytes(4, "little")
    for tag in (0x00100028, 0x00110028, 0x01000028, 0x00080028, 0x30100028, 0x10060028, 0x00107FE0, 0xE000FFFE,
                0xE0DDFFFE, 0x00080008, 0x92295200, 0x92305200)
]  # fmt: skip
LENGTHS = [0, 1, 2, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]


class TooSlow(BaseException):
    """A file took longer than its limit; no handler of the reader may catch it."""


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    """The unmutated files, each with the name under which it is read."""
    found = []
    path = folder / "seed.dcm"
    for case in (*CASES, *compressed()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(write(case, path).read_bytes())
        path.unlink()
    for option in ("+e1", "+ee"):  # JPEG lossless, JPEG extended with 12 bits
        if shutil.which("dcmcjpeg"):
            write(Case("plain", stored=LARGE), path)
            subprocess.run(["dcmcjpeg", option, "+un", path, path], check=True, capture_output=True)
            found += [path.read_bytes()] * 8
            path.unlink()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("a/one.dcm"), found[0], zipfile.ZIP_DEFLATED)
        file.writestr(zipfile.ZipInfo("a/two.dcm"), found[2], zipfile.ZIP_DEFLATED)
    images = [(NAME, data) for data in [*found, *[archive.getvalue()] * 8]]
    return images + [("DICOMDIR", directory(folder))] * 8


def directory(folder: Path) -> bytes:
    """A DICOMDIR that names two files."""
    fileset = FileSet()
    fileset.UID = UID("1.2.3.4.5")
    extra = {"StudyDate": "20250102", "StudyTime": "101500", "StudyID": "1", "SeriesNumber": 1, "AccessionNumber": ""}
    for number, image_type in enumerate((LOW, SUBTRACTION)):
        case = Case(f"of a medium {number}", {"ImageType": image_type, "InstanceNumber": number, **extra})
        fileset.add(write(case, folder / "member.dcm"))
    with tempfile.TemporaryDirectory() as name:
        fileset.write(name)
        data = Path(name, "DICOMDIR").read_bytes()
    (folder / "member.dcm").unlink()
    return data


def compressed() -> Iterator[Case]:
    """Cases in the compressed transfer syntaxes for which an encoder is installed."""
    for syntax in (JPEGLSLossless, JPEG2000Lossless):
        if get_encoder(syntax).is_available:

            def compress(dataset: FileDataset, syntax: str = syntax) -> None:
                dataset.compress(syntax, generate_instance_uid=False)

            yield from [Case(f"compressed {syntax}", change=compress, stored=LARGE)] * 8


def mutated(raw: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Change a file in one to six places."""
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        if not data:
            break
        # Most of a file's sense lies in its header, which is behind the preamble.
        place = min(chance.choice((chance.randrange(len(data)), 128 + chance.randrange(900))), len(data) - 1)
        size = chance.choice((1, 2, 4, 8, 64, 400))
        kind = chance.randrange(10)
        if kind == 0:
            data[place] = chance.randrange(256)
        elif kind == 1:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 2:
            width = chance.choice((2, 4))
            data[place : place + width] = (chance.choice(LENGTHS) & (256**width - 1)).to_bytes(width, "little")
        elif kind == 3:
            data[place : place + 4] = chance.choice(TAGS)
        elif kind == 4:
            del data[chance.randrange(len(data)) :]
        elif kind == 5:
            del data[place : place + size]
        elif kind == 6:
            data[place:place] = data[place : place + size] * chance.choice((1, 2, 30))
        elif kind == 7:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            data[place : place + size] = other[start : start + size]
        elif kind == 8:
            data[place : place + size] = chance.randbytes(size)
        else:
            tag = chance.choice(TAGS)
            start = data.find(tag)
            if start >= 0 and len(data) > start + 12:
                at = start + chance.choice((4, 6, 8, 10))
                data[at : at + 2] = chance.randbytes(2)
    return bytes(data)


def names_patient(data: bytes) -> bool:
    """True where the patient's name stands once, in its own element, so that no text may tell it."""
    place = data.find(b"Secret")
    return data.count(b"Secret") == 1 and data[max(0, place - 8) : place] in (
        b"\x10\x00\x10\x00PN\x0c\x00", b"\x10\x00\x10\x00\x0c\x00\x00\x00",
    )  # fmt: skip


def outcome(path: Path, secret: bool) -> str:
    """Read the file and every image in it; the class of the result, or what is wrong with it."""
    try:
        found = read_folder(path)
        texts = repr(found)
        result = "read" if any(s.acquisitions for s in found.studies) else "unclassified"
        for study in found.studies:
            for image in (i for a in study.acquisitions for i in a.images):
                try:
                    pixels = image.pixels()
                    if pixels.shape != image.grid.shape:
                        return f"FINDING: pixels {pixels.shape} on a grid {image.grid.shape}"
                except CEMSynthError as error:
                    texts += str(error)
                    result = "read, pixels refused"
                    if image.path.name not in str(error):
                        return f"FINDING: no file name in: {error}"
    except CEMSynthError as error:
        texts, result = str(error), "refused"
        if path.name not in texts:
            return f"FINDING: no file name in: {error}"
    return "FINDING: patient name told" if secret and "Secret" in texts else result


def too_slow(number: int, frame: object) -> None:
    raise TooSlow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of the findings")
    arguments = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    signal.signal(signal.SIGALRM, too_slow)
    chance = random.Random(arguments.seed)
    results: Counter[str] = Counter()
    findings = 0
    slowest, slowest_number, start = 0.0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        os.environ["TMPDIR"] = tempfile.tempdir = name  # what archives unpack lies here, too
        folder = Path(name, "case")
        folder.mkdir()
        originals = seeds(folder)
        contents = [data for _, data in originals]
        for number in range(arguments.count):
            file_name, original = chance.choice(originals)
            data = mutated(original, contents, chance)
            path = folder / file_name
            path.write_bytes(data)
            begun = time.monotonic()
            signal.alarm(SECONDS_PER_FILE)
            try:
                result = outcome(path, names_patient(data))
            except TooSlow:
                result = f"FINDING: more than {SECONDS_PER_FILE} s"
            except Exception as error:  # noqa: BLE001  every other exception is what this program looks for
                result = f"FINDING: {type(error).__name__}: {error}"
            finally:
                signal.alarm(0)
            taken = time.monotonic() - begun
            if taken > slowest:
                slowest, slowest_number = taken, number
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / f"{arguments.seed}-slowest.dcm").write_bytes(data)
            strangers = {p.name for p in folder.iterdir()} - {file_name}
            path.unlink()
            if strangers:
                result = f"FINDING: written beside the file: {strangers}"
            results[result.partition(":")[0]] += 1
            if result.startswith("FINDING"):
                findings += 1
                print(f"{number}: {result}", flush=True)
                if arguments.keep:
                    arguments.keep.mkdir(parents=True, exist_ok=True)
                    (arguments.keep / f"{arguments.seed}-{number}.dcm").write_bytes(data)
    stop()
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    counts = ", ".join(f"{count} {what}" for what, count in sorted(results.items()))
    print(f"{arguments.count} files, seed {arguments.seed}: {counts}")
    seconds = time.monotonic() - start
    print(f"slowest {slowest:.2f} s (file {slowest_number}), memory at most {peak:.0f} MB, {seconds:.0f} s in all")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
