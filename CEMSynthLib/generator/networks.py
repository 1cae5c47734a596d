"""Networks: the residual generator and patch discriminator of CycleGAN, and a small U-Net as the regression ceiling.

Layer order and parameter names of `ResNetGenerator` and `PatchDiscriminator` follow the reference PyTorch CycleGAN
(a ``Sequential`` named ``model``, blocks with ``conv_block``), so that its checkpoints fit.

References
----------
Johnson et al., "Perceptual losses for real-time style transfer", ECCV 2016. Zhu et al., "Unpaired image-to-image
translation using cycle-consistent adversarial networks", ICCV 2017. Ronneberger et al., "U-Net", MICCAI 2015.
"""

import torch
from torch import Tensor, nn

from CEMSynthLib.generator.card import Architecture
from CEMSynthLib.generator.errors import ModelError


class ResidualBlock(nn.Module):
    """Two reflection-padded 3x3 convolutions with instance norm, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
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
    """

    def __init__(self, base_filters: int = 64, blocks: int = 9, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(channels, base_filters, 7)]
        layers += _norm_relu(base_filters)
        for width in (base_filters, 2 * base_filters):
            layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *_norm_relu(2 * width)]
        layers += [ResidualBlock(4 * base_filters) for _ in range(blocks)]
        for width in (4 * base_filters, 2 * base_filters):
            up = nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)
            layers += [up, *_norm_relu(width // 2)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(base_filters, channels, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (batch, channels, rows, columns) in [-1, 1]; rows and columns are multiples of 4."""
        out: Tensor = self.model(x)
        return out


class PatchDiscriminator(nn.Module):
    """PatchGAN: one value for each overlapping patch; 70 x 70 pixels with three strided layers, 34 x 34 with two.

    Parameters
    ----------
    base_filters
        Channels of the first layer, doubled up to 8 times.
    strided_layers
        Convolutions of stride 2.
    channels
        Of the image.
    """

    def __init__(self, base_filters: int = 64, strided_layers: int = 3, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, base_filters, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)]
        width = base_filters
        for number in range(1, strided_layers + 1):
            wider = base_filters * min(2**number, 8)
            stride = 2 if number < strided_layers else 1
            layers += [nn.Conv2d(width, wider, 4, stride=stride, padding=1), nn.InstanceNorm2d(wider)]
            layers += [nn.LeakyReLU(0.2, True)]
            width = wider
        layers += [nn.Conv2d(width, 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Judge images (batch, channels, rows, columns); high means real. No sigmoid (least-squares loss)."""
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
    """Make the generator that a model card describes, with random weights (ResNet: see `initialize`; U-Net: PyTorch's).

    Raises
    ------
    ModelError
        The type of network is not known.
    """
    if architecture.type == "resnet":
        network = ResNetGenerator(architecture.base_filters, architecture.depth)
        initialize(network)
        return network
    if architecture.type == "unet":
        return UNetGenerator(architecture.base_filters, architecture.depth)
    raise ModelError(f"The network type '{architecture.type}' is not known; known are resnet and unet.")


def initialize(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw convolution weights from N(0, ``deviation``), set biases to 0 (Zhu et al. 2017, appendix)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def _norm_relu(width: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]


def _two_convolutions(width_in: int, width_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (width_in, width_out):
        layers += [nn.Conv2d(width, width_out, 3, padding=1, padding_mode="reflect"), *_norm_relu(width_out)]
    return nn.Sequential(*layers)
