"""Who is told of a virus: through the filter's sockets, the outbox and the next hop."""

import email
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage

import pytest

from appliance.notices.source import DatabaseTemplates
from quarantine.letters import Letters
from quarantine.models import Notice
from quarantine.nexthop import notify_relay
from quarantine.notify import send_notices
from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, mail
from tests.flows.running import RunningFilter

ADMIN, BOB = "virusalert@example.com", "bob@example.com"
LETTERS = Letters(DatabaseTemplates(), "filter.example.com", "https://filter.example.com")
QUEUED = "IDENT=4ABC ADDR=192.0.2.1"


@pytest.fixture(autouse=True)
def told(manage: Manage) -> Iterator[None]:
    manage("policy", "set", "example.com", f"virus_admin={ADMIN}", "warnvirusrecip=yes")
    yield
    notify_relay.cache_clear()


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
    assert not letters_to(hop, "sender@example.org"), "the virus fakes its sender"


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
    (report,) = letters_to(hop, "sender@example.org")
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
