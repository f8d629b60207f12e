"""Where the header section of an entity ends, and where other programs may take it to end.

Without an empty line the section ends at the first line that is neither a field nor a continuation
of one.  Line ends of all three kinds count, since lone CR and LF leave as CRLF.

Source: RFC 5322 2.1, 3.5; reliability M3 and M8.
"""

import re
from collections.abc import Iterator

from smtpfilter.mail.octets import Octets

LONGEST_HEADER = 1 << 20  # octets of one header section

_EMPTY_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_BLANK_LINE = re.compile(rb"(?<=[\r\n])[ \t\v\f]++(?>\r\n|\r|\n)")
# Atomic, not possessive groups: where their last round fails, those of Python 3.11.2 end too late.
_LINE = rb"[^\r\n]*+(?>\r\n|\r|\n|\Z)"
_FIELD_LINES = re.compile(
    rb"(?>(?:>*+From " + _LINE + rb")*)"  # of an mbox: nobody stumbles over it
    rb"(?>(?:[!-9;-~]{1,1000}[ \t]*:" + _LINE + rb"(?:[ \t]" + _LINE + rb")*)*)"
)


def header_end(octets: Octets, start: int, end: int) -> tuple[int, int]:
    """Return where the header section of the entity in octets[start:end] ends, and its body starts.

    Without an empty line the header ends at the first line that is no field.
    """
    if octets[start : start + 1] in (b"\r", b"\n"):
        first = octets[start : start + 2]
        return start, min(end, start + (2 if first == b"\r\n" else 1))
    limit = min(end, start + LONGEST_HEADER)
    match = _EMPTY_LINE.search(octets, start, limit)
    if match:
        return match.start(), match.end()
    stop = fields_end(octets, start, limit)
    return stop, stop


def other_ends(octets: Octets, start: int, header: int, body: int) -> Iterator[tuple[int, int]]:
    """Yield the ends that programs may see in the header section octets[start:header] as well."""
    stop = fields_end(octets, start, header)
    if stop < header:
        yield stop, stop
    blank = _BLANK_LINE.search(octets, start, header)
    if blank:
        yield blank.start(), blank.end()


def fields_end(octets: Octets, start: int, limit: int) -> int:
    """Return where the first line in octets[start:limit] is that is no field."""
    fields = _FIELD_LINES.match(octets, start, limit)
    return fields.end() if fields else start
