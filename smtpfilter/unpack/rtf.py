"""Objects embedded in RTF: packaged files, documents, and what is hidden as one.

Runs in a child process only.  Source: RTF 1.9.1 "Objects", [MS-OLEDS] 2.2.5; oletools knows the
tricks by which the hexadecimal digits are hidden from anything but Word.
"""

import re
from collections.abc import Iterator

from oletools.rtfobj import Destination, RtfObject, RtfObjParser

from smtpfilter.unpack.archives import Member
from smtpfilter.unpack.limits import Budget, Unlookable

_STEPS_BETWEEN_LOOKS = 1000
_MOST_COPIED = 4 << 30  # octets: the parser copies an object's digits with each piece of them
_VERSION_AND_FORMAT = 8  # octets
_LINKED, _EMBEDDED = 1, 2  # format
_LONGEST_NAME = 1000  # octets: more is no header


class _Parser(RtfObjParser):  # type: ignore[misc]
    """Looks at the clock, and at what it costs, while it parses."""

    def __init__(self, content: bytes, budget: Budget) -> None:
        super().__init__(content)
        self._budget = budget
        self._steps = 0
        self._copied = 0

    def open_destination(self, destination: Destination) -> None:
        self._step()

    def control_word(self, matchobject: re.Match[bytes], cword: bytes, param: object) -> None:
        self._step()

    def control_symbol(self, matchobject: re.Match[bytes]) -> None:
        self._step(copies=10)  # it looks at each digit again
        super().control_symbol(matchobject)

    def _text(self, matchobject: re.Match[bytes]) -> None:
        """Keep the text of objects only: the parser copies all that it has for each piece."""
        if self.current_destination.cword == b"objdata":
            super()._text(matchobject)
        self._step()

    def _step(self, copies: int = 1) -> None:
        self._steps += 1
        if self.current_destination.cword == b"objdata":
            self._copied += copies * len(self.current_destination.data)
        if self._copied > _MOST_COPIED:
            raise Unlookable("limits", "its RTF is in too many pieces")
        if self._steps % _STEPS_BETWEEN_LOOKS == 0:
            self._budget.spend_bytes(0)


def rtf_members(content: bytes, budget: Budget) -> Iterator[Member]:
    """Yield the embedded objects.  Raises Unlookable."""
    if b"objdata" not in content:
        return
    parser = _Parser(content, budget)
    try:
        parser.parse()
    except (Unlookable, MemoryError):
        raise
    except Exception as error:  # the parser trips over damage in many ways
        raise Unlookable("undecodable", "its RTF structure is damaged") from error
    for embedded in parser.objects:
        budget.spend_part()
        member = _member(embedded)
        budget.spend_bytes(len(member.content or b""))
        yield member


def _member(embedded: RtfObject) -> Member:
    """Return the file in a package, else the object's data, else all that the digits say."""
    if embedded.is_package and embedded.olepkgdata:
        names = (embedded.filename, embedded.src_path, embedded.temp_path)
        return Member(tuple(_octets(name) for name in names if name), embedded.olepkgdata)
    if embedded.is_ole and embedded.oledata:
        return Member((), embedded.oledata)
    return Member((), _behind_header(embedded.rawdata or b""))


def _behind_header(octets: bytes) -> bytes:
    """Return an object's data where its header lies about the size ([MS-OLEDS] 2.2.4, 2.2.5)."""
    if int.from_bytes(octets[4:8], "little") not in (_LINKED, _EMBEDDED):
        return octets
    position = _VERSION_AND_FORMAT
    for _name in ("class", "topic", "item"):
        length = int.from_bytes(octets[position : position + 4], "little")
        if length > _LONGEST_NAME:
            return octets
        position += 4 + length
    return octets[position + 4 :] or octets


def _octets(name: str | bytes) -> bytes:
    return name.encode("utf-8", "replace") if isinstance(name, str) else name
