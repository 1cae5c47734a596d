"""Manifest: what a command wrote into its output folder, with a checksum for each file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.export.errors import OutputFolderError

MANIFEST = "cemsynth-manifest.json"
FORMAT = "cemsynth-manifest"
FORMAT_VERSION = 1
# What file managers leave behind by themselves: neither results nor work of the user.
_IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Manifest:
    """One run: the command, what it was asked for, and the SHA-256 of each file by its path in the folder."""

    command: str
    parameters: Mapping[str, object]
    files: Mapping[str, str]
    program: str
    finished: str

    def text(self) -> str:
        """Give the manifest as JSON text."""
        content = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "program": self.program,
            "finished": self.finished,
            "command": self.command,
            "parameters": dict(self.parameters),
            "files": [{"path": p, "sha256": s} for p, s in sorted(self.files.items())],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Manifest

        Raises
        ------
        OutputFolderError
            It is not a manifest of this program, or of a newer version of it.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = content["format"] == FORMAT and content["version"] == FORMAT_VERSION
            files = {str(f["path"]): str(f["sha256"]) for f in content["files"]}
            command, parameters = str(content["command"]), dict(content["parameters"])
            program, finished = str(content["program"]), str(content["finished"])
        except (ValueError, KeyError, TypeError) as error:
            raise OutputFolderError(
                f"{path} cannot be read as the list of an earlier run's files, so nothing is replaced; "
                "choose another output folder."
            ) from error
        if not known:
            raise OutputFolderError(
                f"{path} was written by another version of this program, so nothing is replaced; "
                "choose another output folder."
            )
        return cls(command, parameters, files, program, finished)


def walk(folder: Path) -> list[str]:
    """List what lies in a folder, at any depth.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    list of str
        Paths of everything that is not a folder (links are listed, not followed), relative, with ``/``, sorted;
        without the files that file managers leave behind.
    """
    found = (p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted(p.relative_to(folder).as_posix() for p in found if p.name not in _IGNORED)


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file as hexadecimal digits.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        64 digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
