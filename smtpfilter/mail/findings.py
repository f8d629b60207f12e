"""All that a decision knows about a message's content: the same for every recipient, recorded for
every message.

None means unknown: the check was bypassed or not reached.  It is shown as unknown later, never
guessed. All text in here is visible() text.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

VERSION = 1

UncheckedKind = Literal["encrypted", "limits", "ambiguous", "undecodable", "failed"]

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def visible(text: str, longest: int = 2000) -> str:
    """Return `text` with NUL, surrogates and other control characters as U+FFFD, at most `longest`
    characters.

    Tab, CR and LF stay.  What comes back can be stored in Postgres, logged and shown (P6).
    """
    return _INVISIBLE.sub("\ufffd", text[:longest])


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the message or one member of a container, with its place in the tree.

    `path`: numbers from the root, like "1.2.1".  `nodes`: for every ancestor and then the leaf
    itself the strings that ban rules look at, in the order of B-2: MIME types, short file types
    (".exe"), names.
    """

    path: str
    nodes: tuple[tuple[str, ...], ...]
    name: str
    mime_type: str
    size_bytes: int
    sha256: str = ""
    short_types: tuple[str, ...] = ()

    @property
    def banned_path(self) -> str:
        """The path as people see it (B-6): nodes joined by " | ", each node a comma list."""
        return " | ".join(",".join(node) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Virus:
    """A name that a virus scanner gave; `name` is "unnamed" where it gave none (V-3).

    `points`: what the name is worth as a sign of spam, None where it is a virus (V-4).
    """

    name: str
    scanner: str
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    points: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class SpamReport:
    """What the spam engine said.  `score`: SpamAssassin points, the exact sum of its rules, three
    decimals.  `subject_prefix`: what the rules want before the subject (SpamAssassin's subjprefix).
    `preferences`: by whose it was scored, "" for the site's (S-1).
    """

    score: float
    rules: tuple[Rule, ...] = ()
    autolearn: str = ""
    engine: str = "spamd"
    subject_prefix: str = ""
    preferences: str = ""


@dataclass(frozen=True, slots=True)
class BadHeader:
    """One complaint about the header section; `minor` is the kind 1..8 of C-1."""

    minor: int
    text: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that could not be looked into."""

    kind: UncheckedKind
    text: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature: its d= and s=, and what its check gave (RFC 8601 2.7.1): pass, fail,
    policy, neutral, temperror, permerror.
    """

    domain: str
    selector: str
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """What SPF, DKIM and DMARC say about the sender, in the words of RFC 8601 2.7.

    `spf_domain`: of the envelope sender, of HELO for the null sender.  `from_domain`: of the only
    author, "" where there are none or several.  `dmarc`: pass, fail, none, temperror, permerror.
    `dmarc_policy`: what the domain asks for, where DMARC fails and its share (pct) hits: "none",
    "quarantine" or "reject".  `proven`: domains (A-labels) that are shown to have sent the mail: of
    valid signatures, and of the envelope sender where SPF passes.  Whether an address belongs to
    one is told by belongs() in policy/senders.py.
    """

    spf: str = "none"
    spf_domain: str = ""
    signatures: tuple[Signature, ...] = ()
    from_domain: str = ""
    dmarc: str = "none"
    dmarc_policy: str = "none"
    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """`viruses`, `spam`, `bad_headers`, `parts`, `authentication`: None = unknown.  A failure text
    means that the engine gave no answer, `spam_failure` none to those who have no report of their
    own.  `spam`: the report that the message is known by; `spam_for`: those by other preferences,
    by their names (S-1).
    """

    parts: tuple[Part, ...] | None = None
    viruses: tuple[Virus, ...] | None = None
    spam: SpamReport | None = None
    bad_headers: tuple[BadHeader, ...] | None = None
    unchecked: tuple[Unchecked, ...] = ()
    scanner_failure: str | None = None
    spam_failure: str | None = None
    authentication: Authentication | None = None
    spam_for: Mapping[str, SpamReport] = field(default_factory=dict)

    @property
    def infections(self) -> tuple[Virus, ...]:
        """Return the viruses: all names of every scanner that reports one that is no mere sign of
        spam (V-4).
        """
        found = self.viruses or ()
        infected = {virus.scanner for virus in found if virus.points is None}
        return tuple(virus for virus in found if virus.scanner in infected)

    @property
    def signs_of_spam(self) -> tuple[Virus, ...]:
        """Return the names of the other scanners: each is worth points."""
        infections = self.infections
        return tuple(virus for virus in self.viruses or () if virus not in infections)

    def report_for(self, preferences: str) -> SpamReport | None:
        """Return the report that counts for recipients with these preferences (S-1): nobody is
        judged by another's.
        """
        if self.spam and self.spam.preferences == preferences:
            return self.spam
        return self.spam_for.get(preferences)

    def spam_failure_for(self, preferences: str) -> str | None:
        """Return why recipients with these preferences have no report; None where they have one,
        or where the engine was not asked.
        """
        return None if self.report_for(preferences) else self.spam_failure

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Findings":
        """Return the findings recorded in `document`.  Raises ValueError on a version that is newer
        than ours.
        """
        if document.get("version", 0) > VERSION:
            raise ValueError(
                f"findings of version {document['version']}; this Postern knows {VERSION}"
            )
        return cls(
            parts=_tuple_of(_part, document.get("parts")),
            viruses=_tuple_of(lambda v: Virus(**v), document.get("viruses")),
            spam=_spam(document.get("spam")),
            bad_headers=_tuple_of(lambda b: BadHeader(**b), document.get("bad_headers")),
            unchecked=_tuple_of(lambda u: Unchecked(**u), document.get("unchecked")) or (),
            scanner_failure=document.get("scanner_failure"),
            spam_failure=document.get("spam_failure"),
            authentication=_authentication(document.get("authentication")),
            spam_for={
                name: report
                for name, stored in document.get("spam_for", {}).items()
                if (report := _spam(stored))
            },
        )


def _spam(document: Mapping[str, Any] | None) -> SpamReport | None:
    if document is None:
        return None
    rules = tuple(Rule(**rule) for rule in document["rules"])
    return SpamReport(**{**document, "rules": rules})


def _part(document: Mapping[str, Any]) -> Part:
    return Part(
        **{
            **document,
            "nodes": tuple(tuple(node) for node in document["nodes"]),
            "short_types": tuple(document.get("short_types", ())),
        }
    )


def _authentication(document: Mapping[str, Any] | None) -> Authentication | None:
    if document is None:
        return None
    return Authentication(
        **{
            **document,
            "signatures": tuple(Signature(**item) for item in document["signatures"]),
            "proven": tuple(document["proven"]),
        }
    )


def _tuple_of(make: Any, items: list[Any] | None) -> Any:
    return None if items is None else tuple(make(item) for item in items)
