"""Fingerprints: the same breast is found again after resaving, another breast is not."""

import base64

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.training.fingerprint import ALIKE, COLUMNS, ROWS, image_fingerprint, is_fingerprint, likeness


@pytest.fixture(scope="module")
def breasts(tmp_path_factory):
    """Eight low-energy images of two simulated patients at 1.2 mm."""
    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, 61, [1, 2], 1.2)
    found = read_folder(folder / "dicom")
    return [a.low_energy.pixels() for s in found.studies for a in s.acquisitions]


@pytest.fixture(scope="module")
def known(breasts):
    return [image_fingerprint(pixels, (1.2, 1.2)) for pixels in breasts]


def eight_bit(pixels):
    low, high = np.percentile(pixels, [5, 99])
    return np.rint(255 * np.clip((pixels - low) / (high - low), 0, 1) ** 0.8).astype(np.float32)


def of_columns(pixels, first, last):
    """A part of the columns, counted from the chest wall."""
    wall = pixels[:, :5].mean() > pixels[:, -5:].mean()
    turned = pixels if wall else pixels[:, ::-1]
    cut = turned[:, first:last]
    return np.ascontiguousarray(cut if wall else cut[:, ::-1])


CHANGES = {
    "resaved": lambda p: p.copy(),
    "another spacing": lambda p: ndimage.zoom(p, 0.71, order=1),
    "8-bit with another curve": eight_bit,
    "mirrored": lambda p: p[:, ::-1].copy(),
    "crop at the chest wall": lambda p: of_columns(p, 6, None),
    "crop at top and bottom": lambda p: p[12:-12],
    "all of it": lambda p: eight_bit(ndimage.zoom(of_columns(p, 4, None)[8:-8, ::-1], 0.8, order=1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_breast_is_found_and_no_other(breasts, known, change):
    tested = [image_fingerprint(CHANGES[change](pixels), None) for pixels in breasts]
    alike = likeness(tested, known)
    assert np.diag(alike).min() >= ALIKE, np.diag(alike)
    assert (alike - 2 * np.eye(len(known))).max() < ALIKE


def test_it_is_as_short_as_said_and_others_are_told_apart(known):
    assert {len(text) for text in known} == {188}
    assert all(len(base64.b64decode(text)) == ROWS * COLUMNS // 2 for text in known)
    assert all(map(is_fingerprint, known))
    assert not any(map(is_fingerprint, ["", "a" * 188 + "=", known[0][:-4], "\u00e9" * 188, known[0][:-1] + "!"]))


def test_nothing_to_compare_and_a_flat_breast():
    assert likeness([], ["x"]).shape == (0, 1)
    flat = np.zeros((60, 40), dtype=np.float32)
    flat[10:50, :25] = 900
    text = image_fingerprint(flat, None)
    assert is_fingerprint(text)
    assert likeness([text], [text])[0, 0] == 0
