"""Simulated beside real: texture spectrum, gray levels and LE/recombined correlation of both, as 8-bit 512 x 256."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.presentation import LOW_ENERGY_WINDOW, RECOMBINED_WINDOW
from CEMSynthLib.phantom.view import simulate_view
from CEMSynthLib.study.model import VOIWindow

REAL = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"


def _texture_exponent(image):
    size, row = 160, (image.shape[0] - 160) // 2
    part = image[row : row + size, 40 : 40 + size].astype(float)
    taper = np.hanning(size)[:, None] * np.hanning(size)[None, :]
    power = np.abs(np.fft.fft2((part - part.mean()) * taper)) ** 2
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    used = (frequency > 0.02) & (frequency < 0.2)
    return -np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0]


def _statistics(low, recombined):
    breast = low > 0
    return {
        "LE texture exponent": _texture_exponent(low),
        "LE median": float(np.median(low[breast])),
        "recombined median": float(np.median(recombined[breast])),
        "recombined spread": float(np.subtract(*np.percentile(recombined[breast], [84, 16]))),
        "correlation": float(np.corrcoef(low[breast], recombined[breast])[0, 1]),
    }


def _shown(pixels, window, mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    part = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    gray = (255 * VOIWindow(*window).apply(part.astype(np.float32))).astype(np.uint8)
    return np.asarray(Image.fromarray(gray).resize((256, 512), Image.Resampling.LANCZOS))


@pytest.mark.skipif(not REAL.is_dir(), reason="the four real pairs are not beside the checkout")
def test_the_average_simulated_view_lies_near_the_real_pairs():
    real = []
    for path in sorted(REAL.glob("*_DM_*.png")):
        low, recombined = (np.asarray(Image.open(p).convert("L")) for p in (path, str(path).replace("_DM_", "_CM_")))
        real.append(_statistics(low, recombined))
    simulated = []
    for number in range(4):
        for view in ("CC", "MLO"):
            image = simulate_view(draw_patient(31, number), "L", view, 0.5)
            shown = _shown(image.low_energy, LOW_ENERGY_WINDOW, image.mask)
            simulated.append(_statistics(shown, _shown(image.recombined, RECOMBINED_WINDOW, image.mask)))
    for name in real[0]:
        values = np.array([r[name] for r in real])
        low, high = values.min(), values.max()
        mean = float(np.mean([s[name] for s in simulated]))
        print(f"{name}: real {low:.3g} to {high:.3g}, simulated mean {mean:.3g}")
        # Within the real range widened by half its width on both sides; each single view is a later goal.
        margin = 0.5 * (high - low)
        assert low - margin <= mean <= high + margin, name
