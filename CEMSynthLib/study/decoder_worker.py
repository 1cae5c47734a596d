"""Decoder worker: decodes the frames that come by standard input, in a process that a decoder may end.

Run by `CEMSynthLib.study.decoder_process` as a file, so it imports nothing of this package. A message is the length of
a JSON header (4 bytes, little endian), the header with the ``length`` of the data, and the data. The worker greets with
an empty message. A request has ``syntax``, ``plugin``, the frame's description, and the frame; its reply ``error``, or
``dtype`` and ``shape`` with the pixels.
"""

import json
import struct
import sys
import warnings
from typing import IO, Any


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Read a header and its bytes; ``None`` at the end of the stream."""
    start = stream.read(4)
    if len(start) < 4:
        return None
    header = stream.read(struct.unpack("<I", start)[0])
    try:
        content = json.loads(header)
        data = stream.read(content["length"])
    except ValueError:
        return None
    return (content, data) if len(data) == content["length"] else None


def write_message(stream: IO[bytes], content: dict[str, Any], data: bytes) -> None:
    """Write a header and its bytes."""
    header = json.dumps(content | {"length": len(data)}).encode()
    stream.write(struct.pack("<I", len(header)) + header + data)
    stream.flush()


def main() -> None:
    """Answer until standard input ends."""
    # pydicom 2 has none of them, and never starts this.
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    warnings.simplefilter("ignore")
    write_message(sys.stdout.buffer, {}, b"")
    while (request := read_message(sys.stdin.buffer)) is not None:
        content, frame = request
        decoder, plugin = get_decoder(UID(content.pop("syntax"))), content.pop("plugin")
        content.pop("length")
        try:
            pixels, _ = decoder.as_array(encapsulate([frame]), decoding_plugin=plugin, index=0, **content)
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, MemoryError, OSError) as error:
            write_message(sys.stdout.buffer, {"error": type(error).__name__}, b"")
        else:
            reply = {"dtype": pixels.dtype.str, "shape": pixels.shape}
            write_message(sys.stdout.buffer, reply, pixels.tobytes())


if __name__ == "__main__":
    main()
