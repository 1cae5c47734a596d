"""Identity: who a file is about, what stands in for it, and whether any of it is left in what was written."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

#: Attributes whose value alone can tell who somebody is; names are found by their representation (PN).
IDENTIFIERS = (
    *("PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers"),
    *("AccessionNumber", "InstitutionName", "InstitutionAddress", "StationName", "DeviceSerialNumber", "AdmissionID"),
    *("PatientMotherBirthName", "MilitaryRank", "MedicalRecordLocator", "IssuerOfPatientID", "RequestingService"),
)
# Words of the simulator's one patient name: nobody's, and part of ordinary sentences.
_NOT_NAMES = frozenset({"simulated", "cem"})
# Labels of an earlier export tell nothing, and the new ones look like them.
_LABEL = re.compile(r"CASE-\d+", re.IGNORECASE)
_SHORTEST_NAME, _SHORTEST_IDENTIFIER = 3, 4
_DAY = 86400
_STANDARD_UIDS = "1.2.840.10008."
# Dotted numbers shorter than this are no UIDs (program versions), unless they were met as such.
_SHORTEST_UID = 20
_YEARS = (2, 12)
# Values as PS3.5 6.2 writes them, and older ones with points and colons; in groups: digits, then fraction and zone.
_PATTERNS = {
    "DA": r"(\d{8}|\d{4}\.\d\d\.\d\d)",
    "TM": r"(\d\d(?::?\d\d){0,2})(?:\.\d+)?",
    "DT": r"(\d{8}(?:\d\d){0,3})(?:\.\d+)?(?:[+-]\d{4})?",
}
_FORMATS = {
    "DA": {8: "%Y%m%d"},
    "TM": {2: "%H", 4: "%H%M", 6: "%H%M%S"},
    "DT": {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"},
}


@dataclass(frozen=True)
class Shift:
    """How far dates (whole days) and times of day (seconds) of one patient are moved; no time crosses midnight."""

    days: int = 0
    seconds: int = 0


@dataclass
class Identity:
    """One patient: the label that stands in for it, its shift in time, and the words that must not be left.

    ``names`` are parts of names; ``identifiers`` whole values (names, numbers, dates of birth).
    """

    label: str
    patient_id: str = ""
    shift: Shift = Shift()
    names: set[str] = field(default_factory=set)
    identifiers: set[str] = field(default_factory=set)


class Identities:
    """All patients of one export.

    Parameters
    ----------
    secret
        At least 16 random bytes, forgotten after the export: nobody can find the old UIDs and dates from the new.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("the secret needs at least 16 bytes")
        self._secret = secret
        self._patients: dict[str, Identity] = {}
        self._seconds: dict[str, tuple[int, int]] = {}
        self._uids: dict[str, str] = {}

    def learn(self, dataset: Dataset) -> None:
        """Take in whose data set this is, its names, numbers, UIDs and times; call it for all before the first use."""
        key = self._key(dataset)
        if key not in self._patients:
            self._patients[key] = Identity(
                f"CASE-{len(self._patients) + 1:03d}", str(dataset.get("PatientID") or "").strip()
            )
        identity = self._patients[key]
        low, high = self._seconds.get(key, (_DAY, 0))
        for element in dataset.iterall():
            values = element.value if element.VM > 1 else [element.value]
            if element.VR == "SQ" or element.tag.group == 0x7FE0 or values is None:
                continue
            for text in (str(v).strip() for v in values):
                if element.VR == "PN":
                    learn_name(identity, text)
                elif element.keyword in IDENTIFIERS:
                    learn_identifier(identity, text)
                elif element.VR == "UI":
                    self.uid(text)
                elif element.VR in ("TM", "DT") and (second := _second_of_day(text, element.VR)) is not None:
                    low, high = min(low, second), max(high, second)
        self._seconds[key] = (low, high)
        identity.shift = self._shift(key, low, high)

    def of(self, dataset: Dataset) -> Identity:
        """The identity of a data set that was learned."""
        return self._patients[self._key(dataset)]

    @property
    def all(self) -> tuple[Identity, ...]:
        """All identities."""
        return tuple(self._patients.values())

    def uid(self, old: str) -> str:
        """The UID that stands in for another, the same each time; those of the standard stay."""
        if not old or old.startswith(_STANDARD_UIDS):
            return old
        if old not in self._uids:
            self._uids[old] = str(generate_uid(entropy_srcs=[self._secret.hex(), old]))
        return self._uids[old]

    def cleaned(self, text: str) -> str:
        """Put labels and new UIDs in the place of everything in a text that tells who it is about.

        Parameters
        ----------
        text
            A report, a table, a scene description, a file name.

        Returns
        -------
        str
            Whole identifiers and parts of names (as words, in any case) are replaced by the label of their patient,
            UIDs by the new ones; dates written 2026-01-31 are moved where there is a single patient, and removed
            otherwise.
        """
        text = re.sub(r"(?<![\w.])\d+(?:\.\d+){3,}(?![\w]|\.\d)", self._other_uid, text)
        for identity in self._patients.values():
            for word in sorted(identity.identifiers, key=len, reverse=True):
                text = re.sub(_whole(word), identity.label, text, flags=re.IGNORECASE)
            for word in sorted(identity.names, key=len, reverse=True):
                text = re.sub(_whole(word), identity.label, text, flags=re.IGNORECASE)
        return re.sub(r"(?<!\d)(19|20)\d\d-[01]\d-[0-3]\d(?!\d)", self._other_date, text)

    def left_in(self, text: str) -> str | None:
        """Look for what must not be left in what was written.

        Returns
        -------
        str or None
            What kind of thing was found (never the thing itself), ``None`` where nothing was.
        """
        for identity in self._patients.values():
            for word in (*identity.identifiers, *identity.names):
                if re.search(_whole(word), text, flags=re.IGNORECASE):
                    return "a name or a number of a patient"
        found = set(re.findall(r"\d+(?:\.\d+){3,}", text))
        return "a UID of the original" if found & self._uids.keys() else None

    def _key(self, dataset: Dataset) -> str:
        number = str(dataset.get("PatientID") or "").strip()
        return number or str(dataset.get("PatientName") or "").strip() or str(dataset.get("StudyInstanceUID", ""))

    def _shift(self, key: str, low: int, high: int) -> Shift:
        """Back by two to twelve years, and by seconds that carry no time of this patient over midnight."""
        digest = hashlib.sha256(self._secret + key.encode()).digest()
        days = 365 * _YEARS[0] + int.from_bytes(digest[:4], "big") % (365 * (_YEARS[1] - _YEARS[0]))
        first, last = (-low, _DAY - 1 - high) if low <= high else (0, 0)
        seconds = first + int.from_bytes(digest[4:8], "big") % (last - first + 1)
        return Shift(-days, seconds)

    def _other_uid(self, match: re.Match[str]) -> str:
        return self.uid(match[0]) if match[0] in self._uids or len(match[0]) >= _SHORTEST_UID else match[0]

    def _other_date(self, match: re.Match[str]) -> str:
        shifts = [identity.shift for identity in self._patients.values()]
        if len(shifts) != 1:
            return "(date removed)"
        try:
            return f"{datetime.strptime(match[0], '%Y-%m-%d') + timedelta(days=shifts[0].days):%Y-%m-%d}"
        except ValueError:
            return "(date removed)"


def learn_identifier(identity: Identity, text: str) -> None:
    """Add a number or the like to the words that must not be left, unless it is too short to be told from others."""
    if len(text) >= _SHORTEST_IDENTIFIER and not _LABEL.fullmatch(text):
        identity.identifiers.add(text)


def learn_name(identity: Identity, text: str) -> None:
    """Add a person's name, whole and in parts, to the words that must not be left."""
    if not text or _LABEL.fullmatch(text):
        return
    parts = [p for p in re.split(r"[\^=\s,]+", text) if p]
    identity.names |= {p for p in parts if len(p) >= _SHORTEST_NAME and p.casefold() not in _NOT_NAMES}
    if len(text) >= _SHORTEST_IDENTIFIER:
        identity.identifiers |= {text, " ".join(parts), ", ".join(parts), " ".join(reversed(parts))}
        identity.identifiers = {i for i in identity.identifiers if i.casefold() not in _NOT_NAMES}


def moved(text: str, vr: str, shift: Shift) -> str:
    """Move a DA, TM or DT value in time.

    Parameters
    ----------
    text
        As in the file.
    vr
        ``DA``, ``TM`` or ``DT``.
    shift
        A date moves by the days, a time of day by the seconds, a date with a time by both.

    Returns
    -------
    str
        In the precision of the value (fraction of a second and time zone stay); empty where it is not understood.
    """
    match = re.fullmatch(_PATTERNS[vr], text.strip())
    if match is None:
        return ""
    digits = re.sub(r"\D", "", match[1])
    pattern = _FORMATS[vr][len(digits)]
    try:
        moment = datetime.strptime(digits, pattern)
        if vr == "TM":
            moved_to = moment.replace(year=2000) + timedelta(seconds=shift.seconds)
        elif len(digits) == 8:
            moved_to = moment + timedelta(days=shift.days)
        else:
            moved_to = moment + timedelta(days=shift.days, seconds=shift.seconds)
        return moved_to.strftime(pattern).rjust(len(digits), "0") + text.strip()[len(match[1]) :]
    except (ValueError, OverflowError):
        return ""


def _second_of_day(text: str, vr: str) -> int | None:
    digits = re.sub(r"[^0-9]", "", text.split(".")[0].split("+")[0])
    digits = digits[8:] if vr == "DT" else digits
    if len(digits) < 4:
        return None
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:6] or 0)
    second = hours * 3600 + minutes * 60 + seconds
    return second if second < _DAY else None


def _whole(word: str) -> str:
    """A pattern for a word on its own: names are not part of longer words, numbers not of longer numbers or words.

    What follows a percent sign and two hexadecimal digits begins anew (``Data/R%20MLO%20of%20Doe.nrrd``).
    """
    if any(c.isdigit() for c in word):
        # Nor are numbers parts of UIDs: 10008 is in 1.2.840.10008.1.2.
        before, after = r"(?<![^\W_])(?<!\d\.)", r"(?![^\W_]|\.\d)"
    else:
        before, after = r"(?<![^\W\d_])", r"(?![^\W\d_])"
    return rf"(?:{before}|(?<=%[0-9A-Fa-f][0-9A-Fa-f])){re.escape(word)}{after}"
