"""Mailbox files: the messages in them, each of which is looked into like any other.

Source: RFC 4155.
"""

import re
from collections.abc import Iterator

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget

_SEPARATOR = re.compile(rb"(?:\A|\n\r?\n)From \S+ [^\r\n]{0,80}\r?\n(?=[!-9;-~]+:)")


def mbox_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the messages, named by their number.  Raises Unlookable."""
    starts = [found.end() for found in _SEPARATOR.finditer(content)]
    ends = [found.start() for found in _SEPARATOR.finditer(content)][1:]
    for number, (start, end) in enumerate(zip(starts, [*ends, len(content)], strict=True), 1):
        budget.spend_part()
        budget.spend_bytes(end - start)
        yield Member((b"%d.eml" % number,), content[start:end])
