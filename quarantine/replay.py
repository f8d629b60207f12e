"""What would change?  Recorded findings, decided by the stored policy and by a draft of it.  Pure.

Both sides come from the daemon's own make_case() and choose().  What a message was recorded with
leaves open stays open: where the draft asks for a check that was not made then, the answer is
Missing.  Not recorded, and so left out of both sides: pen pals, marks of list mail, and by which
port or login mail came (the profiles that counted are recorded).

Messages are many and differ little.  A decision is made once for all that agree in what it looks
at; names of files, which all differ, are only looked at where they could matter.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from quarantine.replay_people import Group, People
from quarantine.replay_rows import NO_PARTS, Evidence, Recorded, findings_of, parts_of
from smtpfilter.mail.findings import Findings, Part
from smtpfilter.policy.banning import banned_paths
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import BanRule, PolicyBook
from smtpfilter.policy.settings import FIELDS, PolicySettings, field_group
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import Choice, choose
from smtpfilter.verdict.verdict import Case

MOST_EXAMPLES = 5  # to open, for each kind of change


class Fate(StrEnum):
    """What becomes of a message, for one recipient, in the order of pages."""

    DELIVERED = "delivered"
    MARKED = "marked"  # delivered although something was found: spam, or worse
    HELD = "held"
    DISCARDED = "discarded"
    RETURNED = "returned"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Missing(StrEnum):
    """Which check, that the draft asks for, was not made then."""

    VIRUS = "virus"
    BANNED = "banned"
    SPAM = "spam"
    HEADER = "header"


Change = tuple[Fate, Fate]  # by the stored policy, by the draft
Outcome = Change | Missing


@dataclass(slots=True)
class Tally:
    """What was counted: recipients of messages.

    `changes`: those for whom something changes; `unknown`: by the check that was not made.
    `otherwise`: those for whom the stored policy does something else than was done then.
    `examples`: numbers of messages, the newest first.
    """

    looked_at: int = 0
    otherwise: int = 0
    changes: Counter[Change] = field(default_factory=Counter)
    unknown: Counter[Missing] = field(default_factory=Counter)
    examples: dict[Outcome, list[int]] = field(default_factory=dict)

    @property
    def unchanged(self) -> int:
        return self.looked_at - self.changes.total() - self.unknown.total()

    def add(self, outcome: Outcome, number: int) -> None:
        """Count one recipient of the message `number`."""
        if isinstance(outcome, Missing):
            self.unknown[outcome] += 1
        elif _changes(outcome):
            self.changes[outcome] += 1
        else:
            return
        known = self.examples.setdefault(outcome, [])
        if len(known) < MOST_EXAMPLES and number not in known:
            known.append(number)


class Replay:
    """One draft against the stored policy.  `stored` and `draft` hold everything, for everybody.
    `tally`: what was counted before.
    """

    def __init__(
        self, stored: PolicyBook, draft: PolicyBook, now: datetime, tally: Tally | None = None
    ) -> None:
        self.tally = tally or Tally()
        self._people = People(stored, draft, now)
        self._classes: dict[tuple[object, ...], _Class] = {}
        self._banned: dict[tuple[str | None, str], bool] = {}
        self._then: dict[tuple[str, str, bool], Fate] = {}

    def take(self, rows: Iterable[Recorded]) -> None:
        """Count what becomes of these recipients of recorded mail."""
        for row in rows:
            self.tally.looked_at += 1
            group = self._people.group(row.recipient, row.profiles)
            if group.changed:
                then = self._fate_then(row)
                outcome = self._outcome(row, group, then)
                self.tally.add(outcome, row.number)
                if not isinstance(outcome, Missing):
                    self.tally.otherwise += outcome[0] is not then

    def _outcome(self, row: Recorded, group: Group, then: Fate) -> Outcome:
        """Return what changes; names are looked at where they matter, or what was done `then` can
        only be told by them.
        """
        evidence = Evidence.of(row.evidence)
        alike = self._class(row, group, evidence)
        plain = alike.outcome(False, False)
        if evidence.nodes in NO_PARTS or (plain[0] is then and not alike.names_matter):
            return plain
        stored, draft = (self._bans(case, evidence.nodes) for case in (alike.stored, alike.draft))
        return alike.outcome(stored, draft)

    def _class(self, row: Recorded, group: Group, evidence: Evidence) -> "_Class":
        if self._people.is_notable(row.sender, row.header_from):
            findings = findings_of(evidence)
            cases = self._people.cases_of_notable(row, group, findings.authentication)
            return _Class(*cases, findings)
        if not evidence.fails_dmarc:  # then proofs decide nothing
            evidence = evidence._replace(authentication="")
        size = row.size_bytes if group.sized else 0
        looked = evidence.nodes != ""
        key = (group.number, evidence[1:], looked, size, row.originating, bool(row.sender))
        found = self._classes.get(key)
        if found is None:
            findings = findings_of(evidence)
            cases = self._people.cases(row, group, findings.authentication)
            found = self._classes[key] = _Class(*cases, findings)
        return found

    def _bans(self, case: Case, nodes: str) -> bool:
        key = (case.policy.settings.banned_rulenames, nodes)
        if key not in self._banned:
            self._banned[key] = bool(banned_paths(case.ban_rules, parts_of(nodes)))
        return self._banned[key]

    def _fate_then(self, row: Recorded) -> Fate:
        key = (row.destiny, row.category, row.kept)
        if key not in self._then:
            self._then[key] = _fate(row.destiny, Category[row.category.upper()], row.kept)
        return self._then[key]


_ONE_FILE = (Part("1", (("file",),), "file", "", 0),)
_BANS_ALL = (BanRule("."),)


class _Class:
    """Messages that agree in all but the names of their files, for recipients of one group.

    `findings`: without parts, or with None.
    """

    def __init__(self, stored: Case, draft: Case, findings: Findings) -> None:
        self.stored, self.draft, self._findings = stored, draft, findings
        self._known: dict[tuple[bool, bool], Outcome] = {}
        both = (self.outcome(False, False), self.outcome(True, True))
        still = not any(isinstance(one, Missing) or _changes(one) for one in both)
        same_rules = stored.ban_rules == draft.ban_rules
        self.names_matter = not (same_rules and (still or both[0] == both[1]))

    def outcome(self, banned: bool, banned_by_draft: bool) -> Outcome:
        """Return what changes where the stored policy bans a file, and where the draft does."""
        key = (banned, banned_by_draft)
        if key not in self._known:
            stored, draft = self._choose(self.stored, banned), self._choose(self.draft, key[1])
            change = (_fate_of(stored), _fate_of(draft))
            missing = _missing(self.stored, self.draft, draft, self._findings, change)
            self._known[key] = missing or change
        return self._known[key]

    def _choose(self, case: Case, banned: bool) -> Choice:
        if not banned or self._findings.parts is None:
            return choose(case, self._findings)
        return choose(replace(case, ban_rules=_BANS_ALL), replace(self._findings, parts=_ONE_FILE))


_BLOCKS = {
    Missing.VIRUS: Category.VIRUS,
    Missing.BANNED: Category.BANNED,
    Missing.SPAM: Category.SPAM,
    Missing.HEADER: Category.BAD_HEADER,
}
_DECIDING = ("checks", "levels", "destinies", "copies", "authenticity", "engine", "files")
_READ_BY = {
    missing: tuple(
        name
        for name in FIELDS
        if field_group(name) in _DECIDING and any(word in name for word in words)
    )
    for missing, words in {
        Missing.VIRUS: ("virus",),
        Missing.BANNED: ("banned",),
        Missing.SPAM: ("spam", "sa_"),
        Missing.HEADER: ("header",),
    }.items()
}


def _missing(
    stored: Case, draft: Case, choice: Choice, findings: Findings, change: Change
) -> Missing | None:
    """Return the check whose findings the draft needs and nobody has, None where there is none.

    It is not needed where something worse stops the mail before, nor where both policies agree in
    all that depends on it.
    """
    settings = draft.policy.settings
    for missing in _unmade(draft, findings):
        decided_before = choice.blocked_by is not None and choice.blocked_by >= _BLOCKS[missing]
        alike = all(
            getattr(settings, name) == getattr(stored.policy.settings, name)
            for name in _READ_BY[missing]
        )
        if not decided_before and (_changes(change) or not alike):
            return missing
    return None


def _unmade(case: Case, findings: Findings) -> list[Missing]:
    """Return the checks that the recipient wants and that were not made, the worst first."""
    settings: PolicySettings = case.policy.settings
    listed = case.sender.white or case.sender.black
    preferences = settings.preferences
    scored = findings.report_for(preferences) or findings.spam_failure_for(preferences) or listed
    scanned = findings.viruses is not None or findings.scanner_failure
    unmade = {
        Missing.VIRUS: not (settings.bypass_virus_checks or scanned),
        Missing.BANNED: not settings.bypass_banned_checks and findings.parts is None,
        Missing.SPAM: not (settings.bypass_spam_checks or scored),
        Missing.HEADER: not settings.bypass_header_checks and findings.bad_headers is None,
    }
    return [missing for missing, there in unmade.items() if there]


def _changes(change: Change) -> bool:
    return change[0] is not change[1]


def _fate_of(choice: Choice) -> Fate:
    return _fate(choice.destiny, choice.blocked_by or choice.seen.categories[0], choice.keep)


def _fate(destiny: str, category: Category, kept: bool) -> Fate:
    match destiny:
        case Destiny.PASS:
            return Fate.MARKED if category >= Category.SPAMMY else Fate.DELIVERED
        case Destiny.DISCARD:
            return Fate.HELD if kept else Fate.DISCARDED
        case Destiny.BOUNCE:
            return Fate.RETURNED
        case Destiny.REJECT:
            return Fate.REFUSED
    return Fate.DEFERRED
