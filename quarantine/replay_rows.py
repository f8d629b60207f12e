"""Recorded mail as a replay reads it: one row per recipient, of the findings what decides."""

import json
from functools import lru_cache
from typing import Any, NamedTuple

from smtpfilter.mail.findings import Findings, Part

SEPARATOR = "\x01"  # between the texts of `evidence`: JSON has none
NO_PARTS = ("", "[]")  # nobody looked, or found any
_FAILS_DMARC = '"dmarc": "fail"'  # as Postgres writes it


class Recorded(NamedTuple):
    """One recipient of one message.  `category`, `destiny`, `kept`: what was done then.

    `recipient`, `sender`: canonical.  `profiles`: names of the direction profiles that gave him a
    setting, None where there are none.  It and `evidence` hold several texts, with SEPARATOR
    between them.
    """

    number: int
    recipient: str
    sender: str
    header_from: str
    size_bytes: int
    originating: bool
    destiny: str
    category: str
    kept: bool
    profiles: str | None
    evidence: str


class Evidence(NamedTuple):
    """What was found, each as JSON, "" where it is unknown.

    `nodes`: of the parts, as in Part.  `rest`: the other findings, without words about them.
    """

    nodes: str
    authentication: str
    rest: str

    @classmethod
    def of(cls, text: str) -> "Evidence":
        return cls(*text.split(SEPARATOR, 2))

    @property
    def fails_dmarc(self) -> bool:
        return _FAILS_DMARC in self.authentication


def findings_of(evidence: Evidence) -> Findings:
    """Return the findings without the names of parts: no parts, or None where nobody looked."""
    viruses, score, preferences, spam_for, headers, unchecked, no_scan, no_score = (
        evidence.rest.split(SEPARATOR)
    )
    spam = {"score": float(score), "preferences": preferences, "rules": []} if score else None
    document = {
        "parts": [] if evidence.nodes else None,
        "viruses": _known(viruses),
        "spam": spam,
        "spam_for": _known(spam_for) or {},
        "bad_headers": _known(headers),
        "unchecked": _known(unchecked) or [],
        "scanner_failure": no_scan or None,
        "spam_failure": no_score or None,
        "authentication": _known(evidence.authentication),
    }
    return Findings.from_json(document)


@lru_cache(maxsize=4096)  # most are the same few
def _known(text: str) -> Any:
    return json.loads(text) if text else None


@lru_cache(maxsize=4096)
def parts_of(nodes: str) -> tuple[Part, ...]:
    """Return the parts as ban rules look at them."""
    return tuple(
        Part("", tuple(tuple(node) for node in part), "", "", 0) for part in json.loads(nodes)
    )
