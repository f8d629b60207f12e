"""Header edits as values, and their application to the raw octets (T-5 to T-8, T-10).

What is not edited stays octet for octet, with two repairs: bare CR and whitespace-only continuation
lines are dropped from the header section, since programs disagree on what they mean.  Long lines
are left alone: cutting them would lose text and break signatures.  The body is never touched.
"""

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
_WORD = re.compile(r" *[^ ]+| +\Z")
_NAMED_RESULTS = re.compile(r"[^\s;=]+(\s+\d+)?\s*(;|\Z)")  # RFC 8601 2.2: authserv-id, version
_SHORTEST_TAG_SOUGHT = 3  # a tag of one or two characters may well be part of a subject


@dataclass(frozen=True, slots=True)
class Edits:
    """What a delivered copy gets.  Equal edits share one copy (O-3).

    `prepend`: fields as (name, unfolded value), in the order in which they stand, on top of the
    message.
    `remove`: lower-case names of fields of which every occurrence is removed; `remove_beginnings`:
    the same for all names that begin so.
    `remove_claims`: (lower-case name, lower-case words) of fields that are removed where the value
    begins with just these words: they claim to be ours.
    `remove_nameless`: Authentication-Results fields that do not say whose they are go, too.
    `subject_tag`: text put before the subject, "" for none.  `traced`: a Received field is added.
    """

    prepend: tuple[tuple[str, str], ...] = ()
    remove: frozenset[str] = frozenset()
    remove_beginnings: tuple[str, ...] = ()
    remove_claims: frozenset[tuple[str, str]] = frozenset()
    remove_nameless: bool = False
    subject_tag: str = ""
    traced: bool = True


def edited_header(message: Message, edits: Edits, trace: bytes = b"") -> bytes:
    """Return the complete header section of the edited copy, with the empty line where the original
    has one.

    Our fields stand on top, then a Subject where there was none, then `trace`, the Received field
    of this copy (T-5, T-9).  An mbox "From " line becomes a Mailbox-Line field, as Postfix does it:
    left as it is, it would end the header section for the next hop, now that it is no longer the
    first line.
    """
    kept = [field for field in message.fields if not _removed(field, edits)]
    lines = [fold(name, value) for name, value in edits.prepend]
    if edits.subject_tag and all(field.key != "subject" for field in kept):
        lines.append(tagged(b"Subject:\r\n", edits.subject_tag))
    if edits.traced:
        lines.append(trace)
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
    return _UNPRINTABLE.sub("?", re.sub(r"[\t\r\n]", " ", text))[:longest].strip()


def fold(name: str, value: str) -> bytes:
    """Return the field in lines of at most 78 octets, broken only between words; longer words stay
    whole (T-6).
    """
    lines = _wrapped(f"{name}:", f" {value}", "\t")
    return "\r\n".join(lines).encode("ascii", "replace") + b"\r\n"


def _wrapped(start: str, text: str, indent: str) -> list[str]:
    """Return `start` and `text` in lines of at most 78 characters: a blank becomes line end and
    `indent`, never before the first word, never so that a line would be blank.
    """
    lines, line = [], start
    for word in _WORD.findall(text):
        fits = len(line) + len(word) <= WIDTH or line == start or word.isspace()
        if fits:
            line += word
        else:
            lines.append(line)
            line = indent + word[1:]
    return [*lines, line]


def repaired(raw: bytes) -> bytes:
    """Return a field without bare CR and whitespace-only continuation lines (T-10)."""
    return _BLANK_CONTINUATION.sub(b"", _BARE_CR.sub(b"", raw))


def tagged(raw: bytes, tag: str) -> bytes:
    """Return the Subject field with `tag` before its text (T-8, S1).

    A subject that begins with the tag, in plain or encoded, stays as it is.  What follows the tag
    is not decoded and encoded again, unless the tag stands in the middle of it: then its copies
    there are taken out, so that a second scan does not stack them.
    """
    name, _, rest = raw.decode("latin-1").partition(":")
    text = rest.strip(" \t\r\n").encode("latin-1")
    end = raw[len(raw.rstrip(b"\r\n")) :]
    sought = tag.strip()
    subject = words.decode(words.raw_text(_LINE_END.sub(b"", text)))
    copies = subject.count(sought) if len(sought) >= _SHORTEST_TAG_SOUGHT else 0
    whole = len(text) <= words.LONGEST_TEXT  # a longer one was not read to its end
    if not sought or (subject.startswith(sought) and copies and (copies == 1 or not whole)):
        return raw
    if copies and whole:
        encoded = words.encode(tag + _without(subject, tag))
        return "\r\n".join(_wrapped(f"{name}:", f" {encoded}", " ")).encode() + end
    return _joined(f"{name}:", tag, text) + end


def _without(subject: str, tag: str) -> str:
    """Return `subject` without any copy of the tag, and on one line."""
    sought = tag.strip()
    copy = re.compile(re.escape(sought) + (" ?" if tag.endswith(" ") else ""))
    while sought in subject:  # what is left may be a copy again
        subject = copy.sub("", subject)
    return subject.replace("\t", " ").strip()


def _joined(name: str, tag: str, text: bytes) -> bytes:
    """Return name, tag and old text, broken before the text where the line would get too long."""
    before_word = text.startswith(b"=?")
    octets = _tag_octets(tag if text else tag.strip(), before_word=before_word)
    lines = _wrapped(name, f" {octets}", " ")
    first_line = text.partition(b"\n")[0].rstrip(b"\r")
    if not text:
        lines[-1] = lines[-1].rstrip(" ")
    elif lines[-1].endswith(" ") and len(lines[-1]) + len(first_line) > WIDTH:
        lines = [*lines[:-1], lines[-1].rstrip(" "), " "]
    return "\r\n".join(lines).encode() + text


def _tag_octets(tag: str, *, before_word: bool) -> str:
    """Return the tag as it stands in the field, a blank at its end as one outside of encoded words.

    Blanks between two encoded words do not count (RFC 2047 6.2): before an encoded word ours are
    inside.
    """
    if not words.needs_encoding(tag):
        gap = " " if before_word and not tag.endswith(" ") else ""
        return f"{tag}{gap}"
    return words.encoded_words(tag if before_word else tag.rstrip(" ")) + " "


def _removed(field: Field, edits: Edits) -> bool:
    if field.key in edits.remove or field.key.startswith(edits.remove_beginnings):
        return True
    claims = [claim for name, claim in edits.remove_claims if name == field.key]
    nameless = edits.remove_nameless and field.key == "authentication-results"
    if not (claims or nameless):
        return False
    text = words.bare(field.text).lower()
    if nameless and not _NAMED_RESULTS.match(text):
        return True
    return any(re.match(rf"{re.escape(claim)}\.?(?![\w.-])", text) for claim in claims)
