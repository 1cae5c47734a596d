"""Small made-up CEM studies whose recombined image follows from the low-energy image, so that it can be learned."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.study.model import (
    Acquisition,
    CEMImage,
    CEMStudy,
    ImageKind,
    Laterality,
    PixelGrid,
    Side,
    StudyFolder,
    ViewPosition,
    VOIWindow,
)

SPACING = 1.6  # mm; twice the working spacing of 0.8 mm keeps arrays small, working images are 64 x 48
ROWS, COLUMNS = 40, 30


def make_pair(seed: int, laterality: Laterality) -> Acquisition:
    """Half an ellipse at the chest wall with smooth texture; the recombined image is bright where LE is dark."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    breast = ((y - ROWS / 2 + 0.5) / 16) ** 2 + (x / 24) ** 2 < 1
    texture = ndimage.gaussian_filter(random.normal(size=(ROWS, COLUMNS)), 2.5)
    texture /= texture[breast].std()
    low = np.where(breast, 1500 + 200 * texture, 0).astype(np.float32)
    iodine = np.where(breast, 2050 - 40 * texture, 0).astype(np.float32)
    side = Side.LEFT
    if laterality is Laterality.RIGHT:
        low, iodine, side = low[:, ::-1].copy(), iodine[:, ::-1].copy(), Side.RIGHT
    grid = PixelGrid(ROWS, COLUMNS, (SPACING, SPACING))
    attributes = {"SyntheticData": "YES", "ManufacturerModelName": "test simulator"}

    def image(kind: ImageKind, pixels: np.ndarray, window: VOIWindow) -> CEMImage:
        return CEMImage(
            Path(f"/made-up/{seed}_{kind.value}.dcm"),
            kind,
            grid,
            window,
            side,
            12,
            attributes=attributes,
            load=lambda: pixels,
        )

    return Acquisition(
        laterality,
        ViewPosition.CC,
        low_energy=image(ImageKind.LOW_ENERGY, low, VOIWindow(1500, 1600)),
        recombined=image(ImageKind.RECOMBINED, iodine, VOIWindow.from_range(1950, 2150)),
    )


KEY = b"k" * 32


@pytest.fixture
def prepare(tmp_path_factory: pytest.TempPathFactory):
    """Pairs through the cache, split, card."""
    pytest.importorskip("lightning_fabric")
    from CEMSynthLib.training.cache import cached_pairs
    from CEMSynthLib.training.session import draft_card, prepare_training

    cache = tmp_path_factory.mktemp("cache")

    def prepared(folder: StudyFolder, plan, split=None):
        return prepare_training(cached_pairs(folder, draft_card(plan), cache), plan, KEY, split)

    return prepared


@pytest.fixture
def learn(prepare):
    """Train on made-up studies."""
    import torch

    from CEMSynthLib.training.runtime import start
    from CEMSynthLib.training.session import train

    def learned(folder: StudyFolder, plan, output: Path, progress=lambda done, total, what: None, **more):
        fabric = start(torch.device("cpu"), plan.precision)
        return train(prepare(folder, plan), plan, fabric, output, progress, **more)

    return learned


@pytest.fixture(autouse=True)
def one_thread():
    """Images this small gain nothing from threads, which on a busy machine wait for each other (20 times slower)."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def folder() -> StudyFolder:
    """Six patients with two breasts each."""
    studies = tuple(
        CEMStudy(
            f"SIM-9-{number:04d}",
            None,
            (make_pair(2 * number, Laterality.LEFT), make_pair(2 * number + 1, Laterality.RIGHT)),
        )
        for number in range(6)
    )
    return StudyFolder(Path("/made-up"), studies, ())
