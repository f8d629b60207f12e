"""Several scanners at once over real sockets: whose preferences count, whose points, and what
becomes of a failure (S-1 to S-12, V-2, V-4, V-5; BB-46 to BB-50).
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.status.models import Alarm
from tests.doubles.more_engines import MARKER, MoreEngines
from tests.doubles.next_hop import NextHop
from tests.flows.black_box import BOB, CAROL, DAVE, Box, site_setting
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, mail
from tests.flows.running import RunningFilter, running_filter
from tests.scan.fake_engine import hangs, hangs_up, spamd_says

PHISH, WORM = "Heuristics.Phishing.Email.SpoofedDomain", "Win.Worm.Klez"
SECONDS = "1"  # of patience with a spam engine


@pytest.fixture(scope="module")
def more_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MoreEngines]:
    engines = MoreEngines(tmp_path_factory.mktemp("more"))
    yield engines
    engines.stop()


@pytest.fixture(scope="module")
def scanned_filter(
    database: None,
    next_hop: NextHop,
    more_engines: MoreEngines,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningFilter]:
    folder = tmp_path_factory.mktemp("scanned")
    settings = more_engines.settings | {"FILTER_SPAM_TIMEOUT_SECONDS": SECONDS}
    with running_filter(folder, next_hop, **settings) as running:
        yield running


@pytest.fixture
def engines(more_engines: MoreEngines) -> MoreEngines:
    more_engines.says()
    return more_engines


@pytest.fixture
def box(
    scanned_filter: RunningFilter, hop: NextHop, engines: MoreEngines, manage: Manage
) -> Iterator[Box]:
    """A filter with two engines of each kind, which does not remember what it scanned."""
    Alarm.objects.all().delete()
    with site_setting("remember_seconds", 0):
        yield Box(scanned_filter, hop, engines, manage)


def status(box: Box, address: str = BOB) -> str:
    """Return X-Spam-Status of the recipient's copy on one line."""
    return " ".join((box.copy(address).first("X-Spam-Status") or "").split())


def prefers(box: Box, address: str, name: str) -> None:
    box.set(address, "sa_userconf=sql:", f"sa_username={name}")


# Primary and backup virus scanners


@pytest.mark.parametrize(
    ("primary", "backup", "outcome", "viruses", "asked"),
    [
        ("", WORM, "delivered", [], 0),  # whoever is clean by a primary is clean
        (WORM, "", "held", [WORM], 0),
        (None, "", "delivered", [], 1),
        (None, WORM, "held", [WORM], 1),
        (None, None, "deferred", [], 1),
    ],
)
def test_a_backup_is_asked_where_no_primary_answers(
    box: Box,
    engines: MoreEngines,
    primary: str | None,
    backup: str | None,
    outcome: str,
    viruses: list[str],
    asked: int,
) -> None:
    """BB-46, V-2, V-5: Sophie is the primary here; without any answer the mail waits, 451."""
    box.manage("scanners", "role", "clamd", "backup")
    try:
        engines.sophie = primary
        engines.virus = backup or ""
        engines.clamd_fails = backup is None
        reply = box.send(mail(), BOB)
    finally:
        box.manage("scanners", "role", "clamd", "primary")
        engines.clamd_fails = False
    assert box.row(BOB)["outcome"] == outcome
    assert reply.startswith("451 4.3.") is (outcome == "deferred")
    assert box.entry()["viruses"] == viruses
    assert min(1, engines.scans["clamd"]) == asked


# Names that are worth points


@pytest.mark.parametrize(
    ("clamd", "sophie", "text", "viruses"),
    [
        (PHISH, "", "words", []),
        (PHISH, WORM, "words", [WORM]),
        (WORM, "", "words", [WORM]),
        (PHISH, "", EICAR, ["Eicar-Test-Signature"]),
    ],
)
def test_a_name_for_phishing_is_no_virus_unless_another_is(
    box: Box, engines: MoreEngines, clamd: str, sophie: str, text: str, viruses: list[str]
) -> None:
    """BB-47, V-4."""
    box.set(BOB, "spam_kill_level=never")
    engines.says(score=1.4, virus=clamd)
    engines.sophie = sophie
    box.send(mail(text), BOB)
    row = box.row(BOB)
    assert box.entry()["viruses"] == viruses
    assert row["outcome"] == ("held" if viruses else "delivered")
    assert box.entry()["score"] == (None if viruses else 1.4)  # infected mail is not scored
    if not viruses:
        copy = box.copy(BOB)
        assert (copy.first("X-Spam-Score"), row["score"]) == ("1.5", 1.5)
        assert f"tests=[AV:{PHISH}=0.1, EXACT=1.4]" in status(box)
        assert copy.first("X-Amavis-Alert") is None
        assert (copy.first("X-Virus-Scanned") or "").startswith("Postern")
        assert any("sign of spam" in reason for reason in row["reasons"])


def test_a_site_says_itself_what_names_are_worth(box: Box, engines: MoreEngines) -> None:
    """BB-47, V-4: all recipients get the points, and their own levels decide."""
    box.set(CAROL, "spam_kill_level=never")
    box.manage("virusnames", "add", "^Win\\.Adware", "6.3", "--place", "1")
    try:
        engines.says(virus="Win.Adware.Toolbar")
        box.send(mail(), BOB, CAROL)
    finally:
        box.manage("virusnames", "reset")
    assert (box.row(BOB)["category"], box.row(BOB)["outcome"]) == ("spam", "held")
    assert "tests=[AV:Win.Adware.Toolbar=6.3, EXACT=0]" in status(box, CAROL)
    assert box.copy(CAROL).first("X-Spam-Flag") == "YES"
    box.send(mail(Subject="again"), BOB)
    assert box.row(BOB)["category"] == "virus"


# A spam engine that fails

GARBAGE = spamd_says(b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: True ; nan / 5\r\n\r\n")


@pytest.mark.parametrize("fault", [hangs_up, hangs, GARBAGE], ids=["down", "slow", "garbage"])
@pytest.mark.parametrize(
    ("destiny", "reply", "outcome"),
    [
        ("tempfail", "451 4.", "deferred"),
        ("pass", "250 2.0.0 ", "delivered"),
        ("discard", "250 2.7.0 ", "held"),
    ],
)
def test_what_a_failure_means_says_the_policy(
    box: Box, engines: MoreEngines, fault: Any, destiny: str, reply: str, outcome: str
) -> None:
    """BB-48, S-5, B1, B2, B5: a copy that passes says that it was not scored, and why is told."""
    box.set("example.com", f"spam_failure_destiny={destiny}")
    engines.spamd = fault
    assert box.send(mail(), BOB).startswith(reply)
    row = box.row(BOB)
    assert (row["outcome"], row["score"], box.entry()["score"]) == (outcome, None, None)
    assert any("spam engine gave no answer" in reason for reason in row["reasons"])
    if outcome == "delivered":
        assert box.copy(BOB).first("X-Postern-Unscanned") == "spam scan failed"
        assert "score=x" in status(box)
    engines.spamd = None
    box.send(mail(Subject="later"), BOB)
    assert (box.row(BOB)["outcome"], box.entry()["score"]) == ("delivered", 0.0)


# Large mail


@pytest.mark.parametrize("engine", ["spamd", "rspamd"])
@pytest.mark.parametrize(("before", "found"), [(0, True), (1_000_000, False)])
def test_of_a_large_mail_the_beginning_is_scored_and_that_is_said(
    box: Box, engines: MoreEngines, engine: str, before: int, found: bool
) -> None:
    """BB-49, S-3, B7: 5 MB of text with a limit of 200 KiB."""
    filler = "words, words, words\r\n"
    text = filler * (before // len(filler)) + MARKER + "\r\n" + filler * (5_000_000 // len(filler))
    with site_setting("spam_engine", engine):
        assert box.send(mail(text), BOB).startswith("250")
    shown = engines.letters[0][1] if engine == "spamd" else engines.rspamd.shown[0]
    assert 200 * 1024 - 100 < len(shown) < 200 * 1024 + 1000
    assert (MARKER.encode() in shown) is found
    assert "__TRUNCATED" in box.entry()["rules"]
    assert "__TRUNCATED=0" in status(box)
    assert ("MARKED" in box.entry()["rules"]) is (found and engine == "spamd")
    (delivery,) = box.hop.deliveries_to(BOB)
    assert len(delivery.content or b"") > 5_000_000


# Preferences


def test_each_set_of_preferences_is_one_scan_and_each_gets_his_own_score(
    box: Box, engines: MoreEngines
) -> None:
    """BB-50, S-1, S-9: fields, subject and fate of a copy are by its own recipient's score."""
    prefers(box, BOB, "bob")
    prefers(box, CAROL, "strict")
    box.set("example.com", "spam_tag2_level=4", "spam_subject_tag2=[spam] ", "spam_kill_level=9")
    engines.says(score=1.0)
    engines.users = {"bob": 5.0, "strict": 9.5}
    replies = box.send_each(mail(), BOB, CAROL, DAVE)
    assert [user for user, _ in engines.letters] == ["postern", "bob", "strict"]
    assert [reply[:10] for reply in replies] == ["250 2.0.0 ", "250 2.7.0 ", "250 2.0.0 "]
    assert [box.row(who)["score"] for who in (BOB, CAROL, DAVE)] == [5.0, 9.5, 1.0]
    assert [box.row(who)["rules"]["EXACT"] for who in (BOB, CAROL, DAVE)] == [5.0, 9.5, 1.0]
    assert box.entry()["score"] == 1.0
    assert (box.copy(BOB).first("X-Spam-Score"), box.copy(BOB).subject) == ("5", "[spam] A letter")
    assert (box.copy(DAVE).first("X-Spam-Score"), box.copy(DAVE).subject) == ("1", "A letter")
    assert box.row(CAROL)["outcome"] == "held"


def test_recipients_of_one_name_share_a_scan(box: Box, engines: MoreEngines) -> None:
    """BB-50, S-1, S-8; who wants no score costs none."""
    for address in (BOB, CAROL):
        prefers(box, address, "ours")
    prefers(box, DAVE, "his")
    box.set(DAVE, "bypass_spam_checks=yes")
    box.send(mail(), BOB, CAROL, DAVE)
    assert [user for user, _ in engines.letters] == ["ours"]
    assert box.copy(DAVE).first("X-Spam-Status") is None


def test_a_scan_that_fails_for_one_name_is_a_failure_for_those_who_have_it(
    box: Box, engines: MoreEngines
) -> None:
    """S-1, S-5, P3: by LMTP the others get their mail, and he when it works again."""
    prefers(box, BOB, "bob")
    engines.broken_users = {"bob"}
    replies = box.send_each(mail(), BOB, CAROL)
    assert [reply[:4] for reply in replies] == ["451 ", "250 "]
    assert (box.got(BOB), box.got(CAROL)) == (False, True)
    assert (box.row(BOB)["outcome"], box.row(CAROL)["outcome"]) == ("deferred", "delivered")
    engines.broken_users = set()
    assert box.send_each(mail(), BOB)[0].startswith("250 2.0.0 ")


# Rspamd


@pytest.mark.parametrize(
    ("engine", "score", "tests"),
    [
        ("spamd", "1.4", "EXACT=1.4"),
        ("rspamd", "4.2", "R_TEST=4.2, RSPAMD_ACTION=0"),
        ("both", "5.6", "EXACT=1.4, RSPAMD.R_TEST=4.2, RSPAMD_ACTION=0"),
        ("fallback", "1.4", "EXACT=1.4"),
    ],
)
def test_the_site_says_which_engine_scores(
    box: Box, engines: MoreEngines, engine: str, score: str, tests: str
) -> None:
    """S-10: Rspamd's 10 points are 4.2 here, by the factor 0.42."""
    engines.says(score=1.4)
    engines.rspamd.points = {"R_TEST": 10.0}
    with site_setting("spam_engine", engine):
        box.send(mail(), BOB, xforward="ADDR=192.0.2.7 HELO=mx.example.org IDENT=4ABC")
    assert box.copy(BOB).first("X-Spam-Score") == score
    assert f"tests=[{tests}]" in status(box)
    assert not engines.rspamd.complaints
    if engine in ("rspamd", "both"):
        (fields,) = engines.rspamd.asked
        assert (fields["ip"], fields["helo"]) == (["192.0.2.7"], ["mx.example.org"])
        assert (fields["queue-id"], fields["rcpt"]) == (["4ABC"], [BOB])


def test_rspamd_takes_over_while_spamd_fails_and_people_are_told(
    box: Box, engines: MoreEngines
) -> None:
    """S-10, B1."""
    engines.spamd = hangs_up
    engines.rspamd.points = {"R_TEST": 20.0}
    with site_setting("spam_engine", "fallback"):
        assert box.send(mail(), BOB).startswith("250 2.7.0 ")
    assert (box.row(BOB)["outcome"], box.entry()["score"]) == ("held", 8.4)
    assert heard("spam engine fallback")


def test_half_of_both_is_a_failure(box: Box, engines: MoreEngines) -> None:
    """S-5, S-10, P3."""
    engines.spamd = hangs_up
    with site_setting("spam_engine", "both"):
        assert box.send(mail(), BOB).startswith("451 4.")
    assert not box.got(BOB)


def heard(alarm: str) -> bool:
    """Tell whether the alarm is written within a while: the filter does not wait for that."""
    deadline = time.monotonic() + 20
    while not (written := Alarm.objects.filter(name=alarm).exists()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return written
