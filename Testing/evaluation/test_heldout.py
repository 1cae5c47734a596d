"""Held-out figures: a model that knows the truth wins, one that knows the average does not, a leak is refused."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from CEMSynthLib.evaluation.baselines import Baseline, NullBaselines, TrainingImage
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.heldout import CEILING, MODEL, HeldOutImage, evaluate_held_out
from CEMSynthLib.study.model import Side, VOIWindow

WINDOW, LE_WINDOW = VOIWindow.from_range(2000, 2300), VOIWindow.from_range(0, 1000)


def image(seed, model="truth", ceiling=False):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :48]
    mask = (y - 32) ** 2 + x**2 < 30**2
    density = 500 + rng.normal(0, 120)
    le = (np.clip(density + 60 * rng.normal(size=mask.shape), 100, 900) * mask).astype(np.float32)
    lesion = np.exp(-((y - rng.uniform(20, 44)) ** 2 + (x - rng.uniform(5, 15)) ** 2) / 30)
    level = 2080 + rng.normal(0, 8)
    clinical = np.where(mask, level + 120 * lesion + rng.normal(0, 6, mask.shape), 2000).astype(np.float32)
    synthetic = {
        "truth": np.where(mask, level + 120 * lesion, 2000),
        "average": np.where(mask, 2080.0, 2000),
    }[model].astype(np.float32)
    made = HeldOutImage(f"P{seed}", le, clinical, synthetic, mask, Side.LEFT, WINDOW, LE_WINDOW)
    return replace(made, ceiling=synthetic) if ceiling else made


@pytest.fixture(scope="module")
def learned():
    given = [image(1000 + i) for i in range(10)]
    return NullBaselines.learn(TrainingImage(g.low_energy, LE_WINDOW, g.clinical, g.mask, g.chest_wall) for g in given)


def test_a_model_that_sees_the_lesions_beats_every_baseline(learned):
    result = evaluate_held_out((image(i, ceiling=True) for i in range(24)), learned, {"P1000"})
    assert result.beats_all
    assert result.verdict.startswith("The model beats all 6 null baselines (24 images of 24 unseen patients")
    assert {s.compared for s in result.summary} == {MODEL, CEILING, *(b.value for b in Baseline)}
    assert {s.place for s in result.summary} == {"breast mask", "whole frame"}


def test_the_average_beats_nobody_who_knows_the_average_and_still_correlates(learned):
    """The trap of the field: a flat breast has a high correlation of the change from LE."""
    result = evaluate_held_out((image(i, "average") for i in range(24)), learned, set())
    assert not result.beats_all
    lost = {c.baseline for c in result.comparisons if not c.beaten}
    assert Baseline.FLAT.value in lost
    assert Baseline.FLAT.value in result.verdict
    change = {(c.compared, c.figure): c.correlation for c in result.change_from_le}
    assert change[Baseline.FLAT.value, "MAE"].r > 0.85
    assert (MODEL, "SSIM") in change


def test_nineteen_patients_show_nothing(learned):
    result = evaluate_held_out((image(i) for i in range(19)), learned, set())
    assert not result.beats_all
    assert result.verdict.startswith("Nothing is shown: 19 unseen patients")


def test_figures_are_those_of_the_masked_definition(learned):
    one = image(3)
    result = evaluate_held_out([one], learned, set())
    row = next(r for r in result.rows[0].rows if (r.compared, r.place) == (MODEL, "breast mask"))
    a, b = WINDOW.apply(one.synthetic), WINDOW.apply(one.clinical)
    assert row.figures.mae == pytest.approx(np.abs(a - b)[one.mask].mean())
    _, full = structural_similarity(
        a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert row.figures.ssim == pytest.approx(full[one.mask].mean())
    assert result.change_from_le == ()


def test_pixels_outside_the_breast_do_not_change_the_change_from_le(learned):
    plain = [image(i) for i in range(4)]
    spoiled = [replace(p, low_energy=np.where(p.mask, p.low_energy, 900).astype(np.float32)) for p in plain]
    first, second = (evaluate_held_out(p, learned, set()).change_from_le for p in (plain, spoiled))
    model = [[c.correlation.r for c in change if c.compared == MODEL] for change in (first, second)]
    assert model[0] == model[1]


def test_a_training_patient_is_refused_and_so_is_nothing(learned):
    with pytest.raises(EvaluationError, match="P5 was used in training"):
        evaluate_held_out([image(5)], learned, {"P5"})
    with pytest.raises(EvaluationError, match="no held-out image"):
        evaluate_held_out([], learned, set())


def test_progress_is_told_and_may_stop_the_work(learned):
    told = []

    def progress(done, total, what):
        told.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_held_out((image(i) for i in range(5)), learned, set(), total=5, progress=progress)
    assert told == [(1, 5), (2, 5)]
