"""Cache: prepared pairs of a cohort in one memory-mapped ``.npy``, so that no epoch reads DICOM and no run twice.

The file's name holds a SHA-256 of what was read (paths, sizes and times of the files, lesions) and of how it was
prepared; the index beside it (JSON) tells where each pair lies. Both hold images and identifiers of patients: they stay
where the training data may stay.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from CEMSynthLib import __version__
from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FileReason, StudyFolder, VOIWindow
from CEMSynthLib.training.data import Lesions, Pair, PairSet, no_lesions, read_pairs, require_pairs
from CEMSynthLib.training.errors import TrainingDataError, TrainingOutputError
from CEMSynthLib.training.files import replacing

_FORMAT = 2
#: One pixel of a pair, 12 bytes so that every field is aligned.
PIXEL = np.dtype(
    {
        "names": ["low_energy", "recombined", "mask", "regions"],
        "formats": ["<f4", "<f4", "?", "u1"],
        "offsets": [0, 4, 8, 9],
        "itemsize": 12,
    }
)


def cached_pairs(
    folder: StudyFolder,
    card: ModelCard,
    place: Path,
    lesions: Lesions = no_lesions,
    lesion_files: Sequence[Path] = (),
    progress: Progress = silent,
) -> PairSet:
    """The pairs of a folder, from the cache where it holds them, else read and kept there.

    Parameters
    ----------
    folder
        What `CEMSynthLib.study.reader.read_folder` returned.
    card
        Working spacing and input normalization are used.
    place
        Folder of the cache; made if missing.
    lesions, lesion_files
        Where lesions are, and the files that this comes from.
    progress
        Told after each acquisition that is read.

    Returns
    -------
    PairSet
        The arrays lie on the disk and are read when used.

    Raises
    ------
    TrainingDataError
        No acquisition is usable.
    TrainingOutputError
        The cache cannot be written.
    """
    key = cache_key(folder, card, lesion_files)
    index = place / f"pairs-{key[:24]}.json"
    found = _read(index, key)
    if found is None:
        skipped: list[FileReason] = list(folder.skipped)
        pairs = require_first(read_pairs(folder, card, lesions, progress, skipped), skipped, folder)
        _write(index, key, pairs, skipped)
        found = _read(index, key)
    if found is None:
        raise TrainingOutputError(f"The cache {index} was written but cannot be read back; check the disk.")
    return found


def require_first(pairs: Iterator[Pair], skipped: Sequence[FileReason], folder: StudyFolder) -> Iterator[Pair]:
    """The same pairs; refuses at the start of the work where there is none, so that nothing is written then.

    Raises
    ------
    TrainingDataError
        There is no pair.
    """
    first = next(pairs, None)
    if first is None:
        require_pairs((), skipped, folder)
    else:
        return _chained(first, pairs)
    raise TrainingDataError(f"{folder.root} holds no pair.")


def cache_key(folder: StudyFolder, card: ModelCard, lesion_files: Sequence[Path] = ()) -> str:
    """SHA-256 of what would be read and how it would be prepared; no pixel is read for it."""
    digest = hashlib.sha256()
    how = [_FORMAT, __version__, card.working_spacing_mm, asdict(card.input_normalization)]
    if any(i.grid.spacing_mm is None for s in folder.studies for a in s.acquisitions for i in a.images):
        how.append(card.median_breast_height_px)
    digest.update(json.dumps(how, sort_keys=True).encode())
    for study in folder.studies:
        for acquisition in study.acquisitions:
            digest.update(json.dumps([study.patient_id, study.study_uid, acquisition.name]).encode())
            for image in acquisition.images:
                digest.update(_stamp(image.path).encode())
    for path in sorted(lesion_files):
        digest.update(_stamp(path).encode())
    return digest.hexdigest()


def _stamp(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return f"{path}|none"
    return f"{path}|{state.st_size}|{state.st_mtime_ns}"


def _chained(first: Pair, others: Iterator[Pair]) -> Iterator[Pair]:
    yield first
    yield from others


def _write(index: Path, key: str, pairs: Iterator[Pair], skipped: list[FileReason]) -> None:
    entries: list[dict[str, Any]] = []
    with replacing(index.with_suffix(".npy")) as temporary, temporary.open("wb") as stream:
        _header(stream, 0)
        pixels = 0
        for pair in pairs:
            block = np.zeros(pair.mask.shape, dtype=PIXEL)
            for name in PIXEL.names or ():
                block[name] = getattr(pair, name)
            stream.write(block.tobytes())
            entries.append({**_described(pair), "shape": list(block.shape), "start": pixels})
            pixels += block.size
        stream.seek(0)
        _header(stream, pixels)
    record = {"key": key, "pairs": entries, "skipped": [[str(s.path), s.reason] for s in skipped]}
    with replacing(index) as temporary:
        temporary.write_text(json.dumps(record), encoding="utf-8")


def _header(stream: BinaryIO, pixels: int) -> None:
    # NumPy leaves room for a growing first axis, so the second header is as long as the first.
    header = {"descr": npy.dtype_to_descr(PIXEL), "fortran_order": False, "shape": (pixels,)}
    npy.write_array_header_2_0(stream, header)


def _described(pair: Pair) -> dict[str, Any]:
    return {
        "patient_id": pair.patient_id,
        "study_uid": pair.study_uid,
        "name": pair.name,
        "window": asdict(pair.window),
        "air": pair.air,
        "height_px": pair.height_px,
        "simulator": pair.simulator,
        "sha256": list(pair.sha256),
        "statistics": dict(pair.statistics),
        "fingerprint": pair.fingerprint,
    }


def _read(index: Path, key: str) -> PairSet | None:
    """What the cache holds under this key; None where it holds nothing whole."""
    try:
        record = json.loads(index.read_text(encoding="utf-8"))
        pixels = np.load(index.with_suffix(".npy"), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    if record.get("key") != key or pixels.dtype != PIXEL:
        return None
    pairs = []
    for entry in record["pairs"]:
        rows, columns = entry.pop("shape")
        start = entry.pop("start")
        block = pixels[start : start + rows * columns].reshape(rows, columns)
        arrays = {name: block[name] for name in PIXEL.names or ()}
        window, hashes = VOIWindow(**entry.pop("window")), tuple(entry.pop("sha256"))
        pairs.append(Pair(**entry, **arrays, window=window, sha256=hashes))
    skipped = tuple(FileReason(Path(path), reason) for path, reason in record["skipped"])
    return PairSet(tuple(pairs), skipped)
