"""What a training is judged by: lesions from truth or regions, contrast retained, null baselines beaten, curves."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.commands.training_curves import learning_curves
from CEMSynthLib.commands.training_lesions import LesionTruthError, known_lesions
from CEMSynthLib.commands.training_validation import MeasurementJudge, contrast_retained, lesion_contrasts
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.training.data import Pair

WINDOW = VOIWindow.from_range(0, 100)


def pair(number: int, enhances: bool = True) -> Pair:
    """A breast of 50 units with texture; a lesion of 20 pixels across that is 20 units brighter, also on LE."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[0:96, 0:64]
    mask = ((y - 48) / 46) ** 2 + (x / 60) ** 2 < 1
    texture, other = (ndimage.gaussian_filter(random.normal(size=mask.shape), 3) for _ in range(2))
    texture, other = texture / texture.std(), other / other.std()
    away = np.hypot(y - 48, x - 25)
    regions = np.select([away < 10, (away > 12) & (away < 20)], [1, 2], 0).astype(np.uint8)
    lesion = away < 10
    low = np.where(mask, np.clip(0.3 * other + 0.5 * lesion, -1, 1), -1).astype(np.float32)
    iodine = np.where(mask, 50 + 5 * texture + 20 * lesion * enhances, 0).astype(np.float32)
    return Pair(f"P{number}", None, "L CC", low, iodine, mask, regions, WINDOW, 0.0, 96.0, None, ("", ""), {})


def weaker(one: Pair, part: float) -> np.ndarray:
    """The recombined image with ``part`` of the lesion's step."""
    step = 20 * (one.regions == 1) * (one.recombined > 0)
    return one.recombined - (1 - part) * step.astype(np.float32)


def test_contrast_retained_is_the_part_of_the_clinical_step() -> None:
    for part in (0.0, 0.35, 1.0, 1.4):
        one = pair(0)
        (found,) = lesion_contrasts(one, weaker(one, part))
        texture = found.clinical - 20
        assert found.synthetic - texture == pytest.approx(20 * part, abs=1e-3)
        assert found.enhances
        assert found.seen
        assert contrast_retained([found]) == pytest.approx(found.synthetic / found.clinical)
    (cold,) = lesion_contrasts(pair(1, enhances=False), pair(1, enhances=False).recombined)
    assert not cold.enhances
    assert contrast_retained([cold]) is None


def test_the_rank_asks_for_baselines_then_contrast_then_error() -> None:
    training, validation = [pair(n) for n in range(8)], [pair(n) for n in range(20, 24)]
    judge = MeasurementJudge(training)
    perfect = judge(validation, [p.recombined for p in validation])
    assert perfect.figures["baselines_beaten"] == 6
    assert perfect.figures["mae"] == 0
    assert perfect.figures["contrast_retained"] == pytest.approx(1)
    flat = judge(validation, [np.full_like(p.recombined, 50) for p in validation])
    assert flat.figures["contrast_retained"] == pytest.approx(0)
    assert flat.figures["baselines_beaten"] < 6
    weak = judge(validation, [weaker(p, 0.3) for p in validation])
    strong = judge(validation, [weaker(p, 0.8) + 1 for p in validation])  # more error, enough contrast
    assert weak.figures["baselines_beaten"] == strong.figures["baselines_beaten"] == 6
    ranks = [one.rank for one in (perfect, strong, weak, flat)]
    assert ranks == sorted(ranks)
    cold = judge([pair(30, enhances=False)], [pair(30).recombined])
    assert cold.figures["false_contrast_window"] == pytest.approx(0.2, abs=0.05)
    assert "contrast_retained" not in cold.figures
    assert "fewest null baselines" in judge.selection
    assert "lesion contrast" in judge.selection
    # Without a term for contrast in training, only the error chooses.
    plain = MeasurementJudge(training, contrast_counts=False)
    assert (
        plain(validation, [weaker(p, 0.3) for p in validation]).rank
        < plain(validation, [weaker(p, 0.8) + 1 for p in validation]).rank
    )
    assert "lesion contrast" not in plain.selection


def test_the_truth_of_a_simulated_cohort_and_its_regions_name_the_same_lesions(tmp_path: Path) -> None:
    simulate_cohort(tmp_path, 5, range(1, 7), 1.0)
    found = read_folder(tmp_path / "dicom")
    truth, drawn = known_lesions(found), known_lesions(found, [tmp_path / "regions"])
    assert "truth of 24" in truth.description
    assert len(truth.files) == 24
    seen = 0
    for study in found.studies:
        for acquisition in study.acquisitions:
            labels, regions = truth(study, acquisition), drawn(study, acquisition)
            assert labels is not None
            assert labels.shape == acquisition.low_energy.grid.shape
            if labels.any() and regions is not None and regions.any():
                assert regions.shape == labels.shape
                seen += 1
                inside = ndimage.binary_dilation(labels > 0, iterations=8)
                assert np.mean(inside[regions > 0]) > 0.9  # an outline may leave spicules out, never lies elsewhere
    assert seen > 3
    name = truth.files[0]
    name.write_bytes(b"damaged")
    with pytest.raises(LesionTruthError, match="cannot be read"):
        truth(found.studies[0], found.studies[0].acquisitions[0])
    small = replace(found, studies=found.studies[:1], root=tmp_path / "elsewhere" / "deep")
    assert known_lesions(small)(small.studies[0], small.studies[0].acquisitions[0]) is None


def test_curves_show_what_there_is() -> None:
    rows = [
        {"epoch": 1, "images": 4, "paired": 0.5, "validation_mae": 0.2, "validation_best_null_mae": 0.15},
        {"epoch": 2, "images": 4, "paired": 0.3, "adversarial": 0.9},
        {"epoch": 3, "images": 4, "paired": 0.2, "validation_mae": 0.1, "validation_contrast_retained": 0.6},
    ]
    picture = Image.open(io.BytesIO(learning_curves(rows)))
    assert picture.format == "PNG"
    assert np.asarray(picture.convert("L")).std() > 5
    assert learning_curves(json.loads(json.dumps(rows))) == learning_curves(rows)
    assert learning_curves([]) != learning_curves(rows)
