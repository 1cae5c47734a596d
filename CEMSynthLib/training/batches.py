"""Batches: images of similar size side by side, or patches, padded with air, turned over and jittered.

Which images meet and how each is changed follows from seed, epoch and image alone: an epoch is the same after a
restart, and the same on one process as on several, each of which makes its own images of every batch only.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from CEMSynthLib.generator.card import OutputNormalization
from CEMSynthLib.study.model import FloatImage
from CEMSynthLib.training.data import Labels, Pair
from CEMSynthLib.training.plan import Plan

AIR = -1.0
# Neighbors in size are batched: sizes are drawn up to this factor apart, so that batches differ between epochs.
_SIZE_JITTER = 0.1
_SCALE = 0.08
_GAMMA = 0.15
_SHIFT = 0.05
# oneDNN compiles its kernels anew for each image size and keeps 1024 of them; sizes in steps of 16 need a few dozen.
_SIZE_STEP = 16
_ORDER, _IMAGE, _GROUP = 0, 2, 3  # random streams of an epoch
_Planes = tuple[FloatImage, FloatImage, FloatImage, Labels]


@dataclass(frozen=True)
class Batch:
    """Images of one step that belong to this process.

    Parameters
    ----------
    low_energy, recombined, mask
        Shape (images, 1, rows, columns): in [-1, 1], and 0 or 1.
    regions
        uint8, same shape, see `CEMSynthLib.training.data.Pair`.
    share
        What this process' mean over images is multiplied with, so that the mean over processes is that over all images
        of the step; 1 where each process has as many.
    """

    low_energy: Tensor
    recombined: Tensor
    mask: Tensor
    regions: Tensor
    share: float = 1.0

    def to(self, device: torch.device) -> "Batch":
        """The same on a device, channels last (twice as fast on CPU here, 0.10 s against 0.2 s)."""

        def moved(plane: Tensor) -> Tensor:
            return plane.to(device, non_blocking=True).contiguous(memory_format=torch.channels_last)

        planes = (self.low_energy, self.recombined, self.mask, self.regions)
        low, recombined, mask, regions = (moved(plane) for plane in planes)
        return Batch(low, recombined, mask, regions, self.share)


@dataclass(frozen=True)
class Worker:
    """Which of several processes this is."""

    rank: int = 0
    count: int = 1


def steps_per_epoch(images: int, batch_size: int, workers: int) -> int:
    """Batches of an epoch; those with fewer images than processes are left out (0: all, or there are none)."""
    whole = images // batch_size if batch_size >= workers else 0
    return whole + int(images % batch_size >= workers)


def training_batches(
    pairs: Sequence[Pair], scale: OutputNormalization, plan: Plan, epoch: int, worker: Worker = Worker()
) -> Iterator[Batch]:
    """One epoch of augmented batches in random order.

    Augmentation: breast turned upside down (1 in 2), size within 8% (both images alike), and for the low-energy image
    alone a gamma within 15% and a shift within 0.05 of [-1, 1], since vendors' gray scales differ.

    Parameters
    ----------
    pairs
        Training pairs.
    scale
        Output normalization.
    plan
        Batch size (over all processes), patches, augmentation, seed; rows and columns become multiples of what the
        architecture takes, and of 16.
    epoch
        Its number: another epoch is another order.
    worker
        Makes every ``count``-th image of each batch.
    """
    multiple = math.lcm(plan.architecture.size_multiple, _SIZE_STEP)
    order = np.random.default_rng([plan.seed, epoch, _ORDER])
    sizes = np.array([pair.mask.size for pair in pairs], dtype=np.float64)
    sequence = np.argsort(sizes * order.uniform(1 - _SIZE_JITTER, 1 + _SIZE_JITTER, len(pairs)))
    if plan.patch_px is not None:
        sequence = order.permutation(len(pairs))
    size = plan.batch_size
    groups = [sequence[start : start + size] for start in range(0, len(sequence), size)]
    for number in order.permutation(len(groups)):
        group = groups[number]
        mine = group[worker.rank :: worker.count]
        if len(group) < worker.count:
            continue
        extent = _extent([pairs[index].mask.shape for index in group], plan.patch_px, multiple)
        images = [_changed(pairs[i], scale, plan, np.random.default_rng([plan.seed, epoch, _IMAGE, i])) for i in mine]
        batch = _stack(images, extent)
        if plan.augment and plan.patch_px is None:
            factor = np.random.default_rng([plan.seed, epoch, _GROUP, int(number)]).uniform(1 - _SCALE, 1 + _SCALE)
            batch = _rescaled(batch, factor, multiple)
        share = worker.count * len(mine) / len(group)
        yield Batch(batch.low_energy, batch.recombined, batch.mask, batch.regions, share)


def single(pair: Pair, scale: OutputNormalization, multiple: int) -> Batch:
    """One pair as it is, padded as in prediction."""
    planes = (pair.low_energy, pair.target(scale), pair.mask.astype(np.float32), pair.regions)
    return _stack([planes], _extent([pair.mask.shape], None, multiple))


def _changed(pair: Pair, scale: OutputNormalization, plan: Plan, random: np.random.Generator) -> _Planes:
    low = np.asarray(pair.low_energy)
    if plan.augment:
        gamma = 1 + random.uniform(-_GAMMA, _GAMMA)
        unit = np.clip((low + 1) / 2 + random.uniform(-_SHIFT, _SHIFT) / 2, 0, 1) ** gamma
        low = np.where(pair.mask, 2 * unit - 1, AIR).astype(np.float32)
    planes = (low, pair.target(scale), pair.mask.astype(np.float32), np.asarray(pair.regions))
    if plan.augment and random.random() < 0.5:
        planes = (planes[0][::-1], planes[1][::-1], planes[2][::-1], planes[3][::-1])
    return planes if plan.patch_px is None else _patch(planes, plan.patch_px, random)


def _patch(planes: _Planes, side: int, random: np.random.Generator) -> _Planes:
    """A square around a pixel of the breast, inside the image as far as it is large enough."""
    inside = np.flatnonzero(planes[2])
    center = np.unravel_index(inside[int(random.integers(len(inside)))], planes[2].shape)
    cut = []
    for at, extent in zip(center, planes[2].shape, strict=True):
        start = int(np.clip(int(at) - side // 2, 0, max(0, extent - side)))
        cut.append(slice(start, start + side))
    box = (cut[0], cut[1])
    return planes[0][box], planes[1][box], planes[2][box], planes[3][box]


def _extent(shapes: Sequence[tuple[int, ...]], patch: int | None, multiple: int) -> tuple[int, int]:
    sides = [max(shape[axis] for shape in shapes) if patch is None else patch for axis in (0, 1)]
    return _padded(sides[0], multiple), _padded(sides[1], multiple)


def _stack(images: Sequence[_Planes], extent: tuple[int, int]) -> Batch:
    blocks: list[Tensor] = []
    for plane, air in enumerate((AIR, AIR, 0.0, 0)):
        kind = np.uint8 if plane == 3 else np.float32
        block: NDArray[np.generic] = np.full((len(images), 1, *extent), air, dtype=kind)
        for index, image in enumerate(images):
            height, width = image[plane].shape
            block[index, 0, :height, :width] = image[plane]
        blocks.append(torch.from_numpy(block))
    low, recombined, mask, regions = blocks
    return Batch(low, recombined, mask, regions)


def _padded(size: int, multiple: int) -> int:
    smallest = max(32, 2 * multiple)
    return max(smallest, size) + -max(smallest, size) % multiple


def _rescaled(batch: Batch, factor: float, multiple: int) -> Batch:
    rows, columns = (_padded(round(size * factor), multiple) for size in batch.mask.shape[-2:])
    if (rows, columns) == tuple(batch.mask.shape[-2:]):
        return batch

    def resized(image: Tensor) -> Tensor:
        return functional.interpolate(image, (rows, columns), mode="bilinear", align_corners=False, antialias=True)

    share = resized(batch.mask)
    mask = (share > 0.5).float()

    def inside(image: Tensor) -> Tensor:
        mean = resized((image - AIR) * batch.mask) / share.clamp_min(1e-3) + AIR
        return torch.where(mask > 0, mean.clamp(-1, 1), torch.full_like(mean, AIR))

    regions = functional.interpolate(batch.regions, (rows, columns), mode="nearest-exact")
    regions = torch.where(mask > 0, regions, torch.zeros_like(regions))
    return Batch(inside(batch.low_energy), inside(batch.recombined), mask, regions)
