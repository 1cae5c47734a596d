"""One run of `cemsynth train`: output folder, images, judge and logs around the trainer; one of several leads."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.commands.training_baselines import write_training_baselines
from CEMSynthLib.commands.training_curves import CURVES_FILE, learning_curves
from CEMSynthLib.commands.training_lesions import known_lesions
from CEMSynthLib.commands.training_validation import MeasurementJudge
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.baselines_file import FILE_NAME as BASELINES
from CEMSynthLib.export.manifest import MANIFEST, Manifest, sha256, walk
from CEMSynthLib.export.resumable_folder import ResumableFolder
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import StudyFolder
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.training.cache import cached_pairs
from CEMSynthLib.training.data import PairSet
from CEMSynthLib.training.files import write_files
from CEMSynthLib.training.hashes import read_or_make_key
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.session import PreparedTraining, draft_card, prepare_training, train
from CEMSynthLib.training.split import Split, explicit_split, read_split, same_patients, split_patients
from CEMSynthLib.training.start import start_from
from CEMSynthLib.training.state import STATE_FILE
from CEMSynthLib.training.trainer import EpochLog

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_WORKING = "training"
_LOGS = "tensorboard"
_SKIPPED_SHOWN = 10
_FILES = re.compile(
    rf"model\.json|model\.safetensors|losses\.csv|{re.escape(BASELINES)}|{re.escape(CURVES_FILE)}"
    rf"|samples/epoch_\d+\.png|{_WORKING}/(state\.pt|pairs-[0-9a-f]+\.(npy|json))|{_LOGS}/events\.out\.tfevents\.[^/]+"
)


class EarlierTrainingError(CEMSynthError):
    """The model folder holds a training already."""


class TensorBoardMissingError(CEMSynthError):
    """TensorBoard is not installed."""


class TrainingRun:
    """One run.

    Parameters
    ----------
    arguments
        Of the command.
    plan
        With all that was asked for.
    fabric
        Started.
    """

    def __init__(self, arguments: argparse.Namespace, plan: Plan, fabric: "Fabric") -> None:
        self._asked = arguments
        self._plan = plan
        self._fabric = fabric
        self._leads = bool(fabric.is_global_zero)
        self._output = Path(arguments.output).expanduser().resolve()

    def go(self) -> bool:
        """Train; True where Ctrl-C stopped it after an epoch.

        Raises
        ------
        CEMSynthError
            See `train_command.run`.
        """
        with self._folder() as folder:
            try:
                with _log(self._output / _LOGS if self._asked.tensorboard and self._leads else None) as log:
                    self._train(log)
            except KeyboardInterrupt:
                if not (self._output / STATE_FILE).is_file():
                    raise
                return True
            except CEMSynthError:
                if self._leads and not (self._output / STATE_FILE).is_file():
                    self._remove_working()
                raise
            if folder is not None:
                self._remove_working()
                files = {name: sha256(self._output / name) for name in walk(self._output) if name != MANIFEST}
                folder.finish(files)
        return False

    def _train(self, log: EpochLog | None) -> None:
        found = read_folder(self._asked.path)
        prepared = self._prepare(found)
        start = start_from(self._asked.start, prepared.card) if self._asked.start else None
        if self._leads and not (self._output / BASELINES).is_file():
            with progress_bar("Null baselines") as bar:
                write_training_baselines(found, {pair.patient_id for pair in prepared.training}, self._output, bar)
        judge = MeasurementJudge(prepared.training, self._plan.contrast_weight > 0) if self._leads else None
        with self._bar("Training", "s" if self._plan.minutes else "step") as bar:
            result = train(
                prepared,
                self._plan,
                self._fabric,
                self._output,
                bar,
                judge=judge,
                log=log,
                resume=self._asked.resume,
                start=start,
            )
        if self._leads:
            write_files(self._output, {CURVES_FILE: learning_curves(result.card.training.curves)})
            figures = ", ".join(f"{name} {value:.4g}" for name, value in result.best.items())
            print(f"Best: epoch {result.best_epoch} of {result.epochs} ({figures}).", file=sys.stderr)

    def _prepare(self, found: StudyFolder) -> PreparedTraining:
        asked = self._asked
        lesions = known_lesions(found, asked.regions)
        place = asked.cache or self._output / _WORKING
        key_file = asked.patient_key or Path.home() / ".config" / "cemsynth" / "patient-key"
        with self._fabric.rank_zero_first():
            key = read_or_make_key(key_file)
            with self._bar("Reading image pairs", "pair") as bar:
                pairs = cached_pairs(found, draft_card(self._plan), place, lesions, lesions.files, bar)
        prepared = self._split(pairs, key)
        if self._leads:
            for left_out in prepared.skipped[:_SKIPPED_SHOWN]:
                print(f"Skipped {left_out.path.name}: {left_out.reason}", file=sys.stderr)
            if len(prepared.skipped) > _SKIPPED_SHOWN:
                more = len(prepared.skipped) - _SKIPPED_SHOWN
                print(f"Skipped {more} more files; cemsynth list tells all reasons.", file=sys.stderr)
            told = prepared.card.training
            print(
                f"Training on {len(prepared.training)} images of {told.training_patients} patients, validation on "
                f"{len(prepared.validation)} of {told.validation_patients}. Lesions: {lesions.description}.",
                file=sys.stderr,
            )
        return prepared

    def _split(self, pairs: PairSet, key: bytes) -> PreparedTraining:
        plan = self._plan
        if self._asked.split is None:
            return prepare_training(pairs, plan, key)
        training, validation = read_split(self._asked.split)
        chosen = same_patients(pairs.patient_ids, training)

        def sides(patients: object) -> Split:
            if validation is None:
                return split_patients(chosen, plan.validation_fraction, plan.seed)
            return explicit_split(pairs.patient_ids, same_patients(pairs.patient_ids, validation), chosen)

        return prepare_training(pairs, plan, key, sides)

    def _folder(self) -> AbstractContextManager[ResumableFolder | None]:
        if not self._leads:
            return nullcontext()
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[ResumableFolder]:
        asked, plan = self._asked, self._plan
        parameters = {
            "path": asked.path.resolve(),
            "preset": plan.name,
            "epochs": None if plan.minutes else plan.epochs,
            "minutes": plan.minutes,
            "seed": plan.seed,
            "batch_size": plan.batch_size,
            "device": self._fabric.device.type,
            "precision": plan.precision,
            "split": asked.split and asked.split.resolve(),
            "regions": [path.resolve() for path in asked.regions],
            "start": asked.start and asked.start.resolve(),
        }
        belongs = _FILES.fullmatch
        with ResumableFolder(
            self._output, "train", parameters, lambda name: belongs(name) is not None, asked.overwrite
        ) as folder:
            self._make_room(folder)
            yield folder

    def _make_room(self, folder: ResumableFolder) -> None:
        """Refuse to touch an earlier training unless asked to go on with it or to replace it."""
        earlier = [name for name in walk(folder.target) if _FILES.fullmatch(name)]
        finished = bool(Manifest.read(folder.target / MANIFEST).finished)
        if finished and not self._asked.overwrite:
            raise EarlierTrainingError(
                f"The model folder {folder.target} holds this training, finished; choose another folder, or train anew "
                "with --overwrite."
            )
        begun = (folder.target / STATE_FILE).is_file()
        if begun and not finished and not (self._asked.resume or self._asked.overwrite):
            raise EarlierTrainingError(
                f"The model folder {folder.target} holds a training that was stopped; go on with --resume, or begin "
                "anew with --overwrite."
            )
        if finished or (begun and not self._asked.resume):
            self._remove(iter(earlier))
        elif not begun:  # killed in its first epoch: the training patients may be others now
            self._remove(iter([BASELINES]))

    def _remove(self, names: Iterator[str]) -> None:
        for name in names:
            (self._output / name).unlink(missing_ok=True)

    def _remove_working(self) -> None:
        """The state and the cache that were only needed to go on."""
        working = self._output / _WORKING
        self._remove(name for name in walk(self._output) if name.startswith(f"{_WORKING}/") and _FILES.fullmatch(name))
        with suppress(OSError):
            working.rmdir()

    def _bar(self, title: str, unit: str) -> AbstractContextManager[Progress]:
        return progress_bar(title, unit) if self._leads else nullcontext(silent)


@contextmanager
def _log(folder: Path | None) -> Iterator[EpochLog | None]:
    if folder is None:
        yield None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TensorBoardMissingError("TensorBoard is not installed: pip install tensorboard.") from error
    with SummaryWriter(str(folder)) as writer:

        def write(epoch: int, figures: Mapping[str, float | int | str]) -> None:
            for name, value in figures.items():
                if isinstance(value, int | float) and name != "epoch":
                    writer.add_scalar(name.replace("validation_", "validation/"), value, epoch)
            writer.flush()

        yield write
