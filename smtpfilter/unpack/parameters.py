"""The parameters of a Content-* field, forgiving as mail readers are, in linear time.

Source: RFC 2045 5.1, RFC 2231 3 and 4.
"""

import re
from collections.abc import Iterator, Sequence

Parameter = tuple[str, str]  # its name in lower case, its value without quotes

_PARAMETER = re.compile(
    r";\s*+(?P<name>[^\s=;]++)\s*+=\s*+(?P<value>\"(?:[^\"\\]|\\.)*+\"?|[^;]*)",
    re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(r"\\([\"\\])")  # not more: paths of Windows stand there unescaped
_SEGMENT = re.compile(r"(?P<name>[^*]+)\*(?P<number>[0-9]{1,4})\*?")


def parameters(value: str) -> Iterator[Parameter]:
    """Yield the parameters in order."""
    for match in _PARAMETER.finditer(value):
        text = match["value"]
        if text.startswith('"'):
            text = _ESCAPED.sub(r"\1", text[1:].removesuffix('"'))
        yield match["name"].lower(), text.strip(" \t")


def segments(found: Sequence[Parameter], wanted: str) -> list[tuple[int, str]]:
    """Return the numbered pieces of a parameter, `wanted*0`, `wanted*1*` ..., as they come."""
    matches = ((_SEGMENT.fullmatch(name), value) for name, value in found)
    return [(int(m["number"]), value) for m, value in matches if m and m["name"] == wanted]
