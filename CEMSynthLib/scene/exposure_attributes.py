"""Exposure attributes: what a volume node keeps of its image's header for the corner text and the presets."""

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.study.model import CEMImage

_DAY = 24 * 60.0


def exposure_attributes(image: CEMImage) -> dict[str, str]:
    """Names of `CEMSynthLib.scene.attributes` and their values; empty where the header does not tell."""
    minutes = minutes_since_injection(image)
    found = {
        names.KVP: image.attributes.get("KVP"),
        names.THICKNESS: image.attributes.get("BodyPartThickness"),
        names.MINUTES: None if minutes is None else round(minutes, 2),
        names.OTHER_WINDOWS: _other_windows(str(image.attributes.get("OtherWindows", ""))),
    }
    return {name: "" if value is None else str(value) for name, value in found.items()}


def minutes_since_injection(image: CEMImage) -> float | None:
    """Minutes from Contrast/Bolus Start Time (0018,1042) to Acquisition Time (0008,0032); negative before it.

    Both are times of day, without a date: the nearer of the two ways around midnight is taken.
    """
    start = _minute_of_day(image.attributes.get("ContrastBolusStartTime"))
    exposure = _minute_of_day(image.attributes.get("AcquisitionTime"))
    if start is None or exposure is None:
        return None
    return (exposure - start + _DAY / 2) % _DAY - _DAY / 2


def _minute_of_day(value: str | float | None) -> float | None:
    """A DICOM time (PS3.5 table 6.2-1, TM): HH, HHMM, HHMMSS or HHMMSS.FFFFFF."""
    text = str(value or "").strip().replace(":", "")
    whole = text.split(".")[0]
    if not whole.isdigit() or len(whole) not in (2, 4, 6):
        return None
    hours, minutes, seconds = int(whole[:2]), int(whole[2:4] or 0), float(text[4:] or 0)
    return hours * 60 + minutes + seconds / 60 if hours < 24 and minutes < 60 and seconds < 61 else None


def _other_windows(text: str) -> str:
    """Lines of ``low high name`` from the header's windows as `CEMSynthLib.study.dicom` notes them."""
    from CEMSynthLib.study.model import VOIWindow

    lines = []
    for part in filter(None, text.split("; ")):
        words = part.split(" ")
        if len(words) < 2 or "/" not in words[-2]:
            continue
        center, width = (float(number) for number in words[-2].split("/", 1))
        window = VOIWindow(center, width, words[-1])
        if window.high > window.low:
            lines.append(f"{window.low!r} {window.high!r} {' '.join(words[:-2])}".rstrip())
    return "\n".join(lines)
