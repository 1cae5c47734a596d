"""How far fingerprints tell images apart: ``python Benchmarks/fingerprints.py FOLDER...`` with folders of studies.

Prints, over all pairs of low-energy images, the correlation of different images, and for each of the twelve ways in
which an image may come back (resampled, 8-bit, mirrored, cropped, ...) that of the same image.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import FloatImage, Side
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.training.fingerprint import ALIKE, image_fingerprint, likeness


def resaved(pixels: FloatImage) -> dict[str, FloatImage]:
    """The same image in ways it may come back in; spacing is not told any more."""
    found = breast_mask(pixels)
    turned, mask = (a[:, ::-1] if found.chest_wall is Side.RIGHT else a for a in (pixels, found.mask))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, depth = np.ptp(rows), np.ptp(columns)
    low, high = np.percentile(pixels, [1, 99.5])
    normal = np.clip((pixels - low) / (high - low), 0, 1)

    def cut(top: float = 0, bottom: float = 0, wall: float = 0) -> FloatImage:
        first = rows[0] + round(top * height) if top else 0
        last = rows[-1] - round(bottom * height) if bottom else turned.shape[0]
        return turned[first:last, round(wall * depth) :]

    def smaller(image: FloatImage, factor: float) -> FloatImage:
        return ndimage.zoom(ndimage.uniform_filter(image, round(factor)), 1 / factor, order=1)

    middle = np.clip((smaller(cut(0.04, 0.04, 0.04), 2) - low) / (high - low), 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.03 * (high - low), pixels.shape)
    made = {
        "spacing x 2": smaller(pixels, 2),
        "spacing x 1.37": smaller(pixels, 1.37),
        "8-bit": np.rint(255 * normal),
        "8-bit, gamma 0.7": np.rint(255 * normal**0.7),
        "mirrored": pixels[:, ::-1],
        "noise of 3%": pixels + noise,
        "more air": np.pad(turned, ((30, 30), (0, 50)), constant_values=low),
        "top 5% cut": cut(top=0.05),
        "top 8% cut": cut(top=0.08),
        "bottom 5% cut": cut(bottom=0.05),
        "chest wall 9% cut": cut(wall=0.09),
        "all at once": np.rint(255 * middle)[:, ::-1],
    }
    return {name: np.ascontiguousarray(image, dtype=np.float32) for name, image in made.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--resaved", type=int, default=40, help="how many images are resaved (default 40)")
    asked = parser.parse_args()
    images = [
        acquisition.low_energy
        for folder in asked.folders
        for study in read_folder(folder).studies
        for acquisition in study.acquisitions
        if acquisition.low_energy
    ]
    texts = [image_fingerprint(image.pixels(), image.grid.spacing_mm) for image in images]
    alike = likeness(texts, texts)
    others = np.maximum(alike, alike.T)[np.triu_indices(len(texts), 1)]
    print(f"{len(others)} pairs of different images: median {np.median(others):.3f}, largest {others.max():.3f}")
    print(f"at or above {ALIKE:g}: {np.mean(others >= ALIKE):.2e} of the pairs")
    same: dict[str, list[float]] = {}
    for at in np.linspace(0, len(images) - 1, min(asked.resaved, len(images))).astype(int):
        for name, pixels in resaved(images[at].pixels()).items():
            same.setdefault(name, []).append(float(likeness([image_fingerprint(pixels, None)], [texts[at]])[0, 0]))
    for name, values in same.items():
        print(f"{name:20} smallest {min(values):.3f}, median {np.median(values):.3f}")


if __name__ == "__main__":
    main()
