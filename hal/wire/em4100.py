"""Tags of 125 kHz as readers of the kind of the RDM6300 send them, unasked.

``02 | ten hex digits: version and number | two hex digits: checksum | 03``; the
checksum is the exclusive or of the five bytes. There is no pause and no line end
between two of them.
"""

import re
from functools import reduce
from operator import xor
from typing import Final

SIZE: Final = 14
_FRAME: Final = re.compile(rb"\x02([0-9A-Fa-f]{12})\x03")


def encode(tag: bytes) -> bytes:
    """Return what a reader sends of a tag of five bytes."""
    body = tag + bytes((reduce(xor, tag),))
    return b"\x02" + body.hex().upper().encode() + b"\x03"


def decode(octets: bytes) -> tuple[list[bytes], bytes]:
    """Return the tags in what was heard, and what may be the beginning of another.

    What has a wrong checksum, or is no frame, is left out: a reader that has no way
    to say "again" says it again by itself.
    """
    tags = []
    end = 0
    for found in _FRAME.finditer(octets):
        end = found.end()
        body = bytes.fromhex(found[1].decode())
        if reduce(xor, body) == 0:
            tags.append(body[:-1])
    return tags, octets[end:][-(SIZE - 1) :]
