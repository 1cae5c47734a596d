"""`cemsynth list PATH [--json] [--explain]`: which studies a folder holds, what was not used, and why each time."""

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.study.model import Acquisition, CEMImage, CEMStudy, FileReason, StudyFolder
from CEMSynthLib.study.reader import FOREIGN, read_folder

_WIDTH = 120
_COLUMNS = ("view", "rows x columns", "spacing mm", "low energy", "high energy", "recombined")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand ``list``."""
    parser = subparsers.add_parser("list", help="say which studies a folder holds", description=__doc__)
    parser.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        help="folder, zip archive or DICOMDIR of DICOM files, or folder of image files",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--explain", action="store_true", help="tell for each file which rule decided, with its source")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the folder and print what it holds.

    Returns
    -------
    int
        0.

    Raises
    ------
    StudyFolderError
        The folder is missing, empty or holds nothing that can be read.
    """
    with progress_bar("Reading headers", unit="file") as progress:
        folder = read_folder(arguments.path, progress)
    if arguments.json:
        print(json.dumps(as_json(folder, arguments.explain), indent=2, ensure_ascii=False))
    else:
        print(as_text(folder, arguments.explain))
    return 0


def as_json(folder: StudyFolder, explain: bool = False) -> dict[str, Any]:
    """What ``--json`` prints: paths relative to the folder with forward slashes, missing values ``None``.

    With ``explain`` there is one more key, ``explanations``: file -> sentences.
    """
    found: dict[str, Any] = {
        "studies": [_study_json(study, folder.root) for study in folder.studies],
        "skipped": _reasons(folder.skipped, folder.root),
    }
    return found | {"explanations": _explanations(folder)} if explain else found


def as_text(folder: StudyFolder, explain: bool = False) -> str:
    """What is printed without ``--json``: one small table per study, then with ``explain`` the reasons by file."""
    blocks = [_study_text(study, folder.root) for study in folder.studies]
    if folder.skipped:
        foreign = [s for s in folder.skipped if s.reason.endswith(FOREIGN)]
        rest = tuple(s for s in folder.skipped if not s.reason.endswith(FOREIGN))
        lines = ["Skipped", *_reason_lines(rest, folder.root)]
        if foreign:
            lines.append(f"  {len(foreign)} of another kind (neither DICOM nor image; --json names them)")
        blocks.append("\n".join(lines))
    if explain:
        blocks += [
            "\n".join([f"Why {file}", *(_wrap(sentence) for sentence in sentences)])
            for file, sentences in _explanations(folder).items()
        ]
    return "\n\n".join(blocks)


def _wrap(sentence: str) -> str:
    """One sentence as an indented paragraph."""
    return textwrap.fill(sentence, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False)


def _explanations(folder: StudyFolder) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason in folder.explanations:
        found.setdefault(_relative(reason.path, folder.root), []).append(reason.reason)
    return dict(sorted(found.items()))


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _reasons(reasons: tuple[FileReason, ...], root: Path) -> list[dict[str, str]]:
    return [{"file": _relative(r.path, root), "reason": r.reason} for r in reasons]


def _reason_lines(reasons: tuple[FileReason, ...], root: Path) -> list[str]:
    return [f"  {r['file']}\n    {r['reason']}" for r in _reasons(reasons, root)]


def _study_json(study: CEMStudy, root: Path) -> dict[str, Any]:
    found: dict[str, Any] = {
        "patient_id": study.patient_id or None,
        "study_uid": study.study_uid,
        "acquisitions": [_acquisition_json(a, root) for a in study.acquisitions],
        "unclassified": _reasons(study.unclassified, root),
    }
    if study.synthetic:
        found["synthetic"] = [_relative(image.path, root) for image in study.synthetic]
    return found


def _acquisition_json(acquisition: Acquisition, root: Path) -> dict[str, Any]:
    grid = acquisition.images[0].grid

    def name(image: CEMImage | None) -> str | None:
        return None if image is None else _relative(image.path, root)

    return {
        "laterality": acquisition.laterality.value if acquisition.laterality else None,
        "view": acquisition.view.value if acquisition.view else None,
        "rows": grid.rows,
        "columns": grid.columns,
        "pixel_spacing_mm": None if grid.spacing_mm is None else list(grid.spacing_mm),
        "low_energy": name(acquisition.low_energy),
        "high_energy": name(acquisition.high_energy),
        "recombined": name(acquisition.recombined),
        "warnings": list(acquisition.warnings),
    }


def _study_text(study: CEMStudy, root: Path) -> str:
    title = f"Patient {study.patient_id or '(no ID)'}"
    if study.study_uid:
        title += f", study {study.study_uid}"
    lines = [title]
    if study.acquisitions:
        rows = [_COLUMNS, *(_acquisition_row(a, root) for a in study.acquisitions)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
        lines += ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    for acquisition in study.acquisitions:
        lines += [f"  ! {acquisition.name}: {warning}" for warning in acquisition.warnings]
    lines += [f"  synthetic: {_relative(image.path, root)}" for image in study.synthetic]
    if study.unclassified:
        lines += ["  unclassified", *_reason_lines(study.unclassified, root)]
    return "\n".join(lines)


def _acquisition_row(acquisition: Acquisition, root: Path) -> tuple[str, ...]:
    grid = acquisition.images[0].grid
    images = (acquisition.low_energy, acquisition.high_energy, acquisition.recombined)
    spacing = "-" if grid.spacing_mm is None else " x ".join(f"{s:g}" for s in grid.spacing_mm)
    names = ("-" if image is None else _relative(image.path, root) for image in images)
    return (acquisition.name, f"{grid.rows} x {grid.columns}", spacing, *names)
