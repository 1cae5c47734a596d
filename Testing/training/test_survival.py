"""What a training leaves when it dies at an awkward moment."""

# ruff: noqa: E402
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.generator.card import Architecture, load_card, verify_weights
from CEMSynthLib.study.model import StudyFolder
from CEMSynthLib.training import objectives
from CEMSynthLib.training.errors import DivergedError
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.state import STATE_FILE
from CEMSynthLib.training.trainer import Trainer
from CEMSynthLib.training.validation import Verdict

PLAN = replace(
    PRESETS["ceiling"],
    architecture=Architecture("unet", base_filters=4, depth=1),
    epochs=4,
    precision="float32",
    validation_fraction=0.3,
    seed=1,
)


def test_weights_that_blew_up_in_the_last_step_of_an_epoch_are_not_kept(
    learn, folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two steps in an epoch; the loss of the second one is still good.
    monkeypatch.setattr(objectives, "learning_rate_factor", lambda part: float("nan") if 0.3 < part < 0.4 else 1.0)
    with pytest.raises(DivergedError, match="no number any more in epoch 2"):
        learn(folder, replace(PLAN, validate_every=5), tmp_path)
    state = torch.load(tmp_path / STATE_FILE, weights_only=True)
    assert state["epoch"] == 1
    for network in state["objective"]["generator"]["networks"]:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in network.values())
    verify_weights(tmp_path, load_card(tmp_path))


class Stop(Exception):
    """As if killed."""


def test_killed_between_model_and_state_the_model_is_whole_even_if_no_later_epoch_is_as_good(
    learn, folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Judge:
        """The second epoch is the best, but not when it is done again, as may be on a GPU or with a time limit."""

        selection = "made up"
        ranks = iter([5.0, 4.0, 6.0, 7.0, 7.0])

        def __call__(self, pairs, synthetic) -> Verdict:
            rank = next(self.ranks)
            return Verdict({"mae": rank}, (rank,))

    judge, plan = Judge(), replace(PLAN, ema_decay=0.0, validate_every=1)

    def draw(trainer: Trainer, synthetic: object) -> None:
        if trainer._epoch == 2:
            raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_draw", draw)
        with pytest.raises(Stop):
            learn(folder, plan, tmp_path, judge=judge)
    result = learn(folder, plan, tmp_path, judge=judge, resume=True)
    verify_weights(tmp_path, load_card(tmp_path))
    assert (result.best_epoch, result.best) == (2, {"mae": 6.0})
