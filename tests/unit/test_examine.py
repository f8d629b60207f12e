"""Which checks are run for a message, and which answers are asked for no more (L-1, L-5,
BB-10; Z-19); one scan for each set of preferences (S-1).
"""

# ruff: noqa: E501 - one row of a table is one line

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from smtpfilter.examine import Examiner, Wanted
from smtpfilter.log import Story
from smtpfilter.mail.findings import Findings, Part, SpamReport, Unchecked, Virus
from smtpfilter.mail.message import parse
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.destiny import Destiny
from smtpfilter.policy.layers import SenderMatch
from smtpfilter.policy.settings import NEVER
from smtpfilter.policy.site import Limits, NamePoints, Site
from smtpfilter.ports.engines import Letter, Specimen, VirusScan
from smtpfilter.ports.unpacking import PartFile, Unpacked
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.verdict import Case
from tests.unit.builders import ANN, BOB, CAROL, PROGRAM, case, envelope, unchecked

BYPASSES = ("virus", "spam", "banned", "header")
VIRUS = VirusScan((Virus("Eicar", "clamd"),))
FAILED = VirusScan(None, failure="down")
BIG: dict[str, Any] = {"size_bytes": 70000, "message_size_limit": 1}
LISTED = SenderMatch(white=True)


@dataclass
class ScriptedUnpacker:
    parts: tuple[Part, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    asked: int = 0

    def unpack(self, mail: SpooledMail, limits: Limits, *, all_files: bool = False) -> Unpacked:
        self.asked += 1
        files = (PartFile(Path("/parts/0001"), hidden=False),) if all_files else ()
        return Unpacked(self.parts, self.unchecked, files)

    def stop(self) -> None:
        """Hold no children."""


@dataclass
class ScriptedEngines:
    """`slow`: the virus scan ends only after the spam scan was asked for.  `scores`: by the names
    of preferences, None = no answer; 1.0 where nothing is said.  `of_parts`: what is said where
    parts are shown, too.
    """

    scores: dict[str, float | None] = field(default_factory=dict)
    viruses: VirusScan = field(default_factory=VirusScan)
    of_parts: VirusScan = field(default_factory=VirusScan)
    slow: bool = False
    asked: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)
    spam_asked: threading.Event = field(default_factory=threading.Event)

    def scan_viruses(self, specimen: Specimen, site: Site) -> VirusScan:
        self.asked.append("virus")
        if self.slow:
            self.spam_asked.wait(20)
        return self.of_parts if any(file.hidden for file in specimen.files) else self.viruses

    def scan_spam(self, letter: Letter, site: Site) -> tuple[SpamReport | None, str | None]:
        self.asked.append("spam")
        self.asked_for.append(letter.preferences)
        self.spam_asked.set()
        score = self.scores.get(letter.preferences, 1.0)
        if score is None:
            return None, f"spamd: no answer for {letter.preferences or 'all'}"
        return SpamReport(score), None


@dataclass
class Room:
    unpacker: ScriptedUnpacker = field(default_factory=ScriptedUnpacker)
    engines: ScriptedEngines = field(default_factory=ScriptedEngines)
    site: Site = field(default_factory=Site)
    spam_seconds: float = 60.0

    def examine(self, *cases: Case) -> Findings:
        octets = b"Subject: x\r\n\r\n"
        mail = SpooledMail(octets, "00", Path("/nowhere/message"), Path("/nowhere"))
        story = Story(envelope(), len(octets), told=False)
        with ThreadPoolExecutor(1) as helpers:
            examiner = Examiner(self.unpacker, self.engines, helpers, self.spam_seconds)
            found = examiner.examine(
                envelope(), parse(octets), mail, Wanted.by(cases), self.site, story
            )
            examiner.close()
            return found


@pytest.fixture
def room() -> Room:
    return Room()


def bypassing(*checks: str) -> dict[str, Any]:
    return {f"bypass_{check}_checks": True for check in checks}


@pytest.mark.parametrize(
    ("ann", "bob", "asked"),
    [
        ({}, {}, ["virus", "spam"]),
        (bypassing("virus"), {}, ["virus", "spam"]),
        (bypassing("virus"), bypassing("virus"), ["spam"]),
        (bypassing("spam"), bypassing("spam"), ["virus"]),
        (bypassing("spam"), {}, ["virus", "spam"]),
        (bypassing("virus", "banned"), bypassing("virus", "banned"), ["spam"]),
        (bypassing("virus", "banned"), bypassing("virus"), ["spam"]),
        (bypassing(*BYPASSES), bypassing(*BYPASSES), []),
        ({"sender": LISTED}, {"sender": SenderMatch(black=True)}, ["virus"]),
        ({"sender": LISTED}, {}, ["virus", "spam"]),
        ({"sender": LISTED}, bypassing("spam"), ["virus"]),
    ],
)  # fmt: skip
def test_a_check_is_run_once_where_one_recipient_wants_it(
    room: Room, ann: dict[str, Any], bob: dict[str, Any], asked: list[str]
) -> None:
    """L-1, L-5, BB-10; what is ambiguous is looked for whoever bypasses what (BB-18)."""
    found = room.examine(case(ANN, **ann), case(BOB, **bob))

    assert room.engines.asked == asked
    assert room.unpacker.asked == 1
    assert (found.viruses is not None) == ("virus" in asked)
    assert (found.spam is not None) == ("spam" in asked)
    assert found.parts is not None
    everybody = bypassing("header").items() <= ann.items() and bypassing("header").items() <= bob.items()  # fmt: skip
    assert (found.bad_headers is None) == everybody


@pytest.mark.parametrize(
    ("scan", "parts", "holes", "ann", "scored"),
    [
        (VIRUS, (), (), {}, False),
        (VIRUS, (), (), {"virus_lover": True}, True),
        (VIRUS, (), (), {"virus_destiny": Destiny.PASS}, True),
        (VIRUS, (), (), bypassing("virus"), True),
        (FAILED, (), (), {}, False),
        (VirusScan(), PROGRAM.parts, (), {}, False),
        (VirusScan(), PROGRAM.parts, (), {"banned_files_lover": True}, True),
        (VirusScan(), (), unchecked("encrypted").unchecked, {}, False),
        (VirusScan((), unchecked("limits").unchecked), (), (), {}, False),
        (VirusScan(), (), (), {}, True),
    ],
)
def test_what_nobody_can_get_is_not_scored(
    room: Room, scan: VirusScan, parts: Any, holes: Any, ann: dict[str, Any], scored: bool
) -> None:
    """L-5: one for whom it may pass is enough; else the score is unknown, not zero."""
    room.engines.viruses, room.unpacker.parts, room.unpacker.unchecked = scan, parts, holes

    assert (room.examine(case(ANN, **ann), case(BOB)).spam is not None) is scored
    assert ("spam" in room.engines.asked) is scored


def test_levels_that_nothing_reaches_leave_the_score_to_be_learnt_from(room: Room) -> None:
    """L-6: unlike a bypass."""
    never = case(spam_tag2_level=999.0, spam_kill_level=NEVER)

    found = room.examine(never)
    assert found.spam == SpamReport(1.0)
    assert Category.SPAMMY not in decide(never, replace(found, spam=SpamReport(998.9))).categories


@pytest.mark.parametrize(("scan", "scored"), [(VirusScan(), True), (VIRUS, False)])
def test_the_spam_engine_is_asked_beside_a_slow_virus_scan(
    room: Room, scan: VirusScan, scored: bool
) -> None:
    """Once, and what it says of infected mail is dropped."""
    room.engines.viruses, room.engines.slow = scan, True

    found = room.examine(case())
    assert room.engines.asked == ["virus", "spam"]
    assert (found.spam is not None) is scored


def test_what_is_too_big_for_everybody_is_not_looked_into(room: Room) -> None:
    """Z-19."""
    assert room.examine(case(ANN, **BIG), case(BOB, **BIG)) == Findings()
    assert room.engines.asked == []
    assert room.unpacker.asked == 0


@pytest.mark.parametrize("other", [{}, {**BIG, "oversized_destiny": Destiny.PASS}])
def test_what_is_too_big_for_one_is_looked_into_for_the_other(
    room: Room, other: dict[str, Any]
) -> None:
    room.examine(case(ANN, **BIG), case(BOB, **other))

    assert room.engines.asked == ["virus", "spam"]


def test_nobody_has_to_want_anything(room: Room) -> None:
    """A message whose every recipient is out of reach asks nothing."""
    assert room.examine() == Findings()


def preferring(name: str, **rest: Any) -> dict[str, Any]:
    return {"sa_userconf": "sql:", "sa_username": name, **rest}


@pytest.mark.parametrize(
    ("ann", "bob", "carol", "asked", "known_by"),
    [
        ({}, {}, {}, [""], ""),
        (preferring("x"), preferring("x"), preferring("x"), ["x"], "x"),
        (preferring("y"), preferring("x"), preferring("y"), ["x", "y"], "x"),
        (preferring("x"), {}, preferring("x"), ["", "x"], ""),
        (preferring("x") | {"sa_userconf": ""}, {}, {}, [""], ""),  # named, but not asked for
        (preferring("x", bypass_spam_checks=True), {}, {}, [""], ""),
        (preferring("x", sender=LISTED), preferring("y"), preferring("y"), ["y"], "y"),
        ({**BIG}, preferring("x"), preferring("x"), ["x"], "x"),
    ],
)
def test_the_engine_is_asked_once_for_each_set_of_preferences(
    room: Room,
    ann: dict[str, Any],
    bob: dict[str, Any],
    carol: dict[str, Any],
    asked: list[str],
    known_by: str,
) -> None:
    """S-1, S-8, BB-50: of those who want a score; the mail is known by the site's where asked."""
    room.engines.scores = {"": 0.5, "x": 1.5, "y": 2.5}

    found = room.examine(case(ANN, **ann), case(BOB, **bob), case(CAROL, **carol))
    assert room.engines.asked_for == asked
    assert found.spam == SpamReport(room.engines.scores[known_by] or 0, preferences=known_by)
    assert {name: found.report_for(name) is not None for name in ("", "x", "y")} == {
        name: name in asked for name in ("", "x", "y")
    }
    assert all(found.report_for(name).score == room.engines.scores[name] for name in asked)  # type: ignore[union-attr]


def test_preferences_of_those_who_cannot_get_the_mail_are_not_asked_for(room: Room) -> None:
    """L-5, S-1: beside a slow virus scan they may have been; then the answer is dropped."""
    infected = {"virus_lover": True}
    for slow in (False, True):
        room.engines.viruses, room.engines.slow = VIRUS, slow
        room.engines.asked_for.clear()
        room.engines.spam_asked.clear()
        found = room.examine(case(ANN, **preferring("x", **infected)), case(BOB, **preferring("y")))
        assert room.engines.asked_for == (["x", "y"] if slow else ["x"])
        assert (found.report_for("x") is not None, found.report_for("y")) == (True, None)


@pytest.mark.parametrize(
    ("scores", "spam", "failed"),
    [
        ({"": None}, 1.0, [""]),
        ({"x": None}, 1.0, ["x"]),
        ({"": None, "x": None}, 1.0, ["", "x"]),
        ({"": None, "x": None, "y": None}, None, ["", "x", "y"]),
    ],
)
def test_a_failure_for_some_preferences_is_one_for_those_who_have_them(
    room: Room, scores: dict[str, float | None], spam: float | None, failed: list[str]
) -> None:
    """S-1, S-5, P3: nobody is judged by another's preferences."""
    room.engines.scores = scores
    cases = [case(ANN), case(BOB, **preferring("x")), case(CAROL, **preferring("y"))]

    found = room.examine(*cases)
    assert (found.spam and found.spam.score) == spam
    assert [name for name in ("", "x", "y") if found.spam_failure_for(name)] == failed
    for made, name in zip(cases, ("", "x", "y"), strict=True):
        verdict = decide(made, found)
        expected = Destiny.TEMPFAIL if name in failed else Destiny.PASS
        assert verdict.destiny is expected


def test_preferences_whose_turn_comes_too_late_have_failed(room: Room) -> None:
    """The first are always asked; the others wait for the next attempt (P3)."""
    room.spam_seconds = 0.0

    found = room.examine(case(ANN), case(BOB, **preferring("x")))
    assert room.engines.asked_for == [""]
    assert found.spam_failure_for("") is None
    assert "no time was left" in (found.spam_failure_for("x") or "")


PHISH = VirusScan((Virus("Heuristics.Phishing.Email", "clamd"),))


@pytest.mark.parametrize(
    ("scan", "rules", "scored"),
    [
        (PHISH, (), True),
        (PHISH, (NamePoints("Phishing", None),), False),
        (VIRUS, (NamePoints("^Eicar", 1.0),), True),
        (VirusScan((*PHISH.viruses, *VIRUS.viruses)), (), False),  # type: ignore[misc]
    ],
)
def test_mail_with_names_that_are_worth_points_is_scored(
    room: Room, scan: VirusScan, rules: tuple[NamePoints, ...], scored: bool
) -> None:
    """V-4, BB-47: by the list of the site, where it has one; infected mail is not."""
    room.engines.viruses, room.site = scan, Site(name_points=rules)

    found = room.examine(case())
    assert (found.spam is not None) is scored
    assert (found.infections == ()) is scored


@pytest.mark.parametrize(
    ("each", "infections", "failure"),
    [
        (VirusScan(), (), None),
        (VIRUS, ("Heuristics.Phishing.Email", "Eicar"), None),
        (FAILED, (), "down"),
    ],
)
def test_a_sign_of_spam_hides_no_virus_beside_it(
    room: Room, each: VirusScan, infections: tuple[str, ...], failure: str | None
) -> None:
    """V-4, BB-47: of a whole message a scanner names what it finds first; so each part is shown."""
    room.engines.viruses, room.engines.of_parts = PHISH, each

    found = room.examine(case())
    assert tuple(virus.name for virus in found.infections) == infections
    assert found.scanner_failure == failure
    assert room.unpacker.asked == 2


def test_who_may_get_the_mail_only_after_the_virus_scan_is_asked_for_then(room: Room) -> None:
    """V-4, S-1: a sign of spam that is worth points below 0 makes up for a sender's."""
    room.engines.viruses, room.engines.slow = PHISH, True
    room.site = Site(name_points=(NamePoints("Phishing", -20.0),))

    unwanted = case(ANN, **preferring("x"), sender=SenderMatch(points=10.0))
    found = room.examine(unwanted, case(BOB, **preferring("y")))
    assert room.engines.asked_for == ["y", "x"]
    assert found.report_for("x") is not None
