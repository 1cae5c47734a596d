"""Key: what the protocol hides (``key.json``): patients, files, truth and the seed; readers do not open it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.places import LesionPlaces
from CEMSynthLib.reading.protocol import Protocol, read_json
from CEMSynthLib.study.model import ImageKind

KEY_FILE = "key.json"
FORMAT, VERSION = "cemsynth-reading-key", 1
Truth = bool | None


@dataclass(frozen=True)
class ViewFiles:
    """One view of a case: ``name`` (``CC``), and for each image kind the file, relative to its folder, with ``/``."""

    name: str
    files: Mapping[ImageKind, str]


@dataclass(frozen=True)
class CaseKey:
    """Which breast a case is.

    ``positive`` tells whether it holds a lesion to be found, ``bpe`` its true BPE (simulated breasts), ``places`` where
    the lesions lie, by name of the view; ``None`` and empty where not known.
    """

    patient_id: str
    laterality: str
    views: tuple[ViewFiles, ...]
    positive: Truth = None
    bpe: str = ""
    places: Mapping[str, LesionPlaces] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """The key of one protocol.

    Parameters
    ----------
    protocol_sha256
        Which protocol it opens.
    seed
        Of the order.
    cohort, synthetic
        The folders of the images, relative to the protocol's folder or absolute; ``synthetic`` may be empty.
    cases
        By code.
    """

    protocol_sha256: str
    seed: int
    cohort: str
    synthetic: str
    cases: Mapping[str, CaseKey] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of ``key.json``."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "notice": "Holds patients, truth and order of the reader study. Not for readers.",
            "protocol_sha256": self.protocol_sha256,
            "seed": self.seed,
            "cohort": self.cohort,
            "synthetic": self.synthetic,
            "cases": {
                code: {
                    "patient_id": case.patient_id,
                    "laterality": case.laterality,
                    "positive": case.positive,
                    "bpe": case.bpe,
                    "views": [{"name": v.name, **{k.value: f for k, f in v.files.items()}} for v in case.views],
                    "lesions": {view: places.to_json() for view, places in case.places.items()},
                }
                for code, case in self.cases.items()
            },
        }
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def read_key(folder: Path, protocol: Protocol) -> Key:
    """Read ``key.json`` of a folder.

    Raises
    ------
    ProtocolError
        It is missing, damaged, or the key of another protocol.
    """
    values = read_json(folder / KEY_FILE, FORMAT, VERSION)
    try:
        cases = {
            str(code): CaseKey(
                str(case["patient_id"]),
                str(case["laterality"]),
                tuple(
                    ViewFiles(v["name"], {ImageKind(k): str(f) for k, f in v.items() if k != "name"})
                    for v in case["views"]
                ),
                case["positive"],
                str(case["bpe"]),
                # Keys of before lesions had places lack them.
                {str(view): LesionPlaces.from_json(v) for view, v in case.get("lesions", {}).items()},
            )
            for code, case in values["cases"].items()
        }
        key = Key(values["protocol_sha256"], int(values["seed"]), values["cohort"], values["synthetic"], cases)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"{KEY_FILE} in {folder} is damaged; restore it from your copy.") from error
    if key.protocol_sha256 != protocol.sha256 or set(cases) != set(protocol.cases):
        raise ProtocolError(f"{KEY_FILE} in {folder} belongs to another protocol, or the protocol was changed since.")
    return key
