"""Benchmark of reading: 1,000 files listed, and an eight-image study of 3062 x 2394 read; prints a table.

Run by hand: ``python Benchmarks/reading.py``. Limits of issue 4: listing 5 s; reading 2 s and 1 GB beyond the pixels.
Linux only (memory from /proc). The listed files are sparse: they have the size of real ones and take no room. Times are
with files in the system's cache; a cold disk or a share adds its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS = 3062, 2394
KINDS = {
    "LE": ["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"],
    "RC": ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"],
}
MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"
# One measurement in a process of its own, so that its memory is its own.
READ = """
import re, sys, time
from pathlib import Path
from CEMSynthLib.study.pixels import read_pixels
from CEMSynthLib.study.reader import read_folder
def peak():  # not ru_maxrss, which a process inherits from its parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
start = time.perf_counter()
folder = read_folder(Path(sys.argv[1]))
listed = time.perf_counter()
images = [i for s in folder.studies for a in s.acquisitions for i in a.images]
pixels = read_pixels(images) if sys.argv[2] == "pixels" else []
done = time.perf_counter()
after = peak()
print(len(images), listed - start, done - listed, (after - before) / 1024, sum(p.nbytes for p in pixels) / 2**20)
"""


def header(patient: int, side: str, view: str, kind: str) -> Dataset:
    """A header of about the size that systems write: with VOI LUT, codes and private attributes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = MAMMOGRAPHY
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.ImageType, dataset.Modality, dataset.PatientID = KINDS[kind], "MG", f"B{patient}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.3.{patient}", f"1.2.3.{patient}.1"
    dataset.FrameOfReferenceUID = f"1.2.3.{patient}.{ord(side)}.{len(view)}"
    dataset.ImageLaterality, dataset.ViewPosition = side, view
    dataset.PatientOrientation = ["A", "R"] if side == "L" else ["P", "L"]
    dataset.ImagerPixelSpacing, dataset.AcquisitionTime, dataset.AcquisitionDate = [0.1, 0.1], "101500", "20250102"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = ROWS, COLUMNS, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = [2105, 2085], [380, 265]
    dataset.WindowCenterWidthExplanation = ["NORMAL", "HARDER"]
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTData = [4096, 0, 12], np.arange(4096, dtype="<u2").tobytes()
    lut["LUTData"].VR = "OW"
    dataset.VOILUTSequence = [lut]
    for number, (keyword, value) in enumerate({"KVP": 29, "BodyPartThickness": 55, "CompressionForce": 90}.items()):
        setattr(dataset, keyword, value)
        dataset.add_new(0x00191000 + number + 1, "LO", "private")
    dataset.add_new(0x00190010, "LO", "BENCHMARK")
    return dataset


def write(folder: Path, images: int, sparse: bool) -> None:
    """Write studies of eight images each."""
    pixels = np.random.default_rng(0).integers(0, 4096, (ROWS, COLUMNS), dtype=np.uint16).tobytes()
    names = [(side, view, kind) for side in "LR" for view in ("CC", "MLO") for kind in KINDS]
    for number in range(images):
        patient, which = divmod(number, len(names))
        dataset = header(patient, *names[which])
        dataset.PixelData = b"" if sparse else pixels
        dataset["PixelData"].VR = "OW"
        path = folder / f"{number:05d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        if sparse:
            with path.open("r+b") as file:
                file.seek(-4, os.SEEK_END)
                file.write(len(pixels).to_bytes(4, "little"))
                file.truncate(file.tell() + len(pixels))


def measured(folder: Path, what: str, repeats: int) -> list[list[float]]:
    """Run the measurement in new processes."""
    rows = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-c", READ, str(folder), what], capture_output=True, text=True, check=True,
            cwd=Path(__file__).resolve().parents[1],
        )  # fmt: skip
        rows.append([float(value) for value in done.stdout.split()])
    return rows


def main() -> None:
    """Write, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d')}")
    print(f"{'what':44} {'median':>9} {'slowest':>9} {'limit':>7}")
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), arguments.files, sparse=True)
        rows = measured(Path(name), "list", arguments.repeats)
        show(f"{rows[0][0]:.0f} files listed, s", [row[1] for row in rows], 5.0)
        show("memory while listing, MB", [row[3] for row in rows], 1024.0)
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), 8, sparse=False)
        rows = measured(Path(name), "pixels", arguments.repeats)
        show(f"{rows[0][0]:.0f} images {ROWS} x {COLUMNS} listed and read, s", [row[1] + row[2] for row in rows], 2.0)
        show("memory beyond the pixels, MB", [row[3] - row[4] for row in rows], 1024.0)


def show(what: str, values: list[float], limit: float) -> None:
    """One row of the table."""
    print(f"{what:44} {statistics.median(values):9.2f} {max(values):9.2f} {limit:7.0f}")


if __name__ == "__main__":
    main()
