"""Order: which case a reader sees when and with which images, random from the seed and the same on every machine."""

import hashlib
from dataclasses import dataclass

from CEMSynthLib.reading.protocol import Arm, Protocol


@dataclass(frozen=True)
class ReadingItem:
    """One reading: a case with the images of one arm.

    Parameters
    ----------
    code
        What reader and answers see; it tells neither case nor image type.
    case, arm
        What is shown.
    session
        0, 1, ...; within one session a case is there once.
    repeat
        Whether the reader has read this case with these images before.
    """

    code: str
    case: str
    arm: Arm
    session: int
    repeat: bool = False


def reading_list(protocol: Protocol, seed: int, reader: str) -> tuple[ReadingItem, ...]:
    """Everything one reader reads, in order.

    Parameters
    ----------
    protocol
        The study.
    seed
        From the key.
    reader
        Code of the reader.

    Returns
    -------
    tuple of ReadingItem
        Session after session. In each session the arms are shared out evenly over the cases (a Latin square over
        sessions, its rows drawn for each reader), so that order and learning do not favor one arm.

    Notes
    -----
    Drawn by sorting by SHA-256 of seed, reader and case: NumPy does not promise the same stream in later versions, and
    a study must go on in the same order after an update.
    """

    def drawn(*words: object) -> str:
        return hashlib.sha256("\n".join(map(str, (seed, reader, *words))).encode()).hexdigest()

    def item(session: int, case: str, arm: Arm, repeat: bool) -> ReadingItem:
        return ReadingItem(drawn("code", session, case, arm.name)[:12], case, arm, session, repeat)

    arms = protocol.arms
    ranked = sorted(protocol.cases, key=lambda case: drawn("arm", case))
    items = [
        item(session, case, arms[(rank + session) % len(arms)], False)
        for session in range(len(arms))
        for rank, case in enumerate(ranked)
    ]
    again = sorted(protocol.cases, key=lambda case: drawn("repeat", case))[: protocol.repeats]
    items += [item(len(arms), case, arms[rank % len(arms)], True) for rank, case in enumerate(again)]
    return tuple(sorted(items, key=lambda i: (i.session, drawn("order", i.session, i.case))))
