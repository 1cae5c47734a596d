"""Networks: generators and patch discriminator of CycleGAN and pix2pix, and a small U-Net as regression ceiling.

Layer order and parameter names of `ResNetGenerator`, `Pix2PixUNet` and `PatchDiscriminator` follow the reference
PyTorch CycleGAN and pix2pix (a ``Sequential`` named ``model``, blocks with ``conv_block``), so that its checkpoints
fit.

References
----------
Johnson et al., "Perceptual losses for real-time style transfer", ECCV 2016. Zhu et al., "Unpaired image-to-image
translation using cycle-consistent adversarial networks", ICCV 2017. Isola et al., "Image-to-image translation with
conditional adversarial networks", CVPR 2017. Ronneberger et al., "U-Net", MICCAI 2015.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from CEMSynthLib.generator.card import Architecture
from CEMSynthLib.generator.errors import ModelError


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm whose gradient is right for one image too.

    PyTorch's own (seen with 2.13 on CPU) gives a wrong gradient for a batch of one image where the gradient arrives
    channels last: 1.4 times its length off for one layer, 25% for a small ResNet. The formula written out has it right.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(x - mean) / sqrt(variance + eps) over rows and columns, population variance."""
        if len(input) != 1 or input.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(input)
        wide = input if input.dtype == torch.float64 else input.float()
        variance, mean = torch.var_mean(wide, dim=(2, 3), correction=0, keepdim=True)
        return ((wide - mean) * torch.rsqrt(variance + self.eps)).to(input.dtype)


class ResidualBlock(nn.Module):
    """Two reflection-padded 3x3 convolutions with a norm, added to their input."""

    def __init__(self, channels: int, norm: str = "instance") -> None:
        super().__init__()
        bias = norm == "instance"
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            _norm(norm, channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=bias),
            _norm(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus its residual; shape (batch, channels, rows, columns) kept."""
        out: Tensor = x + self.conv_block(x)
        return out


class ResNetGenerator(nn.Module):
    """7x7 stem, two halvings, ``blocks`` residual blocks, two doublings, 7x7 and tanh.

    Parameters
    ----------
    base_filters
        Channels of the stem; doubled by each halving.
    blocks
        Residual blocks (6 for small images, 9 for 256 x 256 in the paper).
    channels
        Of the image, in and out.
    norm
        ``instance``, or ``batch`` (then convolutions before a norm have no bias).
    """

    def __init__(self, base_filters: int = 64, blocks: int = 9, channels: int = 1, norm: str = "instance") -> None:
        super().__init__()
        self.channels = channels
        bias = norm == "instance"
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels, base_filters, 7, bias=bias)]
        layers += _norm_relu(base_filters, norm)
        for width in (base_filters, 2 * base_filters):
            layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=bias), *_norm_relu(2 * width, norm)]
        layers += [ResidualBlock(4 * base_filters, norm) for _ in range(blocks)]
        for width in (4 * base_filters, 2 * base_filters):
            up = nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1, bias=bias)
            layers += [up, *_norm_relu(width // 2, norm)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(base_filters, channels, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (batch, channels or 1, rows, columns) in [-1, 1]; rows and columns are multiples of 4."""
        return _gray(self.model, x, self.channels)


class SkipBlock(nn.Module):
    """One level of `Pix2PixUNet`: halve, go through the levels within, double; joined with what came in.

    Parameters
    ----------
    outer, inner
        Channels outside and inside.
    within
        The next level; ``None`` for the innermost.
    norm
        ``instance`` or ``batch``.
    """

    def __init__(self, outer: int, inner: int, within: nn.Module | None, norm: str) -> None:
        super().__init__()
        bias = norm == "instance"
        layers: list[nn.Module] = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=bias)]
        if within is not None:
            layers += [_norm(norm, inner), within]
        layers += [
            nn.ReLU(),
            nn.ConvTranspose2d(inner if within is None else 2 * inner, outer, 4, stride=2, padding=1, bias=bias),
            _norm(norm, outer),
        ]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return twice the channels. The leaky ReLU works in place in the reference, so the skip carries its output."""
        active = self.model[0](x)
        return torch.cat([active, self.model[1:](active)], dim=1)


class _OutermostBlock(nn.Module):
    """The level of `Pix2PixUNet` that meets the image."""

    def __init__(self, channels: int, width: int, within: nn.Module, norm: str) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1, bias=norm == "instance"),
            within,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.model(x)
        return out


class Pix2PixUNet(nn.Module):
    """The U-Net of pix2pix: ``depth`` halvings by strided 4 x 4 convolutions, skips, as many doublings.

    Dropout, which the reference may apply while training, has no parameters and is left out: outputs do not vary.

    Parameters
    ----------
    base_filters
        Channels of the outermost level; doubled three times.
    depth
        Number of halvings, 2 or more (8 for ``unet_256``, 7 for ``unet_128``).
    channels
        Of the image, in and out.
    norm
        ``instance`` or ``batch``.
    """

    def __init__(self, base_filters: int = 64, depth: int = 8, channels: int = 1, norm: str = "batch") -> None:
        super().__init__()
        self.channels = channels
        widths = [base_filters * min(2**level, 8) for level in range(depth)]
        block: nn.Module | None = None
        for outer, inner in reversed(list(pairwise(widths))):
            block = SkipBlock(outer, inner, block, norm)
        if block is None:
            raise ModelError(f"A U-Net of pix2pix has at least 2 halvings, not {depth}.")
        self.model = _OutermostBlock(channels, base_filters, block, norm)

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (batch, channels or 1, rows, columns) in [-1, 1]; sizes are multiples of 2 ** depth."""
        return _gray(self.model, x, self.channels)


class PatchDiscriminator(nn.Module):
    """PatchGAN: one value for each overlapping patch; 70 x 70 pixels with three strided layers, 34 x 34 with two.

    Parameters
    ----------
    base_filters
        Channels of the first layer, doubled up to 8 times.
    strided_layers
        Convolutions of stride 2.
    channels
        Of the image (pix2pix: of source and image together).
    """

    def __init__(self, base_filters: int = 64, strided_layers: int = 3, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, base_filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)]
        width = base_filters
        for number in range(1, strided_layers + 1):
            wider = base_filters * min(2**number, 8)
            stride = 2 if number < strided_layers else 1
            layers += [nn.Conv2d(width, wider, 4, stride=stride, padding=1), InstanceNorm(wider)]
            layers += [nn.LeakyReLU(0.2, True)]
            width = wider
        layers += [nn.Conv2d(width, 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Judge images (batch, channels, rows, columns); high means real. No sigmoid: the loss brings its own."""
        out: Tensor = self.model(x)
        return out


class UNetGenerator(nn.Module):
    """A small U-Net: ``depth`` halvings, as many doublings, skip connections, tanh.

    Parameters
    ----------
    base_filters
        Channels at full size; doubled by each halving up to 8 times.
    depth
        Number of halvings.
    channels
        Of the image, in and out.
    """

    def __init__(self, base_filters: int = 16, depth: int = 4, channels: int = 1) -> None:
        super().__init__()
        widths = [base_filters * min(2**level, 8) for level in range(depth + 1)]
        self.down = nn.ModuleList(
            _two_convolutions(a, b) for a, b in zip([channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            _two_convolutions(low + skip, skip) for low, skip in zip(widths[1:], widths, strict=False)
        )
        self.last = nn.Conv2d(base_filters, channels, 1)
        self.shrink = nn.AvgPool2d(2)
        self.grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (batch, channels, rows, columns) in [-1, 1]; sizes are multiples of 2 ** depth."""
        skips: list[Tensor] = []
        for number, step in enumerate(self.down):
            x = step(x if number == 0 else self.shrink(x))
            skips.append(x)
        for number in reversed(range(len(self.up))):
            x = self.up[number](torch.cat([self.grow(x), skips[number]], dim=1))
        return torch.tanh(self.last(x))


def build_generator(architecture: Architecture) -> nn.Module:
    """Make the generator that a model card describes, with random weights (`initialize`; small U-Net: PyTorch's).

    Raises
    ------
    ModelError
        The network is not known.
    """
    kind, width, depth = architecture.type, architecture.base_filters, architecture.depth
    if architecture.norm not in ("instance", "batch") or architecture.channels not in (1, 3):
        raise ModelError(
            f"A network with {architecture.norm} norm and {architecture.channels} channels is not known; known are "
            "instance and batch norm, 1 and 3 channels."
        )
    if kind == "unet":
        if architecture.norm != "instance" or architecture.channels != 1:
            raise ModelError("The network type 'unet' has instance norm and one channel.")
        return UNetGenerator(width, depth)
    network: nn.Module
    if kind == "resnet":
        network = ResNetGenerator(width, depth, architecture.channels, architecture.norm)
    elif kind == "unet_pix2pix":
        network = Pix2PixUNet(width, depth, architecture.channels, architecture.norm)
    else:
        raise ModelError(f"The network type '{kind}' is not known; known are resnet, unet and unet_pix2pix.")
    initialize(network)
    return network


def initialize(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw convolution weights from N(0, ``deviation``), of norms from N(1, ``deviation``), biases 0 (Zhu et al.)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            if module.weight.is_meta:
                continue  # only names and shapes are wanted; drawing into nothing would import PyTorch's compiler
            nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def _gray(model: nn.Module, x: Tensor, channels: int) -> Tensor:
    """Run a network; where it was made for color and gets gray, gray goes in three times and the mean comes out."""
    if x.shape[1] == channels:
        out: Tensor = model(x)
        return out
    mean: Tensor = model(x.expand(-1, channels, -1, -1)).mean(dim=1, keepdim=True)
    return mean


def _norm(kind: str, width: int) -> nn.Module:
    return nn.BatchNorm2d(width) if kind == "batch" else InstanceNorm(width)


def _norm_relu(width: int, kind: str = "instance") -> list[nn.Module]:
    return [_norm(kind, width), nn.ReLU(inplace=True)]


def _two_convolutions(width_in: int, width_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (width_in, width_out):
        layers += [nn.Conv2d(width, width_out, 3, padding=1, padding_mode="reflect"), *_norm_relu(width_out)]
    return nn.Sequential(*layers)
