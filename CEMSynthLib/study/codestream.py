"""Codestream: rows and columns that a compressed frame itself announces, before a decoder gives it memory."""

import struct

# Start-of-frame markers of JPEG (ITU-T T.81, table B.1, without DHT, JPG, DAC) and of JPEG-LS (T.87).
_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
# SOC and SIZ of JPEG 2000 and HTJ2K (T.800, A.5.1); they may be wrapped in the boxes of a JP2 file.
_SIZ = b"\xff\x4f\xff\x51"
_SEARCHED = 4096


def announced_shape(frame: bytes) -> tuple[int, int] | None:
    """Read rows and columns of one compressed frame.

    Parameters
    ----------
    frame
        JPEG, JPEG-LS, JPEG 2000 or HTJ2K, as one piece.

    Returns
    -------
    tuple of int or None
        Rows, columns; ``None`` where the frame is none of these or damaged.
    """
    start = frame.find(_SIZ, 0, _SEARCHED)
    if start >= 0:
        part = frame[start + 8 : start + 24]
        if len(part) < 16:
            return None
        right, lower, left, upper = struct.unpack(">4I", part)
        return lower - upper, right - left
    if frame[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(frame):
        if frame[place] != 0xFF:
            return None
        marker = frame[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker in _STANDALONE:
            place += 2
        elif marker in _START_OF_FRAME:
            rows, columns = struct.unpack(">2H", frame[place + 5 : place + 9])
            return rows, columns
        else:
            place += 2 + int(struct.unpack(">H", frame[place + 2 : place + 4])[0])
    return None
