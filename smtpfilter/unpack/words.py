"""What may be a password among the words of a message: "the password is infected" (Z4)."""

import re
from collections.abc import Iterator, Sequence

from smtpfilter.unpack import charset

MOST_WORDS = 50
_SHOWN = 100_000  # octets of each text
_TAG = re.compile(r"<[^<>]{0,1000}>")
_ANNOUNCED = re.compile(
    r"(?:pass(?:w(?:or[dt])?|code|phrase)?|pwd?|kennwort|code|pin|key|clave|contrase\S{1,3}a|senha"
    r"|mot de passe|парол\w*|heslo|has\S{1,2}o|wachtwoord|salasana|lösenord)\b"
    r"\W{0,20}((?:\S{1,64}\s{0,3}){1,4})",
    re.IGNORECASE,
)
_WORD = re.compile(r"\S{1,64}")
_AROUND = "\"'`´“”„‘’«»()[]{}<>.,;:!?*_"


class Words:
    """Collects from the texts of one message, the best candidates first."""

    def __init__(self) -> None:
        self._announced: dict[str, None] = {}
        self._odd: dict[str, None] = {}
        self._plain: dict[str, None] = {}

    def see(self, text: bytes) -> None:
        """Take in a text that was found in the message."""
        shown = _TAG.sub(" ", charset.undeclared(text[:_SHOWN]))
        for found in _ANNOUNCED.finditer(shown):
            self._announced.update(dict.fromkeys(_words(found[1])))
        for word in _words(shown):
            few = self._plain if word.isalpha() else self._odd
            if len(few) < MOST_WORDS:
                few[word] = None

    def candidates(self) -> Sequence[str]:
        """Return what to try: what follows "password" or the like, odd words, then others."""
        return tuple(self._announced | self._odd | self._plain)[:MOST_WORDS]


def _words(text: str) -> Iterator[str]:
    """Yield each word as it stands and without the punctuation around it."""
    for found in _WORD.finditer(text):
        yield found[0]
        yield found[0].strip(_AROUND) or found[0]
