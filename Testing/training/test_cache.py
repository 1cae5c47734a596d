"""Cache: what was prepared is what is read back, once, and again when anything changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.study.model import Acquisition, CEMStudy, FileReason, StudyFolder
from CEMSynthLib.training.cache import cache_key, cached_pairs
from CEMSynthLib.training.data import read_pairs
from CEMSynthLib.training.errors import TrainingDataError, TrainingOutputError
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.session import draft_card

CARD = draft_card(PRESETS["demo"])


def lesion(study: CEMStudy, acquisition: Acquisition) -> np.ndarray:
    """Two lesions of 6 x 5 and 3 x 3 pixels of 1.6 mm (the second touches the first's ring)."""
    assert acquisition.low_energy is not None
    labels = np.zeros(acquisition.low_energy.grid.shape, dtype=np.uint8)
    near = slice(6, 11) if acquisition.name.startswith("L") else slice(-11, -6)
    labels[15:21, near] = 7
    labels[23:26, near] = 9
    return labels


def test_the_cache_gives_back_what_was_prepared(folder: StudyFolder, tmp_path: Path) -> None:
    direct = list(read_pairs(folder, CARD, lesion))
    cached = cached_pairs(folder, CARD, tmp_path, lesion)
    assert len(direct) == len(cached.pairs) == 12
    for one, other in zip(direct, cached.pairs, strict=True):
        for name in ("low_energy", "recombined", "mask", "regions"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
            assert getattr(other, name).dtype == getattr(one, name).dtype
            assert isinstance(getattr(other, name), np.memmap)
        for name in (
            "patient_id",
            "study_uid",
            "name",
            "window",
            "air",
            "height_px",
            "simulator",
            "sha256",
            "statistics",
            "fingerprint",
        ):
            assert getattr(one, name) == getattr(other, name)
    assert len(list(tmp_path.glob("pairs-*.npy"))) == len(list(tmp_path.iterdir())) / 2 == 1


def test_lesions_and_their_rings_on_the_working_grid(folder: StudyFolder) -> None:
    for pair in read_pairs(folder, CARD, lesion):
        sizes = {number: int((pair.regions == number).sum()) for number in (1, 2, 3, 4)}
        assert sizes[1] == 6 * 5 * 4  # twice as many pixels each way
        assert sizes[3] == 3 * 5 * 4
        assert sizes[2] > 100
        assert sizes[4] > 50
        # The left side of both lies at the same columns once the chest wall is on the left.
        columns = np.nonzero((pair.regions == 1).any(axis=0))[0]
        assert (columns[0], columns[-1]) == (12, 21)
        gap = pair.regions[pair.regions == 1].size
        assert gap


def test_no_pixel_is_read_the_second_time(folder: StudyFolder, tmp_path: Path) -> None:
    count = 0

    def counting(image):
        def load():
            nonlocal count
            count += 1
            return image.pixels()

        return replace(image, load=load)

    studies = tuple(
        replace(
            study,
            acquisitions=tuple(
                replace(a, low_energy=counting(a.low_energy), recombined=counting(a.recombined))
                for a in study.acquisitions
            ),
        )
        for study in folder.studies
    )
    counted = replace(folder, studies=studies)
    cached_pairs(counted, CARD, tmp_path)
    assert count == 24
    cached_pairs(counted, CARD, tmp_path)
    assert count == 24
    (index,) = tmp_path.glob("*.json")
    index.write_text("half a fil", encoding="utf-8")
    cached_pairs(counted, CARD, tmp_path)
    assert count == 48
    (pixels,) = tmp_path.glob("*.npy")
    pixels.write_bytes(pixels.read_bytes()[:-1])
    cached_pairs(counted, CARD, tmp_path)
    assert count == 72


def test_the_key_follows_files_and_preparation(folder: StudyFolder, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(b"one")
    first = folder.studies[0].acquisitions[0]
    real = replace(first, low_energy=replace(first.low_energy, path=path))
    there = replace(folder, studies=(replace(folder.studies[0], acquisitions=(real,)),))
    key = cache_key(there, CARD)
    assert cache_key(there, CARD) == key
    others = [
        cache_key(there, replace(CARD, working_spacing_mm=0.7)),
        cache_key(there, replace(CARD, input_normalization=replace(CARD.input_normalization, low_quantile=0.01))),
        cache_key(replace(there, studies=(replace(there.studies[0], patient_id="P2"),)), CARD),
        cache_key(there, CARD, [path]),
    ]
    path.write_bytes(b"other")
    others.append(cache_key(there, CARD))
    assert len({key, *others}) == 6
    assert cache_key(there, replace(CARD, architecture=replace(CARD.architecture, base_filters=3))) == others[-1]


def test_what_was_left_out_is_remembered(folder: StudyFolder, tmp_path: Path) -> None:
    first = folder.studies[0]
    broken = replace(first, acquisitions=(replace(first.acquisitions[0], recombined=None), first.acquisitions[1]))
    found = replace(folder, studies=(broken, *folder.studies[1:]), skipped=(FileReason(Path("x.txt"), "No image."),))
    for _ in range(2):
        pairs = cached_pairs(found, CARD, tmp_path)
        assert [s.reason.split(" ")[0] for s in pairs.skipped] == ["No", "The"]
        assert len(pairs.pairs) == 11


def test_nothing_to_learn_from_and_a_missing_image_are_refused(folder: StudyFolder, tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no pair"):
        cached_pairs(replace(folder, studies=()), CARD, tmp_path / "none")
    assert not (tmp_path / "none").exists()

    def missing():
        raise FileNotFoundError(2, "No such file", "image.dcm")

    last = folder.studies[-1]
    gone = replace(last.acquisitions[1], low_energy=replace(last.acquisitions[1].low_energy, load=missing))
    studies = (*folder.studies[:-1], replace(last, acquisitions=(last.acquisitions[0], gone)))
    with pytest.raises(TrainingDataError, match="missing now"):
        cached_pairs(replace(folder, studies=studies), CARD, tmp_path / "some")
    assert list((tmp_path / "some").iterdir()) == []
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainingOutputError, match="cannot be written"):
        cached_pairs(folder, CARD, tmp_path / "file")
