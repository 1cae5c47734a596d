"""Synthesis record: `synthesis.json`, which model made the images of a folder, from which files, on which device."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from CEMSynthLib import __version__
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.files import write_text
from CEMSynthLib.export.provenance import NOTICE, ModelProvenance

FILE_NAME = "synthesis.json"
FORMAT = "cemsynth-synthesis"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class SynthesizedFile:
    """One synthetic image: its file, the low-energy file it was made from (both relative, forward slashes), and how.

    ``seconds`` is the wall time of preprocessing, network and restoring. ``training_range`` tells whether the image is
    ``inside`` or ``outside`` the range of those the model was trained on, or that this is ``not known``.
    """

    source: str
    synthetic: str
    seconds: float
    warnings: tuple[str, ...] = ()
    training_range: str = "not known"


@dataclass(frozen=True)
class SynthesisRecord:
    """What one run of ``cemsynth synthesize`` made.

    Parameters
    ----------
    model
        The generator.
    held_out
        What the model card says of patients that the model had not seen.
    simulated_only
        True where it has learned from simulated images only.
    device, device_reason
        Where it ran, and why there.
    created
        ISO 8601, local time.
    images
        One entry an image.
    """

    model: ModelProvenance
    held_out: str
    simulated_only: bool
    device: str
    device_reason: str
    created: str
    images: tuple[SynthesizedFile, ...]


def write_synthesis_record(folder: Path, record: SynthesisRecord) -> Path:
    """Write ``synthesis.json`` into a folder and return its path."""
    path = folder / FILE_NAME
    content = {"format": FORMAT, "version": FORMAT_VERSION, "notice": NOTICE, "program": f"CEMSynth {__version__}"}
    write_text(path, json.dumps(content | asdict(record), indent=2, ensure_ascii=False) + "\n")
    return path


def read_synthesis_record(folder: Path) -> SynthesisRecord | None:
    """Read the record of a folder of synthetic images.

    Returns
    -------
    SynthesisRecord or None
        ``None`` where the folder has none (images made by another program).

    Raises
    ------
    ExportError
        There is a record, but it is damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] != FORMAT_VERSION:
            raise ExportError(f"{path} has another format than this version reads; run cemsynth synthesize again.")
        return SynthesisRecord(
            model=ModelProvenance(**content["model"]),
            held_out=str(content["held_out"]),
            simulated_only=bool(content["simulated_only"]),
            device=str(content["device"]),
            device_reason=str(content["device_reason"]),
            created=str(content["created"]),
            images=tuple(
                SynthesizedFile(
                    i["source"],
                    i["synthetic"],
                    float(i["seconds"]),
                    tuple(i["warnings"]),
                    str(i.get("training_range", "not known")),
                )
                for i in content["images"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path} is damaged; run cemsynth synthesize again.") from error
