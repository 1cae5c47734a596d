"""Trainer: epochs of an objective on image pairs, the best state by validation kept as a model folder."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from CEMSynthLib.generator.card import ModelCard, OutputNormalization
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FloatImage
from CEMSynthLib.training.batches import Batch, single, training_batches
from CEMSynthLib.training.checkpoint import SAMPLES_FOLDER, write_files, write_losses, write_model
from CEMSynthLib.training.cyclegan import CycleGAN
from CEMSynthLib.training.data import Pair
from CEMSynthLib.training.objectives import Objective, PairedRegression
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.precision import Precision
from CEMSynthLib.training.samples import sample_grid

# More images than this add time to a validation, but hardly anything to its precision.
_VALIDATION_IMAGES = 60
_SAMPLE_ROWS = 4
_SAMPLE_EPOCHS = 10
_Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True)
class TrainingResult:
    """What a training ended with.

    Parameters
    ----------
    card
        The card as written beside the best weights.
    best_epoch, best_mae
        Where the mean over validation images of the MAE inside the breast, in the display window (0 to 1), was lowest.
    epochs
        Epochs begun.
    images_per_second
        Over the whole training.
    """

    card: ModelCard
    best_epoch: int
    best_mae: float
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
    device
        Where to compute.
    output
        The model folder.
    """

    def __init__(
        self,
        plan: Plan,
        card: ModelCard,
        training: Sequence[Pair],
        validation: Sequence[Pair],
        device: torch.device,
        output: Path,
    ) -> None:
        self._plan = plan
        self._card = card
        self._training = training
        step = max(1, math.ceil(len(validation) / _VALIDATION_IMAGES))
        self._validation = list(validation)[::step]
        self._device = device
        self._output = output
        self._random = np.random.default_rng([plan.seed, 0])
        self._precision = Precision(device, plan.precision)
        with torch.random.fork_rng():
            torch.manual_seed(plan.seed)
            objective = PairedRegression if plan.objective == "regression" else CycleGAN
            self._objective: Objective = objective(plan, device, self._precision)
        self._mean = AveragedModel(self._objective.generator, multi_avg_fn=_running_mean(plan.ema_decay))
        self._rows: list[dict[str, float | int | str]] = []
        self._best = (math.inf, 0)
        self._warm = False

    def fit(self, progress: Progress = silent) -> TrainingResult:
        """Train until the plan's epochs or minutes are over.

        Parameters
        ----------
        progress
            Told after each step: of steps, or of seconds where the plan is limited by time.

        Raises
        ------
        KeyboardInterrupt
            As it came; the model folder then holds the best state so far and no temporary file.
        TrainingOutputError
            The model folder cannot be written.
        """
        clock = _Clock(self._plan, math.ceil(len(self._training) / self._plan.batch_size))
        images, epoch = 0, 0
        while clock.part_done() < 1:
            epoch += 1
            seen, sums, start, learned_at = 0, _Means(), time.monotonic(), 0.0
            for batch in self._batches():
                learned_at = clock.part_done()
                losses = self._objective.step(batch.to(self._device), learned_at)
                self._mean.update_parameters(self._objective.generator)
                sums.add(losses)
                seen += len(batch.mask)
                clock.steps += 1
                rate = seen / (time.monotonic() - start)
                progress(*clock.done_of(), f"epoch {epoch}, loss {losses['paired']:.4f}, {rate:.1f} images/s")
                if clock.part_done() >= 1:
                    break
            images += seen
            row: dict[str, float | int | str] = {"epoch": epoch, "images": seen, **sums.values()}
            row["seconds"] = round(time.monotonic() - start, 2)
            if epoch % self._plan.validate_every == 0 or clock.part_done() >= 1 or epoch == 1:
                row |= self._validate(epoch, learned_at, last=clock.part_done() >= 1)
            self._rows.append(row)
            write_losses(self._output, self._rows)
        mae, best_epoch = self._best
        return TrainingResult(self._card, best_epoch, mae, epoch, images / clock.seconds())

    def _batches(self) -> Iterator[Batch]:
        plan, scale = self._plan, self._card.output_normalization
        return training_batches(self._training, scale, plan.batch_size, plan.architecture.size_multiple, self._random)

    def _validate(self, epoch: int, learned_at: float, last: bool) -> dict[str, float | int | str]:
        """Masked MAE of the newest and of the averaged weights; the better ones are written if they beat the best."""
        if not self._warm and not self._plan.warming_up(learned_at):
            # Weights of the warm-up saw no adversarial loss; they must not stand for a CycleGAN.
            self._warm, self._best = True, (math.inf, 0)
        newest, averaged = self._objective.generator, self._mean.module
        errors = {"newest": self._error(newest), "averaged": self._error(averaged)}
        kind = min(errors, key=lambda name: errors[name])
        network = newest if kind == "newest" else averaged
        # NaN is below nothing, so weights that blew up are never written over good ones.
        if errors[kind] < self._best[0]:
            self._best = (errors[kind], epoch)
            settings = {**self._card.training.settings, "best_epoch": epoch, "weights": kind}
            settings["validation_masked_mae"] = round(errors[kind], 6)
            training = replace(self._card.training, settings=settings)
            self._card = write_model(self._output, replace(self._card, training=training), network.state_dict())
        if epoch % _SAMPLE_EPOCHS == 0 or epoch == 1 or last:
            write_files(self._output, {f"{SAMPLES_FOLDER}/epoch_{epoch:03d}.png": self._picture(network)})
        return {"validation_mae": errors["newest"], "validation_mae_averaged": errors["averaged"]}

    def _error(self, network: nn.Module) -> float:
        errors = []
        for pair in self._validation:
            shown = self._card.display_window.apply(self._units(self._synthesize(network, pair)))
            real = self._card.display_window.apply(pair.recombined)
            errors.append(float(np.abs(shown - real)[pair.mask].mean()))
        return float(np.mean(errors))

    def _synthesize(self, network: nn.Module, pair: Pair) -> FloatImage:
        scale, multiple = self._card.output_normalization, self._plan.architecture.size_multiple
        batch = single(pair, scale, multiple).to(self._device)
        network.eval()
        with torch.inference_mode(), self._precision.autocast():
            output = network(batch.low_energy)
        network.train()
        rows, columns = pair.mask.shape
        return np.asarray(output[0, 0, :rows, :columns].float().cpu().numpy(), dtype=np.float32)

    def _units(self, network_output: FloatImage) -> FloatImage:
        scale: OutputNormalization = self._card.output_normalization
        return np.asarray(scale.low + (network_output + 1) / 2 * (scale.high - scale.low), dtype=np.float32)

    def _picture(self, network: nn.Module) -> bytes:
        rows = []
        step = max(1, len(self._validation) // _SAMPLE_ROWS)
        for pair in self._validation[::step][:_SAMPLE_ROWS]:
            window = self._card.display_window
            synthetic = self._units(self._synthesize(network, pair))
            shown = [np.where(pair.mask, window.apply(image), 0) for image in (pair.recombined, synthetic)]
            gray = [(pair.low_energy + 1) / 2, *shown]
            rows.append(tuple(np.asarray(image, dtype=np.float32) for image in gray))
        return sample_grid(rows)


class _Clock:
    """How much of the training is over, in steps or in time."""

    def __init__(self, plan: Plan, steps_per_epoch: int) -> None:
        self.steps = 0
        self._total = plan.epochs * steps_per_epoch
        self._limit = None if plan.minutes is None else plan.minutes * 60
        self._start = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def part_done(self) -> float:
        by_steps = self.steps / self._total
        return by_steps if self._limit is None else max(by_steps, self.seconds() / self._limit)

    def done_of(self) -> tuple[int, int]:
        if self._limit is None or self.steps / self._total > self.seconds() / self._limit:
            return self.steps, self._total
        return min(int(self.seconds()), int(self._limit)), int(self._limit)


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


def _running_mean(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    """Exponential mean whose memory grows with the steps, so that the first random weights are soon forgotten."""

    @torch.no_grad()
    def update(mean: _Tensors, newest: _Tensors, steps: Tensor | int) -> None:
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(mean, newest, 1 - kept)

    return update
