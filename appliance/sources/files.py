"""Files of keys, as amavisd's read_hash and Postfix's tables have them.

A line is a key and, after blanks, a value; "#" begins a comment but for one in double quotes; a key
without a value is true.  What the keys are about is told apart from the file:

    local_domains           the site's domains, as shared with Postfix
    allow, block            senders; a value that is false excepts one (K-3: the closest key counts)
    score                   senders with their points
    a field's name          keys of recipients with the value of this field
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.domains.names import domain_name, printed_key, printed_sender
from appliance.errors import Refused
from appliance.policies.senders import parse_action
from appliance.sources.rows import Rows, merged
from appliance.sources.values import is_true, leading_number, typed_value
from smtpfilter.mail.findings import visible
from smtpfilter.policy.settings import FIELDS

LOCAL_DOMAINS, SCORE = "local_domains", "score"
LISTS = ("allow", "block", SCORE)
HOLDS = (LOCAL_DOMAINS, *LISTS, *FIELDS)

LONGEST_FILE_BYTES = 16 << 20

_WORD = re.compile(r'"(?:\\.|[^"\\])*"|[^#" \t]+|[ \t]+|.', re.S)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its number, its key and its value, "1" where it has none."""

    line: int
    key: str
    value: str


def read_rows(path: str, holds: str, key: str) -> tuple[Rows, list[str]]:
    """Return the rows that a file says, and a sentence for each line that cannot be read.

    `key`: for whose mail senders are listed.  Raises Refused where the file cannot be read whole.
    """
    parts, problems = [], []
    make = _maker(holds, key)
    for entry in entries(_text(Path(path))):
        try:
            parts.append(make(entry))
        except Refused as refused:
            problems.append(f"line {entry.line}: {visible(str(refused), 200)}")
    return merged(reversed(parts)), problems  # of a key that comes twice the last counts


def entries(text: str) -> Iterator[Entry]:
    """Yield the entries of a file's text."""
    for number, line in enumerate(text.split("\n"), 1):
        key, value = _split(line.removesuffix("\r"))
        if key or value:
            yield Entry(number, key, value or "1")


def _split(line: str) -> tuple[str, str]:
    sides, right = ["", ""], False
    for word in _WORD.findall(line):
        if word == "#":
            break
        if not right and word.isspace():
            right = True
        else:
            sides[right] += word
    return sides[0], sides[1].rstrip()


def _text(path: Path) -> str:
    """Return what the file holds.  Raises Refused, also where it changes while it is read."""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            octets = file.read(LONGEST_FILE_BYTES + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    if len(octets) > LONGEST_FILE_BYTES:
        raise Refused(f"{path} is larger than {LONGEST_FILE_BYTES >> 20} MiB")
    if (before.st_size, before.st_mtime_ns) != (len(octets), after.st_mtime_ns):
        raise Refused(f"{path} was changed while it was read: try again")
    return octets.decode("utf-8", "surrogateescape")


def _maker(holds: str, key: str) -> Callable[[Entry], Rows]:
    """Return what makes a row of an entry; it raises Refused."""
    if holds == LOCAL_DOMAINS:
        return _domain
    if holds in LISTS:
        return lambda entry: _sender(entry, holds, key)
    return lambda entry: Rows(layers={_key(entry): {holds: typed_value(holds, entry.value)}})


def _domain(entry: Entry) -> Rows:
    if not is_true(entry.value):
        raise Refused(f"{entry.key} is excepted, which local domains cannot be")
    return Rows(domains=frozenset({domain_name(_key(entry))}))


def _sender(entry: Entry, holds: str, key: str) -> Rows:
    if holds == SCORE:
        effect = parse_action(leading_number(entry.value))
    else:
        effect = parse_action(holds if is_true(entry.value) else "0")
    return Rows(senders={(key, printed_sender(_key(entry))): (str(effect[0]), effect[1])})


def _key(entry: Entry) -> str:
    """Return the key as written; one that begins with a blank belongs to another line, as Postfix
    reads it.
    """
    if not entry.key:
        raise Refused("the line begins with a blank")
    return entry.key if entry.key == "<>" else printed_key(entry.key)
