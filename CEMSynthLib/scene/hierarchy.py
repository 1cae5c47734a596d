"""Hierarchy: the volumes of an acquisition under the items of their patient and study in the subject hierarchy."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScene

_STUDY_NAME = "CEM study"
_UNKNOWN = "Unknown patient"


def place(scene: "vtkMRMLScene", nodes: "Iterable[vtkMRMLNode | None]", patient_id: str, study_uid: str | None) -> None:
    """Put nodes under patient and study, whose items are made if they are not there.

    The items carry the UIDs that Slicer's own DICOM plugins look for, so that both meet under one patient. Nodes that
    lie under the study already, or that the user has put into a folder there, stay where they are.

    Parameters
    ----------
    scene
        The scene.
    nodes
        In the scene; ``None`` is left out.
    patient_id
        Patient ID (0010,0020) or the number in the file names; may be empty.
    study_uid
        Study Instance UID; ``None`` for image files.
    """
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is None:
        return
    study = _study(hierarchy, patient_id, study_uid)
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelStudy()
    for node in nodes:
        if node is None:
            continue
        item = hierarchy.GetItemByDataNode(node)
        if not item:
            hierarchy.CreateItem(study, node)
        elif hierarchy.GetItemAncestorAtLevel(item, level) != study:
            hierarchy.SetItemParent(item, study)


def unlist(scene: "vtkMRMLScene", node: "vtkMRMLNode") -> None:
    """Take a node that is not saved with the scene out of the subject hierarchy, which would save an empty item."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if item:
        hierarchy.RemoveItem(item, False, False)


def patient_of(scene: "vtkMRMLScene", node: "vtkMRMLNode") -> str:
    """Name of the patient item that a node lies under; empty if there is none."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    level = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMLevelPatient()
    patient = hierarchy.GetItemAncestorAtLevel(item, level) if item else 0
    return str(hierarchy.GetItemName(patient)) if patient else ""


def _study(hierarchy: "vtkMRMLNode", patient_id: str, study_uid: str | None) -> int:
    import slicer

    uid_name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName()
    found = hierarchy.GetItemByUID(uid_name, study_uid) if study_uid else 0
    if found:
        return int(found)
    # Slicer's DICOM plugins give a patient without ID the same UID.
    identity = patient_id or (f"Patient-{study_uid}" if study_uid else _UNKNOWN)
    patient = hierarchy.GetItemByUID(uid_name, identity)
    if not patient:
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), patient_id or _UNKNOWN)
        hierarchy.SetItemUID(patient, uid_name, identity)
    if study_uid is None:
        named = hierarchy.GetItemChildWithName(patient, _STUDY_NAME)
        if named:
            return int(named)
    study = hierarchy.CreateStudyItem(patient, _STUDY_NAME)
    if study_uid:
        hierarchy.SetItemUID(study, uid_name, study_uid)
    return int(study)
