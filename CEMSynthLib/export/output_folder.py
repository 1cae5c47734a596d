"""Output folder: all results of a command arrive together, or none, and nothing of others is lost."""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from CEMSynthLib import __version__
from CEMSynthLib.export.errors import OutputFolderError
from CEMSynthLib.export.files import why, write_text
from CEMSynthLib.export.manifest import MANIFEST, Manifest, sha256, walk


class OutputFolder:
    """A context manager that gives a staging folder and moves its files to the target when all went well.

    Parameters
    ----------
    path
        The target. Missing or empty: used. Holding an earlier run of the same command and parameters and nothing
        else: replaced. Anything else is refused.
    command
        Name of the command.
    parameters
        What it was asked for, JSON values and paths; no patient name.
    overwrite
        Also replaces an earlier run with other parameters; files that the manifest does not list, or that were
        changed since, are never removed: such a folder is refused still.
    inputs
        Files and folders that are read; the target may be none of them and hold none of them.

    Raises
    ------
    OutputFolderError
        On entering or on leaving: the folder cannot be used, in one sentence that says what is in the way.

    Notes
    -----
    On any exception, also KeyboardInterrupt, the staging folder is removed and the target is as it was. Files
    arrive by one rename each, `cemsynth-manifest.json` last; where a rename fails, the earlier run is put back.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "out"
    >>> with OutputFolder(target, "measure", {"seed": 1}) as staging:
    ...     _ = (staging / "table.csv").write_text("a,b")
    >>> sorted(p.name for p in target.iterdir())
    ['cemsynth-manifest.json', 'table.csv']
    """

    def __init__(
        self,
        path: Path,
        command: str,
        parameters: Mapping[str, object],
        overwrite: bool = False,
        inputs: Iterable[Path] = (),
    ) -> None:
        self.target = Path(os.path.abspath(path.expanduser())).resolve()
        self.command = command
        self.parameters: dict[str, object] = json.loads(json.dumps(dict(parameters), default=str, sort_keys=True))
        self.overwrite = overwrite
        self.inputs = tuple(Path(p).resolve() for p in inputs)
        self._staging: Path | None = None
        self._made: list[Path] = []

    def __enter__(self) -> Path:
        self._check()
        try:
            self._make_parents()
            staging = self.target.parent / f".{self.target.name}.partial-{secrets.token_hex(4)}"
            staging.mkdir()
        except OSError as error:
            self._discard()
            raise OutputFolderError(f"The output folder {self.target} cannot be made: {why(error)}.") from error
        self._staging = staging
        return staging

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
                self._made.clear()
        except OSError as failure:
            raise OutputFolderError(
                f"The results could not be moved to {self.target}: {why(failure)}. The folder is as it was."
            ) from failure
        finally:
            self._discard()
        if isinstance(error, OSError) and self._staging_is_involved(error):
            raise OutputFolderError(f"The results could not be written to {self.target}: {why(error)}.") from error

    def _staging_is_involved(self, error: OSError) -> bool:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # raised without a file name
            return True
        names = [n for n in (error.filename, error.filename2) if isinstance(n, str | os.PathLike)]
        return any(self._staging is not None and self._staging in Path(n).parents for n in names)

    def _check(self) -> None:
        for source in self.inputs:
            if source == self.target or self.target in source.parents:
                raise OutputFolderError(
                    f"The output folder {self.target} is or holds the input {source.name}; choose another folder."
                )
        if not self.target.name:
            raise OutputFolderError(f"{self.target} cannot be an output folder; choose a folder below it.")
        self._earlier()

    def _earlier(self) -> Manifest | None:
        """Return the manifest of the earlier run that may be replaced, ``None`` where there is nothing."""
        if not self.target.exists():
            return None
        if not self.target.is_dir():
            raise OutputFolderError(f"{self.target} is a file, not a folder; choose another output folder.")
        try:
            present = walk(self.target)
            if not present:
                return None
            return self._judge(present)
        except OSError as error:
            raise OutputFolderError(f"The output folder {self.target} cannot be read: {why(error)}.") from error

    def _judge(self, present: list[str]) -> Manifest:
        advice = "choose another folder or move that file away"
        if MANIFEST not in present:
            raise OutputFolderError(
                f"The output folder {self.target} is not empty and holds no earlier run (it has {present[0]}); "
                "choose another folder."
            )
        manifest = Manifest.read(self.target / MANIFEST)
        for name in present:
            if name == MANIFEST:
                continue
            if name not in manifest.files:
                raise OutputFolderError(
                    f"The output folder {self.target} holds {name}, which this program did not write; {advice}."
                )
            if (self.target / name).is_symlink() or sha256(self.target / name) != manifest.files[name]:
                raise OutputFolderError(
                    f"In the output folder {self.target}, {name} was changed since it was written; {advice}."
                )
        same = manifest.command == self.command and manifest.parameters == self.parameters
        if not same and not self.overwrite:
            raise OutputFolderError(
                f"The output folder {self.target} holds a run of '{manifest.command}' with other parameters; "
                "choose another folder, or allow its replacement with --overwrite."
            )
        return manifest

    def _make_parents(self) -> None:
        missing = [p for p in self.target.parents if not p.exists()]
        for parent in reversed(missing):
            parent.mkdir()
            self._made.append(parent)

    def _commit(self) -> None:
        staging = self._staging
        if staging is None:
            raise RuntimeError("an output folder was left that was never entered")
        files = {name: sha256(staging / name) for name in walk(staging)}
        if MANIFEST in files:
            raise ValueError(f"{MANIFEST} is written by the output folder itself")
        manifest = Manifest(
            self.command, self.parameters, files, f"cemsynth {__version__}", f"{datetime.now():%Y-%m-%dT%H:%M:%S}"
        )
        write_text(staging / MANIFEST, manifest.text())
        earlier = self._earlier()  # again: the folder may have changed while the work was done
        new = (*files, MANIFEST)
        old = (*earlier.files, MANIFEST) if earlier is not None else ()
        made_target = not self.target.exists()
        backup = staging.with_name(staging.name.replace(".partial-", ".earlier-"))
        try:
            self.target.mkdir(exist_ok=True)
            for name in old:
                if (self.target / name).exists():
                    _move(self.target / name, backup / name)
            _remove_empty_folders(self.target, keep=True)
            for name in new:
                _move(staging / name, self.target / name)
        except BaseException:
            for name in new:
                if not (staging / name).exists():
                    (self.target / name).unlink(missing_ok=True)
            for name in old:
                if (backup / name).exists():
                    _move(backup / name, self.target / name)
            _remove_empty_folders(self.target, keep=not made_target)
            _remove_empty_folders(backup, keep=False)
            raise
        shutil.rmtree(backup, ignore_errors=True)

    def _discard(self) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()
        self._made.clear()


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def _remove_empty_folders(root: Path, keep: bool) -> None:
    """Remove the folders below ``root`` that hold nothing, and ``root`` itself unless it is kept."""
    folders = sorted((p for p in root.rglob("*") if p.is_dir() and not p.is_symlink()), reverse=True)
    for folder in [*folders, *([] if keep else [root])]:
        with suppress(OSError):
            folder.rmdir()
