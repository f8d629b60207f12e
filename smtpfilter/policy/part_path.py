"""The path of a part as one text, for ban rules that look at all of it at once (B-7).

One line for each node, the message first and the part itself last; in a line fields behind tabs:

    P=1.2  L=1/2  M=application/zip  T=zip  N=a.zip
    P=1.2.1  L=1/2/1  M=application/octet-stream  T=exe  T=exe-ms  N=x.exe  A=U

P and L say where it lies, M and T are MIME types and short types, N names, A=U stands where it
could not be looked into.
"""

import re

from smtpfilter.mail.findings import Part

UNDECIPHERABLE = "UNDECIPHERABLE"  # the mark of such a node (B-2)
LONGEST_NAME = 1000  # characters; of a longer one the end counts, where the extension stands

_MIME_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+", re.ASCII)
_BETWEEN = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")  # what would begin a field or line


def described(part: Part) -> str:
    """Return the text that path rules of B-7 are tried on."""
    places = part.path.split(".")
    return "\n".join(_line(places[:depth], node) for depth, node in enumerate(part.nodes, start=1))


def _line(places: list[str], node: tuple[str, ...]) -> str:
    """Return one node's line.  Its strings come in the order of B-2: MIME types, short types,
    names.
    """
    fields = [f"P={'.'.join(places)}", f"L={'/'.join(places)}"]
    letters = "MTN"
    for string in node:
        if string == UNDECIPHERABLE:
            fields.append("A=U")
            continue
        letters = letters[letters.index(_letter(string, letters)) :]
        text = string.removeprefix(".") if letters[0] == "T" else string
        fields.append(f"{letters[0]}={_BETWEEN.sub(' ', text[-LONGEST_NAME:])}")
    return "\t".join(fields)


def _letter(string: str, possible: str) -> str:
    """Tell what `string` is, as far as those before it leave that open."""
    if "M" in possible and _MIME_TYPE.fullmatch(string):
        return "M"
    return "T" if "T" in possible and string.startswith(".") else "N"
