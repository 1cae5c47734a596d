"""De-identify what is no DICOM: reports, tables, regions, and scenes (.mrb), by the same labels, UIDs and dates."""

import csv
import html
import io
import re
import zipfile
from pathlib import Path, PurePosixPath

from CEMSynthLib.export.deidentify import NotExportedError
from CEMSynthLib.export.files import replacing, write_text
from CEMSynthLib.export.identity import Identities, learn_identifier, learn_name
from CEMSynthLib.export.synthesis_record import FILE_NAME as RECORD

_REPORT_MARK = "<title>CEMSynth report:"
_TABLE_START = "patient_id,laterality,view,image,place,"
_TEXT_MEMBERS = frozenset({".mrml", ".json", ".csv", ".tsv", ".txt", ".html", ".xml"})
# Pictures of a scene (the thumbnail that Slicer keeps) may show the corner annotation with a name.
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
_DATA_MEMBERS = frozenset({".nrrd", ".h5", ".vtk", ".vtp"})
_LARGEST_SCENE = 4 * 2**30
# Slicer's subject hierarchy: <SubjectHierarchyItem name="Doe^Jane (7)" uids="DICOM^7|"
# attributes="DICOM.PatientName^Doe^Jane|Level^Patient|">; values may hold any sign but quotes.
_ITEM = re.compile(r"<SubjectHierarchyItem\b[^>]*>")
_ITEM_ATTRIBUTE = re.compile(r'\b(name|uids|attributes)="([^"]*)"')
# Attributes of other nodes: "DICOM.instanceUIDs:1.2.3 1.2.4;Name:value".
_NODE_ATTRIBUTE = re.compile(r'DICOM\.(?!instanceUIDs)\w+:[^;"]*;?')
_PEOPLE = re.compile(r"Name|Physician", re.IGNORECASE)


def kind_of_file(path: Path) -> str | None:
    """``report``, ``table``, ``regions``, ``record`` (``synthesis.json``) or ``scene``; ``None`` for the rest."""
    name = path.name.casefold()
    if name.endswith(".mrb"):
        return "scene" if zipfile.is_zipfile(path) else None
    if name.endswith(".mrk.json") or name == "regions.json":
        return "regions"
    if name == RECORD:
        return "record"
    if name.endswith((".html", ".csv")):
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(4096)
        if name.endswith(".html") and _REPORT_MARK in start:
            return "report"
        if name.endswith(".csv") and start.startswith(_TABLE_START):
            return "table"
    return None


def cleaned_text(text: str, kind: str, identities: Identities) -> str:
    """Clean a report, a table or a regions file.

    Parameters
    ----------
    text
        The file.
    kind
        From `kind_of_file`. In a report and a table the patient ID is replaced however short it is.
    identities
        Has learned the data sets that the file is about.
    """
    for identity in identities.all:
        if kind == "report" and identity.patient_id:
            for before, after in ((_REPORT_MARK + " ", "<"), ("<dt>Patient ID</dt><dd>", "")):
                text = re.sub(
                    re.escape(before + identity.patient_id) + rf"(?![A-Za-z0-9])(?={after})",
                    before + identity.label,
                    text,
                )
    if kind == "table":
        labels = {identity.patient_id: identity.label for identity in identities.all}
        rows = list(csv.reader(io.StringIO(text)))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([rows[0], *([labels.get(row[0], row[0]), *row[1:]] for row in rows[1:] if row)])
        text = out.getvalue()
    return identities.cleaned(text)


def write_cleaned_text(source: Path, target: Path, kind: str, identities: Identities) -> None:
    """Clean a text file and write it.

    Raises
    ------
    NotExportedError
        It is no UTF-8 text, or something of a patient would be left.
    CEMSynthLib.export.errors.ExportError
        It cannot be written.
    """
    try:
        text = cleaned_text(source.read_text(encoding="utf-8"), kind, identities)
    except UnicodeDecodeError as error:
        raise NotExportedError(f"{source.name} is no UTF-8 text, so it stays here.") from error
    _refuse_left(text, source.name, identities)
    write_text(target, text)


def write_cleaned_scene(source: Path, target: Path, identities: Identities) -> None:
    """Clean a scene bundle and write it.

    Parameters
    ----------
    source
        ``.mrb``. Names of nodes and files and all texts are cleaned; attributes of the subject hierarchy that tell of
        patient and study are removed; pictures (thumbnails) are left out; image data stay as they are.
    target
        The file to write.
    identities
        Has learned the data sets of the study; what the scene itself tells of patients is learned here.

    Raises
    ------
    NotExportedError
        The bundle is damaged, holds paths that lead out of it, members of an unknown kind, or something of a patient
        would be left.
    """
    try:
        with zipfile.ZipFile(source) as bundle:
            members = [m for m in bundle.infolist() if not m.is_dir()]
            if sum(m.file_size for m in members) > _LARGEST_SCENE:
                raise NotExportedError(f"{source.name} holds more than 4 GB, so it stays here.")
            _refuse_members(members, source.name)
            for member in members:
                if member.filename.endswith(".mrml"):
                    _learn_scene(bundle.read(member).decode("utf-8", "replace"), identities)
            with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as made:
                for member in members:
                    path = PurePosixPath(member.filename)
                    if path.suffix.casefold() in _PICTURES:
                        continue
                    content = bundle.read(member)
                    head = content[:4096]
                    if path.suffix.casefold() in _TEXT_MEMBERS:
                        text = _NODE_ATTRIBUTE.sub("", _ITEM.sub(_plain_item, content.decode("utf-8", "replace")))
                        content = identities.cleaned(text).encode()
                        head = content
                    name = identities.cleaned(member.filename)
                    _refuse_left(name + "\n" + head.decode("latin-1"), source.name, identities)
                    made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise NotExportedError(f"{source.name} is a damaged scene; save it again from Slicer.") from error


def _refuse_members(members: list[zipfile.ZipInfo], name: str) -> None:
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
            raise NotExportedError(f"{name} holds a path that leads out of it, so it stays here.")
        if path.suffix.casefold() not in _TEXT_MEMBERS | _PICTURES | _DATA_MEMBERS:
            raise NotExportedError(f"{name} holds a {path.suffix or 'nameless'} file that cannot be cleaned.")


def _learn_scene(text: str, identities: Identities) -> None:
    """Take in the names and numbers that Slicer's subject hierarchy keeps of the patients of a scene."""
    identity = identities.all[0]
    for item in _ITEM.findall(text):
        for part in dict(_ITEM_ATTRIBUTE.findall(item)).get("attributes", "").split("|"):
            keyword, _, value = part.partition("^")
            if keyword.startswith("DICOM.") and _PEOPLE.search(keyword):
                learn_name(identity, html.unescape(value).strip())
            elif keyword.startswith("DICOM.Patient"):
                learn_identifier(identity, html.unescape(value).strip())


def _plain_item(match: re.Match[str]) -> str:
    """An item of the subject hierarchy with its level and UIDs only; patients and studies lose their names."""

    def plain(attribute: re.Match[str]) -> str:
        name, value = attribute[1], attribute[2]
        if name == "uids":
            parts = [p for p in value.split("|") if re.fullmatch(r"\w+\^[\d. ]*\.[\d. ]*", p)]
        elif name == "attributes":
            parts = [p for p in value.split("|") if p.startswith(("Level^", "CEMSynth."))]
        else:
            return f'name="{level[1]}"' if level else attribute[0]
        return f'{name}="{"".join(part + "|" for part in parts)}"'

    level = re.search(r"\bLevel\^(Patient|Study)\|", match[0])
    return _ITEM_ATTRIBUTE.sub(plain, match[0])


def _refuse_left(text: str, name: str, identities: Identities) -> None:
    what = identities.left_in(text)
    if what is not None:
        raise NotExportedError(f"{name} would still hold {what}, so it stays here.")
