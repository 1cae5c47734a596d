"""Checkpoints of the reference CycleGAN / pix2pix: same output, running statistics, and what is refused."""

# ruff: noqa: E402
import os
import pickle
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn

from CEMSynthLib.generator.card import Architecture, ModelCard
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.generator.reference_checkpoint import import_reference


class Block(nn.Module):
    """x + conv_block(x), the layers given."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Named(nn.Module):
    """A Sequential called ``model``; joined with its input where it is an inner level of a U-Net."""

    def __init__(self, *layers: nn.Module, skip: bool = False) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], 1) if self.skip else self.model(x)


def norm(kind: str, width: int, tracked: bool = False) -> nn.Module:
    return nn.BatchNorm2d(width) if kind == "batch" else nn.InstanceNorm2d(width, track_running_stats=tracked)


def resnet(f: int, blocks: int, kind: str, channels: int, tracked: bool = False, dropout: bool = False) -> nn.Module:
    """The published layers, written down one after the other."""
    bias = kind == "instance"

    def n(width: int) -> nn.Module:
        return norm(kind, width, tracked)

    def block() -> Block:
        first = [nn.ReflectionPad2d(1), nn.Conv2d(4 * f, 4 * f, 3, bias=bias), n(4 * f), nn.ReLU(True)]
        second = [nn.ReflectionPad2d(1), nn.Conv2d(4 * f, 4 * f, 3, bias=bias), n(4 * f)]
        return Block(*first, *([nn.Dropout(0.5)] if dropout else []), *second)

    return Named(
        *(nn.ReflectionPad2d(3), nn.Conv2d(channels, f, 7, bias=bias), n(f), nn.ReLU(True)),
        *(nn.Conv2d(f, 2 * f, 3, 2, 1, bias=bias), n(2 * f), nn.ReLU(True)),
        *(nn.Conv2d(2 * f, 4 * f, 3, 2, 1, bias=bias), n(4 * f), nn.ReLU(True)),
        *(block() for _ in range(blocks)),
        *(nn.ConvTranspose2d(4 * f, 2 * f, 3, 2, 1, 1, bias=bias), n(2 * f), nn.ReLU(True)),
        *(nn.ConvTranspose2d(2 * f, f, 3, 2, 1, 1, bias=bias), n(f), nn.ReLU(True)),
        *(nn.ReflectionPad2d(3), nn.Conv2d(f, channels, 7), nn.Tanh()),
    )


def unet(f: int, depth: int, kind: str, channels: int) -> nn.Module:
    """Levels from the inside out; every activation works in place, as in the reference."""
    bias = kind == "instance"
    widths = [f, 2 * f, 4 * f, 8 * f] + [8 * f] * 9
    level: nn.Module | None = None
    for outer, inner in reversed(list(pairwise(widths[:depth]))):
        down = [nn.LeakyReLU(0.2, True), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)]
        if level is None:
            up = [nn.ReLU(True), nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=bias), norm(kind, outer)]
            level = Named(*down, *up, skip=True)
        else:
            up = [nn.ReLU(True), nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=bias), norm(kind, outer)]
            level = Named(*down, norm(kind, inner), level, *up, nn.Dropout(0.5), skip=True)
    assert level is not None
    first, last = nn.Conv2d(channels, f, 4, 2, 1, bias=bias), nn.ConvTranspose2d(2 * f, channels, 4, 2, 1)
    network = Named()
    network.model = Named(first, level, nn.ReLU(True), last, nn.Tanh())
    return network


def settle(network: nn.Module) -> nn.Module:
    """Weights of a size that matters, and running statistics of a few batches."""
    torch.manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0 if parameter.ndim > 1 else 0.3, 0.1)
    channels = next(p for p in network.parameters() if p.ndim == 4).shape[1]
    for _ in range(3):
        network(0.5 + torch.randn(2, channels, 64, 64))
    return network.eval()


def imported(path: Path, **more: object) -> nn.Module:
    weights, architecture = import_reference(path, **more)
    network = build_generator(architecture)
    network.load_state_dict(weights)
    return network.eval()


IMAGE = torch.linspace(-1, 1, 64 * 96).reshape(1, 1, 64, 96).sin() * torch.linspace(-1, 1, 96)


@pytest.mark.parametrize(
    ("made", "architecture"),
    [
        (lambda: resnet(8, 6, "instance", 1), Architecture("resnet", 8, 6)),
        (lambda: resnet(4, 9, "instance", 3), Architecture("resnet", 4, 9, "instance", 3)),
        (lambda: resnet(4, 6, "batch", 1), Architecture("resnet", 4, 6, "batch")),
        (lambda: resnet(4, 6, "batch", 3, dropout=True), Architecture("resnet", 4, 6, "batch", 3)),
        (lambda: resnet(4, 2, "instance", 1, dropout=True), Architecture("resnet", 4, 2)),
        (lambda: unet(4, 5, "batch", 1), Architecture("unet_pix2pix", 4, 5, "batch")),
        (lambda: unet(4, 5, "instance", 1), Architecture("unet_pix2pix", 4, 5)),
        (lambda: unet(4, 2, "batch", 3), Architecture("unet_pix2pix", 4, 2, "batch", 3)),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_the_same_output(made, architecture: Architecture, zipped: bool, tmp_path: Path, card: ModelCard) -> None:
    network = settle(made())
    path = tmp_path / "latest_net_G_A.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=zipped)
    found = import_reference(path)[1]
    assert found == architecture
    with torch.inference_mode():
        image = IMAGE.expand(-1, architecture.channels, -1, -1)
        expected = network(image.clone())
        ours = imported(path)(image)
        gray = imported(path)(IMAGE)
    assert expected.std() > 0.05  # an output that tells something
    assert torch.abs(ours - expected).max() < 1e-5
    assert torch.abs(gray - expected.mean(dim=1, keepdim=True)).max() < 1e-5


def test_unet_256_and_resnet_9_have_the_published_sizes(tmp_path: Path) -> None:
    # Printed by the reference: 54.414 M values (unet_256, 3 channels, batch norm), 11.378 M (resnet_9blocks).
    for made, millions in ((unet(64, 8, "batch", 3), 54.414), (resnet(64, 9, "instance", 3), 11.378)):
        torch.save(made.state_dict(), tmp_path / "net_G.pth")
        count = sum(p.numel() for p in imported(tmp_path / "net_G.pth").parameters())
        assert round(count / 1e6, 3) == millions


def test_running_statistics_of_instance_norm_are_dropped_because_the_reference_uses_the_image_at_hand(
    tmp_path: Path,
) -> None:
    tracked, plain = settle(resnet(4, 3, "instance", 1, tracked=True)), resnet(4, 3, "instance", 1)
    assert any(name.endswith("running_var") for name in tracked.state_dict())
    torch.save(tracked.state_dict(), tmp_path / "net_G.pth")
    plain.load_state_dict({n: t for n, t in tracked.state_dict().items() if "running" not in n and "num_" not in n})
    with torch.inference_mode():
        expected, ours = plain.eval()(IMAGE), imported(tmp_path / "net_G.pth")(IMAGE)
        misled = tracked(IMAGE)  # eval mode with tracked statistics: what must not happen
    assert torch.abs(ours - expected).max() < 1e-5
    assert torch.abs(misled - expected).max() > 0.1


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path: Path, prefix: str) -> None:
    network = settle(resnet(4, 2, "instance", 1))
    torch.save(OrderedDict((prefix + n, t) for n, t in network.state_dict().items()), tmp_path / "net_G.pth")
    with torch.inference_mode():
        assert torch.equal(imported(tmp_path / "net_G.pth")(IMAGE), network(IMAGE))


class Opens:
    """What unpickling must never do."""

    def __reduce__(self):
        return os.mkdir, (os.environ["CEMSYNTH_TEST_TRAP"],)


def test_a_pickle_that_holds_more_than_tensors_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, path = tmp_path / "trap", tmp_path / "net_G.pth"
    monkeypatch.setenv("CEMSYNTH_TEST_TRAP", str(trap))
    state = resnet(4, 2, "instance", 1).state_dict()
    for content in ({**state, "extra": Opens()}, Opens(), nn.Conv2d(1, 1, 3)):
        torch.save(content, path)
        with pytest.raises(ModelError, match="more than tensors"):
            import_reference(path)
    path.write_bytes(pickle.dumps(Opens()))
    with pytest.raises(ModelError):
        import_reference(path)
    assert not trap.exists()


def test_what_is_no_generator_is_refused_by_name(tmp_path: Path, card: ModelCard) -> None:
    path = tmp_path / "net_G.pth"
    good = resnet(4, 2, "instance", 1).state_dict()

    def refused(content: object, words: str, **more: object) -> None:
        torch.save(content, path)
        with pytest.raises(ModelError, match=words):
            import_reference(path, **more)

    refused({n: t for n, t in good.items() if n != "model.4.bias"}, r"lacks model\.4\.bias")
    refused({**good, "model.5.weight": torch.ones(8)}, r"holds model\.5\.weight")
    refused({**good, "model.4.weight": torch.ones(8, 4, 5, 5)}, r"model\.4\.weight of shape \(8, 4, 5, 5\)")
    refused({**good, "model.4.weight": good["model.4.weight"] * float("nan")}, "not finite")
    refused({"epoch": 3, **good}, "'epoch' is no tensor")
    refused({}, "no mapping")
    refused([torch.ones(1)], "no mapping")
    refused({"fc.weight": torch.ones(3, 3)}, "neither ResNet nor U-Net")
    refused({**good, "model.1.weight": torch.ones(4, 2, 7, 7)}, "2 channels into 1")
    weight = good["model.4.weight"]
    for odd in (weight.to_sparse(), weight.to("meta"), weight.to(torch.complex64), weight.to(torch.int64)):
        refused({**good, "model.4.weight": odd}, r"'model\.4\.weight' holds no plain floating-point")
    refused({**good, "model.19.weight": torch.tensor(1.0)}, "not those of the reference's ResNet")
    # A small file can ask for a network of 50 GB.
    refused({**good, "model.1.weight": torch.zeros(1).expand(20_000, 1, 7, 7)}, r"model\.1\.bias of shape \(4,\)")
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 4, 2), nn.LeakyReLU(), nn.Conv2d(4, 8, 4, 2)).state_dict()
    refused({f"model.{n}": t for n, t in discriminator.items()}, "neither")
    refused(good, "correct the card", card=card.__class__(**{**vars(card), "architecture": Architecture("unet", 4, 2)}))
    path.write_bytes(b"\x00\x01 no checkpoint")
    with pytest.raises(ModelError, match=r"net_G\.pth"):
        import_reference(path)
    torch.save(good, path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelError, match=r"net_G\.pth"):
        import_reference(path)
    with pytest.raises(ModelError, match="cannot be read"):
        import_reference(tmp_path / "nowhere.pth")
