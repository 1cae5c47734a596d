"""Paired: what the synthetic image is asked to share with the recombined image of the same acquisition.

Three terms, each a mean over images, so that a batch divided among processes gives what it gives whole:

- paired: mean |s - r| over the breast;
- structure: mean (1 - SSIM) over the breast (Wang et al. 2004: Gaussian of 11 x 11, sigma 1.5, K 0.01 / 0.03). The data
  range is 1, half of the network's output: about the width of a recombined VOI window. L1 alone shrinks fine structure
  toward zero where noise hides it; this term asks for its amplitude;
- contrast: sum over the lesions of an image of |c_s - c_r|, c the mean in the lesion minus the mean in the ring around
  it; where c_s < c_r it counts ``contrast_under`` times. Lesions are few and small, so that the mean over the breast
  hardly knows them.

s is the synthetic image, r the recombined one, both in [-1, 1].
"""

import torch
from torch import Tensor, nn

from CEMSynthLib.training.batches import AIR, Batch
from CEMSynthLib.training.plan import Plan

_FEWEST_PIXELS = 4
_LABELS = 256


class PairedTerms:
    """The three terms with the weights of a plan; a term of weight 0 is not computed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def losses(self, synthetic: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The terms by name, one number each, not weighted."""
        losses = {"paired": masked_l1(synthetic, batch.recombined, batch.mask)}
        if self._plan.structure_weight:
            # In [0, 2], so that SSIM's luminance term sees positive values.
            shown = inside(synthetic, batch.mask) + 1
            losses["structure"] = masked_dissimilarity(shown, batch.recombined + 1, batch.mask)
        if self._plan.contrast_weight:
            losses["contrast"] = contrast_error(synthetic, batch, self._plan.contrast_under)
        return losses

    def weights(self) -> dict[str, float]:
        """Their weights by name."""
        plan = self._plan
        return {"paired": plan.paired_weight, "structure": plan.structure_weight, "contrast": plan.contrast_weight}


def masked_l1(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference over the breast, then over the images."""
    return _per_image((wide(a) - wide(b)).abs(), mask)


def masked_dissimilarity(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """1 - SSIM over the breast, then over the images; data range 1."""
    x = wide(a)
    y = b.to(x.dtype)
    offsets = torch.arange(11, dtype=x.dtype, device=x.device) - 5
    kernel = torch.exp(-(offsets**2) / (2 * 1.5**2))
    kernel = kernel / kernel.sum()
    stack = torch.cat([x, y, x * x, y * y, x * y])
    stack = nn.functional.conv2d(nn.functional.pad(stack, (5, 5, 0, 0), mode="reflect"), kernel.reshape(1, 1, 1, 11))
    stack = nn.functional.conv2d(nn.functional.pad(stack, (0, 0, 5, 5), mode="reflect"), kernel.reshape(1, 1, 11, 1))
    mean_x, mean_y, xx, yy, xy = stack.chunk(5)
    spread = (xx - mean_x**2) + (yy - mean_y**2)
    shared = xy - mean_x * mean_y
    level = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    ssim = level * (2 * shared + 0.03**2) / (spread + 0.03**2)
    return _per_image(1 - ssim, mask)


def contrast_error(synthetic: Tensor, batch: Batch, under: float = 1.0) -> Tensor:
    """Sum over lesions of the error of the contrast to the ring around them, then the mean over the images."""
    ours, counts = _region_means(synthetic, batch.regions)
    wanted, _ = _region_means(batch.recombined, batch.regions)
    error = (ours[:, 1::2] - ours[:, 2::2]) - (wanted[:, 1::2] - wanted[:, 2::2])
    known = (counts[:, 1::2] >= _FEWEST_PIXELS) & (counts[:, 2::2] >= _FEWEST_PIXELS)
    size = torch.where(error < 0, -under * error, error) * known
    return size.sum(dim=1).mean()


def inside(image: Tensor, mask: Tensor) -> Tensor:
    """The image inside the breast, air outside: what a network paints beside the breast counts nowhere."""
    image = wide(image)
    return torch.where(mask > 0, image, torch.full_like(image, AIR))


def wide(values: Tensor) -> Tensor:
    """At least float32: losses are never computed in half precision."""
    return values if values.dtype == torch.float64 else values.float()


def _per_image(values: Tensor, mask: Tensor) -> Tensor:
    return ((values * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp_min(1)).mean()


def _region_means(image: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and number of pixels of each region of each image, shape (images, 257), region 0 and 256 unused."""
    images = len(image)
    flat = regions.reshape(-1).long()
    chosen = flat.nonzero()[:, 0]
    place = flat[chosen] + (_LABELS + 1) * (chosen // (flat.numel() // images))
    values = wide(image).reshape(-1)[chosen]
    zero = torch.zeros(images * (_LABELS + 1), dtype=values.dtype, device=image.device)
    sums = zero.index_add(0, place, values)
    counts = zero.index_add(0, place, torch.ones_like(values))
    shape = (images, _LABELS + 1)
    return (sums / counts.clamp_min(1)).reshape(shape), counts.reshape(shape)
