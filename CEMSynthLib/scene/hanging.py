"""Hanging: which acquisitions of a study hang in the four views R CC, L CC, R MLO, L MLO."""

from collections.abc import Sequence

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.layout import VIEWS, Layout
from CEMSynthLib.scene.study import AcquisitionRow, StudyInScene

CELLS = tuple(spec.cell for spec in VIEWS[Layout.HANGING])


def hanging_keys(rows: Sequence[AcquisitionRow], selected: str) -> dict[str, str]:
    """Keys of the acquisitions to hang, by cell.

    Parameters
    ----------
    rows
        All acquisitions there are.
    selected
        Key of the selected one. Its study hangs, and where two acquisitions have its name, it hangs, not the other.

    Returns
    -------
    dict of str to str
        Only the cells for which the study has an acquisition.
    """
    chosen = next((row for row in rows if row.key == selected), None)
    if chosen is None:
        return {}
    found: dict[str, str] = {chosen.name: chosen.key} if chosen.name in CELLS else {}
    for row in rows:
        if row.name in CELLS and _study(row) == _study(chosen):
            found.setdefault(row.name, row.key)
    return found


def _study(row: AcquisitionRow) -> str:
    # Image files have no study; what only the scene holds of them has no patient either.
    return row.study_uid or row.patient_id


def neighbor(rows: Sequence[AcquisitionRow], selected: str, step: int) -> str:
    """Key of the acquisition so many lines further; it goes round at both ends. Empty where there is none."""
    if not rows:
        return ""
    keys = [row.key for row in rows]
    return keys[(keys.index(selected) + step) % len(keys)] if selected in keys else keys[0]


def load_hanging(study: StudyInScene, selected: str) -> dict[str, AcquisitionVolumes]:
    """Bring the acquisitions that hang with the selected one into the scene.

    Returns
    -------
    dict of str to AcquisitionVolumes
        By cell; without those that can no longer be read.
    """
    found = {}
    for cell, key in hanging_keys(study.rows(), selected).items():
        try:
            found[cell] = study.load(key)
        except SceneError:
            # Its cell stays empty; the acquisition says why when it is selected itself.
            continue
    return found
