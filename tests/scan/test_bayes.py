"""Bayes, preferences and the agent with a real spamd on Postgres."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from appliance.engines.bayes import NEEDED, Counts, counts
from appliance.engines.learning import learn_files
from appliance.engines.models import Preference, Rendering
from appliance.status.edit import set_setting
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.findings import SpamReport
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Letter
from smtpfilter.scan.spamd import Spamd
from tests.doubles.rendered_spamd import RenderedSpamd, rendered_spamd

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = b"""From: a@example.org\r
To: b@example.com\r
Message-Id: <%d@example.org>\r
Date: Mon, 23 Nov 2026 00:00:00 +0000\r
Subject: a subject with words\r
\r
unheard-of sentences about gardening, number %d, with enough words to learn from\r
"""
_BAYES = ("bayes_vars", "bayes_seen", "bayes_token", "bayes_expire")


def mail(number: int = 1) -> bytes:
    return MAIL % (number, number)


@pytest.fixture(scope="module")
def started(django_db_setup: None, django_db_blocker: Any) -> Iterator[RenderedSpamd]:
    with django_db_blocker.unblock(), rendered_spamd() as spamd:
        yield spamd


@pytest.fixture
def spamd(started: RenderedSpamd) -> RenderedSpamd:
    """One that has learnt nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_BAYES)}")
    return started


@pytest.fixture
def scan(
    spamd: RenderedSpamd, spooled: Callable[[bytes], SpooledMail], envelope: Envelope
) -> Callable[..., SpamReport]:
    def scan_for(user: str = "postern", octets: bytes = mail()) -> SpamReport:
        return spamd.client(user).scan(Letter(spooled(octets), envelope), 60)

    return scan_for


def names(report: SpamReport) -> set[str]:
    return {rule.name for rule in report.rules}


def magic(spamd: RenderedSpamd) -> Counts:
    """Return what `sa-learn --dump magic` says."""
    said = spamd.run("/usr/bin/sa-learn", "--dump", "magic")
    found = {
        name: int(count) for count, name in re.findall(r"(\d+) +\d+ +non-token.*: (n\w+)", said)
    }
    return Counts(found["nspam"], found["nham"])


# Bayes


def test_learn_relearn_and_forget_are_counted_as_sa_learn_counts(spamd: RenderedSpamd) -> None:
    """S-7, 2(w): the counts equal `sa-learn --dump magic`, whoever learns."""
    assert counts() == Counts(0, 0)
    client = spamd.client()

    assert client.learn(mail(1), "spam")
    assert spamd.client("someone else").learn(mail(2), "spam")
    assert client.learn(mail(3), "ham")
    assert not client.learn(mail(3), "ham")
    assert counts() == magic(spamd) == Counts(2, 1)

    assert client.learn(mail(1), "ham")
    assert counts() == magic(spamd) == Counts(1, 2)

    assert client.learn(mail(2), "forget")
    assert counts() == Counts(0, 2)


def test_bulk_learning_is_counted_as_sa_learn_counts(spamd: RenderedSpamd, tmp_path: Path) -> None:
    """S-7, 2(w)."""
    (tmp_path / "box").write_bytes(
        b"".join(b"From x\n" + mail(number).replace(b"\r", b"") + b"\n" for number in range(5))
    )
    (tmp_path / "one.eml").write_bytes(mail(4))

    job = learn_files(kind="ham", paths=[tmp_path], actor="tests", scanner=spamd.client())

    assert (job.learnt, job.known, job.failed) == (5, 1, 0)
    assert counts() == magic(spamd) == Counts(0, 5)


@pytest.mark.parametrize(
    ("learnt", "active"),
    [((NEEDED, NEEDED), True), ((NEEDED - 1, 5000), False), ((5000, NEEDED - 1), False)],
)
def test_bayes_scores_from_200_of_each_on(
    scan: Callable[..., SpamReport], spamd: RenderedSpamd, learnt: tuple[int, int], active: bool
) -> None:
    """S-7: inactive until 200 of each, for SpamAssassin and on screen alike."""
    spamd.client().learn(mail(), "spam")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bayes_vars SET spam_count = %s, ham_count = %s", learnt)

    assert counts().active is active
    assert ("inactive until 200" in str(counts())) is not active
    assert any(name.startswith("BAYES_") for name in names(scan())) is active


@pytest.fixture
def owner() -> int:
    """Return the number of a user who has learnt nothing."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bayes_vars, bayes_token")
        cursor.execute("INSERT INTO bayes_vars (username) VALUES ('postern') RETURNING id")
        return int(cursor.fetchone()[0])


PUT = "SELECT put_tokens(%s, %s, %s, %s, %s)"


def tokens() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, spam_count, ham_count, atime FROM bayes_token ORDER BY token")
        return [(bytes(token), *numbers) for token, *numbers in cursor.fetchall()]


def test_tokens_are_counted_up_and_down_as_spamassassin_asks(owner: int) -> None:
    """Counts never go below zero; what is taken back makes no token."""
    known, other = [b"aaaaa", b"bbbb\\"], [b"aaaaa", b"ccccc"]
    with connection.cursor() as cursor:
        for call in [
            (known, 1, 0, 50),
            (known, 2, 0, 40),
            (other, -9, 0, 60),
            (known[:1], 0, 1, 0),
        ]:
            cursor.execute(PUT, [owner, *call])
        cursor.execute("SELECT token_count, newest_token_age, oldest_token_age FROM bayes_vars")
        assert cursor.fetchone() == (2, 60, 40)
    assert tokens() == [(b"aaaaa", 0, 1, 60), (b"bbbb\\", 3, 0, 50)]


def test_two_nodes_that_learn_a_new_token_at_once_both_count(owner: int) -> None:
    """Issue 4: several nodes share one store."""
    at = connection.get_connection_params()
    with (
        psycopg2.connect(**at) as one,
        psycopg2.connect(**at) as two,
        ThreadPoolExecutor(1) as pool,
    ):
        one.cursor().execute(PUT, [owner, [b"aaaaa"], 1, 0, 50])
        waits = pool.submit(two.cursor().execute, PUT, [owner, [b"aaaaa"], 1, 0, 50])
        one.commit()
        waits.result(30)
        two.commit()
    for opened in (one, two):
        opened.close()
    assert tokens() == [(b"aaaaa", 2, 0, 50)]


# Preferences


def test_preferences_are_obeyed_for_their_name_only(scan: Callable[..., SpamReport]) -> None:
    """S-1, BB-50."""
    for username, preference, value in [
        ("bob", "score", "MISSING_MID 4.321"),
        ("bob", "whitelist_from", "*@example.org"),
        ("eve's", "whitelist_from", "*@example.net"),
    ]:
        Preference.objects.create(username=username, preference=preference, value=value)
    bare = mail().replace(b"Message-Id:", b"X-Nothing:")

    bob, nobody, eve = (scan(user, bare) for user in ("bob", "postern", "eve's"))

    points = [
        {rule.name: rule.points for rule in r.rules}["MISSING_MID"] for r in (bob, nobody, eve)
    ]
    assert points == [4.321, 0.552, 0.552]
    assert "USER_IN_WELCOMELIST" in " ".join(names(bob)).replace("WHITE", "WELCOME")
    assert bob.score < -90
    assert nobody.score == eve.score > -10
    assert scan("bob", bare) == bob


def test_a_preference_that_only_administrators_may_write_is_not_obeyed(
    scan: Callable[..., SpamReport],
) -> None:
    """Q4: not even where it came into the table past the list of keys."""
    Preference.objects.create(username="bob", preference="header", value="EVIL Subject =~ /words/")
    Preference.objects.create(username="bob", preference="bayes_path", value="/tmp/evil")

    assert names(scan("bob")) == names(scan())


# The agent


def test_a_setting_reaches_spamd(spamd: RenderedSpamd, scan: Callable[..., SpamReport]) -> None:
    """Design 4.6, S-7: linted, swapped, reloaded, and asked what is in force."""
    client: Spamd = spamd.client()
    client.learn(mail(), "spam")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bayes_vars SET spam_count = 300, ham_count = 300")
    agent = spamd.agent()
    agent.step()
    first = Rendering.objects.get()
    assert (first.ok, first.detail) == (True, "")
    assert any(name.startswith("BAYES_") for name in names(scan()))

    set_setting(name="use_bayes", value=False, actor="a")
    agent.step()

    second = Rendering.objects.get()
    assert (second.ok, second.detail) == (True, "")
    assert second.digest != first.digest
    assert not any(name.startswith("BAYES_") for name in names(scan()))


def test_a_broken_configuration_never_reaches_spamd(
    spamd: RenderedSpamd, scan: Callable[..., SpamReport]
) -> None:
    agent = spamd.agent()
    agent.step()
    before = scan()
    (spamd.folder / "own.cf").write_text("auto_learn 1\n")
    try:
        set_setting(name="bayes_auto_learn", value=False, actor="a")
        agent.step()
        row = Rendering.objects.get()
        assert not row.ok
        assert "auto_learn" in row.detail
        assert names(scan()) == names(before)
    finally:
        (spamd.folder / "own.cf").unlink()
