"""The halo of the four shared real pairs, on which a reader sees it plainly."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.measure import label

from CEMSynthLib.measurement.halo import HaloVerdict, measure_halo
from CEMSynthLib.study.mask import breast_mask, skin_edge
from CEMSynthLib.study.model import Side

DATA = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared real pairs are not here")

PAIRS = ["P10_L_CM_CC", "P10_L_CM_MLO", "P12_L_CM_CC", "P12_L_CM_MLO"]


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The image, and the breast by a plain threshold, without the marker ball."""
    image = np.asarray(Image.open(DATA / f"{name}.png").convert("L"), dtype=np.float32)
    found = ndimage.binary_opening(ndimage.gaussian_filter(image, 2) > 12, iterations=8)
    labels = label(found)
    return image, ndimage.binary_fill_holes(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


@pytest.mark.parametrize("masked_by", ["threshold", "study"])
@pytest.mark.parametrize("name", PAIRS)
def test_halo_is_present(name: str, masked_by: str) -> None:
    image, mask = read(name)
    if masked_by == "study":
        mask = breast_mask(image).mask
    skin = skin_edge(mask, Side.LEFT)
    result = measure_halo(image, mask, skin, "left", None, 255.0)
    assert result.verdict is HaloVerdict.PRESENT
    # Measured 0.28 to 0.50 of the median grey level, as defined: along rows, without borders and chest wall.
    assert 0.25 < (result.step or 0) / np.median(image[mask]) < 0.55
    assert (result.trough_depth or 0) < (result.rim_depth or 0)
    assert (result.rim_excess or 0) > 0


@pytest.mark.parametrize("name", PAIRS)
def test_distance_to_the_whole_outline_gives_smaller_figures(name: str) -> None:
    """Borders and chest wall taken for skin, and uneven bands averaged, leave 8-25% of the median grey level."""
    image, mask = read(name)
    depth = np.rint(ndimage.distance_transform_edt(mask)).astype(int)
    medians = np.array([np.median(image[mask & (depth == d)]) for d in range(1, depth.max() // 2)])
    profile = ndimage.gaussian_filter1d(medians, 3)
    skin = int(np.argmax(profile[:8]))
    trough = skin + int(np.argmin(profile[skin : len(profile) // 2]))
    step = profile[trough:].max() - profile[trough]
    assert 0.05 < step / np.median(image[mask]) < 0.27
