"""Trainer: epochs of an objective on image pairs; the best state is kept as a model folder, the last to go on from."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from CEMSynthLib.generator.card import CARD_FILE, ModelCard, parse_card, verify_weights
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FloatImage
from CEMSynthLib.training.batches import Batch, Worker, single, steps_per_epoch, training_batches
from CEMSynthLib.training.checkpoint import SAMPLES_FOLDER, write_card, write_losses, write_model
from CEMSynthLib.training.clock import Clock
from CEMSynthLib.training.cyclegan import CycleGAN
from CEMSynthLib.training.data import Pair
from CEMSynthLib.training.errors import DivergedError, TrainingSetupError
from CEMSynthLib.training.files import write_files
from CEMSynthLib.training.objectives import Objective, PairedRegression
from CEMSynthLib.training.pix2pix import Pix2Pix
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.samples import sample_grid
from CEMSynthLib.training.start import STARTED_FROM
from CEMSynthLib.training.state import read_state, write_state
from CEMSynthLib.training.validation import Judge, MeanAbsoluteError

# More images than this add time to a validation, but hardly anything to its precision.
_VALIDATION_IMAGES = 60
_SAMPLE_ROWS = 4
_OBJECTIVES: Mapping[str, Callable[[Plan, Fabric], Objective]] = {
    "cyclegan": CycleGAN,
    "pix2pix": Pix2Pix,
    "regression": PairedRegression,
}
_Row = dict[str, float | int | str]
_Tensors = tuple[Tensor, ...] | list[Tensor]
#: Told the epoch and its figures, for other logs (TensorBoard, ...).
EpochLog = Callable[[int, Mapping[str, float | int | str]], None]


@dataclass(frozen=True)
class TrainingResult:
    """What a training ended with.

    Parameters
    ----------
    card
        The card as written beside the best weights.
    best_epoch, best
        When it was best, and the validation figures then.
    epochs
        Epochs begun.
    images_per_second
        Over the whole training.
    """

    card: ModelCard
    best_epoch: int
    best: Mapping[str, float]
    epochs: int
    images_per_second: float


class Trainer:
    """One training.

    Parameters
    ----------
    plan
        All settings.
    card
        Complete but for the weights' checksum; its output normalization and display window are used.
    training, validation
        Pairs; no patient may be on both sides (see `split`).
    fabric
        Where to compute (see `runtime.start`).
    output
        The model folder.
    judge
        Chooses among the epochs; ``None``: masked MAE.
    log
        Told after each epoch.
    start
        Weights that the generator begins with; ``None``: random ones.

    Raises
    ------
    TrainingSetupError
        The objective is not known, or a batch holds fewer images than there are processes.
    """

    def __init__(
        self,
        plan: Plan,
        card: ModelCard,
        training: Sequence[Pair],
        validation: Sequence[Pair],
        fabric: Fabric,
        output: Path,
        judge: Judge | None = None,
        log: EpochLog | None = None,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._judge = judge or MeanAbsoluteError(card.display_window)
        self._plan = plan
        self._card = replace(card, training=replace(card.training, selection=self._judge.selection))
        self._training = training
        step = max(1, math.ceil(len(validation) / _VALIDATION_IMAGES))
        self._validation = list(validation)[::step]
        self._fabric = fabric
        self._output = output
        self._log = log
        self._worker = Worker(fabric.global_rank, fabric.world_size)
        steps = steps_per_epoch(len(training), plan.batch_size, fabric.world_size)
        if steps == 0:
            raise TrainingSetupError(
                f"There are {len(training)} training images and {plan.batch_size} in a batch, too few for "
                f"{fabric.world_size} processes; start fewer, or give a larger --batch-size."
            )
        self._clock = Clock(plan, steps)
        if plan.objective not in _OBJECTIVES:
            raise TrainingSetupError(f"The objective '{plan.objective}' is not known.")
        with torch.random.fork_rng():
            torch.manual_seed(plan.seed)
            self._objective = _OBJECTIVES[plan.objective](plan, fabric)
        if start is not None:
            self._objective.generator.load_state_dict(start)
        self._mean: AveragedModel | None = None
        if plan.ema_decay > 0:
            self._mean = AveragedModel(self._objective.generator, multi_avg_fn=_running_mean(plan.ema_decay))
        self._rows: list[_Row] = []
        self._best: tuple[tuple[float, ...], int, dict[str, float]] = ((math.inf,), 0, {})
        self._warm = False
        self._epoch = self._images = 0

    def fit(self, progress: Progress = silent, resume: bool = False) -> TrainingResult:
        """Train until the plan's epochs or minutes are over.

        Parameters
        ----------
        progress
            Told after each step: of steps, or of seconds where the plan is limited by time.
        resume
            Go on from the state in the model folder, where there is one.

        Raises
        ------
        KeyboardInterrupt
            As it came; the model folder then holds the best and the last state, each whole.
        DivergedError
            A loss is not a number; the states written before are kept.
        TrainingOutputError
            The model folder cannot be written; the states written before are kept.
        TrainingStateError
            The state to go on from is damaged or of another training.
        """
        if resume:
            self._take_up()
        self._clock.start()
        while self._part_done() < 1:
            row = self._one_epoch(progress)
            self._rows.append(row)
            state = self._state()
            if self._fabric.is_global_zero:
                write_losses(self._output, self._rows)
                write_state(self._output, self._fingerprint(), state)
                if self._log is not None:
                    self._log(self._epoch, row)
            self._fabric.barrier()
        rank, best_epoch, figures = self._best
        if self._fabric.is_global_zero:
            if not all(math.isfinite(value) for value in rank):
                raise DivergedError("No epoch gave a finite image; lower the learning rate.")
            write_card(self._output, self._with_curves())
        return TrainingResult(self._card, best_epoch, figures, self._epoch, self._images / self._clock.seconds())

    def _one_epoch(self, progress: Progress) -> _Row:
        self._epoch += 1
        seen, sums, start, part = 0, _Means(), time.monotonic(), 0.0
        for batch in self._batches():
            part = self._part_done()
            losses = self._step(batch.to(self._fabric.device), part)
            sums.add(losses)
            seen += min(self._plan.batch_size, len(self._training) - seen)
            self._clock.steps += 1
            rate = seen / (time.monotonic() - start)
            text = f"epoch {self._epoch}, loss {losses['paired']:.4f}, {rate:.1f} images/s, {self._clock.left()} left"
            progress(*self._clock.done_of(), text)
            if self._part_done() >= 1:
                break
        self._images += seen
        if not all(bool(torch.isfinite(p).all()) for p in self._objective.generator.parameters()):
            raise self._diverged("Weights were")
        row: _Row = {"epoch": self._epoch, "images": seen, **sums.values()}
        last = self._part_done() >= 1
        if self._epoch % self._plan.validate_every == 0 or last or self._epoch == 1:
            row |= self._validate(part)
        elif self._fabric.is_global_zero:
            newest = self._objective.generator
            self._draw({n: self._synthesize(newest, self._validation[n]) for n in self._drawn()})
        row["seconds"] = round(time.monotonic() - start, 2)
        return row

    def _step(self, batch: Batch, part: float) -> dict[str, float]:
        """Learn from a batch; the losses over all processes."""
        try:
            losses = self._objective.step(batch, part)
        except FloatingPointError as error:
            raise self._diverged("A loss was") from error
        if self._mean is not None:
            self._mean.update_parameters(self._objective.generator)
        values = torch.stack(list(losses.values()))
        if self._worker.count > 1:
            values = torch.as_tensor(self._fabric.all_reduce(batch.share * values, reduce_op="mean"))
        return dict(zip(losses, values.tolist(), strict=True))

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"{what} no number any more in epoch {self._epoch}. The states written before are kept in {self._output}; "
            "train with a lower learning rate, or with --precision float32."
        )

    def _batches(self) -> Iterator[Batch]:
        return training_batches(self._training, self._card.output_normalization, self._plan, self._epoch, self._worker)

    def _part_done(self) -> float:
        part = self._clock.part_done()
        if self._worker.count > 1 and self._plan.minutes is not None:
            part = float(self._fabric.broadcast(part))  # clocks differ; all must end together
        return part

    def _validate(self, learned_at: float) -> _Row:
        """Judge the newest and the averaged weights; the better ones are written if they beat the best."""
        if not self._warm and not self._plan.warming_up(learned_at):
            # Weights of the warm-up saw no adversarial loss; they must not stand for one that did.
            self._warm, self._best = True, ((math.inf,), 0, {})
        if not self._fabric.is_global_zero:
            return {}
        networks = {"newest": self._objective.generator}
        if self._mean is not None:
            networks["averaged"] = self._mean.module
        images = {
            kind: [self._synthesize(network, pair) for pair in self._validation] for kind, network in networks.items()
        }
        verdicts = {kind: self._judge(self._validation, made) for kind, made in images.items()}
        kind = min(verdicts, key=lambda name: verdicts[name].rank)
        rank, figures = verdicts[kind].rank, dict(verdicts[kind].figures)
        # NaN is below nothing, so weights that blew up are never written over good ones.
        if rank < self._best[0] and all(math.isfinite(value) for value in rank):
            self._best = (rank, self._epoch, figures)
            settings = {**self._card.training.settings, "best_epoch": self._epoch, "weights": kind}
            settings |= {f"validation_{name}": float(f"{value:.5g}") for name, value in figures.items()}
            training = replace(self._card.training, settings=settings)
            weights = networks[kind].state_dict()
            self._card = write_model(self._output, replace(self._card, training=training), weights)
        self._draw({number: images[kind][number] for number in self._drawn()})
        ending = {"newest": "", "averaged": "_averaged"}
        return {f"validation_{n}{ending[k]}": v for k, verdict in verdicts.items() for n, v in verdict.figures.items()}

    def _synthesize(self, network: nn.Module, pair: Pair) -> FloatImage:
        scale, multiple = self._card.output_normalization, self._plan.architecture.size_multiple
        batch = single(pair, scale, multiple).to(self._fabric.device)
        network.eval()
        with torch.inference_mode(), self._fabric.autocast():
            output = network(batch.low_energy.to(next(network.parameters()).dtype))
        network.train()
        rows, columns = pair.mask.shape
        shown = np.asarray(output[0, 0, :rows, :columns].float().cpu().numpy(), dtype=np.float32)
        return np.asarray(scale.low + (shown + 1) / 2 * (scale.high - scale.low), dtype=np.float32)

    def _drawn(self) -> Sequence[int]:
        return range(0, len(self._validation), max(1, len(self._validation) // _SAMPLE_ROWS))[:_SAMPLE_ROWS]

    def _draw(self, synthetic: Mapping[int, FloatImage]) -> None:
        window, rows = self._card.display_window, []
        for number, image in synthetic.items():
            pair = self._validation[number]
            shown = [np.where(pair.mask, window.apply(i), 0) for i in (pair.recombined, image)]
            rows.append(tuple(np.asarray(i, dtype=np.float32) for i in ((pair.low_energy + 1) / 2, *shown)))
        write_files(self._output, {f"{SAMPLES_FOLDER}/epoch_{self._epoch:03d}.png": sample_grid(rows)})

    def _fingerprint(self) -> str:
        training = self._card.training
        start = str(training.settings.get(STARTED_FROM, ""))
        return self._plan.fingerprint(*training.image_sha256, *training.patient_hashes, training.description, start)

    def _state(self) -> dict[str, Any]:
        rank, best_epoch, figures = self._best
        return {
            "epoch": self._epoch,
            "images": self._images,
            "clock": self._clock.state_dict(),
            "warm": self._warm,
            "best": [list(rank), best_epoch, figures],
            "rows": self._rows,
            "card": self._card.to_json(),
            "objective": self._objective.state_dict(),
            "mean": None if self._mean is None else self._mean.state_dict(),
            "precision": self._fabric.strategy.precision.state_dict(),
        }

    def _take_up(self) -> None:
        # One reads for all: the others may be on computers that do not see the model folder.
        leads = self._fabric.is_global_zero
        state = read_state(self._output, self._fingerprint()) if leads else None
        if self._worker.count > 1:
            state = self._fabric.broadcast(state)
        if state is None:
            return
        rank, best_epoch, figures = state["best"]
        self._epoch, self._images, self._warm = state["epoch"], state["images"], state["warm"]
        self._best, self._rows = (tuple(rank), best_epoch, dict(figures)), list(state["rows"])
        self._clock.load_state_dict(state["clock"])
        self._card = parse_card(json.loads(state["card"]), self._output / CARD_FILE)
        if not _holds(self._output, self._card):
            # Killed after newer weights were written; done again, that epoch need not be as good (GPU, time limit).
            self._best = ((math.inf,), 0, {})
        self._objective.load_state_dict(state["objective"])
        if self._mean is not None:
            self._mean.load_state_dict(state["mean"])
        if state["precision"]:
            self._fabric.strategy.precision.load_state_dict(state["precision"])

    def _with_curves(self) -> ModelCard:
        curves = tuple(
            {n: float(f"{v:.5g}") if isinstance(v, float) else v for n, v in row.items() if n != "seconds"}
            for row in self._rows
        )
        self._card = replace(self._card, training=replace(self._card.training, curves=curves))
        return self._card


class _Means:
    """Mean of each loss over the steps of an epoch."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, float]) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def values(self) -> dict[str, float]:
        return {name: total / self._counts[name] for name, total in self._sums.items()}


def _holds(folder: Path, card: ModelCard) -> bool:
    try:
        verify_weights(folder, card)
    except ModelError:
        return False
    return True


def _running_mean(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """Exponential mean whose memory grows with the steps, so that the first random weights are soon forgotten."""

    @torch.no_grad()
    def update(mean: _Tensors, newest: _Tensors, steps: Tensor | int) -> None:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(mean, newest, 1 - kept)

    return update
