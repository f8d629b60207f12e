"""Zip files in every plausible reading: their directory and their members' own headers may differ.

Programs disagree on which of the two counts, and virus scanners were fooled that way
(CVE-2004-1096).  So a member goes by all names that either gives it, what the directory leaves
out is read as well, and so is what only claims to be encrypted (reliability Z3).
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace

from smtpfilter.unpack.archives import (
    DAMAGED,
    ENCRYPTED,
    ZIP,
    ZIP_STREAM,
    Member,
    Problem,
    members,
)
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.zipentry import (
    LOCAL,
    Entry,
    Names,
    aliases,
    directory,
    folder_with_content,
    name_of,
    password_for,
    plain,
    read_anyway,
    starts_encrypted,
)

LEFT_OUT: Problem = ("ambiguous", "the zip file's directory leaves it out")
_END = b"PK\x05\x06"
_END_ZONE = 66_000  # octets: the end record, its longest comment and a little junk


def hides_zip(content: bytes) -> bool:
    """Tell whether a zip file hangs behind something else: self-extractors, polyglots."""
    end = content.rfind(_END, max(0, len(content) - _END_ZONE))
    return end > 0 and content.find(LOCAL, 0, end) > 0


def is_empty_zip(content: bytes) -> bool:
    """Is it a zip file that nothing was put into?"""
    return content.startswith(_END) and LOCAL not in content


def zip_members(content: bytes, budget: Budget, passwords: Sequence[str] = ()) -> Iterator[Member]:
    """Yield the members by the directory first, then those that only a reader of streams finds.

    Raises Unlookable, after all that could be found, where the directory cannot be read.
    """
    entries = directory(content, budget)
    known = aliases(content, entries)
    seen: Counter[bytes] = Counter()
    broken: Unlookable | None = None
    try:
        for member in _by_directory(content, entries, budget, passwords):
            yield _known_as(member, known, seen)
    except Unlookable as reason:
        if reason.kind == "limits":
            raise
        broken = reason
    start = content.find(LOCAL)
    if start >= 0:
        for member in _left_out(content[start:], budget.container(), seen):
            yield replace(member, problem=member.problem or (None if broken else LEFT_OUT))
    if broken and broken.kind != "encrypted" and starts_encrypted(content):
        raise Unlookable("encrypted", "its list of members is encrypted") from broken
    if broken:
        raise broken


def _by_directory(
    content: bytes, entries: Sequence[Entry], budget: Budget, passwords: Sequence[str]
) -> Iterator[Member]:
    """Yield what libarchive finds, and what it cannot read but other programs can."""
    by_name = {plain(name_of(entry)): entry for entry in entries}
    password = password_for(content, entries, passwords, budget)
    for member in members(content, ZIP, budget, passwords=[password] if password else ()):
        entry = by_name.get(plain(member.names[0]))
        if entry and member.problem in (ENCRYPTED, DAMAGED):
            yield read_anyway(content, entry, member, budget)
        else:
            yield member
    for entry in entries:
        if entry.is_dir() and entry.compress_size:
            member_or_none = folder_with_content(content, entry, budget)
            if member_or_none:
                yield member_or_none


def _left_out(content: bytes, budget: Budget, seen: Counter[bytes]) -> Iterator[Member]:
    """Yield the members whose names a reader of streams finds more often than they were `seen`."""
    streamed: Counter[bytes] = Counter()

    def count(name: bytes) -> bool:
        if not name.endswith(b"/"):
            streamed[plain(name)] += 1
        return False

    with suppress(Unlookable):
        deque(members(content, ZIP_STREAM, copy(budget), count), maxlen=0)
    more = {name for name, times in streamed.items() if times > seen[name]}
    if more:
        try:
            yield from members(content, ZIP_STREAM, budget, lambda name: plain(name) in more)
        except Unlookable as reason:
            if reason.kind == "limits":
                raise


def _known_as(member: Member, known: Mapping[bytes, Names], seen: Counter[bytes]) -> Member:
    """Return the member with all its names, which are `seen` from now on."""
    names = tuple(
        dict.fromkeys(
            alias for name in member.names for alias in (name, *known.get(plain(name), ()))
        )
    )
    seen.update(plain(name) for name in names)
    return replace(member, names=names)
