"""What stands in delivered copies, over real sockets (T-5 to T-9; BB-1, BB-2, BB-5 to BB-7, BB-17,
BB-38).
"""

from smtpfilter.mail.message import Message, parse
from tests.doubles.next_hop import NextHop
from tests.flows.conftest import Manage
from tests.flows.mails import GTUBE, body, mail
from tests.flows.running import RunningFilter

BOB, CAROL, OSCAR = "bob@example.com", "carol@example.com", "oscar@outside.example"
LOVES_SPAM = "spam_lover=yes"


def copies(hop: NextHop) -> dict[str, tuple[bytes, Message]]:
    """Return by recipient the copy that he got."""
    return {
        address: (delivery.content or b"", parse(delivery.content or b""))
        for delivery in hop.delivered
        for address in delivery.accepted
    }


def test_each_gets_the_fields_that_are_his_and_a_trace(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """T-5, T-9, K-11; BB-1, BB-2."""
    sent = mail()
    postern.send(sent, BOB, OSCAR)

    found = copies(hop)
    (entry,) = manage("mails", "list")
    for content, message in found.values():
        assert body(content) == body(sent)
        trace = message.first("received") or ""
        assert trace.startswith("from mx.example.com ([127.0.0.1])\tby filter.example.com (Postern")
        assert f"id {entry['mail_id']}" in trace
    (_, bobs), (_, oscars) = found[BOB], found[OSCAR]
    assert f"for <{BOB}>;" in (bobs.first("received") or "")
    assert [field.name for field in bobs.fields][:7] == [
        "X-Virus-Scanned",
        *("X-Spam-Flag", "X-Spam-Score", "X-Spam-Level", "X-Spam-Status"),
        *("Received", "Received"),
    ]
    assert [field.name for field in oscars.fields][:3] == [
        "X-Virus-Scanned",
        "Received",
        "Received",
    ]


def test_two_recipients_of_one_copy_do_not_learn_of_each_other(
    postern: RunningFilter, hop: NextHop
) -> None:
    """T-9."""
    postern.send(mail(), BOB, CAROL)

    (copy,) = hop.delivered
    trace = parse(copy.content or b"").first("received") or ""
    assert "Postern" in trace
    assert "for <" not in trace


def test_forged_fields_are_gone_and_each_has_his_own_tag(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """BB-5, BB-6, BB-7, BB-38: no tag of another, none twice."""
    manage("policy", "set", BOB, LOVES_SPAM, "spam_subject_tag2=[bob] ")
    manage("policy", "set", CAROL, LOVES_SPAM, "spam_subject_tag2=[carol] ")
    forged = {"X-Spam-Flag": "NO", "X-Amavis-Alert": "forged", "X-Quarantine-ID": "<forged>"}
    results = {"Authentication-Results": "filter.example.com; dkim=pass (forged)"}
    postern.send(mail(GTUBE, "=?utf-8?q?Re:_[bob]_gr=C3=BCn?=", **forged, **results), BOB, CAROL)

    found = copies(hop)
    assert {address: message.subject for address, (_, message) in found.items()} == {
        BOB: "[bob] Re: grün",
        CAROL: "[carol] Re: [bob] grün",
    }
    for content, message in found.values():
        assert b"forged" not in content
        assert [field.text for field in message.all("X-Spam-Flag")] == ["YES"]
        assert len(message.all("X-Quarantine-ID")) == 1


def test_a_bad_header_section_is_repaired_and_alerted(postern: RunningFilter, hop: NextHop) -> None:
    """BB-17, H-2, H-4, T-10."""
    sent = mail("text").replace(b"To: ", b"X-Odd: a\r\n \t\r\n b\rc\r\nDate: again\r\nTo: ")
    postern.send(sent, BOB)

    content, message = copies(hop)[BOB]
    assert message.first("X-Amavis-Alert") == "BAD HEADER SECTION, Bare CR: X-Odd: a       b c"
    assert b"\r\nX-Odd: a\r\n bc\r\n" in content
    assert body(content) == body(sent)
