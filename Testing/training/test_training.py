# ruff: noqa: E402
import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.generator.card import Architecture, load_card, verify_weights
from CEMSynthLib.generator.predictor import Predictor
from CEMSynthLib.study.model import CEMStudy, StudyFolder
from CEMSynthLib.training.data import Pair
from CEMSynthLib.training.errors import (
    DivergedError,
    SplitError,
    TrainingDataError,
    TrainingOutputError,
    TrainingSetupError,
    TrainingStateError,
)
from CEMSynthLib.training.fingerprint import image_fingerprint
from CEMSynthLib.training.hashes import patient_hash, pixel_sha256
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.runtime import start
from CEMSynthLib.training.session import train
from CEMSynthLib.training.split import Split
from CEMSynthLib.training.state import STATE_FILE
from CEMSynthLib.training.validation import Verdict

CPU = torch.device("cpu")


SMALL = replace(
    PRESETS["demo"],
    architecture=Architecture("resnet", base_filters=8, depth=2),
    structure_weight=0.0,
    contrast_weight=0.0,
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


def constant_mae(prepared) -> float:
    """The flat-breast baseline: the training median everywhere."""
    window = prepared.card.display_window
    level = np.median(np.concatenate([pair.recombined[pair.mask] for pair in prepared.training]))
    flat = float(window.apply(np.float64(level)))
    return float(np.mean([np.abs(window.apply(p.recombined) - flat)[p.mask].mean() for p in prepared.validation]))


def test_regression_learns_and_beats_the_constant(prepare, learn, folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, objective="regression", architecture=Architecture("unet", 8, 2), epochs=25)
    result = learn(folder, plan, tmp_path)
    assert result.best["mae"] < 0.6 * constant_mae(prepare(folder, plan))
    with (tmp_path / "losses.csv").open(newline="", encoding="utf-8") as stream:
        losses = [float(row["paired"]) for row in csv.DictReader(stream)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
def test_cyclegan_learns_and_beats_the_constant(prepare, learn, folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, epochs=30)
    result = learn(folder, plan, tmp_path)
    assert result.best["mae"] < 0.7 * constant_mae(prepare(folder, plan))


def test_the_written_model_is_whole_and_predicts(learn, folder: StudyFolder, tmp_path: Path) -> None:
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
    written = {"model.safetensors", "model.json", "losses.csv", "samples/epoch_001.png", "samples/epoch_002.png"}
    assert names == written | {"training/state.pt"}


def test_validation_error_is_that_of_the_written_weights(prepare, learn, folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, epochs=4)
    result = learn(folder, plan, tmp_path)
    prepared = prepare(folder, plan)
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
    assert np.mean(errors) == pytest.approx(result.best["mae"], rel=0.1)


def test_same_seed_same_weights_and_another_seed_others(learn, folder: StudyFolder, tmp_path: Path) -> None:
    for name, plan in (("a", SMALL), ("b", SMALL), ("c", replace(SMALL, seed=2))):
        learn(folder, plan, tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_weights_of_the_warm_up_are_not_shipped_as_a_cyclegan(learn, folder: StudyFolder, tmp_path: Path) -> None:
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


def test_training_leaves_the_global_random_state_alone(learn, folder: StudyFolder, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    learn(folder, replace(SMALL, epochs=1), tmp_path)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("steps", [2, 4, 5])
def test_ctrl_c_leaves_the_last_checkpoint_whole(learn, folder: StudyFolder, tmp_path: Path, steps: int) -> None:
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


def test_time_limit_ends_the_training(learn, folder: StudyFolder, tmp_path: Path) -> None:
    told = []
    result = learn(folder, replace(SMALL, epochs=10_000, minutes=1.5 / 60), tmp_path, lambda *now: told.append(now))
    assert result.epochs < 1000
    assert told[-1][1] == 1
    verify_weights(tmp_path, load_card(tmp_path))


def test_a_leaking_split_is_refused(prepare, folder: StudyFolder) -> None:
    with pytest.raises(SplitError, match="both"):
        prepare(folder, SMALL, split=lambda patients: Split(tuple(patients), tuple(patients[:1])))


def test_one_patient_or_no_pairs_are_refused(prepare, folder: StudyFolder) -> None:
    one = replace(folder, studies=folder.studies[:1])
    with pytest.raises(SplitError, match="at least two"):
        prepare(one, SMALL)
    alone = tuple(replace(a, recombined=None) for a in folder.studies[0].acquisitions)
    with pytest.raises(TrainingDataError, match="no pair"):
        prepare(replace(folder, studies=(CEMStudy("P1", None, alone),)), SMALL)


def test_acquisitions_without_a_pair_are_left_out_and_named(prepare, folder: StudyFolder) -> None:
    first = folder.studies[0]
    broken = replace(first, acquisitions=(replace(first.acquisitions[0], recombined=None), first.acquisitions[1]))
    prepared = prepare(replace(folder, studies=(broken, *folder.studies[1:])), SMALL)
    assert len(prepared.training) + len(prepared.validation) == 11
    assert len(prepared.skipped) == 1
    assert "L CC" in prepared.skipped[0].reason


def test_clinical_images_are_never_called_simulated(prepare, folder: StudyFolder) -> None:
    first = folder.studies[0]
    image = first.acquisitions[0].low_energy
    assert image is not None
    real = replace(first.acquisitions[0], low_energy=replace(image, attributes={}))
    mixed = replace(folder, studies=(replace(first, acquisitions=(real,)), *folder.studies[1:]))
    card = prepare(mixed, SMALL).card
    assert not card.training.simulated_only
    assert "simulated" not in card.limits_of_use


def test_an_output_that_cannot_be_written(learn, folder: StudyFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainingOutputError, match="cannot be written"):
        learn(folder, replace(SMALL, epochs=1), tmp_path / "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


class Stop(Exception):
    """A training that ends in the middle of an epoch."""


def stopping_at(step: int):
    def progress(done: int, total: int, what: str) -> None:
        if done == step:
            raise Stop

    return progress


@pytest.mark.parametrize("objective", ["cyclegan", "pix2pix"])
def test_a_stopped_training_goes_on_to_the_same_bits(
    learn, folder: StudyFolder, tmp_path: Path, objective: str
) -> None:
    plan = replace(SMALL, objective=objective, epochs=5, paired_warmup=0.4, pool_size=4, validate_every=2)
    whole = learn(folder, plan, tmp_path / "whole")
    for step in (5, 8):  # twice; two steps in an epoch
        with pytest.raises(Stop):
            learn(folder, plan, tmp_path / "parts", stopping_at(step), resume=True)
    parts = learn(folder, plan, tmp_path / "parts", resume=True)
    assert parts.epochs == whole.epochs == 5
    for name in ("model.safetensors", "model.json", "samples/epoch_005.png"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    drawn = sorted(path.name for path in (tmp_path / "parts" / "samples").iterdir())
    assert drawn == [f"epoch_{number:03d}.png" for number in range(1, 6)]
    states = [torch.load(tmp_path / name / STATE_FILE, weights_only=True) for name in ("whole", "parts")]
    weights = [state["objective"]["generators" if objective == "cyclegan" else "generator"] for state in states]
    for one, other in zip(weights[0]["networks"], weights[1]["networks"], strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_state_of_another_training_or_a_damaged_one_is_refused(learn, folder: StudyFolder, tmp_path: Path) -> None:
    learn(folder, SMALL, tmp_path)
    with pytest.raises(TrainingStateError, match="other settings"):
        learn(folder, replace(SMALL, learning_rate=1e-4), tmp_path, resume=True)
    fewer = replace(folder, studies=folder.studies[:5])
    with pytest.raises(TrainingStateError, match="other settings"):
        learn(fewer, SMALL, tmp_path, resume=True)
    content = (tmp_path / STATE_FILE).read_bytes()
    (tmp_path / STATE_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingStateError, match="damaged"):
        learn(folder, SMALL, tmp_path, resume=True)


def test_a_loss_that_is_no_number_ends_it_and_keeps_what_was_there(
    learn, folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(SMALL, epochs=4, validate_every=1)
    learn(folder, replace(plan, epochs=2), tmp_path / "good")
    # A huge step after the second epoch blows the weights up.
    from CEMSynthLib.training import objectives

    real = objectives.learning_rate_factor
    monkeypatch.setattr(objectives, "learning_rate_factor", lambda part: 1e30 if part >= 0.5 else real(part))
    with pytest.raises(DivergedError, match="no number"):
        learn(folder, plan, tmp_path / "bad")
    card = load_card(tmp_path / "bad")
    verify_weights(tmp_path / "bad", card)
    assert card.training.settings["best_epoch"] <= 2
    state = torch.load(tmp_path / "bad" / STATE_FILE, weights_only=True)
    assert state["epoch"] == 2
    for network in state["objective"]["generators"]["networks"]:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in network.values())


def test_a_full_disk_is_named_and_the_last_states_stay(
    learn, folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    import signal

    plan, seen = replace(SMALL, epochs=4, validate_every=1), []

    def fill(done: int, total: int, what: str) -> None:
        if done == 3:  # first step of the second epoch: from now on no file may grow beyond 4 kB
            seen.append(hashlib.sha256((tmp_path / STATE_FILE).read_bytes()).hexdigest())
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(TrainingOutputError, match="cannot be written"):
            learn(folder, plan, tmp_path, fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    verify_weights(tmp_path, load_card(tmp_path))
    assert hashlib.sha256((tmp_path / STATE_FILE).read_bytes()).hexdigest() == seen[0]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert learn(folder, plan, tmp_path, resume=True).epochs == 4


def test_the_card_tells_images_patients_range_and_curves(learn, prepare, folder: StudyFolder, tmp_path: Path) -> None:
    result = learn(folder, SMALL, tmp_path)
    training = load_card(tmp_path).training
    prepared = prepare(folder, SMALL)
    on_training_side = {pair.patient_id for pair in prepared.training}
    pixels = [
        i.pixels() for s in folder.studies if s.patient_id in on_training_side for a in s.acquisitions for i in a.images
    ]
    by_hand = [
        hashlib.sha256(f"{p.shape[0]}x{p.shape[1]}:".encode() + p.astype("<f4").tobytes()).hexdigest() for p in pixels
    ]
    assert training.image_sha256 == tuple(sorted(by_hand))
    assert pixel_sha256(pixels[0][:, ::-1]) != by_hand[0]
    low_energy = [
        a.low_energy.pixels() for s in folder.studies if s.patient_id in on_training_side for a in s.acquisitions
    ]
    prints = [image_fingerprint(p, (1.6, 1.6)) for p in low_energy]
    assert training.image_fingerprints == tuple(sorted(prints))
    import hmac

    hashes = {hmac.new(b"k" * 32, s.patient_id.lower().encode(), "sha256").hexdigest() for s in folder.studies}
    assert set(training.patient_hashes) == hashes
    assert patient_hash(" sim-9-0001 ", b"k" * 32) in hashes
    assert patient_hash("SIM-9-0001", b"x" * 32) not in hashes
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert "SIM-9" not in text
    assert "lowest masked MAE" in training.selection
    assert [row["epoch"] for row in training.curves] == [1, 2]
    assert training.curves[1]["validation_mae"] == pytest.approx(result.best["mae"], rel=0.5)
    assert result.card.training_range is not None
    low, high = result.card.training_range["spacing_mm"]
    assert low <= 1.6 <= high
    assert json.loads(text)["training"]["settings"]["processes"] == 1


def test_the_judge_chooses(learn, folder: StudyFolder, tmp_path: Path) -> None:
    class Reverse:
        """The worst error is the best."""

        selection = "The highest error."

        def __call__(self, pairs, synthetic) -> Verdict:
            errors = [float(np.abs(i - p.recombined)[p.mask].mean()) for p, i in zip(pairs, synthetic, strict=True)]
            return Verdict({"mae": float(np.mean(errors))}, (-float(np.mean(errors)),))

    plan = replace(SMALL, objective="regression", epochs=5, validate_every=1)
    worst, best = learn(folder, plan, tmp_path / "a", judge=Reverse()), learn(folder, plan, tmp_path / "b")
    assert worst.best_epoch < best.best_epoch
    assert worst.card.training.selection == "The highest error."


def test_patches_are_learned_from_and_whole_images_validated(learn, folder: StudyFolder, tmp_path: Path) -> None:
    plan = replace(SMALL, objective="regression", patch_px=32, epochs=2)
    learn(folder, plan, tmp_path)
    assert load_card(tmp_path).training.settings["patch_px"] == 32


def test_a_study_under_two_patient_identifiers_is_refused(prepare, folder: StudyFolder) -> None:
    same = tuple(replace(study, study_uid="1.2.3") for study in folder.studies)
    with pytest.raises(SplitError, match="different patient"):
        prepare(replace(folder, studies=same), SMALL)


def test_an_unknown_objective_is_refused(prepare, folder: StudyFolder, tmp_path: Path) -> None:
    with pytest.raises(TrainingSetupError, match="not known"):
        train(prepare(folder, SMALL), replace(SMALL, objective="diffusion"), start(CPU, "float32"), tmp_path)


def test_the_state_of_an_epoch_is_told_to_other_logs(learn, folder: StudyFolder, tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    learn(folder, SMALL, tmp_path, log=lambda epoch, figures: told.append((epoch, dict(figures))))
    assert [epoch for epoch, _ in told] == [1, 2]
    assert {"paired", "validation_mae", "seconds"} <= set(told[0][1])


def test_pairs_hold_what_was_read(prepare, folder: StudyFolder) -> None:
    pairs: tuple[Pair, ...] = prepare(folder, SMALL).training
    assert {p.statistics["spacing_mm"] for p in pairs} == {1.6}
    assert all(not p.regions.any() for p in pairs)
