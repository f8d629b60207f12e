"""Bodies as JSON, bounded: so many octets, so deep, and only what JSON means (RFC 8259)."""

import json
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MOST_BYTES = 1024 * 1024
MOST_LEVELS = 8  # of objects and lists in each other

_SURROGATE = re.compile("[\ud800-\udfff]")


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"a body has at most {MOST_BYTES} octets"


class BoundedJSON(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the value.  Raises TooLarge (413), ParseError (400)."""
        octets = stream.read(MOST_BYTES + 1)
        if len(octets) > MOST_BYTES:
            raise TooLarge
        return parsed(octets)


def parsed(octets: bytes) -> Any:
    """Return the value that the octets write.  Raises ParseError."""
    try:
        value = json.loads(
            octets.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_number,
        )
    except (ValueError, RecursionError):
        raise ParseError("the body is no JSON, or has a name twice") from None
    _refuse_odd(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return made


def _number(text: str) -> float:
    number = float(text)
    return number if abs(number) != float("inf") else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _refuse_odd(value: Any) -> None:
    """Raises ParseError for too many levels, and for text that is none: NUL, half a surrogate."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item, *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and ("\x00" in item or _SURROGATE.search(item)):
                raise ParseError("the body has text with NUL, or with half a surrogate pair")
        level = below
    if level:
        raise ParseError(f"the body has more than {MOST_LEVELS} levels")
