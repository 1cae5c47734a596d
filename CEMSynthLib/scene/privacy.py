"""Privacy: who is named in a scene, and a copy of the scene in which nobody is.

Names and IDs come from the patient items of the subject hierarchy. In the copy they are replaced wherever they stand as
text: items, node names, attributes, parameters, text nodes, table cells, file names; and so are unique identifiers (the
same one by the same one everywhere, so that what belongs together stays together). Dates and other DICOM attributes of
patient and study are dropped. Pixels are not looked at.
"""

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

#: Attribute of a patient item that stands for nobody known any more.
DEIDENTIFIED = "CEMSynth.deidentified"
_PREFIX = "DICOM."
_KEPT = {"DICOM.Modality"}
_UID = re.compile(r"(?<![\w.])[0-2](?:\.\d+){4,}(?![\w.])")
# Shorter IDs occur in every text by chance; they are replaced in the patient item only.
_SHORTEST = 3


def named_patients(scene: "vtkMRMLScene") -> int:
    """How many patients of a scene carry a name or ID; simulated and de-identified ones do not count."""
    hierarchy = _hierarchy(scene)
    return len([item for item in _items(hierarchy, _levels()[0]) if not _is_nobody(hierarchy, item)])


def save_deidentified(scene: "vtkMRMLScene", path: Path) -> None:
    """Write a copy of a scene without names, IDs, dates and original UIDs; the scene itself stays as it is.

    Parameters
    ----------
    scene
        The scene.
    path
        The ``.mrb`` file to write; one that is there is replaced when the new one is complete.

    Raises
    ------
    SceneError
        The name of the file does not end with ``.mrb`` or holds a patient's name or ID, or it cannot be written.
    """
    if path.suffix.lower() != ".mrb":
        raise SceneError(f"{path.name} is not the name of a scene file; choose one that ends with .mrb.")
    edit = _Edit()
    unsaved = [node for node in _nodes(scene) if node.IsA("vtkMRMLStorableNode") and node.GetModifiedSinceRead()]
    batch = scene.BatchProcessState
    scene.StartState(batch)  # nobody shall follow changes that are taken back
    try:
        replacement = _Replacement(scene)
        if replacement.of(path.name) != path.name:
            raise SceneError("The name of the file holds a patient's name or ID; choose another one.")
        _deidentify(scene, replacement, edit)
        _write(scene, path)
    finally:
        edit.take_back()
        for node in unsaved:
            node.StorableModified()  # the copy is not the scene: Slicer shall still ask to save it
        scene.EndState(batch)


@dataclass
class _Edit:
    """Changes that can be taken back."""

    undo: list[Callable[[], object]] = field(default_factory=list)

    def take_back(self) -> None:
        while self.undo:
            self.undo.pop()()


@dataclass(frozen=True)
class _Text:
    """A place in a scene where a text stands."""

    value: str
    write: Callable[[str], object]


class _Replacement:
    """What each identifying text becomes."""

    def __init__(self, scene: "vtkMRMLScene") -> None:
        self._uids: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        hierarchy = _hierarchy(scene)
        for number, item in enumerate(_items(hierarchy, _levels()[0]), start=1):
            for text in _identities(hierarchy, item):
                for form in _forms(text):
                    if len(form) >= _SHORTEST:
                        self._texts.setdefault(form.casefold(), f"Patient {number}")
        for node in _nodes(scene):
            # Names of image files name patients, and the key of an image file holds its name.
            key, file = node.GetAttribute(names.ACQUISITION) or "", node.GetAttribute(names.SOURCE_FILE) or ""
            for text in (key, Path(file).stem):
                if text and not _UID.fullmatch(text):
                    self._texts.setdefault(text.casefold(), uuid.uuid4().hex[:12])
        longest_first = sorted(self._texts, key=len, reverse=True)
        pattern = "|".join(re.escape(text) for text in longest_first)
        self._pattern = re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE) if pattern else None

    def of(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._texts[found[0].casefold()], text)
        return _UID.sub(lambda found: self._uids.setdefault(found[0], f"2.25.{uuid.uuid4().int}"), text)


def _identities(hierarchy: Any, item: int) -> list[str]:
    """Name and ID of a patient item: ``DOE^JANE (4711)`` is both."""
    name = hierarchy.GetItemName(item)
    found = [name, *re.split(r"\s*[()]\s*", name), hierarchy.GetItemUID(item, "DICOM")]
    found += [hierarchy.GetItemAttribute(item, f"{_PREFIX}{tag}") for tag in ("PatientName", "PatientID")]
    return [text.strip() for text in found if text.strip()]


def _forms(text: str) -> set[str]:
    parts = [part for part in re.split(r"[\^\s,]+", text) if part]
    forms = {text} | {mark.join(order) for order in (parts, parts[::-1]) for mark in ("^", " ", ", ", "_", "-")}
    return forms if len(parts) > 1 else {text}


def _deidentify(scene: "vtkMRMLScene", replacement: _Replacement, edit: _Edit) -> None:
    hierarchy = _hierarchy(scene)
    patient, study = _levels()
    for level, word in ((patient, "Patient"), (study, "Study")):
        for number, item in enumerate(_items(hierarchy, level), start=1):
            _change(edit, _Text(hierarchy.GetItemName(item), _setter(hierarchy.SetItemName, item)), f"{word} {number}")
            if level == patient:
                uid = _Text(hierarchy.GetItemUID(item, "DICOM"), _uid_setter(hierarchy, item, "DICOM"))
                _change(edit, uid, f"{word} {number}")
                hierarchy.SetItemAttribute(item, DEIDENTIFIED, "yes")
                edit.undo.append(partial(hierarchy.RemoveItemAttribute, item, DEIDENTIFIED))
    for item in _items(hierarchy):
        for name in hierarchy.GetItemAttributeNames(item):
            if name.startswith(_PREFIX) and name not in _KEPT:
                _change(edit, _item_attribute(hierarchy, item, name), "")
    for text in _texts(scene):
        _change(edit, text, replacement.of(text.value))


def _change(edit: _Edit, text: _Text, value: str) -> None:
    if value != text.value:
        edit.undo.append(lambda: text.write(text.value))
        text.write(value)


def _texts(scene: "vtkMRMLScene") -> Iterator[_Text]:
    hierarchy = _hierarchy(scene)
    for item in _items(hierarchy):
        yield _Text(hierarchy.GetItemName(item), _setter(hierarchy.SetItemName, item))
        for name in hierarchy.GetItemUIDNames(item):
            yield _Text(hierarchy.GetItemUID(item, name), _uid_setter(hierarchy, item, name))
        for name in hierarchy.GetItemAttributeNames(item):
            yield _item_attribute(hierarchy, item, name)
    for node in _nodes(scene):
        yield _Text(node.GetName() or "", node.SetName)
        yield _Text(node.GetDescription() or "", node.SetDescription)
        for name in node.GetAttributeNames():
            yield _Text(node.GetAttribute(name) or "", _setter(node.SetAttribute, name))
        yield from _own_texts(node)


def _own_texts(node: Any) -> Iterator[_Text]:
    """Texts that only nodes of some classes have."""
    if node.IsA("vtkMRMLScriptedModuleNode"):
        for name in node.GetParameterNames():
            yield _Text(node.GetParameter(name), _setter(node.SetParameter, name))
    elif node.IsA("vtkMRMLTextNode"):
        yield _Text(node.GetText() or "", node.SetText)
    elif node.IsA("vtkMRMLStorageNode"):
        yield _Text(node.GetFileName() or "", node.SetFileName)
        for index in range(node.GetNumberOfFileNames()):
            yield _Text(node.GetNthFileName(index) or "", _setter(node.ResetNthFileName, index))
    elif node.IsA("vtkMRMLTableNode"):
        for column in range(node.GetNumberOfColumns()):
            for row in range(node.GetNumberOfRows()):
                yield _Text(node.GetCellText(row, column), _setter(node.SetCellText, row, column))


def _setter(method: Callable[..., object], *first: object) -> Callable[[str], object]:
    return lambda value: method(*first, value)


def _uid_setter(hierarchy: Any, item: int, name: str) -> Callable[[str], object]:
    def write(value: str) -> None:
        hierarchy.RemoveItemUID(item, name)  # replacing one quotes it in a warning, and it can be a patient's ID
        hierarchy.SetItemUID(item, name, value)

    return write


def _item_attribute(hierarchy: Any, item: int, name: str) -> _Text:
    return _Text(hierarchy.GetItemAttribute(item, name), _setter(hierarchy.SetItemAttribute, item, name))


def _write(scene: "vtkMRMLScene", path: Path) -> None:
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=".cemsynth-", dir=path.parent))
        if not scene.WriteToMRB(str(folder / path.name), None):
            raise SceneError(f"{path.name} could not be written: is there room for it, and may you write there?")
        os.replace(folder / path.name, path)
    except OSError as error:
        raise SceneError(f"{path.name} could not be written ({error.strerror}); choose another folder.") from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _is_nobody(hierarchy: Any, item: int) -> bool:
    if hierarchy.GetItemAttribute(item, DEIDENTIFIED) == "yes":
        return True
    nodes = [hierarchy.GetItemDataNode(child) for child in _below(hierarchy, item)]
    acquired = [node for node in nodes if names.kind_of(node) in (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED)]
    return {node.GetAttribute(names.SIMULATED) for node in acquired} == {"yes"}


def _hierarchy(scene: "vtkMRMLScene") -> Any:
    import slicer

    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _levels() -> tuple[str, str]:
    import slicer

    constants = slicer.vtkMRMLSubjectHierarchyConstants
    return constants.GetDICOMLevelPatient(), constants.GetDICOMLevelStudy()


def _items(hierarchy: Any, level: str | None = None) -> list[int]:
    found = _below(hierarchy, hierarchy.GetSceneItemID())
    return [item for item in found if level is None or hierarchy.GetItemLevel(item) == level]


def _below(hierarchy: Any, item: int) -> list[int]:
    import vtk

    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, True)
    return [ids.GetId(index) for index in range(ids.GetNumberOfIds())]


def _nodes(scene: "vtkMRMLScene") -> list[Any]:
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
