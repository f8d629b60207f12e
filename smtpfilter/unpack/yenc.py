"""Files in yEnc, wherever they stand in a text (yEnc draft 1.3; M9).  Linear in its size."""

import re
from collections.abc import Iterator

_BEGIN = re.compile(
    rb"(?:\A|(?<=[\r\n]))=ybegin [^\r\n]*?\bname=(?P<name>[^\r\n]*+)[\r\n]++"
    rb"(?:=ypart [^\r\n]*+[\r\n]++)?"
)
_END = re.compile(rb"[\r\n]=yend\b")
_ESCAPE = re.compile(rb"=(.)", re.DOTALL)
_DECODED = bytes((octet - 42) & 0xFF for octet in range(256))


def yenc_files(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of every file between "=ybegin" and "=yend"."""
    begin = _BEGIN.search(octets)
    while begin:
        end = _END.search(octets, begin.end())
        stop = end.start() if end else len(octets)
        data = octets[begin.end() : stop].translate(None, b"\r\n")
        yield begin["name"].strip(), _ESCAPE.sub(_unescaped, data).translate(_DECODED)
        begin = _BEGIN.search(octets, stop)


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes([(match[1][0] - 64) & 0xFF])
