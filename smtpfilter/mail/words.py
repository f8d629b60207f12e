"""The texts of header fields: encoded words (RFC 2047), comments (RFC 5322 3.2.2) and mailbox lists
(3.4), read in linear time.

The standard library's readers raise, recurse or take quadratic time on hostile fields; these never
do.
"""

import base64
import re
from collections.abc import Iterator
from itertools import groupby

LONGEST_TEXT = 10000  # characters of a field that are decoded

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?)")
_ESCAPED = re.compile(rb"=([0-9A-Fa-f]{2})")
# Nothing else reaches Python's codecs: "zip", "rot13" and "idna" are codecs too.
_CHARSET = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-\d{1,2}|(windows|cp)-?\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030|big5(-hkscs)?"
    r"|shift[_-]jis|sjis|euc-(jp|kr)|iso-2022-(jp(-\d)?|kr)|ks_c_5601-1987|tis-620|mac-?roman|utf-16(le|be)?",
    re.I,
)
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|\\.|[(),;:<>]|[^"\\(),;:<>]+|\\', re.S)
_OUTSIDE = re.compile(r'"((?:[^"\\]|\\.)*)"?|\\.|\(|[^"(\\]+|\\', re.S)
_IN_COMMENT = re.compile(r"\\.|[()]|[^()\\]+|\\", re.S)
_PLAIN_WORD = re.compile(r" *[^ ]+| +\Z")
_OCTETS_PER_WORD = 42  # of UTF-8, so that an encoded word has at most 75 characters (RFC 2047 2)


def raw_text(octets: bytes) -> str:
    """Return octets of a header field as text: UTF-8, or Latin-1 where it is none."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def decode(text: str) -> str:
    """Return `text` with its encoded words decoded; what cannot be decoded stays as it is."""
    text = _BETWEEN_WORDS.sub("", text[:LONGEST_TEXT])
    pieces: list[str] = []
    position, pending, charset = 0, b"", ""
    for word in _WORD.finditer(text):
        joins = word.start() == position and word[1].lower() == charset
        if not joins:
            pieces += [_in_charset(pending, charset), text[position : word.start()]]
            pending = b""
        # A character may be split between words of one charset: join the octets first.
        pending, charset = pending + _octets(word), word[1].lower()
        position = word.end()
    return "".join([*pieces, _in_charset(pending, charset), text[position:]])


def needs_encoding(text: str) -> bool:
    """Tell whether `text` cannot stand in a header field as it is, or would be read as another."""
    return not (text.isascii() and text.isprintable()) or "=?" in text


def encode(text: str) -> str:
    """Return `text` with encoded words where it needs them; all others stay readable, and the
    blanks between them count.
    """
    runs = groupby(_PLAIN_WORD.findall(text), key=needs_encoding)
    return "".join(_encoded("".join(run)) if needed else "".join(run) for needed, run in runs)


def encoded_words(text: str) -> str:
    """Return `text` as encoded words in UTF-8, each of at most 75 characters."""
    pieces = [""]
    for character in text:
        if len((pieces[-1] + character).encode("utf-8", "replace")) > _OCTETS_PER_WORD:
            pieces.append("")
        pieces[-1] += character
    return " ".join(map(_encoded_word, pieces))


def bare(text: str) -> str:
    """Return the value of a structured field without comments and quotation marks, stripped."""
    pieces: list[str] = []
    depth = position = 0
    while token := (_IN_COMMENT if depth else _OUTSIDE).match(text, position):
        position = token.end()
        if token[0] == "(":
            depth += 1
        elif depth:
            depth -= token[0] == ")"
        else:
            pieces.append(re.sub(r"\\(.)", r"\1", token[0] if token[1] is None else token[1]))
    return "".join(pieces).strip()


def mailboxes(value: bytes) -> Iterator[bytes]:
    """Yield the addresses of a From field: what stands in angle brackets, else words with "@"
    outside comments and quotes.

    Tolerant: groups are opened, unclosed brackets and comments end with the field.  Of several
    brackets without a comma between them every address counts: readers differ in which one they
    show.
    """
    depth, angle = 0, False
    inside: list[bytes] = []
    closed: list[bytes] = []
    plain: list[bytes] = []
    for token in (match[0] for match in _TOKEN.finditer(value)):
        if token == b"(" and not angle:
            depth += 1
        elif token == b")" and depth:
            depth -= 1
        elif depth:
            continue
        elif token == b"<" and not angle:
            angle, inside = True, []
        elif token == b">" and angle:
            angle = False
            closed.append(b"".join(inside))
        elif token in (b",", b";") and not angle:
            yield from _mailbox(closed, plain)
            closed, plain = [], []
        elif token == b":" and not angle:
            plain = []
        elif angle:
            inside.append(token)
        elif not token.startswith(b'"'):
            plain.append(token)
    yield from _mailbox([*closed, b"".join(inside)] if angle else closed, plain)


def _encoded(run: str) -> str:
    """Return words that need encoding, the blanks before them outside."""
    inner = run.lstrip(" ")
    return run[: len(run) - len(inner)] + encoded_words(inner)


def _encoded_word(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode('utf-8', 'replace')).decode()}?="


def _mailbox(in_brackets: list[bytes], plain: list[bytes]) -> Iterator[bytes]:
    if any(in_brackets):
        found = [address.strip() for address in in_brackets]
    else:
        pieces = b"".join(plain).split()
        found = [b"".join(pieces)] if b"@" in pieces else pieces
    yield from (mailbox for mailbox in found if b"@" in mailbox)


def _octets(word: re.Match[str]) -> bytes:
    payload = word[3].encode("utf-8", "replace")
    if word[2] in "qQ":
        return _ESCAPED.sub(
            lambda found: bytes.fromhex(found[1].decode()), payload.replace(b"_", b" ")
        )
    payload = re.sub(rb"[^A-Za-z0-9+/]", b"", payload)
    payload = payload[: len(payload) - (len(payload) % 4 == 1)]
    return base64.b64decode(payload + b"=" * (-len(payload) % 4))


def _in_charset(octets: bytes, charset: str) -> str:
    name = charset.partition("*")[0]  # RFC 2231 5: a language may follow
    if not _CHARSET.fullmatch(name):
        return raw_text(octets)
    try:
        return octets.decode(name, "replace")
    except (LookupError, UnicodeError):
        return raw_text(octets)
