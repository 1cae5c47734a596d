"""Protocol: what is read, by whom and how (``protocol.json``); it names no patient, no file and no truth."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.form import Form
from CEMSynthLib.study.model import ImageKind

PROTOCOL_FILE, READERS_FOLDER = "protocol.json", "readers"
FORMAT, VERSION = "cemsynth-reading-protocol", 1
#: Image kinds that a reader can be shown.
SHOWN_KINDS = (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC)
_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Arm:
    """The images that are shown together in one reading, LE first."""

    images: tuple[ImageKind, ...]

    @property
    def name(self) -> str:
        """``low_energy+synthetic``."""
        return "+".join(kind.value for kind in self.images)

    @property
    def iodine(self) -> bool:
        """Whether a clinical or synthetic iodine image is among them."""
        return any(kind is not ImageKind.LOW_ENERGY for kind in self.images)

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Read ``low_energy+synthetic``; ``le`` and ``clinical`` are understood too.

        Raises
        ------
        ProtocolError
            A word is no image kind, or there twice.
        """
        short = {"le": "low_energy", "clinical": "recombined"}
        words = [short.get(word, word) for word in text.strip().lower().split("+")]
        kinds = tuple(kind for kind in SHOWN_KINDS if kind.value in words)
        if len(kinds) != len(words):
            known = ", ".join(kind.value for kind in SHOWN_KINDS)
            raise ProtocolError(f"'{text}' does not say which images are shown together; join with +: {known}.")
        return cls(kinds)


@dataclass(frozen=True)
class Protocol:
    """A reader study.

    Parameters
    ----------
    title
        A few words; shown to the reader, so it must not tell what is synthetic.
    cases
        Codes of the cases; each is one breast with all its views.
    arms
        Image types that every case is read with, each in a session of its own.
    readers
        Codes of the readers (letters, digits, ``-`` and ``_``).
    form
        The questions.
    repeats
        How many cases are read again in a last session, for the agreement of a reader with herself.
    washout_days
        At least this long from the last answer of a session to the first of the next.

    Raises
    ------
    ProtocolError
        It cannot be read so: nothing to read, codes used twice, a reader's code that is no file name.
    """

    title: str
    cases: tuple[str, ...]
    arms: tuple[Arm, ...]
    readers: tuple[str, ...]
    form: Form
    repeats: int = 0
    washout_days: float = 28.0

    def __post_init__(self) -> None:
        if not self.cases or not self.arms or not self.readers:
            raise ProtocolError("A reader study needs at least one case, one image type and one reader.")
        for what, names in (("case", self.cases), ("image type", [a.name for a in self.arms])):
            if len(set(names)) != len(names):
                raise ProtocolError(f"A {what} is in the protocol twice.")
        if len({reader.casefold() for reader in self.readers}) != len(self.readers):
            raise ProtocolError("Two readers have the same code; upper and lower case are not told apart.")
        for reader in self.readers:
            if not _READER.fullmatch(reader):
                raise ProtocolError(f"'{reader}' is no code for a reader; use up to 32 letters, digits, - and _.")
        if not 0 <= self.repeats <= len(self.cases) or not self.washout_days >= 0:
            raise ProtocolError("Repeats go from 0 to the number of cases, and washout days from 0.")

    @property
    def sessions(self) -> int:
        """How many sessions each reader has."""
        return len(self.arms) + (1 if self.repeats else 0)

    @property
    def sha256(self) -> str:
        """What answers and key refer to."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def to_json(self) -> str:
        """The text of ``protocol.json``."""
        values = {
            "format": FORMAT,
            "version": VERSION,
            "title": self.title,
            "cases": list(self.cases),
            "image_types": [[kind.value for kind in arm.images] for arm in self.arms],
            "readers": list(self.readers),
            "sessions": {"count": self.sessions, "washout_days": float(self.washout_days), "repeats": self.repeats},
            "blinding": {"image_type_hidden": True, "order": "random for each reader, from the seed in the key"},
            "questions": self.form.to_json(),
        }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read_protocol(folder: Path) -> Protocol:
    """Read ``protocol.json`` of a folder.

    Raises
    ------
    ProtocolError
        It is missing, damaged, or of a newer version.
    """
    values = read_json(folder / PROTOCOL_FILE, FORMAT, VERSION)
    try:
        return Protocol(
            title=str(values["title"]),
            cases=tuple(map(str, values["cases"])),
            arms=tuple(Arm(tuple(ImageKind(kind) for kind in kinds)) for kinds in values["image_types"]),
            readers=tuple(map(str, values["readers"])),
            form=Form.from_json(values["questions"]),
            repeats=int(values["sessions"]["repeats"]),
            washout_days=float(values["sessions"]["washout_days"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"{PROTOCOL_FILE} in {folder} is damaged; restore it from your copy.") from error


def read_json(path: Path, expected: str, version: int) -> dict[str, Any]:
    """Read a JSON file of a known format.

    Raises
    ------
    ProtocolError
        Missing, damaged, another format, or a newer version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProtocolError(f"{path.parent} holds no {path.name}; make a study with: cemsynth readers new.") from None
    except (OSError, ValueError) as error:
        raise ProtocolError(f"{path.name} in {path.parent} cannot be read; restore it from your copy.") from error
    if not isinstance(values, dict) or values.get("format") != expected:
        raise ProtocolError(f"{path.name} in {path.parent} is not of the format {expected}.")
    if values.get("version") != version:
        raise ProtocolError(f"{path.name} has version {values.get('version')}; this program reads version {version}.")
    return values
