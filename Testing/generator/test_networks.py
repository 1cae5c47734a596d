# ruff: noqa: E402
"""Networks: the layer order of the reference CycleGAN, sizes, and patch size."""

import pytest

torch = pytest.importorskip("torch")

from CEMSynthLib.generator.card import Architecture
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.networks import (
    PatchDiscriminator,
    ResNetGenerator,
    UNetGenerator,
    build_generator,
    initialize,
    parameter_count,
)

# Names and shapes in a checkpoint of the reference PyTorch CycleGAN: resnet_6blocks, ngf 64, 3 channels, instance norm,
# no dropout.
REFERENCE = {
    "model.1": (64, 3, 7, 7),
    "model.4": (128, 64, 3, 3),
    "model.7": (256, 128, 3, 3),
    **{f"model.{b}.conv_block.{c}": (256, 256, 3, 3) for b in range(10, 16) for c in (1, 5)},
    "model.16": (256, 128, 3, 3),
    "model.19": (128, 64, 3, 3),
    "model.23": (3, 64, 7, 7),
}
BIASES = {"model.16": 128, "model.19": 64, "model.23": 3}


def test_resnet_parameters_are_those_of_the_reference() -> None:
    state = ResNetGenerator(64, 6, channels=3).state_dict()
    expected = {f"{name}.weight": shape for name, shape in REFERENCE.items()}
    expected |= {f"{name}.bias": (BIASES.get(name, shape[0]),) for name, shape in REFERENCE.items()}
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected


def test_parameter_counts_are_the_published_ones() -> None:
    # Printed by the reference implementation (3 channels): 11.378 M for resnet_9blocks, 2.765 M for the discriminator.
    assert parameter_count(ResNetGenerator(64, 9, channels=3)) == 11_378_179
    assert parameter_count(PatchDiscriminator(64, 3, channels=3)) == 2_764_737
    # The demo generator: 4 bytes each, under 4 MB.
    assert parameter_count(ResNetGenerator(16, 6)) == 490_945


@pytest.mark.parametrize("size", [(32, 32), (64, 44), (68, 100)])
def test_resnet_keeps_the_size_and_range(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        output = build_generator(Architecture("resnet", 4, 2))(torch.randn(2, 1, *size))
    assert output.shape == (2, 1, *size)
    assert output.abs().max() <= 1


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_unet_keeps_the_size(depth: int) -> None:
    architecture = Architecture("unet", 4, depth)
    size = (architecture.size_multiple * 4, architecture.size_multiple * 3)
    with torch.inference_mode():
        assert build_generator(architecture)(torch.randn(1, 1, *size)).shape == (1, 1, *size)


def test_unet_uses_every_level() -> None:
    network = UNetGenerator(4, 3)
    network(torch.randn(1, 1, 32, 32)).mean().backward()
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for n, p in network.named_parameters() if n.endswith("weight")
    )


def test_discriminator_sees_seventy_pixels() -> None:
    # Without instance norm (which looks at the whole image) the gradient of one output reaches exactly its patch.
    network = PatchDiscriminator(4, 3)
    plain = torch.nn.Sequential(*(m for m in network.model if not isinstance(m, torch.nn.InstanceNorm2d)))
    image = torch.randn(1, 1, 160, 160, requires_grad=True)
    output = plain(image)
    output[0, 0, output.shape[2] // 2, output.shape[3] // 2].backward()
    assert image.grad is not None
    touched = image.grad[0, 0].abs() > 0
    assert int(touched.any(dim=1).sum()) == 70
    assert int(touched.any(dim=0).sum()) == 70


def test_initial_weights_have_the_published_deviation() -> None:
    network = ResNetGenerator(16, 2)
    torch.manual_seed(0)
    initialize(network)
    weights = torch.cat([p.detach().flatten() for n, p in network.named_parameters() if n.endswith("weight")])
    assert abs(float(weights.std()) - 0.02) < 0.0005
    assert all(not p.any() for n, p in network.named_parameters() if n.endswith("bias"))


def test_unknown_network() -> None:
    with pytest.raises(ModelError, match="transformer"):
        build_generator(Architecture("transformer", 4, 2))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("kind", ["resnet", "unet", "unet_pix2pix", "judge"])
def test_gradients_of_single_images_add_up_to_those_of_the_batch(kind: str, channels_last: bool) -> None:
    # PyTorch's instance norm fails this for one image, channels last, on CPU (25% off).
    torch.manual_seed(0)
    network = PatchDiscriminator(4, 3) if kind == "judge" else build_generator(Architecture(kind, 4, 3))
    images = torch.randn(2, 1, 64, 48)
    exact = torch.autograd.grad(network.double()(images.double()).square().sum(), list(network.parameters()))
    network.float()
    if channels_last:
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    total = torch.stack([network(image[None]).square().sum() for image in images]).sum()
    single = torch.autograd.grad(total, list(network.parameters()))
    difference = sum(float((a - b).square().sum()) for a, b in zip(exact, single, strict=True))
    assert difference < 1e-8 * sum(float(a.square().sum()) for a in exact)
