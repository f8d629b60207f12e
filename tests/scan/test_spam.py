"""The spam engines of the board: who is asked, in whose points, and what becomes of a failure (S-5,
S-10, B1, B2).
"""

from collections.abc import Callable

import pytest

from smtpfilter.config import FilterConfig
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import Rule, SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import SPAM_ENGINES, Site
from smtpfilter.ports.engines import ConnectionBroke, Letter, ScannerFailed
from smtpfilter.scan.breaker import FAILURES, PAUSE_SECONDS
from smtpfilter.scan.spam import SpamEngines

Spooled = Callable[[bytes], SpooledMail]
DEAD = ScannerFailed("no answer")
FALLBACK = ["spam engine spamd", "spam engine fallback"]

SPAMD = SpamReport(
    1.5, (Rule("MISSING_DATE", 1.4), Rule("X", 0.1)), autolearn="no", subject_prefix="[x] "
)
RSPAMD = SpamReport(
    10.001, (Rule("MISSING_DATE", 10.001), Rule("RSPAMD_ACTION", 0.0)), engine="rspamd"
)


class FakeSpam:
    def __init__(self, does: SpamReport | Exception, name: str = "spamd") -> None:
        self.name = name
        self.does = does
        self.asked: list[str] = []
        self.seconds = 0.0

    def scan(self, letter: Letter, seconds: float) -> SpamReport:
        self.asked.append(letter.preferences)
        self.seconds = seconds
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


class HeardAlarms:
    def __init__(self) -> None:
        self.names: list[str] = []

    def sound(self, name: str, text: str) -> None:
        self.names.append(name)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Both engines, one of them or none, and who was asked in the end."""

    def __init__(self, spamd: object, rspamd: object) -> None:
        self.alarms, self.clock = HeardAlarms(), Clock()
        self.fakes = [
            FakeSpam(does, name)
            for name, does in (("spamd", spamd), ("rspamd", rspamd))
            if isinstance(does, SpamReport | Exception)
        ]
        self.engines = SpamEngines(self.fakes, FilterConfig(), self.alarms, self.clock)

    @property
    def asked(self) -> str:
        return " ".join(fake.name for fake in self.fakes if fake.asked)


@pytest.fixture
def letter(spooled: Spooled, envelope: Envelope) -> Letter:
    return Letter(spooled(b""), envelope, preferences="ann")


@pytest.mark.parametrize(
    ("engine", "spamd", "rspamd", "asked", "score", "alarms"),
    [
        ("spamd", SPAMD, RSPAMD, "spamd", 1.5, []),
        ("spamd", DEAD, RSPAMD, "spamd", None, ["spam engine spamd"]),
        ("rspamd", SPAMD, RSPAMD, "rspamd", 4.2, []),
        ("rspamd", SPAMD, DEAD, "rspamd", None, ["spam engine rspamd"]),
        ("fallback", SPAMD, RSPAMD, "spamd", 1.5, []),
        ("fallback", DEAD, RSPAMD, "spamd rspamd", 4.2, FALLBACK),
        ("fallback", DEAD, DEAD, "spamd rspamd", None, ["spam engine spamd", "spam engine rspamd"]),
        ("both", SPAMD, RSPAMD, "spamd rspamd", 5.7, []),
        ("both", DEAD, RSPAMD, "spamd", None, ["spam engine spamd"]),
        ("both", SPAMD, DEAD, "spamd rspamd", None, ["spam engine rspamd"]),
        # One that is chosen and not there is a failure, and no mail unscored in silence.
        ("rspamd", SPAMD, None, "", None, ["spam engine rspamd"]),
        ("spamd", None, RSPAMD, "", None, ["spam engine spamd"]),
        ("both", SPAMD, None, "spamd", None, ["spam engine rspamd"]),
        ("fallback", None, RSPAMD, "rspamd", 4.2, FALLBACK),
        ("fallback", SPAMD, None, "spamd", 1.5, []),
    ],
)  # fmt: skip
def test_the_site_says_which_engine_scores(
    letter: Letter,
    engine: str,
    spamd: object,
    rspamd: object,
    asked: str,
    score: float | None,
    alarms: list[str],
) -> None:
    """S-5, S-10: with a factor for Rspamd's points; half of both is none."""
    bench = Bench(spamd, rspamd)
    report, failure = bench.engines.scan(letter, Site(spam_engine=engine))

    assert (report.score if report else None) == score
    assert (failure is None) is (report is not None)
    assert bench.asked == asked
    assert bench.alarms.names == alarms
    assert all(fake.asked in ([], ["ann"]) for fake in bench.fakes)


def test_every_choice_of_a_site_is_one_that_is_understood(letter: Letter) -> None:
    reports = {
        engine: Bench(SPAMD, RSPAMD).engines.scan(letter, Site(spam_engine=engine))[0]
        for engine in SPAM_ENGINES
    }

    assert {engine: report and report.engine for engine, report in reports.items()} == {
        "spamd": "spamd",
        "rspamd": "rspamd",
        "fallback": "spamd",
        "both": "spamd, rspamd",
    }


def test_without_any_engine_nobody_was_asked_by_choice(letter: Letter) -> None:
    assert Bench(None, None).engines.scan(letter, Site()) == (None, None)


def test_rules_of_both_stand_side_by_side(letter: Letter) -> None:
    """S-10: each in SpamAssassin's points, and no two of one name."""
    site = Site(spam_engine="both", rspamd_factor=0.3333)
    report, _ = Bench(SPAMD, RSPAMD).engines.scan(letter, site)

    assert report == SpamReport(
        score=4.833,
        rules=(*SPAMD.rules, Rule("RSPAMD.MISSING_DATE", 3.333), Rule("RSPAMD_ACTION", 0.0)),
        autolearn="no",
        engine="spamd, rspamd",
        subject_prefix="[x] ",
    )


def test_rounded_points_still_make_the_score(letter: Letter) -> None:
    """S-10: three decimals, never a negative zero."""
    rules = tuple(Rule(str(number), points) for number, points in enumerate((0.1, 0.1, 0.1, -0.0)))
    report, _ = Bench(None, SpamReport(0.3, rules)).engines.scan(
        letter, Site(spam_engine="rspamd", rspamd_factor=0.005)
    )

    assert report is not None
    assert [str(rule.points) for rule in report.rules] == ["0.001", "0.001", "0.001", "0.0"]
    assert report.score == 0.003


def test_a_failure_names_the_engines(letter: Letter) -> None:
    fallback = Site(spam_engine="fallback")

    assert Bench(DEAD, DEAD).engines.scan(letter, fallback) == (
        None,
        "spamd: no answer; rspamd: no answer",
    )
    (_, missing) = Bench(None, RSPAMD).engines.scan(letter, Site())
    assert missing == (
        "spamd: the setting spam_engine names it, but FILTER_SPAMD does not say where it is"
    )


def test_each_engine_has_the_time_that_is_set_for_one(letter: Letter) -> None:
    """S-4: whatever another has used up."""
    bench = Bench(SPAMD, RSPAMD)
    bench.engines.scan(letter, Site(spam_engine="both"))

    assert {fake.seconds for fake in bench.fakes} == {FilterConfig.spam_timeout_seconds}


def test_each_engine_has_a_breaker_of_its_own(letter: Letter) -> None:
    """B2: what hangs is not waited for again and again, and the other one is asked all the same."""
    bench, site = Bench(DEAD, RSPAMD), Site(spam_engine="fallback")
    for _ in range(FAILURES + 3):
        assert bench.engines.scan(letter, site)[0]
    spamd, rspamd = bench.fakes
    assert (len(spamd.asked), len(rspamd.asked)) == (FAILURES, FAILURES + 3)
    spamd.does = SPAMD
    bench.clock.now += PAUSE_SECONDS
    assert bench.engines.scan(letter, site) == (SPAMD, None)


def test_a_connection_that_breaks_gets_a_second_try(letter: Letter) -> None:
    """B3."""
    bench = Bench(ConnectionBroke("it hung up"), None)

    assert bench.engines.scan(letter, Site()) == (None, "spamd: it hung up")
    assert len(bench.fakes[0].asked) == 2
