"""Training from a folder: it learns, the same seed gives the same weights, and Ctrl-C leaves whole files."""

# ruff: noqa: E402
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.generator.card import Architecture, load_card, verify_weights
from CEMSynthLib.generator.predictor import Predictor
from CEMSynthLib.study.model import CEMStudy, StudyFolder
from CEMSynthLib.training.errors import SplitError, TrainingDataError, TrainingOutputError
from CEMSynthLib.training.plan import PRESETS, Plan
from CEMSynthLib.training.session import prepare_training, train
from CEMSynthLib.training.split import Split

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Images this small gain nothing from threads, which on a busy machine wait for each other (20 times slower)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


SMALL = replace(
    PRESETS["demo"],
    architecture=Architecture("resnet", base_filters=8, depth=2),
    inverse_filters=4,
    discriminator_filters=8,
    discriminator_layers=2,
    epochs=2,
    precision="float32",
    validation_fraction=0.3,
    learning_rate=1e-3,
    ema_decay=0.9,
    seed=1,
)


def learn(folder: StudyFolder, plan: Plan, output: Path, progress=lambda done, total, what: None):
    return train(prepare_training(folder, plan), plan, CPU, output, progress)


def constant_mae(folder: StudyFolder, plan: Plan) -> float:
    """The flat-breast baseline: the training median everywhere."""
    prepared = prepare_training(folder, plan)
    window = prepared.card.display_window
    level = np.median(np.concatenate([pair.recombined[pair.mask] for pair in prepared.training]))
    flat = float(window.apply(np.float64(level)))
    return float(np.mean([np.abs(window.apply(p.recombined) - flat)[p.mask].mean() for p in prepared.validation]))


def test_regression_learns_and_beats_the_constant(folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, objective="regression", architecture=Architecture("unet", 8, 2), epochs=25)
    result = learn(folder, plan, tmp_path)
    assert result.best_mae < 0.6 * constant_mae(folder, plan)
    with (tmp_path / "losses.csv").open(newline="", encoding="utf-8") as stream:
        losses = [float(row["paired"]) for row in csv.DictReader(stream)]
    assert losses[-1] < 0.5 * losses[0]


def test_cyclegan_learns_and_beats_the_constant(folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, epochs=30)
    result = learn(folder, plan, tmp_path)
    assert result.best_mae < 0.7 * constant_mae(folder, plan)


def test_the_written_model_is_whole_and_predicts(folder: StudyFolder, tmp_path: Path) -> None:
    result = learn(folder, SMALL, tmp_path / "model")
    card = load_card(tmp_path / "model")
    verify_weights(tmp_path / "model", card)
    assert card == result.card
    assert card.training.simulated_only
    assert card.training.simulator == "test simulator"
    assert card.training.seeds == (9,)
    assert card.training.training_patients + card.training.validation_patients == 6
    assert card.training.training_images == 2 * card.training.training_patients
    assert card.display_window.low == pytest.approx(1950)
    assert card.output_normalization.air == 0
    assert card.median_breast_height_px == pytest.approx(64, abs=2)
    low_energy = folder.studies[0].acquisitions[1].low_energy
    assert low_energy is not None
    assert Predictor(tmp_path / "model", "cpu").synthesize(low_energy).pixels.shape == low_energy.grid.shape
    names = {
        path.relative_to(tmp_path / "model").as_posix() for path in (tmp_path / "model").rglob("*") if path.is_file()
    }
    assert names == {"model.safetensors", "model.json", "losses.csv", "samples/epoch_001.png", "samples/epoch_002.png"}


def test_validation_error_is_that_of_the_written_weights(folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, epochs=4)
    result = learn(folder, plan, tmp_path)
    prepared = prepare_training(folder, plan)
    predictor, window = Predictor(tmp_path, "cpu"), result.card.display_window
    held_out = {pair.patient_id for pair in prepared.validation}
    errors = []
    for study in folder.studies:
        for acquisition in study.acquisitions if study.patient_id in held_out else ():
            low_energy, recombined = acquisition.low_energy, acquisition.recombined
            assert low_energy is not None
            assert recombined is not None
            synthetic = predictor.synthesize(low_energy).pixels
            difference = np.abs(window.apply(synthetic) - window.apply(recombined.pixels()))
            errors.append(difference[synthetic != result.card.output_normalization.air].mean())
    # On the image's own grid (1.6 mm) instead of the working grid (0.8 mm): not the same pixels, but the same error.
    assert np.mean(errors) == pytest.approx(result.best_mae, rel=0.1)


def test_same_seed_same_weights_and_another_seed_others(folder: StudyFolder, tmp_path: Path) -> None:
    for name, plan in (("a", SMALL), ("b", SMALL), ("c", replace(SMALL, seed=2))):
        learn(folder, plan, tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_weights_of_the_warm_up_are_not_shipped_as_a_cyclegan(folder: StudyFolder, tmp_path: Path) -> None:
    # Adversarial training at a huge weight spoils the images, so the best epoch by MAE alone would lie in the warm-up.
    plan = replace(SMALL, epochs=8, adversarial_weight=1e4, paired_warmup=0.5, validate_every=1)
    result = learn(folder, plan, tmp_path)
    with (tmp_path / "losses.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    errors = [min(float(row["validation_mae"]), float(row["validation_mae_averaged"])) for row in rows]
    assert [row["adversarial"] != "" for row in rows] == [False] * 4 + [True] * 4
    assert min(errors[:4]) < min(errors[4:])
    assert result.best_epoch > 4
    assert load_card(tmp_path).training.settings["best_epoch"] == result.best_epoch


def test_training_leaves_the_global_random_state_alone(folder: StudyFolder, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    learn(folder, replace(SMALL, epochs=1), tmp_path)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("steps", [2, 4, 5])
def test_ctrl_c_leaves_the_last_checkpoint_whole(folder: StudyFolder, tmp_path: Path, steps: int) -> None:
    count = 0

    def interrupt(done: int, total: int, what: str) -> None:
        nonlocal count
        count += 1
        if count == steps:
            raise KeyboardInterrupt

    output = tmp_path / "model"
    with pytest.raises(KeyboardInterrupt):
        learn(folder, replace(SMALL, epochs=50, validate_every=1), output, interrupt)
    epochs_done = (steps - 1) // 2  # two steps of four images in an epoch
    if epochs_done == 0:
        assert not output.exists()
    else:
        verify_weights(output, load_card(output))
        assert not [path for path in output.rglob("*") if path.name.startswith(".") or path.suffix == ".part"]


def test_time_limit_ends_the_training(folder: StudyFolder, tmp_path: Path) -> None:
    told = []
    result = learn(folder, replace(SMALL, epochs=10_000, minutes=1.5 / 60), tmp_path, lambda *now: told.append(now))
    assert result.epochs < 1000
    assert told[-1][1] == 1
    verify_weights(tmp_path, load_card(tmp_path))


def test_a_leaking_split_is_refused(folder: StudyFolder) -> None:
    with pytest.raises(SplitError, match="both"):
        prepare_training(folder, SMALL, split=lambda patients: Split(tuple(patients), tuple(patients[:1])))


def test_one_patient_or_no_pairs_are_refused(folder: StudyFolder) -> None:
    one = replace(folder, studies=folder.studies[:1])
    with pytest.raises(SplitError, match="at least two"):
        prepare_training(one, SMALL)
    alone = tuple(replace(a, recombined=None) for a in folder.studies[0].acquisitions)
    with pytest.raises(TrainingDataError, match="no pair"):
        prepare_training(replace(folder, studies=(CEMStudy("P1", None, alone),)), SMALL)


def test_acquisitions_without_a_pair_are_left_out_and_named(folder: StudyFolder) -> None:
    first = folder.studies[0]
    broken = replace(first, acquisitions=(replace(first.acquisitions[0], recombined=None), first.acquisitions[1]))
    prepared = prepare_training(replace(folder, studies=(broken, *folder.studies[1:])), SMALL)
    assert len(prepared.training) + len(prepared.validation) == 11
    assert len(prepared.skipped) == 1
    assert "L CC" in prepared.skipped[0].reason


def test_clinical_images_are_never_called_simulated(folder: StudyFolder) -> None:
    first = folder.studies[0]
    image = first.acquisitions[0].low_energy
    assert image is not None
    real = replace(first.acquisitions[0], low_energy=replace(image, attributes={}))
    mixed = replace(folder, studies=(replace(first, acquisitions=(real,)), *folder.studies[1:]))
    card = prepare_training(mixed, SMALL).card
    assert not card.training.simulated_only
    assert "simulated" not in card.limits_of_use


def test_an_output_that_cannot_be_written(folder: StudyFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainingOutputError, match="cannot be written"):
        learn(folder, replace(SMALL, epochs=1), tmp_path / "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
