"""The outbox of notices: who is told, how often, and in which words (N-5, N-6, BB-65)."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import connection

from appliance.notices.models import NoticeTemplate
from appliance.notices.source import DatabaseTemplates
from appliance.status.health import _notices
from appliance.status.models import SiteSettings
from appliance.status.probe import Probe
from quarantine import notify, tasks
from quarantine.letters import Letters
from quarantine.models import MailRecord, Notice, SeenVirus
from quarantine.notify import MOST_AT_ONCE, claim, send_notices
from quarantine.retention import retain
from quarantine.store import DatabaseJournal
from smtpfilter.mail.findings import Findings, Virus
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.ports.journal import JournalEntry, JournalRecipient
from smtpfilter.verdict.facts import FACTS
from smtpfilter.verdict.outcome import Outcome
from smtpfilter.verdict.verdict import NoticeOrder
from tests.evidence.builders import (
    BUSY,
    NO,
    OCTETS,
    OK,
    ScriptedRelay,
    delivered,
    entry,
    held,
    settled,
)

ADMIN = "virusalert@example.com"
LETTERS = Letters(DatabaseTemplates(), "filter.example.com", "https://filter.example.com")
WORM = Findings(viruses=(Virus("Worm.Lovgate", "clamd"),))
HEADER = ["Subject: hello", "To: ann@example.com, eve@other.example"]


def policy_with(**settings: Any) -> EffectivePolicy:
    return EffectivePolicy(replace(DEFAULTS, **settings), {}, True)


def order(kind: str = "virus_admin", to: str = ADMIN, language: str = "en") -> NoticeOrder:
    names = ("Worm.Lovgate",) if kind == "newvirus_admin" else ()
    return NoticeOrder(kind, to, language, names)


def infected(
    *orders: NoticeOrder,
    recipients: tuple[JournalRecipient, ...] = (),
    findings: Findings = WORM,
    **how: Any,
) -> JournalEntry:
    """An infected message, and who is told of it besides the sender."""
    told = policy_with(virus_admin=f"Virusalert@Example.com, {ADMIN}", newvirus_admin=ADMIN)
    made = entry(*(recipients or (held(policy=told),)), findings=findings, **how)
    facts = FACTS | {"viruses": ["Worm.Lovgate"], "sender": "bob@sender.example", "header": HEADER}
    return replace(made, notices=orders or (order(),), facts=facts)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=10)


def letter(octets: bytes) -> EmailMessage:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def states() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def limit(transactional_db: None) -> Iterator[int]:
    """Two notices in an hour."""
    SiteSettings.objects.update_or_create(id=1, defaults={"notices_per_hour": 2})
    yield 2
    SiteSettings.objects.all().delete()


def test_an_administrator_is_told_once_with_header_id_and_link(journal: DatabaseJournal) -> None:
    """N-5: null sender, auto-generated, the header section, where the copy lies."""
    journal.open(infected(), OCTETS)
    relay = ScriptedRelay()
    assert send_notices(relay=relay, letters=LETTERS, now=soon()) == 1
    assert send_notices(relay=relay, letters=LETTERS, now=soon()) == 0

    (submission,), (octets,) = relay.sent, relay.octets
    message, mail = letter(octets), MailRecord.objects.get()
    text = message.get_content()
    assert submission.mail_from.octets == b""
    assert [r.address.text for r in submission.recipients] == [ADMIN]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Subject"] == "New virus in mail from <bob@sender.example>: Worm.Lovgate"
    assert f"https://filter.example.com/mails/{mail.mail_id}/" in text
    assert "<ann@example.com> held" in text
    assert "Subject: hello" in text
    assert states() == ["sent"]


def test_a_notice_waits_until_the_next_hop_has_mostly_answered(journal: DatabaseJournal) -> None:
    journal.open(infected(), OCTETS)
    assert claim(now=datetime.now(UTC)) is None


def test_an_administrator_hears_only_of_those_whose_policy_names_him(
    journal: DatabaseJournal,
) -> None:
    """Of two customers, one learns nothing of the other."""
    recipients = (held(policy=policy_with(virus_admin=ADMIN)), held("eve@other.example"))
    journal.open(infected(recipients=recipients), OCTETS)
    relay = ScriptedRelay()
    send_notices(relay=relay, letters=LETTERS, now=soon())
    text = letter(relay.octets[0]).get_content()
    assert "<ann@example.com> held" in text
    assert "<eve@other.example>" not in text


def test_a_recipient_learns_nothing_of_others(journal: DatabaseJournal) -> None:
    """N-6, Z-17: whatever the template says."""
    NoticeTemplate.objects.create(
        kind="warnbannedrecip",
        language="de",
        subject="{{ subject }}",
        body="{% for r in recipients %}\n{{ r.address }} {{ r.banned|join }}\n{% endfor %}\n"
        "{{ banned|join }} {{ header|join }}",
    )
    recipients = (held(banned=("mine.exe",)), held("eve@other.example", banned=("hers.exe",)))
    orders = (order("warnbannedrecip", "ann@example.com", "de"),)
    try:
        journal.open(infected(*orders, recipients=recipients), OCTETS)
        relay = ScriptedRelay()
        send_notices(relay=relay, letters=LETTERS, now=soon())
    finally:
        NoticeTemplate.objects.all().delete()
    (octets,) = relay.octets
    assert b"ann@example.com mine.exe" in octets
    assert b"eve" not in octets
    assert b"hers" not in octets


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "mail to you from <bob@sender.example>, an address that is probably faked"),
        ("de", "Sie kam von <bob@sender.example>, einer\nwahrscheinlich gefälschten Adresse"),
        ("xx", "mail to you from <bob@sender.example>"),
    ],
)
def test_a_recipient_is_told_who_seems_to_have_sent_the_virus(
    journal: DatabaseJournal, language: str, words: str
) -> None:
    """2(t): "virus found in mail to you from <sender probably faked>; original kept as <id>"."""
    journal.open(infected(order("warnvirusrecip", "ann@example.com", language)), OCTETS)
    relay = ScriptedRelay()
    send_notices(relay=relay, letters=LETTERS, now=soon())
    text = letter(relay.octets[0]).get_content()
    assert words in text.replace("\r\n", "\n")
    assert MailRecord.objects.get().mail_id in text


def test_a_recipient_of_delivered_mail_is_told_so(journal: DatabaseJournal) -> None:
    """N-6: a notice goes even to a lover, who got the mail."""
    made = infected(
        order("warnvirusrecip", "ann@example.com"), recipients=(delivered(),), key=b"d" * 32
    )
    journal.open(made, OCTETS)
    journal.close(made.envelope, settled(Outcome.DELIVERED, OK, "ann@example.com"), soon())
    relay = ScriptedRelay()
    send_notices(relay=relay, letters=LETTERS, now=soon())
    assert "was delivered to you all the same" in letter(relay.octets[0]).get_content()


def test_a_retry_repeats_no_notice(journal: DatabaseJournal) -> None:
    """O-9, Z-10, BB-26: neither before the notice was sent nor after it."""
    orders = (
        order(),
        order("warnvirusrecip", "ann@example.com"),
        order("newvirus_admin", "other@example.com"),
    )
    waiting = (delivered(policy=policy_with(virus_admin=ADMIN)),)
    relay = ScriptedRelay()
    for _ in range(3):
        attempt = infected(*orders, recipients=waiting, key=b"k" * 32)
        journal.open(attempt, OCTETS)
        journal.close(attempt.envelope, {}, soon())
        send_notices(relay=relay, letters=LETTERS, now=soon())
    assert len(relay.octets) == 3


def test_an_order_that_stands_there_twice_is_one_notice(journal: DatabaseJournal) -> None:
    journal.open(infected(order(), order()), OCTETS)
    assert Notice.objects.count() == 1


def test_a_new_virus_is_told_of_once_for_ever(journal: DatabaseJournal) -> None:
    """N-5: newvirus_admin, whoever got the virus the first time."""
    journal.open(infected(order("newvirus_admin")), OCTETS)
    journal.open(infected(order("newvirus_admin")), OCTETS)
    assert Notice.objects.count() == 1
    assert list(SeenVirus.objects.values_list("name", flat=True)) == ["Worm.Lovgate"]


def test_a_virus_is_seen_even_where_nobody_wants_to_hear_of_it(journal: DatabaseJournal) -> None:
    """N-5."""
    journal.open(infected(order("virus_admin")), OCTETS)
    journal.open(infected(order("newvirus_admin")), OCTETS)
    assert [notice.kind for notice in Notice.objects.all()] == ["virus_admin"]


def test_who_hears_of_every_virus_hears_once_of_a_new_one(journal: DatabaseJournal) -> None:
    """N-5: once for each address, retries included; that notice says that it is new."""
    relay = ScriptedRelay()
    for _ in range(2):
        waiting = (delivered(policy=policy_with(virus_admin=ADMIN)),)
        attempt = infected(order(), order("newvirus_admin"), recipients=waiting, key=b"n" * 32)
        journal.open(attempt, OCTETS)
        journal.close(attempt.envelope, {}, soon())
        send_notices(relay=relay, letters=LETTERS, now=soon())
    (octets,) = relay.octets
    assert letter(octets)["Subject"].startswith("New virus in mail")


def test_two_mails_with_one_new_virus_make_one_notice(journal: DatabaseJournal) -> None:
    """N-5: whichever comes first, at the same time."""
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        try:
            journal.open(infected(order("newvirus_admin")), OCTETS)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Notice.objects.count() == 1


def test_a_flood_makes_a_few_notices_and_one_summary(journal: DatabaseJournal) -> None:
    """BB-65, Z-15: 1000 infected mails in a minute; amavisd sends 1000 notices."""
    for _ in range(1000):
        journal.open(infected(), OCTETS)
    relay, now = ScriptedRelay(), soon()
    assert send_notices(relay=relay, letters=LETTERS, now=now) == 20
    assert send_notices(relay=relay, letters=LETTERS, now=now + timedelta(minutes=59)) == 0
    assert send_notices(relay=relay, letters=LETTERS, now=now + timedelta(minutes=61)) == 1
    assert send_notices(relay=relay, letters=LETTERS, now=now + timedelta(hours=9)) == 0

    summary = letter(relay.octets[-1])
    text = summary.get_content()
    assert summary["Subject"] == "Summary: 980 more notices (virus_admin)"
    assert text.count("https://filter.example.com/mails/") == 50
    assert "and 930 more" in text
    assert sorted(set(states())) == ["sent", "summed"]


def test_what_comes_after_the_summary_is_told_singly_again(
    journal: DatabaseJournal, limit: int
) -> None:
    relay, now = ScriptedRelay(), soon()
    for _ in range(limit + 1):
        journal.open(infected(), OCTETS)
    send_notices(relay=relay, letters=LETTERS, now=now)
    later = now + timedelta(minutes=61)
    send_notices(relay=relay, letters=LETTERS, now=later)
    for _ in range(limit + 1):
        journal.open(infected(), OCTETS)
    assert send_notices(relay=relay, letters=LETTERS, now=later) == limit
    assert states() == ["sent", "sent", "summed", "sent", "sent", "sent", "collected"]


def test_each_kind_and_address_has_its_own_limit(journal: DatabaseJournal, limit: int) -> None:
    other = order(to="other@example.com")
    for _ in range(limit + 1):
        journal.open(infected(order(), other, order("spam_admin")), OCTETS)
    assert send_notices(relay=ScriptedRelay(), letters=LETTERS, now=soon()) == 3 * limit
    assert states().count("collected") == 3


def test_a_busy_next_hop_is_asked_again_later(journal: DatabaseJournal) -> None:
    journal.open(infected(), OCTETS)
    journal.open(infected(), OCTETS)
    relay, now = ScriptedRelay(BUSY, OK), soon()
    assert send_notices(relay=relay, letters=LETTERS, now=now) == 0
    assert len(relay.sent) == 1, "the other one waits: the next hop may be down"
    assert send_notices(relay=relay, letters=LETTERS, now=now) == 1
    assert Notice.objects.earliest("pk").reply == str(BUSY)
    assert send_notices(relay=relay, letters=LETTERS, now=now + timedelta(minutes=2)) == 1
    assert states() == ["sent", "sent"]


def test_a_next_hop_that_always_defers_has_refused(journal: DatabaseJournal) -> None:
    journal.open(infected(), OCTETS)
    after = soon() + timedelta(days=3)
    send_notices(relay=ScriptedRelay(BUSY), letters=LETTERS, now=after)
    assert states() == ["failed"]


@pytest.mark.parametrize("to", ["nobody@example.com", "", "a\rb@example.com"])
def test_a_refused_notice_is_logged_and_over(
    journal: DatabaseJournal, caplog: pytest.LogCaptureFixture, to: str
) -> None:
    """N-4: a 5xx is only logged."""
    journal.open(infected(order(to=to)), OCTETS)
    relay = ScriptedRelay(NO)
    assert send_notices(relay=relay, letters=LETTERS, now=soon()) == 0
    assert send_notices(relay=relay, letters=LETTERS, now=soon() + timedelta(days=1)) == 0
    assert states() == ["failed"]
    assert "was not taken: 55" in caplog.text


def test_a_notice_that_cannot_be_written_keeps_no_other_back(
    journal: DatabaseJournal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.open(infected(), OCTETS)
    journal.open(infected(order(to="other@example.com")), OCTETS)
    Notice.objects.filter(address=ADMIN).update(facts=[])
    relay, now = ScriptedRelay(), soon()
    for _ in range(2):
        send_notices(relay=relay, letters=LETTERS, now=now)
    assert states() == ["waiting", "sent"]
    assert "could not be written" in caplog.text


def test_what_a_dead_worker_left_behind_is_sent_by_another(
    journal: DatabaseJournal, limit: int
) -> None:
    """It took its place in the hour already."""
    for _ in range(limit + 1):
        journal.open(infected(), OCTETS)
    now = soon()
    assert claim(now=now) is not None
    relay = ScriptedRelay()
    assert send_notices(relay=relay, letters=LETTERS, now=now) == limit - 1
    assert send_notices(relay=relay, letters=LETTERS, now=now + timedelta(minutes=16)) == 1
    assert states() == ["sent", "sent", "collected"]


def test_two_workers_never_send_one_notice_twice(journal: DatabaseJournal) -> None:
    for number in range(12):
        journal.open(infected(order(to=f"admin{number % 3}@example.com")), OCTETS)
    relays, now = [ScriptedRelay() for _ in range(3)], soon()

    def work(relay: ScriptedRelay) -> None:
        try:
            send_notices(relay=relay, letters=LETTERS, now=now)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(relay,)) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(relay.sent) for relay in relays) == 12


def test_a_next_hop_that_hangs_does_not_take_every_worker(journal: DatabaseJournal) -> None:
    for number in range(MOST_AT_ONCE + 1):
        journal.open(infected(order(to=f"admin{number}@example.com")), OCTETS)
    now = soon()
    taken = [claim(now=now) for _ in range(MOST_AT_ONCE)]
    assert all(taken)
    assert claim(now=now) is None


def test_a_round_ends_after_a_minute(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "ROUND_SECONDS", -1.0)
    for number in range(2):
        journal.open(infected(order(to=f"admin{number}@example.com")), OCTETS)
    assert send_notices(relay=ScriptedRelay(), letters=LETTERS, now=soon()) == 1


def test_facts_are_never_taken_for_a_template(journal: DatabaseJournal) -> None:
    """S2: the mail's subject asks for a loop, its sender for a header field."""
    made = infected()
    facts = dict(made.facts) | {
        "subject": "{% for x in recipients %}{{ 7 * 7 }}{% endfor %}",
        "viruses": ["{{ hostname }}"],
        "sender": "bob\r\nBcc: eve@example.com",
    }
    journal.open(replace(made, facts=facts), OCTETS)
    relay = ScriptedRelay()
    send_notices(relay=relay, letters=LETTERS, now=soon())
    message = letter(relay.octets[0])
    assert message["Bcc"] is None
    assert message["Subject"] == (
        "New virus in mail from <bob Bcc: eve@example.com>: {{ hostname }}"
    )
    assert "{% for x in recipients %}{{ 7 * 7 }}{% endfor %}" in message.get_content()


def test_facts_that_postgres_cannot_store_do_not_stop_the_mail(journal: DatabaseJournal) -> None:
    """P6."""
    made = infected()
    journal.open(replace(made, facts={"subject": "nul \x00 and \ud800"}), OCTETS)
    assert Notice.objects.get().facts["subject"] == "nul \ufffd and \ufffd"


def test_notices_end_with_the_record_of_their_message(journal: DatabaseJournal, limit: int) -> None:
    for _ in range(limit + 1):
        journal.open(infected(), OCTETS)
    now = soon()
    send_notices(relay=ScriptedRelay(), letters=LETTERS, now=now)
    send_notices(relay=ScriptedRelay(), letters=LETTERS, now=now + timedelta(minutes=61))
    assert retain(now=now + timedelta(days=89))["ended"] == 0
    assert len(states()) == limit + 2
    retain(now=now + timedelta(days=91))
    assert not Notice.objects.exists()


def test_health_tells_of_notices_that_nobody_sends(journal: DatabaseJournal) -> None:
    """With Celery dead they wait, visibly."""
    assert _notices() == Probe(True, "none waits")
    journal.open(infected(), OCTETS)
    assert _notices() == Probe(True, "1 waiting, the oldest for 0 min")
    ago = datetime.now(UTC) - timedelta(minutes=25)
    Notice.objects.update(created_at=ago, not_before=ago)
    assert _notices() == Probe(
        False, "1 waiting, the oldest for 25 min; do Celery's worker and beat run?"
    )


def test_the_task_sends_by_way_of_the_relay_for_notices(
    journal: DatabaseJournal, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WEB_PUBLIC_URL, settings.APPLIANCE_HOSTNAME = "https://mail.test", "mail.test"
    relay = ScriptedRelay()
    monkeypatch.setattr(tasks, "notify_relay", lambda: relay)
    journal.open(infected(), OCTETS)
    Notice.objects.update(not_before=datetime.now(UTC))
    tasks.send_notices.apply()
    message = letter(relay.octets[0])
    assert message["From"] == '"Mail filter at mail.test" <postmaster@mail.test>'
    assert "https://mail.test/mails/" in message.get_content()
