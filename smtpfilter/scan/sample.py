"""What SpamAssassin sees of a message (S-2, S-3): all of a small one, the beginning of a large one.

It costs CPU by the kilobyte, so that of a large message the header section (64 KiB) and the first
200 KiB of the body are shown.  What it sees always ends in LF: spamd reads by line and would wait
for the end of the last one.
"""

import re
from dataclasses import dataclass

from smtpfilter.mail.address import Address
from smtpfilter.mail.octets import Octets

HEADER_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 200 * 1024
TOLERANCE_BYTES = 5 * 1024  # a message that is hardly over the limit is not worth a cut
LONGEST_LINE_BYTES = 8 * 1024  # a longer one is cut in the middle

_HEADER_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")


@dataclass(frozen=True, slots=True)
class Sample:
    octets: bytes
    truncated: bool


def sample(octets: Octets, sender: Address | None = None) -> Sample:
    """Return what is shown of the message; with `sender` a Return-Path field stands on top (S-2).

    SpamAssassin takes the envelope sender from it, and nothing else; a message that begins with a
    continuation line, which would become part of that field, goes without.
    """
    shown, truncated = _beginning(octets)
    if sender is not None and shown[:1] not in (b" ", b"\t"):
        shown = b"Return-Path: <" + sender.octets + b">" + _line_end(shown) + shown
    if not shown.endswith(b"\n"):
        shown += _line_end(shown)
    return Sample(shown, truncated)


def _beginning(octets: Octets) -> tuple[bytes, bool]:
    end = _HEADER_END.search(octets, 0, HEADER_LIMIT_BYTES)
    limit = (end.end() if end else HEADER_LIMIT_BYTES) + BODY_LIMIT_BYTES
    if len(octets) <= limit + TOLERANCE_BYTES:
        return octets[:], False
    cut = octets.rfind(b"\n", limit - LONGEST_LINE_BYTES, limit) + 1
    return octets[: cut or limit], True


def _line_end(octets: bytes) -> bytes:
    """Return the line end that the message itself uses, so that it stays all of one kind."""
    first = octets.find(b"\n")
    return b"\n" if first >= 0 and octets[first - 1 : first] != b"\r" else b"\r\n"
