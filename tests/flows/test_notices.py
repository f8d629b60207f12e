"""Who is told of a virus: through the filter's sockets, the outbox and the next hop."""

import email
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from appliance.notices.source import DatabaseTemplates
from quarantine.letters import Letters
from quarantine.models import Notice
from quarantine.nexthop import notify_relay
from quarantine.notify import send_notices
from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import Upstream
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, GTUBE, mail
from tests.flows.running import RunningFilter

ADMIN, BOB, SENDER = "virusalert@example.com", "bob@example.com", "sender@example.org"
LETTERS = Letters(DatabaseTemplates(), "filter.example.com", "https://filter.example.com")
QUEUED = "IDENT=4ABC ADDR=192.0.2.1"


@pytest.fixture(autouse=True)
def told(manage: Manage) -> Iterator[None]:
    manage("policy", "set", "example.com", f"virus_admin={ADMIN}", "warnvirusrecip=yes")
    yield
    notify_relay.cache_clear()


def actions(hop: NextHop) -> list[str]:
    """Return how it ended for Bob, as each report to the sender says."""
    reports = [list(report.iter_parts())[1].get_payload() for report in letters_to(hop, SENDER)]
    return [str(recipient["Action"]) for _, recipient in reports]


def send_waiting(minutes: float = 0.2) -> int:
    """Send the notices that wait `minutes` from now, as the task does every ten seconds."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    return send_notices(relay=notify_relay(), letters=LETTERS, now=now)


def letters_to(hop: NextHop, address: str) -> list[EmailMessage]:
    found = [
        email.message_from_bytes(copy.content or b"", policy=policy.default)
        for copy in hop.delivered
        if copy.accepted == [address] and copy.mail == "<>"
    ]
    return [message for message in found if isinstance(message, EmailMessage)]


def test_a_virus_is_told_of_once_also_after_a_retry(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """N-5, N-6, O-9: the next hop defers the first attempt, and one of the notices too."""
    manage("policy", "set", "lover@example.com", "virus_lover=yes")
    hop.script.rcpt["lover@example.com"] = "450 4.2.1 mailbox busy"
    virus = mail(EICAR)
    (first,) = postern.send(virus, BOB, "lover@example.com", xforward=QUEUED)
    assert first.startswith("450 ")
    sent = send_waiting()
    hop.script.rcpt.clear()
    (second,) = postern.send(virus, BOB, "lover@example.com", xforward=QUEUED)
    assert second.startswith("250 ")
    sent += send_waiting(minutes=3)

    assert sent == Notice.objects.count() == 3
    (to_admin,) = letters_to(hop, ADMIN)
    (to_bob,) = letters_to(hop, BOB)
    (to_lover,) = letters_to(hop, "lover@example.com")
    assert "Subject: A letter" in to_admin.get_content()
    assert "<bob@example.com> held" in to_admin.get_content()
    assert "was stopped and is kept as" in to_bob.get_content()
    assert "lover" not in to_bob.get_content()
    assert "was delivered to you all the same" in to_lover.get_content()
    assert not letters_to(hop, SENDER), "the virus fakes its sender"


def test_clean_mail_tells_nobody(postern: RunningFilter, hop: NextHop) -> None:
    (reply,) = postern.send(mail(), BOB)
    assert reply.startswith("250 ")
    assert send_waiting() == 0
    assert len(hop.delivered) == 1


def test_a_bounce_is_told_in_the_words_of_what_stopped_it(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """N-1, N-3, BB-30: with the report for programs beside them, and never the body."""
    manage("policy", "set", BOB, "virus_destiny=bounce", "viruses_that_fake_sender=")
    manage("policy", "set", BOB, "notice_language=de")
    postern.send(mail(EICAR), BOB, xforward=QUEUED)
    (report,) = letters_to(hop, SENDER)
    text, status, header = report.iter_parts()
    assert report["Subject"] == "Nicht zugestellt: In Ihrer Nachricht ist ein Virus"
    assert "gefunden: " in text.get_content()
    about, recipient = status.get_payload()
    assert about["Reporting-MTA"] == "dns; filter.example.com"
    assert about["Received-From-MTA"] == "dns; [192.0.2.1]"
    assert recipient["Final-Recipient"] == f"rfc822;{BOB}"
    assert recipient["Action"] == "failed"
    assert recipient["Status"].startswith("5.")
    assert "INFECTED" in recipient["Diagnostic-Code"]
    assert recipient["Remote-MTA"] is None
    assert header.get_content_type() == "text/rfc822-headers"
    assert b"EICAR-STANDARD" not in report.as_bytes()


def send(
    postern: RunningFilter,
    content: bytes,
    *,
    notify: str = "",
    sender: str = SENDER,
    client: str = "192.0.2.1",
) -> str:
    """Send one message to Bob; return the reply."""
    with Upstream(postern.address) as upstream:
        upstream.say("EHLO mx.example.com")
        upstream.say(f"XFORWARD ADDR={client}")
        upstream.say(f"MAIL FROM:<{sender}>")
        upstream.say(f"RCPT TO:<{BOB}>" + (f" NOTIFY={notify}" if notify else ""))
        return upstream.message(content)


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("", {}),
        (SENDER, {"Precedence": "bulk"}),
        (SENDER, {"List_Id": "<l.example.org>"}),
        (SENDER, {"Auto_Submitted": "auto-generated"}),
        ("owner-list@example.org", {}),
        ("list-bounces@example.org", {}),
        (SENDER, {"From": "MAILER-DAEMON@example.org"}),
    ],
    ids=["null", "bulk", "list", "automatic", "owner-", "-bounces", "mailer-daemon"],
)
def test_nobody_waits_for_an_answer_to_bulk_mail_bb28(
    postern: RunningFilter, hop: NextHop, manage: Manage, sender: str, fields: dict[str, str]
) -> None:
    """BB-28, N-2: a bounce becomes a discard, and the held copy stays."""
    manage("policy", "set", BOB, "spam_destiny=bounce")
    reply = send(postern, mail(GTUBE, **fields), sender=sender)
    assert reply.startswith("250 2.5.0 ")
    assert "bounce.suppressed" in reply
    assert not hop.delivered
    assert manage("mails", "list")[0]["recipients"][0]["state"] == "held"


@pytest.mark.parametrize(
    ("settings", "client", "told"),
    [
        ((), "192.0.2.1", True),
        (("spam_dsn_cutoff_level=900",), "192.0.2.1", False),
        (("spam_dsn_cutoff_level=9000",), "192.0.2.1", True),
        (("spam_dsn_cutoff_level=900",), "198.51.100.1", True),
        (("spam_crediblefrom_dsn_cutoff_level=900",), "198.51.100.1", False),
    ],
    ids=["never", "above", "below", "credible", "credible and above"],
)
def test_from_the_cut_off_on_no_notice_goes_to_the_sender_bb29(
    postern: RunningFilter,
    hop: NextHop,
    manage: Manage,
    settings: tuple[str, ...],
    client: str,
    told: bool,
) -> None:
    """BB-29, N-1.9, T-3: a sender of the own network has a level of his own."""
    manage("networks", "add", "198.51.100.0/24")
    try:
        manage("policy", "set", BOB, "spam_destiny=bounce", *settings)
        send(postern, mail(GTUBE), client=client)
    finally:
        manage("networks", "remove", "198.51.100.0/24")
    assert len(letters_to(hop, SENDER)) == told


@pytest.mark.parametrize("destiny", ["pass", "discard", "bounce", "reject"])
@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY", "FAILURE", "SUCCESS,FAILURE", ""])
def test_the_sender_is_told_what_he_asked_for_bb61(
    postern: RunningFilter, hop: NextHop, manage: Manage, destiny: str, notify: str
) -> None:
    """BB-61, N-1: a refusal of all is passed back; of success tells a next hop that offers DSN."""
    manage("policy", "set", BOB, f"spam_destiny={destiny}")
    reply = send(postern, mail(GTUBE), notify=notify)
    assert reply.startswith("554 5.7.0 " if destiny == "reject" else "250 2.")
    wants_failures = "FAILURE" in notify or not notify
    expected = ["failed"] if destiny == "bounce" and wants_failures else []
    assert actions(hop) == expected


@pytest.mark.parametrize(("notify", "expected"), [("SUCCESS", ["relayed"]), ("FAILURE", [])])
def test_a_next_hop_without_dsn_leaves_success_to_us_bb61(
    own_filter: Callable[..., Any], hop: NextHop, notify: str, expected: list[str]
) -> None:
    """BB-61, N-1.4, N-1.5, RFC 3461 5.2.2."""
    hop.script.without("DSN")
    with own_filter(hop) as filter_without:
        send(filter_without, mail(), notify=notify)
    assert actions(hop) == expected


def test_a_sender_of_ours_hears_that_his_mail_is_held(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """N-1.7 is done better: he would else learn nothing; strangers still do not."""
    manage("networks", "add", "198.51.100.0/24")
    try:
        send(postern, mail(GTUBE), client="198.51.100.1")
        send(postern, mail(GTUBE), client="192.0.2.1")
    finally:
        manage("networks", "remove", "198.51.100.0/24")
    (report,) = letters_to(hop, SENDER)
    text = next(report.iter_parts()).get_content()
    assert report["Subject"] == "Your message was stopped and is kept"
    assert "spam" in text
    assert "may release it" in text
