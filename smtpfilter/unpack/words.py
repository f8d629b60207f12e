"""What may be a password among the words of a message: "the password is infected" (Z4)."""

import re
from collections.abc import Iterator, Sequence
from typing import overload

from smtpfilter.unpack import charset

MOST_WORDS = 50
_SHOWN, _MOST_TEXTS = 100_000, 50  # octets of each text
_TAG = re.compile(r"<[^<>]{0,1000}>")
_ANNOUNCED = re.compile(
    r"(?:pass(?:w(?:or[dt])?|code|phrase)?|pwd?|kennwort|code|pin|key|clave|contrase\S{1,3}a|senha"
    r"|mot de passe|парол\w*|heslo|has\S{1,2}o|wachtwoord|salasana|lösenord)\b"
    r"\W{0,20}((?:\S{1,64}\s{0,3}){1,4})",
    re.IGNORECASE,
)
_WORD = re.compile(r"\S{1,64}")
_AROUND = "\"'`´“”„‘’«»()[]{}<>.,;:!?*_"


class Words(Sequence[str]):
    """Collects from the texts of one message, the best candidates first: what follows "password" or
    the like, odd words, then others.

    Texts are read when somebody wants a candidate: most mail holds nothing that is locked.
    """

    def __init__(self) -> None:
        self._unread: list[bytes] = []
        self._announced: dict[str, None] = {}
        self._odd: dict[str, None] = {}
        self._plain: dict[str, None] = {}

    def see(self, text: bytes) -> None:
        """Take in a text that was found in the message."""
        if len(self._unread) < _MOST_TEXTS:
            self._unread.append(text[:_SHOWN])

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self.candidates()[index]

    def __len__(self) -> int:
        return len(self.candidates())

    def candidates(self) -> Sequence[str]:
        """Return what to try."""
        while self._unread:
            self._read(self._unread.pop(0))
        return tuple(self._announced | self._odd | self._plain)[:MOST_WORDS]

    def _read(self, text: bytes) -> None:
        shown = _TAG.sub(" ", charset.undeclared(text))
        for found in _ANNOUNCED.finditer(shown):
            self._announced.update(dict.fromkeys(_words(found[1])))
        for word in _words(shown):
            few = self._plain if word.isalpha() else self._odd
            if len(few) < MOST_WORDS:
                few[word] = None


def _words(text: str) -> Iterator[str]:
    """Yield each word as it stands and without the punctuation around it."""
    for found in _WORD.finditer(text):
        yield found[0]
        yield found[0].strip(_AROUND) or found[0]
