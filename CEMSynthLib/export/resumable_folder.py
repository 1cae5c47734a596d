"""Resumable folder: a long run writes into its folder as it goes, and the same command goes on where it stopped."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from CEMSynthLib import __version__
from CEMSynthLib.export.errors import OutputFolderError
from CEMSynthLib.export.files import is_partial, why, write_text
from CEMSynthLib.export.manifest import MANIFEST, Manifest, sha256, walk


class ResumableFolder:
    """A context manager around a run that may take hours.

    Parameters
    ----------
    path
        The target. Missing or empty: used. Holding a run of the same command and parameters, finished or not: gone on
        with. Anything else is refused.
    command, parameters
        As in `OutputFolder`.
    belongs
        Whether the run writes a file of this name (relative, with ``/``); what does not belong is never touched, and a
        folder that holds such a file is refused.
    overwrite
        A *finished* run of other parameters is removed first, unless a file of it was changed since.

    Raises
    ------
    OutputFolderError
        On entering: the folder cannot be used, in one sentence that says what is in the way.

    Notes
    -----
    While the run lasts the manifest says so: it names no end and no files. `finish` writes the whole one. Whoever
    writes into the folder writes each file whole or not at all (`CEMSynthLib.export.files.replacing`) and skips what
    is there. What a run that was killed left under a temporary name is removed on entering. A run that wrote nothing
    leaves nothing.
    """

    def __init__(
        self,
        path: Path,
        command: str,
        parameters: Mapping[str, object],
        belongs: Callable[[str], bool],
        overwrite: bool = False,
    ) -> None:
        self.target = Path(os.path.abspath(path.expanduser())).resolve()
        self.command = command
        self.parameters: dict[str, object] = json.loads(json.dumps(dict(parameters), default=str, sort_keys=True))
        self.belongs = belongs
        self.overwrite = overwrite
        self._made: list[Path] = []
        self._before: set[Path] = set()

    def __enter__(self) -> "ResumableFolder":
        try:
            self._check()
            self._before = set(_folders(self.target))
            missing = [folder for folder in (self.target, *self.target.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir()
                self._made.append(folder)
            if not (self.target / MANIFEST).exists():
                self._write({}, "")
        except OSError as error:
            self._leave_nothing()
            raise OutputFolderError(f"The output folder {self.target} cannot be used: {why(error)}.") from error
        except BaseException:
            self._leave_nothing()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(OSError):
                self._remove_partial()
                if walk(self.target) == [MANIFEST] and not Manifest.read(self.target / MANIFEST).finished:
                    (self.target / MANIFEST).unlink()
                    self._leave_nothing()

    def finish(self, files: Mapping[str, str]) -> None:
        """Write the manifest of the finished run.

        Parameters
        ----------
        files
            SHA-256 by name, of every file of the run.
        """
        self._write(files, f"{datetime.now():%Y-%m-%dT%H:%M:%S}")

    def _write(self, files: Mapping[str, str], finished: str) -> None:
        manifest = Manifest(self.command, self.parameters, files, f"cemsynth {__version__}", finished)
        write_text(self.target / MANIFEST, manifest.text())

    def _check(self) -> None:
        if not self.target.name:
            raise OutputFolderError(f"{self.target} cannot be an output folder; choose a folder below it.")
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise OutputFolderError(f"{self.target} is a file, not a folder; choose another output folder.")
        present = walk(self.target)
        if not present:
            return
        if MANIFEST not in present:
            first = next((name for name in present if not is_partial(name)), None)
            if first is None:  # killed before anything was there
                self._remove_partial()
                return
            raise OutputFolderError(
                f"The output folder {self.target} is not empty and holds no earlier run (it has {first}); "
                "choose another folder."
            )
        manifest = Manifest.read(self.target / MANIFEST)
        if manifest.command != self.command or manifest.parameters != self.parameters:
            self._replace(manifest, present)
            return
        self._remove_partial()
        for name in present:
            if name == MANIFEST or is_partial(name):
                continue
            if not self.belongs(name):
                raise self._foreign(name)
            if manifest.finished:
                self._check_unchanged(name, manifest)

    def _replace(self, manifest: Manifest, present: list[str]) -> None:
        state = "a" if manifest.finished else "an unfinished"
        way = "allow its replacement with --overwrite" if manifest.finished else "delete it"
        if not (self.overwrite and manifest.finished):
            raise OutputFolderError(
                f"The output folder {self.target} holds {state} run of '{manifest.command}' with other parameters; "
                f"choose another folder, or {way}."
            )
        for name in present:
            if name == MANIFEST:
                continue
            self._check_unchanged(name, manifest)
        for name in [*manifest.files, MANIFEST]:
            (self.target / name).unlink(missing_ok=True)
        for folder in _folders(self.target):
            with suppress(OSError):
                folder.rmdir()

    def _check_unchanged(self, name: str, manifest: Manifest) -> None:
        if name not in manifest.files:
            raise self._foreign(name)
        if (self.target / name).is_symlink() or sha256(self.target / name) != manifest.files[name]:
            raise OutputFolderError(
                f"In the output folder {self.target}, {name} was changed since it was written; "
                "choose another folder or move that file away."
            )

    def _foreign(self, name: str) -> OutputFolderError:
        return OutputFolderError(
            f"The output folder {self.target} holds {name}, which this program did not write; "
            "choose another folder or move that file away."
        )

    def _remove_partial(self) -> None:
        for name in walk(self.target):
            if is_partial(name):
                (self.target / name).unlink(missing_ok=True)

    def _leave_nothing(self) -> None:
        """Remove the empty folders that this run made."""
        for folder in [f for f in _folders(self.target) if f not in self._before] + self._made[::-1]:
            with suppress(OSError):
                folder.rmdir()


def _folders(root: Path) -> list[Path]:
    """Folders below ``root``, innermost first."""
    return sorted((p for p in root.rglob("*") if p.is_dir() and not p.is_symlink()), reverse=True)
