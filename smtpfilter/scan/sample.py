"""What spam engines see of a message (S-2, S-3): all of a small one, the beginning of a large one.

They cost CPU by the kilobyte, so that of a large message the header section (64 KiB) and the first
200 KiB of the body are shown.  What they see always ends in LF: spamd reads by line and would wait
for the end of the last one.
"""

import re
from dataclasses import dataclass, replace

from smtpfilter.mail.address import Address
from smtpfilter.mail.findings import Rule, SpamReport
from smtpfilter.mail.octets import Octets

HEADER_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 200 * 1024
TOLERANCE_BYTES = 5 * 1024  # a message that is hardly over the limit is not worth a cut
LONGEST_LINE_BYTES = 8 * 1024  # a longer one is cut in the middle
TRUNCATED = "__TRUNCATED"  # the pseudo rule of amavisd-new (S-3)

_HEADER_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")


@dataclass(frozen=True, slots=True)
class Sample:
    octets: bytes
    truncated: bool


def sample(
    octets: Octets, sender: Address | None = None, body_bytes: int = BODY_LIMIT_BYTES
) -> Sample:
    """Return what is shown of the message, of its body hardly more than `body_bytes`; with `sender`
    a Return-Path field stands on top (S-2).

    SpamAssassin takes the envelope sender from it, and nothing else; a message that begins with a
    continuation line, which would become part of that field, goes without.
    """
    shown, truncated = _beginning(octets, body_bytes)
    if sender is not None and shown[:1] not in (b" ", b"\t"):
        shown = b"Return-Path: <" + sender.octets + b">" + _line_end(shown) + shown
    if not shown.endswith(b"\n"):
        shown += _line_end(shown)
    return Sample(shown, truncated)


def mark_truncated(report: SpamReport, shown: Sample) -> SpamReport:
    """Return the report of a scan, which tells where not all was shown."""
    if not shown.truncated:
        return report
    mark = Rule(TRUNCATED, 0.0, f"Only the first {len(shown.octets)} octets were looked at")
    return replace(report, rules=(*report.rules, mark))


def _beginning(octets: Octets, body_bytes: int) -> tuple[bytes, bool]:
    end = _HEADER_END.search(octets, 0, HEADER_LIMIT_BYTES)
    limit = (end.end() if end else HEADER_LIMIT_BYTES) + body_bytes
    if len(octets) <= limit + TOLERANCE_BYTES:
        return octets[:], False
    shortest = limit - min(LONGEST_LINE_BYTES, body_bytes)
    cut = octets.rfind(b"\n", shortest, limit) + 1
    return octets[: cut or limit], True


def _line_end(octets: bytes) -> bytes:
    """Return the line end that the message itself uses, so that it stays all of one kind."""
    first = octets.find(b"\n")
    return b"\n" if first >= 0 and octets[first - 1 : first] != b"\r" else b"\r\n"
