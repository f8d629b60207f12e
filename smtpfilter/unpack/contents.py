"""Decoded contents: typed, opened where they are containers, and listed as parts.

A container that yields members is judged through them (B-1): each member stands under the names and
types of all that it was packed in (B-6).  Trouble with one container is told as unchecked, and what
stands beside it is still looked into (X-2, X-3).  Leaves are kept as files for virus scanners.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smtpfilter.mail.findings import Part, Unchecked, UncheckedKind, visible
from smtpfilter.unpack import charset
from smtpfilter.unpack.active import active_types
from smtpfilter.unpack.archives import ENCRYPTED, Member, text
from smtpfilter.unpack.containers import (
    is_message,
    open_container,
    stands_for_itself,
    unreadable_container,
)
from smtpfilter.unpack.encryption import encrypted_with
from smtpfilter.unpack.files import PartFiles
from smtpfilter.unpack.filetype import short_types
from smtpfilter.unpack.limits import Budget, Unlookable
from smtpfilter.unpack.names import name_forms
from smtpfilter.unpack.pgp import is_open
from smtpfilter.unpack.smime import is_entity, signed_message
from smtpfilter.unpack.textual import finds
from smtpfilter.unpack.words import Words

UNDECIPHERABLE = "UNDECIPHERABLE"  # B-2, B-8: what ban rules see of an encrypted member
_LOCKED = (".encrypted", UNDECIPHERABLE)  # as a short type as well
_READ_BY_THEMSELVES = frozenset({".pdf", ".rtf"})  # texts whose own readers undo their encodings
_TEXTS = frozenset({".asc", ".txt", ".html"})  # in which a password may be told (Z4)
_JUST_TEXT = frozenset({"asc", "txt", "dat", "empty"})
_MOST_UNCHECKED = 100  # remarks on one message
_MOST_CHARACTERS = 4_000_000  # in the nodes of all parts: they are recorded with every message

Node = tuple[str, ...]

_SCRIPT, _TEXT = ".sh", ".txt"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the tree: numbers from the root, and the strings of everything around.

    `level`: of containers within each other; multiparts are none.  `hidden`: who is given the raw
    message may not find it there.  `guess`: it only may be there, so that nothing is missed where
    it cannot be read.
    """

    path: str
    ancestors: tuple[Node, ...] = ()
    level: int = 1
    hidden: bool = False
    guess: bool = False

    def inner(self, number: int, node: Node, *, guess: bool = False) -> "Place":
        """Return the place of the `number`th thing in the one that stands here."""
        guess = self.guess or guess
        return Place(f"{self.path}.{number}", (*self.ancestors, node), self.level + 1, True, guess)


class Contents:
    """Collects the parts of one message; `parts` and `unchecked` hold what was found so far.

    `message` is called for a message that was packed into something.  `files` takes the leaves,
    None where nobody wants them.
    """

    def __init__(
        self,
        budget: Budget,
        message: Callable[[bytes, Place], None],
        files: PartFiles | None = None,
    ) -> None:
        self.parts: list[Part] = []
        self.unchecked: list[Unchecked] = []
        self._characters = 0
        self._budget = budget
        self._message = message
        self._files = files
        self._words = Words()
        self._seen: set[tuple[bytes, Node]] = set()

    def add(self, content: bytes, place: Place, mime_types: Node, names: Node) -> None:
        """List `content` as a part, or as the parts that it is a container of.

        What is guessed, and was seen before under the same names, is not listed again.
        """
        digest = hashlib.sha256(content)
        seen = (digest.digest(), names)
        if place.guess and seen in self._seen:
            return
        self._seen.add(seen)
        real = tuple(f".{short}" for short in short_types(content))
        if not names and mime_types[:1] == ("text/plain",):
            real = _without_script(real)
        types = (*real, *active_types(content, real, names))
        node = joined(mime_types, types, names)
        cipher = encrypted_with(content, types)
        if cipher:
            self._remark_on(place, "encrypted", cipher)
        if _TEXTS.intersection(types):
            self._words.see(content)
        before, remarks = len(self.parts), len(self.unchecked)
        undecipherable = self._look_into(content, place, node, types, names) or cipher
        opened = len(self.parts) > before
        if unreadable := unreadable_container(types, names, opened):
            self._remark_on(place, "undecodable", unreadable)
        if opened and not stands_for_itself(types) and len(self.unchecked) == remarks:
            return
        self._keep(content, place)
        if opened and not stands_for_itself(types):
            return
        part = Part(
            path=place.path,
            nodes=(*place.ancestors, (*node, *_LOCKED) if undecipherable else node),
            name=names[0] if names else "",
            mime_type=mime_types[0] if mime_types else "",
            size_bytes=len(content),
            sha256=digest.hexdigest(),
            short_types=types,
        )
        self._list(part, before)

    def add_guess(self, content: bytes, place: Place, mime_types: Node = ()) -> None:
        """Add a content that only may be one: what is just text is no part, but looked into."""
        wraps = is_open(content) or signed_message(content)
        if short_types(content)[0] in _JUST_TEXT and not wraps:
            self._keep(content, place)
            self._add_finds(content, place, (), self._budget.container())
        else:
            self.add(content, place, mime_types, ())

    def remark(self, kind: UncheckedKind, words: str) -> None:
        """Tell of something that could not be looked into, once; no kind is crowded out."""
        remark = Unchecked(kind, visible(words))
        room = len(self.unchecked) < _MOST_UNCHECKED
        if remark not in self.unchecked and (room or all(kind != r.kind for r in self.unchecked)):
            self.unchecked.append(remark)

    def _look_into(
        self, content: bytes, place: Place, node: Node, types: Node, names: Node
    ) -> bool:
        """Add what is packed in `content`.  True: something is, but it is encrypted."""
        message = content if is_message(types, names) else signed_message(content)
        if message:
            if not self._too_deep(place):
                self._message(message, place.inner(1, node))
                if message is not content and not is_entity(message):
                    self.add_guess(message, place.inner(2, node, guess=True))
            return False
        budget = self._budget.container()
        found = open_container(content, types, names, budget, self._words)
        encrypted = False
        if found is not None and not self._too_deep(place):
            encrypted = self._add_members(found, place, node)
        if stands_for_itself(types) and _READ_BY_THEMSELVES.isdisjoint(types):
            self._add_finds(content, place, node, budget)
        return encrypted

    def _too_deep(self, place: Place) -> bool:
        levels = self._budget.limits.levels
        if place.level >= levels:
            self.remark("limits", f"nested deeper than {levels} levels")
            return True
        return False

    def _add_finds(self, text: bytes, place: Place, node: Node, budget: Budget) -> None:
        """Add the files that are written into a text."""
        try:
            for number, find in enumerate(finds(text, budget), start=1):
                if self._too_deep(place):
                    return
                inner = place.inner(number, node, guess=find.guess)
                if find.guess:
                    self.add_guess(find.content, inner, joined((find.mime_type,), (), ()))
                else:
                    names = name_forms([charset.undeclared(find.name)])
                    self.add(find.content, inner, (), names)
        except Unlookable as reason:
            self._remark_on(place, reason.kind, str(reason))

    def _add_members(self, found: Iterator[Member], place: Place, node: Node) -> bool:
        try:
            for number, member in enumerate(found, start=1):
                self._add_member(member, place.inner(number, node))
        except Unlookable as reason:
            self._remark_on(place, reason.kind, str(reason))
            return reason.kind == "encrypted"
        except MemoryError:
            self._remark_on(place, "limits", "unpacking it takes too much memory")
        return False

    def _add_member(self, member: Member, place: Place) -> None:
        names = name_forms(map(text, member.names))
        if member.problem:
            self._remark_on(place, *member.problem)
        if member.content is not None:
            self.add(member.content, place, (), names)
            return
        encrypted = member.problem == ENCRYPTED
        node = (*names, *_LOCKED) if encrypted else names
        part = Part(place.path, (*place.ancestors, node), "".join(names[:1]), "", 0)
        self._list(part, len(self.parts))

    def _keep(self, content: bytes, place: Place) -> None:
        if self._files is not None:
            self._files.keep(content, hidden=place.hidden)

    def _list(self, part: Part, position: int) -> None:
        self._characters += sum(len(string) for node in part.nodes for string in node)
        if self._characters > _MOST_CHARACTERS:
            raise Unlookable("limits", "the names of its parts are too long")
        self.parts.insert(position, part)

    def _remark_on(self, place: Place, kind: UncheckedKind, words: str) -> None:
        if not (place.guess and kind == "undecodable"):
            self.remark(kind, f"part {place.path}: {words}")


def _without_script(types: Node) -> Node:
    """Return the types of a mail's own text: nobody runs it, whatever its first line is."""
    return tuple(short for short in types if short != _SCRIPT) or (_TEXT,)


def joined(mime_types: Node, types: Node, names: Node) -> Node:
    """Return the strings of a node in the order of B-2, each once."""
    return tuple(dict.fromkeys(one for one in (*mime_types, *types, *names) if one))
