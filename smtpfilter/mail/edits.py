"""Header edits as values, and their application to the raw octets (T-5 to T-8, T-10).

What is not edited stays octet for octet, with two repairs: bare CR and whitespace-only continuation
lines are dropped from the header section, since programs disagree on what they mean.  Long lines
are left alone: cutting them would lose text and break signatures.  The body is never touched.
"""

import base64
import re
from dataclasses import dataclass

from smtpfilter.mail import words
from smtpfilter.mail.message import Field, Message

LONGEST_VALUE = 900  # octets
WIDTH = 78  # octets of a line that we fold, RFC 5322 2.1.1

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_LINE_END = re.compile(rb"\r?\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BLANK_CONTINUATION = re.compile(rb"(?<=\n)[ \t]+\r?\n")
_GOES_ON = re.compile(r"[\w.-]")
_SHORTEST_TAG_SOUGHT = 3  # a tag of one or two characters may well be part of a subject
_OCTETS_PER_WORD = 42  # of UTF-8, so that an encoded word has at most 75 characters (RFC 2047 2)


@dataclass(frozen=True, slots=True)
class Edits:
    """What a delivered copy gets.  Equal edits share one copy (O-3).

    `prepend`: fields as (name, unfolded value), in the order in which they stand, on top of the
    message.
    `remove`: lower-case names of fields of which every occurrence is removed.
    `remove_claims`: (lower-case name, words) of fields that are removed where the value begins with
    just these words: they claim to be ours.
    `subject_tag`: text put before the subject, "" for none.
    """

    prepend: tuple[tuple[str, str], ...] = ()
    remove: frozenset[str] = frozenset()
    remove_claims: frozenset[tuple[str, str]] = frozenset()
    subject_tag: str = ""


def edited_header(message: Message, edits: Edits) -> bytes:
    """Return the complete header section of the edited copy, with the empty line where the original
    has one.

    Our fields stand on top.  An mbox "From " line becomes a Mailbox-Line field, as Postfix does it:
    left as it is, it would end the header section for the next hop, now that it is no longer the
    first line.
    """
    kept = [field for field in message.fields if not _removed(field, edits)]
    subjects = [field for field in kept if field.key == "subject"]
    lines = [fold(name, value) for name, value in edits.prepend]
    if edits.subject_tag and not subjects:
        lines.append(
            b"Subject: " + _tag_octets(edits.subject_tag.strip(), before_word=False) + b"\r\n"
        )
    if message.mbox_line:
        lines.append(b"Mailbox-Line: " + repaired(message.mbox_line))
    for field in kept:
        raw = repaired(field.raw)
        lines.append(tagged(raw, edits.subject_tag) if field.key == "subject" else raw)
    return b"".join([*lines, _separator(message)])


def _separator(message: Message) -> bytes:
    """Return the empty line; one of ours where the body would else go on with our last field."""
    folded_body = message.stray_line[:1] in (b" ", b"\t")
    return b"\r\n" if folded_body else _BARE_CR.sub(b"", message.separator)


def header_value(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return `text` as it may stand in a header field: printable ASCII, at most `longest`
    characters (S2).
    """
    return _UNPRINTABLE.sub("?", text.replace("\r", " ").replace("\n", " "))[:longest].strip()


def fold(name: str, value: str) -> bytes:
    """Return the field in lines of at most 78 octets, broken only between words; longer words stay
    whole (T-6).
    """
    lines, line = [], f"{name}:"
    for word in value.split(" "):
        if len(line) + 1 + len(word) > WIDTH and line != f"{name}:":
            lines.append(line)
            line = f"\t{word}"
        else:
            line = f"{line} {word}"
    return "\r\n".join([*lines, line]).encode("ascii", "replace") + b"\r\n"


def repaired(raw: bytes) -> bytes:
    """Return a field without bare CR and whitespace-only continuation lines (T-10)."""
    return _BLANK_CONTINUATION.sub(b"", _BARE_CR.sub(b"", raw))


def tagged(raw: bytes, tag: str) -> bytes:
    """Return the Subject field with `tag` before its text; what follows is not decoded and encoded
    again (T-8, S1).

    A subject that has the tag already, in plain or encoded, stays as it is.
    """
    name, colon, rest = raw.partition(b":")
    rest = rest.lstrip(b" \t")
    sought = tag.strip()
    subject = words.decode(words.raw_text(_LINE_END.sub(b"", rest)))
    if not tag or (len(sought) >= _SHORTEST_TAG_SOUGHT and sought in subject):
        return raw
    return b"".join(_joined(name + colon + b" ", tag, rest))


def _joined(name: bytes, tag: str, rest: bytes) -> list[bytes]:
    """Return name, tag and old text, broken before the text where the line would get too long."""
    text = rest.strip()
    if not text:
        return [
            name,
            _tag_octets(tag.strip(), before_word=False),
            rest[len(rest.rstrip(b"\r\n")) :] or b"\r\n",
        ]
    before_word = text.startswith(b"=?")
    octets = _tag_octets(tag, before_word=before_word)
    first_line = rest.partition(b"\n")[0].rstrip(b"\r")
    if octets.endswith(b" ") and first_line and len(name + octets + first_line) > WIDTH:
        return [name, octets.rstrip(b" "), b"\r\n ", rest]
    return [name, octets, rest]


def _tag_octets(tag: str, *, before_word: bool) -> bytes:
    """Return the tag as octets, a blank at its end as one outside of encoded words.

    Blanks between two encoded words do not count (RFC 2047 6.2): before an encoded word ours are
    inside.
    """
    if tag.isascii():
        gap = " " if before_word and not tag.endswith(" ") else ""
        return f"{tag}{gap}".encode()
    text = tag if before_word else tag.rstrip(" ")
    return b" ".join(map(_encoded_word, _pieces(text))) + b" "


def _pieces(text: str) -> list[str]:
    """Return `text` in pieces that fit into an encoded word each."""
    pieces = [""]
    for character in text:
        if len((pieces[-1] + character).encode()) > _OCTETS_PER_WORD:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _encoded_word(text: str) -> bytes:
    return b"=?utf-8?b?" + base64.b64encode(text.encode()) + b"?="


def _removed(field: Field, edits: Edits) -> bool:
    if field.key in edits.remove:
        return True
    claims = [claim for name, claim in edits.remove_claims if name == field.key]
    return any(_begins(field.text.lower(), claim.lower()) for claim in claims)


def _begins(text: str, claim: str) -> bool:
    return text.startswith(claim) and not _GOES_ON.match(text[len(claim) : len(claim) + 1])
