"""What a corpus claims of a mail, and whether the appliance saw it.

A claim is one word of the manifest's `expect` with its alternatives, a name that a strict policy
would ban, or a type.  Words about what cannot be seen in a journal (no-crash, byte-transparent) are
claims on the whole run, not here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from appliance.stack.samples import Sample

Entry = Mapping[str, Any]  # one of `mails list --json --full`

KINDS = ("virus", "ambiguous", "banned", "name", "type", "unchecked", "limit", "score")

# How the manifest calls a type: our short types, or an extension where only the name tells it.
TYPES: Mapping[str, frozenset[str]] = {
    token: frozenset(words.split())
    for token, words in {
        "exe-ms": ".exe-ms .dll",
        "elf": ".elf",
        "macho": ".macho",
        "sh": ".sh",
        "ole": ".cdf-ms",
        "rtf": ".rtf",
        "lnk": ".lnk",
        "jar": ".jar",
        "vhd": ".vhd",
        "reg": ".reg *.reg",
        "bat": ".bat",
        "scf": ".scf",
        "hta": "*.hta",
        "js": "*.js *.jse",
        "iqy": "*.iqy",
        "wsf": "*.wsf",
        "settingcontent": "*.settingcontent-ms",
        "html-smuggling": ".html-smuggling",
        "svg-script": ".svg-script",
        "pdf-active": ".pdf-active",
        "ooxml-macro": ".ooxml-macro .macro",
        "ooxml-external": ".ooxml-external",
        "office": ".doc .cdf-ms .ooxml",
        "office-macro": ".ole-macro .ooxml-macro .macro",
        "office-dde": ".dde .rtf-object .ooxml-external .ole-package .ooxml-package *.mso",
        "office-external-link": ".ooxml-external",
        "office-lnk": ".lnk .ole-package",
        "office-embedded": ".ole-package .rtf-object .ooxml-package .cdf-ms",
    }.items()
}
_INSIDE = re.compile(r" \(inside .*\)$")
_ENDING = re.compile(r"name ending in (\.\w+), hidden")


@dataclass(frozen=True, slots=True)
class Claim:
    """`kind`: one of KINDS.  `text`: what was to be seen."""

    kind: str
    text: str
    met: bool


def claims(sample: Sample, entry: Entry) -> list[Claim]:
    """Return all that is claimed of the mail; `entry` is what the journal has of it."""
    seen = Seen(entry)
    return [*_expectations(sample, seen), *_names(sample, seen)]


class Seen:
    """What the journal says that was seen of a mail."""

    def __init__(self, entry: Entry) -> None:
        findings = entry.get("findings", {})
        parts = findings.get("parts") or ()
        self.viruses: Sequence[str] = entry.get("viruses", ())
        self.banned: Sequence[str] = entry.get("banned", ())
        self.score = entry.get("score")
        self.kinds = {item["kind"] for item in findings.get("unchecked", ())}
        self.bad_header = bool(findings.get("bad_headers"))
        self.words = {word for part in parts for node in part["nodes"] for word in node}
        self.words |= {f".{kind.lstrip('.')}" for part in parts for kind in part["short_types"]}
        self.names = {_plain(word) for word in self.words} | {_plain(p["name"]) for p in parts}

    @property
    def flagged(self) -> bool:
        """Tell whether the mail would not pass as an ordinary one."""
        return self.bad_header or self.stopped

    @property
    def stopped(self) -> bool:
        """Tell whether worse was found than a score could tell, which is not asked for then."""
        return bool(self.kinds or self.banned or self.viruses)

    def has_name(self, name: str) -> bool:
        """Tell whether a name with this ending was seen: that is what policies go by, and of an
        odd name programs show different beginnings.
        """
        ending = _ENDING.fullmatch(name)
        wanted = ending[1] if ending else PurePath(_plain(_INSIDE.sub("", name))).suffix
        return any(seen.endswith(wanted) for seen in self.names)

    def has_type(self, token: str) -> bool:
        return any(
            any(name.endswith(word[1:]) for name in self.names)
            if word.startswith("*")
            else word in self.words
            for word in TYPES.get(token, {f".{token}"})
        )


_WORDS: Mapping[str, tuple[str, Callable[[Seen], bool]]] = {
    "virus": ("virus", lambda seen: bool(seen.viruses)),
    "badheader": ("ambiguous", lambda seen: seen.flagged),
    "banned": ("banned", lambda seen: bool(seen.banned)),
    "uncheckable": ("unchecked", lambda seen: bool(seen.kinds)),
    "limit": ("limit", lambda seen: "limits" in seen.kinds),
    "score": ("score", lambda seen: seen.score is not None or seen.stopped),
}


def _expectations(sample: Sample, seen: Seen) -> Iterator[Claim]:
    for wanted in filter(None, sample.expect.split(",")):
        words = wanted.split("|")
        known = [_WORDS[word] for word in words if word in _WORDS]
        if len(known) < len(words) - words.count("name-found") or not known:
            continue  # one alternative asks for nothing that the journal could tell
        kind = "ambiguous" if sample.eicar in ("ambiguous", "fragment") else known[0][0]
        if sample.eicar == "clamtest" and kind == "virus":
            continue  # only real signatures know it
        met = any(holds(seen) for _, holds in known) or _stopped(sample, seen)
        if "name-found" in words:
            met = met or all(map(seen.has_name, sample.banned_names))
        yield Claim(kind, wanted, met)


def _names(sample: Sample, seen: Seen) -> Iterator[Claim]:
    """What could not be looked into, where that is an answer, shows neither names nor types."""
    words = set(re.split(r"[,|]", sample.expect))
    to_be_seen = words & {"virus", "banned"} and not words & {"limit", "uncheckable"}
    if words & {"badheader", "clean"} or (seen.kinds and not to_be_seen) or _stopped(sample, seen):
        return
    types = [Claim("type", token, seen.has_type(token)) for token in sample.banned_types]
    yield from types
    typed = bool(types) and all(claim.met for claim in types)  # banned, whatever its name is
    for name in sample.banned_names:
        yield Claim("name", name, typed or seen.has_name(name))


def _stopped(sample: Sample, seen: Seen) -> bool:
    """Tell of ClamAV's own test files, some packed as nothing else unpacks, whether this one does
    not pass as an ordinary mail.
    """
    return sample.eicar == "clamtest" and seen.flagged


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().replace("\\", "/").rstrip("/")
