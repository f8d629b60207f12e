"""Identical content within a short time is scanned for viruses once.

A newsletter comes once per recipient, each copy with other trace and address fields.  The key is a
digest over all octets of a message but those fields, and over what was unpacked from it.  A field
is left out only where it is plain text in whole lines, none of them blank, so that nothing can hide
in it: to some programs a blank line ends the header section.
"""

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable

from smtpfilter.mail.message import Message, parse
from smtpfilter.mail.octets import chunks
from smtpfilter.ports.engines import Specimen, VirusScan
from smtpfilter.scan.content import opened
from smtpfilter.scan.wire import Clock

MOST_KEPT = 5000

MAY_DIFFER = frozenset(
    {
        "authentication-results",
        "date",
        "delivered-to",
        "dkim-signature",
        "message-id",
        "received",
        "received-spf",
        "return-path",
        "to",
        "x-original-to",
    }
)
_LONGEST_LEFT_OUT = 4000
_PLAIN = re.compile(rb"(?:[\t -~]|\r?\n(?=[ \t]++[!-~]|\Z))*")


class Memory:
    """Definite answers by content.  Safe for threads; bounded."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[float, VirusScan]] = OrderedDict()

    def recall(self, key: bytes, seconds: float) -> VirusScan | None:
        """Return the answer that was given at most `seconds` ago."""
        with self._lock:
            at, scan = self._kept.get(key, (0.0, None))
            return scan if scan and self._clock() - at < seconds else None

    def keep(self, key: bytes, scan: VirusScan) -> None:
        """Remember a definite answer; the oldest is forgotten where there are too many."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = self._clock(), scan
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def content_key(specimen: Specimen, asked: Iterable[str]) -> bytes:
    """Return the digest under which answers of these scanners are kept.  Raises ScannerFailed where
    an unpacked part is gone.
    """
    octets = specimen.mail.octets
    digest = hashlib.sha256()
    place = 0
    for start, end in (*_left_out(parse(octets)), (len(octets), len(octets))):
        for chunk in chunks(octets, place, start):
            digest.update(chunk)
        place = end
    for word in (*_unpacked(specimen), *asked):
        digest.update(b"\0" + word.encode("utf-8", "surrogateescape"))
    return digest.digest()


def _left_out(message: Message) -> list[tuple[int, int]]:
    return [
        (field.start, field.start + len(field.raw))
        for field in message.fields
        if field.key in MAY_DIFFER
        and len(field.raw) <= _LONGEST_LEFT_OUT
        and _PLAIN.fullmatch(field.raw)
    ]


def _unpacked(specimen: Specimen) -> Iterable[str]:
    """Yield each file's name and digest: unpacking may have ended early, looked deeper since, or
    read a field that is left out as a part of the content.
    """
    for file in specimen.files:
        with opened(file.path) as octets:
            yield f"{file.path.name} {hashlib.sha256(octets).hexdigest()} {file.hidden}"
