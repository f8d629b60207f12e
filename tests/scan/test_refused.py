"""An alarm where DNS lists refuse to answer of network tests (S-6)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from smtpfilter.config import FilterConfig
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Rule, SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Site
from smtpfilter.ports.engines import Letter
from smtpfilter.scan.board import Board
from smtpfilter.scan.refused import REFUSED, refused
from smtpfilter.scan.spam import SpamEngines


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        (("URIBL_BLOCKED",), True),
        (("RCVD_IN_ZEN_BLOCKED_OPENDNS", "GTUBE"), True),
        (("RCVD_IN_DNSWL_BLOCKED",), True),
        (("__VBOUNCE_PT_BLOCKED",), False),
        (("BLOCKED_BY_HAND", "URIBL_BLACK"), False),
        ((), False),
    ],
)
def test_the_rules_that_tell_a_refusal_are_named(rules: tuple[str, ...], named: bool) -> None:
    """S-6: *_BLOCKED, but for the parts of other rules."""
    text = refused(SpamReport(0.0, tuple(Rule(name, 0.0) for name in rules)))

    assert (rules[0] in text) is named if rules else text == ""


@dataclass
class Heard:
    alarms: list[str] = field(default_factory=list)

    def sound(self, name: str, text: str) -> None:
        self.alarms.append(name)


class Spam:
    name = "spamd"

    def __init__(self, *rules: str) -> None:
        self.rules = tuple(Rule(name, 0.0) for name in rules)

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        return SpamReport(1.0, self.rules)


@pytest.mark.parametrize(
    ("rules", "alarms"), [(("URIBL_BLOCKED",), [REFUSED]), (("URIBL_BLACK",), [])]
)
def test_a_refusal_sounds_an_alarm(
    rules: tuple[str, ...],
    alarms: list[str],
    spooled: Callable[[bytes], SpooledMail],
    envelope: Envelope,
) -> None:
    heard = Heard()
    config = FilterConfig()
    spam = SpamEngines((Spam(*rules),), config, heard)
    board = Board(virus=(), spam=spam, config=config, alarms=heard)

    report, _ = board.scan_spam(Letter(spooled(b"x"), envelope), Site())

    assert report is not None
    assert heard.alarms == alarms
